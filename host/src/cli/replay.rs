//! `causeway replay`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use causeway_engine::policy::ComponentPolicies;
use causeway_engine::runtime::{
    ComponentOptions, ComponentSource, KernelSource, NativeSource, Sandbox, cache_dir,
};
use causeway_session::{KernelChoice, ReplayOptions, SessionFile, SessionReport, replay_session};
use clap::{Args, ValueEnum};

use super::data_dir;
use super::progress::Progress;
use super::session::memory::Memory;
use super::terminal;

#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// A session file, or a data directory.
    #[arg(value_name = "FILE or DIR")]
    source: PathBuf,
    #[command(flatten)]
    memory: Memory,
    /// How the steps are executed.
    #[arg(long, value_enum, default_value = "optimised")]
    engine: EngineChoice,
    /// Another build of the kernel: it executes every step as well, over the recorded rows, and every
    /// difference is reported, grouped by cause.
    #[arg(long, value_name = "WASM", conflicts_with = "engine")]
    kernel: Option<PathBuf>,
    /// Ask the policies loaded now instead of using the recorded verdicts.
    #[arg(long, value_enum, requires = "data")]
    policies: Option<Policies>,
    /// Data directory whose policies are asked.
    #[arg(long, value_name = "DIR", value_parser = data_dir::parse)]
    data: Option<PathBuf>,
    /// Replay only up to this entry; `causeway session state --at N` shows the rows at that point.
    #[arg(long, value_name = "N")]
    until: Option<u64>,
    /// Threads that share the steps [default: one per processor].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    threads: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum EngineChoice {
    /// The recorded kernel, as the service runs it.
    Optimised,
    /// The same component, compiled without optimisation.
    Unoptimised,
    /// The kernel as native Rust code in this program.
    Native,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Policies {
    /// Those loaded now.
    Live,
}

pub fn run(args: &ReplayArgs) -> Result<ExitCode> {
    if args.source.is_dir() {
        let is_plain = args.kernel.is_none() && args.policies.is_none() && args.until.is_none();
        if !is_plain {
            bail!(
                "--kernel, --policies and --until need a session file; create one with \
                 `causeway session export`"
            );
        }
        return of_data_dir(&args.source, args.engine);
    }
    session(args, &args.memory.open(&args.source)?)
}

/// Where compiled kernels are cached between replays.
fn sandbox(source: &Path, engine: EngineChoice) -> Result<Sandbox> {
    // The service's compiled kernel is reused if it exists.
    let cache = cache_dir(source);
    let cache = cache.is_dir().then_some(cache.as_path());
    Ok(match engine {
        EngineChoice::Unoptimised => Sandbox::unoptimised(cache)?,
        _ => Sandbox::new(cache)?,
    })
}

fn component(sandbox: Sandbox) -> Arc<dyn KernelSource> {
    let options = ComponentOptions::default();
    Arc::new(ComponentSource::embedded(sandbox, options))
}

fn of_data_dir(data: &Path, engine: EngineChoice) -> Result<ExitCode> {
    if engine == EngineChoice::Native {
        bail!("a data directory names its kernels; --engine native needs a session file");
    }
    let kernel = component(sandbox(data, engine)?);
    let scratch = tempfile::tempdir().context("creating a directory for the replay's tables")?;
    let mut progress = Progress::of(0);
    let mut steps = 0;
    let report = causeway_engine::replay(data, scratch.path(), kernel, |_| {
        steps += 1;
        progress.show(steps);
    });
    progress.end();
    let report = report.with_context(|| format!("replaying {}", data.display()))?;
    if let Some(difference) = &report.difference {
        terminal::line(difference);
        terminal::line(format_args!(
            "{} steps before it match the recording. The kernel, the journal or this machine is at fault: \
             keep the data directory as it is and report it.",
            report.steps
        ));
        return Ok(ExitCode::FAILURE);
    }
    let beginning = match report.from {
        0 => "from the first entry".to_string(),
        seq => format!("from the snapshot at entry {seq}"),
    };
    terminal::line(format_args!(
        "{} steps {beginning} to entry {} replayed in {:.1?}: every digest matches the \
         recording.",
        report.steps,
        report.end.seq,
        progress.took()
    ));
    if report.tables {
        terminal::line("The rows of the tables match the journal.");
    }
    terminal::line(format_args!("chain {}", report.end.digest));
    Ok(ExitCode::SUCCESS)
}

