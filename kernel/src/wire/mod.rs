//! The protocol's JSON: what peers send and receive.

mod byte_search;
pub mod frame;
pub mod json;
pub mod message;
pub mod portable;
pub mod response;
pub mod secrets;
pub mod write;

use crate::model::PeerKind;

/// Maximum bytes of an outgoing frame; a default Mattermost refuses bodies above 300 512 bytes.
pub const FRAME_BYTES_MAX: usize = 290_000;

/// The format of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// Servers of 2021.
    V2021,
    /// Servers of the 11 line, and Causeways.
    V11,
}

impl From<PeerKind> for Generation {
    fn from(kind: PeerKind) -> Generation {
        match kind {
            PeerKind::Mattermost2021 => Generation::V2021,
            PeerKind::Mattermost11 | PeerKind::Causeway => Generation::V11,
        }
    }
}
