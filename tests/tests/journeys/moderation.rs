//! Administrators moderating other users' posts.

use anyhow::Result;
use causeway_tests::client::{Answer, Client, HEARD_WITHIN};
use causeway_tests::scene::{self, wait_for};
use hyper::Method;
use serde_json::json;

use crate::pair::Pair;

async fn rewrite(user: &Client, post: &str, text: &str) -> Result<Answer> {
    let body = json!({ "message": text });
    user.call(Method::PUT, &format!("/posts/{post}/patch"), Some(body))
        .await
}

#[tokio::test]
async fn an_administrator_edits_what_others_wrote_here_and_hears_why_not_elsewhere() -> Result<()> {
    let pair = Pair::open(50).await?;
    let (acme, globex, channel) = (&pair.acme, &pair.globex, &pair.channel);
    let mut events = acme.user.events().await?;
    let post = scene::post(&acme.user, channel, "", "frist").await?;
    let john = acme.side.user("john").await?;
    acme.side.join(channel, &[&john]).await?;
    assert_eq!(rewrite(&john, &post, "mine").await?.status, 403);

    let edited = rewrite(&acme.side.admin, &post, "first").await?.ok()?;
    let me = acme.user.get("/users/me").await?;
    assert_eq!(
        (&edited["message"], &edited["user_id"]),
        (&json!("first"), &me["id"])
    );
    events.next("post_edited", |_| true, HEARD_WITHIN).await?;
    let there = async || globex.user.get(&format!("/posts/{post}")).await;
    wait_for("the edit to cross", async || {
        Ok(there().await?["message"] == "first")
    })
    .await?;

    let refused = rewrite(&globex.side.admin, &post, "theirs").await?;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.error_id(), "api.post.update_post.remote.app_error");
    let reason = refused.body["message"].as_str().unwrap_or_default();
    assert!(reason.contains("another workspace"), "{reason}");
    assert_eq!(there().await?["message"], "first");
    Ok(())
}
