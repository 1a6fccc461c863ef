//! The simulated world: it carries out planned events and their consequences in the order of simulated
//! time, as the host does for the kernel.

mod acts;
mod calls;
mod clones;
mod durable;
mod end;
mod files;
mod foreign;
mod malicious;
mod noise;
mod pictures;
mod probes;
pub(crate) mod setup;
mod statuses;
mod stops;
mod troubles;

use std::collections::BTreeMap;

use causeway_kernel::boundary::input::{Incarnation, Input};
use causeway_kernel::boundary::output::{Effect, Object, Reply};
use causeway_kernel::model::Post;
use causeway_kernel::rows::id::{ConnectionNo, Id, PostNo};
use causeway_kernel::rows::tx::Read;

use crate::acts::scene::Request;
use crate::agenda::Agenda;
use crate::coverage::{Coverage, Fault};
use crate::deliveries::Deliveries;
use crate::dice::Dice;
use crate::faults::Faults;
use crate::isolation::NOISE_FROM_MS;
use crate::journal::{self, Digest, Recorded};
use crate::kernel::{MakeKernel, Release};
use crate::malicious::Mallory;
use crate::malicious::grammar::Used;
use crate::node::{Backup, Node};
use crate::oracle::facts::{Facts, cause, facts};
use crate::oracle::gates::Withheld;
use crate::oracle::step::Step;
use crate::oracle::{Mark, Oracle, RUNS, Violation, broken};
use crate::plan::Plan;
use crate::store::MakeStore;
use crate::story::{self, Story};
use calls::Call;
use clones::Copy;
pub use foreign::ForeignSummary;
use foreign::{Foreign, Seat};
use probes::Delivered;

/// Time between two rounds of pings, in ms, as in the host.
const PING_PERIOD_MS: i64 = 60_000;

/// How long after healing everything must be settled, in ms.
const SETTLE_MS: i64 = 30 * 60_000;

/// How long a group takes to become durable, in ms, at most.
const SYNC_MS_MAX: i64 = 8;

/// Pause before a write that a disk rejected is retried, in ms, as in the engine.
const DISK_RETRY_MS: i64 = 1_000;

/// A scheduled event.
enum Event {
    /// An item of the plan.
    Planned(usize),
    /// A client repeats a request to which it got no answer.
    Again(Box<Request>),
    /// A group of a process (identified by its life) is durable.
    Synced(usize, u32),
    /// A timer of a process fires.
    Wake(usize, u32),
    /// A process pings all its peers.
    PingRound(usize, u32),
    /// A request arrives; the flag says whether for the first time.
    Arrives(u64, bool),
    /// A request ends for its sender with this outcome.
    Ends(u64, calls::CallOutcome),
    /// The answer to this attempt stopped the step that should have processed it.
    Unreported(usize, u32, ConnectionNo, u64),
    /// A dead process starts.
    Start(usize),
    /// A node has a single host again.
    CopyEnds,
    /// An earlier delivery is repeated, to check that nothing changes.
    Probe,
    /// An event at a seat without a Causeway, in this life of its process.
    Foreign(usize, u32, Foreign),
    /// Users stop and everything heals.
    Heal,
}

/// The recipient of a step's reply.
enum Waiter {
    Nobody,
    Client(Box<Request>),
    Call(u64),
    /// The sender that reports the result of an attempt.
    Receipt(ConnectionNo, u64),
    /// The start, before its last step.
    First,
    /// The start, for its last step.
    Start,
}

/// Information about a step, kept until the step is durable.
struct Note {
    /// What it changed, if the run is judged.
    facts: Option<Facts>,
    /// Its time.
    at_ms: i64,
    input: Input,
    /// `None` if it was stopped.
    reply: Option<Reply>,
    effects: Vec<Effect>,
    waiter: Waiter,
    /// The author and id of a post that it made with a client's key.
    keyed: Option<(Id, String, Id)>,
}

/// Where the process of a node dies in addition to random crashes: at the n-th opportunity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashPoint {
    /// The node.
    pub node: usize,
    /// The n-th point at which it may die.
    pub point: u64,
    /// How many of the steps that are not durable had reached the disk.
    pub survivors: usize,
}

/// The level of checking. It does not influence the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Watch {
    /// No checks.
    Bare,
    /// All checkers.
    Judged,
    /// All checkers, and the story is recorded.
    Told,
}

impl Watch {
    fn is_judged(self) -> bool {
        self >= Watch::Judged
    }
}

