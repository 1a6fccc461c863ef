//! Seats of the world without a Causeway: models of real servers. They use the same
//! network, and their machines have the same troubles.

use causeway_kernel::boundary::input::Input;
use causeway_kernel::command::{Command, ConfirmConnection};
use causeway_kernel::model::{Connection, PeerKind};
use causeway_kernel::rows::id::ConnectionNo;
use causeway_kernel::rows::tx::Read;

use super::calls::{Call, CallOutcome, What};
use super::setup::create_connection;
use super::{Event, Note, World};
use super::{files, pictures};
use crate::acts::Act;
use crate::dice::Dice;
use crate::frames::Item;
use crate::mattermost::Server;
use crate::mattermost::quirks::{Generation, Shown};
use crate::mattermost::send::Fared;
use crate::node::NAMES;
use crate::oracle::Violation;
use crate::plan::{HUB, Trouble};

/// Time between two rounds of pings, in ms.
const PING_PERIOD_MS: i64 = 60_000;
/// Delay of the last posts after healing, in ms: by then, everybody is online again.
const LAST_WORDS_AFTER_MS: i64 = 6 * 60_000;

/// How long a restore takes, in ms.
const RESTORE_MS: i64 = 5_000;

/// Events at such a seat.
#[derive(Clone, Copy, Debug)]
pub(super) enum Foreign {
    /// Its loop is due.
    Wake,
    /// It pings the hub.
    Ping,
    /// Its dead process starts.
    Start,
    /// Its admin writes posts where something may be stuck.
    LastWords,
}

/// A seat and its server.
pub(super) struct Seat {
    pub(super) server: Server,
    /// When it will be woken, in ms.
    wakes_at_ms: Option<i64>,
}

/// The results of all such seats.
#[derive(Clone, Debug, Default)]
pub struct ForeignSummary {
    /// How often each quirk showed.
    pub shown: Shown,
    /// Number of objects of their own users.
    pub things: usize,
    /// Number of these whose last state the hub must have.
    pub due: usize,
}

/// Sums over the seats.
pub(super) fn summary(seats: &[Seat]) -> ForeignSummary {
    let mut sum = ForeignSummary::default();
    for Seat { server, .. } in seats {
        for (quirk, times) in &server.shown {
            *sum.shown.entry(*quirk).or_default() += times;
        }
        sum.things += server.debts.count();
        sum.due += server.debts.count_due();
    }
    sum
}

