//! Which files may cross.

use causeway_policy_common::context::Crossing;
use causeway_policy_common::{NonEmpty, Way, concerns};
use serde::Deserialize;

use crate::pattern::{Pattern, folded};

/// Maximum patterns and extensions in all rules, so that decisions stay cheap.
const PATTERNS_MAX: usize = 1_000;

/// Maximum sentences about the rules.
const SENTENCES_MAX: usize = 16;

/// The settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    rules: NonEmpty<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    /// `None` = both.
    direction: Option<Way>,
    /// Ids or names; `None` = all.
    connections: Option<NonEmpty<String>>,
    max_bytes: Option<u64>,
    allow: Option<Listed>,
    deny: Option<Listed>,
}

/// Files by what they are called.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    media_types: Option<NonEmpty<Pattern>>,
    extensions: Option<NonEmpty<Extension>>,
    names: Option<NonEmpty<Pattern>>,
}

/// What a name ends with, with its dot.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Extension(Vec<char>);

/// Maximum bytes of an extension.
const EXTENSION_BYTES_MAX: usize = 50;

impl TryFrom<String> for Extension {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Extension, &'static str> {
        if text.is_empty() || text.len() > EXTENSION_BYTES_MAX {
            return Err("an extension must have 1 to 50 bytes");
        }
        if text.starts_with('.') || text.ends_with(['.', ' ']) || text.contains(['*', '?']) {
            return Err("an extension is given without its first dot and without * or ?");
        }
        Ok(Extension(folded(&format!(".{text}"))))
    }
}

/// A file that is asked about.
pub struct Asked {
    name: Vec<char>,
    /// The name without dots and spaces at its end, which some systems ignore.
    trimmed: usize,
    media_type: Vec<char>,
    size: u64,
}

/// Why a file may not cross.
#[derive(Debug, PartialEq, Eq)]
pub enum Objection {
    /// It is larger than this, in bytes.
    Size(u64),
    /// It is among those that may not, or not among those that may.
    Type,
}

impl Asked {
    /// A file with this name, media type and size in bytes.
    pub fn new(name: &str, media_type: &str, size: u64) -> Asked {
        Asked {
            name: folded(name),
            trimmed: name.trim_end_matches(['.', ' ']).chars().count(),
            media_type: folded(media_type),
            size,
        }
    }

    fn trimmed_name(&self) -> &[char] {
        self.name.get(..self.trimmed).unwrap_or(&self.name)
    }
}

impl Settings {
    /// Reads settings.
    ///
    /// # Errors
    /// What is wrong with which field.
    pub fn read(text: &str) -> Result<Settings, String> {
        let settings: Settings = causeway_policy_common::read(text)?;
        for (number, rule) in settings.rules.iter().enumerate() {
            rule.check()
                .map_err(|what| format!("rules[{number}]{what}"))?;
        }
        let patterns: usize = settings.rules.iter().map(Rule::patterns).sum();
        if patterns > PATTERNS_MAX {
            return Err(format!(
                "rules: they have more than {PATTERNS_MAX} patterns"
            ));
        }
        Ok(settings)
    }

    /// Why a file may not cross, if it may not.
    pub fn object(&self, crossing: &Crossing, file: &Asked) -> Option<Objection> {
        let rules = self.rules.iter();
        let mut rules =
            rules.filter(|rule| concerns(rule.direction, rule.connections.as_ref(), crossing));
        rules.find_map(|rule| rule.object(file))
    }

    /// The rules in words.
    pub fn in_words(&self) -> Vec<String> {
        let rules = self.rules.iter().take(SENTENCES_MAX);
        rules.map(Rule::in_words).collect()
    }
}

