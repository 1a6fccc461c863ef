//! `causeway post`.

use std::process::ExitCode;

use anyhow::{Context, Result};
use axum::http::Method;
use causeway_kernel::rows::id::Id;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::connection::channel_id;
use super::remote::{Remote, RemoteArgs, in_session, text};
use super::terminal;
use crate::commands::delivery;

#[derive(Debug, Args)]
pub struct PostArgs {
    #[command(flatten)]
    pub(super) remote: RemoteArgs,
    #[command(subcommand)]
    command: PostCommand,
}

#[derive(Debug, Subcommand)]
enum PostCommand {
    /// Show how a post stands at every workspace that its channel is shared with.
    ///
    /// Says for each whether it has the latest version, and otherwise what is missing and why.
    Delivery {
        /// ID of the post: the last part of its link.
        id: String,
        /// Print JSON, as the API returns it.
        #[arg(long)]
        json: bool,
    },
    /// List your posts of a channel that are not yet everywhere, the newest first.
    Undelivered {
        /// The channel: its ID, or `team/channel` by their names in URLs.
        channel: String,
        /// Print JSON, as the API returns it.
        #[arg(long)]
        json: bool,
    },
}

pub async fn run(args: PostArgs) -> Result<ExitCode> {
    in_session(&args.remote, async |remote| match args.command {
        PostCommand::Delivery { id, json } => of_post(remote, &id, json).await,
        PostCommand::Undelivered { channel, json } => undelivered(remote, &channel, json).await,
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}

async fn of_post(remote: &Remote, id: &str, as_json: bool) -> Result<()> {
    let id = Id::parse(id).with_context(|| {
        format!("{id:?} is not the ID of a post; it is the last part of the post's link")
    })?;
    let path = format!("/posts/{id}/causeway/delivery");
    let shown = remote.call(Method::GET, &path, None).await?;
    if as_json {
        return Ok(terminal::pretty_json(&shown)?);
    }
    let lines = lines(&shown, "");
    if lines.is_empty() {
        terminal::line(delivery::NOT_SHARED);
    }
    lines.iter().for_each(terminal::line);
    Ok(())
}

async fn undelivered(remote: &Remote, channel: &str, as_json: bool) -> Result<()> {
    let path = format!(
        "/channels/{}/causeway/undelivered",
        channel_id(remote, channel).await?
    );
    let shown = remote.call(Method::GET, &path, None).await?;
    if as_json {
        return Ok(terminal::pretty_json(&shown)?);
    }
    print_list(&shown);
    Ok(())
}

fn print_list(shown: &Value) {
    let posts = shown["posts"].as_array().map_or(&[][..], Vec::as_slice);
    for post in posts {
        let start = format!("{}  ", text(post, "post_id"));
        lines(post, &start).iter().for_each(terminal::line);
    }
    if shown["has_more"] == true {
        terminal::line(delivery::MORE);
    } else if posts.is_empty() {
        terminal::line(delivery::ALL_DELIVERED);
    }
}

/// A line for each workspace of a post.
fn lines(post: &Value, start: &str) -> Vec<String> {
    let of = |workspace: &Value| {
        let name = delivery::name(workspace);
        format!("{start}{name}: {}", delivery::state(workspace))
    };
    delivery::workspaces(post).iter().map(of).collect()
}
