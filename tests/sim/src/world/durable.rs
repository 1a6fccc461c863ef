//! From a step to its effects: nothing is released before its group is durable. A process may
//! die before that, and before and after every effect.

use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::{Effect, Reply};

use super::calls::{CallOutcome, What};
use super::{DISK_RETRY_MS, Event, Note, Waiter, World};
use crate::coverage::Fault;
use crate::isolation;
use crate::oracle::{Durable, NO_LOSS, Violation, broken};

/// A node's files do not hold what they must.
pub(super) fn lost(seen: String) -> Violation {
    broken(NO_LOSS, seen)
}

impl World<'_> {
    pub(super) fn synced(&mut self, node: usize, life: u32) -> Result<(), Violation> {
        if !self.lives(node, life) {
            return Ok(());
        }
        if self.is_full(node) {
            let at_ms = self.now_ms + DISK_RETRY_MS;
            self.agenda.at(at_ms, Event::Synced(node, life));
            return Ok(());
        }
        if self.may_die(node, "before a group is durable")? {
            return Ok(());
        }
        let notes = self.nodes[node].end_sync().map_err(lost)?;
        for note in &notes {
            self.judge(node, note)?;
        }
        self.begin_sync(node);
        let mut notes = notes.into_iter();
        while let Some(note) = notes.next() {
            if self.release(node, note)? {
                for left in notes {
                    self.forsake(node, left.waiter);
                }
                return Ok(());
            }
        }
        Ok(())
    }

    fn judge(&mut self, node: usize, note: &Note) -> Result<(), Violation> {
        if note.reply.is_none() {
            // It was stopped: nobody has learned anything.
            return Ok(());
        }
        if note.input == Input::Restored {
            self.nodes[node].is_restored = false;
        }
        let Some(facts) = &note.facts else {
            return Ok(());
        };
        self.foreign_hears_of_stop(node, note, &facts.set_aside);
        let peers = &self.nodes[node].peers;
        let step = Durable {
            facts,
            at_ms: note.at_ms,
            input: &note.input,
            effects: &note.effects,
        };
        self.oracle.judge(node, &step, peers)?;
        if self.plan.noisy.is_some() {
            let heard = isolation::heard(node, facts, &self.oracle.ledger);
            self.heard.extend(heard);
        }
        match &note.keyed {
            Some((user, key, post)) => self.oracle.keyed(*user, key, *post),
            None => Ok(()),
        }
    }

    /// Releases the reply and effects of a durable step; returns whether the process died meanwhile.
    fn release(&mut self, node: usize, note: Note) -> Result<bool, Violation> {
        if self.may_die(node, "with a step durable and its reply not given")? {
            self.forsake(node, note.waiter);
            return Ok(true);
        }
        if self.is_judged() {
            self.remember(node, &note);
        }
        let Some(reply) = &note.reply else {
            return self.refuse_stopped(node, note.waiter);
        };
        self.reply(node, note.waiter, reply);
        for effect in note.effects {
            let matters = matches!(
                effect,
                Effect::Send { .. }
                    | Effect::SendFile(_)
                    | Effect::SendPicture(_)
                    | Effect::Wake { .. }
                    | Effect::Connection(_)
            );
            if !matters {
                continue;
            }
            if self.may_die(node, "before an effect")? {
                return Ok(true);
            }
            match effect {
                Effect::Send {
                    connection,
                    attempt,
                    frame,
                } => self.send(node, connection, attempt, frame),
                Effect::SendFile(file) => self.call(node, file.connection, What::File(file)),
                Effect::SendPicture(picture) => {
                    self.call(node, picture.connection, What::Picture(picture));
                }
                Effect::Wake { at_ms } => {
                    self.nodes[node].wakes.insert(at_ms);
                    self.set_timer(node);
                }
                Effect::Connection(connection) => self.connection_changed(node, connection),
                Effect::Event(_) | Effect::Refused { .. } => {}
            }
            if self.may_die(node, "after an effect")? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn reply(&mut self, node: usize, waiter: Waiter, reply: &Reply) {
        match waiter {
            Waiter::Nobody | Waiter::First | Waiter::Receipt(..) => {}
            Waiter::Client(request) => self.served(node, &request, reply),
            Waiter::Call(call) => self.answer(node, call, reply),
            Waiter::Start => self.serve(node),
        }
    }

    /// Handles a reply that is lost because its process is dead.
    fn forsake(&mut self, node: usize, waiter: Waiter) {
        match waiter {
            Waiter::Client(request) => self.client_is_cut(node, *request),
            Waiter::Call(call) => {
                let at_ms = self.now_ms + 1;
                self.agenda
                    .at(at_ms, Event::Ends(call, CallOutcome::Broken));
            }
            Waiter::Nobody | Waiter::First | Waiter::Start | Waiter::Receipt(..) => {}
        }
    }

    /// A point at which the process may die; returns whether it did.
    fn may_die(&mut self, node: usize, when: &str) -> Result<bool, Violation> {
        let point = self.crash_points[node];
        self.crash_points[node] += 1;
        let chosen = self
            .crash_at
            .filter(|crash| crash.node == node && crash.point == point);
        if chosen.is_none() && !self.machines.chance(self.faults_of(&[node]).crash) {
            return Ok(false);
        }
        self.coverage.fault(Fault::Crash);
        let downtime_ms = self
            .machines
            .span_ms(500, self.faults.downtime_ms_max.max(1_000));
        match chosen {
            Some(crash) => {
                self.unsynced_at_crash = Some(self.nodes[node].unsynced());
                self.die_with(node, when, downtime_ms, crash.survivors)?;
            }
            None => self.die(node, when, downtime_ms)?,
        }
        Ok(true)
    }

    /// The process of a node dies and is restarted after a while.
    pub(super) fn die(
        &mut self,
        node: usize,
        when: &str,
        downtime_ms: i64,
    ) -> Result<(), Violation> {
        let unsynced = self.nodes[node].unsynced() as u64;
        let survivors = self.machines.below(unsynced + 1) as usize;
        self.die_with(node, when, downtime_ms, survivors)
    }

    /// The same, with a given number of steps that were not durable but had reached the disk, unless
    /// files determine that.
    fn die_with(
        &mut self,
        node: usize,
        when: &str,
        downtime_ms: i64,
        survivors: usize,
    ) -> Result<(), Violation> {
        let (durable, lost) = self.nodes[node].die(survivors).map_err(lost)?;
        self.tell(format!(
            "{} dies {when}; {} steps are lost.",
            self.nodes[node].name(),
            lost.len()
        ));
        for note in durable {
            self.judge(node, &note)?;
            self.forsake(node, note.waiter);
        }
        for note in lost {
            if let Waiter::Receipt(connection, attempt) = note.waiter {
                self.toggle_is_unknown(node, connection, attempt);
            }
            self.forsake(node, note.waiter);
        }
        self.forget_calls(node);
        self.agenda
            .at(self.now_ms + downtime_ms, Event::Start(node));
        Ok(())
    }

    pub(super) fn start(&mut self, node: usize) -> Result<(), Violation> {
        if self.nodes[node].is_running {
            return Ok(());
        }
        self.nodes[node].is_running = true;
        let release = self.nodes[node].release();
        self.nodes[node].load(release, (self.make_kernel)(release));
        self.tell(format!("{} starts.", self.nodes[node].name()));
        // Each start finds these again until its own steps are durable.
        if !self.note_release(node, Waiter::First)? {
            return Ok(());
        }
        if self.nodes[node].is_restored {
            let restored = self.carry_out(node, Input::Restored, Waiter::First)?;
            if restored.is_none() {
                return Ok(());
            }
        }
        self.step(node, Input::Resume, Waiter::Start)
    }

    /// The steps of a start are durable: peers and clients are served.
    fn serve(&mut self, node: usize) {
        self.nodes[node].is_serving = true;
        let life = self.nodes[node].life;
        self.agenda.at(self.now_ms, Event::PingRound(node, life));
    }

    /// Whether a node's disk accepts no writes now.
    pub(super) fn is_full(&self, node: usize) -> bool {
        let until_ms = self.full_until_ms.get(&node);
        until_ms.is_some_and(|until_ms| *until_ms > self.now_ms)
    }

    /// Schedules the next wake-up of the process, at the first time requested by the kernel.
    pub(super) fn set_timer(&mut self, node: usize) {
        let machine = &mut self.nodes[node];
        let Some(first_ms) = machine.wakes.first() else {
            return;
        };
        let wait_ms = (first_ms - machine.time_ms(self.now_ms)).max(0);
        let at_ms = self.now_ms + wait_ms;
        if machine.timer_at_ms.is_some_and(|set_ms| set_ms <= at_ms) {
            return;
        }
        machine.timer_at_ms = Some(at_ms);
        let event = Event::Wake(node, machine.life);
        self.agenda.at(at_ms, event);
    }

    pub(super) fn wake(&mut self, node: usize, life: u32) -> Result<(), Violation> {
        let is_set = self.nodes[node].timer_at_ms == Some(self.now_ms);
        if !self.lives(node, life) || !is_set {
            return Ok(());
        }
        if self.is_full(node) {
            let at_ms = self.now_ms + DISK_RETRY_MS;
            self.nodes[node].timer_at_ms = Some(at_ms);
            self.agenda.at(at_ms, Event::Wake(node, life));
            return Ok(());
        }
        self.nodes[node].timer_at_ms = None;
        let time_ms = self.nodes[node].time_ms(self.now_ms);
        let later = self.nodes[node].wakes.split_off(&(time_ms + 1));
        let due = std::mem::replace(&mut self.nodes[node].wakes, later);
        // A clock that was changed, or runs slow, is checked again.
        self.set_timer(node);
        if due.is_empty() {
            return Ok(());
        }
        let input = self.nodes[node].due.input();
        self.step(node, input, Waiter::Nobody)
    }
}
