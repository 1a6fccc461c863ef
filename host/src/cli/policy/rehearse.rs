//! `causeway policy try`: what a policy would have decided about recorded questions, before it is loaded.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use causeway_engine::policy::ComponentPolicies;
use causeway_engine::runtime::{ComponentOptions, ComponentSource, Sandbox, cache_dir};
use causeway_kernel::boundary::policy::Gate;
use causeway_session::{ChainSource, GateRehearsal, Policies, ReplayOptions, SessionReport};
use clap::Args;
use jiff::Timestamp;
use serde_json::json;
use tempfile::TempDir;

use super::Candidate;
use crate::cli::progress::Progress;
use crate::cli::session::memory::Memory;
use crate::cli::session::source::Source;
use crate::cli::session::times;
use crate::cli::{data_dir, terminal};

#[derive(Debug, Args)]
pub struct TryArgs {
    #[command(flatten)]
    candidate: Candidate,
    /// The recording in this data directory; the policy is asked in the chain that is loaded there, in the place of
    /// the slot with its name, or as the last one.
    #[arg(long, value_name = "DIR", value_parser = data_dir::parse, required_unless_present = "session")]
    journal: Option<PathBuf>,
    /// A session file instead, exported with --plain; the policy is asked alone.
    #[arg(long, value_name = "FILE", conflicts_with = "journal")]
    session: Option<PathBuf>,
    /// Only what was asked since this time: RFC 3339, ms since 1970, or a span before now such as 24h.
    #[arg(long, value_name = "TIME", value_parser = times::parse, requires = "journal")]
    since: Option<i64>,
    #[command(flatten)]
    memory: Memory,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Rehearses a policy. The exit code is 0 whether or not it would have changed anything.
pub fn run(args: &TryArgs) -> Result<ExitCode> {
    let Some(path) = args.session.as_ref().or(args.journal.as_ref()) else {
        bail!("give --journal DIR or --session FILE");
    };
    let cache = args.journal.as_deref().map(cache_dir);
    let sandbox = Sandbox::new(cache.as_deref().filter(|it| it.is_dir()))?;
    let empty = TempDir::new().context("creating a directory for the policy")?;
    let folder = args.journal.as_deref().unwrap_or(empty.path());
    let policies = ComponentPolicies::open(sandbox.clone(), folder)?;
    let policy = args.candidate.read()?;
    let chains = policies.rehearsal(
        &policy.name,
        &policy.component,
        &policy.settings,
        policy.on_failure,
    )?;
    let gates = chains.open().gates();
    let session = Source::open(path, args.memory, (args.since, None))?;
    if session.file().header().is_masked {
        bail!(
            "the texts of {} are masked, so a policy would judge stand-ins; export it with --plain",
            path.display()
        );
    }
    let report = rehearse(&session, sandbox, Arc::new(move || Ok(chains.open())))?;
    let silent = Gate::ALL
        .into_iter()
        .filter(|gate| gates.contains(*gate))
        .map(Gate::interface)
        .filter(|gate| !report.rehearsal.gates.contains_key(gate))
        .collect();
    if args.json {
        print_json(&report, silent)?;
    } else {
        print(&report, &silent);
    }
    Ok(ExitCode::SUCCESS)
}

fn rehearse(session: &Source, sandbox: Sandbox, chains: ChainSource) -> Result<SessionReport> {
    let file = session.file();
    let kernel = ComponentSource::embedded(sandbox, ComponentOptions::default());
    let options = ReplayOptions {
        policies: Policies::Rehearse(chains),
        all: true,
        ..ReplayOptions::recorded(Arc::new(kernel))
    };
    let mut progress = Progress::of(file.index().map_or(0, |index| index.summary.steps));
    progress.say("preparing the kernel; compiling it for the first time takes some seconds");
    let report = causeway_session::replay_session(file, &options, |done| progress.show(done));
    progress.end();
    report.context("replaying the recording")
}

fn print_json(report: &SessionReport, silent: Vec<&str>) -> Result<()> {
    let found = json!({
        "steps": report.steps,
        "gates": report.rehearsal.gates,
        "gates_not_asked": silent,
        "steps_that_differ": report.differences.iter().map(|it| it.steps).sum::<u64>(),
    });
    Ok(terminal::pretty_json(&found)?)
}

fn print(report: &SessionReport, silent: &[&str]) {
    terminal::line(format_args!("{} steps", report.steps));
    for (name, gate) in &report.rehearsal.gates {
        print_gate(name, gate);
    }
    for gate in silent {
        terminal::line(format_args!(
            "{gate}: no questions are recorded; it is asked only while a loaded policy decides there"
        ));
    }
    let differing: u64 = report.differences.iter().map(|it| it.steps).sum();
    if differing > 0 {
        terminal::line(format_args!(
            "{differing} steps do not match the recording, so some questions may differ from the real ones; \
             `causeway replay` says more"
        ));
    }
}

fn print_gate(name: &str, gate: &GateRehearsal) {
    let changed: u64 = gate.changes.values().map(|it| it.questions).sum();
    terminal::line(format_args!(
        "{name}: {} questions, {changed} would be decided differently",
        gate.questions
    ));
    for (change, changed) in &gate.changes {
        terminal::line(format_args!(
            "  {} × {} instead of {}",
            changed.questions, change.now, change.recorded
        ));
        for example in &changed.examples {
            let at = Timestamp::from_millisecond(example.at_ms);
            let at = at.map_or_else(|_| String::new(), |at| format!("{at:.0} "));
            terminal::line(format_args!(
                "      entry {} {at}{}",
                example.seq, example.about
            ));
        }
    }
}
