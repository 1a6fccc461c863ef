//! `make bench`: what the service costs on this machine.

mod attacks;
mod files;
mod hosts;
mod line;
mod offline;
mod people;
mod policies;
mod search;
mod simulation;
mod spike;
mod spread;
mod steps;

use clap::Parser;

/// Measures Causeway on this machine and prints a table.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    steps: steps::Options,
    #[command(flatten)]
    hosts: hosts::Options,
    #[command(flatten)]
    policies: policies::Options,
    #[command(flatten)]
    search: search::Options,
    /// Seeds of the simulation.
    #[arg(long, default_value_t = 400)]
    seeds: u64,
    /// What to measure; everything if omitted.
    #[arg(value_enum)]
    part: Option<Part>,
}

/// A part of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// How a peer's or a client's attack affects local users.
    Attacks,
    /// Files between services: throughput, memory.
    Files,
    /// The people of a workspace at another one, and channels after an outage.
    People,
    /// Policies: a question, a backlog through gates, swaps under load, memory.
    Policies,
    /// Search: indexing, searches, what it takes from the writer.
    Search,
    /// Services: throughput, latency, start, memory.
    Hosts,
    /// Steps of the kernel, natively and as the component.
    Steps,
    /// The simulator: deliveries that it judges.
    Simulation,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let is_wanted = |part| arguments.part.is_none_or(|only| only == part);
    if is_wanted(Part::Hosts) {
        let runtime = tokio::runtime::Runtime::new()?;
        runtime.block_on(hosts::run(&arguments.hosts, |line| println!("{line}")))?;
    }
    if is_wanted(Part::Attacks) {
        let runtime = tokio::runtime::Runtime::new()?;
        runtime.block_on(attacks::run(|line| println!("{line}")))?;
    }
    if is_wanted(Part::Files) {
        let runtime = tokio::runtime::Runtime::new()?;
        runtime.block_on(files::run(|line| println!("{line}")))?;
    }
    if is_wanted(Part::People) {
        let runtime = tokio::runtime::Runtime::new()?;
        runtime.block_on(people::run(|line| println!("{line}")))?;
    }
    if is_wanted(Part::Policies) {
        let runtime = tokio::runtime::Runtime::new()?;
        runtime.block_on(policies::run(&arguments.policies, |line| {
            println!("{line}")
        }))?;
    }
    if is_wanted(Part::Search) {
        let runtime = tokio::runtime::Runtime::new()?;
        runtime.block_on(search::run(&arguments.search, |line| println!("{line}")))?;
    }
    if is_wanted(Part::Simulation) {
        simulation::run(arguments.seeds, |line| println!("{line}"))?;
    }
    if is_wanted(Part::Steps) {
        println!("{}", steps::run(&arguments.steps)?);
    }
    Ok(())
}
