//! `causeway-sim`: runs seeds of the simulator.

use std::io::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use causeway_sim::kernel::native;
use causeway_sim::plan::Plan;
use causeway_sim::runner::{Totals, cores, run_seeds};
use causeway_sim::shrink::explain;
use causeway_sim::world::Watch;
use causeway_sim::{Failure, run_plan, watched};
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
    /// Threads; 0 = one for each core. They change nothing but the time it takes.
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Tell what happens, also when all goes well.
    #[arg(long)]
    story: bool,
    /// Print what the seeds brought about.
    #[arg(long)]
    coverage: bool,
    /// Run the plan in this file instead, as a failure leaves one behind.
    #[arg(long)]
    plan: Option<PathBuf>,
}

/// Where the plans of failures go.
const PLANS: &str = "target/sim";

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
    let nodes = usize::try_from(arguments.nodes).unwrap_or(2);
    let threads = match arguments.threads {
        0 => cores(),
        threads => threads,
    };
    if let Some(path) = &arguments.plan {
        return replay(path);
    }
    if arguments.story {
        return tell(&arguments, nodes);
    }
    let started = Instant::now();
    let judge = |seed| run_plan(&Plan::draw(seed, nodes), &native);
    let end = arguments.seeds.end - arguments.seeds.start;
    let report = |totals: &Totals| {
        if totals.seeds.is_multiple_of(100) || totals.seeds == end {
            print!("\r{} seeds", totals.seeds);
            // Progress that cannot be shown is no reason to stop.
            let _ = std::io::stdout().flush();
        }
    };
    match run_seeds(arguments.seeds.clone(), threads, &judge, &report) {
        Ok(totals) => {
            let seconds = started.elapsed().as_secs_f64();
            println!("\n{}", summary(&totals, seconds, threads));
            if arguments.coverage {
                println!("\n{}", totals.coverage);
            }
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("\n{}", explained(failure));
            ExitCode::FAILURE
        }
    }
}

fn explained(failure: Failure) -> String {
    let judge = |plan: &Plan| run_plan(plan, &native);
    explain(failure, &judge, Path::new(PLANS))
}

/// Runs the plan of a file and tells its story, whether it ends well or not.
fn replay(path: &Path) -> ExitCode {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string());
    let plan = match text.and_then(|text| Plan::parse(&text)) {
        Ok(plan) => plan,
        Err(error) => {
            eprintln!("{}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    };
    let told = run_plan(&plan, &native).and_then(|_| watched(&plan, &native, None, Watch::Told));
    match told {
        Ok(summary) => {
            println!("{}", summary.story);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("{failure}");
            ExitCode::FAILURE
        }
    }
}

/// Only what was judged counts; the second, unwatched run of each seed is in the time alone.
fn summary(totals: &Totals, seconds: f64, threads: usize) -> String {
    format!(
        "{} seeds, each twice, in {seconds:.1} s on {threads} threads: {} steps, {}; {:.0} judged \
         deliveries a second and thread",
        totals.seeds,
        totals.steps,
        totals.deliveries,
        totals.deliveries.all() as f64 / seconds / threads as f64,
    )
}

fn tell(arguments: &Arguments, nodes: usize) -> ExitCode {
    for seed in arguments.seeds.clone() {
        match watched(&Plan::draw(seed, nodes), &native, None, Watch::Told) {
            Ok(summary) => println!("seed {seed}\n{}", summary.story),
            Err(failure) => {
                println!("{failure}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
