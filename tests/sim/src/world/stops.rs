//! Steps that are stopped, by a trap or because their fuel is used up, and what the host makes of
//! it, by the engine's rules (`host/engine/src/writer/steps.rs`, `host/src/federation/sender.rs`):
//! such a step did nothing; a frame is carried out without the items that stop it, found by the
//! engine's own search, or set aside as a whole; a timer goes off again; an answer that cannot be
//! taken is as good as none; a start that fails is tried again; everybody else is told.

use causeway_kernel::boundary::bisect::{Bisect, Ended};
use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::input::{Input, Receipt, SendOutcome};
use causeway_kernel::boundary::output::Reply;
use causeway_kernel::rows::id::ConnectionNo;

use super::{DISK_RETRY_MS, Event, Note, Waiter, World};
use crate::coverage::Fault;
use crate::frames;
use crate::oracle::{INERT, RUNS, Violation, broken};
use crate::story;

/// When a timer that was stopped goes off again, in ms, as in the engine.
const TIMER_RETRY_MS: i64 = 10_000;
/// Pause before an answer that stopped a step is reported as none, in ms, as in the host.
const RECEIPT_PAUSE_MS: i64 = 100;

/// What of an input stops the kernel.
struct Trigger {
    what: Stopper,
    /// Whether it uses up the fuel.
    burns: bool,
}

enum Stopper {
    /// All of it.
    Whole,
    /// These items of a frame.
    Items(Vec<u32>),
    /// Any so many items of a frame together.
    Together(usize),
}

impl Trigger {
    /// How a trial run of a frame ends that has so many items.
    fn trial(&self, input: &[u8], items: u32) -> Ended {
        let Ok(Input::Frame { skip, .. }) = codec::decode_input(input) else {
            return Ended::Returned;
        };
        let is_run = |item: &u32| !skip.iter().any(|(a, b)| (*a..*b).contains(item));
        let is_stopped = match &self.what {
            Stopper::Whole => true,
            Stopper::Items(bad) => bad.iter().any(is_run),
            Stopper::Together(count) => (0..items).filter(is_run).count() >= *count,
        };
        match (is_stopped, self.burns) {
            (false, _) => Ended::Returned,
            (true, false) => Ended::Stopped,
            (true, true) => Ended::OutOfFuel,
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

impl World<'_> {
    /// Carries out an input at a node; `None` if the step is stopped.
    pub(super) fn carry_out(
        &mut self,
        node: usize,
        input: Input,
        waiter: Waiter,
    ) -> Result<Option<Reply>, Violation> {
        match self.trigger(node, &input) {
            Some(trigger) => self.stopped(node, input, waiter, &trigger),
            None => self.carry_through(node, input, waiter).map(Some),
        }
    }

    /// What stops this step, if something does.
    fn trigger(&mut self, node: usize, input: &Input) -> Option<Trigger> {
        let peer = match input {
            Input::Frame { connection, .. }
            | Input::Quarantine { connection, .. }
            | Input::Ping { connection, .. }
            | Input::Receipt(Receipt { connection, .. }) => {
                self.nodes[node].peers.get(connection).copied()
            }
            Input::Genesis(_)
            | Input::Command { .. }
            | Input::Timer
            | Input::Resume
            | Input::Restored
            | Input::PolicyChanged { .. }
            | Input::KernelChanged { .. } => None,
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

    fn stopped(
        &mut self,
        node: usize,
        input: Input,
        waiter: Waiter,
        trigger: &Trigger,
    ) -> Result<Option<Reply>, Violation> {
        self.steps += 1;
        let now_ms = self.now_ms;
        let machine = &mut self.nodes[node];
        let before = self.watch.is_judged().then(|| machine.rows.clone());
        let ended = machine.stop(now_ms, &input);
        let (entry, claimed) = ended.map_err(|error| {
            let input = story::input(&input);
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
        let what = told(&input);
        self.tell(format!("At {name} {what} stops the kernel: {cause}."));
        let is_whole = matches!(&input, Input::Frame { skip, .. } if skip.is_empty());
        let goes_on = is_whole && claimed.is_none();
        let (waiter, waits_on) = if goes_on {
            (Waiter::Nobody, waiter)
        } else {
            (waiter, Waiter::Nobody)
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
            let input = story::input(&input);
            return Err(broken(
                INERT,
                format!("node {node}: a step was stopped and its rows are others: {input}"),
            ));
        }
        self.begin_sync(node);
        match input {
            Input::Frame {
                connection, body, ..
            } if goes_on => self.remedy(node, (connection, &body), waits_on, trigger),
            Input::Timer => {
                let again_ms = self.nodes[node].time_ms(now_ms) + TIMER_RETRY_MS;
                self.nodes[node].wakes.insert(again_ms);
                self.set_timer(node);
                Ok(None)
            }
            Input::Genesis(_)
            | Input::Command { .. }
            | Input::Frame { .. }
            | Input::Quarantine { .. }
            | Input::Receipt(_)
            | Input::Ping { .. }
            | Input::Resume
            | Input::Restored
            | Input::PolicyChanged { .. }
            | Input::KernelChanged { .. } => Ok(claimed),
        }
    }

    /// A frame that was stopped is carried out without its culprits.
    fn remedy(
        &mut self,
        node: usize,
        (connection, body): (ConnectionNo, &[u8]),
        waiter: Waiter,
        trigger: &Trigger,
    ) -> Result<Option<Reply>, Violation> {
        let items = frames::read(body).map_or(0, |frame| frame.items.len());
        let items = u32::try_from(items).unwrap_or(u32::MAX);
        let mut trial = |input: &[u8]| Ok::<_, Violation>(trigger.trial(input, items));
        let remedy = Bisect::new(connection, body).remedy("a trap", &mut trial)?;
        let name = self.nodes[node].name();
        self.tell(match &remedy {
            Input::Frame { skip, .. } => {
                let is_left_out = |item: &u32| skip.iter().any(|(a, b)| (*a..*b).contains(item));
                let left_out = (0..items).filter(is_left_out).count();
                format!("{name} sets {left_out} of its {items} items aside.")
            }
            _ => format!("{name} sets it aside as a whole."),
        });
        self.carry_out(node, remedy, waiter)
    }

    /// An answer that a workspace could not take is reported as none.
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

    /// Who waits hears that a step was stopped; says whether the process ends over it.
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

/// An input in a few words.
fn told(input: &Input) -> &'static str {
    match input {
        Input::Command { .. } => "what a user wants",
        Input::Frame { .. } => "a message",
        Input::Quarantine { .. } => "what is to be set aside",
        Input::Receipt(_) => "the answer to a message",
        Input::Ping { .. } => "the answer to a ping",
        Input::Timer => "what is due",
        Input::PolicyChanged { .. } => "another policy",
        Input::Genesis(_) | Input::Resume | Input::Restored | Input::KernelChanged { .. } => {
            "a first step"
        }
    }
}
