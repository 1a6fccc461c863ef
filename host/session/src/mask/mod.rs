//! Stand-ins for the texts, names and addresses of a recorded session.
//!
//! The kernel runs over the masked inputs and rows again, so a stand-in has to make it decide as
//! the original did:
//!
//! - It has the length of the original, in bytes and in characters, and every character the class
//!   of the original's: what is too long, no name, a mention, an address stays that.
//! - Words are replaced one by one, each by the same word wherever it stands, and two different
//!   words never by the same: what was equal stays equal, and what was not does not become so.
//! - Stand-ins follow ASCII case: the stand-in of a word in lower case is the stand-in in lower
//!   case.
//! - Words that the kernel knows stay, and no other word becomes one of them.
//! - Ids, numbers, times, emoji and types stay.
//!
//! Which texts a row or an input has, and of what class each is, it says itself (see
//! [`texts`](causeway_kernel::boundary::texts)); of JSON in them the members of the protocol's
//! messages are told by their [`keys`].
//!
//! A stand-in hides words from a reader; it does not withstand somebody who counts how often each
//! word occurs.

mod cipher;
mod json;
mod keys;
mod rows;
#[cfg(test)]
mod tests;
mod text;

use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::policy::Verdict;
use causeway_kernel::boundary::texts::{HasTexts, Json, Text, TextVisitor};
use causeway_kernel::rows::table::Table;

use cipher::Cipher;

/// A row that cannot be masked: it is not in the shape that its table asks for, so nobody can tell
/// which of its bytes are texts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a row of the table {} is not one that this version reads", .0.name())]
pub struct Unmaskable(pub Table);

/// The stand-ins of one file.
pub struct Mask {
    cipher: Cipher,
}

impl Mask {
    /// The mask of a key. The key belongs to one file and is thrown away after it: who has it can
    /// undo the mask.
    #[must_use]
    pub fn new(key: [u8; blake3::KEY_LEN]) -> Mask {
        Mask {
            cipher: Cipher::new(key),
        }
    }

    /// An input.
    #[must_use]
    pub fn input(&self, input: &Input) -> Input {
        self.masked(input.clone())
    }

    /// A policy's verdict. Why the host could not get one stays.
    #[must_use]
    pub fn verdict(&self, verdict: &Verdict) -> Verdict {
        self.masked(verdict.clone())
    }

    fn masked<T: HasTexts>(&self, mut value: T) -> T {
        let mut visitor = self;
        value.texts(&mut visitor);
        value
    }
}

impl TextVisitor for &Mask {
    fn text(&mut self, class: Text, text: &mut String) {
        *text = self.of_class(class, text);
    }

    fn json(&mut self, class: Json, bytes: &mut Vec<u8>) {
        *bytes = Mask::json(self, bytes, class.into());
    }
}