impl Rule {
    fn check(&self) -> Result<(), &'static str> {
        if self.max_bytes.is_none() && self.allow.is_none() && self.deny.is_none() {
            return Err(": a rule must have max_bytes, allow or deny");
        }
        let is_empty =
            |listed: &Option<Listed>| listed.as_ref().is_some_and(|it| it.patterns() == 0);
        match (is_empty(&self.allow), is_empty(&self.deny)) {
            (true, _) => Err(".allow: it must have media_types, extensions or names"),
            (_, true) => Err(".deny: it must have media_types, extensions or names"),
            _ => Ok(()),
        }
    }

    fn patterns(&self) -> usize {
        let lists = self.allow.iter().chain(&self.deny);
        lists.map(Listed::patterns).sum()
    }

    fn object(&self, file: &Asked) -> Option<Objection> {
        if let Some(max) = self.max_bytes.filter(|max| file.size > *max) {
            return Some(Objection::Size(max));
        }
        let deny = self.deny.as_ref();
        let is_denied = deny.is_some_and(|it| it.lists(file) || it.names(&file.name));
        let is_allowed = self.allow.as_ref().is_none_or(|it| it.lists(file));
        (is_denied || !is_allowed).then_some(Objection::Type)
    }

    fn in_words(&self) -> String {
        let way = match self.direction {
            None => "that are exchanged with",
            Some(Way::Inbound) => "that come from",
            Some(Way::Outbound) => "that go to",
        };
        let whom = match self.connections {
            None => "connected workspaces",
            Some(_) => "some connected workspaces",
        };
        let mut limits = Vec::new();
        if let Some(max) = self.max_bytes {
            limits.push(format!("at most {max} bytes"));
        }
        if self.allow.is_some() {
            limits.push("certain types or names only".into());
        }
        if self.deny.is_some() {
            limits.push("certain types or names not".into());
        }
        format!("Files {way} {whom}: {}.", limits.join(", "))
    }
}

impl Listed {
    fn patterns(&self) -> usize {
        let patterns = self.media_types.iter().chain(&self.names);
        let patterns: usize = patterns.map(NonEmpty::len).sum();
        patterns + self.extensions.as_ref().map_or(0, NonEmpty::len)
    }

    /// Whether a file is on the list: by its type, or by its name without the dots and spaces at its end.
    fn lists(&self, file: &Asked) -> bool {
        let name = file.trimmed_name();
        let mut media_types = self.media_types.iter().flat_map(NonEmpty::iter);
        let mut extensions = self.extensions.iter().flat_map(NonEmpty::iter);
        media_types.any(|it| it.matches(&file.media_type))
            || self.names(name)
            || extensions.any(|it| name.ends_with(&it.0))
    }

    /// Whether a pattern for names matches this one.
    fn names(&self, name: &[char]) -> bool {
        let mut patterns = self.names.iter().flat_map(NonEmpty::iter);
        patterns.any(|it| it.matches(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_in_words_name_no_connection_and_no_pattern() {
        let text = r#"{"rules": [
            {"direction": "inbound", "max_bytes": 5, "deny": {"names": ["*secret*"]}},
            {"connections": ["globex"], "allow": {"extensions": ["pdf"]}}
        ]}"#;
        assert_eq!(
            Settings::read(text).unwrap().in_words(),
            [
                "Files that come from connected workspaces: at most 5 bytes, certain types or names not.",
                "Files that are exchanged with some connected workspaces: certain types or names only.",
            ]
        );
    }

    #[test]
    fn the_patterns_of_all_rules_are_counted() {
        let rule = |count: usize| {
            let names = vec!["\"x\""; count].join(",");
            format!("{{\"allow\": {{\"names\": [{names}]}}}}")
        };
        let settings = |first, second| {
            Settings::read(&format!(
                "{{\"rules\": [{}, {}]}}",
                rule(first),
                rule(second)
            ))
        };
        assert!(settings(PATTERNS_MAX - 1, 1).is_ok());
        let refused = settings(PATTERNS_MAX, 1).unwrap_err();
        assert_eq!(refused, "rules: they have more than 1000 patterns");
    }
}