impl World<'_> {
    /// Whether a seat has no Causeway.
    pub(super) fn is_foreign(&self, seat: usize) -> bool {
        seat >= self.nodes.len()
    }

    /// Whether a seat has a Mattermost-like server.
    fn is_server(&self, seat: usize) -> bool {
        self.is_foreign(seat) && !self.is_malicious(seat)
    }

    /// The name of a seat.
    pub(super) fn name_of(&self, seat: usize) -> &'static str {
        match self.nodes.get(seat) {
            Some(node) => node.name(),
            None if self.is_malicious(seat) => super::malicious::NAME,
            None => self.seat(seat).server.generation.name(),
        }
    }

    pub(super) fn seat(&self, seat: usize) -> &Seat {
        &self.seats[seat - self.nodes.len()]
    }

    pub(super) fn server(&mut self, seat: usize) -> &mut Server {
        let at = seat - self.nodes.len();
        &mut self.seats[at].server
    }

    /// The servers in a plan.
    pub(super) fn seats_of(plan: &crate::plan::Plan) -> Vec<Seat> {
        let servers = plan.foreign.iter().enumerate().map(|(at, generation)| {
            Server::new(*generation, plan.seed, plan.nodes + at, NAMES[HUB])
        });
        servers
            .map(|server| Seat {
                server,
                wakes_at_ms: None,
            })
            .collect()
    }

    /// Connects every such server to the hub, which creates the invitation.
    pub(super) fn connect_foreign(&mut self) -> Result<(), Violation> {
        for at in 0..self.seats.len() {
            let seat = self.nodes.len() + at;
            let generation = self.seats[at].server.generation;
            let name = generation.name();
            let kind = match generation {
                Generation::Of2021 => PeerKind::Mattermost2021,
                Generation::Of11 => PeerKind::Mattermost11,
            };
            let create = Command::CreateConnection(create_connection(name));
            let at_hub = self.connection(HUB, create)?;
            let row = self.nodes[HUB].rows.get::<Connection>(&at_hub);
            self.seats[at].server.remote_id = row.expect("it was just made").remote_id;
            self.nodes[HUB].peers.insert(at_hub, seat);
            self.oracle.foreign_joins(seat, generation);
            let confirm = Command::ConfirmConnection(ConfirmConnection {
                connection: at_hub,
                site_url: format!("https://{name}.example"),
                kind,
                remote_team_id: String::new(),
            });
            self.command(HUB, confirm)?;
            self.at_seat(seat, self.now_ms + 60, Foreign::Ping);
            self.settle(seat);
        }
        Ok(())
    }

    fn at_seat(&mut self, seat: usize, at_ms: i64, what: Foreign) {
        let life = self.seat(seat).server.life;
        self.agenda.at(at_ms, Event::Foreign(seat, life, what));
    }

    /// Handles an event at such a seat.
    pub(super) fn foreign_happens(&mut self, seat: usize, life: u32, what: Foreign) {
        let now_ms = self.now_ms;
        let server = self.server(seat);
        let lives = server.is_running && server.life == life;
        match what {
            Foreign::Start => {
                if !server.is_running {
                    server.start();
                    let name = self.name_of(seat);
                    self.tell(format!("{name} starts."));
                    self.at_seat(seat, now_ms, Foreign::Ping);
                }
            }
            Foreign::Wake if lives => server.wake(now_ms),
            Foreign::Ping if lives => {
                self.foreign_pings(seat);
                self.at_seat(seat, now_ms + PING_PERIOD_MS, Foreign::Ping);
            }
            Foreign::LastWords => server.last_words(now_ms),
            Foreign::Wake | Foreign::Ping => {}
        }
        self.settle(seat);
    }

    fn foreign_pings(&mut self, seat: usize) {
        if self.pinging.contains_key(&(seat, HUB)) {
            return;
        }
        self.pinging.insert((seat, HUB), None);
        let no = self.foreign_call(seat, What::Ping(None));
        if self.server(seat).pings_with_dead_token() {
            let at_ms = self.now_ms + 1;
            self.agenda
                .at(at_ms, Event::Ends(no, CallOutcome::Refused(401)));
        } else {
            self.depart(no);
        }
    }

    fn foreign_call(&mut self, seat: usize, what: What) -> u64 {
        let server = &self.seat(seat).server;
        let call = Call {
            from: seat,
            to: HUB,
            connection: ConnectionNo(0),
            remote_id: server.remote_id,
            is_of_file: what.is_of_file(),
            what,
            sent_at_ms: server.clock_ms(self.now_ms),
            is_over: false,
        };
        self.calls_made += 1;
        self.calls.insert(self.calls_made, call);
        self.calls_made
    }

    /// Follows up on an event at a server: reports to the oracle, sends,
    /// schedules the next wake-up.
    fn settle(&mut self, seat: usize) {
        let server = self.server(seat);
        let made = std::mem::take(&mut server.made);
        let out = server
            .out
            .take()
            .map(|frame| What::Message { attempt: 0, frame });
        let bytes = server.out_bytes.take();
        let bytes = bytes.map(|(upload, digest)| What::File(files::whole(upload, digest)));
        let picture = server.out_picture.take();
        let picture = picture.map(|(user, digest)| What::Picture(pictures::picture(user, digest)));
        let wakes_at_ms = server.wakes_at();
        if self.is_judged() {
            self.oracle.foreign_made(seat, made);
        }
        for what in out.into_iter().chain(bytes).chain(picture) {
            let no = self.foreign_call(seat, what);
            self.depart(no);
        }
        let at = seat - self.nodes.len();
        let is_set = |at_ms: i64| at_ms > self.now_ms && Some(at_ms) <= wakes_at_ms;
        if let Some(at_ms) = wakes_at_ms
            && !self.seats[at].wakes_at_ms.is_some_and(is_set)
        {
            let at_ms = at_ms.max(self.now_ms + 1);
            self.seats[at].wakes_at_ms = Some(at_ms);
            self.at_seat(seat, at_ms, Foreign::Wake);
        }
    }

    /// A user of such a server acts.
    pub(super) fn foreign_acts(&mut self, seat: usize, act: Act, number: usize) {
        if self.is_malicious(seat) {
            return self.malicious_acts(seat);
        }
        let mut dice = Dice::new(self.plan.seed, &format!("act {number}"));
        let now_ms = self.now_ms;
        let server = self.server(seat);
        if !server.is_running {
            return;
        }
        if let Some(told) = server.act(now_ms, act, number, &mut dice) {
            let name = self.name_of(seat);
            self.tell(format!("At {name} {told}."));
        }
        self.settle(seat);
    }

    /// A request arrives at such a server, unless its sender has given up: then its connection
    /// is closed.
    pub(super) fn foreign_arrives(&mut self, no: u64) -> Result<(), Violation> {
        let Some(call) = self.calls.get(&no).filter(|call| !call.is_over) else {
            return Ok(());
        };
        let (seat, what, remote_id) = (call.to, call.what.clone(), call.remote_id);
        let now_ms = self.now_ms;
        let (is_of_file, unavailable) = (call.is_of_file, self.faults.unavailable);
        let server = &self.seat(seat).server;
        let refusal = if !server.is_running {
            Some(CallOutcome::Unreachable)
        } else if server.remote_id != remote_id {
            Some(CallOutcome::Refused(401))
        } else if self.dice(is_of_file).chance(unavailable) {
            Some(CallOutcome::Refused(503))
        } else {
            None
        };
        if let Some(outcome) = refusal {
            self.agenda.at(now_ms + 1, Event::Ends(no, outcome));
            return Ok(());
        }
        let frame = match what {
            What::Message { frame, .. } => frame,
            What::File(bytes) => {
                self.foreign_bytes_arrive(no, seat, &bytes);
                return Ok(());
            }
            What::Picture(picture) => {
                self.foreign_picture_arrives(no, seat, &picture);
                return Ok(());
            }
            What::Ping(_) => {
                let clock_ms = self.seat(seat).server.clock_ms(now_ms);
                self.answers(
                    no,
                    CallOutcome::Pong {
                        incarnation: None,
                        kind: None,
                        clock_ms,
                    },
                );
                return Ok(());
            }
        };
        self.deliveries.frames += 1;
        // A process may die before it has carried out all of a message, or before it answers.
        let crash = self.faults.crash * 3;
        let machines = match is_of_file {
            true => &mut self.file_network,
            false => &mut self.machines,
        };
        let dies = machines.chance(crash);
        let items_max = match dies {
            true => machines.below(6) as usize,
            false => usize::MAX,
        };
        let (status, body) = self.server(seat).receive(now_ms, &frame, items_max);
        if dies {
            self.settle(seat);
            let downtime_ms = self.machines.span_ms(2_000, self.faults.downtime_ms_max);
            self.foreign_dies(seat, downtime_ms);
            self.agenda
                .at(now_ms + 1, Event::Ends(no, CallOutcome::Broken));
            return Ok(());
        }
        self.settle(seat);
        let outcome = match status {
            200 => CallOutcome::Answered {
                body,
                incarnation: None,
            },
            status => CallOutcome::Refused(status),
        };
        self.answers(no, outcome);
        Ok(())
    }

    /// The process of such a server dies and is restarted after a while.
    pub(super) fn foreign_dies(&mut self, seat: usize, downtime_ms: i64) {
        let name = self.name_of(seat);
        self.tell(format!("{name} dies."));
        self.server(seat).die();
        self.forget_calls(seat);
        self.at_seat(seat, self.now_ms + downtime_ms, Foreign::Start);
    }

    /// Applies a trouble to such a seat; false if it is of another kind.
    pub(super) fn foreign_trouble(&mut self, trouble: Trouble) -> bool {
        match trouble {
            Trouble::ClockJump(seat, _) if self.is_malicious(seat) => true,
            Trouble::ClockJump(seat, by_ms) if self.is_foreign(seat) => {
                self.server(seat).clock_offset_ms += by_ms;
                let name = self.name_of(seat);
                self.tell(format!("The clock of {name} jumps by {by_ms} ms."));
                true
            }
            Trouble::Backup(seat) if self.is_server(seat) => {
                self.server(seat).back_up();
                self.coverage.trouble(trouble);
                let name = self.name_of(seat);
                self.tell(format!("{name} is backed up."));
                true
            }
            Trouble::Restore(seat) if self.is_server(seat) => {
                if self.seat(seat).server.has_backup() {
                    self.coverage.trouble(trouble);
                    self.foreign_restored(seat);
                }
                true
            }
            // The models have nothing yet to which these would apply.
            Trouble::Backup(seat)
            | Trouble::Restore(seat)
            | Trouble::Clone { node: seat, .. }
            | Trouble::PolicySwap(seat)
            | Trouble::ClockJump(seat, _)
            | Trouble::Drift(seat, _)
            | Trouble::CoarseClock(seat, _)
            | Trouble::Upgrade(seat)
            | Trouble::Flood(seat)
            | Trouble::CutOff { node: seat, .. }
            | Trouble::DiskFull { node: seat, .. }
            | Trouble::Breaks { node: seat, .. } => self.is_foreign(seat),
            Trouble::Partition { .. } | Trouble::SlowLink { .. } => false,
        }
    }

    fn foreign_restored(&mut self, seat: usize) {
        self.foreign_dies(seat, RESTORE_MS);
        self.server(seat).restore();
        let name = self.name_of(seat);
        self.tell(format!("{name} is restored from its backup."));
        self.settle(seat);
    }

    /// The hub set aside items of a server's message because they stopped a step. The server considers
    /// them delivered, if it does not send them again; the oracle does not.
    pub(super) fn foreign_hears_of_stop(&mut self, node: usize, note: &Note, aside: &[Item]) {
        let (connection, is_whole) = match &note.input {
            Input::Frame { connection, .. } | Input::FramePart { connection, .. } => {
                (connection, false)
            }
            Input::Quarantine { connection, .. } => (connection, true),
            Input::Genesis(_)
            | Input::Command { .. }
            | Input::Receipt(_)
            | Input::Ping { .. }
            | Input::Timer
            | Input::DuePart(_)
            | Input::Resume
            | Input::Restored
            | Input::PolicyChanged { .. }
            | Input::KernelChanged { .. }
            | Input::Statuses(_)
            | Input::Upload { .. }
            | Input::Picture { .. } => return,
        };
        let peer = self.nodes[node].peers.get(connection).copied();
        if let Some(seat) = peer.filter(|seat| self.is_server(*seat)) {
            let is_aside = |item: &Item| is_whole || aside.contains(item);
            self.server(seat).was_set_aside(is_aside);
        }
    }

    /// A node was restored: it is unknown which of the objects offered to it before it still has, and
    /// which reactions it had sent before.
    pub(super) fn foreign_hears_of_restore(&mut self, node: usize) {
        if node != HUB {
            return;
        }
        for at in 0..self.seats.len() {
            self.seats[at].server.peer_forgot();
            self.oracle.forgets_tellings(self.nodes.len() + at);
        }
    }

    /// A request of such a server ends for it.
    pub(super) fn foreign_ends(&mut self, seat: usize, what: &What, outcome: CallOutcome) {
        let now_ms = self.now_ms;
        let is_pong = matches!(outcome, CallOutcome::Pong { .. });
        let fared = match outcome {
            CallOutcome::Answered { body, .. } => Fared::Answered(body),
            _ => Fared::Failed,
        };
        match what {
            What::Ping(_) => {
                self.pinging.remove(&(seat, HUB));
                if is_pong {
                    self.server(seat).pinged(now_ms);
                }
            }
            What::Message { .. } => self.server(seat).fared(now_ms, &fared),
            What::File(_) => self.server(seat).bytes_fared(now_ms, &fared),
            What::Picture(_) => {}
        }
        self.settle(seat);
    }

    /// Objects that a server does not send by its own rules are not required elsewhere.
    pub(super) fn forgive_unoffered(&mut self) {
        for at in 0..self.seats.len() {
            let seat = self.nodes.len() + at;
            let server = &mut self.seats[at].server;
            let forgiven = self.oracle.forgive(seat, &server.debts);
            server.lost_behind_cursor(forgiven);
        }
    }

    /// Everything heals at such seats, too; their users write last posts, as nothing else causes stuck
    /// items to be sent.
    pub(super) fn heal_foreign(&mut self) {
        for at in 0..self.seats.len() {
            let seat = self.nodes.len() + at;
            let now_ms = self.now_ms;
            self.at_seat(seat, now_ms, Foreign::Start);
            self.at_seat(seat, now_ms + LAST_WORDS_AFTER_MS, Foreign::LastWords);
        }
    }
}
