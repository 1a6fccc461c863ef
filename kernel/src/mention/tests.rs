//! What counts as a mention, and that the rest of a text is unchanged.

use proptest::prelude::*;

use super::bytes::LOOKED_AT;
use super::*;

fn words(text: &str, reading: Reading) -> Vec<&str> {
    candidates(text, reading)
        .into_iter()
        .map(|it| &text[it.start..it.end])
        .collect()
}

fn markdown(text: &str) -> Vec<&str> {
    words(text, Reading::Markdown)
}

#[test]
fn words_after_an_at_sign_are_candidates_but_not_inside_other_words() {
    for reading in [Reading::Plain, Reading::Markdown] {
        for (text, expected) in [
            ("@ann: see @bob:site-b, dan@dan", vec!["ann:", "bob:site-b"]),
            ("(@x.y-z_) @@kim @ @é ü@zoe", vec!["x.y-z_", "kim", "zoe"]),
            ("**@ann** ~~@bob~~ [@kim](x)", vec!["ann", "bob", "kim"]),
            ("snake_@no", vec![]),
            ("@ann/@bob @ann.b/@kim", vec!["ann", "bob", "ann.b", "kim"]),
        ] {
            assert_eq!(words(text, reading), expected, "{text:?}");
        }
    }
    assert_eq!(markdown("_@john_ __@ann__ x_@no_"), ["john_", "ann__"]);
    assert_eq!(words("_@john_", Reading::Plain), [""; 0]);
}

#[test]
fn code_mentions_nobody() {
    for text in [
        "`@john`",
        "`` a ` @john ``",
        "a `b\n@john` c",
        "```@john```",
        "```\n@john\n```",
        "~~~ text\n@john\n~~~",
        "~~~\n@john",
        "    @john",
        "\t@john",
        "text\n\n    @john\n\n    @john",
        "> ```\n> @john\n> ```",
        "see ```\n@john\n```",
        "- `@john`\n- x",
        "\\\\`@john`",
        "https://m.example/` @john `",
        "[a](b` @john `",
    ] {
        assert_eq!(markdown(text), [""; 0], "{text:?}");
        assert!(!words(text, Reading::Plain).is_empty(), "{text:?}");
    }
    for text in [
        "`a @john",
        "`a @john ``",
        "\\`@john`",
        "`a` @john `b`",
        "- `a\n- @john` b",
        "`a\n\n@john`",
        "text\n    @john",
        "```\na\n```\n@john",
        "see ```\na\n```\n@john",
        "- a\n\n    @john",
    ] {
        assert_eq!(markdown(text), ["john"], "{text:?}");
    }
}

#[test]
fn addresses_and_targets_of_links_mention_nobody() {
    for text in [
        "https://m.example/@john",
        "see (HTTPS://m.example:8443/a?b=@john), or",
        "http://[::1]:8065/@john",
        "matrix+x.y-z://@john",
        "www.m.example/@john",
        "m.example/@john/7",
        "mail ann@m.example/@john",
        "m.example:8065/@john",
        "[text](https://m.example/@john)",
        "[text](/@john)",
        "[text]( </a b/@john> \"title @john\" )",
        "[text](/a_(b)/@john 'title [1] @john')",
        "[text](/a\\)/@john)",
        "![image](/@john (title))",
        "[![a](/@john)](/@john)",
        "<xmpp:@john>",
        "<https://m.example/@john>",
        "[name]: /@john",
        "[name]: </@john>\n[other]: /a \"@john\"",
        "https://m.example/`@john",
    ] {
        assert_eq!(markdown(text), [""; 0], "{text:?}");
    }
    for text in [
        "https://m.example/ @john",
        "<https://m.example/> @john",
        "<https://m.example/>@john",
        "[a](b) @john",
        "[a] (@john)",
        "a](@john)",
        "[a](b @john)",
        "\\[a](@john)",
        "[a](b\n",
        "e.g./@john",
        "1.5/@john",
        "a/@john",
        "://@john",
        "<a b:@john>",
        "[@john]: to you and others",
        "[a]: @john hello",
    ] {
        let expected: &[&str] = if text.contains('@') { &["john"] } else { &[] };
        let found = markdown(text);
        let found: Vec<&str> = found.iter().map(|it| it.trim_end_matches(':')).collect();
        assert_eq!(found, expected, "{text:?}");
    }
}

