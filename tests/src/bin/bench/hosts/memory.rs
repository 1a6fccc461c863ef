//! How much memory a service takes while people use it: passwords are derived, several clients write
//! posts at once, and the very first start compiles the kernel.

use std::path::Path;

use anyhow::Result;
use causeway_tests::process::{Workspace, free_port};
use causeway_tests::scene::{self, Side};

use super::start::mebibytes;
use crate::line::{Line, line};

/// Clients that write at the same time.
const CLIENTS: usize = 8;

pub async fn run(folder: &Path, posts: usize) -> Result<Vec<Line>> {
    let data = folder.join("memory");
    let port = free_port()?;
    let mut found = Vec::new();
    for start in ["its first start", "another start"] {
        let workspace = Workspace::start("memory", &data, port).await?;
        write(&workspace, posts).await?;
        let name = format!("resident memory after {start}, {posts} posts by {CLIENTS} clients");
        found.push(line(name, mebibytes(workspace.resident_bytes()?), "60 MiB"));
        workspace.stop().await?;
    }
    Ok(found)
}

async fn write(workspace: &Workspace, posts: usize) -> Result<()> {
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
    Ok(())
}
