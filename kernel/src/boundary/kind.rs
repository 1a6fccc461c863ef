//! Kinds of inputs and commands: each has a number that is never reused and its own version, so adding a
//! field to one does not affect the others.

use std::fmt;

use crate::boundary::codec::DecodeError;

/// A kind of input, or a command, as it is written now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputKind {
    /// `input` or `command`.
    pub what: &'static str,
    /// Its name in the code.
    pub name: &'static str,
    /// Its number in the journal.
    pub number: u8,
    /// Version of its shape. All versions from 1 are read.
    pub version: u8,
}

impl InputKind {
    /// Refuses an unsupported version.
    pub(crate) fn check(&self, version: u8) -> Result<(), DecodeError> {
        if (1..=self.version).contains(&version) {
            Ok(())
        } else {
            Err(DecodeError::KindVersion(*self, version))
        }
    }
}

impl fmt::Display for InputKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.what, self.name)
    }
}

/// The kind with a number.
pub(crate) fn find(
    kinds: &'static [InputKind],
    what: &'static str,
    number: u8,
) -> Result<&'static InputKind, DecodeError> {
    kinds
        .iter()
        .find(|kind| kind.number == number)
        .ok_or(DecodeError::Kind(what, number))
}
