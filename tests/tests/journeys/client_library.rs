//! An ordinary client program, written with the official JavaScript library, uses the real
//! service: see `tests/client/journey.mjs`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use causeway_tests::scene::{PASSWORD, Side};
use causeway_tests::warm;

/// The folder of the client program; npm installs the library into its `node_modules`, which is
/// not kept under version control.
fn program() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("client")
}

/// Makes node and npm available.
fn provide_node() -> Result<()> {
    let status = Command::new("bash")
        .arg(program().join("node.sh"))
        .stdin(Stdio::null())
        .status()
        .context("starting bash")?;
    ensure!(
        status.success(),
        "node and npm cannot be made available; see the lines above"
    );
    Ok(())
}

/// Installs exactly the versions in the lock file. It names no registry, so that the one configured on
/// the machine is used.
fn install_library() -> Result<()> {
    let status = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
        .arg("--omit-lockfile-registry-resolved")
        .current_dir(program())
        .stdin(Stdio::null())
        .status()
        .context("starting npm")?;
    ensure!(status.success(), "npm ci failed");
    Ok(())
}

#[tokio::test]
async fn the_official_client_library_can_work_here_and_hears_of_all_it_does() -> Result<()> {
    tokio::task::spawn_blocking(|| {
        provide_node()?;
        install_library()
    })
    .await??;
    let data = tempfile::tempdir()?;
    let workspace = warm::start("library", data.path()).await?;
    let side = Side::prepare("library", &workspace.site_url(), "crew").await?;
    side.user("ann").await?;

    let site_url = workspace.site_url();
    let output = tokio::task::spawn_blocking(move || {
        Command::new("node")
            .arg("journey.mjs")
            .args([&site_url, "ann", PASSWORD, "crew", "town-square"])
            .current_dir(program())
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
