//! The simulator: workspaces whose network, clocks, machines, users and admins all follow from one
//! seed, under faults, judged by an oracle that does not ask the kernel.
//!
//! A run has two phases. In the first, users act while faults occur; whatever happens, nothing
//! unsafe is allowed (an echo, a forgery, a change by a refused input). Then everything heals
//! and users only read; within a limit of simulated time all must show the same. Every run is made
//! twice and must end in the same bytes, and every journal is replayed.

pub mod acts;
pub mod agenda;
pub mod broken;
pub mod clock;
pub mod coverage;
pub mod deliveries;
pub mod dice;
pub mod faults;
pub mod frames;
pub mod isolation;
pub mod journal;
pub mod kernel;
pub mod malicious;
pub mod mattermost;
pub mod next;
pub mod node;
pub mod oracle;
pub mod plan;
pub mod plan_text;
pub mod policies;
pub mod runner;
pub mod shrink;
pub mod store;
pub mod story;
pub mod world;

use std::fmt;

use journal::Recorded;
use kernel::{MakeKernel, Release};
use mattermost::quirks::Generation;
use oracle::{REPLAY, UPGRADE, Violation, broken};
use plan::Plan;
use store::MakeStore;
use story::Story;
use world::{CrashPoint, Stopped, Summary, Watch, World};

/// A run that broke a promise.
pub struct Failure {
    /// The plan of the run.
    pub plan: Box<Plan>,
    /// The broken promise.
    pub violation: Violation,
    /// What led to it.
    pub story: Story,
    /// The steps of each workspace up to the one that broke it. Empty if the failure is not in a single
    /// run but a difference between two.
    pub journals: Vec<Vec<Recorded>>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seed = self.plan.seed;
        writeln!(f, "seed {seed} broke a promise.\n{}", self.story)?;
        writeln!(f, "{}\n", self.violation)?;
        let (end, nodes) = (seed + 1, self.plan.nodes);
        let others = match self.plan.foreign.as_slice() {
            [] => "",
            [Generation::Of2021] => " --foreign 2021",
            [Generation::Of11] => " --foreign 11.6",
            _ => " --foreign both",
        };
        let malicious = if self.plan.malicious {
            " --malicious"
        } else {
            ""
        };
        // The command line cannot run seeds of isolation, and of a hub without other workspaces: these
        // plans are run from a file.
        if self.plan.noisy.is_some() || self.plan.nodes < 2 {
            return Ok(());
        }
        writeln!(
            f,
            "again: sim --seeds {seed}..{end} --nodes {nodes}{others}{malicious}"
        )
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Runs a plan once, with all checkers. If one fails, the run is repeated for its story, which
/// follows from the plan alone, and once more with one release of the kernel throughout: if that
/// succeeds, the mix of releases broke the promise (I16).
///
/// # Errors
/// The promise that it broke, with the story.
pub fn run(
    plan: &Plan,
    make_kernel: MakeKernel<'_>,
    crash_at: Option<CrashPoint>,
) -> Result<Summary, Failure> {
    watched(plan, make_kernel, crash_at, Watch::Judged).map_err(|first| {
        let told = watched(plan, make_kernel, crash_at, Watch::Told);
        let mut failure = told.err().unwrap_or(first);
        let one_release = |_| make_kernel(Release::default());
        if watched(plan, &one_release, crash_at, Watch::Judged).is_ok() {
            let seen = format!("only with two releases: {}", failure.violation);
            failure.violation = broken(UPGRADE, seen);
        }
        failure
    })
}

/// Runs a plan once, with this level of checking.
///
/// # Errors
/// As [`run`].
pub fn watched(
    plan: &Plan,
    make_kernel: MakeKernel<'_>,
    crash_at: Option<CrashPoint>,
    watch: Watch,
) -> Result<Summary, Failure> {
    ended(
        plan,
        World::new(plan.clone(), make_kernel, crash_at, watch).run(),
    )
}

fn ended(plan: &Plan, end: Result<Summary, Stopped>) -> Result<Summary, Failure> {
    end.map_err(|stopped| Failure {
        plan: Box::new(plan.clone()),
        violation: stopped.violation,
        story: stopped.story,
        journals: stopped.journals,
    })
}

/// Runs a plan once, with all checkers and with the steps of each workspace in files.
///
/// # Errors
/// As [`run`].
pub fn run_in(
    make_store: MakeStore<'_>,
    plan: &Plan,
    make_kernel: MakeKernel<'_>,
    watch: Watch,
) -> Result<Summary, Failure> {
    let world = World::new(plan.clone(), make_kernel, None, watch);
    ended(plan, world.keeping_in(make_store).run())
}

/// Runs a plan as the responsible checkers need it: twice, or with and without its noise.
///
/// # Errors
/// The promise that it broke.
pub fn run_plan(plan: &Plan, make_kernel: MakeKernel<'_>) -> Result<Summary, Failure> {
    match plan.noisy {
        Some(_) => isolation::run_next_to_noise(plan, make_kernel),
        None => run_twice(plan, make_kernel),
    }
}

/// Runs a plan twice, the second time without checkers; both must end in the same bytes.
///
/// # Errors
/// As [`run`], or the two differ.
pub fn run_twice(plan: &Plan, make_kernel: MakeKernel<'_>) -> Result<Summary, Failure> {
    let first = run(plan, make_kernel, None)?;
    let second = watched(plan, make_kernel, None, Watch::Bare)?;
    if first.trace == second.trace {
        return Ok(first);
    }
    let told = watched(plan, make_kernel, None, Watch::Told);
    Err(Failure {
        plan: Box::new(plan.clone()),
        violation: broken(REPLAY, "two runs of one seed end differently"),
        story: told.map_or_else(|failure| failure.story, |summary| summary.story),
        journals: Vec::new(),
    })
}
