//! `causeway replay`.

use std::io::{IsTerminal, Write, stderr};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use causeway_engine::runtime::{ComponentOptions, ComponentSource, Sandbox, cache_dir};

/// Pause between two lines of progress.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(500);

pub fn run(data: &Path) -> Result<ExitCode> {
    // The compiled kernel of the service is used again when it is there.
    let cache = cache_dir(data);
    let sandbox = Sandbox::new(cache.is_dir().then_some(cache.as_path()))?;
    let kernel = ComponentSource::embedded(sandbox, ComponentOptions::default());
    let scratch = tempfile::tempdir().context("making a folder for the replay's tables")?;
    let begun = Instant::now();
    let mut progress = Progress::new(begun);
    let report = causeway_engine::replay(data, scratch.path(), Arc::new(kernel), |seq| {
        progress.show(seq);
    });
    progress.end();
    let report = report.with_context(|| format!("replaying {}", data.display()))?;
    if let Some(difference) = &report.difference {
        println!("{difference}");
        println!(
            "{} steps before it are as recorded. The kernel, the journal or this machine is at fault: \
             keep the data directory as it is and report it.",
            report.steps
        );
        return Ok(ExitCode::FAILURE);
    }
    let took = begun.elapsed();
    let steps = report.steps;
    let beginning = match report.from {
        0 => "from the first entry".to_string(),
        seq => format!("from the snapshot at entry {seq}"),
    };
    println!(
        "{steps} steps {beginning} to entry {} carried out again in {took:.1?}: every digest is as \
         recorded.",
        report.end.seq
    );
    println!("chain {}", report.end.digest);
    Ok(ExitCode::SUCCESS)
}

/// A line on a terminal that counts.
struct Progress {
    begun: Instant,
    shown: Instant,
    steps: u64,
    is_terminal: bool,
}

impl Progress {
    fn new(begun: Instant) -> Progress {
        Progress {
            begun,
            shown: begun,
            steps: 0,
            is_terminal: stderr().is_terminal(),
        }
    }

    fn show(&mut self, seq: u64) {
        self.steps += 1;
        if !self.is_terminal || self.shown.elapsed() < PROGRESS_INTERVAL {
            return;
        }
        self.shown = Instant::now();
        let per_second = u128::from(self.steps) * 1000 / self.begun.elapsed().as_millis().max(1);
        eprint!("\rentry {seq}, {per_second} steps/s ");
        // Progress that cannot be shown is no reason to stop.
        let _ = stderr().flush();
    }

    fn end(&self) {
        if self.is_terminal {
            eprint!("\r\x1b[K");
        }
    }
}
