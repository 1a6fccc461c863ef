//! The writer's queue, by source, and its scheduling. Turns are shared by cost: whatever one source
//! spends, no other source waits for longer than one of its steps. The writer may take inputs in any
//! order: the journal records it.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use causeway_kernel::boundary::frame_run::FrameRun;
use causeway_kernel::boundary::input::{Actor, Input};
use causeway_kernel::boundary::output::Reply;
use causeway_kernel::rows::id::{ConnectionNo, UserNo};

use super::ledger::Ledger;
use crate::SubmitError;
use crate::policy::PolicyChain;

/// Maximum queued acts of local users; further ones are refused.
pub const LOCAL_MAX: usize = 4_096;
/// Maximum queued acts of one local user; further ones are refused.
pub const LOCAL_PER_USER_MAX: usize = 512;
/// Maximum queued receipts and pings; further ones are refused. There is one in flight per connection.
pub const RECEIPTS_MAX: usize = 4_096;
/// Maximum queued frames of one connection; further ones are refused, and the peer retries.
pub const FRAMES_PER_CONNECTION_MAX: usize = 16;
/// How long frames of a connection are refused after one of them stopped a step; doubled with each
/// further stop until a frame is carried out without one.
pub const BACK_OFF_FIRST: Duration = Duration::from_secs(5);
/// The longest such time.
pub const BACK_OFF_MAX: Duration = Duration::from_secs(300);

/// Completion callback: called with the result of an input once it is durable.
pub type Completion = Box<dyn FnOnce(Result<Reply, SubmitError>) + Send>;

/// A queued input.
pub struct Job {
    /// What to carry out.
    pub input: Input,
    /// The policies in force from this step on, if it changes them.
    pub chain: Option<Box<dyn PolicyChain>>,
    /// Called with the result.
    pub done: Completion,
    /// The frame that the input continues.
    pub run: Option<FrameRun>,
}

impl Job {
    /// An input that neither changes the policies nor continues a frame.
    pub fn new(input: Input, done: Completion) -> Job {
        Job {
            input,
            chain: None,
            done,
            run: None,
        }
    }
}

/// The source of a step, which is charged for its cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The operator and the engine itself: always first, and few.
    Control,
    /// Due work.
    Timer,
    /// Results of messages and pings sent to a peer.
    Receipts(ConnectionNo),
    /// A local user; 0 for commands without one.
    Local(UserNo),
    /// A peer.
    Frames(ConnectionNo),
}

impl Source {
    /// The source of an input.
    pub fn of(input: &Input) -> Source {
        match input {
            Input::Timer | Input::DuePart(_) => Source::Timer,
            Input::Command { actor, .. } => Source::Local(match actor {
                Actor::User(user) => *user,
                Actor::System | Actor::Anonymous => UserNo(0),
            }),
            Input::Statuses(_) => Source::Local(UserNo(0)),
            Input::Frame { connection, .. }
            | Input::FramePart { connection, .. }
            | Input::Quarantine { connection, .. }
            | Input::Upload { connection, .. }
            | Input::Picture { connection, .. } => Source::Frames(*connection),
            Input::Receipt(receipt) => Source::Receipts(receipt.connection),
            Input::Ping { connection, .. } => Source::Receipts(*connection),
            Input::Genesis(_)
            | Input::Resume
            | Input::Restored
            | Input::PolicyChanged { .. }
            | Input::KernelChanged { .. } => Source::Control,
        }
    }
}

/// Classes of sources. Each class gets a quarter of the writer when all four have work, however many
/// sources the others have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Local,
    Receipts,
    Timer,
    Frames,
}

/// What to do next.
#[expect(
    clippy::large_enum_variant,
    reason = "one exists at a time, on the writer's stack"
)]
pub enum Next {
    /// A queued input.
    Job(Job),
    /// Due work.
    Timer,
}

/// Queued inputs of one class, by source.
struct Lanes<K> {
    waiting: BTreeMap<K, VecDeque<Job>>,
    ledger: Ledger<K>,
    len: usize,
}

impl<K> Default for Lanes<K> {
    fn default() -> Lanes<K> {
        Lanes {
            waiting: BTreeMap::new(),
            ledger: Ledger::default(),
            len: 0,
        }
    }
}

impl<K: Ord + Copy> Lanes<K> {
    fn push(
        &mut self,
        who: K,
        job: Job,
        (max, per_lane_max): (usize, usize),
    ) -> Result<(), Box<Job>> {
        let lane = self.waiting.get(&who).map_or(0, VecDeque::len);
        if self.len >= max || lane >= per_lane_max {
            return Err(Box::new(job));
        }
        self.waiting.entry(who).or_default().push_back(job);
        self.len += 1;
        Ok(())
    }

    fn push_front(&mut self, who: K, job: Job) {
        self.waiting.entry(who).or_default().push_front(job);
        self.len += 1;
    }

