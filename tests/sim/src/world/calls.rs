//! The network: requests from one node to another, their answers, and their possible failures.

use std::collections::btree_map::Entry;

use causeway_kernel::boundary::input::{Incarnation, Input, PingAnswer, Receipt, SendOutcome};
use causeway_kernel::boundary::output::{Reply, SendFile, SendPicture};
use causeway_kernel::model::{Connection, ConnectionState, PeerKind, PeerWorkspace};
use causeway_kernel::rows::counters;
use causeway_kernel::rows::id::{ConnectionNo, Id};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;
use causeway_kernel::sharing::connection;

use super::{DISK_RETRY_MS, Event, Waiter, World};
use crate::coverage::Fault;
use crate::dice::Dice;
use crate::faults::Faults;
use crate::frames;
use crate::kernel::HostFlaw;
use crate::oracle::Violation;
use crate::oracle::foreign::Told;
use crate::plan::HUB;

/// How long a message may take, in ms, as in the host.
const SEND_TIMEOUT_MS: i64 = 60_000;
/// How long a ping may take, in ms, as in the host.
const PING_TIMEOUT_MS: i64 = 15_000;

/// How late a duplicate of a request may arrive, in ms.
const LATE_MS_MAX: i64 = 600_000;

/// A request in flight.
pub(super) struct Call {
    /// The sender.
    pub(super) from: usize,
    /// The receiver.
    pub(super) to: usize,
    /// The sender's connection, and the connection id used by both sides.
    pub(super) connection: ConnectionNo,
    pub(super) remote_id: Id,
    pub(super) what: What,
    pub(super) sent_at_ms: i64,
    /// Whether it is about a file or a picture: then the network has other dice for it.
    pub(super) is_of_file: bool,
    /// Whether the sender has given up. The request may still arrive.
    pub(super) is_over: bool,
}

#[derive(Clone)]
pub(super) enum What {
    Message { attempt: u64, frame: Vec<u8> },
    File(SendFile),
    Picture(SendPicture),
    Ping(Option<Incarnation>),
}

/// The outcome of a request for its sender.
#[derive(Clone)]
pub(super) enum CallOutcome {
    Answered {
        body: Vec<u8>,
        /// Its incarnation, if it is a Causeway.
        incarnation: Option<Incarnation>,
    },
    Refused(u16),
    Pong {
        /// Its incarnation, if it is a Causeway.
        incarnation: Option<Incarnation>,
        /// Its kind, if it reports one.
        kind: Option<PeerKind>,
        /// Its clock.
        clock_ms: i64,
    },
    /// The link is cut, or nobody listens.
    Unreachable,
    /// The connection broke, or the sender gave up.
    Broken,
}

impl What {
    pub(super) fn is_of_file(&self) -> bool {
        match self {
            What::Message { frame, .. } => frames::announces(frame),
            What::File(_) | What::Picture(_) => true,
            What::Ping(_) => false,
        }
    }
}

