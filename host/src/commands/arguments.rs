//! Parser for the arguments of slash commands. Protocol §12.

/// Quotes that can start a value, and those that end it: plain ones, and what keyboards, mail programs and
/// word processors turn them into.
const QUOTES: [(char, &[char]); 8] = [
    ('"', &['"']),
    ('\'', &['\'']),
    ('“', &['”', '“']),
    ('”', &['”']),
    ('„', &['“', '”']),
    ('«', &['»']),
    ('‘', &['’', '‘']),
    ('‚', &['‘', '’']),
];

/// Quotes that end a value but cannot start one.
const CLOSING_QUOTES: [char; 2] = ['»', '’'];

/// What programs turn two hyphens into.
const DASHES: [char; 2] = ['—', '–'];

/// A parsed command line: `/trigger action --key value …`.
///
/// Words are separated by white space. The second word is the action unless it is a key; the value of a key
/// is the next word unless that is a key. Unlike in the reference, a value may be quoted and then contain
/// spaces, and anything ambiguous is refused: otherwise a dropped part of a password, or a quote that became
/// part of it, would only be noticed by the other workspace.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    action: String,
    pairs: Vec<(String, String)>,
}

/// Bytes of the longest key. One in 4,096 invitation codes begins with two dashes like a key; every code is
/// longer than this.
const KEY_BYTES_MAX: usize = 64;

struct Word {
    text: String,
    is_quoted: bool,
}

impl Word {
    /// The key, in lower case, if the word is one.
    fn key(&self) -> Option<String> {
        let key = self.text.strip_prefix("--").filter(|_| !self.is_quoted)?;
        let name = key.split('=').next().unwrap_or_default();
        (name.len() <= KEY_BYTES_MAX).then(|| key.to_ascii_lowercase())
    }
}

/// The word that selects the command, in lower case and without the slash.
#[must_use]
pub fn trigger(line: &str) -> String {
    let first = line.split_whitespace().next().unwrap_or_default();
    first.trim_start_matches('/').to_ascii_lowercase()
}

/// The word that selects the command, as [`trigger`], and the text after it.
#[must_use]
pub fn split_trigger(line: &str) -> (String, &str) {
    let line = line.trim();
    let rest = line
        .split_once(char::is_whitespace)
        .map_or("", |(_, rest)| rest);
    (trigger(line), rest.trim())
}

impl Arguments {
    /// Parses a line.
    ///
    /// # Errors
    /// A sentence that says what was not understood and what to write instead. It repeats no value, which may
    /// be part of a password.
    pub fn parse(line: &str) -> Result<Arguments, String> {
        let (_, rest) = split_word(line.trim_start());
        let mut words = words(rest)?.into_iter().peekable();
        let action = words.next_if(|word| word.key().is_none());
        let mut pairs: Vec<(String, String)> = Vec::new();
        while let Some(word) = words.next() {
            let Some(key) = word.key() else {
                return Err(stray(&word, pairs.last().map(|(key, _)| key.as_str())));
            };
            if key.contains('=') {
                return Err(
                    "Write a space instead of `=` between a key and its value, e.g. `--name \
                            globex`."
                        .to_string(),
                );
            }
            if pairs.iter().any(|(other, _)| *other == key) {
                return Err(format!("`--{}` is given twice.", shown(&key)));
            }
            let value = words.next_if(|word| word.key().is_none());
            pairs.push((key, value.map(|word| word.text).unwrap_or_default()));
        }
        Ok(Arguments {
            action: action
                .map(|word| word.text.to_ascii_lowercase())
                .unwrap_or_default(),
            pairs,
        })
    }

    /// The action, in lower case; empty if there is none.
    #[must_use]
    pub fn action(&self) -> &str {
        &self.action
    }

    /// Checks that there are no keys other than these.
    ///
    /// # Errors
    /// A sentence that names the first unknown key and the known ones.
    pub fn only(&self, keys: &[&str]) -> Result<(), String> {
        let known = |key: &str| keys.iter().any(|known| known.eq_ignore_ascii_case(key));
        let Some((other, _)) = self.pairs.iter().find(|(key, _)| !known(key)) else {
            return Ok(());
        };
        let takes = match keys {
            [] => "takes no keys".to_string(),
            keys => format!("takes `--{}`", keys.join("`, `--")),
        };
        let (action, other) = (&self.action, shown(other));
        Err(format!(
            "There is no `--{other}`: `{}` {takes}.",
            shown(action)
        ))
    }

