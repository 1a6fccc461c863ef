//! A keyed permutation of words: letters become letters, digits become digits, and a non-ASCII
//! character becomes one of the same UTF-8 length.

/// Characters that can replace each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Digit,
    Letter,
    Two,
    Three,
    Four,
}

impl Class {
    /// First and last code point of each stretch. White space, control characters, punctuation,
    /// characters that control the text direction, and those that JSON escapes are left out, and so
    /// never changed.
    fn stretches(self) -> &'static [(u32, u32)] {
        match self {
            Class::Digit => &[(0x30, 0x39)],
            Class::Letter => &[(0x61, 0x7A)],
            Class::Two => &[(0xC0, 0x7FF)],
            Class::Three => &[
                (0x800, 0x167F),
                (0x1681, 0x1FFF),
                (0x2070, 0x2FFF),
                (0x3040, 0xD7FF),
                (0xE000, 0xFEFE),
                (0xFF00, 0xFFFC),
            ],
            Class::Four => &[(0x1_0000, 0x10_FFFF)],
        }
    }

    fn size(self) -> u32 {
        self.stretches()
            .iter()
            .map(|(first, last)| last - first + 1)
            .sum()
    }

    fn of(character: char) -> Option<Class> {
        let class = match character.len_utf8() {
            1 if character.is_ascii_digit() => Class::Digit,
            1 => Class::Letter,
            2 => Class::Two,
            3 => Class::Three,
            _ => Class::Four,
        };
        class.rank(character).map(|_| class)
    }

    /// The rank of a character in its class.
    fn rank(self, character: char) -> Option<u32> {
        let code = u32::from(character);
        let mut before = 0;
        for (first, last) in self.stretches() {
            if (*first..=*last).contains(&code) {
                return Some(before + (code - first));
            }
            before += last - first + 1;
        }
        None
    }

    /// The character with a rank.
    fn character(self, mut rank: u32) -> Option<char> {
        for (first, last) in self.stretches() {
            let size = last - first + 1;
            if rank < size {
                return char::from_u32(first + rank);
            }
            rank -= size;
        }
        None
    }
}

/// Whether a character (a letter in lower case) has stand-ins.
pub(super) fn has_stand_ins(character: char) -> bool {
    Class::of(character).is_some()
}

/// Rounds of the network; an even number, so that both halves of a word change equally often.
const ROUNDS: u8 = 6;

/// A character's class, and its rank in it.
type CharPlace = (Class, u32);

/// The permutation.
pub(super) struct Cipher {
    key: [u8; blake3::KEY_LEN],
}

impl Cipher {
    pub(super) fn new(key: [u8; blake3::KEY_LEN]) -> Cipher {
        Cipher { key }
    }

    /// The stand-in of a word: a Feistel network over its two halves, in which a keyed hash of one
    /// half shifts the characters of the other within their classes. A word with a character that
    /// has no stand-ins is kept.
    pub(super) fn permute(&self, word: &str) -> String {
        let places: Option<Vec<CharPlace>> = word
            .chars()
            .map(|character| {
                let class = Class::of(character)?;
                Some((class, class.rank(character)?))
            })
            .collect();
        let Some(mut places) = places else {
            return word.to_string();
        };
        let half = places.len() / 2;
        let (left, right) = places.split_at_mut(half);
        for round in 0..ROUNDS {
            if round % 2 == 0 {
                self.shift(round, left, right);
            } else {
                self.shift(round, right, left);
            }
        }
        places
            .iter()
            .filter_map(|(class, rank)| class.character(*rank))
            .collect()
    }

    /// Shifts every character of a half by a hash of the other half.
    fn shift(&self, round: u8, by: &[CharPlace], half: &mut [CharPlace]) {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        let mut said = Vec::with_capacity(1 + by.len() * 5 + half.len());
        said.push(round);
        for (class, rank) in by {
            said.push(*class as u8);
            said.extend_from_slice(&rank.to_le_bytes());
        }
        // The classes of both halves never change, so they can be hashed as well.
        said.extend(half.iter().map(|(class, _)| *class as u8));
        hasher.update(&said);
        let mut stream = hasher.finalize_xof();
        for (class, rank) in half {
            let mut bytes = [0; 4];
            stream.fill(&mut bytes);
            let size = class.size();
            *rank = (*rank + u32::from_le_bytes(bytes) % size) % size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_stand_in_is_white_space_a_control_character_or_escaped() {
        for class in [
            Class::Digit,
            Class::Letter,
            Class::Two,
            Class::Three,
            Class::Four,
        ] {
            let length = class.character(0).unwrap().len_utf8();
            for rank in 0..class.size() {
                let character = class.character(rank).unwrap();
                assert_eq!(character.len_utf8(), length);
                assert_eq!(class.rank(character), Some(rank));
                assert!(!character.is_whitespace() && !character.is_control());
                assert!(!"\u{2028}\u{2029}\u{FFFD}".contains(character));
            }
        }
    }

    #[test]
    fn all_words_of_three_letters_have_different_stand_ins() {
        let cipher = Cipher::new([7; 32]);
        let mut seen = std::collections::BTreeSet::new();
        let letters = || (b'a'..=b'z').map(char::from);
        let mut fixed = 0;
        for one in letters() {
            for two in letters() {
                for three in letters() {
                    let word: String = [one, two, three].into_iter().collect();
                    let masked = cipher.permute(&word);
                    fixed += usize::from(masked == word);
                    assert!(masked.len() == 3 && seen.insert(masked));
                }
            }
        }
        // A random permutation has one fixed point on average.
        assert!(fixed < 8, "{fixed}");
    }
}
