//! The words of a command line. Protocol §12.

/// A command line, taken apart: `/trigger action --key value …`.
///
/// Words are separated by white space. The second word is the action unless it starts with `--`;
/// the value of a key is the next word unless that starts with `--`. Unlike the reference, quotes
/// join words, so that names may hold spaces.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    trigger: String,
    action: String,
    pairs: Vec<(String, String)>,
}

impl Arguments {
    /// Takes a line apart.
    #[must_use]
    pub fn parse(line: &str) -> Arguments {
        let mut words = words(line).into_iter().peekable();
        let trigger = words.next().unwrap_or_default();
        let trigger = trigger.trim_start_matches('/').to_ascii_lowercase();
        let action = words
            .next_if(|word| !word.starts_with("--"))
            .unwrap_or_default();
        let mut pairs = Vec::new();
        while let Some(word) = words.next() {
            let Some(key) = word.strip_prefix("--") else {
                continue;
            };
            let value = words
                .next_if(|word| !word.starts_with("--"))
                .unwrap_or_default();
            pairs.push((key.to_ascii_lowercase(), value));
        }
        Arguments {
            trigger,
            action: action.to_ascii_lowercase(),
            pairs,
        }
    }

    /// The command's word, in lower case and without the slash.
    #[must_use]
    pub fn trigger(&self) -> &str {
        &self.trigger
    }

    /// The action, in lower case; empty when there is none.
    #[must_use]
    pub fn action(&self) -> &str {
        &self.action
    }

    /// The value of a key, whose case does not matter; empty when it is missing.
    #[must_use]
    pub fn get(&self, key: &str) -> &str {
        let found = self
            .pairs
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(key));
        found.map_or("", |(_, value)| value)
    }

    /// The value of a key that must be there.
    ///
    /// # Errors
    /// A sentence that names it.
    pub fn require(&self, key: &str) -> Result<&str, String> {
        match self.get(key) {
            "" => Err(format!("Missing or empty `{key}`")),
            value => Ok(value),
        }
    }

    /// A switch: `y yes 1 t true` or `n no 0 f false`; missing is no.
    ///
    /// # Errors
    /// A sentence when it is neither.
    pub fn switch(&self, key: &str) -> Result<bool, String> {
        match self.get(key).to_ascii_lowercase().as_str() {
            "" | "n" | "no" | "0" | "f" | "false" => Ok(false),
            "y" | "yes" | "1" | "t" | "true" => Ok(true),
            _ => Err(format!("Invalid value for `{key}`: use Y or N")),
        }
    }
}

/// Words separated by white space; a quote at the beginning of a word reaches to the next one of
/// its kind, or to the end.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, after) = if first == '"' || first == '\'' {
            let inside = rest.get(1..).unwrap_or_default();
            inside.split_once(first).unwrap_or((inside, ""))
        } else {
            rest.split_once(char::is_whitespace).unwrap_or((rest, ""))
        };
        words.push(word.to_string());
        rest = after.trim_start();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_an_action_and_pairs() {
        let found = Arguments::parse("/Secure-Connection  Create --name globex\t--password 'a b'");
        assert_eq!(found.trigger(), "secure-connection");
        assert_eq!(found.action(), "create");
        assert_eq!(found.get("name"), "globex");
        assert_eq!(found.require("Password"), Ok("a b"));
        assert_eq!(
            found.require("invite"),
            Err("Missing or empty `invite`".into())
        );
    }

    #[test]
    fn a_second_word_with_dashes_is_no_action_and_a_key_no_value() {
        let found = Arguments::parse("/share-channel --connectionID --readonly yes");
        assert_eq!(found.action(), "");
        assert_eq!(found.get("connectionid"), "");
        assert_eq!(found.switch("readonly"), Ok(true));
        assert!(
            Arguments::parse("/x y --readonly maybe")
                .switch("readonly")
                .is_err()
        );
    }

    #[test]
    fn odd_lines_do_no_harm() {
        for line in [
            "",
            "/",
            "   ",
            "/x \"",
            "/x ''",
            "/x stray words",
            "/x y --",
            "/ä ö --ü 'ß",
        ] {
            let _ = Arguments::parse(line);
        }
        assert_eq!(Arguments::parse("/x y \"--name\" z").get("name"), "z");
    }
}
