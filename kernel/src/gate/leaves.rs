//! The texts among a post's properties: collecting them for the policies, and replacing them.

use crate::boundary::policy::TextLeaf;
use crate::model::limits::{QUESTION_TEXTS_BYTES_MAX, QUESTION_TEXTS_MAX};
use crate::wire::json::{Document, JsonType, Value};
use crate::wire::write::JsonWriter;

/// Every non-empty text of `props`, in order. `None` if they exceed the limits of a question, or if `props`
/// is not JSON.
pub fn collect(props: &str) -> Option<Vec<TextLeaf>> {
    if props.is_empty() {
        return Some(Vec::new());
    }
    let document = Document::parse(props.as_bytes()).ok()?;
    let mut leaves = Vec::new();
    let mut bytes = 0;
    walk(document.root(), &mut String::new(), &mut |path, leaf| {
        let text = leaf.as_text().ok()?;
        if text.is_empty() {
            return Some(());
        }
        bytes += path.len() + text.len();
        if leaves.len() >= QUESTION_TEXTS_MAX || bytes > QUESTION_TEXTS_BYTES_MAX {
            return None;
        }
        leaves.push(TextLeaf {
            path: path.to_string(),
            text: text.into_owned(),
        });
        Some(())
    })?;
    Some(leaves)
}

/// `props` with these texts at their paths; every other byte is unchanged. Paths that do not point to a text
/// are ignored.
pub fn replace(props: &str, texts: &[TextLeaf]) -> Option<String> {
    let document = Document::parse(props.as_bytes()).ok()?;
    let mut replaced = String::with_capacity(props.len());
    let mut copied = 0;
    walk(document.root(), &mut String::new(), &mut |path, leaf| {
        if let Some(new) = texts.iter().find(|it| it.path == path) {
            let span = leaf.span();
            replaced.push_str(props.get(copied..span.start)?);
            let mut quoted = JsonWriter::new();
            quoted.text(&new.text);
            replaced.push_str(&String::from_utf8(quoted.finish()).ok()?);
            copied = span.end;
        }
        Some(())
    })?;
    replaced.push_str(props.get(copied..)?);
    Some(replaced)
}

/// Passes every text of a value with its path to `see`; stops when `see` returns `None`. The reader limits
/// the depth of a document, so the recursion is bounded.
fn walk(
    value: Value<'_>,
    path: &mut String,
    see: &mut impl FnMut(&str, Value<'_>) -> Option<()>,
) -> Option<()> {
    if value.kind() == JsonType::String {
        return see(path, value);
    }
    let is_object = value.kind() == JsonType::Object;
    let length = path.len();
    for (index, child) in value.children().enumerate() {
        path.push('/');
        if is_object {
            path.push_str(&child.key().replace('~', "~0").replace('/', "~1"));
        } else {
            path.push_str(&index.to_string());
        }
        walk(child, path, see)?;
        path.truncate(length);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(path: &str, text: &str) -> TextLeaf {
        TextLeaf {
            path: path.into(),
            text: text.into(),
        }
    }

    const PROPS: &str = r#"{"n":1, "attachments":[{"text":"a \"b\"","fields":[{"title":""},{"value":"c"}]}],"a/b~":"d","x":null}"#;

    #[test]
    fn every_text_is_found_with_its_path() {
        let expected = [
            leaf("/attachments/0/text", "a \"b\""),
            leaf("/attachments/0/fields/1/value", "c"),
            leaf("/a~1b~0", "d"),
        ];
        assert_eq!(collect(PROPS).unwrap(), expected);
        assert_eq!(collect("").unwrap(), []);
        assert_eq!(collect("{}").unwrap(), []);
    }

    #[test]
    fn texts_are_replaced_at_their_paths_and_nothing_else_changes() {
        let texts = [
            leaf("/a~1b~0", "<\u{1}é"),
            leaf("/attachments/0/text", ""),
            leaf("/none", "x"),
        ];
        let expected = PROPS
            .replace(r#""a \"b\"""#, r#""""#)
            .replace(r#""d""#, r#""\u003c\u0001é""#);
        assert_eq!(replace(PROPS, &texts).unwrap(), expected);
        // With a duplicate key, no reader can pick a text that was not judged.
        let twice = r#"{"a":"1","a":"2"}"#;
        assert_eq!(collect(twice).unwrap(), [leaf("/a", "1"), leaf("/a", "2")]);
        let both = replace(twice, &[leaf("/a", "3")]).unwrap();
        assert_eq!(both, r#"{"a":"3","a":"3"}"#);
    }

    #[test]
    fn what_a_question_cannot_hold_is_not_shown_in_part() {
        let of = |texts: usize, bytes: usize| {
            let list = vec![format!("\"{}\"", "x".repeat(bytes)); texts];
            format!("{{\"a\":[{}]}}", list.join(","))
        };
        assert_eq!(
            collect(&of(QUESTION_TEXTS_MAX, 1)).unwrap().len(),
            QUESTION_TEXTS_MAX
        );
        assert_eq!(collect(&of(QUESTION_TEXTS_MAX + 1, 1)), None);
        let path = "/a/0".len();
        assert!(collect(&of(1, QUESTION_TEXTS_BYTES_MAX - path)).is_some());
        assert_eq!(collect(&of(1, QUESTION_TEXTS_BYTES_MAX - path + 1)), None);
        assert_eq!(collect("{\"a\":"), None);
    }
}
