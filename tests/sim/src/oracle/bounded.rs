//! I12: what a workspace keeps, sends and does stays within named limits, whatever it receives.

use std::collections::BTreeMap;

use causeway_kernel::boundary::input::{Input, SendOutcome};
use causeway_kernel::boundary::output::Effect;
use causeway_kernel::model::limits::{
    BACKOFF_FIRST_MS, HELD_MAX, POSTS_PER_SYNC_MAX, PUMPS_PER_STEP_MAX,
    QUARANTINE_PER_CONNECTION_MAX, REACTIONS_PER_SYNC_MAX, USERS_PER_SYNC_MAX,
};
use causeway_kernel::rows::id::ConnectionNo;
use causeway_kernel::rows::table::Table;
use causeway_kernel::wire::FRAME_BYTES_MAX;

use super::step::Step;
use super::{BOUNDED, Links, Rewound, Violation, broken};
use crate::frames::{FrameItems, Item};
use causeway_kernel::rows::memory::Tables;

/// Rows that a step writes at most.
pub const WRITES_MAX: usize = 2_500;
/// Effects of a step at most.
pub const EFFECTS_MAX: usize = 1_500;
/// Due rows in a quiet workspace at most: expiries of remembered results, and wake-ups that have no
/// effect.
pub const QUIET_DUE_MAX: usize = 40;
/// Due rows at any time at most, for each connection.
pub const DUE_MAX: usize = 500;
/// Shortest time between a failed send and the next one to the same peer, in ms, if
/// the peer was not heard from in between: a pause is at least half of its maximum.
pub const RETRY_PAUSE_MS: i64 = BACKOFF_FIRST_MS / 2;
/// Bytes of all rows for each input byte, at most.
pub const STORED_PER_INPUT_BYTE: usize = 12;
/// Bytes of all rows in an empty workspace.
pub const STORED_BASE_BYTES: usize = 64 * 1024;

fn over(node: usize, what: &str, number: usize, limit: usize) -> Result<(), Violation> {
    if number <= limit {
        return Ok(());
    }
    Err(broken(
        BOUNDED,
        format!("node {node}: {number} {what}, more than {limit}"),
    ))
}

/// Judges a step: what it did at once, and how much is kept after it.
///
/// # Errors
/// If it exceeds a limit.
pub fn check(step: &Step<'_>) -> Result<(), Violation> {
    let (node, rows) = (step.node, step.rows);
    over(node, "rows written", step.carried.writes.len(), WRITES_MAX)?;
    over(node, "effects", step.carried.effects.len(), EFFECTS_MAX)?;
    let frames = step
        .carried
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send { frame, .. } => Some(frame.len()),
            Effect::Event(_)
            | Effect::Wake { .. }
            | Effect::Connection(_)
            | Effect::SendFile(_)
            | Effect::SendPicture(_)
            | Effect::Refused { .. } => None,
        });
    over(
        node,
        "messages at once",
        frames.clone().count(),
        PUMPS_PER_STEP_MAX,
    )?;
    let longest = frames.max().unwrap_or(0);
    over(node, "bytes in a message", longest, FRAME_BYTES_MAX)?;
    let peers = rows.count(Table::Connections).max(1);
    let held = rows.count(Table::Held);
    over(node, "items held", held, peers * HELD_MAX as usize)?;
    let aside = rows.count(Table::Quarantine);
    let aside_max = peers * QUARANTINE_PER_CONNECTION_MAX;
    over(node, "items set aside", aside, aside_max)?;
    let kept = rows.count(Table::KeptFrames);
    over(node, "frames in parts", kept, peers)?;
    over(node, "rounds", rows.count(Table::Rounds), peers)?;
    over(node, "due rows", rows.count(Table::Due), peers * DUE_MAX)
}

/// Judges a quiet workspace: nothing piles up, relative to all its input in bytes.
///
/// # Errors
/// If something did.
pub fn check_end(node: usize, rows: &Tables, input_bytes: usize) -> Result<(), Violation> {
    over(
        node,
        "due rows in the end",
        rows.count(Table::Due),
        QUIET_DUE_MAX,
    )?;
    let limit = STORED_BASE_BYTES + STORED_PER_INPUT_BYTE * input_bytes;
    over(node, "bytes stored", rows.bytes(), limit)
}

