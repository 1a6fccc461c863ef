//! The simulator: workspaces whose network, clocks, machines, users and admins all follow from one
//! seed, under faults, judged by an oracle that does not ask the kernel.
//!
//! A run has two phases. In the first, users act while a swarm of faults is at work; whatever
//! happens, nothing unsafe may (an echo, a forgery, a change by a refusal). Then everything heals
//! and users only read; within a bound of simulated time all must show the same. Every run is made
//! twice and must end in the same bytes, and every journal is replayed.

pub mod agenda;
pub mod broken;
pub mod dice;
pub mod faults;
pub mod frames;
pub mod journal;
pub mod kernel;
pub mod node;
pub mod oracle;
pub mod plan;
pub mod policies;
pub mod story;
pub mod world;

use std::fmt;

use kernel::MakeKernel;
use oracle::{REPLAY, Violation, broken};
use plan::Plan;
use story::Story;
use world::{CrashPoint, Summary, World};

/// A run that broke a promise.
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// How many workspaces there were.
    pub nodes: usize,
    /// The promise.
    pub violation: Violation,
    /// How it came to that.
    pub story: Story,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {} broke a promise.\n{}", self.seed, self.story)?;
        writeln!(f, "{}\n", self.violation)?;
        writeln!(
            f,
            "again: cargo run --release -p causeway-sim -- --nodes {} --seeds {}..{}",
            self.nodes,
            self.seed,
            self.seed + 1
        )
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Runs a plan once.
///
/// # Errors
/// The promise that it broke, with the story.
pub fn run(
    plan: &Plan,
    make_kernel: MakeKernel<'_>,
    crash_at: Option<CrashPoint>,
) -> Result<Summary, Failure> {
    let seed = plan.seed;
    World::new(plan.clone(), make_kernel, crash_at)
        .run()
        .map_err(|(violation, story)| Failure {
            seed,
            nodes: plan.nodes,
            violation,
            story,
        })
}

/// Runs a plan twice; both must end in the same bytes.
///
/// # Errors
/// As [`run`], or the two differ.
pub fn run_twice(plan: &Plan, make_kernel: MakeKernel<'_>) -> Result<Summary, Failure> {
    let first = run(plan, make_kernel, None)?;
    let second = run(plan, make_kernel, None)?;
    if first == second {
        return Ok(first);
    }
    Err(Failure {
        seed: plan.seed,
        nodes: plan.nodes,
        violation: broken(REPLAY, "two runs of one seed end differently"),
        story: first.story,
    })
}
