//! `sim`: runs workspaces in simulated worlds, one for each seed.

mod arguments;
mod failure;
mod seeds;

use std::path::Path;
use std::process::ExitCode;

use causeway_sim::Failure;
use causeway_sim::plan::Plan;
use causeway_sim::world::Watch;
use causeway_sim::{run_plan, watched};
use clap::Parser as _;

use arguments::Arguments;
use mimalloc::MiMalloc;
use seeds::{Engines, Run};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.is_alone() {
        eprintln!("sim: one workspace has nobody to share with: add --foreign or --malicious");
        return ExitCode::FAILURE;
    }
    let engines = match Engines::new(&arguments) {
        Ok(engines) => engines,
        Err(error) => {
            eprintln!("sim: the component cannot be prepared: {error}");
            return ExitCode::FAILURE;
        }
    };
    let run = Run::of(&arguments, &engines);
    let ended = match &arguments.plan {
        Some(path) => return plan(&run, path, &arguments.folder),
        None if arguments.story => tell(&run),
        None => run.seeds(&arguments),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            println!("\n{}", failure::told(*failure, &run, &arguments.folder));
            ExitCode::FAILURE
        }
    }
}

/// Runs the plan in a file and tells its story, whether it succeeds or not; a failure leaves its sessions in
/// the folder.
fn plan(run: &Run<'_>, path: &Path, folder: &Path) -> ExitCode {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string());
    let plan = match text.and_then(|text| Plan::parse(&text)) {
        Ok(plan) => plan,
        Err(error) => {
            eprintln!("sim: {}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    };
    let kernel = run.kernel(plan.seed);
    let told = run_plan(&plan, kernel).and_then(|_| watched(&plan, kernel, None, Watch::Told));
    match told {
        Ok(summary) => {
            println!("{}", summary.story);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("{failure}\n{}", failure::sessions(&failure, run, folder));
            ExitCode::FAILURE
        }
    }
}

/// Tells the story of every seed.
fn tell(run: &Run<'_>) -> Result<(), Box<Failure>> {
    for seed in run.range.clone() {
        let plan = run.plan(seed);
        let summary = watched(&plan, run.kernel(seed), None, Watch::Told)?;
        println!("seed {seed}\n{}", summary.story);
    }
    Ok(())
}