#[test]
fn only_the_named_bytes_are_replaced() {
    let text = "hi @ann:b, @ann";
    let mention = |start, end, user| Mention {
        start,
        end,
        name: text[start..end].to_string(),
        user: UserNo(user),
    };
    let mentions = [mention(4, 9, 1), mention(12, 15, 2)];
    let first = |one: &Mention| (one.user == UserNo(1)).then(|| "ann".to_string());
    assert_eq!(replace(text, &mentions, first), "hi @ann, @ann");
}

#[test]
fn the_names_of_a_word_are_as_long_as_names_can_be() {
    let names = |text: &str| -> Vec<String> {
        let [candidate] = candidates(text, Reading::Markdown)[..] else {
            panic!("one candidate: {text:?}");
        };
        candidate.names(text).collect()
    };
    assert_eq!(names("@Ann.B-_"), ["ann.b-_", "ann.b-", "ann.b"]);
    assert_eq!(names(&format!("@a{}", ":".repeat(9_000))).len(), 64);
    assert_eq!(names(&format!("@{}", "a".repeat(65))), [""; 0]);
}

/// Text composed of fragments that are special somewhere.
fn any_text() -> impl Strategy<Value = String> {
    let parts = prop::sample::select(vec![
        "@john",
        "@ann.b",
        "@",
        "a",
        "Ü",
        " ",
        "\t",
        "\n",
        "\r\n",
        "\n\n",
        "    ",
        "`",
        "``",
        "```",
        "~~~",
        "[",
        "]",
        "](",
        "(",
        ")",
        "<",
        ">",
        "\\",
        "\"",
        "'",
        ":",
        "/",
        "://",
        "www.",
        "m.example",
        "_",
        "*",
        "-",
        "- ",
        "1. ",
        "> ",
        "#",
        "# ",
        "=",
        "| ",
        "x:",
    ]);
    prop::collection::vec(parts, 0..60).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_no_mention_stays_byte_for_byte(text in any_text()) {
        let found = candidates(&text, Reading::Markdown);
        prop_assert!(found.is_sorted_by(|a, b| a.end <= b.start));
        for it in &found {
            prop_assert_eq!(&text[it.start - 1..it.start], "@");
            prop_assert!(text[it.start..it.end].bytes().all(|b| b.is_ascii() && b != b'@'));
        }
        let same = found.iter().map(|it| (it.start, it.end, text[it.start..it.end].to_string()));
        prop_assert_eq!(rewrite(&text, same), text.clone());
        let marked = found.iter().map(|it| (it.start, it.end, "\u{1}".to_string()));
        let marked = rewrite(&text, marked);
        let mut rest = found.iter();
        let unmarked: String = marked
            .split_inclusive('\u{1}')
            .flat_map(|part| match part.strip_suffix('\u{1}') {
                Some(head) => [head, rest.next().map_or("", |it| &text[it.start..it.end])],
                None => [part, ""],
            })
            .collect();
        prop_assert_eq!(unmarked, text);
    }

    #[test]
    fn whatever_stands_in_code_or_in_an_address_is_no_mention(text in any_text()) {
        let (fence, ticks) = ("~".repeat(text.len() + 3), "`".repeat(text.len() + 1));
        let lines = text.split(['\r', '\n']);
        let line = text.replace(['\r', '\n'], " ");
        let word = text.replace(['\r', '\n', '\t', ' ', '<', '>', '`'], "");
        let target = word.replace(['(', ')', '\\'], "");
        for text in [
            lines.map(|line| format!("    {line}\n")).collect(),
            format!("{fence}\n{text}\n{fence}"),
            format!("a {ticks} {line} {ticks}"),
            format!("https://m.example/{word}"),
            format!("[a](/{target})"),
        ] {
            prop_assert!(markdown(&text).is_empty(), "{:?}", text);
        }
    }

    #[test]
    fn the_plain_reading_finds_all_that_the_other_finds_but_emphasis(text in any_text()) {
        let text = text.replace('_', "-");
        let plain = words(&text, Reading::Plain);
        let mut all = plain.iter();
        prop_assert!(markdown(&text).iter().all(|it| all.any(|other| other == it)));
    }

    #[test]
    fn the_work_grows_with_the_length_alone(part in any_text(), times in 1usize..200) {
        let text = format!("@a{}", part.repeat(times));
        assert_linear(&text);
    }
}

/// Maximum number of reads for each byte of text; a link target may be read once for each bracket.
const LOOKS_MAX: u64 = 64;

