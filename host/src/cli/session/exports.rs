//! `causeway session exports`.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::export_log;
use anyhow::Result;
use clap::Args;

use super::times;
use crate::cli::{data_dir, terminal};

#[derive(Debug, Args)]
pub struct ExportsArgs {
    /// The data directory.
    #[arg(value_name = "DIR", value_parser = data_dir::parse)]
    data: PathBuf,
    /// Print lines of JSON, with the ids of those whose data was exported.
    #[arg(long)]
    json: bool,
}

pub fn run(args: &ExportsArgs) -> Result<ExitCode> {
    let entries = export_log::read(&args.data)?;
    if args.json {
        for entry in &entries {
            terminal::json(&serde_json::to_value(entry)?);
        }
        return Ok(ExitCode::SUCCESS);
    }
    if entries.is_empty() {
        terminal::line("Nothing has been exported.");
    }
    for entry in &entries {
        terminal::line(format_args!(
            "{}  {}  {}  entries {} to {}, {} users, {} channels, {} connections",
            times::show(entry.at_ms),
            entry.who,
            if entry.is_masked {
                "masked"
            } else {
                "READABLE"
            },
            entry.first_seq,
            entry.last_seq,
            entry.user_count,
            entry.channels.len(),
            entry.connections.len()
        ));
        terminal::line(format_args!("  {}", entry.file));
        if !entry.reason.is_empty() {
            terminal::line(format_args!("  reason: {}", entry.reason));
        }
    }
    Ok(ExitCode::SUCCESS)
}
