//! A client whose connection was cut does not know whether its post was accepted, and sends it again
//! with the same `pending_post_id`.

use anyhow::{Context, Result};
use causeway_tests::client::Client;
use causeway_tests::scene::{PASSWORD, Side, visible};
use causeway_tests::warm;
use hyper::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

fn body(side: &Side, key: &str) -> Value {
    json!({ "channel_id": side.town_square, "message": key, "pending_post_id": key })
}

/// Sends a post and never reads the answer. With `is_taken` it hangs up once the answer has arrived,
/// otherwise at once, so that the post may or may not be accepted.
async fn post_and_hang_up(user: &Client, port: u16, body: &Value, is_taken: bool) -> Result<()> {
    let body = body.to_string();
    let token = user.token().context("no session")?;
    let head = format!(
        "POST /api/v4/posts HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    if is_taken {
        stream.readable().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_post_sent_again_after_a_cut_connection_exists_once() -> Result<()> {
    const POSTS: usize = 40;
    let data = tempfile::tempdir()?;
    let workspace = warm::start("resend", data.path()).await?;
    let side = Side::prepare("resend", &workspace.site_url(), "crew").await?;
    let ann = side.user("ann").await?;
    for number in 0..POSTS {
        let body = body(&side, &format!("post {number}"));
        post_and_hang_up(&ann, workspace.port, &body, number % 2 == 0).await?;
        let again = async || -> Result<Value> {
            ann.call(Method::POST, "/posts", Some(body.clone()))
                .await?
                .ok()
        };
        // An impatient client even sends it twice at the same time.
        let (one, other) = tokio::join!(again(), again());
        assert_eq!(one?["id"], other?["id"]);
    }
    let shown = visible(&ann, &side.town_square).await?;
    assert_eq!(shown.len(), POSTS);
    Ok(())
}

#[tokio::test]
async fn the_same_key_of_another_user_is_another_post() -> Result<()> {
    let data = tempfile::tempdir()?;
    let workspace = warm::start("keys", data.path()).await?;
    let side = Side::prepare("keys", &workspace.site_url(), "crew").await?;
    let (ann, ben) = (side.user("ann").await?, side.user("ben").await?);
    let body = body(&side, "the same key");
    let first = ann.post("/posts", body.clone()).await?;
    let second = ben.post("/posts", body.clone()).await?;
    assert_ne!(first["id"], second["id"]);
    // Another session of the same user counts as the same user.
    let elsewhere = side.admin.login("ann", PASSWORD).await?;
    assert_eq!(elsewhere.post("/posts", body).await?["id"], first["id"]);
    Ok(())
}
