//! `causeway session status`.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::export_log;
use anyhow::{Context, Result};
use causeway_engine::RecordingStatus;
use clap::Args;

use super::times;
use crate::cli::{data_dir, terminal};

#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The data directory.
    #[arg(value_name = "DIR", value_parser = data_dir::parse)]
    data: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(args: &StatusArgs) -> Result<ExitCode> {
    let status = RecordingStatus::of(&args.data)
        .with_context(|| format!("reading {}", args.data.display()))?;
    let exports = export_log::read(&args.data)?.len();
    if args.json {
        terminal::pretty_json(&status)?;
        return Ok(ExitCode::SUCCESS);
    }
    terminal::line(format_args!(
        "journal    entries {} to {}, {} segments, {} MiB",
        status.first_seq,
        status.last_seq,
        status.segments,
        status.journal_bytes >> 20
    ));
    terminal::line(format_args!(
        "recorded   from {} to {}",
        times::show(status.first_ms),
        times::show(status.last_ms)
    ));
    terminal::line(format_args!(
        "snapshots  {}, {} MiB{}",
        status.snapshots.len(),
        status.snapshot_bytes >> 20,
        status
            .snapshots
            .iter()
            .map(|seq| format!("; entry {seq}"))
            .collect::<String>()
    ));
    terminal::line(format_args!(
        "replayable from entry {}{}",
        status.replayable_from,
        if status.replayable_from == 1 {
            ", the beginning"
        } else {
            ""
        }
    ));
    terminal::line(format_args!("kernels    {}", status.kernels));
    if let Some(hold) = &status.hold {
        terminal::line(format_args!("held       nothing is dropped: {hold}"));
    }
    terminal::line(format_args!("exports    {exports}"));
    Ok(ExitCode::SUCCESS)
}
