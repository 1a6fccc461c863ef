//! `causeway session status`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use causeway_engine::session::register;
use causeway_engine::session::stock::Stock;
use clap::Args;

use super::times;

#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The data directory.
    data: PathBuf,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(args: &StatusArgs) -> Result<ExitCode> {
    let stock =
        Stock::of(&args.data).with_context(|| format!("looking into {}", args.data.display()))?;
    let exports = register::read(&args.data)?.len();
    if args.json {
        println!("{}", serde_json::to_string_pretty(&stock)?);
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "journal    entries {} to {}, {} segments, {} MiB",
        stock.first_seq,
        stock.last_seq,
        stock.segments,
        stock.journal_bytes >> 20
    );
    println!(
        "recorded   from {} to {}",
        times::show(stock.first_ms),
        times::show(stock.last_ms)
    );
    println!(
        "snapshots  {}, {} MiB{}",
        stock.snapshots.len(),
        stock.snapshot_bytes >> 20,
        stock
            .snapshots
            .iter()
            .map(|seq| format!("; entry {seq}"))
            .collect::<String>()
    );
    println!(
        "replayable from entry {}{}",
        stock.replayable_from,
        if stock.replayable_from == 1 {
            ", the beginning"
        } else {
            ""
        }
    );
    println!("kernels    {}", stock.kernels);
    if let Some(hold) = &stock.hold {
        println!("held       nothing is dropped: {hold}");
    }
    println!("exports    {exports}");
    Ok(ExitCode::SUCCESS)
}
