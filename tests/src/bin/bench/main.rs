//! `make bench`: what the service costs on this machine.

mod hosts;
mod spike;
mod steps;

use clap::Parser;

/// Measures Causeway on this machine and prints a table.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    steps: steps::Options,
    #[command(flatten)]
    hosts: hosts::Options,
    /// What is measured; everything if nothing is named.
    #[arg(value_enum)]
    part: Option<Part>,
}

/// A part of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Services: throughput, latency, start, memory.
    Hosts,
    /// Steps of the kernel, natively and as the component.
    Steps,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if arguments.part != Some(Part::Steps) {
        let runtime = tokio::runtime::Runtime::new()?;
        runtime.block_on(hosts::run(&arguments.hosts, |line| println!("{line}")))?;
    }
    if arguments.part != Some(Part::Hosts) {
        println!("{}", steps::run(&arguments.steps)?);
    }
    Ok(())
}
