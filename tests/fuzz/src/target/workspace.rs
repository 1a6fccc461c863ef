//! A workspace for trying a step: the state at the end of a recording.

use std::cell::OnceCell;
use std::ops::ControlFlow;

use causeway_engine::MemoryRows;
use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::StepContext;
use causeway_kernel::boundary::input::{Input, Receipt, SendOutcome};
use causeway_kernel::boundary::output::Reply;
use causeway_kernel::model::{Channel, Connection, Link, LinkState, Round, Section};
use causeway_kernel::rows::id::ConnectionNo;
use causeway_kernel::rows::key;
use causeway_kernel::rows::record::{Read, Record};
use causeway_kernel::rows::table::TableVisitor;
use causeway_kernel::rows::testing::MemoryHost;
use causeway_kernel::step::step;
use causeway_session::SessionFile;
use causeway_session::look::walk::{Passed, walk};

use crate::seeds::{SESSIONS, path};

/// A minute after the last step of the recording.
const LATER_MS: i64 = 60_000;

/// A state of a workspace, and the time of the next step.
pub struct State {
    host: MemoryHost,
    now_ms: i64,
}

/// A workspace with a connection over which a channel is shared.
pub struct Workspace {
    /// The state after everything that was recorded.
    pub end: State,
    /// For each section of a round, a state in which a message of it is in flight, and its receipt.
    pub waiting: Vec<(Section, State, Receipt)>,
    /// The connection.
    pub connection: (ConnectionNo, Connection),
    /// The channel.
    pub channel: Channel,
    /// The inputs in the recording that came from a peer.
    pub inputs: Vec<Input>,
}

// The kernel's log output is collected in a cell, so each thread has its own workspace.
thread_local! {
    static WORKSPACE: OnceCell<&'static Workspace> = const { OnceCell::new() };
}

/// The workspace of this thread.
pub fn workspace() -> &'static Workspace {
    WORKSPACE.with(|it| *it.get_or_init(|| Box::leak(Box::new(Workspace::load()))))
}

impl Workspace {
    fn load() -> Workspace {
        let file = SessionFile::open(&path(SESSIONS[0])).expect("the recording opens");
        let mut inputs = Vec::new();
        let mut waiting: Vec<(Section, State, Receipt)> = Vec::new();
        let mut last_ms = 0;
        let (rows, damage) = walk(&file, None, |passed| {
            if let Passed::Step(seen) = passed {
                last_ms = seen.step.time_ms;
                if let Some((section, receipt)) = message_out(seen.rows)
                    && waiting.iter().all(|(known, ..)| *known != section)
                {
                    waiting.push((section, State::after(seen.rows, last_ms), receipt));
                }
                if let Ok(input @ (Input::Frame { .. } | Input::Receipt(_))) = seen.input {
                    inputs.push(input);
                }
            }
            ControlFlow::Continue(())
        });
        assert!(damage.is_empty(), "{damage:?}");
        let (channel, connection) = rows
            .records::<Link>()
            .find_map(|(key, link)| (link.state == LinkState::Active).then_some(key))
            .expect("the recording ends with a shared channel");
        let end = State::after(&rows, last_ms);
        let row = end.host.get::<Connection>(&connection);
        Workspace {
            connection: (connection, row.expect("a link has a connection")),
            channel: end.host.get::<Channel>(&channel).expect("and a channel"),
            end,
            waiting,
            inputs,
        }
    }
}

fn message_out(rows: &MemoryRows) -> Option<(Section, Receipt)> {
    rows.records::<Round>().find_map(|(connection, round)| {
        let receipt = Receipt {
            connection,
            attempt: round.attempt?,
            outcome: SendOutcome::NeverLeft,
        };
        Some((round.section, receipt))
    })
}

impl State {
    fn after(rows: &MemoryRows, last_ms: i64) -> State {
        let mut host = MemoryHost::new();
        for (table, key, value) in rows.all() {
            host.tables.set(table, key, Some(value.to_vec()));
        }
        State {
            host,
            now_ms: last_ms + LATER_MS,
        }
    }

    /// Tries an input without changing the state. The output has to be of known shapes.
    pub fn try_out(&self, input: &Input) -> Reply {
        let context = StepContext {
            now_ms: self.now_ms,
            seed: [7; 16],
        };
        let output = step(&self.host, context, input);
        for write in &output.writes {
            let shape = Shape(&write.key, write.value.as_deref());
            assert!(
                write.table.visit(shape),
                "{:?} got a foreign row",
                write.table
            );
        }
        for effect in &output.effects {
            let bytes = codec::encode_effect(effect);
            assert!(codec::decode_effect(&bytes).is_ok(), "{effect:?}");
        }
        output.reply
    }
}

/// A written row, to be read as the row type of its table.
struct Shape<'w>(&'w [u8], Option<&'w [u8]>);

impl TableVisitor for Shape<'_> {
    type Out = bool;

    fn rows<R: Record>(self) -> bool {
        key::decode::<R::Key>(self.0).is_some()
            && self.1.is_none_or(|value| R::from_bytes(value).is_some())
    }
}