impl World<'_> {
    /// Sends a message like the host.
    pub(super) fn send(
        &mut self,
        node: usize,
        connection: ConnectionNo,
        attempt: u64,
        frame: Vec<u8>,
    ) {
        self.call(node, connection, What::Message { attempt, frame });
    }

    /// Pings every confirmed peer.
    pub(super) fn ping_all(&mut self, node: usize) {
        self.asked.retain(|(of, _), _| *of != node);
        for (no, row) in connection::all(&self.nodes[node].rows) {
            if row.state == ConnectionState::Confirmed {
                self.ping(node, no);
            }
        }
    }

    /// A connection's record changed: a peer that was never pinged is pinged at once.
    pub(super) fn connection_changed(&mut self, node: usize, no: ConnectionNo) {
        let row = self.nodes[node].rows.get::<Connection>(&no);
        let is_new =
            row.is_some_and(|row| row.state == ConnectionState::Confirmed && row.last_ping_at == 0);
        if is_new && self.nodes[node].is_serving {
            self.ping_anew(node, no);
        }
    }

    fn ping(&mut self, node: usize, no: ConnectionNo) {
        let Some(peer) = self.nodes[node].peers.get(&no).copied() else {
            return;
        };
        if let Entry::Vacant(place) = self.pinging.entry((node, peer)) {
            place.insert(None);
            let incarnation = self.incarnation(node);
            self.call(node, no, What::Ping(incarnation));
        }
    }

    /// Something changed: the answer to a ping that is already in flight is not enough.
    fn ping_anew(&mut self, node: usize, no: ConnectionNo) {
        let peer = self.nodes[node].peers.get(&no).copied();
        match peer.and_then(|peer| self.pinging.get_mut(&(node, peer))) {
            Some(again) => *again = Some(no),
            None => self.ping(node, no),
        }
    }

    fn incarnation(&self, node: usize) -> Option<Incarnation> {
        counters::workspace(&self.nodes[node].rows).map(|workspace| workspace.incarnation)
    }

    pub(super) fn call(&mut self, from: usize, connection: ConnectionNo, what: What) {
        let machine = &self.nodes[from];
        let row = machine.rows.get::<Connection>(&connection);
        let to = machine.peers.get(&connection).copied();
        let (Some(row), Some(to)) = (row, to) else {
            return;
        };
        self.calls_made += 1;
        let no = self.calls_made;
        self.calls.insert(
            no,
            Call {
                from,
                to,
                connection,
                remote_id: row.remote_id,
                is_of_file: what.is_of_file(),
                what,
                sent_at_ms: machine.clock_ms(self.now_ms),
                is_over: false,
            },
        );
        if row.state != ConnectionState::Confirmed {
            return self
                .agenda
                .at(self.now_ms, Event::Ends(no, CallOutcome::Unreachable));
        }
        self.depart(no);
    }

    /// Sends a request.
    pub(super) fn depart(&mut self, no: u64) {
        let Some(call) = self.calls.get(&no) else {
            return;
        };
        let (from, to, is_of_file) = (call.from, call.to, call.is_of_file);
        let timeout_ms = match call.what {
            What::Message { .. } | What::File(_) | What::Picture(_) => SEND_TIMEOUT_MS,
            What::Ping(_) => PING_TIMEOUT_MS,
        };
        self.agenda.at(
            self.now_ms + timeout_ms,
            Event::Ends(no, CallOutcome::Broken),
        );
        if self.is_cut(from, to) {
            // A cut link is noticed at once, or never.
            if self.dice(is_of_file).chance(500) {
                self.agenda
                    .at(self.now_ms + 1, Event::Ends(no, CallOutcome::Unreachable));
            }
            return;
        }
        let faults = self.faults_of(&[from, to]);
        if self.dice(is_of_file).chance(faults.loss) {
            self.coverage.fault(Fault::Loss);
            return;
        }
        let delay_ms = self.delay_ms(is_of_file, &faults) + self.slowness_ms(from, to);
        self.agenda
            .at(self.now_ms + delay_ms, Event::Arrives(no, true));
        // At a foreign receiver a duplicate has an effect, which would not be the sender's fault.
        if !self.is_foreign(to) && self.dice(is_of_file).chance(faults.duplicate) {
            self.coverage.fault(Fault::Duplicate);
            let later_ms = self.delay_ms(is_of_file, &faults) * 3;
            let again_ms = (delay_ms + later_ms).min(LATE_MS_MAX);
            self.agenda
                .at(self.now_ms + again_ms, Event::Arrives(no, false));
        }
    }

    fn delay_ms(&mut self, is_of_file: bool, faults: &Faults) -> i64 {
        let (typical_ms, most_ms) = (faults.delay_ms, faults.delay_ms_max);
        self.dice(is_of_file).span_ms(typical_ms, most_ms)
    }

    /// The dice of the network: those for files do not change what happens to other requests.
    pub(super) fn dice(&mut self, is_of_file: bool) -> &mut Dice {
        if is_of_file {
            &mut self.file_network
        } else {
            &mut self.network
        }
    }

    /// The additional delay from one node to another now, in ms.
    fn slowness_ms(&self, from: usize, to: usize) -> i64 {
        let slow = self.slow_until_ms.get(&(from, to));
        let slow = slow.filter(|(until_ms, _)| *until_ms > self.now_ms);
        slow.map_or(0, |(_, by_ms)| *by_ms)
    }

    fn is_cut(&self, from: usize, to: usize) -> bool {
        let until_ms = self.cut_until_ms.get(&(from, to));
        until_ms.is_some_and(|until_ms| *until_ms > self.now_ms)
    }

    /// A request arrives.
    pub(super) fn arrives(&mut self, no: u64, is_first: bool) -> Result<(), Violation> {
        let Some(call) = self.calls.get(&no) else {
            return Ok(());
        };
        if is_first && call.is_over {
            self.coverage.fault(Fault::Late);
        }
        let (from, to, is_of_file) = (call.from, call.to, call.is_of_file);
        let (remote_id, what) = (call.remote_id, call.what.clone());
        if self.is_malicious(to) {
            self.malicious_arrives(no);
            return Ok(());
        }
        if self.is_foreign(to) {
            return self.foreign_arrives(no);
        }
        let to = self.host(to);
        let machine = &self.nodes[to];
        let end = |world: &mut Self, outcome| {
            if is_first {
                let at_ms = world.now_ms + 1;
                world.agenda.at(at_ms, Event::Ends(no, outcome));
            }
            Ok(())
        };
        if !machine.is_serving {
            return end(self, CallOutcome::Unreachable);
        }
        let connection = lookup::connection(&machine.rows, remote_id.as_str());
        let row = connection.and_then(|no| machine.rows.get::<Connection>(&no));
        let confirmed = row.filter(|row| row.state == ConnectionState::Confirmed);
        let (Some(connection), true) = (connection, confirmed.is_some()) else {
            return end(self, CallOutcome::Refused(401));
        };
        let unavailable = self.faults_of(&[from, to]).unavailable;
        if self.dice(is_of_file).chance(unavailable) {
            self.coverage.fault(Fault::Unavailable);
            return end(self, CallOutcome::Refused(503));
        }
        if self.is_full(to) && !matches!(what, What::Ping(_)) {
            return end(self, CallOutcome::Refused(503));
        }
        if let Some(outcome) = self.breakage(to, is_of_file) {
            return outcome.map_or(Ok(()), |outcome| end(self, outcome));
        }
        match what {
            What::Ping(told) => {
                self.deliveries.pings += 1;
                self.met(to, connection, told);
                let clock_ms = self.nodes[to].clock_ms(self.now_ms);
                if let Some(incarnation) = self.incarnation(to).filter(|_| is_first) {
                    self.answers(
                        no,
                        CallOutcome::Pong {
                            incarnation: Some(incarnation),
                            kind: Some(PeerKind::Causeway),
                            clock_ms,
                        },
                    );
                }
                Ok(())
            }
            What::File(bytes) => self.bytes_arrive((to, connection), (no, is_first), &bytes),
            What::Picture(picture) => {
                self.picture_arrives((to, connection), (no, is_first), picture)
            }
            What::Message { frame, .. } => {
                self.deliveries.frames += 1;
                let waiter = if is_first {
                    Waiter::Call(no)
                } else {
                    Waiter::Nobody
                };
                let input = Input::Frame {
                    connection,
                    body: frame,
                    skip: Vec::new(),
                };
                self.step(to, input, waiter)
            }
        }
    }

    /// A pinging peer reported its incarnation: if it is new, the peer is pinged at once, but only once.
    fn met(&mut self, node: usize, connection: ConnectionNo, told: Option<Incarnation>) {
        let Some(told) = told else { return };
        if self.incarnation_at(node, connection) != Some(told)
            && self.asked.insert((node, connection), told) != Some(told)
        {
            self.ping_anew(node, connection);
        }
    }

    /// The incarnation of the peer of a connection, as far as a node knows it.
    fn incarnation_at(&self, node: usize, connection: ConnectionNo) -> Option<Incarnation> {
        let rows = &self.nodes[node].rows;
        let row = rows.get::<Connection>(&connection)?;
        rows.get::<PeerWorkspace>(&row.workspace)?.incarnation
    }

    /// A message was carried out and its reply is durable.
    pub(super) fn answer(&mut self, node: usize, call: u64, reply: &Reply) {
        let outcome = match reply {
            Reply::Http { status: 200, body } => CallOutcome::Answered {
                body: body.clone(),
                incarnation: self.incarnation(node),
            },
            Reply::Http { status, .. } => CallOutcome::Refused(*status),
            // A part of a file.
            Reply::Done => CallOutcome::Refused(204),
            Reply::Object(_) | Reply::Refused(_) | Reply::Text(_) | Reply::Unfinished { .. } => {
                return;
            }
        };
        self.answers(call, outcome);
    }

    /// A message could not be carried out: its sender should try again.
    pub(super) fn unavailable(&mut self, call: u64) {
        self.answers(call, CallOutcome::Refused(503));
    }

    pub(super) fn answers(&mut self, no: u64, mut outcome: CallOutcome) {
        let Some(call) = self.calls.get(&no) else {
            return;
        };
        let (from, to, is_of_file) = (call.from, call.to, call.is_of_file);
        let faults = self.faults_of(&[from, to]);
        if self.is_cut(to, from) {
            return;
        }
        if self.dice(is_of_file).chance(faults.answer_lost) {
            self.coverage.fault(Fault::AnswerLost);
            return;
        }
        if let CallOutcome::Answered { body, .. } = &mut outcome
            && self.dice(is_of_file).chance(faults.answer_cut)
        {
            self.coverage.fault(Fault::AnswerCut);
            let kept = self.dice(is_of_file).below(body.len() as u64);
            body.truncate(kept as usize);
        }
        let slow_ms = self.slowness_ms(to, from);
        let at_ms = self.now_ms + self.delay_ms(is_of_file, &faults) + slow_ms;
        self.agenda.at(at_ms, Event::Ends(no, outcome));
    }

    /// A request ends for its sender: only the first outcome counts.
    pub(super) fn ends(&mut self, no: u64, outcome: CallOutcome) -> Result<(), Violation> {
        let Some(call) = self.calls.get(&no).filter(|call| !call.is_over) else {
            return Ok(());
        };
        if self.is_full(call.from) {
            // A peer's answer is reported to the workspace again until it can be recorded.
            self.agenda
                .at(self.now_ms + DISK_RETRY_MS, Event::Ends(no, outcome));
            return Ok(());
        }
        let Some(call) = self.calls.get_mut(&no) else {
            return Ok(());
        };
        call.is_over = true;
        let (node, peer, connection) = (call.from, call.to, call.connection);
        match outcome {
            CallOutcome::Answered { .. } | CallOutcome::Refused(_) => self.deliveries.answers += 1,
            CallOutcome::Pong { .. } => self.deliveries.pongs += 1,
            CallOutcome::Unreachable | CallOutcome::Broken => {}
        }
        if let What::Message { frame, .. } = &call.what
            && peer >= self.nodes.len()
        {
            self.oracle.toggle_fared(peer, frame, &told_by(&outcome));
        }
        if node >= self.nodes.len() {
            let what = call.what.clone();
            if self.is_malicious(node) {
                return Ok(());
            }
            self.foreign_ends(node, &what, outcome);
            return Ok(());
        }
        let known = self.incarnation_at(node, connection);
        let takes_any = self.nodes[node].host_flaw() == Some(HostFlaw::TakesAnyHost);
        let is_another = |told: Option<Incarnation>| told.is_some() && told != known && !takes_any;
        let Some(call) = self.calls.get(&no) else {
            return Ok(());
        };
        let (input, waiter) = match (&call.what, outcome) {
            (
                What::Message { attempt, .. }
                | What::File(SendFile { attempt, .. })
                | What::Picture(SendPicture { attempt, .. }),
                outcome,
            ) => {
                let input = Input::Receipt(Receipt {
                    connection,
                    attempt: *attempt,
                    outcome: match outcome {
                        // Another host of the peer, or one that was restored since its last ping.
                        CallOutcome::Answered { incarnation, .. } if is_another(incarnation) => {
                            SendOutcome::Unknown
                        }
                        CallOutcome::Answered { body, .. } => SendOutcome::Answered(body),
                        CallOutcome::Refused(status) => SendOutcome::Refused(status),
                        CallOutcome::Unreachable => SendOutcome::NeverLeft,
                        CallOutcome::Broken | CallOutcome::Pong { .. } => SendOutcome::Unknown,
                    },
                });
                (input, Waiter::Receipt(connection, *attempt))
            }
            (What::Ping(_), outcome) => {
                let sent_at_ms = call.sent_at_ms;
                let again = self.pinging.remove(&(node, peer)).flatten();
                if let Some(no) = again {
                    self.ping(node, no);
                }
                let CallOutcome::Pong {
                    incarnation,
                    kind,
                    clock_ms: recv_at_ms,
                } = outcome
                else {
                    return Ok(());
                };
                let answer = Some(PingAnswer {
                    sent_at_ms,
                    recv_at_ms,
                    kind,
                    incarnation,
                });
                (Input::Ping { connection, answer }, Waiter::Nobody)
            }
        };
        self.step(node, input, waiter)
    }

    /// A node could not process the answer to a message, or has lost it: whether a toggle carried it out, the node does not
    /// know.
    pub(super) fn toggle_is_unknown(&mut self, node: usize, no: ConnectionNo, attempt: u64) {
        let mut calls = self.calls.values().rev();
        let call = calls.find(|call| {
            let is_it = matches!(&call.what, What::Message { attempt: of, .. } if *of == attempt);
            is_it && (call.from, call.connection) == (node, no)
        });
        if let Some(What::Message { frame, .. }) = call.map(|call| &call.what) {
            let seat = call.map_or(node, |call| call.to);
            self.oracle.toggle_fared(seat, frame, &Told::Unknown);
        }
    }

    /// The process of a node is dead: its requests are still processed by others, but nobody receives
    /// the answers.
    pub(super) fn forget_calls(&mut self, node: usize) {
        for call in self.calls.values_mut().filter(|call| call.from == node) {
            call.is_over = true;
        }
        if node == HUB {
            self.oracle.toggle_sender_died();
        }
        self.pinging.retain(|(from, _), _| *from != node);
        self.asked.retain(|(of, _), _| *of != node);
    }
}

/// What a sender knows about a message, given its outcome.
fn told_by(outcome: &CallOutcome) -> Told {
    match outcome {
        CallOutcome::Unreachable | CallOutcome::Refused(_) => Told::NotCarriedOut,
        CallOutcome::Answered { body, .. } => match frames::read_answer(body) {
            Some(answer) if answer.is_ok => Told::CarriedOut,
            Some(_) => Told::NotCarriedOut,
            None => Told::Unknown,
        },
        CallOutcome::Broken | CallOutcome::Pong { .. } => Told::Unknown,
    }
}
