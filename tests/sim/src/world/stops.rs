//! Steps that are stopped, by a trap or because their fuel is used up, and how the host handles
//! that, by the engine's rules (`host/engine/src/writer/steps.rs`, `host/src/federation/sender.rs`).
//! Such a step has no effect. A frame continues in parts, as in the engine, without the items that
//! stop them, or is set aside as a whole. Due work continues in parts, and a row that stops one is put
//! off. An answer that cannot be processed counts as no answer. A start that fails is repeated. All
//! others get an error.

use causeway_kernel::boundary::frame_run::FrameRun;
use causeway_kernel::boundary::input::{DuePart, FramePart, Input, Receipt, SendOutcome};
use causeway_kernel::boundary::output::Reply;
use causeway_kernel::model::limits::FRAME_ITEMS_PER_STEP_MAX;
use causeway_kernel::model::{Due, FrameProgress};
use causeway_kernel::rows::id::ConnectionNo;
use causeway_kernel::rows::tx::Read;

use super::{DISK_RETRY_MS, Event, Note, Waiter, World};
use crate::coverage::Fault;
use crate::frames;
use crate::oracle::{INERT, RUNS, Violation, broken};
use crate::story;

/// Pause before an answer that stopped a step is reported as missing, in ms, as in the host.
const RECEIPT_PAUSE_MS: i64 = 100;

/// Which part of an input stops the kernel.
struct Trigger {
    what: Stopper,
    /// Whether it uses up the fuel.
    burns: bool,
}

enum Stopper {
    /// The whole input.
    Whole,
    /// These items of a frame.
    Items(Vec<u32>),
    /// Any group of so many items of a frame.
    Together(usize),
}

impl Trigger {
    /// Whether it stops a step of this input; for a frame, a step that has `items` and continues with
    /// number `next`.
    fn stops(&self, input: &Input, items: u32, next: u32) -> bool {
        let most = match input {
            Input::Frame { .. } => FRAME_ITEMS_PER_STEP_MAX,
            Input::FramePart { part, .. } => match part {
                FramePart::Keep(_) => 0,
                FramePart::Items(most) => (*most).min(FRAME_ITEMS_PER_STEP_MAX),
                // What is not carried out stops nothing.
                FramePart::SetAside(_) => return false,
            },
            Input::Quarantine { .. } => return false,
            _ => return true,
        };
        let end = items.min(next.saturating_add(most));
        match &self.what {
            Stopper::Whole => true,
            Stopper::Items(bad) => bad.iter().any(|item| (next..end).contains(item)),
            Stopper::Together(count) => (next..end).count() >= *count,
        }
    }
}

fn items_of(input: &Input) -> u32 {
    let Input::Frame { body, .. } = input else {
        return 0;
    };
    let items = frames::read(body).map_or(0, |frame| frame.items.len());
    u32::try_from(items).unwrap_or(u32::MAX)
}

fn is_timer(input: &Input) -> bool {
    matches!(input, Input::Timer | Input::DuePart(_))
}

