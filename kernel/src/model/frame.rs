use serde::{Deserialize, Serialize};

use crate::boundary::texts::{Json, texts};

/// A frame of a connection that is carried out in several steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFrame {
    /// Its bytes, with secret values blanked.
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
}
texts!(
    struct KeptFrame {
        body: Json::Message,
    }
);

/// Progress of a kept frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameProgress {
    /// Number of the next item, counted through all sections in the order of the message.
    pub next: u32,
    /// The partial answer, encoded for sending.
    #[serde(with = "serde_bytes")]
    pub answer: Vec<u8>,
}
texts!(struct FrameProgress {
    next,
    answer: Json::Message,
});

/// The quarantine entries of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineShare {
    /// Numbers of its entries, ascending.
    pub numbers: Vec<u64>,
}

texts!(struct QuarantineShare { numbers });
