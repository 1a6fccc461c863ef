//! `causeway session hold` and `causeway session release`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use causeway_engine::hold::Hold;
use clap::Args;

use super::times;
use crate::cli::{data_dir, terminal};

#[derive(Debug, Args)]
pub struct HoldArgs {
    /// The data directory.
    #[arg(value_name = "DIR", value_parser = data_dir::parse)]
    data: PathBuf,
    /// Reason, for anyone who wonders about the disk usage.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// For how long, e.g. `14days`; if omitted, until it is released.
    #[arg(long = "for", value_name = "SPAN", value_parser = times::span)]
    span: Option<Duration>,
}

#[derive(Debug, Args)]
pub struct ReleaseArgs {
    /// The data directory.
    #[arg(value_name = "DIR", value_parser = data_dir::parse)]
    data: PathBuf,
}

pub fn hold(args: &HoldArgs) -> Result<ExitCode> {
    let until = |span: Duration| {
        let ms = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        times::now_ms().saturating_add(ms)
    };
    let hold = Hold {
        reason: args.reason.clone(),
        until_ms: args.span.map(until),
        bytes_max: None,
    };
    hold.set(&args.data)?;
    match Hold::read(&args.data)?.and_then(|hold| hold.until_ms) {
        Some(until_ms) => terminal::line(format_args!(
            "Nothing is dropped until {}.",
            times::show(until_ms)
        )),
        None => terminal::line("Nothing is dropped until `causeway session release`."),
    }
    Ok(ExitCode::SUCCESS)
}

pub fn release(args: &ReleaseArgs) -> Result<ExitCode> {
    if Hold::release(&args.data)? {
        terminal::line("Old entries may be dropped again.");
    } else {
        terminal::line("There was no hold.");
    }
    Ok(ExitCode::SUCCESS)
}
