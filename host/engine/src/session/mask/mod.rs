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
//! Every text is masked unless [`fields`] names its field: what is added later is masked without
//! anybody thinking of it.
//!
//! A stand-in hides words from a reader; it does not withstand somebody who counts how often each
//! word occurs.

mod cipher;
mod fields;
mod json;
mod record;
mod rows;
#[cfg(test)]
mod tests;
mod text;

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::policy::Verdict;
use causeway_kernel::rows::table::Table;

use cipher::Cipher;

/// Why something cannot be masked. It is not in the shape that its place asks for, so nobody can
/// tell which of its bytes are texts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unmaskable {
    /// The key or the value of a row.
    #[error("a row of the table {} is not one that this version reads", .0.name())]
    Row(Table),
    /// An input.
    #[error("an input does not keep its shape when it is masked")]
    Input,
}

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
    ///
    /// # Errors
    /// When what comes out is no input; no input that the kernel takes is known to do that.
    pub fn input(&self, input: &Input) -> Result<Input, Unmaskable> {
        let bytes = record::encode(self, input).ok_or(Unmaskable::Input)?;
        let versioned = [
            &[causeway_kernel::boundary::input::INPUT_VERSION],
            bytes.as_slice(),
        ]
        .concat();
        codec::decode_input(&versioned).map_err(|_| Unmaskable::Input)
    }

    /// A policy's verdict. Why the host could not get one stays.
    #[must_use]
    pub fn verdict(&self, verdict: &Verdict) -> Verdict {
        match verdict {
            Verdict::Allow => Verdict::Allow,
            Verdict::Deny(reason) => Verdict::Deny(self.text(reason)),
            Verdict::Revise(text) => Verdict::Revise(self.text(text)),
            Verdict::Failed(reason) => Verdict::Failed(reason.clone()),
        }
    }
}
