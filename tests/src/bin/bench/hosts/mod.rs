//! Two real services on this machine: durable on both sides, over real HTTP.

pub mod backlog;
mod disk;
mod latency;
mod memory;
mod replay;
mod start;

use std::path::Path;

use anyhow::Result;
use causeway_tests::process::{Workspace, free_port};
use causeway_tests::scene::{self, Side};

pub use start::mebibytes;

use crate::line::{Line, line};
use crate::spread::ms;

/// What to measure.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Posts of the backlog between two services.
    #[arg(long, default_value_t = 20_000)]
    backlog: usize,
    /// Posts of the workspace whose start and memory are measured.
    #[arg(long, default_value_t = 100_000)]
    history: usize,
    /// Posts that clients write to the service whose memory is measured.
    #[arg(long, default_value_t = 25_000)]
    written: usize,
}

/// Measures, and shows every line as soon as it is known.
pub async fn run(options: &Options, mut show: impl FnMut(&Line)) -> Result<()> {
    let folder = tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in("target")?;
    let spike = crate::spike::run(folder.path(), 2_000).await?;
    show(&line(
        "engine alone, frames of 50, one in flight, items/s",
        format!("{spike:.0}"),
        "20,000",
    ));
    let sync = disk::sync_times(folder.path())?;
    show(&line(
        "sync of 30 KB to this disk, p50 / p99",
        format!("{} / {}", ms(sync.p50), ms(sync.p99)),
        "",
    ));
    let (acme, globex) = two(folder.path()).await?;
    let pair = Pair::connect(&acme, &globex).await?;
    for found in latency::run(&pair, sync.p50).await? {
        show(&found);
    }
    let (found, backlog) = backlog::run(&pair, globex, options.backlog).await?;
    found.iter().for_each(&mut show);
    acme.stop().await?;
    for (side, name) in [("receiving", "globex"), ("sending", "acme")] {
        let found = replay::run(side, &folder.path().join(name), &backlog)?;
        found.iter().for_each(&mut show);
    }
    for found in memory::run(folder.path(), options.written).await? {
        show(&found);
    }
    for found in start::run(folder.path(), options.history).await? {
        show(&found);
    }
    Ok(())
}

/// Two connected services that share a channel.
pub struct Pair {
    /// The service that shares it.
    pub acme: Side,
    /// The other one.
    pub globex: Side,
    /// The channel.
    pub channel: String,
}

async fn two(folder: &Path) -> Result<(Workspace, Workspace)> {
    two_with(folder, &[]).await
}

/// Starts two services with additional environment variables.
pub async fn two_with(folder: &Path, settings: &[(&str, &str)]) -> Result<(Workspace, Workspace)> {
    let start = async |name: &str| {
        Workspace::start_with(name, &folder.join(name), free_port()?, settings).await
    };
    Ok((start("acme").await?, start("globex").await?))
}

impl Pair {
    /// Connects them, and shares a channel.
    pub async fn connect(acme: &Workspace, globex: &Workspace) -> Result<Pair> {
        let acme = Side::prepare("acme", &acme.site_url(), "acme").await?;
        let globex = Side::prepare("globex", &globex.site_url(), "globex").await?;
        let connection = scene::connect(&acme, &globex).await?;
        let channel = acme.channel("falcon", &[]).await?;
        scene::share(&acme, &globex, &channel, &connection).await?;
        Ok(Pair {
            acme,
            globex,
            channel,
        })
    }
}
