//! `causeway-sim`: runs seeds of the simulator.

use std::io::Write as _;
use std::ops::Range;
use std::process::ExitCode;
use std::time::Instant;

use causeway_sim::kernel::native;
use causeway_sim::plan::Plan;
use causeway_sim::run_twice;
use clap::Parser;

/// Runs workspaces in a simulated world, each seed another one, and judges what they do.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Which seeds, the end not included: `A..B`.
    #[arg(long, value_parser = seeds, default_value = "0..1000")]
    seeds: Range<u64>,
    /// How many workspaces; the first one is the hub of the others.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(2..=3))]
    nodes: u64,
    /// Tell what happened also when all goes well.
    #[arg(long)]
    story: bool,
}

fn seeds(text: &str) -> Result<Range<u64>, String> {
    let (from, to) = text.split_once("..").ok_or("seeds are given as A..B")?;
    let number = |text: &str| {
        text.parse::<u64>()
            .map_err(|_| format!("`{text}` is not a number"))
    };
    Ok(number(from)?..number(to)?)
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let started = Instant::now();
    let (mut deliveries, mut steps) = (0, 0);
    for seed in arguments.seeds.clone() {
        let nodes = usize::try_from(arguments.nodes).unwrap_or(2);
        match run_twice(&Plan::draw(seed, nodes), &native) {
            Ok(summary) => {
                deliveries += summary.deliveries;
                steps += summary.steps;
                if arguments.story {
                    println!("seed {seed}\n{}", summary.story);
                }
            }
            Err(failure) => {
                println!("\n{failure}");
                return ExitCode::FAILURE;
            }
        }
        let done = seed - arguments.seeds.start + 1;
        if done.is_multiple_of(25) || seed + 1 == arguments.seeds.end {
            let seconds = started.elapsed().as_secs_f64();
            print!(
                "\r{done} seeds, {steps} steps, {deliveries} deliveries in {seconds:.1} s, each seed twice"
            );
            // Progress that cannot be shown is no reason to stop.
            let _ = std::io::stdout().flush();
        }
    }
    println!();
    ExitCode::SUCCESS
}
