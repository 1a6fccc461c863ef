//! Runs every test that depends on real time repeatedly while other work keeps two cores busy.
//!
//! Tests that start services, sockets or threads see every order of events only on a busy machine, so
//! the suites of a run also run at the same time. Tests that are a function of their seeds are not
//! repeated. The competing work is done by threads of this process, so it ends with the process in any
//! case.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use serde_json::Value;

/// A test binary, and which of its tests depend on real time.
struct Suite {
    /// Name of the target.
    name: &'static str,
    /// Its kind, as cargo calls it.
    kind: &'static str,
    /// Parts of the tests' names; if empty, all tests.
    tests: &'static [&'static str],
}

const SUITES: [Suite; 5] = [
    Suite {
        name: "causeway",
        kind: "lib",
        tests: &["federation::", "api::", "http::", "hub::", "vault::"],
    },
    Suite {
        name: "engine",
        kind: "test",
        tests: &[
            "clocks::",
            "damage::",
            "durable::",
            "full_disk::",
            "retention::",
            "stops::",
        ],
    },
    Suite {
        name: "bad_input",
        kind: "test",
        tests: &[],
    },
    Suite {
        name: "captures",
        kind: "test",
        tests: &[],
    },
    Suite {
        name: "journeys",
        kind: "test",
        tests: &[],
    },
];

/// Arguments of the command line.
#[derive(Parser)]
struct Arguments {
    /// Number of runs of every test.
    #[arg(long, default_value_t = 30)]
    runs: usize,
    /// Number of cores that are kept busy meanwhile.
    #[arg(long, default_value_t = 2)]
    busy: usize,
    /// Folder for the output of failed runs.
    #[arg(long, default_value = "target/often")]
    kept: PathBuf,
}

/// A built test binary.
struct Built {
    suite: &'static Suite,
    executable: PathBuf,
    /// The working directory in which cargo would run it.
    folder: PathBuf,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let all = build()?;
    fs::create_dir_all(&arguments.kept)?;
    for _ in 0..arguments.busy {
        thread::spawn(|| {
            let mut number = 0_u64;
            loop {
                number = black_box(number.wrapping_add(1));
            }
        });
    }
    let mut failed = Vec::new();
    for run in 1..=arguments.runs {
        let begun = Instant::now();
        let mut told = Vec::new();
        for (built, output) in all.iter().zip(run_together(&all)?) {
            let name = built.suite.name;
            told.push(format!("{name} {}", summary(&output)?));
            if !output.status.success() {
                let kept = arguments.kept.join(format!("run-{run}-{name}.log"));
                keep(&kept, &output)?;
                failed.push(kept);
            }
        }
        let took = begun.elapsed().as_secs();
        println!(
            "run {run} of {}: {} ({took} s)",
            arguments.runs,
            told.join(", ")
        );
    }
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("\n{} test binaries FAILED; their output:", failed.len());
    for kept in failed {
        eprintln!("  {}", kept.display());
    }
    Ok(ExitCode::FAILURE)
}

/// Builds every test once, as `make test` does, and returns the binaries of the suites.
fn build() -> Result<Vec<Built>> {
    let output = Command::new("cargo")
        .args(["test", "--release", "--locked", "--no-run"])
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit())
        .output()
        .context("running cargo")?;
    ensure!(output.status.success(), "the tests do not build");
    let artifacts: Vec<Value> = String::from_utf8(output.stdout)?
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    SUITES.iter().map(|suite| suite.among(&artifacts)).collect()
}

impl Suite {
    /// The binary of this suite among those that cargo reports as built.
    fn among(&'static self, artifacts: &[Value]) -> Result<Built> {
        let is_ours = |artifact: &&Value| {
            let target = &artifact["target"];
            artifact["profile"]["test"] == true
                && target["name"] == self.name
                && target["kind"][0] == self.kind
        };
        let path = |value: &Value| value.as_str().map(PathBuf::from);
        let found = artifacts.iter().find(is_ours).and_then(|artifact| {
            let manifest = path(&artifact["manifest_path"])?;
            Some(Built {
                suite: self,
                executable: path(&artifact["executable"])?,
                folder: manifest.parent().map(Path::to_path_buf)?,
            })
        });
        found.with_context(|| format!("cargo built no tests `{}`", self.name))
    }
}

/// Runs all suites at the same time.
fn run_together(all: &[Built]) -> Result<Vec<Output>> {
    thread::scope(|scope| {
        let running: Vec<_> = all.iter().map(|it| scope.spawn(|| it.run())).collect();
        let ended = running.into_iter().map(|it| match it.join() {
            Ok(output) => output,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        ended.collect()
    })
}

impl Built {
    fn run(&self) -> Result<Output> {
        Command::new(&self.executable)
            .args(self.suite.tests)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("running {}", self.executable.display()))
    }
}

/// How many tests passed and failed. It is an error if none ran, as that would look like success.
fn summary(output: &Output) -> Result<String> {
    let text = String::from_utf8_lossy(&output.stdout);
    let Some(line) = text.lines().find_map(|it| it.strip_prefix("test result: ")) else {
        return Ok(format!("ended with {}", output.status));
    };
    let count = |what: &str| {
        let words: Vec<&str> = line.split([' ', ';']).collect();
        let at = words.iter().position(|word| *word == what);
        at.and_then(|at| words.get(at.checked_sub(1)?)?.parse::<u64>().ok())
    };
    match (count("passed"), count("failed")) {
        (Some(0), Some(0)) => bail!("no test ran: {line}"),
        (Some(passed), Some(0)) => Ok(format!("{passed} ok")),
        (_, Some(failed)) => Ok(format!("{failed} FAILED")),
        _ => Ok(line.to_string()),
    }
}

/// Keeps and shows the output of a failed binary.
fn keep(path: &Path, output: &Output) -> Result<()> {
    let mut text = output.stdout.clone();
    text.extend_from_slice(&output.stderr);
    fs::write(path, &text)?;
    let text = String::from_utf8_lossy(&text);
    let from = text.find("\nfailures:").unwrap_or_default();
    eprintln!("{}", text.get(from..).unwrap_or_default());
    Ok(())
}
