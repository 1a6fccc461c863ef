//! The command line.

use std::ops::Range;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use causeway_sim::mattermost::quirks::Generation;
use clap::{Parser, ValueEnum};

/// Number of seeds reserved for a day, so that every night runs different ones.
const SEEDS_OF_A_DAY: u64 = 10_000_000;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Runs workspaces in a simulated world and judges everything that they do.
///
/// Each seed is a different world: users, clocks, machines and the network, and all their faults,
/// follow from it alone. Every seed is run twice and has to end in the same bytes. The first seed that
/// breaks a promise ends the run with exit code 1; its plan is shrunk as far as possible and its story is
/// printed. The plan is written to a file, and so are the journals of its workspaces, as session
/// files for `causeway replay`.
#[derive(Parser)]
#[command(name = "sim", version)]
pub struct Arguments {
    /// Range of seeds, end excluded [default: 0..1000; with --hours, seeds of today].
    #[arg(long, value_name = "A..B", value_parser = seeds)]
    pub seeds: Option<Range<u64>>,
    /// Run ascending seeds for this many hours, on both engines; fractions are allowed.
    #[arg(long, value_name = "N", value_parser = hours, conflicts_with_all = ["engine", "story"])]
    pub hours: Option<Duration>,
    /// Number of workspaces; the first one is the hub of the others.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3))]
    pub nodes: u64,
    /// Mattermost-like servers that are also connected to the hub [default: none; with --hours,
    /// each of these populations in turn].
    #[arg(long, value_enum)]
    pub foreign: Option<Foreign>,
    /// Connect a malicious peer to the hub, too.
    #[arg(long)]
    pub malicious: bool,
    /// What executes the steps.
    #[arg(long, value_enum, default_value_t = Engine::Native)]
    pub engine: Engine,
    /// Number of threads; 0 = one per core. Affects only the duration.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
    /// Tell the story of each seed, even if it succeeds; each seed is run once.
    #[arg(long)]
    pub story: bool,
    /// Print what the seeds covered: acts, inputs, topics, faults, and which faults coincided.
    #[arg(long)]
    pub coverage: bool,
    /// Run the plan in this file instead, as written after a failure, and tell its story.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seeds", "hours"])]
    pub plan: Option<PathBuf>,
    /// Folder for plans and session files of failures, and for the compiled component.
    #[arg(long, value_name = "FOLDER", default_value = "target/sim")]
    pub folder: PathBuf,
}

/// What executes the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// The kernel as plain Rust: the fastest.
    Native,
    /// The WebAssembly component that ships, in the service's own runtime.
    Component,
}

/// Mattermost-like servers, by release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Foreign {
    /// None.
    None,
    /// One of 2021.
    #[value(name = "2021")]
    Of2021,
    /// One of 11.6.
    #[value(name = "11.6")]
    Of11,
    /// One of each.
    Both,
}

impl Foreign {
    /// Their generations.
    pub fn generations(self) -> &'static [Generation] {
        match self {
            Foreign::None => &[],
            Foreign::Of2021 => &[Generation::Of2021],
            Foreign::Of11 => &[Generation::Of11],
            Foreign::Both => &[Generation::Of2021, Generation::Of11],
        }
    }
}

impl Arguments {
    /// Whether there is one workspace and nobody else.
    pub fn is_alone(&self) -> bool {
        let others = self
            .foreign
            .map_or(0, |foreign| foreign.generations().len());
        self.nodes == 1 && others == 0 && !self.malicious
    }

    /// The seeds to run; with [`Arguments::hours`], as many as the time allows.
    pub fn range(&self) -> Range<u64> {
        match (&self.seeds, self.hours) {
            (Some(seeds), _) => seeds.clone(),
            (None, None) => 0..1000,
            (None, Some(_)) => {
                let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
                let day = now.unwrap_or_default().as_secs() / DAY.as_secs();
                day * SEEDS_OF_A_DAY..(day + 1) * SEEDS_OF_A_DAY
            }
        }
    }
}

fn seeds(text: &str) -> Result<Range<u64>, String> {
    let (from, to) = text.split_once("..").ok_or("seeds are given as A..B")?;
    let number = |text: &str| {
        text.parse::<u64>()
            .map_err(|_| format!("`{text}` is not a number"))
    };
    let seeds = number(from)?..number(to)?;
    if seeds.is_empty() {
        return Err("there is no seed between them".into());
    }
    Ok(seeds)
}

fn hours(text: &str) -> Result<Duration, String> {
    let hours: f64 = text
        .parse()
        .map_err(|_| format!("`{text}` is not a number"))?;
    match Duration::try_from_secs_f64(hours * 3600.0) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err("it has to be more than 0".into()),
    }
}
