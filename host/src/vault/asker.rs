//! On whose behalf a key derivation is done: counted, so that nobody fills the queue alone.

use std::fmt;

use causeway_kernel::rows::id::UserNo;

/// Maximum derivations for one account, running or waiting; one more is refused.
pub const DERIVATIONS_PER_ACCOUNT_MAX: usize = 4;

/// Maximum derivations for one unauthenticated address, running or waiting; one more is refused.
pub const DERIVATIONS_PER_ADDRESS_MAX: usize = 8;

/// Bytes of a digest that names a source.
const SOURCE_BYTES: usize = 16;

/// A source of password checks: an account, an address, or an account at an address. A digest, so that all
/// have the same size and none can be read back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source([u8; SOURCE_BYTES]);

impl Source {
    /// The source of this kind with these parts.
    #[must_use]
    pub fn new(kind: &str, parts: &[&[u8]]) -> Source {
        let mut hasher = blake3::Hasher::new_derive_key(kind);
        for part in parts {
            hasher.update(&part.len().to_le_bytes());
            hasher.update(part);
        }
        let mut bytes = [0; SOURCE_BYTES];
        hasher.finalize_xof().fill(&mut bytes);
        Source(bytes)
    }

    /// The digest.
    #[must_use]
    pub fn bytes(&self) -> &[u8; SOURCE_BYTES] {
        &self.0
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source(..)")
    }
}

/// The kind of caller that asks for a derivation. Each kind has a share of the queue, so that none can fill
/// it alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Has a session, or comes from an address that has logged in to the account before; or it is the service
    /// itself.
    #[default]
    Known,
    /// A program on this machine, or indistinguishable from one.
    Machine,
    /// Anybody else.
    Stranger,
}

/// On whose behalf a derivation is done. The default is the service itself, whose derivations are not
/// counted.
#[derive(Clone, Debug, Default)]
pub struct Asker {
    pub(super) standing: Standing,
    /// What is counted, each with its maximum.
    pub(super) sources: Vec<(Source, usize)>,
}

impl Asker {
    /// An asker of this standing for whom nothing is counted yet.
    #[must_use]
    pub fn of(standing: Standing) -> Asker {
        Asker {
            standing,
            sources: Vec::new(),
        }
    }

    /// A user with a session.
    #[must_use]
    pub fn user(user: UserNo) -> Asker {
        let source = Source::new("causeway derivations of a user", &[&user.0.to_be_bytes()]);
        Asker::of(Standing::Known).counting(source, DERIVATIONS_PER_ACCOUNT_MAX)
    }

    /// The same asker, additionally counted for this source, with at most this many derivations.
    #[must_use]
    pub fn counting(mut self, source: Source, max: usize) -> Asker {
        self.sources.push((source, max));
        self
    }
}
