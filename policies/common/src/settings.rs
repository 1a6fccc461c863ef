//! Reading settings that are JSON.

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A list with at least one element: an empty one in settings is more likely a mistake than meant.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<T>", bound = "T: Deserialize<'de>")]
pub struct NonEmpty<T>(Vec<T>);

impl<T> TryFrom<Vec<T>> for NonEmpty<T> {
    type Error = &'static str;

    fn try_from(list: Vec<T>) -> Result<NonEmpty<T>, &'static str> {
        if list.is_empty() {
            return Err("the list must not be empty");
        }
        Ok(NonEmpty(list))
    }
}

impl<T> NonEmpty<T> {
    /// Its elements, in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "it never is")]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// Whether a list contains something; no list contains everything.
pub fn includes<T: PartialEq>(list: Option<&NonEmpty<T>>, wanted: &T) -> bool {
    list.is_none_or(|list| list.iter().any(|it| it == wanted))
}

/// Reads settings; a blank text means `{}`.
///
/// # Errors
/// What is wrong, after the path of the field that it is about, e.g. `rules[0].max_bytes: …`.
pub fn read<T: DeserializeOwned>(settings: &str) -> Result<T, String> {
    let text = if settings.trim().is_empty() {
        "{}"
    } else {
        settings
    };
    let mut json = serde_json::Deserializer::from_str(text);
    let read = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let what = error.into_inner();
        match path.as_str() {
            "." => what.to_string(),
            _ => format!("{path}: {what}"),
        }
    })?;
    json.end().map_err(|error| error.to_string())?;
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        #[serde(default)]
        rules: Vec<Rule>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Rule {
        names: NonEmpty<String>,
    }

    #[test]
    fn an_error_says_which_field_is_wrong() {
        let refused = |text: &str| read::<Settings>(text).unwrap_err();
        let text = r#"{"rules": [{"names": ["a"]}, {"names": 3}]}"#;
        assert!(
            refused(text).starts_with("rules[1].names: "),
            "{}",
            refused(text)
        );
        let text = r#"{"rules": [{"names": []}]}"#;
        assert!(refused(text).contains("rules[0].names: the list must not be empty"));
        let text = r#"{"rules": [{}]}"#;
        assert!(refused(text).contains("rules[0]: missing field `names`"));
        assert!(refused(r#"{"rulez": []}"#).contains("unknown field `rulez`"));
        assert!(refused("{} {}").contains("trailing"));
    }

    #[test]
    fn blank_settings_are_those_without_fields() {
        assert_eq!(read::<Settings>(" \n").unwrap(), Settings { rules: vec![] });
    }
}
