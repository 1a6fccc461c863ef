//! A connected workspace that moves to another address.

use anyhow::Result;
use causeway_tests::handmade::{self, Handmade};
use causeway_tests::hosted::Hosted;
use causeway_tests::peer::Peer;
use causeway_tests::scene::{post, wait_for};
use hyper::Method;
use serde_json::json;

#[tokio::test]
async fn a_workspace_that_moved_is_called_where_an_administrator_says() -> Result<()> {
    let hosted = Hosted::start("boss", |_| {}).await?;
    let invitation = handmade::invite(&hosted.side, "acme").await?;
    let peer = Handmade::accept(&hosted.side, invitation, handmade::take).await?;
    let bob = hosted.user("bob").await?;
    let channel = hosted.side.channel("shared", &[&bob]).await?;
    peer.share(&hosted.side, &channel).await?;
    peer.peer.down().await;
    let elsewhere = Peer::start(handmade::take).await?;

    let path = format!("/remotecluster/{}", peer.remote_id);
    let admin = &hosted.side.admin;
    assert_eq!(admin.get(&path).await?.get("reported_site_url"), None);
    // What is no address is not shown to anybody.
    peer.ping_from(elsewhere.url()).await?;
    peer.ping_from("javascript:alert(1)").await?;
    let told = admin.get(&path).await?;
    assert_eq!(told["reported_site_url"], elsewhere.url());
    assert_eq!(told["site_url"], peer.peer.url(), "only reported");
    let listed = admin.get("/remotecluster").await?;
    assert_eq!(listed[0], told);
    let status = admin.command(&channel, "/secure-connection status").await?;
    let cure = format!("--siteURL {}", elsewhere.url());
    assert!(status.contains(&cure), "{status}");
    for url in [
        "",
        "chat.example.org",
        "http://169.254.169.254",
        "ftp://chat.example.org",
    ] {
        let body = Some(json!({ "site_url": url }));
        let refused = admin.call(Method::PATCH, &path, body).await?;
        let told = (refused.status, refused.error_id());
        assert_eq!(told, (400, "api.remote_cluster.update.app_error"), "{url}");
    }
    let body = Some(json!({ "site_url": elsewhere.url() }));
    let refused = bob.call(Method::PATCH, &path, body.clone()).await?;
    assert_eq!(refused.status, 403);
    let told = hosted.side.admin.get(&path).await?;
    assert_eq!(told["site_url"], peer.peer.url(), "nothing has changed");

    let id = &peer.remote_id;
    let command = format!(
        "/secure-connection move --connectionID {id} --siteURL {}",
        elsewhere.url()
    );
    let told = admin.command(&channel, &command).await?;
    assert!(told.contains("is now called at the new address"), "{told}");
    let written = post(&bob, &channel, "", "after the move").await?;
    wait_for("the post to arrive at the new address", async || {
        let asked = elsewhere.asked(0);
        Ok(asked
            .iter()
            .any(|asked| String::from_utf8_lossy(&asked.body).contains(&written)))
    })
    .await?;
    assert_eq!(admin.get(&path).await?.get("reported_site_url"), None);
    // The same through the API.
    let moved = admin.call(Method::PATCH, &path, body).await?.ok()?;
    assert_eq!(moved["site_url"], elsewhere.url());
    hosted.stop().await;
    Ok(())
}
