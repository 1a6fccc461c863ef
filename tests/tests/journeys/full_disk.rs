//! A full disk: the workspace is read-only, also when it is started on a full disk, and recovers
//! without a restart once there is space.

use anyhow::{Result, ensure};
use causeway_tests::command::replay;
use causeway_tests::process::Workspace;
use causeway_tests::scene::{Side, post, visible, wait_for};
use causeway_tests::warm;
use hyper::Method;
use serde_json::json;

/// Maximum size of a file; the journal and the tables are longer already. The limit also applies to
/// files in memory, into which the runtime puts the data of a component that it loads.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Posts that need more than that, and the length of each.
const POSTS: usize = 80;
const POST_CHARACTERS: usize = 15_000;
const HEALTH: &str = "/system/ping?get_server_status=true";

#[tokio::test]
async fn a_workspace_starts_on_a_full_disk_and_goes_on_when_there_is_room() -> Result<()> {
    let data = tempfile::tempdir()?;
    let workspace = warm::start("acme", data.path()).await?;
    let port = workspace.port;
    let side = Side::prepare("acme", &workspace.site_url(), "acme").await?;
    let ann = side.user("ann").await?;
    let channel = side.channel("harbour", &[&ann]).await?;
    for n in 0..POSTS {
        let text = format!("{n} {}", "x".repeat(POST_CHARACTERS));
        post(&ann, &channel, "", &text).await?;
    }
    let shown = visible(&ann, &channel).await?;
    workspace.stop().await?;

    let workspace =
        Workspace::start_with_files_up_to("acme", data.path(), port, FILE_BYTES_MAX).await?;
    let health = ann.call(Method::GET, HEALTH, None).await?;
    assert_eq!(health.status, 500);
    assert_eq!(health.body["status"], "UNHEALTHY");
    let body = json!({ "channel_id": channel, "message": "no room for this" });
    let refused = ann.call(Method::POST, "/posts", Some(body)).await?;
    assert_eq!(refused.status, 503);
    ensure!(
        visible(&ann, &channel).await? == shown,
        "what was written can be read"
    );

    workspace.lift_limit()?;
    wait_for("the workspace to go on", async || {
        let health = ann.call(Method::GET, HEALTH, None).await?;
        Ok(health.status == 200 && health.body["status"] == "OK")
    })
    .await?;
    post(&ann, &channel, "", "after").await?;
    let log = std::fs::read_to_string(data.path().join("log"))?;
    for line in ["the workspace starts read-only", "cannot write the journal"] {
        assert_eq!(log.matches(line).count(), 1, "a line a change: {line}");
    }
    let data = workspace.stop().await?;
    replay(&data).await?;
    Ok(())
}
