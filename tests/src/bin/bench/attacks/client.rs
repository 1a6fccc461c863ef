//! Attacks by clients, with or without a session.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use causeway::http::descriptors;
use causeway_tests::client::Client;
use causeway_tests::scene;
use causeway_tests::socket::Socket;
use hyper::Method;
use serde_json::json;

use super::{Site, WATCHED};

/// Bytes of the properties of a large post.
const PROPS_BYTES: usize = 160_000;
/// Clients that request it.
const READERS: usize = 50;
/// Connections that send nothing.
const SILENT: usize = 4_200;
/// Descriptors that this process needs in addition.
const OTHERS: usize = 100;
/// Users who write continuously.
const WRITERS: usize = 8;

/// Requests one large post a thousand times in one request, and does not read the answer.
pub async fn slow_readers(site: &Site) -> Result<()> {
    let body = json!({
        "channel_id": site.own, "message": "large", "props": { "a": "x".repeat(PROPS_BYTES) },
    });
    let post = site.person.post("/posts", body).await?;
    let id = post["id"].as_str().context("no id")?;
    let token = site.person.token().context("no session")?;
    let body = json!(vec![id; 1_000]).to_string();
    let fields = format!(
        "authorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n",
        body.len()
    );
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let mut reader = Socket::connect(site.person.site_url()).await?;
        reader.ask("POST /api/v4/posts/ids", &fields).await?;
        reader.send(body.as_bytes()).await?;
        // The rest is not read.
        let status = reader.head().await?.status();
        ensure!(status == 200, "the large post was answered {status}");
        readers.push(reader);
    }
    tokio::time::sleep(WATCHED).await;
    Ok(())
}

/// Tries passwords of users who do not exist, with names as long as a body may be.
pub async fn long_names(site: &Site) -> Result<()> {
    for number in 0..120 {
        let name = format!("{number}{}", "x".repeat(900_000));
        let body = json!({ "login_id": name, "password": "wrong" });
        let stranger = Client::new(site.person.site_url());
        // Refused, or closed while the name is still being sent.
        let answer = stranger.call(Method::POST, "/users/login", Some(body));
        if let Ok(answer) = answer.await {
            ensure!(
                answer.status >= 400,
                "the login was answered {}",
                answer.status
            );
        }
    }
    Ok(())
}

/// Opens connections, sends nothing, and opens another whenever one is closed.
pub async fn silence(site: &Site) -> Result<()> {
    let silent = SILENT.min(descriptors::for_clients().saturating_sub(OTHERS));
    let mut held = Vec::new();
    for _ in 0..silent {
        if let Ok(socket) = Socket::connect(site.person.site_url()).await {
            held.push(socket);
        }
    }
    ensure!(held.len() > silent / 2, "only {} connections", held.len());
    tokio::time::sleep(WATCHED).await;
    Ok(())
}

/// Users of the workspace who write without a pause.
pub async fn writers(site: &Site) -> Result<()> {
    let mut writing = tokio::task::JoinSet::new();
    for number in 0..WRITERS {
        let writer = site.side.user(&format!("writer{number}")).await?;
        let channel = site.side.channel("noise", &[&writer]).await?;
        writing.spawn(async move {
            loop {
                scene::post(&writer, &channel, "", "written by somebody else").await?;
            }
            #[expect(unreachable_code, reason = "gives the loop's errors their type")]
            anyhow::Ok(())
        });
    }
    tokio::time::sleep(WATCHED + Duration::from_secs(4)).await;
    writing.shutdown().await;
    Ok(())
}
