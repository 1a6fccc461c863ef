//! Posts of a peer whose clock is ahead, or that have arbitrary dates: their date is shown, and they
//! are ordered by arrival.

use std::collections::BTreeSet;

use anyhow::Result;
use causeway_tests::scene;
use serde_json::{Value, json};

use crate::stage::{START, Stage, text, with};

/// The end of the year 9999.
const LATEST: i64 = 253_402_300_799_999;
const YEAR: i64 = 365 * 24 * 60 * 60 * 1000;
/// More than the number of newest posts that an answer to `since` considers.
const MANY: u64 = 11_000;
/// Posts per message; a message with this many is well below the maximum length.
const MESSAGE_POSTS: u64 = 700;

fn dated(stage: &Stage, number: u64, create_at: i64) -> Value {
    let post = stage.post(&format!("dated{number:021}"));
    with(
        post,
        json!({ "create_at": create_at, "update_at": create_at }),
    )
}

fn order(list: &Value) -> Vec<String> {
    let ids = list["order"].as_array().into_iter().flatten();
    ids.map(|id| id.as_str().unwrap_or_default().to_string())
        .collect()
}

#[tokio::test]
async fn a_post_dated_a_year_ahead_shows_its_date_and_stands_where_it_came() -> Result<()> {
    let stage = Stage::new().await?;
    let channel = &stage.shared;
    let earlier = &scene::post(&stage.bob, channel, "", "before it").await?;
    let ahead = dated(&stage, 1, START + YEAR);
    let reply = dated(&stage, 2, START + 2 * YEAR);
    let reply = with(reply, json!({ "root_id": earlier }));
    let (ahead_id, reply_id) = (&text(&ahead, "id"), &text(&reply, "id"));
    stage.taken(json!({ "posts": [ahead, reply] })).await?;
    let later = &scene::post(&stage.bob, channel, earlier, "behind it").await?;

    let posts = format!("/channels/{channel}/posts");
    let thread = format!("/posts/{earlier}/thread");
    for (path, expected) in [
        (
            format!("{posts}?per_page=4"),
            vec![later, reply_id, ahead_id, earlier],
        ),
        (
            format!("{posts}?before={later}&per_page=2"),
            vec![reply_id, ahead_id],
        ),
        (
            format!("{posts}?after={ahead_id}&per_page=9"),
            vec![later, reply_id],
        ),
        (thread.clone(), vec![earlier, reply_id, later]),
        (
            format!("{thread}?fromPost={reply_id}&direction=down"),
            vec![earlier, later],
        ),
    ] {
        let list = stage.bob.get(&path).await?;
        assert_eq!(order(&list).iter().collect::<Vec<_>>(), expected, "{path}");
        if list["posts"][ahead_id].is_object() {
            assert_eq!(list["posts"][ahead_id]["create_at"], START + YEAR, "{path}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn any_number_of_posts_dated_in_the_year_9999_hides_nothing_that_is_written_today()
-> Result<()> {
    let stage = Stage::new().await?;
    let channel = &stage.shared;
    let mut numbers = (0..MANY).peekable();
    while numbers.peek().is_some() {
        let posts = numbers.by_ref().take(usize::try_from(MESSAGE_POSTS)?);
        let posts: Vec<Value> = posts.map(|n| dated(&stage, n, LATEST)).collect();
        stage.taken(json!({ "posts": posts })).await?;
    }
    let known = stage
        .bob
        .get(&format!("/channels/{channel}/posts?per_page=1"))
        .await?;
    let known = &known["posts"][&order(&known)[0]]["update_at"];
    let today = scene::post(&stage.bob, channel, "", "written today").await?;
    let newest = stage
        .bob
        .get(&format!("/channels/{channel}/posts?per_page=1"))
        .await?;
    assert_eq!(order(&newest), [today.as_str()]);
    let since = stage
        .bob
        .get(&format!("/channels/{channel}/posts?since={known}"))
        .await?;
    assert_eq!(order(&since), [today]);

    // Page by page up to the first empty one, as client libraries read a channel.
    let mut seen = Vec::new();
    for page in 0.. {
        let path = format!("/channels/{channel}/posts?page={page}&per_page=200");
        let list = order(&stage.bob.get(&path).await?);
        if list.is_empty() {
            break;
        }
        seen.extend(list);
    }
    let of_peer = seen.iter().filter(|id| id.starts_with("dated"));
    assert_eq!(of_peer.count() as u64, MANY);
    let distinct: BTreeSet<&String> = seen.iter().collect();
    assert_eq!(distinct.len(), seen.len());
    Ok(())
}
