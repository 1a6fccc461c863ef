//! A peer that tries to starve everybody else: its frames, as large as a step allows, fill its part of
//! the writer's queue at all times. Time passes in fuel of the real kernel, so what somebody waits for
//! follows from the seed alone.

use std::collections::BTreeMap;
use std::time::Instant;

use causeway_engine::testing::{Job, Next, Queue, Source};
use causeway_kernel::boundary::frame_run::FrameRun;
use causeway_kernel::boundary::input::{Actor, Input};
use causeway_kernel::boundary::output::Reply;
use causeway_kernel::command::{Command, CreatePost};
use causeway_kernel::model::limits::FRAME_ITEMS_PER_STEP_MAX;
use causeway_kernel::rows::id::{ConnectionNo, UserNo};
use causeway_sim::dice::Dice;
use serde_json::{Value, json};

use super::sections;
use super::site::{CHANNEL, OTHER, PEER, Site, delivered, id, long, ping, user};

const SEEDS: u64 = 4;
/// Steps of a run, those of the malicious peer included.
const STEPS: usize = 250;
/// Chance, in a thousand steps, that people write a burst of posts.
const BURST: u32 = 150;
const BURST_POSTS_MAX: u64 = 30;
/// Chance, in a thousand steps, that the other peer sends a post, that it answers a ping, that work
/// becomes due.
const NOW_AND_THEN: u32 = 120;

/// What was spent for each source so far, in fuel.
#[derive(Clone, Default)]
struct Spent(BTreeMap<Source, u64>);

impl Spent {
    fn of(&self, source: Source) -> u64 {
        self.0.get(&source).copied().unwrap_or(0)
    }

    fn of_class(&self, source: Source) -> u64 {
        let class = std::mem::discriminant(&source);
        let same = self.0.iter().filter(|(other, _)| {
            let other: &Source = other;
            std::mem::discriminant(other) == class
        });
        same.map(|(_, fuel)| fuel).sum()
    }
}

/// Checks every wait against what others were given meanwhile.
#[derive(Default)]
struct Fairness {
    spent: Spent,
    /// What had been spent when each queued input arrived, by source, in the order of arrival.
    arrivals: BTreeMap<Source, Vec<Spent>>,
    /// The most that one step took.
    dearest: u64,
    /// Inputs that had waited when their turn came, by source.
    waited: BTreeMap<Source, u64>,
}

impl Fairness {
    fn arrived(&mut self, source: Source) {
        let spent = self.spent.clone();
        self.arrivals.entry(source).or_default().push(spent);
    }

    /// The turn of the first waiting input of a source.
    ///
    /// A source that waits loses no more to each other one than was spent for itself meanwhile, and one
    /// step; the same holds between the classes of sources. One more step is what it may owe from before.
    fn takes_turn(&mut self, source: Source) -> Result<(), String> {
        let arrivals = self.arrivals.entry(source).or_default();
        if arrivals.is_empty() {
            return Ok(());
        }
        let before = arrivals.remove(0);
        *self.waited.entry(source).or_default() += 1;
        let since = |all: &dyn Fn(&Spent) -> u64| all(&self.spent) - all(&before);
        let (own, own_class) = (since(&|it| it.of(source)), since(&|it| it.of_class(source)));
        for other in self.spent.0.keys().copied() {
            let is_rival = std::mem::discriminant(&other) == std::mem::discriminant(&source);
            let (lost, own) = if is_rival {
                (since(&|it| it.of(other)), own)
            } else {
                (since(&|it| it.of_class(other)), own_class)
            };
            if lost > own + 2 * self.dearest {
                let dearest = self.dearest;
                return Err(format!(
                    "{source:?} waited while {other:?} used {lost}, itself {own}; a step takes {dearest} at most"
                ));
            }
        }
        Ok(())
    }

    fn took(&mut self, source: Source, fuel: u64) {
        *self.spent.0.entry(source).or_default() += fuel;
        self.dearest = self.dearest.max(fuel);
    }
}

/// A workspace, its queue, and those who want something of it.
struct Contest {
    site: Site,
    queue: Queue,
    fairness: Fairness,
    dice: Dice,
    /// Numbers of the items of frames so far, so that no two are the same.
    items: u32,
    timer_is_due: bool,
}

impl Contest {
    fn new(seed: u64) -> Contest {
        let mut site = Site::new();
        site.connect_other();
        Contest {
            site,
            queue: Queue::default(),
            fairness: Fairness::default(),
            dice: Dice::new(seed, "a contest"),
            items: 100_000,
            timer_is_due: false,
        }
    }

