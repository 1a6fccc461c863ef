//! `causeway session export`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use causeway_engine::Owner;
use causeway_session::Exported;
use causeway_session::file::format::Selection;
use clap::Args;

use super::times;
use crate::cli::data_dir;
use crate::cli::progress::Progress;
use crate::cli::terminal;
use crate::export::ExportRequest;

#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The data directory.
    #[arg(value_name = "DIR", value_parser = data_dir::parse)]
    data: PathBuf,
    /// The file to create.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Start at this time: RFC 3339, ms since 1970, or a span before now such as 2h.
    #[arg(long, value_name = "TIME", value_parser = times::parse)]
    from: Option<i64>,
    /// End before this time.
    #[arg(long, value_name = "TIME", value_parser = times::parse)]
    to: Option<i64>,
    /// Only what concerns the connection with this remote_id.
    #[arg(long, value_name = "ID")]
    connection: Option<String>,
    /// Only what concerns the channel with this id.
    #[arg(long, value_name = "ID")]
    channel: Option<String>,
    /// Leave texts, names and addresses unmasked.
    #[arg(long)]
    plain: bool,
    /// Reason, for the register.
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// Overwrite an existing file.
    #[arg(long)]
    force: bool,
}

pub fn run(args: &ExportArgs) -> Result<ExitCode> {
    if args.output.exists() && !args.force {
        bail!(
            "{} exists; use --force to overwrite it",
            args.output.display()
        );
    }
    // Finds out before hours of work whether the register can be written.
    let owner = Owner::of(&args.data)?;
    let folder = args.output.parent().filter(|it| !it.as_os_str().is_empty());
    // For the exporting user only, as it contains what people wrote; deleted if the export fails.
    let half = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))
        .with_context(|| format!("creating {}", args.output.display()))?;
    if is_within(half.path(), &args.data) {
        owner.give(half.as_file())?;
    }
    let request = request(args);
    let mut progress = Progress::of(0);
    let mut steps = 0;
    let exported = request.write(&args.data, half.as_file(), || {
        steps += 1;
        progress.show(steps);
    });
    progress.end();
    let exported = exported?;
    request.note(&args.data, &exported)?;
    half.persist(&args.output)
        .with_context(|| format!("creating {}", args.output.display()))?;
    tell(args, &exported, steps, progress.took());
    Ok(ExitCode::SUCCESS)
}

fn is_within(file: &Path, folder: &Path) -> bool {
    match (file.canonicalize(), folder.canonicalize()) {
        (Ok(file), Ok(folder)) => file.starts_with(folder),
        _ => false,
    }
}

fn request(args: &ExportArgs) -> ExportRequest {
    let file = std::path::absolute(&args.output).unwrap_or_else(|_| args.output.clone());
    ExportRequest {
        selection: Selection {
            from_ms: args.from,
            to_ms: args.to,
            connection: args.connection.clone(),
            channel: args.channel.clone(),
        },
        is_plain: args.plain,
        who: who(),
        reason: args.reason.clone(),
        file: file.display().to_string(),
        at_ms: times::now_ms(),
    }
}

/// The person who runs the command, as far as the operating system knows.
fn who() -> String {
    let name = |variable: &str| std::env::var(variable).ok().filter(|it| !it.is_empty());
    let user = name("USER").or_else(|| name("LOGNAME"));
    let user = user.unwrap_or_else(|| "unknown".into());
    match name("SUDO_USER") {
        Some(person) => format!("{person} (as {user})"),
        None => user,
    }
}

fn tell(args: &ExportArgs, exported: &Exported, steps: u64, took: Duration) {
    let summary = &exported.summary;
    let bytes = fs::metadata(&args.output).map_or(0, |file| file.len());
    terminal::line(format_args!(
        "{}: {} steps, entries {} to {}, {} KiB; {steps} entries were processed in {took:.1?}.",
        args.output.display(),
        summary.steps,
        summary.first_seq,
        summary.last_seq,
        bytes >> 10
    ));
    terminal::line(format_args!(
        "It contains data of {} users, {} channels and {} connections{}.",
        summary.users,
        summary.channels,
        summary.connections,
        if args.plain { ", readable" } else { ", masked" }
    ));
    if summary.deviations > 0 {
        terminal::line(format_args!(
            "{} masked steps decide differently from the real ones; `causeway session show --deviations` \
             lists them.",
            summary.deviations
        ));
    }
    terminal::line(format_args!("chain {}", exported.outcomes));
}