    fn pop(&mut self) -> Option<Job> {
        let who = self.ledger.choose(self.waiting.keys().copied())?;
        let lane = self.waiting.get_mut(&who)?;
        let job = lane.pop_front();
        if lane.is_empty() {
            self.waiting.remove(&who);
        }
        self.len -= usize::from(job.is_some());
        job
    }

    /// Removes all queued inputs of a source.
    fn take(&mut self, who: K) -> VecDeque<Job> {
        let taken = self.waiting.remove(&who).unwrap_or_default();
        self.len -= taken.len();
        taken
    }
}

/// Back-off of a connection, during which its frames are refused.
struct BackOff {
    until: Instant,
    /// Consecutive frames that stopped a step.
    stops: u32,
}

/// All queued inputs.
#[derive(Default)]
pub struct Queue {
    control: VecDeque<Job>,
    receipts: Lanes<ConnectionNo>,
    local: Lanes<UserNo>,
    frames: Lanes<ConnectionNo>,
    classes: Ledger<Class>,
    back_offs: BTreeMap<ConnectionNo, BackOff>,
}

impl Queue {
    /// Adds an input.
    ///
    /// # Errors
    /// Returns the input if the limit of its source is reached, or if its connection is backing off.
    pub fn push(&mut self, job: Job, now: Instant) -> Result<(), Box<Job>> {
        match Source::of(&job.input) {
            Source::Control | Source::Timer => {
                self.control.push_back(job);
                Ok(())
            }
            Source::Receipts(connection) => {
                self.receipts
                    .push(connection, job, (RECEIPTS_MAX, RECEIPTS_MAX))
            }
            Source::Local(user) => self.local.push(user, job, (LOCAL_MAX, LOCAL_PER_USER_MAX)),
            Source::Frames(connection) => {
                if self.backs_off(connection, now) {
                    return Err(Box::new(job));
                }
                self.frames
                    .push(connection, job, (usize::MAX, FRAMES_PER_CONNECTION_MAX))
            }
        }
    }

    /// Adds the continuation of a frame, before anything that its connection sent after it.
    pub fn go_on(&mut self, connection: ConnectionNo, job: Job) {
        self.frames.push_front(connection, job);
    }

    fn backs_off(&self, connection: ConnectionNo, now: Instant) -> bool {
        let back_off = self.back_offs.get(&connection);
        back_off.is_some_and(|it| now < it.until)
    }

    /// Takes the next input: from the class with work that has the lowest cost, and within it from
    /// the source with the lowest cost.
    pub fn pop(&mut self, timer_is_due: bool) -> Option<Next> {
        if let Some(job) = self.control.pop_front() {
            return Some(Next::Job(job));
        }
        let waiting = [
            (Class::Local, self.local.len > 0),
            (Class::Receipts, self.receipts.len > 0),
            (Class::Timer, timer_is_due),
            (Class::Frames, self.frames.len > 0),
        ];
        let waiting = waiting
            .into_iter()
            .filter_map(|(class, any)| any.then_some(class));
        match self.classes.choose(waiting)? {
            Class::Local => self.local.pop().map(Next::Job),
            Class::Receipts => self.receipts.pop().map(Next::Job),
            Class::Timer => Some(Next::Timer),
            Class::Frames => self.frames.pop().map(Next::Job),
        }
    }

    /// Charges the cost of a step to its source.
    pub fn charge(&mut self, source: Source, cost: u64) {
        let class = match source {
            Source::Control => return,
            Source::Timer => Class::Timer,
            Source::Receipts(connection) => {
                self.receipts.ledger.charge(connection, cost);
                Class::Receipts
            }
            Source::Local(user) => {
                self.local.ledger.charge(user, cost);
                Class::Local
            }
            Source::Frames(connection) => {
                self.frames.ledger.charge(connection, cost);
                Class::Frames
            }
        };
        self.classes.charge(class, cost);
    }

    /// A frame of a connection stopped a step: the connection's frames are refused for a while. Returns
    /// those already queued.
    pub fn back_off(&mut self, connection: ConnectionNo, now: Instant) -> VecDeque<Job> {
        let stops = self.back_offs.get(&connection).map_or(0, |it| it.stops);
        let pause = BACK_OFF_FIRST.saturating_mul(1 << stops.min(16));
        let until = now + pause.min(BACK_OFF_MAX);
        let stops = stops.saturating_add(1);
        self.back_offs.insert(connection, BackOff { until, stops });
        self.frames.take(connection)
    }

    /// A frame of a connection was carried out without a stop.
    pub fn went_well(&mut self, connection: ConnectionNo) {
        self.back_offs.remove(&connection);
    }

    /// Takes the next input, ignoring due work.
    pub fn pop_job(&mut self) -> Option<Job> {
        match self.pop(false)? {
            Next::Job(job) => Some(job),
            Next::Timer => None,
        }
    }

    /// Whether nothing is queued.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of queued inputs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.control.len() + self.receipts.len + self.local.len + self.frames.len
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use causeway_kernel::command::{Command, Configure};
    use causeway_kernel::model::Config;