    /// The value of a key, ignoring case; empty if it is missing.
    #[must_use]
    pub fn get(&self, key: &str) -> &str {
        let found = self
            .pairs
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(key));
        found.map_or("", |(_, value)| value)
    }

    /// The value of a required key.
    ///
    /// # Errors
    /// A sentence that names it.
    pub fn require(&self, key: &str) -> Result<&str, String> {
        match self.get(key) {
            "" => Err(format!("Missing or empty `{key}`")),
            value => Ok(value),
        }
    }

    /// A switch: `y yes 1 t true` or `n no 0 f false`; a missing one is off.
    ///
    /// # Errors
    /// A sentence if it is neither, or if the key has no value.
    pub fn switch(&self, key: &str) -> Result<bool, String> {
        let is_there = self
            .pairs
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case(key));
        match self.get(key).to_ascii_lowercase().as_str() {
            "" if !is_there => Ok(false),
            "n" | "no" | "0" | "f" | "false" => Ok(false),
            "y" | "yes" | "1" | "t" | "true" => Ok(true),
            _ => Err(format!("Invalid value for `{key}`: use Y or N")),
        }
    }
}

/// Splits off the first word, which does not start with a quote.
fn split_word(text: &str) -> (&str, &str) {
    text.split_once(char::is_whitespace).unwrap_or((text, ""))
}

/// Words separated by white space. A word that starts with a quote extends to the closing quote, which must
/// end the word.
fn words(line: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let opened = QUOTES.iter().find(|(open, _)| *open == first);
        let (word, after) = match opened {
            Some((open, close)) => {
                let inside = rest.strip_prefix(*open).unwrap_or_default();
                quoted(inside, close).ok_or_else(|| unclosed(first, close))?
            }
            None => split_word(rest),
        };
        let is_quoted = opened.is_some();
        if !is_quoted && (CLOSING_QUOTES.contains(&first) || word.ends_with(is_quote)) {
            return Err(
                "A value has a quote at one end only. Put the value in plain quotes; if the \
                 quote belongs to it, in quotes of the other kind: `'…\"'` or `\"…'\"`."
                    .to_string(),
            );
        }
        if word.contains(is_invisible) {
            return Err(
                "There is an invisible character in the line; it may have been copied along with \
                        the text. Type the line again."
                    .to_string(),
            );
        }
        words.push(Word {
            text: word.to_string(),
            is_quoted,
        });
        rest = after.trim_start();
    }
    Ok(words)
}

/// Splits at the first of these quotes that ends a word: the text before it, and the text after it.
fn quoted<'t>(text: &'t str, close: &[char]) -> Option<(&'t str, &'t str)> {
    text.char_indices().find_map(|(at, c)| {
        let (inside, rest) = text.split_at_checked(at)?;
        let after = rest.strip_prefix(c)?;
        let ends = after.is_empty() || after.starts_with(char::is_whitespace);
        (close.contains(&c) && ends).then_some((inside, after))
    })
}

fn is_quote(c: char) -> bool {
    CLOSING_QUOTES.contains(&c) || QUOTES.iter().any(|(open, _)| *open == c)
}

/// Invisible characters that no keyboard produces.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'
        )
}

fn unclosed(open: char, close: &[char]) -> String {
    let close: String = close.iter().take(1).collect();
    format!(
        "The quote {open} is not closed: a quoted value ends with {close} before a space or at \
         the end. If the quote belongs to the value, put the value in quotes of another kind."
    )
}

/// The error for a word that is neither a key nor a key's value.
fn stray(word: &Word, key: Option<&str>) -> String {
    if word.text.starts_with(DASHES) && !word.is_quoted {
        return "A key begins with two plain hyphens, `--`; here a program has replaced them with a \
                dash."
            .to_string();
    }
    match key {
        Some(key) => {
            let key = shown(key);
            format!(
                "There is an extra word after `--{key}`: a value with spaces must be in \
                 quotes, e.g. `--{key} \"two words\"`."
            )
        }
        None => "There is an extra word after the action: what follows it must begin with a key, \
                 e.g. `--name globex`."
            .to_string(),
    }
}

