//! Tests of the JSON reader.

use super::*;
use proptest::prelude::*;

#[test]
fn keys_match_without_case_and_the_last_duplicate_wins() {
    let document = Document::parse(br#"{"Id":"a","ID":"b","other":1,"id":null}"#).unwrap();
    assert!(document.root().get("id").unwrap().is_null());
    let document = Document::parse(br#"{"Id":"a","\u0049D":"b"} trailing"#).unwrap();
    assert_eq!(document.root().text("id").unwrap(), "b");
}

#[test]
fn a_later_null_leaves_a_scalar_as_it_was() {
    let document = Document::parse(br#"{"id":"a","n":1,"b":true,"ID":null,"N":null,"B":null}"#);
    let document = document.unwrap();
    let root = document.root();
    assert_eq!(root.text("id").unwrap(), "a");
    assert_eq!(root.integer("n"), Ok(1));
    assert_eq!(root.boolean("b"), Ok(true));
}

#[test]
fn integers_are_those_of_go() {
    let integer = |text: &str| {
        Document::parse(text.as_bytes())
            .unwrap()
            .root()
            .as_integer()
    };
    assert_eq!(integer("-0"), Ok(0));
    assert_eq!(integer("9223372036854775807"), Ok(i64::MAX));
    assert_eq!(integer("-9223372036854775808"), Ok(i64::MIN));
    for text in [
        "9223372036854775808",
        "1.0",
        "1e3",
        "\"1\"",
        "true",
        "[]",
        "{}",
    ] {
        assert!(integer(text).is_err(), "{text}");
    }
}

#[test]
fn the_grammar_is_strict() {
    for text in [
        "",
        " ",
        "[01]",
        "-",
        "+1",
        ".5",
        "1.",
        "1e",
        "--1",
        "nul",
        "True",
        "'a'",
        "\"a",
        "\"\n\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{1:1}",
        "{\"a\" 1}",
        "[}",
        "{]",
        "[1}",
        "]",
        "}",
        ",",
        ":",
        "/**/1",
        "\u{feff}1",
    ] {
        assert!(Document::parse(text.as_bytes()).is_err(), "{text:?}");
    }
    for text in [
        " [ ] ",
        "{ }",
        "\t\r\n-0.5E+7",
        "\"\\/\u{7f}\"",
        "1 2",
        "{}garbage",
        "[]]",
    ] {
        assert!(Document::parse(text.as_bytes()).is_ok(), "{text:?}");
    }
}

#[test]
fn control_characters_stand_in_no_string() {
    for byte in 0..=0x7f {
        let text = [b'"', byte, b'"'];
        let refused = matches!(byte, 0..0x20 | b'"' | b'\\');
        // A quote ends the string; what follows is not read.
        assert_eq!(
            Document::parse(&text).is_err(),
            refused && byte != b'"',
            "{byte:#x}"
        );
    }
}

#[test]
fn errors_say_where_they_are() {
    let error = |text: &str| Document::parse(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(error(r#"{"a":tru}"#), "not JSON at byte 8");
    assert_eq!(error(r#"{"a":"b"#), "the JSON ends too early, at byte 7");
    let document = Document::parse(br#"{"a":"b"}"#).unwrap();
    let error = document.root().integer("a").unwrap_err().to_string();
    assert_eq!(error, "expected a 64-bit integer at byte 5");
    let many = format!("[{}0]", "0,".repeat(NODES_MAX));
    let error = Document::parse(many.as_bytes()).unwrap_err();
    assert_eq!(error.kind, JsonErrorKind::Nodes);
}

#[test]
fn children_and_raw_text_are_those_that_were_sent() {
    let document = Document::parse(b" {\"a\" : [ 1,{\"b\":[]} ],\"c\":\"\xff\"} ").unwrap();
    let root = document.root();
    let children: Vec<_> = root.children().map(|child| child.raw()).collect();
    assert_eq!(children, ["[ 1,{\"b\":[]} ]", "\"\u{fffd}\""]);
    assert_eq!(root.get("A").unwrap().children().count(), 2);
    assert_eq!(root.height(), 4);
    assert!(root.get("c").unwrap().get("a").is_none());
    assert_eq!(root.get("c").unwrap().children().count(), 0);
}

#[test]
fn null_leaves_a_scalar_empty_and_a_wrong_type_is_an_error() {
    let document = Document::parse(br#"{"s":null,"n":null,"l":null,"x":1.5,"t":7}"#).unwrap();
    let root = document.root();
    assert_eq!(root.text("s").unwrap(), "");
    assert_eq!(root.integer("n").unwrap(), 0);
    assert!(root.list("l").unwrap().is_empty());
    assert!(root.integer("x").is_err());
    assert!(root.text("t").is_err());
}

#[test]
fn surrogates_and_broken_utf8_are_repaired() {
    let document = Document::parse(b"[\"\\ud83d\\ude00\\ud83d x\\n\xff\"]").unwrap();
    let text = document
        .root()
        .children()
        .next()
        .unwrap()
        .as_text()
        .unwrap();
    assert_eq!(text, "\u{1F600}\u{FFFD} x\n\u{FFFD}");
}

#[test]
fn deep_nesting_is_refused_without_recursion() {
    let deep = vec![b'['; 100_000];
    let error = Document::parse(&deep).unwrap_err();
    assert_eq!(error.kind, JsonErrorKind::Depth);
    assert!(Document::parse(b"[]").is_ok());
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Document::parse(&bytes);
    }

    #[test]
    fn validity_is_that_of_serde_json(text in r#"[\[\]{}",:0-9a-z\\\-\.eEtrufalsn ]{0,40}"#) {
        let ours = Document::parse(text.as_bytes());
        let mut stream = serde_json::Deserializer::from_str(&text)
            .into_iter::<&serde_json::value::RawValue>();
        let theirs = matches!(stream.next(), Some(Ok(_)));
        // A number directly followed by letters is one value and trailing bytes to us.
        if theirs {
            prop_assert!(ours.is_ok());
        }
    }
}
