//! What policies cost: a question, the gates of a backlog, swaps under load, memory.

mod backlog;
mod install;
mod memory;
mod pauses;
mod questions;
mod swaps;

use anyhow::Result;

use crate::hosts::{Pair, two_with};
use crate::line::Line;

/// What to measure.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Posts of each backlog that crosses with or without gates.
    #[arg(long, default_value_t = 10_000)]
    gated: usize,
    /// Swaps between two components after which memory is compared.
    #[arg(long, default_value_t = 12_000)]
    swaps: usize,
}

/// Measures, and shows every line as soon as it is known.
pub async fn run(options: &Options, mut show: impl FnMut(&Line)) -> Result<()> {
    let folder = tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in("target")?;
    for found in questions::run(folder.path())? {
        show(&found);
    }
    for found in memory::run(folder.path(), options.swaps)? {
        show(&found);
    }
    let (acme, globex) = two_with(folder.path(), &[]).await?;
    let pair = Pair::connect(&acme, &globex).await?;
    let (found, globex) = backlog::run(&pair, globex, options.gated).await?;
    show(&found);
    for found in swaps::run(&pair, acme, globex, 2 * options.gated).await? {
        show(&found);
    }
    Ok(())
}
