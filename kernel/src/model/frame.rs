use serde::{Deserialize, Serialize};

use crate::boundary::texts::{Json, texts};

/// A frame of a connection that is carried out by several steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFrame {
    /// Its bytes, secret values blanked.
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
}
texts!(
    struct KeptFrame {
        body: Json::Message,
    }
);

/// How far a kept frame is carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameProgress {
    /// Number of the next item, through all sections in the order of the message.
    pub next: u32,
    /// The answer so far, as it would be sent.
    #[serde(with = "serde_bytes")]
    pub answer: Vec<u8>,
}
texts!(struct FrameProgress {
    next,
    answer: Json::Message,
});

/// What a connection has in quarantine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineShare {
    /// Numbers of its entries, rising.
    pub numbers: Vec<u64>,
}

texts!(struct QuarantineShare { numbers });