/// The data that must be identical in two runs of one plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The chains of all nodes at the end: over their times, seeds, inputs, effects of verdicts, replies,
    /// writes and effects.
    pub chains: Vec<Digest>,
    /// Delivered messages.
    pub deliveries: Deliveries,
    /// Executed steps.
    pub steps: u64,
    /// Number of points at which the process of each node could have died.
    pub crash_points: Vec<u64>,
}

/// The results of a run.
#[derive(Clone, Debug)]
pub struct Summary {
    /// A summary for comparison.
    pub trace: Trace,
    /// What happened, in sentences, if the story was recorded.
    pub story: Story,
    /// What occurred.
    pub coverage: Coverage,
    /// Versions that crossed an edge.
    pub versions_crossed: usize,
    /// Number of repeated deliveries.
    pub probes: u64,
    /// What a peer and the hub received from each other, if its neighbour makes noise.
    pub heard: Vec<String>,
    /// The quirks that Mattermost-like servers showed, and how many of their own objects they
    /// offered, of how many.
    pub foreign: ForeignSummary,
    /// How often a malicious peer used each production of its grammar.
    pub used: Used,
    /// Steps that were not durable at the [`CrashPoint`], if the run reached it.
    pub unsynced_at_crash: Option<usize>,
}

/// The results of a run that broke a promise.
pub struct Stopped {
    /// The promise.
    pub violation: Violation,
    /// What happened, in sentences, if the story was recorded.
    pub story: Story,
    /// The steps of each node up to the one that broke it, if the story was recorded.
    pub journals: Vec<Vec<Recorded>>,
}

/// The world.
pub struct World<'m> {
    watch: Watch,
    plan: Plan,
    make_kernel: MakeKernel<'m>,
    crash_at: Option<CrashPoint>,
    now_ms: i64,
    agenda: Agenda<Event>,
    nodes: Vec<Node<Note>>,
    /// The servers at the seats after the nodes.
    seats: Vec<Seat>,
    /// A malicious peer, at the last seat.
    mallory: Option<Mallory>,
    /// The faults in force: those of the plan until everything heals.
    faults: Faults,
    is_healed: bool,
    calls: BTreeMap<u64, Call>,
    calls_made: u64,
    /// Pings in flight, by sender and receiver, and the connection for which another has to follow.
    pinging: BTreeMap<(usize, usize), Option<ConnectionNo>>,
    /// The incarnation because of which a node pinged the peer of a connection since its last round.
    asked: BTreeMap<(usize, ConnectionNo), Incarnation>,
    /// When the link from one node to another is open again, in ms.
    cut_until_ms: BTreeMap<(usize, usize), i64>,
    /// Until when the link from one node to another is slow, and the added delay, in ms.
    slow_until_ms: BTreeMap<(usize, usize), (i64, i64)>,
    /// When a node's disk accepts writes again, in ms.
    full_until_ms: BTreeMap<usize, i64>,
    /// When a node gives valid answers again, in ms.
    broken_until_ms: BTreeMap<usize, i64>,
    backups: BTreeMap<usize, (Backup, Mark)>,
    /// The running copy of a node, at the last place of all nodes.
    copy: Option<Copy>,
    delivered: Vec<Delivered>,
    oracle: Oracle,
    coverage: Coverage,
    /// What the policies of each node did not let pass last.
    withheld: BTreeMap<usize, Withheld>,
    network: Dice,
    file_network: Dice,
    machines: Dice,
    prober: Dice,
    stops: Dice,
    policies: Dice,
    story: Story,
    deliveries: Deliveries,
    steps: u64,
    probes: u64,
    heard: Vec<String>,
    crash_points: Vec<u64>,
    unsynced_at_crash: Option<usize>,
}

