//! Words of texts as the index holds them: without case and diacritics; scripts that are written without
//! spaces as pairs of characters.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Maximum characters of a word; what follows is not distinguished.
pub const WORD_CHARS_MAX: usize = 64;

/// A text without case and diacritics, in compatibility form.
#[must_use]
pub fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut out = String::with_capacity(text.len());
    for letter in text.nfkd().filter(|it| !is_diacritic(*it)).nfc() {
        match plain(letter) {
            Some(plain) => out.push_str(plain),
            // The dot of `İ` is a mark of its own in lower case.
            None => out.extend(letter.to_lowercase().filter(|it| !is_diacritic(*it))),
        }
    }
    out
}

/// Whether a mark only modifies a letter of Latin, Greek, Cyrillic, Hebrew or Arabic. Vowel signs of Indic
/// scripts and the voicing marks of kana distinguish words.
fn is_diacritic(letter: char) -> bool {
    matches!(letter,
        '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}' | '\u{591}'..='\u{5bd}'
        | '\u{64b}'..='\u{652}' | '\u{670}')
}

/// Letters whose diacritics are part of them in Unicode.
fn plain(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ß' | 'ẞ' => "ss",
        'æ' | 'Æ' => "ae",
        'œ' | 'Œ' => "oe",
        'ø' | 'Ø' => "o",
        'ł' | 'Ł' => "l",
        'đ' | 'Đ' | 'ð' | 'Ð' => "d",
        'þ' | 'Þ' => "th",
        'ħ' | 'Ħ' => "h",
        'ı' => "i",
        'ς' => "σ",
        _ => return None,
    })
}

/// Whether a script is written without spaces, or with parts of sentences in one word.
fn is_dense(letter: char) -> bool {
    matches!(letter,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{3100}'..='\u{312f}'
        | '\u{31a0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

fn is_in_word(letter: char) -> bool {
    letter.is_alphanumeric() || is_combining_mark(letter)
}

/// The tokens of a text in their order. A run of a dense script gives its pairs of characters, and then its
/// last character, so that each character begins a token.
#[must_use]
pub fn tokens(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let text = folded(text);
    for run in text.split(|letter| !is_in_word(letter)) {
        let mut rest = run;
        while let Some(first) = rest.chars().next() {
            let dense = is_dense(first);
            let end = rest.find(|it| is_dense(it) != dense).unwrap_or(rest.len());
            let (part, next) = rest.split_at(end);
            if dense {
                push_pairs(part, &mut out);
            } else {
                out.push(part.chars().take(WORD_CHARS_MAX).collect());
            }
            rest = next;
        }
    }
    out
}

fn push_pairs(part: &str, out: &mut Vec<String>) {
    let mut letters = part.chars().peekable();
    while let Some(letter) = letters.next() {
        let mut token = String::from(letter);
        token.extend(letters.peek());
        out.push(token);
    }
}

/// What a searched text asks for: tokens that follow each other, the last one possibly only a beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The tokens.
    pub tokens: Vec<String>,
    /// Whether longer words that begin with the last token match, too.
    pub is_prefix: bool,
}

/// What a searched text asks for; `None` if there is no word in it.
#[must_use]
pub fn wanted(text: &str, is_prefix: bool) -> Option<Wanted> {
    let mut tokens = tokens(text);
    let last = tokens.pop()?;
    let mut letters = last.chars();
    let is_single = letters.next().is_some_and(is_dense) && letters.next().is_none();
    if !is_single {
        tokens.push(last);
        return Some(Wanted { tokens, is_prefix });
    }
    // The text that is found may go on after the last character: the pair that it ends says enough.
    let in_pair = tokens.last().is_some_and(|pair| {
        let mut letters = pair.chars();
        let is_pair = letters.next().is_some_and(is_dense) && letters.next().is_some();
        is_pair && pair.ends_with(&last)
    });
    if in_pair {
        return Some(Wanted {
            tokens,
            is_prefix: false,
        });
    }
    tokens.push(last);
    Some(Wanted {
        tokens,
        is_prefix: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_become_words_without_case_and_diacritics() {
        let cases: [(&str, &[&str]); 9] = [
            ("Hello, World!", &["hello", "world"]),
            ("Ärger über Straße", &["arger", "uber", "strasse"]),
            ("Pru\u{308}fung", &["prufung"]),
            ("ŁÓDŹ İstanbul", &["lodz", "istanbul"]),
            (
                "well-known foo_bar 3.14",
                &["well", "known", "foo", "bar", "3", "14"],
            ),
            ("日本語", &["日本", "本語", "語"]),
            ("see東京now", &["see", "東京", "京", "now"]),
            ("한국어", &["한국", "국어", "어"]),
            ("  … ", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(tokens(text), expected, "{text}");
        }
    }

    #[test]
    fn voiced_kana_and_half_width_letters_are_told_apart_or_not() {
        assert_ne!(folded("か"), folded("が"));
        assert_eq!(folded("ｶﾞ"), folded("ガ"));
        assert_eq!(folded("ＡＢＣ"), "abc");
        assert_eq!(tokens(&"x".repeat(200)), ["x".repeat(WORD_CHARS_MAX)]);
    }

    #[test]
    fn a_searched_text_ends_within_a_dense_run() {
        let wanted = |text| wanted(text, false).unwrap();
        let found = wanted("日本");
        assert_eq!(
            (found.tokens, found.is_prefix),
            (vec!["日本".to_string()], false)
        );
        let found = wanted("京");
        assert_eq!(
            (found.tokens, found.is_prefix),
            (vec!["京".to_string()], true)
        );
        assert_eq!(wanted("京 東").tokens, ["京", "東"]);
        assert_eq!(super::wanted("!?", true), None);
        assert!(super::wanted("hel", true).unwrap().is_prefix);
    }

    proptest! {
        #[test]
        fn tokens_of_any_text_are_words_within_bounds(text in ".{0,60}") {
            let tokens = tokens(&text);
            prop_assert!(tokens.iter().all(|it| !it.is_empty() && it.chars().count() <= WORD_CHARS_MAX));
        }

        #[test]
        fn every_part_of_a_dense_run_is_among_its_tokens(text in "[一-龥]{2,12}", at in 0usize..11) {
            let letters: Vec<char> = text.chars().collect();
            let at = at.min(letters.len() - 2);
            let part: String = letters.iter().skip(at).take(2).collect();
            let wanted = wanted(&part, false).unwrap();
            prop_assert!(wanted.tokens.iter().all(|it| tokens(&text).contains(it)));
        }
    }
}
