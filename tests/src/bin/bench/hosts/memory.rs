//! How much memory a service takes while people work with it, from its very first start on: the
//! kernel is compiled, passwords are derived, posts are written by several clients at once.

use std::path::Path;

use anyhow::Result;
use causeway_tests::process::{Workspace, free_port};
use causeway_tests::scene::{self, Side};

use super::start::mebibytes;
use crate::line::{Line, line};

/// Clients that write at the same time.
const CLIENTS: usize = 8;

pub async fn run(folder: &Path, posts: usize) -> Result<Line> {
    let workspace = Workspace::start("memory", &folder.join("memory"), free_port()?).await?;
    let side = Side::prepare("memory", &workspace.site_url(), "memory").await?;
    let mut writing = tokio::task::JoinSet::new();
    for client in 0..CLIENTS {
        let side = side.clone();
        writing.spawn(async move {
            for number in 0..posts / CLIENTS {
                let text = format!("post {number} of client {client}: the quick brown fox");
                scene::post(&side.admin, &side.town_square, "", &text).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(written) = writing.join_next().await {
        written??;
    }
    let found = mebibytes(workspace.resident_bytes()?);
    workspace.stop().await?;
    let name = format!("resident memory, {posts} posts by {CLIENTS} clients");
    Ok(line(name, found, "60 MiB"))
}
