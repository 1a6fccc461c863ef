//! Goes through a session step by step with the rows before and behind each. Nothing is carried
//! out: every step holds what it wrote. What is damaged is left out and named at the end.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::{Effect, Reply, Write};
use causeway_kernel::rows::key;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::Record;

use crate::file::format::{Frame, Step};
use crate::file::{SessionError, SessionFile};
use causeway_engine::MemoryRows;
use causeway_engine::journal::Digest;
use causeway_engine::runtime::{StepEnd, StepOutput};

/// What stood in the rows that a step wrote.
type Before = BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>;

/// A piece of a session, as it comes by.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "one lives at a time, on the stack"
)]
pub enum Passed<'s> {
    /// A kernel and its size in bytes.
    Kernel(Digest, usize),
    /// A step.
    Step(Seen<'s>),
}

/// A step and the rows around it.
#[derive(Debug)]
pub struct Seen<'s> {
    /// The step.
    pub step: &'s Step,
    /// Its input, or why that is of no known shape.
    pub input: Result<Input, String>,
    /// The rows behind it.
    pub rows: &'s MemoryRows,
    before: Before,
}

/// A row that a step wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change<R: Record> {
    /// Its key.
    pub key: R::Key,
    /// The row before the step.
    pub old: Option<R>,
    /// The row behind it.
    pub new: Option<R>,
}

impl Seen<'_> {
    /// What the step returned, unless it was stopped.
    #[must_use]
    pub fn output(&self) -> Option<&StepOutput> {
        match &self.step.end {
            StepEnd::Done(output) => Some(output),
            StepEnd::Stopped { .. } => None,
        }
    }

    /// Its reply, if it is of a known shape.
    #[must_use]
    pub fn reply(&self) -> Option<Reply> {
        codec::decode_reply(&self.output()?.reply).ok()
    }

    /// Its effects of a known shape.
    #[must_use]
    pub fn effects(&self) -> Vec<Effect> {
        let effects = self.output().into_iter().flat_map(|it| &it.effects);
        effects
            .filter_map(|it| codec::decode_effect(it).ok())
            .collect()
    }

    /// The bytes of a row before the step.
    #[must_use]
    pub fn before_value(&self, table: Table, key: &[u8]) -> Option<&[u8]> {
        match self.before.get(&(table, key.to_vec())) {
            Some(old) => old.as_deref(),
            None => self.rows.value(table, key),
        }
    }

    /// A row before the step.
    #[must_use]
    pub fn before<R: Record>(&self, key: &R::Key) -> Option<R> {
        R::from_bytes(self.before_value(R::TABLE, &key::encode(key))?)
    }

    /// The rows of a kind that the step wrote.
    #[must_use]
    pub fn changes<R: Record>(&self) -> Vec<Change<R>> {
        let writes = self.output().into_iter().flat_map(|it| &it.writes);
        let change = |write: &Write| {
            let old = self.before.get(&(write.table, write.key.clone()));
            Some(Change {
                key: key::decode::<R::Key>(&write.key)?,
                old: old.and_then(|old| R::from_bytes(old.as_deref()?)),
                new: write.value.as_deref().and_then(R::from_bytes),
            })
        };
        writes
            .filter(|write| write.table == R::TABLE)
            .filter_map(change)
            .collect()
    }
}

/// Shows every piece up to entry `until`; gives the rows behind the last one and what of the file
/// is damaged.
pub fn walk(
    file: &SessionFile,
    until: Option<u64>,
    mut see: impl FnMut(Passed<'_>) -> ControlFlow<()>,
) -> (MemoryRows, Vec<SessionError>) {
    let mut rows = MemoryRows::default();
    let mut damage = Vec::new();
    let mut ahead = Vec::new();
    for block in file.blocks() {
        let block = match block {
            Ok(block) => block,
            Err(error) => {
                damage.push(error);
                continue;
            }
        };
        for frame in block.frames() {
            let flow = match frame {
                Err(error) => {
                    damage.push(error);
                    ControlFlow::Continue(())
                }
                Ok(Frame::Kernel { digest, component }) => {
                    see(Passed::Kernel(digest, component.len()))
                }
                Ok(Frame::Rows(more)) => {
                    ahead.extend(more);
                    ControlFlow::Continue(())
                }
                Ok(Frame::Step(step)) if until.is_some_and(|until| step.seq > until) => {
                    ControlFlow::Break(())
                }
                Ok(Frame::Step(step)) => {
                    rows.apply(&std::mem::take(&mut ahead));
                    let before = apply(&mut rows, &step);
                    see(Passed::Step(Seen {
                        step: &step,
                        input: codec::decode_input(&step.input).map_err(|error| error.to_string()),
                        rows: &rows,
                        before,
                    }))
                }
                Ok(Frame::End(_)) => ControlFlow::Continue(()),
            };
            if flow.is_break() {
                return (finish(file, rows, &ahead), damage);
            }
        }
    }
    (finish(file, rows, &ahead), damage)
}

/// What came in front of a step that was not reached: in a whole session the rows at the start, in
/// one of a part what entries that are left out have made of them later.
fn finish(file: &SessionFile, mut rows: MemoryRows, ahead: &[Write]) -> MemoryRows {
    if !file.header().selection.is_partial() {
        rows.apply(ahead);
    }
    rows
}

/// Goes on to the rows behind a step; gives what stood there.
fn apply(rows: &mut MemoryRows, step: &Step) -> Before {
    let StepEnd::Done(output) = &step.end else {
        return Before::new();
    };
    let old = output.writes.iter().map(|write| {
        let value = rows.value(write.table, &write.key).map(<[u8]>::to_vec);
        ((write.table, write.key.clone()), value)
    });
    let before = old.collect();
    rows.apply(&output.writes);
    before
}