impl<'m> World<'m> {
    /// A world at its beginning.
    #[must_use]
    pub fn new(
        plan: Plan,
        make_kernel: MakeKernel<'m>,
        crash_at: Option<CrashPoint>,
        watch: Watch,
    ) -> Self {
        let seed = plan.seed;
        let nodes = (0..plan.nodes)
            .map(|no| Node::new(no, seed, make_kernel(Release::default())))
            .collect();
        World {
            watch,
            make_kernel,
            crash_at,
            now_ms: 0,
            agenda: Agenda::default(),
            nodes,
            seats: Self::seats_of(&plan),
            mallory: plan.malicious.then(|| Mallory::new(seed)),
            faults: Faults::none(),
            is_healed: false,
            calls: BTreeMap::new(),
            calls_made: 0,
            pinging: BTreeMap::new(),
            asked: BTreeMap::new(),
            cut_until_ms: BTreeMap::new(),
            slow_until_ms: BTreeMap::new(),
            full_until_ms: BTreeMap::new(),
            broken_until_ms: BTreeMap::new(),
            backups: BTreeMap::new(),
            copy: None,
            delivered: Vec::new(),
            oracle: Oracle::default(),
            coverage: Coverage::default(),
            withheld: BTreeMap::new(),
            network: Dice::new(seed, "network"),
            file_network: Dice::new(seed, "network of files"),
            machines: Dice::new(seed, "machines"),
            prober: Dice::new(seed, "prober"),
            stops: Dice::new(seed, "stops"),
            policies: Dice::new(seed, "policies"),
            story: Story::default(),
            deliveries: Deliveries::default(),
            steps: 0,
            probes: 0,
            heard: Vec::new(),
            crash_points: vec![0; plan.nodes],
            unsynced_at_crash: None,
            plan,
        }
    }

    /// Keeps the steps of every node in files.
    #[must_use]
    pub fn keeping_in(mut self, make_store: MakeStore<'_>) -> Self {
        for node in &mut self.nodes {
            node.keep_in(make_store(node.no));
        }
        self
    }

    /// Runs to the end.
    ///
    /// # Errors
    /// The first broken promise; the story explains what led to it.
    pub fn run(mut self) -> Result<Summary, Stopped> {
        match self.run_through() {
            Ok(()) => Ok(Summary {
                trace: Trace {
                    chains: self.nodes.iter().map(Node::chain).collect(),
                    deliveries: self.deliveries,
                    steps: self.steps,
                    crash_points: self.crash_points,
                },
                story: self.story,
                coverage: self.coverage.of_run(),
                versions_crossed: self.oracle.versions_crossed(),
                probes: self.probes,
                heard: self.heard,
                foreign: foreign::summary(&self.seats),
                unsynced_at_crash: self.unsynced_at_crash,
                used: self.mallory.map(|mallory| mallory.used).unwrap_or_default(),
            }),
            Err(violation) => Err(Stopped {
                violation,
                journals: self.journals(),
                story: self.story,
            }),
        }
    }

    fn journals(&self) -> Vec<Vec<Recorded>> {
        if self.watch < Watch::Told {
            return Vec::new();
        }
        let nodes = self.nodes.iter();
        nodes
            .map(|node| journal::recorded(self.make_kernel, &node.entries()))
            .collect()
    }

    fn run_through(&mut self) -> Result<(), Violation> {
        // Nothing dies before the story begins.
        let crash_at = self.crash_at.take();
        self.set_up()?;
        self.crash_at = crash_at;
        self.crash_points.fill(0);
        self.faults = self.plan.faults;
        for (at, item) in self.plan.items.clone().iter().enumerate() {
            self.agenda.at(item.at_ms, Event::Planned(at));
        }
        if self.is_judged() {
            self.plan_probes();
        }
        self.agenda.at(self.plan.heal_at_ms, Event::Heal);
        let end_ms = self.plan.heal_at_ms + SETTLE_MS;
        while let Some((at_ms, event)) = self.agenda.next(end_ms) {
            self.now_ms = at_ms;
            self.happen(event)?;
        }
        if self.is_judged() {
            self.judge_end()?;
        }
        Ok(())
    }

    fn happen(&mut self, event: Event) -> Result<(), Violation> {
        match event {
            Event::Planned(at) => self.planned(at),
            Event::Again(request) => self.submit(*request),
            Event::Synced(node, life) => self.synced(node, life),
            Event::Wake(node, life) => self.wake(node, life),
            Event::PingRound(node, life) => {
                if self.lives(node, life) {
                    self.ping_all(node);
                    let next = self.now_ms + PING_PERIOD_MS;
                    self.agenda.at(next, Event::PingRound(node, life));
                }
                Ok(())
            }
            Event::Arrives(call, is_first) => self.arrives(call, is_first),
            Event::Ends(call, outcome) => self.ends(call, outcome),
            Event::Unreported(node, life, connection, attempt) => {
                self.reported_as_unknown(node, life, (connection, attempt))
            }
            Event::Start(node) if self.is_full(node) => {
                self.agenda.at(self.now_ms + DISK_RETRY_MS, event);
                Ok(())
            }
            Event::Start(node) => self.start(node),
            Event::Foreign(seat, life, what) => {
                self.foreign_happens(seat, life, what);
                Ok(())
            }
            Event::CopyEnds => self.copy_ends(),
            Event::Probe => self.probe(),
            Event::Heal => self.heal(),
        }
    }

