//! An entry: the input and the outcome of a step, chained to the previous entry.
//!
//! The chain covers a *keyed* digest of the payload, not the payload itself, which is stored next to
//! the entry together with its key. So the chain can still be verified after a payload was erased,
//! and once its key is overwritten too, nobody can confirm a guess at the content.

use std::fmt;

use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::Write;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::runtime::{StepOutput, StopKind};

/// Length of a payload's key, in bytes.
pub const PAYLOAD_KEY_BYTES: usize = 32;

/// Version byte at the start of an encoded entry.
const ENTRY_VERSION: u8 = 1;

/// Length of a record's header: length of the entry, length of the payload, checksum of the
/// lengths, the entry and the payload's key, checksum of the payload. Little-endian.
pub const RECORD_HEADER_BYTES: usize = 16;

/// A digest (BLAKE3).
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

/// Hexadecimal in human-readable formats, else the bytes.
impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        if !deserializer.is_human_readable() {
            return <[u8; 32]>::deserialize(deserializer).map(Digest);
        }
        let text = String::deserialize(deserializer)?;
        let hash = blake3::Hash::from_hex(text).map_err(D::Error::custom)?;
        Ok(Digest(*hash.as_bytes()))
    }
}

impl Digest {
    /// What the first entry has as its previous digest.
    pub const ZERO: Digest = Digest([0; 32]);

    /// The digest of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(*blake3::hash(bytes).as_bytes())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = blake3::Hash::from_bytes(self.0).to_hex();
        f.write_str(hex.get(..12).unwrap_or_default())
    }
}

/// A step as recorded in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number; the first is 1, and there are no gaps.
    pub seq: u64,
    /// Digest of the previous entry.
    pub previous: Digest,
    /// Rises when the journal is continued by a restored or cloned data directory.
    pub epoch: u64,
    /// Digest of the kernel that carried the step out.
    pub kernel: Digest,
    /// The step's time, in ms.
    pub time_ms: i64,
    /// The step's seed.
    pub seed: [u8; 16],
    /// The kind of input.
    pub kind: InputKind,
    /// Keyed digest of the payload: the encoded input.
    pub payload: Digest,
    /// The verdicts of the policies, in the order of the questions.
    pub verdicts: Vec<RecordedVerdict>,
    /// The result of the step.
    pub outcome: StepOutcome,
}

/// A verdict, identified by the digest of its question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedVerdict {
    /// Digest of the encoded question.
    pub question: Digest,
    /// The encoded verdict.
    pub verdict: Vec<u8>,
}

/// The result of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StepOutcome {
    /// It returned this.
    Done(Digests),
    /// It was stopped and changed nothing. A replay does not run it again: whether a step is stopped
    /// may depend on the machine.
    Stopped {
        /// The cause.
        kind: StopKind,
        /// For the operator; never contains content.
        detail: String,
    },
}

/// Digests of what a step returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digests {
    /// Of the reply.
    pub reply: Digest,
    /// Of the writes, in their order.
    pub writes: Digest,
    /// Of the effects, in their order.
    pub effects: Digest,
}

impl Digests {
    /// The digests of an output. Every field is prefixed with its length, so that no two outputs
    /// have the same bytes.
    #[must_use]
    pub fn of(output: &StepOutput) -> Digests {
        // In one buffer: hashing short pieces is several times slower.
        let sized = |bytes: &[u8]| size_of::<u64>() + bytes.len();
        let length =
            |it: &Write| 2 + sized(&it.key) + sized(it.value.as_deref().unwrap_or_default());
        let mut writes = Vec::with_capacity(output.writes.iter().map(length).sum());
        for Write { table, key, value } in &output.writes {
            writes.extend_from_slice(&[table.code(), u8::from(value.is_some())]);
            put_sized(&mut writes, key);
            put_sized(&mut writes, value.as_deref().unwrap_or_default());
        }
        let mut effects = Vec::with_capacity(output.effects.iter().map(|it| sized(it)).sum());
        for effect in &output.effects {
            put_sized(&mut effects, effect);
        }
        Digests {
            reply: Digest::of(&output.reply),
            writes: Digest::of(&writes),
            effects: Digest::of(&effects),
        }
    }
}

fn put_sized(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// The kind of an input, readable without its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is the input of its name")]
pub enum InputKind {
    Genesis,
    Command,
    Frame,
    Quarantine,
    Receipt,
    Ping,
    Timer,
    Resume,
    Restored,
    PolicyChanged,
    KernelChanged,
    FramePart,
    DuePart,
    Statuses,
    Upload,
    Picture,
}

impl InputKind {
    /// The kind of an input.
    #[must_use]
    pub fn of(input: &Input) -> InputKind {
        match input {
            Input::Genesis(_) => InputKind::Genesis,
            Input::Command { .. } => InputKind::Command,
            Input::Frame { .. } => InputKind::Frame,
            Input::FramePart { .. } => InputKind::FramePart,
            Input::Quarantine { .. } => InputKind::Quarantine,
            Input::Receipt(_) => InputKind::Receipt,
            Input::Ping { .. } => InputKind::Ping,
            Input::Timer => InputKind::Timer,
            Input::DuePart(_) => InputKind::DuePart,
            Input::Resume => InputKind::Resume,
            Input::Restored => InputKind::Restored,
            Input::PolicyChanged { .. } => InputKind::PolicyChanged,
            Input::KernelChanged { .. } => InputKind::KernelChanged,
            Input::Statuses(_) => InputKind::Statuses,
            Input::Upload { .. } => InputKind::Upload,
            Input::Picture { .. } => InputKind::Picture,
        }
    }
}

impl Entry {
    /// The bytes that the chain covers.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Encoding plain data into a vector cannot fail; a reader would reject an empty entry.
        postcard::to_extend(self, vec![ENTRY_VERSION]).unwrap_or_default()
    }

    /// Decodes an entry; `None` if the version is unknown or the bytes are malformed.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Entry> {
        match bytes.split_first()? {
            (&ENTRY_VERSION, body) => postcard::from_bytes(body).ok(),
            _ => None,
        }
    }
}

/// The keyed digest of a payload.
#[must_use]
pub fn payload_digest(key: &[u8; PAYLOAD_KEY_BYTES], payload: &[u8]) -> Digest {
    Digest(*blake3::keyed_hash(key, payload).as_bytes())
}

/// Appends the record of an entry to a group in preparation, and returns the entry's digest.
pub fn encode_record(
    out: &mut Vec<u8>,
    entry: &Entry,
    key: &[u8; PAYLOAD_KEY_BYTES],
    payload: &[u8],
) -> Digest {
    let head = entry.to_bytes();
    let lengths = [
        u32::try_from(head.len()).unwrap_or(u32::MAX).to_le_bytes(),
        u32::try_from(payload.len())
            .unwrap_or(u32::MAX)
            .to_le_bytes(),
    ]
    .concat();
    out.extend_from_slice(&lengths);
    out.extend_from_slice(&head_checksum(&lengths, &head, key).to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(payload).to_le_bytes());
    out.extend_from_slice(&head);
    out.extend_from_slice(key);
    out.extend_from_slice(payload);
    Digest::of(&head)
}

/// The checksum of a record without its payload.
#[must_use]
pub fn head_checksum(lengths: &[u8], head: &[u8], key: &[u8]) -> u32 {
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(lengths);
    checksum.update(head);
    checksum.update(key);
    checksum.finalize()
}