fn session(args: &ReplayArgs, file: &SessionFile) -> Result<ExitCode> {
    let options = options(args)?;
    let total = file.index().map_or(0, |index| index.summary.steps);
    let mut progress = Progress::of(total);
    progress.say("preparing the kernel; compiling it for the first time takes some seconds");
    let report = replay_session(file, &options, |done| progress.show(done));
    progress.end();
    let report = report.with_context(|| format!("replaying {}", args.source.display()))?;
    terminal::line(format_args!(
        "{} steps replayed in {:.1?}, {} steps/s.",
        report.steps,
        progress.took(),
        progress.per_second(report.steps)
    ));
    let code = conclude(args, &report);
    if let Some(until) = args.until {
        let file = args.source.display();
        terminal::line(format_args!(
            "`causeway session state {file} --at {until}` shows the rows at that point."
        ));
    }
    Ok(code)
}

fn options(args: &ReplayArgs) -> Result<ReplayOptions> {
    let sandbox = sandbox(args.data.as_deref().unwrap_or(Path::new("")), args.engine)?;
    let kernel = match (&args.kernel, args.engine) {
        (Some(path), _) => {
            let wasm =
                std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
            let options = ComponentOptions::default();
            KernelChoice::Candidate(Arc::new(ComponentSource::of(
                sandbox.clone(),
                wasm.into(),
                options,
            )))
        }
        (None, EngineChoice::Native) => KernelChoice::Candidate(Arc::new(NativeSource)),
        (None, _) => KernelChoice::Recorded(component(sandbox.clone())),
    };
    let policies = match (args.policies, &args.data) {
        (Some(Policies::Live), Some(data)) => {
            let policies = ComponentPolicies::open(sandbox, data)?;
            causeway_session::Policies::Live(Arc::new(move || Ok(policies.chain())))
        }
        _ => causeway_session::Policies::Recorded,
    };
    let plain = ReplayOptions::recorded(Arc::new(NativeSource));
    Ok(ReplayOptions {
        all: args.kernel.is_some() || args.policies.is_some(),
        kernel,
        policies,
        until: args.until,
        threads: args.threads.map_or(plain.threads, usize::from),
    })
}

fn conclude(args: &ReplayArgs, report: &SessionReport) -> ExitCode {
    for ((recorded, now), count) in &report.verdicts {
        terminal::line(format_args!(
            "verdicts: {count} × {now} instead of {recorded}"
        ));
    }
    if report.differences.is_empty() && report.verdicts.is_empty() {
        terminal::line("Every step matches the recording.");
        terminal::line(format_args!("chain {}", report.outcomes));
        if args.until.is_none() && !report.is_confirmed {
            terminal::line(
                "The end of the file does not confirm this: the file was truncated or changed.",
            );
            return ExitCode::FAILURE;
        }
        return ExitCode::SUCCESS;
    }
    for group in &report.differences {
        terminal::line("");
        if args.kernel.is_some() || args.policies.is_some() {
            terminal::line(format_args!("{} × {}", group.steps, group.cause));
            terminal::line("the first:");
        }
        terminal::lines(format_args!("{}", group.first));
    }
    if args.kernel.is_none() && args.policies.is_none() {
        terminal::lines(format_args!(
            "\n{} steps before it match the recording. The kernel, the file or this machine is at fault.",
            report.steps
        ));
    }
    ExitCode::FAILURE
}
