//! How fast the simulator works: the `sim` command, on one thread.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::line::{Line, line};

/// Runs of the same seeds, of which the fastest counts: other work on the machine slows down some of them.
const RUNS: usize = 5;

/// Servers other than the two workspaces.
const POPULATIONS: [(&str, &str); 2] =
    [("none", "two Causeways"), ("both", "with two Mattermosts")];

/// Measures each population, and shows every line as soon as it is known.
pub fn run(seeds: u64, mut show: impl FnMut(&Line)) -> Result<()> {
    for (foreign, name) in POPULATIONS {
        let mut rates = Vec::with_capacity(RUNS);
        for _ in 0..RUNS {
            rates.push(rate(seeds, foreign)?);
        }
        let fastest = rates.into_iter().fold(0.0, f64::max);
        show(&line(
            format!("simulation, {name}, judged deliveries/s on one thread"),
            format!("{fastest:.0}"),
            "20,000",
        ));
    }
    Ok(())
}

/// Judged deliveries per second, as reported by the command.
fn rate(seeds: u64, foreign: &str) -> Result<f64> {
    let sim = std::env::current_exe()?.with_file_name("sim");
    let seeds = format!("0..{seeds}");
    let ran = Command::new(&sim)
        .args(["--threads", "1", "--seeds", &seeds, "--foreign", foreign])
        .output()
        .with_context(|| format!("{} cannot be run: make bench builds it", sim.display()))?;
    let said = String::from_utf8_lossy(&ran.stdout);
    ensure!(ran.status.success(), "the simulator failed:\n{said}");
    let words: Vec<&str> = said.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "judged");
    let rate = at.and_then(|at| words.get(at.checked_sub(1)?)?.parse().ok());
    rate.with_context(|| format!("the simulator did not say how fast it was:\n{said}"))
}
