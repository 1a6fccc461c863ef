//! Stand-ins for the texts, names and addresses of a recorded session.
//!
//! The kernel carries out the masked inputs over the masked rows, so stand-ins have to lead to the
//! same decisions as the originals:
//!
//! - A stand-in has the length of the original, in bytes and in characters, and each character has
//!   the class of the original one: whatever is too long, not a name, a mention or an address
//!   remains so.
//! - Words are replaced individually, each by the same word everywhere, and different words by
//!   different ones: equal texts remain equal, and different texts remain different.
//! - Stand-ins preserve ASCII case: the stand-in of the lower-case word is the lower-case stand-in.
//! - Words known to the kernel are kept, and no other word becomes one of them.
//! - Ids, numbers, times, emoji and types are kept.
//!
//! Rows and inputs themselves define which texts they contain, and the class of each (see
//! [`texts`](causeway_kernel::boundary::texts)); in JSON, the members of the protocol's messages are
//! recognized by their [`keys`].
//!
//! Stand-ins hide words from a reader; they do not withstand frequency analysis.

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

/// A row that cannot be masked: it cannot be decoded as a row of its table, so it is unknown which of
/// its bytes are texts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a row of the table {} cannot be read by this version", .0.name())]
pub struct Unmaskable(pub Table);

/// The stand-ins of one file.
pub struct Mask {
    cipher: Cipher,
}

impl Mask {
    /// The mask with a key. The key is used for one file and then discarded: anybody who has it can
    /// undo the mask.
    #[must_use]
    pub fn new(key: [u8; blake3::KEY_LEN]) -> Mask {
        Mask {
            cipher: Cipher::new(key),
        }
    }

    /// Masks an input.
    #[must_use]
    pub fn input(&self, input: &Input) -> Input {
        self.masked(input.clone())
    }

    /// Masks a policy's verdict. Why the host could not get one is kept.
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