impl World<'_> {
    /// Executes an input at a node, a frame with all of its parts; `None` if the step is stopped.
    pub(super) fn carry_out(
        &mut self,
        node: usize,
        input: Input,
        waiter: Waiter,
    ) -> Result<Option<Reply>, Violation> {
        let trigger = self.trigger(node, &input);
        let mut run = match &input {
            Input::Frame {
                connection, body, ..
            } => Some(FrameRun::new(*connection, body.clone())),
            _ => None,
        };
        let items = items_of(&input);
        let mut input = input;
        let mut waiter = waiter;
        loop {
            let next = run
                .as_ref()
                .map_or(0, |run| self.next_item(node, run, &input));
            let stopper = trigger.as_ref().filter(|it| it.stops(&input, items, next));
            let reply = match stopper {
                Some(trigger) => self.stopped(node, &input, &mut waiter, trigger)?,
                None => {
                    let is_timer = is_timer(&input);
                    let reply = self.carry_through(node, input, &mut waiter)?;
                    if is_timer {
                        self.timer_returned(node);
                    }
                    Some(reply)
                }
            };
            let follows = run.as_mut().and_then(|run| match &reply {
                Some(reply) => run.after_reply(reply),
                None => run.after_stop("a trap"),
            });
            match follows {
                Some(follows) => input = follows,
                None => return Ok(reply),
            }
        }
    }

    fn timer_returned(&mut self, node: usize) {
        let now_ms = self.now_ms;
        let machine = &mut self.nodes[node];
        let time_ms = machine.time_ms(now_ms);
        let first = machine.rows.prefix::<Due, ()>(&(), 1);
        let is_more_due = first.iter().any(|((at_ms, _), _)| *at_ms <= time_ms);
        machine.due.returned(is_more_due);
    }

    /// Number of the item with which a frame continues.
    fn next_item(&self, node: usize, run: &FrameRun, input: &Input) -> u32 {
        let progress = self.nodes[node]
            .rows
            .get::<FrameProgress>(&run.connection());
        match (input, progress) {
            (Input::FramePart { .. }, Some(progress)) => progress.next,
            _ => 0,
        }
    }

    /// What stops this step, if anything.
    fn trigger(&mut self, node: usize, input: &Input) -> Option<Trigger> {
        let peer = match input {
            Input::Frame { connection, .. }
            | Input::FramePart { connection, .. }
            | Input::Quarantine { connection, .. }
            | Input::Ping { connection, .. }
            | Input::Upload { connection, .. }
            | Input::Picture { connection, .. }
            | Input::Receipt(Receipt { connection, .. }) => {
                self.nodes[node].peers.get(connection).copied()
            }
            Input::Genesis(_)
            | Input::Command { .. }
            | Input::Timer
            | Input::DuePart(_)
            | Input::Resume
            | Input::Restored
            | Input::PolicyChanged { .. }
            | Input::KernelChanged { .. }
            | Input::Statuses(_) => None,
        };
        let concerned: Vec<usize> = std::iter::once(node).chain(peer).collect();
        let rate = self.faults_of(&concerned).stop;
        if rate == 0 || !self.stops.chance(rate) {
            return None;
        }
        let items = items_of(input);
        let what = match self.stops.below(4) {
            _ if items == 0 => Stopper::Whole,
            0 => Stopper::Whole,
            1 => Stopper::Together(1 + self.stops.below(u64::from(items)) as usize),
            count => {
                let mut item = || self.stops.below(u64::from(items)) as u32;
                Stopper::Items((1..count).map(|_| item()).collect())
            }
        };
        let burns = self.stops.chance(300);
        Some(Trigger { what, burns })
    }

    /// Handles a stopped step; returns a reply only if a defect of the host invents one. The sender of a
    /// frame keeps waiting.
    fn stopped(
        &mut self,
        node: usize,
        input: &Input,
        waiter: &mut Waiter,
        trigger: &Trigger,
    ) -> Result<Option<Reply>, Violation> {
        self.steps += 1;
        let now_ms = self.now_ms;
        let machine = &mut self.nodes[node];
        let before = self.watch.is_judged().then(|| machine.rows.clone());
        let ended = machine.stop(now_ms, input);
        let (entry, claimed) = ended.map_err(|error| {
            let input = story::input(input);
            broken(RUNS, format!("node {node}: {error} in {input}"))
        })?;
        let is_inert = before.is_none_or(|before| before == machine.rows);
        let name = machine.name();
        self.coverage.fault(Fault::Stop);
        let cause = if trigger.burns {
            "its fuel is used up"
        } else {
            "a trap"
        };
        let what = told(input);
        self.tell(format!("At {name} {what} stops the kernel: {cause}."));
        let goes_on = matches!(input, Input::Frame { .. } | Input::FramePart { .. });
        let waiter = if goes_on && claimed.is_none() {
            Waiter::Nobody
        } else {
            std::mem::replace(waiter, Waiter::Nobody)
        };
        let note = Note {
            facts: None,
            at_ms: entry.context.now_ms,
            input: input.clone(),
            reply: claimed.clone(),
            effects: Vec::new(),
            waiter,
            keyed: None,
        };
        self.nodes[node].keep(entry, Vec::new(), Vec::new(), note);
        if !is_inert {
            let input = story::input(input);
            return Err(broken(
                INERT,
                format!("node {node}: a step was stopped and its rows are others: {input}"),
            ));
        }
        self.begin_sync(node);
        if is_timer(input) {
            let machine = &mut self.nodes[node];
            let again_ms = machine.time_ms(now_ms) + machine.due.stopped();
            machine.wakes.insert(again_ms);
            self.set_timer(node);
        }
        Ok(claimed)
    }

    /// An answer that a workspace could not process is reported as missing.
    pub(super) fn reported_as_unknown(
        &mut self,
        node: usize,
        life: u32,
        (connection, attempt): (ConnectionNo, u64),
    ) -> Result<(), Violation> {
        if !self.lives(node, life) {
            return Ok(());
        }
        if self.is_full(node) {
            let event = Event::Unreported(node, life, connection, attempt);
            self.agenda.at(self.now_ms + DISK_RETRY_MS, event);
            return Ok(());
        }
        let input = Input::Receipt(Receipt {
            connection,
            attempt,
            outcome: SendOutcome::Unknown,
        });
        self.step(node, input, Waiter::Receipt(connection, attempt))
    }

    /// Reports a stopped step to whoever waits; returns whether that ends the process.
    pub(super) fn refuse_stopped(
        &mut self,
        node: usize,
        waiter: Waiter,
    ) -> Result<bool, Violation> {
        match waiter {
            Waiter::Client(request) => self.client_is_cut(node, *request),
            Waiter::Call(call) => self.unavailable(call),
            Waiter::Receipt(connection, attempt) => {
                self.toggle_is_unknown(node, connection, attempt);
                let life = self.nodes[node].life;
                let event = Event::Unreported(node, life, connection, attempt);
                self.agenda.at(self.now_ms + RECEIPT_PAUSE_MS, event);
            }
            Waiter::First | Waiter::Start => {
                self.die(node, "because a first step of it was stopped", 1_000)?;
                return Ok(true);
            }
            Waiter::Nobody => {}
        }
        Ok(false)
    }
}

/// A short description of an input.
fn told(input: &Input) -> &'static str {
    match input {
        Input::Command { .. } => "what a user wants",
        Input::Frame { .. } => "a message",
        Input::FramePart { .. } => "a part of a message",
        Input::Quarantine { .. } => "what is to be set aside",
        Input::Receipt(_) => "the answer to a message",
        Input::Ping { .. } => "the answer to a ping",
        Input::Upload { .. } => "the bytes of a file",
        Input::Picture { .. } => "a picture",
        Input::Timer => "what is due",
        Input::DuePart(DuePart::Rows(_)) => "a part of what is due",
        Input::DuePart(DuePart::PutOff) => "what is to be put off",
        Input::PolicyChanged { .. } => "another policy",
        Input::Statuses(_) => "who is online",
        Input::Genesis(_) | Input::Resume | Input::Restored | Input::KernelChanged { .. } => {
            "a first step"
        }
    }
}
