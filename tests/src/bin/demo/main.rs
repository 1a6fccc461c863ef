//! `make run`: two workspaces on this machine that share a channel.
//!
//! Everything goes through what an administrator and users have: the REST API, slash commands and
//! the service's command line. Each run finds what earlier ones left below `run/` and goes on from
//! there. Ends with 0 only if both sides show the same in the end.

mod conversation;
mod filter;
mod timeline;
mod town;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use causeway_tests::command::replay;
use causeway_tests::scene::{self, PASSWORD};
use tokio::signal::unix::{SignalKind, signal};

use conversation::Conversation;
use filter::Filter;
use town::Town;

fn say(line: &str) {
    println!("  {line}");
}

fn chapter(title: &str) {
    println!("\n{title}");
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<ExitCode> {
    let once = std::env::var("DEMO").is_ok_and(|value| value == "once");
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "run".to_string()));

    chapter("Two workspaces, each a process of its own");
    let town = Town::open(&folder).await?;
    chapter("An administrator here, an administrator there, and a code that goes between them");
    let channel = town.harbour().await?;

    chapter("Ann and Ben at acme, Ben and Carla at globex");
    let filter = Filter::load(&town).await?;
    Conversation::open(&town, &channel)
        .await?
        .hold(&filter)
        .await?;

    chapter("Both journals, carried out again in fresh stores");
    for workspace in [&town.acme.workspace, &town.globex.workspace] {
        say(&format!("causeway replay {}", workspace.data.display()));
        for line in replay(&workspace.data).await?.lines() {
            say(&format!("        {line}"));
        }
    }

    let same = scene::converged(&town.acme.local, &town.globex.local, &channel).await;
    chapter("What each side shows");
    timeline::print(&town, &channel).await?;
    if let Err(error) = same {
        eprintln!("\ndemo: the two sides do not show the same: {error:#}");
        town.close().await?;
        return Ok(ExitCode::FAILURE);
    }
    println!("\nBoth sides show the same.");
    if !once {
        stay_up(&town).await?;
    }
    town.close().await?;
    Ok(ExitCode::SUCCESS)
}

async fn stay_up(town: &Town) -> Result<()> {
    chapter("Both stay up, for whatever speaks Mattermost's API");
    for (side, people) in [
        (&town.acme, "admin, ann, ben"),
        (&town.globex, "admin, ben, carla"),
    ] {
        let (name, url) = (&side.workspace.name, side.workspace.site_url());
        say(&format!("{name:<7} {url}  {people}  password {PASSWORD}"));
    }
    say("Ctrl-C closes both; their data stays, and `make run` goes on with it.");
    let (mut terminate, mut hangup) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::hangup())?,
    );
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    println!();
    Ok(())
}
