//! `make bench`: what the service costs on this machine.

mod steps;

use clap::Parser;

/// Measures Causeway on this machine and prints a table.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    steps: steps::Options,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    println!("{}", steps::run(&arguments.steps)?);
    Ok(())
}
