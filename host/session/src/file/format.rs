//! The format of a session file.
//!
//! ```text
//! file    = magic [8] | format version u32 | length of the header u32 | header (JSON) | CRC-32 of these three u32
//!           block* index trailer
//! block   = "BLK1" | raw bytes u32 | stored bytes u32 | pieces u32 | number of its first entry u64 |
//!           chain after it [32] | CRC-32 of this head u32 | CRC-32 of the stored bytes u32 | pieces, zstd
//! piece   = length u32 | piece, see `codec`
//! index   = "INDX" | length u32 | CRC-32 u32 | index (postcard)
//! trailer = offset of the index u64 | chain [32] | CRC-32 of these two u32 | magic of the end [8]
//! ```
//!
//! Numbers are little-endian. The chain starts with the digest of the header and includes every
//! piece, so changes of a file can be located. A block can be read without those before it.

use serde::{Deserialize, Serialize};

use causeway_kernel::boundary::codec::INPUT_VERSION;
use causeway_kernel::boundary::codec::{EFFECT_VERSION, REPLY_VERSION};
use causeway_kernel::boundary::output::Write;

use causeway_engine::journal::{Digest, Entry, InputKind, RecordedVerdict};
use causeway_engine::policy::POLICY_CONTRACT;
use causeway_engine::runtime::{KERNEL_WORLD, STEP_FUEL, STEP_MEMORY_MAX, StepEnd};

/// The first bytes of a session file. The line ending reveals transfers that convert it.
pub const MAGIC: [u8; 8] = *b"CWSESS\r\n";
/// The last bytes of a session file.
pub const END_MAGIC: [u8; 8] = *b"CWSEND\r\n";
/// The format that this build writes and reads.
pub const FORMAT_VERSION: u32 = 1;
/// The first bytes of a block.
pub const BLOCK_MAGIC: [u8; 4] = *b"BLK1";
/// The first bytes of the index.
pub const INDEX_MAGIC: [u8; 4] = *b"INDX";

/// Bytes of pieces after which a block ends; a piece is never split.
pub const BLOCK_BYTES: usize = 256 << 10;
/// Bytes before a block's pieces.
pub const BLOCK_HEAD_BYTES: usize = 4 + 4 + 4 + 4 + 8 + 32 + 4 + 4;
/// Bytes of the trailer.
pub const TRAILER_BYTES: usize = 8 + 32 + 4 + 8;
/// Compression level.
pub const ZSTD_LEVEL: i32 = 3;

/// The header of a file, readable without any tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The release that wrote it.
    pub causeway: String,
    /// Site URL of the workspace, masked if the session is.
    pub workspace: String,
    /// When it was exported, in ms since the Unix epoch.
    pub exported_at_ms: i64,
    /// Whether texts, names and addresses are stand-ins.
    pub is_masked: bool,
    /// The entries that it contains.
    pub selection: Selection,
    /// Where it begins.
    pub start: Start,
    /// Versions of the component interfaces.
    pub contracts: Contracts,
    /// Settings of the engine on which results depend.
    pub engine: EngineSettings,
    /// Numbers of the behaviours in force at the start.
    pub behaviours: Vec<u32>,
}

/// A selection of journal entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// Not before this time, in ms.
    pub from_ms: Option<i64>,
    /// Not at or after this time, in ms.
    pub to_ms: Option<i64>,
    /// Only entries that concern the connection with this `remote_id`.
    pub connection: Option<String>,
    /// Only entries that concern the channel with this id.
    pub channel: Option<String>,
}

impl Selection {
    /// Whether entries between the first and the last one may be left out.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.connection.is_some() || self.channel.is_some()
    }
}

/// Where a session begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// The entry after which it begins; 0 = the beginning of the journal.
    pub seq: u64,
    /// Digest of the journal up to it.
    pub journal: Digest,
    /// Digest of all rows there; `None` in a partial session, whose rows are added as needed.
    pub rows: Option<Digest>,
    /// The kernel of the last step before.
    pub kernel: Digest,
    /// Digest of the policies in force, in hexadecimal.
    pub policies: String,
}

/// Versions of the component interfaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contracts {
    /// Of an encoded input.
    pub input: u8,
    /// Of an encoded reply.
    pub reply: u8,
    /// Of an encoded effect.
    pub effect: u8,
    /// The kernel's world.
    pub kernel_world: String,
    /// The policies' contract: package and version. Older releases wrote the name of its only world
    /// here, hence the key.
    #[serde(rename = "policy_world")]
    pub policy_contract: String,
}

impl Contracts {
    /// Those of this build.
    #[must_use]
    pub fn of_this_build() -> Contracts {
        Contracts {
            input: INPUT_VERSION,
            reply: REPLY_VERSION,
            effect: EFFECT_VERSION,
            kernel_world: KERNEL_WORLD.into(),
            policy_contract: POLICY_CONTRACT.into(),
        }
    }
}

