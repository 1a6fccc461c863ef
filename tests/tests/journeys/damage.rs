//! A disk that damages its contents: the service repairs what the journal holds, and reports what
//! it cannot repair.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use causeway_tests::process::Workspace;
use causeway_tests::scene::{Side, post, visible, wait_for};
use causeway_tests::warm;
use hyper::Method;

/// Bytes of a page of the tables.
const PAGE: usize = 4096;
/// Number of posts, so that the tables have pages that no start reads.
const POSTS: usize = 300;

/// Overwrites the pages that contain a text with zeros.
fn zero_pages_with(file: &Path, text: &str) -> Result<()> {
    let mut bytes = fs::read(file)?;
    let mut count = 0;
    for page in bytes.chunks_mut(PAGE) {
        if page.windows(text.len()).any(|it| it == text.as_bytes()) {
            page.fill(0);
            count += 1;
        }
    }
    ensure!(count > 0, "no page holds {text}");
    Ok(fs::write(file, bytes)?)
}

#[tokio::test]
async fn damaged_tables_are_made_again_by_the_service_itself() -> Result<()> {
    let data = tempfile::tempdir()?;
    let workspace = warm::start("acme", data.path()).await?;
    let port = workspace.port;
    let side = Side::prepare("acme", &workspace.site_url(), "acme").await?;
    let ann = side.user("ann").await?;
    let channel = side.channel("harbour", &[&ann]).await?;
    let mut first = String::new();
    for n in 0..POSTS {
        let id = post(
            &ann,
            &channel,
            "",
            &format!("crate {n} {}", "x".repeat(400)),
        )
        .await?;
        if n == 1 {
            first = id;
        }
    }
    let shown = visible(&ann, &channel).await?;
    workspace.stop().await?;
    let tables = data.path().join("tables.redb");

    // Damage that is found at the start.
    let length = fs::metadata(&tables)?.len();
    fs::File::options()
        .write(true)
        .open(&tables)?
        .set_len(length / 2)?;
    let workspace = Workspace::start("acme", data.path(), port).await?;
    wait_for("the posts to be there again", async || {
        Ok(visible(&ann, &channel).await? == shown)
    })
    .await?;
    ensure!(data.path().join("tables.redb.damaged").exists());
    workspace.stop().await?;

    // Damage that is found when it is read.
    fs::remove_file(data.path().join("tables.redb.damaged"))?;
    zero_pages_with(&tables, "crate 1 ")?;
    let workspace = Workspace::start("acme", data.path(), port).await?;
    let path = format!("/posts/{first}");
    let answer = ann.call(Method::GET, &path, None).await?;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.error_id(), "api.context.internal.app_error");
    wait_for("the posts to be there again", async || {
        Ok(visible(&ann, &channel).await? == shown)
    })
    .await?;
    ensure!(data.path().join("tables.redb.damaged").exists());
    let answer = ann.call(Method::GET, "/system/ping", None).await?;
    assert_eq!(answer.status, 200);
    workspace.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_workspace_without_its_vault_is_not_opened() -> Result<()> {
    let data = tempfile::tempdir()?;
    let workspace = warm::start("acme", data.path()).await?;
    let port = workspace.port;
    Side::prepare("acme", &workspace.site_url(), "acme").await?;
    workspace.stop().await?;
    let vault = data.path().join("vault.redb");
    let aside = data.path().join("aside");
    fs::rename(&vault, &aside)?;
    let refused = Workspace::start("acme", data.path(), port).await;
    ensure!(refused.is_err(), "it was opened");
    let log = fs::read_to_string(data.path().join("log"))?;
    for said in ["vault.redb is missing", "Restore it from a backup"] {
        ensure!(log.contains(said), "{log}");
    }
    ensure!(!vault.exists(), "none was made in its place");
    fs::rename(&aside, &vault)?;
    Workspace::start("acme", data.path(), port)
        .await?
        .stop()
        .await?;
    Ok(())
}
