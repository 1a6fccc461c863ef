//! Settings that a running service takes over: from its file, by the API and on the command line.

use anyhow::{Context, Result, ensure};
use causeway_tests::command::config;
use causeway_tests::process::free_port;
use causeway_tests::scene::{Side, post, wait_for};
use causeway_tests::warm;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::pair::Pair;

const SECTION: &str = "ConnectedWorkspacesSettings";

async fn setting(side: &Side, section: &str, key: &str) -> Result<Value> {
    Ok(side.admin.get("/config").await?[section][key].clone())
}

#[tokio::test]
async fn shared_channels_are_switched_off_and_on_again_without_loss() -> Result<()> {
    let pair = Pair::open(50).await?;
    let (ann, carla) = (&pair.acme.user, &pair.globex.user);
    let before = post(ann, &pair.channel, "", "before").await?;
    wait_for("the first post", async || {
        Ok(carla.get(&format!("/posts/{before}")).await.is_ok())
    })
    .await?;
    // One side no longer sends, and no longer takes anything.
    let switch = async |on: bool| {
        let body = json!({ SECTION: { "EnableSharedChannels": on } });
        pair.acme.side.admin.put("/config/patch", body).await
    };
    let shown = switch(false).await?;
    assert_eq!(shown[SECTION]["EnableSharedChannels"], false);
    let client = ann.get("/config/client?format=old").await?;
    assert_eq!(client["ExperimentalSharedChannels"], "false");
    let ours = post(ann, &pair.channel, "", "from acme").await?;
    let theirs = post(carla, &pair.channel, "", "from globex").await?;
    let remote_id = &pair.acme.side.connection("globex").await?.context("gone")?["remote_id"];
    let path = format!(
        "/remotecluster/{}/channels/{}/invite",
        remote_id.as_str().unwrap_or_default(),
        pair.acme.side.town_square
    );
    let refused = pair.acme.side.admin.call(Method::POST, &path, None).await?;
    assert_eq!(refused.error_id(), "api.shared_channel.disabled.app_error");
    ensure!(carla.get(&format!("/posts/{ours}")).await.is_err());
    ensure!(ann.get(&format!("/posts/{theirs}")).await.is_err());
    switch(true).await?;
    let shown = pair.converged().await?;
    assert_eq!(shown.len(), 3);
    Ok(())
}

#[tokio::test]
async fn a_changed_file_is_read_at_a_hangup_and_a_wrong_one_changes_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("config.json");
    let write = |flags: Value| {
        let config = json!({ "FeatureFlags": flags, "SqlSettings": { "DriverName": "postgres" } });
        std::fs::write(&file, config.to_string())
    };
    write(json!({ "EnableSharedChannelsDMs": true }))?;
    let path = file.to_string_lossy();
    let environment = [
        ("CAUSEWAY_CONFIG", &*path),
        ("MM_CONNECTEDWORKSPACESSETTINGS_MEMBERSYNCBATCHSIZE", "7"),
    ];
    let data = folder.path().join("data");
    let workspace = warm::start_with("acme", &data, free_port()?, &environment).await?;
    let side = Side::prepare("acme", &workspace.site_url(), "crew").await?;
    let flag = "EnableSharedChannelsDMs";
    assert_eq!(setting(&side, "FeatureFlags", flag).await?, true);
    assert_eq!(setting(&side, SECTION, "MemberSyncBatchSize").await?, 7);
    let log = || std::fs::read_to_string(data.join("log"));
    ensure!(log()?.contains("ignored: SqlSettings"), "not named");

    // What the file and the environment set is not changed elsewhere.
    let fixed = side.admin.get("/config/environment").await?;
    let expected = json!({
        "FeatureFlags": { flag: true }, SECTION: { "MemberSyncBatchSize": true },
    });
    assert_eq!(fixed, expected);
    let refused = config(
        &side,
        &["set", "FeatureFlags.EnableSharedChannelsDMs=false"],
    )
    .await;
    let refused = refused.err().context("it was taken")?.to_string();
    ensure!(
        refused.contains("is set by the configuration file"),
        "{refused}"
    );

    write(json!({ "EnableSharedChannelsMemberSync": true }))?;
    workspace.hang_up()?;
    wait_for("the new file to hold", async || {
        Ok(setting(&side, "FeatureFlags", "EnableSharedChannelsMemberSync").await? == true)
    })
    .await?;
    assert_eq!(setting(&side, "FeatureFlags", flag).await?, false);
    // Now it is nobody's, and is kept over a restart.
    config(&side, &["set", "FeatureFlags.EnableSharedChannelsDMs=true"]).await?;
    let shown = config(&side, &["show"]).await?;
    ensure!(
        shown.contains("FeatureFlags.EnableSharedChannelsDMs=true\n"),
        "{shown}"
    );

    write(json!({ "EnableSharedChannelsDM": true }))?;
    let wrong = config(&side, &["reload"])
        .await
        .err()
        .context("a wrong file was taken")?;
    let named = "FeatureFlags.EnableSharedChannelsDM is not a setting";
    ensure!(wrong.to_string().contains(named), "{wrong}");
    assert_eq!(
        setting(&side, "FeatureFlags", "EnableSharedChannelsMemberSync").await?,
        true
    );
    write(json!({}))?;
    let mut workspace = workspace;
    workspace.crash()?;
    workspace.start_again().await?;
    assert_eq!(setting(&side, "FeatureFlags", flag).await?, true);
    assert_eq!(
        setting(&side, "FeatureFlags", "EnableSharedChannelsMemberSync").await?,
        false
    );
    Ok(())
}

#[tokio::test]
async fn a_change_that_is_wrong_in_part_is_refused_whole_and_only_administrators_change()
-> Result<()> {
    let folder = tempfile::tempdir()?;
    let workspace = warm::start_with("acme", folder.path(), free_port()?, &[]).await?;
    let side = Side::prepare("acme", &workspace.site_url(), "crew").await?;
    let before = side.admin.get("/config").await?;
    for body in [
        json!({ SECTION: { "MaxPostsPerSync": 5, "MemberSyncBatchSize": 0 } }),
        json!({ SECTION: { "MaxPostsPerSync": "5" } }),
        json!({ SECTION: { "EnableSharedChannel": false } }),
        json!({ SECTION: 5 }),
        json!({ "SqlSettings": {} }),
        // Two pings, which go out once a minute, must fit into it.
        json!({ "CausewaySettings": { "InterruptionNoticeSeconds": 119 } }),
        json!([]),
    ] {
        let answer = side
            .admin
            .call(Method::PUT, "/config/patch", Some(body.clone()))
            .await?;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(side.admin.get("/config").await?, before, "{body}");
    }
    let ann = side.user("ann").await?;
    for (method, path) in [
        (Method::GET, "/config"),
        (Method::GET, "/config/environment"),
        (Method::PUT, "/config/patch"),
        (Method::POST, "/config/reload"),
    ] {
        let answer = ann.call(method, path, Some(json!({}))).await?;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    Ok(())
}