/// Settings of the engine on which results depend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineSettings {
    /// Fuel of one step.
    pub step_fuel: u64,
    /// Maximum bytes of memory of a step.
    pub step_memory_max: u64,
    /// Whether NaNs are canonicalized.
    pub canonical_nan: bool,
    /// Whether instructions with processor-dependent results are refused.
    pub no_relaxed_simd: bool,
}

impl EngineSettings {
    /// Those of this build; see [`Sandbox`](causeway_engine::runtime::Sandbox).
    #[must_use]
    pub fn of_this_build() -> EngineSettings {
        EngineSettings {
            step_fuel: STEP_FUEL,
            step_memory_max: STEP_MEMORY_MAX as u64,
            canonical_nan: true,
            no_relaxed_simd: true,
        }
    }
}

/// One piece of a session, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A kernel that later entries refer to.
    Kernel {
        /// Its digest.
        digest: Digest,
        /// The component.
        component: Vec<u8>,
    },
    /// Rows as of the next entry: all rows at the start, or in a partial session those that the next
    /// entry reads and that omitted entries have changed.
    Rows(Vec<Write>),
    /// A step.
    Step(Box<Step>),
    /// The end, with digests for verification.
    End(End),
}

/// A step of a session, with everything it returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its number in the journal.
    pub seq: u64,
    /// The epoch of the journal.
    pub epoch: u64,
    /// The kernel that carried it out.
    pub kernel: Digest,
    /// Its time, in ms.
    pub time_ms: i64,
    /// Its seed.
    pub seed: [u8; 16],
    /// The kind of input.
    pub kind: InputKind,
    /// The encoded input.
    pub input: Vec<u8>,
    /// The verdicts of the policies, in the order of the questions.
    pub verdicts: Vec<RecordedVerdict>,
    /// How it ended.
    pub end: StepEnd,
    /// In a masked session: what the masked step decided differently from the real one, if anything.
    pub deviation: Option<String>,
}

impl Step {
    /// A step of the journal with everything it returned.
    #[must_use]
    pub fn of(entry: &Entry, input: Vec<u8>, end: StepEnd) -> Step {
        Step {
            seq: entry.seq,
            epoch: entry.epoch,
            kernel: entry.kernel,
            time_ms: entry.time_ms,
            seed: entry.seed,
            kind: entry.kind,
            input,
            verdicts: entry.verdicts.clone(),
            end,
            deviation: None,
        }
    }
}

/// The end of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The chain of outcomes; see [`OutcomeChain`](super::chain::OutcomeChain).
    pub outcomes: Digest,
    /// Digest of all rows; `None` in a partial session.
    pub rows: Option<Digest>,
}

/// The index of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// The blocks.
    pub blocks: Vec<BlockPlace>,
    /// Counts, for information.
    pub summary: Summary,
}

/// The place of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockPlace {
    /// Offset in the file, in bytes.
    pub offset: u64,
    /// Number of the first entry in it or after it.
    pub first_seq: u64,
}

/// Summary of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Number of steps.
    pub steps: u64,
    /// Number of the first step; 0 if there is none.
    pub first_seq: u64,
    /// Number of the last step.
    pub last_seq: u64,
    /// Time of the first step, in ms.
    pub first_ms: i64,
    /// Time of the last step, in ms.
    pub last_ms: i64,
    /// Entries in between that were left out.
    pub left_out: u64,
    /// Masked steps that decided differently from the real ones.
    pub deviations: u64,
    /// Users whose data it contains: user rows at the start or written later.
    pub users: u64,
    /// Channels whose posts it contains.
    pub channels: u64,
    /// Connections whose frames it contains.
    pub connections: u64,
}

impl Summary {
    /// Counts a step.
    pub fn add(&mut self, step: &Step) {
        if self.steps == 0 {
            self.first_seq = step.seq;
            self.first_ms = step.time_ms;
        }
        self.steps += 1;
        self.last_seq = step.seq;
        self.last_ms = step.time_ms;
        self.deviations += u64::from(step.deviation.is_some());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Package and version of a contract.
    fn package(contract: &str) -> &str {
        let mut lines = contract.lines();
        let package = lines.find_map(|line| line.strip_prefix("package ")?.strip_suffix(';'));
        package.unwrap()
    }

    /// Name and version of a world, as in the contract.
    fn world(contract: &str, world: &str) -> String {
        let (name, version) = package(contract).split_once('@').unwrap();
        assert!(contract.contains(&format!("world {world} {{")));
        format!("{name}/{world}@{version}")
    }

    #[test]
    fn the_worlds_are_those_of_the_contracts() {
        let kernel = include_str!("../../../../wit/kernel/kernel.wit");
        let policy = include_str!("../../../../wit/policy/policy.wit");
        let contracts = Contracts::of_this_build();
        assert_eq!(contracts.kernel_world, world(kernel, "kernel"));
        assert_eq!(contracts.policy_contract, package(policy));
    }
}
