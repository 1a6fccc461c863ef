//! `causeway session exports`.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::export_log;
use anyhow::Result;
use clap::Args;

use super::times;
use crate::cli::data_dir;

#[derive(Debug, Args)]
pub struct ExportsArgs {
    /// The data directory.
    #[arg(value_name = "DIR", value_parser = data_dir::parse)]
    data: PathBuf,
    /// As lines of JSON, with the ids of those whose data was exported.
    #[arg(long)]
    json: bool,
}

pub fn run(args: &ExportsArgs) -> Result<ExitCode> {
    let entries = export_log::read(&args.data)?;
    if args.json {
        for entry in &entries {
            println!("{}", serde_json::to_string(entry)?);
        }
        return Ok(ExitCode::SUCCESS);
    }
    if entries.is_empty() {
        println!("Nothing was exported.");
    }
    for entry in &entries {
        println!(
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
        );
        println!("  {}", entry.file);
        if !entry.reason.is_empty() {
            println!("  reason: {}", entry.reason);
        }
    }
    Ok(ExitCode::SUCCESS)
}