    fn job(input: Input) -> Job {
        Job::new(input, Box::new(|_| {}))
    }

    fn frame(connection: u64) -> Job {
        job(Input::Frame {
            connection: ConnectionNo(connection),
            body: Vec::new(),
            skip: Vec::new(),
        })
    }

    fn command(user: u64) -> Job {
        job(Input::Command {
            actor: Actor::User(UserNo(user)),
            key: None,
            command: Command::Configure(Configure {
                site_url: String::new(),
                config: Config::default(),
            }),
        })
    }

    fn queue(jobs: impl IntoIterator<Item = Job>) -> Queue {
        let mut queue = Queue::default();
        for job in jobs {
            assert!(queue.push(job, Instant::now()).is_ok());
        }
        queue
    }

    /// The sources in the order of their turns, each charged with `cost`.
    fn order(queue: &mut Queue, timers: usize, cost: impl Fn(Source) -> u64) -> Vec<Source> {
        let mut order = Vec::new();
        let mut due = timers;
        while let Some(next) = queue.pop(due > 0) {
            let source = match next {
                Next::Job(job) => Source::of(&job.input),
                Next::Timer => Source::Timer,
            };
            due -= usize::from(source == Source::Timer);
            queue.charge(source, cost(source));
            order.push(source);
        }
        order
    }

    fn of(connection: u64) -> Source {
        Source::Frames(ConnectionNo(connection))
    }

    #[test]
    fn what_a_peer_costs_keeps_nobody_else_waiting_for_longer_than_one_of_its_steps() {
        let frames = (0..16).map(|_| frame(1)).chain([frame(2)]);
        let acts = (0..100).map(|_| command(7));
        let mut queue = queue(frames.chain(acts));
        let cost = |source: Source| if source == of(1) { 1_000 } else { 10 };
        let order = order(&mut queue, 50, cost);
        let ahead = |of: Source, end: Source| {
            let last = order.iter().rposition(|it| *it == end).unwrap();
            order[..last].iter().filter(|it| **it == of).count()
        };
        // A hundred acts cost as much as one frame, so they are done before the second one.
        assert_eq!(ahead(of(1), Source::Local(UserNo(7))), 1);
        assert_eq!(ahead(of(1), Source::Timer), 1);
        assert_eq!(ahead(of(1), of(2)), 1);
        assert_eq!(order.len(), 167);
    }

    #[test]
    fn a_user_who_acts_much_keeps_no_other_user_waiting() {
        let mut queue = queue((0..400).map(|_| command(1)).chain([command(2)]));
        let order = order(&mut queue, 0, |_| 10);
        assert!(order.iter().position(|it| *it == Source::Local(UserNo(2))) <= Some(1));
    }

    #[test]
    fn every_source_has_its_limit() {
        let now = Instant::now();
        let mut queue = queue((0..FRAMES_PER_CONNECTION_MAX).map(|_| frame(1)));
        assert!(queue.push(frame(1), now).is_err());
        assert!(queue.push(frame(2), now).is_ok());
        for _ in 0..LOCAL_PER_USER_MAX {
            assert!(queue.push(command(1), now).is_ok());
        }
        assert!(queue.push(command(1), now).is_err());
        assert!(queue.push(command(2), now).is_ok());
        let all = FRAMES_PER_CONNECTION_MAX + LOCAL_PER_USER_MAX + 2;
        assert_eq!(queue.len(), all);
        while queue.pop_job().is_some() {}
        assert!(queue.is_empty());
    }

    #[test]
    fn the_engine_itself_comes_first() {
        let mut queue = queue([frame(1), command(1), job(Input::Resume)]);
        assert_eq!(order(&mut queue, 1, |_| 1)[0], Source::Control);
    }

    #[test]
    fn a_connection_whose_frame_stopped_a_step_backs_off_longer_and_longer() {
        let mut now = Instant::now();
        let mut queue = queue([frame(1), frame(1), frame(2)]);
        let stopped = ConnectionNo(1);
        assert_eq!(queue.back_off(stopped, now).len(), 2);
        assert_eq!(queue.len(), 1, "the other connection's");
        assert!(queue.push(frame(1), now).is_err());
        assert!(queue.push(frame(2), now).is_ok());
        now += BACK_OFF_FIRST;
        assert!(queue.push(frame(1), now).is_ok());
        for _ in 0..20 {
            queue.back_off(stopped, now);
        }
        assert!(queue.push(frame(1), now + BACK_OFF_MAX / 2).is_err());
        assert!(queue.push(frame(1), now + BACK_OFF_MAX).is_ok());
        queue.went_well(stopped);
        assert!(queue.push(frame(1), now).is_ok());
        queue.back_off(stopped, now);
        assert!(
            queue.push(frame(1), now + BACK_OFF_FIRST).is_ok(),
            "from the beginning"
        );
    }
}
