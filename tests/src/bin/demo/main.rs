//! `make run`: two workspaces on this machine that share a channel.
//!
//! Everything goes through the interfaces of administrators and users: the REST API, slash commands and
//! the service's command line. Each run continues with the data of earlier ones in `run/`. The exit
//! code is 0 only if both sides show the same in the end.

mod acquaintance;
mod conversation;
mod filter;
mod timeline;
mod town;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use causeway_tests::command::replay;
use causeway_tests::scene::{self, PASSWORD};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use conversation::Conversation;
use filter::Filter;
use town::Town;

/// Two workspaces on this machine that share a channel.
#[derive(Parser)]
struct Arguments {
    /// Folder of the data, which is kept.
    #[arg(default_value = "run")]
    folder: PathBuf,
    /// Port of acme on 127.0.0.1.
    #[arg(long, default_value_t = 8065)]
    acme_port: u16,
    /// Port of globex on 127.0.0.1.
    #[arg(long, default_value_t = 8066)]
    globex_port: u16,
    /// When to exit; without it, on Ctrl-C.
    #[arg(long, env = "DEMO")]
    ending: Option<Ending>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Ending {
    /// After the timeline.
    Once,
}

fn say(line: &str) {
    println!("  {line}");
}

fn chapter(title: &str) {
    println!("\n{title}");
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let mut ending = std::pin::pin!(told_to_end()?);
    // On interruption the workspaces are dropped and end at once; what they acknowledged is durable.
    let (town, same) = tokio::select! {
        told = tell(arguments) => told?,
        () = &mut ending => return Ok(ExitCode::FAILURE),
    };
    if same && arguments.ending != Some(Ending::Once) {
        invite_to_look(&town);
        ending.await;
        println!();
    }
    town.close().await?;
    Ok(if same {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Ctrl-C, the end of the terminal, or SIGTERM.
fn told_to_end() -> Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    })
}

/// The whole story; returns the workspaces, and whether both show the same in the end.
async fn tell(arguments: &Arguments) -> Result<(Town, bool)> {
    chapter("Two workspaces, each a process of its own");
    let ports = (arguments.acme_port, arguments.globex_port);
    let mut town = Town::open(&arguments.folder, ports).await?;
    chapter("Two administrators, and an invitation code sent from one to the other");
    let channel = town.harbour().await?;

    chapter("Ann and Ben at acme, Ben and Carla at globex");
    let filter = Filter::load(&town).await?;
    Conversation::open(&town, &channel)
        .await?
        .hold(&filter)
        .await?;

    acquaintance::profile_picture(&town).await?;
    acquaintance::direct_message(&town).await?;

    chapter("An outage");
    town.globex.workspace.crash()?;
    let call = scene::post(&town.acme.local, &channel, "", "Globex, can you hear us?").await?;
    town.globex.workspace.start_again().await?;
    scene::wait_for("what was written meanwhile", async || {
        Ok(town
            .globex
            .local
            .get(&format!("/posts/{call}"))
            .await
            .is_ok())
    })
    .await?;
    say("the process of globex is killed; what ann writes meanwhile arrives once it is back");

    chapter("Both journals, replayed in fresh stores");
    for workspace in [&town.acme.workspace, &town.globex.workspace] {
        say(&format!("causeway replay {}", workspace.data.display()));
        for line in replay(&workspace.data).await?.lines() {
            say(&format!("        {line}"));
        }
    }

    let same = scene::converged(&town.acme.local, &town.globex.local, &channel).await;
    chapter("What each side shows");
    timeline::print(&town, &channel).await?;
    match &same {
        Ok(_) => println!("\nBoth sides show the same."),
        Err(error) => eprintln!("\ndemo: the two sides do not show the same: {error:#}"),
    }
    Ok((town, same.is_ok()))
}

fn invite_to_look(town: &Town) {
    chapter("Both stay up, for whatever speaks Mattermost's API");
    for (side, people) in [
        (&town.acme, "admin, ann, ben"),
        (&town.globex, "admin, ben, carla"),
    ] {
        let (name, url) = (&side.workspace.name, side.workspace.site_url());
        say(&format!("{name:<7} {url}  {people}  password {PASSWORD}"));
    }
    say("Ctrl-C stops both; their data is kept, and the next `make run` continues with it.");
}
