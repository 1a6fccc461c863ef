//! Answers have a byte budget: each of them, and all that are being sent.

use anyhow::{Context, Result, ensure};
use causeway::http::answers::{ANSWERS_BYTES_MAX, ANSWERS_OF_ONE_BYTES_MAX};
use causeway_tests::client::Client;
use causeway_tests::hosted::Hosted;
use causeway_tests::scene::wait_for;
use causeway_tests::socket::Socket;
use causeway_views::json::ANSWER_BYTES_MAX;
use hyper::Method;
use serde_json::{Value, json};

/// Bytes of the properties of each post: nearly the maximum.
const PROPS_BYTES: usize = 160_000;
const TOO_LARGE: &str = "api.context.answer_too_large.app_error";

/// Writes posts with large properties; returns their ids.
async fn large_posts(side: &Hosted, count: usize) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    for _ in 0..count {
        let body = json!({
            "channel_id": side.side.town_square,
            "message": "large",
            "props": { "a": "x".repeat(PROPS_BYTES) },
        });
        let post = side.side.admin.post("/posts", body).await?;
        ids.push(post["id"].as_str().context("no id")?.to_string());
    }
    Ok(ids)
}

fn ids_in(list: &Value) -> Vec<String> {
    let order = list["order"].as_array().into_iter().flatten();
    order
        .filter_map(Value::as_str)
        .map(str::to_string)
        .collect()
}

#[tokio::test]
async fn an_answer_is_cut_where_clients_can_go_on_and_refused_elsewhere() -> Result<()> {
    let hosted = Hosted::start("admin", |_| {}).await?;
    let ids = large_posts(&hosted, 60).await?;
    let client = &hosted.side.admin;

    let same = json!(vec![&ids[0]; 1_000]);
    let answer = client.call(Method::POST, "/posts/ids", Some(same)).await?;
    ensure!(answer.bytes.len() < 2 * PROPS_BYTES, "each post once");
    assert_eq!(answer.ok()?.as_array().map(Vec::len), Some(1));
    let refused = client.call(Method::POST, "/posts/ids", Some(json!(ids)));
    let refused = refused.await?;
    assert_eq!((refused.status, refused.error_id()), (400, TOO_LARGE));

    let path = format!("/channels/{}/posts", hosted.side.town_square);
    let (mut seen, mut before) = (Vec::new(), String::new());
    loop {
        let page = format!("{path}?per_page=200{before}");
        let answer = client.call(Method::GET, &page, None).await?;
        ensure!(answer.bytes.len() <= ANSWER_BYTES_MAX);
        let list = answer.ok()?;
        let page = ids_in(&list);
        let last = page.last().context("an empty page")?;
        before = format!("&before={last}");
        seen.extend(page);
        if list["prev_post_id"] == "" {
            break;
        }
    }
    seen.retain(|id| ids.contains(id));
    seen.reverse();
    assert_eq!(seen, ids, "every post once, in its order");
    // A client that counts pages would miss the posts that are cut off.
    let second = format!("{path}?per_page=30&page=1");
    let refused = client.call(Method::GET, &second, None).await?;
    assert_eq!((refused.status, refused.error_id()), (400, TOO_LARGE));
    hosted.stop().await;
    Ok(())
}

/// Requests a page of posts and reads only the answer's head.
async fn ask_slowly(client: &Client, path: &str) -> Result<(Socket, u16, String)> {
    let mut socket = Socket::connect(client.site_url()).await?;
    let token = client.token().context("no session")?;
    let fields = format!("authorization: Bearer {token}\r\n");
    socket.ask(&format!("GET {path}"), &fields).await?;
    let head = socket.head().await?;
    let retry = head.header("retry-after").to_string();
    Ok((socket, head.status(), retry))
}

#[tokio::test]
async fn slow_readers_hold_no_more_than_their_share() -> Result<()> {
    let hosted = Hosted::start("admin", |_| {}).await?;
    large_posts(&hosted, 30).await?;
    let path = format!("/api/v4/channels/{}/posts", hosted.side.town_square);
    let mut held = Vec::new();
    let mut answered = 0;
    for _ in 0..50 {
        let (socket, status, retry) = ask_slowly(&hosted.side.admin, &path).await?;
        match status {
            200 => answered += 1,
            503 => assert_ne!(retry, ""),
            other => assert_eq!(other, 503),
        }
        held.push(socket);
        ensure!(hosted.metric("causeway_answer_bytes").await? <= ANSWERS_OF_ONE_BYTES_MAX as u64);
    }
    // Each answer is a list that is cut at four mebibytes.
    ensure!((3..=4).contains(&answered), "{answered} of 50");
    // A client that reads is served.
    let ann = hosted.user("ann").await?;
    let path = format!("/channels/{}/posts?per_page=20", hosted.side.town_square);
    ann.get(&path).await?;
    const { assert!(ANSWERS_OF_ONE_BYTES_MAX * 4 <= ANSWERS_BYTES_MAX) };
    drop(held);
    wait_for("the answers of readers that left to go", async || {
        Ok(hosted.metric("causeway_answer_bytes").await? == 0)
    })
    .await?;
    hosted.stop().await;
    Ok(())
}
