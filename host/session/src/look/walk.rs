//! Goes through a session step by step, with the rows before and after each. Nothing is carried out:
//! every step contains its writes. Damaged parts are skipped and reported at the end.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::{Effect, Reply, Write};
use causeway_kernel::rows::key;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::Record;

use crate::file::codec::{StepView, View};
use crate::file::format::Step;
use crate::file::limits::{Budget, DAMAGES_MAX, row_bytes};
use crate::file::{Block, SessionError, SessionFile};
use causeway_engine::MemoryRows;
use causeway_engine::journal::Digest;
use causeway_engine::runtime::{StepEnd, StepOutput};

/// The previous values of the rows that a step wrote.
type Before = BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>;

/// A piece of a session.
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
    /// Its input, or why that cannot be decoded.
    pub input: Result<Input, String>,
    /// The rows after it.
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
    /// The row after the step.
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

    /// Its reply, if it can be decoded.
    #[must_use]
    pub fn reply(&self) -> Option<Reply> {
        codec::decode_reply(&self.output()?.reply).ok()
    }

    /// Its effects that can be decoded.
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

/// Calls `see` for every piece up to entry `until`; returns the rows after the last one, and the
/// errors: damage, or more memory needed than allowed.
pub fn walk(
    file: &SessionFile,
    until: Option<u64>,
    mut see: impl FnMut(Passed<'_>) -> ControlFlow<()>,
) -> (MemoryRows, Vec<SessionError>) {
    let mut walk = Walk {
        is_partial: file.header().selection.is_partial(),
        until,
        rows: MemoryRows::default(),
        ahead: Vec::new(),
        memory: Budget::of(file.rows_bytes_max()),
    };
    let mut damage = Vec::new();
    for block in file.blocks() {
        let passed = match &block {
            Ok(block) => walk.block(block, &mut see),
            Err(_) => Ok(ControlFlow::Continue(())),
        };
        match (block, passed) {
            (Err(error), _) => damage.push(error),
            (_, Ok(ControlFlow::Continue(()))) => {}
            (_, Ok(ControlFlow::Break(()))) => break,
            (_, Err(error @ SessionError::TooLarge { .. })) => {
                damage.push(error);
                break;
            }
            (_, Err(error)) => damage.push(error),
        }
        if damage.len() >= DAMAGES_MAX {
            break;
        }
    }
    (walk.finish(), damage)
}

/// A walk in progress.
struct Walk {
    is_partial: bool,
    until: Option<u64>,
    rows: MemoryRows,
    /// Rows that precede the next step.
    ahead: Vec<Write>,
    memory: Budget,
}

impl Walk {
    /// Handles the pieces of a block. Those that cannot be decoded are skipped and reported at the
    /// end.
    fn block(
        &mut self,
        block: &Block,
        see: &mut impl FnMut(Passed<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, SessionError> {
        let mut shapeless = None;
        for view in block.views() {
            let flow = match view {
                Err(error) => {
                    shapeless.get_or_insert(error);
                    continue;
                }
                Ok(View::Kernel(digest, component)) => see(Passed::Kernel(digest, component.len())),
                Ok(View::Rows(rows)) => {
                    self.memory.take(rows.memory_bytes());
                    self.memory.check()?;
                    self.ahead.extend(rows.writes());
                    ControlFlow::Continue(())
                }
                Ok(View::Step(seq, _)) if self.until.is_some_and(|until| seq > until) => {
                    ControlFlow::Break(())
                }
                Ok(View::Step(_, bytes)) => match StepView::of(bytes) {
                    Some(step) => self.step(&step.step(), see)?,
                    None => {
                        shapeless.get_or_insert_with(|| block.shapeless());
                        continue;
                    }
                },
                Ok(View::End(_)) => ControlFlow::Continue(()),
            };
            if flow.is_break() {
                return Ok(flow);
            }
        }
        shapeless.map_or(Ok(ControlFlow::Continue(())), Err)
    }

    fn step(
        &mut self,
        step: &Step,
        see: &mut impl FnMut(Passed<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, SessionError> {
        let ahead = std::mem::take(&mut self.ahead);
        // They were counted when they were read.
        self.memory.give_back(ahead.iter().map(write_bytes).sum());
        self.apply(&ahead)?;
        drop(ahead);
        let mut before = Before::new();
        if let StepEnd::Done(output) = &step.end {
            for write in &output.writes {
                let value = self.rows.value(write.table, &write.key).map(<[u8]>::to_vec);
                before.insert((write.table, write.key.clone()), value);
            }
            self.apply(&output.writes)?;
        }
        Ok(see(Passed::Step(Seen {
            step,
            input: codec::decode_input(&step.input).map_err(|error| error.to_string()),
            rows: &self.rows,
            before,
        })))
    }

    /// Puts and deletes rows, and counts their memory.
    fn apply(&mut self, writes: &[Write]) -> Result<(), SessionError> {
        for write in writes {
            let Write { table, key, value } = write;
            if let Some(old) = self.rows.value(*table, key) {
                self.memory.give_back(row_bytes(key, Some(old)));
            }
            if value.is_some() {
                self.memory.take(write_bytes(write));
            }
            self.rows.put(*table, key, value.as_deref());
        }
        self.memory.check()
    }

    /// The rows after the last step. In a complete session, rows that precede a step not reached are
    /// those at the start; in a partial one they are later changes by omitted entries.
    fn finish(mut self) -> MemoryRows {
        if !self.is_partial {
            let ahead = std::mem::take(&mut self.ahead);
            self.rows.apply(&ahead);
        }
        self.rows
    }
}

fn write_bytes(write: &Write) -> u64 {
    row_bytes(&write.key, write.value.as_deref())
}