    fn push(&mut self, job: Job) -> bool {
        let source = Source::of(&job.input);
        let is_queued = self.queue.push(job, Instant::now()).is_ok();
        if is_queued {
            self.fairness.arrived(source);
        }
        is_queued
    }

    /// The malicious peer sends frames until they are refused.
    fn attack(&mut self) {
        loop {
            let items = 1 + self.dice.below(u64::from(FRAME_ITEMS_PER_STEP_MAX));
            let all = sections(self.items, u32::try_from(items).unwrap());
            self.items += u32::try_from(items).unwrap();
            let (section, list) = self.dice.pick(&all).unwrap();
            if !self.frame(PEER, &json!({ *section: list })) {
                return;
            }
        }
    }

    fn frame(&mut self, from: ConnectionNo, payload: &Value) -> bool {
        let body = self.site.frame(from, payload);
        self.push(job(FrameRun::new(from, body).first()))
    }

    fn others(&mut self) {
        if self.dice.chance(BURST) {
            for _ in 0..=self.dice.below(BURST_POSTS_MAX) {
                self.push(job(write()));
            }
        }
        if self.dice.chance(NOW_AND_THEN) {
            self.items += 1;
            let name = id("o", self.items);
            let profile = user(&name, &format!("other{}", self.items), 1);
            self.frame(OTHER, &json!({"users": {name: profile}}));
        }
        if self.dice.chance(NOW_AND_THEN) {
            self.push(job(ping(OTHER)));
        }
        if !self.timer_is_due && self.dice.chance(NOW_AND_THEN) {
            self.timer_is_due = true;
            self.fairness.arrived(Source::Timer);
        }
    }

    /// One turn; `charged` is what the queue is told of a step's cost.
    fn turn(&mut self, charged: fn(u64) -> u64) -> Result<(), String> {
        let (input, run) = match self.queue.pop(self.timer_is_due) {
            None => return Ok(()),
            Some(Next::Timer) => (Input::Timer, None),
            Some(Next::Job(job)) => (job.input, job.run),
        };
        let source = Source::of(&input);
        self.timer_is_due &= source != Source::Timer;
        self.fairness.takes_turn(source)?;
        let ran = self.site.step(&input);
        self.queue.charge(source, charged(ran.cost.fuel));
        self.fairness.took(source, ran.cost.fuel);
        for receipt in ran.effects.iter().filter_map(delivered) {
            self.push(job(receipt));
        }
        self.go_on(input, run, &ran.reply);
        Ok(())
    }

    /// Queues the next part of a frame, as the writer does.
    fn go_on(&mut self, input: Input, run: Option<FrameRun>, reply: &Reply) {
        let run = match input {
            Input::Frame {
                connection, body, ..
            } => Some(FrameRun::new(connection, body)),
            _ => run,
        };
        let Some(mut run) = run else { return };
        let Some(input) = run.after_reply(reply) else {
            return;
        };
        let connection = run.connection();
        let mut next = job(input);
        next.run = Some(run);
        self.queue.go_on(connection, next);
        let first = self.fairness.spent.clone();
        let arrivals = self.fairness.arrivals.entry(Source::Frames(connection));
        arrivals.or_default().insert(0, first);
    }
}

fn job(input: Input) -> Job {
    Job::new(input, Box::new(|_| {}))
}

fn write() -> Input {
    Input::Command {
        actor: Actor::User(UserNo(1)),
        key: None,
        command: Command::CreatePost(CreatePost {
            channel: CHANNEL,
            root: None,
            message: long("hello"),
            props: String::new(),
            kind: String::new(),
            priority: None,
            files: Vec::new(),
        }),
    }
}

/// Runs a contest to its end; returns how many inputs of each source had waited.
fn contest(seed: u64, charged: fn(u64) -> u64) -> Result<BTreeMap<Source, u64>, String> {
    let mut contest = Contest::new(seed);
    for _ in 0..STEPS {
        contest.attack();
        contest.others();
        contest.turn(charged)?;
    }
    Ok(contest.fairness.waited)
}

#[test]
fn nobody_waits_longer_than_a_fair_share_explains() {
    for seed in 0..SEEDS {
        let waited = contest(seed, |fuel| fuel).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        let all = [
            Source::Local(UserNo(1)),
            Source::Timer,
            Source::Frames(PEER),
            Source::Frames(OTHER),
            Source::Receipts(OTHER),
        ];
        for source in all {
            assert!(
                waited.get(&source).is_some_and(|it| *it > 0),
                "{source:?}: {waited:?}"
            );
        }
    }
}

#[test]
fn a_queue_that_counts_steps_instead_of_their_cost_is_found_out() {
    let found = (0..SEEDS).filter(|seed| contest(*seed, |_| 1).is_err());
    assert!(found.count() > 0);
}
