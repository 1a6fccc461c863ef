//! `branches`: which branches of the kernel the simulator's seeds reach.
//!
//! `make sim-branches` builds it, and the kernel linked into it, with a flag behind every branch. Built
//! without these flags, it counts nothing and says so.

mod probe;
mod report;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use causeway_sim::Failure;
use causeway_sim::kernel::native;
use causeway_sim::mattermost::quirks::Generation;
use causeway_sim::plan::Plan;
use causeway_sim::runner::{cores, run_seeds};
use causeway_sim::watched;
use causeway_sim::world::{Summary, Watch};
use clap::Parser;
use report::Report;

/// Runs seeds of the simulator and reports which branches of the kernel none of them reaches.
#[derive(Parser)]
#[command(name = "branches", version)]
struct Arguments {
    /// The first seed.
    #[arg(long, value_name = "N", default_value_t = 0)]
    from: u64,
    /// Number of seeds.
    #[arg(long, value_name = "N", default_value_t = 3000)]
    seeds: u64,
    /// File for the list of branches that were not reached.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "target/sim/unreached-branches.txt"
    )]
    list: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let Some(probe) = probe::Probe::take() else {
        eprintln!("branches: built without flags behind the branches; use `make sim-branches`");
        return ExitCode::FAILURE;
    };
    let seeds = arguments.from..arguments.from.saturating_add(arguments.seeds);
    let ended = run_seeds(seeds, cores(), &judge, &|totals| {
        if totals.seeds.is_multiple_of(100) {
            print!("\r{} seeds", totals.seeds);
            // Failing to show progress is no reason to stop.
            let _ = std::io::stdout().flush();
        }
    });
    if let Err(failure) = ended {
        println!("\n{failure}");
        return ExitCode::FAILURE;
    }
    let told = Report::of(&probe).and_then(|report| {
        write(&arguments.list, &report.unreached())?;
        Ok(report)
    });
    match told {
        Ok(report) => {
            println!("\n{report}");
            println!("what was not reached: {}", arguments.list.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("\nbranches: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs every population in turn. Each seed is judged only once here: `make sim` judges it twice.
fn judge(seed: u64) -> Result<Summary, Failure> {
    let plan = match seed % 6 {
        0 => Plan::draw_with(seed, 1, &[Generation::Of2021]),
        1 => Plan::draw_with(seed, 1, &[Generation::Of11]),
        2 => Plan::draw_all(seed, 2, &[], true),
        3 => Plan::draw(seed, 3),
        _ => Plan::draw(seed, 2),
    };
    watched(&plan, &native, None, Watch::Judged)
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}