/// A key that is safe to repeat: short, and unable to leave its code span.
fn shown(key: &str) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    key.chars().filter(plain).take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Arguments {
        Arguments::parse(line).unwrap()
    }

    #[test]
    fn a_line_has_an_action_and_pairs() {
        let line = "/Secure-Connection  Create --name globex\t--password 'a b'";
        assert_eq!(trigger(line), "secure-connection");
        let found = parsed(line);
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
        let found = parsed("/share-channel --connectionID --readonly yes");
        assert_eq!(found.action(), "");
        assert_eq!(found.get("connectionid"), "");
        assert_eq!(found.switch("readonly"), Ok(true));
        assert_eq!(parsed("/x y").switch("readonly"), Ok(false));
        for line in ["/x y --readonly maybe", "/x y --readonly"] {
            assert!(parsed(line).switch("readonly").is_err(), "{line}");
        }
    }

    #[test]
    fn quotes_of_every_kind_hold_a_value_together_and_are_no_part_of_it() {
        for value in [
            "\"My Company\"",
            "'My Company'",
            "“My Company”",
            "„My Company“",
            "„My Company”",
            "”My Company”",
            "“My Company“",
            "«My Company»",
            "‘My Company’",
            "‚My Company‘",
        ] {
            let found = parsed(&format!("/x create --name {value} --password p"));
            assert_eq!(found.get("name"), "My Company", "{value}");
            assert_eq!(found.get("password"), "p", "{value}");
        }
        assert_eq!(parsed("/x y --name \"Bob's\"").get("name"), "Bob's");
        assert_eq!(parsed("/x y --name ‘Bob’s’ --a b").get("name"), "Bob’s");
        assert_eq!(parsed("/x y --name Bob’s").get("name"), "Bob’s");
        assert_eq!(parsed("/x y --password a\"b").get("password"), "a\"b");
        assert_eq!(parsed("/x y --password '\"ab'").get("password"), "\"ab");
        assert_eq!(parsed("/x y --password \"--ab\"").get("password"), "--ab");
        assert_eq!(parsed("/x y --name ''").get("name"), "");
    }

    #[test]
    fn what_cannot_be_understood_is_refused_with_what_to_write() {
        for (line, says) in [
            ("/x y --password a b", "after `--password`"),
            ("/x y --password 'a' b", "after `--password`"),
            ("/x y stray --name z", "after the action"),
            ("/x y --password \"abc", "not closed"),
            ("/x y --password “abc", "not closed"),
            ("/x y --password “abc --name z", "not closed"),
            ("/x y --password 'a'b", "not closed"),
            ("/x y --password abc”", "one end only"),
            ("/x y --password abc\"", "one end only"),
            ("/x y --password ’abc", "one end only"),
            ("/x y --password »abc«", "one end only"),
            ("/x y --name globex —password abc", "two plain hyphens"),
            ("/x y --password=abc", "a space instead of `=`"),
            ("/x y --password a --PASSWORD b", "twice"),
            ("/x y --password a\u{200b}b", "invisible"),
        ] {
            let error = Arguments::parse(line).unwrap_err();
            assert!(error.contains(says), "{line}: {error}");
            assert!(!error.contains("abc"), "{line}: {error}");
        }
    }

    #[test]
    fn an_invitation_code_that_begins_like_a_key_is_a_value() {
        for end in ["", "=", "=="] {
            let code = format!("--{}{end}", "Ab-_9".repeat(40));
            let found = parsed(&format!("/x accept --invite {code} --name n"));
            assert_eq!(found.get("invite"), code);
            assert_eq!(found.get("name"), "n");
        }
    }

    #[test]
    fn keys_that_an_action_does_not_take_are_named() {
        let found = parsed("/share-channel invite --connectionID a --read-only yes");
        assert_eq!(found.only(&["connectionID", "read-only"]), Ok(()));
        assert_eq!(
            found.only(&["connectionID", "readonly"]),
            Err(
                "There is no `--read-only`: `invite` takes `--connectionID`, `--readonly`."
                    .to_string()
            )
        );
        assert_eq!(parsed("/x status").only(&[]), Ok(()));
        assert_eq!(
            parsed("/x status --`a").only(&[]),
            Err("There is no `--a`: `status` takes no keys.".to_string())
        );
    }

    #[test]
    fn odd_lines_do_no_harm() {
        for line in ["", "/", "   ", "/x \"", "/x ''", "/x y --", "/ä ö --ü 'ß"] {
            let _ = Arguments::parse(line);
        }
        assert_eq!(trigger("/Share-Channel\u{a0}status"), "share-channel");
    }
}