/// Judges the contents of a message.
///
/// # Errors
/// If they exceed the limit of a message.
pub fn check_items(node: usize, frame: &FrameItems) -> Result<(), Violation> {
    let count = |wanted: fn(&Item) -> bool| {
        let items = frame.items.iter();
        items.filter(|(item, _)| wanted(item)).count()
    };
    let users = count(|item| matches!(item, Item::User(_)));
    let posts = count(|item| matches!(item, Item::Post(_)));
    let reactions = count(|item| matches!(item, Item::Reaction(..)));
    over(node, "profiles in a message", users, USERS_PER_SYNC_MAX)?;
    over(
        node,
        "posts in a message",
        posts,
        POSTS_PER_SYNC_MAX as usize,
    )?;
    over(
        node,
        "reactions in a message",
        reactions,
        REACTIONS_PER_SYNC_MAX,
    )
}

/// A message in flight.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Its attempt.
    pub attempt: u64,
    /// The link that it is about, as it was when it was sent.
    pub link: Rewound,
}

/// Messages that a node has in flight, and when it may send again after a failure.
#[derive(Default)]
pub struct Sending {
    out: BTreeMap<(usize, ConnectionNo), Sent>,
    paused_until_ms: BTreeMap<(usize, ConnectionNo), i64>,
}

impl Sending {
    /// A node received an input, at this time of its own. What failed is sent again after a pause,
    /// unless its link has ended since, or has been rewound for a restored peer.
    pub fn hears(&mut self, node: usize, at_ms: i64, input: &Input, links: &Links) {
        match input {
            Input::Receipt(receipt) => {
                let key = (node, receipt.connection);
                let out = self.out.get(&key).copied();
                if let Some(sent) = out.filter(|sent| sent.attempt == receipt.attempt) {
                    self.out.remove(&key);
                    let is_failure = match receipt.outcome {
                        SendOutcome::Answered(_) | SendOutcome::Refused(400 | 413) => false,
                        SendOutcome::Refused(_) | SendOutcome::Unknown => true,
                        SendOutcome::NeverLeft => true,
                    };
                    let mut own = links.iter().filter(|((of, ..), _)| *of == node);
                    if is_failure && own.any(|(_, link)| *link == sent.link) {
                        self.paused_until_ms.insert(key, at_ms + RETRY_PAUSE_MS);
                    }
                }
            }
            Input::Ping { connection, .. } => {
                self.paused_until_ms.remove(&(node, *connection));
            }
            Input::Resume | Input::Restored => {
                self.ends(node);
            }
            Input::Genesis(_)
            | Input::Command { .. }
            | Input::Frame { .. }
            | Input::FramePart { .. }
            | Input::Quarantine { .. }
            | Input::Timer
            | Input::DuePart(_)
            | Input::PolicyChanged { .. }
            | Input::KernelChanged { .. }
            | Input::Statuses(_)
            | Input::Upload { .. }
            | Input::Picture { .. } => {}
        }
    }

    /// A host ends.
    pub fn ends(&mut self, host: usize) {
        self.out.retain(|(of, _), _| *of != host);
        self.paused_until_ms.retain(|(of, _), _| *of != host);
    }

    /// Renumbers nodes.
    pub fn renumber(&mut self, name: impl Fn(usize) -> usize) {
        let out = std::mem::take(&mut self.out).into_iter();
        self.out = out.map(|((of, no), sent)| ((name(of), no), sent)).collect();
        let paused = std::mem::take(&mut self.paused_until_ms).into_iter();
        self.paused_until_ms = paused
            .map(|((of, no), until_ms)| ((name(of), no), until_ms))
            .collect();
    }

    /// A node sends a message at this time of its own: only one may be in flight to a peer.
    ///
    /// # Errors
    /// If it is sent too early.
    pub fn sends(
        &mut self,
        key: (usize, ConnectionNo),
        at_ms: i64,
        sent: Sent,
    ) -> Result<(), Violation> {
        let node = key.0;
        let attempt = sent.attempt;
        if let Some(Sent { attempt: out, .. }) = self.out.insert(key, sent) {
            return Err(broken(
                BOUNDED,
                format!("node {node} sends attempt {attempt} while attempt {out} is out"),
            ));
        }
        let until_ms = self.paused_until_ms.remove(&key);
        if until_ms.is_some_and(|until_ms| at_ms < until_ms) {
            return Err(broken(
                BOUNDED,
                format!("node {node} sends attempt {attempt} without a pause after a failure"),
            ));
        }
        Ok(())
    }
}
