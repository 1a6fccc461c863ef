//! What a session file consists of.
//!
//! ```text
//! file    = magic [8] | format version u32 | length of the header u32 | header (JSON) | CRC-32 of these three u32
//!           block* index trailer
//! block   = "BLK1" | raw bytes u32 | stored bytes u32 | pieces u32 | number of its first entry u64 |
//!           chain behind it [32] | CRC-32 of this head u32 | CRC-32 of the stored bytes u32 | pieces, zstd
//! piece   = length u32 | piece, see `codec`
//! index   = "INDX" | length u32 | CRC-32 u32 | index (postcard)
//! trailer = offset of the index u64 | chain [32] | CRC-32 of these two u32 | magic of the end [8]
//! ```
//!
//! Numbers are little-endian. The chain begins with the digest of the header and takes in every
//! piece, so a file that was changed shows where. A block can be read without those before it.

use serde::{Deserialize, Serialize};

use causeway_kernel::boundary::codec::INPUT_VERSION;
use causeway_kernel::boundary::codec::{EFFECT_VERSION, REPLY_VERSION};
use causeway_kernel::boundary::output::Write;

use causeway_engine::journal::{Digest, Entry, InputKind, RecordedVerdict};
use causeway_engine::policy::POLICY_CONTRACT;
use causeway_engine::runtime::{KERNEL_WORLD, STEP_FUEL, STEP_MEMORY_MAX, StepEnd};

/// How a session file begins. The line ends show a transfer that changed them.
pub const MAGIC: [u8; 8] = *b"CWSESS\r\n";
/// How it ends.
pub const END_MAGIC: [u8; 8] = *b"CWSEND\r\n";
/// The format that this build writes and reads.
pub const FORMAT_VERSION: u32 = 1;
/// How a block begins.
pub const BLOCK_MAGIC: [u8; 4] = *b"BLK1";
/// How the index begins.
pub const INDEX_MAGIC: [u8; 4] = *b"INDX";

/// Bytes of pieces after which a block ends; a piece is never divided.
pub const BLOCK_BYTES: usize = 256 << 10;
/// Bytes in front of a block's pieces.
pub const BLOCK_HEAD_BYTES: usize = 4 + 4 + 4 + 4 + 8 + 32 + 4 + 4;
/// Bytes of the trailer.
pub const TRAILER_BYTES: usize = 8 + 32 + 4 + 8;
/// Level of compression.
pub const ZSTD_LEVEL: i32 = 3;

/// What a file says of itself, readable without any tool.
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
    /// Which entries it holds.
    pub selection: Selection,
    /// Where it begins.
    pub start: Start,
    /// Versions of what crosses the components' boundaries.
    pub contracts: Contracts,
    /// Settings of the engine on which results depend.
    pub engine: EngineSettings,
    /// Numbers of the behaviours in force at the start.
    pub behaviours: Vec<u32>,
}

/// Which entries of a journal are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// Not before this time, in ms.
    pub from_ms: Option<i64>,
    /// Not at or after this time, in ms.
    pub to_ms: Option<i64>,
    /// Only what concerns the connection with this `remote_id`.
    pub connection: Option<String>,
    /// Only what concerns the channel with this id.
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
    /// The entry behind which it begins; 0 = the beginning of the journal.
    pub seq: u64,
    /// Digest of the journal up to it.
    pub journal: Digest,
    /// Digest of all rows there; none in a session of a part, whose rows come as they are needed.
    pub rows: Option<Digest>,
    /// The kernel that had run last.
    pub kernel: Digest,
    /// Digest of the policies in force, in hexadecimal.
    pub policies: String,
}

/// Versions of what crosses the components' boundaries.
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
    /// The policies' contract: its package with its version. Of sessions of older releases its one
    /// world; the header's key is the one that those wrote.
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
    /// Bytes of memory that a step may have.
    pub step_memory_max: u64,
    /// Whether results of floating point are made canonical.
    pub canonical_nan: bool,
    /// Whether instructions are refused whose results may differ by processor.
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
    /// A kernel that the entries behind it name.
    Kernel {
        /// Its digest.
        digest: Digest,
        /// The component.
        component: Vec<u8>,
    },
    /// Rows as they stand before the next entry: all rows at the start, or in a session of a part
    /// those that the next entry reads and that others have changed.
    Rows(Vec<Write>),
    /// A step.
    Step(Box<Step>),
    /// The end: what the rows came to.
    End(End),
}

/// A step of a session, with all that it returned.
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
    /// What kind of input it was.
    pub kind: InputKind,
    /// The encoded input.
    pub input: Vec<u8>,
    /// What the policies said, in the order of the questions.
    pub verdicts: Vec<RecordedVerdict>,
    /// What came of it.
    pub end: StepEnd,
    /// In a masked session: what the masked step decided otherwise than the real one, if anything.
    pub deviation: Option<String>,
}

impl Step {
    /// A step of the journal with all that it returned.
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
    /// Digest of all rows; none in a session of a part.
    pub rows: Option<Digest>,
}

/// Where what stands, and what it comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// The blocks.
    pub blocks: Vec<BlockPlace>,
    /// Counts for who looks at the file.
    pub summary: Summary,
}

/// Where a block stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockPlace {
    /// Offset in the file, in bytes.
    pub offset: u64,
    /// Number of the first entry in it or behind it.
    pub first_seq: u64,
}

/// What a session holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Steps.
    pub steps: u64,
    /// Number of the first step; 0 when there is none.
    pub first_seq: u64,
    /// Number of the last step.
    pub last_seq: u64,
    /// Time of the first step, in ms.
    pub first_ms: i64,
    /// Time of the last step, in ms.
    pub last_ms: i64,
    /// Entries between them that were left out.
    pub left_out: u64,
    /// Masked steps that decided otherwise than the real ones.
    pub deviations: u64,
    /// Users whose data it holds: rows of users at the start or written later.
    pub users: u64,
    /// Channels of which it holds posts.
    pub channels: u64,
    /// Connections whose frames it holds.
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

    /// A contract's package with its version.
    fn package(contract: &str) -> &str {
        let mut lines = contract.lines();
        let package = lines.find_map(|line| line.strip_prefix("package ")?.strip_suffix(';'));
        package.unwrap()
    }

    /// A world's name with the version of its package, as the contract says it.
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