    fn is_judged(&self) -> bool {
        self.watch.is_judged()
    }

    fn tell(&mut self, sentence: String) {
        if self.is_told() {
            self.story.tell(self.now_ms, &sentence);
        }
    }

    fn is_told(&self) -> bool {
        self.watch >= Watch::Told
    }

    /// The faults that apply to events at a node, or between two.
    fn faults_of(&self, nodes: &[usize]) -> Faults {
        let is_hit = |noisy| self.now_ms >= NOISE_FROM_MS && nodes.contains(&noisy);
        if self.plan.noisy.is_none_or(is_hit) {
            self.faults
        } else {
            Faults::none()
        }
    }

    /// Whether this process of a node is still running.
    fn lives(&self, node: usize, life: u32) -> bool {
        self.nodes[node].is_running && self.nodes[node].life == life
    }

    /// Executes an input at a node; its effects follow when it is durable.
    fn step(&mut self, node: usize, input: Input, waiter: Waiter) -> Result<(), Violation> {
        self.carry_out(node, input, waiter).map(drop)
    }

    /// Executes an input that does not stop. If part of a frame is left, its sender keeps
    /// waiting.
    fn carry_through(
        &mut self,
        node: usize,
        input: Input,
        waiter: &mut Waiter,
    ) -> Result<Reply, Violation> {
        self.steps += 1;
        let (now_ms, is_judged) = (self.now_ms, self.is_judged());
        let machine = &mut self.nodes[node];
        let wanted = is_judged.then(|| cause(&machine.rows, &input));
        let carried = machine.carry_out(now_ms, &input).map_err(|error| {
            broken(
                RUNS,
                format!("node {node}: {error} in {}", story::input(&input)),
            )
        })?;
        let told = wanted.map(|cause| facts(&machine.rows, cause, &carried));
        // A step that breaks a promise is still kept, so that the journal shows it.
        let mut verdict = Ok(());
        if is_judged {
            let (input, carried, rows) = (&input, &carried, &machine.rows);
            let step = Step {
                node,
                input,
                carried,
                rows,
                policies: machine.policies,
            };
            verdict = step.judge();
            self.coverage.step(input);
            if carried.has_failed_verdict() {
                self.coverage.fault(Fault::PolicyTrap);
            }
            let withheld = self.withheld.entry(node).or_default();
            let noted = carried
                .asked
                .iter()
                .filter_map(|asked| withheld.note(asked));
            noted.for_each(|noted| self.coverage.gate(noted));
        }
        let keyed = match (&input, &carried.reply) {
            (Input::Command { key: Some(key), .. }, Reply::Object(Object::Post(no)))
                if is_judged =>
            {
                let post = machine.rows.get::<Post>(no);
                post.and_then(|post| Some((self.author(node, *no)?, key.clone(), post.id)))
            }
            _ => None,
        };
        let reply = carried.reply.clone();
        let waiter = if matches!(reply, Reply::Unfinished { .. }) {
            Waiter::Nobody
        } else {
            std::mem::replace(waiter, Waiter::Nobody)
        };
        let note = Note {
            facts: told,
            at_ms: carried.entry.context.now_ms,
            input,
            reply: Some(carried.reply),
            effects: carried.effects,
            waiter,
            keyed,
        };
        let machine = &mut self.nodes[node];
        machine.keep(carried.entry, carried.writes, carried.old, note);
        verdict?;
        self.begin_sync(node);
        Ok(reply)
    }

    fn author(&self, node: usize, post: PostNo) -> Option<Id> {
        let rows = &self.nodes[node].rows;
        let post = rows.get::<Post>(&post)?;
        let user = rows.get::<causeway_kernel::model::User>(&post.user)?;
        Some(user.id)
    }

    fn begin_sync(&mut self, node: usize) {
        if self.nodes[node].begin_sync() {
            let at_ms = self.now_ms + self.machines.between(1, SYNC_MS_MAX);
            let life = self.nodes[node].life;
            self.agenda.at(at_ms, Event::Synced(node, life));
        }
    }
}
