//! An ordinary client program, written with the official JavaScript library, at work on the real
//! service: see `tests/client/journey.mjs`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use causeway_tests::process::{Workspace, free_port};
use causeway_tests::scene::{PASSWORD, Side};

/// The folder of the client program; npm installs the library into its `node_modules`, which is
/// not kept under version control.
fn program() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("client")
}

/// A PATH on which node and npm are found.
fn path_with_node() -> Result<String> {
    let output = Command::new("bash")
        .arg(program().join("node.sh"))
        .stderr(Stdio::inherit())
        .output()
        .context("starting bash")?;
    ensure!(
        output.status.success(),
        "node and npm cannot be made available"
    );
    Ok(String::from_utf8(output.stdout)?.trim().to_string())
}

/// Installs exactly what the lock file says; the lock names no registry, so the machine's own is
/// asked.
fn install_library(path: &str) -> Result<()> {
    let status = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
        .arg("--omit-lockfile-registry-resolved")
        .current_dir(program())
        .env("PATH", path)
        .stdin(Stdio::null())
        .status()
        .context("starting npm")?;
    ensure!(status.success(), "npm ci failed");
    Ok(())
}

#[tokio::test]
async fn the_official_client_library_can_work_here_and_hears_of_all_it_does() -> Result<()> {
    let path = tokio::task::spawn_blocking(|| {
        let path = path_with_node()?;
        install_library(&path)?;
        anyhow::Ok(path)
    })
    .await??;
    let data = tempfile::tempdir()?;
    let workspace = Workspace::start("library", data.path(), free_port()?).await?;
    let side = Side::prepare("library", &workspace.site_url(), "crew").await?;
    side.user("ann").await?;

    let site_url = workspace.site_url();
    let output = tokio::task::spawn_blocking(move || {
        Command::new("node")
            .arg("journey.mjs")
            .args([&site_url, "ann", PASSWORD, "crew", "town-square"])
            .current_dir(program())
            .env("PATH", path)
            .stdin(Stdio::null())
            .output()
    })
    .await?
    .context("starting node")?;

    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the client program says: {said}");
    let result: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(result["user"], "ann");
    let heard = result["events"].as_array().context("no list of events")?;
    for event in [
        "hello",
        "posted",
        "post_edited",
        "reaction_added",
        "reaction_removed",
        "post_deleted",
    ] {
        assert!(heard.contains(&event.into()), "{event} is not in {heard:?}");
    }
    workspace.stop().await?;
    Ok(())
}