fn assert_linear(text: &str) {
    LOOKED_AT.set(0);
    assert!(candidates(text, Reading::Markdown).len() <= text.len());
    let (looked, length) = (LOOKED_AT.get(), text.len() as u64);
    assert!(
        looked <= LOOKS_MAX * (length + 1),
        "{looked} looks at {length} bytes"
    );
}

#[test]
fn hostile_texts_are_no_more_work_than_others() {
    let rising: String = (1..200).map(|n| format!("{} ", "`".repeat(n))).collect();
    for part in [
        "[](",
        "[](a ",
        "[](a \"",
        "[](a '",
        "[](a (",
        "[]((",
        "[](<",
        "[",
        "](",
        "\\",
        "<x:",
        "<",
        "`",
        "` ",
        "@",
        "_",
        "@_",
        "_@",
        "www.",
        "a.b/",
        "://",
        "a://`",
        "> ",
        ">",
        "- ",
        "1. ",
        "```\n",
        "a ```\n",
        "~~~ ``\n",
        "[a]: ",
        "[a]: b\n",
        "[a]: b \"",
        "~~~\n",
        "#",
        "# \n",
        "    \n",
        "\r",
        "-",
        "= ",
        "@a:",
    ] {
        assert_linear(&format!("@a{}", part.repeat(20_000)));
        assert_linear(&format!("@a\n\n{}", part.repeat(20_000)));
    }
    assert_linear(&format!("@a {rising}"));
}

/// The starts of the candidates that `chosen` picks by their number.
fn starts(found: &[Candidate], chosen: impl Fn(usize) -> bool) -> Vec<usize> {
    let numbered = found.iter().enumerate();
    let picked = numbered.filter(|(number, _)| chosen(*number));
    picked.map(|(_, it)| it.start).collect()
}

#[test]
fn a_silenced_mention_is_a_plain_word() {
    for (text, chosen, expected) in [
        (
            "@ann: see @bob:b, @all!",
            vec![0, 2],
            "ann: see @bob:b, all!",
        ),
        (
            "**@ann** _@bob_ (@@kim)",
            vec![0, 1, 2],
            "**ann** _bob_ (kim)",
        ),
        ("`@x` @ann\r\n> @bob", vec![1], "`@x` @ann\r\n> bob"),
        ("\u{e9}@ann@bob", vec![0], "\u{e9}ann@bob"),
        ("@ann", vec![], "@ann"),
    ] {
        let found = candidates(text, Reading::Markdown);
        let starts = starts(&found, |number| chosen.contains(&number));
        assert_eq!(silence(text, starts.into_iter()), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn silencing_leaves_out_the_signs_of_what_is_silenced_and_changes_no_other_byte(
        text in any_text(),
        chosen in prop::collection::vec(any::<bool>(), 60),
    ) {
        let found = candidates(&text, Reading::Markdown);
        let starts = starts(&found, |number| chosen[number % 60]);
        let silenced = silence(&text, starts.iter().copied());
        // Read back from the end: each chosen start has lost the run of signs before it.
        let mut expected = text.clone();
        for start in starts.iter().rev() {
            let signs = text[..*start].bytes().rev().take_while(|byte| *byte == b'@').count();
            prop_assert!(signs >= 1);
            expected.replace_range(start - signs..*start, "");
        }
        prop_assert_eq!(silenced, expected);
    }

    #[test]
    fn in_ordinary_words_exactly_the_silenced_mentions_are_gone(
        words in prop::collection::vec((0..5usize, any::<bool>()), 0..20),
    ) {
        let names = ["@ann", "@bob:site", "(@all)", "plain", "**@kim**"];
        let text: Vec<&str> = words.iter().map(|(word, _)| names[*word]).collect();
        let text = text.join(" ");
        let found = candidates(&text, Reading::Markdown);
        let silent: Vec<bool> = words
            .iter()
            .filter(|(word, _)| *word != 3)
            .map(|(_, silent)| *silent)
            .collect();
        prop_assert_eq!(found.len(), silent.len());
        let silenced = silence(&text, starts(&found, |number| silent[number]).into_iter());
        let rest: Vec<&str> = found
            .iter()
            .zip(&silent)
            .filter(|(_, silent)| !**silent)
            .map(|(it, _)| &text[it.start..it.end])
            .collect();
        prop_assert_eq!(markdown(&silenced), rest);
        prop_assert_eq!(silenced.replace('@', ""), text.replace('@', ""));
    }
}
