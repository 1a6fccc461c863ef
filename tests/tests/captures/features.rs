//! A property of every recording of both sets: frame contents that belong to features that are off here
//! (memberships, global users, direct channels) are counted, and do not affect the rest of the frame; nor do
//! profile pictures, which are taken, or refused if the workspace does not know their user.
//!
//! Everything that a real server sent is sent to two workspaces, unchanged to one and without those
//! parts and pictures to the other; both answer the same and end in the same state.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use causeway_tests::peer;
use causeway_tests::scene;

use crate::json::Json;
use crate::player::Player;
use crate::recording::{self, Body, Exchange, is_sync};
use crate::stories::Story;
use crate::world;

/// Sections of a sync message that belong to features that are off.
const OFF: [&str; 1] = ["membership_changes"];
/// The connection used for all traffic.
const CONNECTION: &str = "everything";

/// Plays everything that one server of a set sent.
pub async fn compare(story: &'static Story, sender: char) -> Result<()> {
    let seat = if sender == 'A' { 'B' } else { 'A' };
    let mut whole = Player::new(story, seat).await?;
    let mut bare = Player::new(story, seat).await?;
    whole.connect_earlier(CONNECTION).await?;
    bare.connect_earlier(CONNECTION).await?;
    let mut opened = BTreeSet::new();
    let (mut carried, mut pictures) = (0, 0);
    for path in story.set.files() {
        for exchange in recording::read(&path) {
            if exchange.from != sender || exchange.by_hand() {
                continue;
            }
            pictures += u64::from(exchange.endpoint() == "image");
            let step = step(&whole, &bare, &exchange, &mut opened).await;
            carried += step.with_context(|| exchange.at())?;
        }
    }
    assert!(carried + pictures > 0, "nothing of features that are off");
    assert_eq!(whole.host.refused_items("feature_off").await?, carried);
    assert_eq!(bare.host.refused_items("feature_off").await?, 0);
    let mut posts = 0;
    for channel in &opened {
        let shown = scene::visible(&whole.host.side.admin, channel).await?;
        assert_eq!(shown, scene::visible(&bare.host.side.admin, channel).await?);
        posts += shown.len();
    }
    assert!(posts > 0, "no posts were compared");
    assert_eq!(usernames(&whole).await?, usernames(&bare).await?);
    whole.host.stop().await;
    bare.host.stop().await;
    Ok(())
}

/// Sends one request to both; returns how many items of features that are off it carried.
async fn step(
    whole: &Player,
    bare: &Player,
    exchange: &Exchange,
    opened: &mut BTreeSet<String>,
) -> Result<u64> {
    match exchange.endpoint() {
        "image" => {
            let status = send_bytes(whole, exchange).await?;
            assert!(matches!(status, 200 | 400), "{}: {status}", exchange.at());
            return Ok(0);
        }
        "msg" => {}
        _ => return Ok(0),
    }
    let payload = exchange.payload();
    if !is_sync(exchange.topic()) {
        return Ok(0);
    }
    let channel = exchange.channel();
    let direct = whole.is_direct_and_off(exchange);
    if !channel.is_empty() && !direct && opened.insert(channel.to_string()) {
        for player in [whole, bare] {
            let invite = world::invented(channel);
            let answer = player.say("sharedchannel_invite", invite).await?;
            assert_eq!(answer.get("status").text(), "OK", "{}", exchange.at());
        }
    }
    let as_it_was = whole.say(exchange.topic(), payload.clone()).await?;
    if channel.is_empty() {
        assert_eq!(as_it_was.get("payload"), &Json::Null, "{}", exchange.at());
        return Ok(payload.get("users").members().len() as u64);
    }
    let count = |key: &str| payload.get(key).list().len() as u64;
    let content = ["users", "posts", "reactions"];
    let is_empty = !content.iter().any(|key| payload.get(key).is_filled());
    if is_empty && count("membership_changes") > 0 {
        // Answered before the channel is looked at.
        assert_eq!(as_it_was.get("status").text(), "OK", "{}", exchange.at());
        assert_eq!(as_it_was.get("payload"), &Json::Null, "{}", exchange.at());
        return Ok(count("membership_changes"));
    }
    let without = bare.say(exchange.topic(), without(payload)).await?;
    for key in ["status", "err"] {
        assert_eq!(as_it_was.get(key), without.get(key), "{}", exchange.at());
    }
    for key in ["users_syncd", "post_errors"] {
        let list = |answer: &Json| answer.get("payload").get(key).list().to_vec();
        assert_eq!(list(&as_it_was), list(&without), "{} {key}", exchange.at());
    }
    if direct {
        // Its channel is not here, so nothing of it is.
        assert_eq!(as_it_was.get("status").text(), "FAIL", "{}", exchange.at());
        return Ok(0);
    }
    Ok(OFF.iter().map(|key| count(key)).sum())
}

/// A sync message without the parts of features that are off.
fn without(payload: &Json) -> Json {
    let Json::Object(members) = payload else {
        return payload.clone();
    };
    let kept = members.iter().filter(|(key, _)| !OFF.contains(&&**key));
    let mut bare = Json::Object(kept.cloned().collect());
    let posts = payload.get("posts").list().iter().map(|post| {
        let mut post = post.clone();
        post.set("file_ids", Json::List(Vec::new()));
        post.set("metadata", priority_alone(post.get("metadata")));
        post
    });
    let posts: Vec<Json> = posts.collect();
    if !posts.is_empty() {
        bare.set("posts", Json::List(posts));
    }
    bare
}

/// The part of a post's metadata that is not about files.
fn priority_alone(metadata: &Json) -> Json {
    let Json::Object(members) = metadata else {
        return Json::Object(Vec::new());
    };
    let kept = members.iter().filter(|(key, _)| &**key == "priority");
    Json::Object(kept.cloned().collect())
}

/// Sends the bytes of a picture in the peer's name.
async fn send_bytes(player: &Player, exchange: &Exchange) -> Result<u16> {
    let token = player.live(&format!("token of {CONNECTION}"));
    let mut headers = vec![
        ("x-remotecluster-id".to_string(), player.live(CONNECTION)),
        ("x-remotecluster-token".to_string(), token),
    ];
    let kind = exchange.header("content-type");
    if !kind.is_empty() {
        headers.push(("content-type".to_string(), kind.to_string()));
    }
    let body = match &exchange.body {
        Body::Bytes(bytes) => bytes.clone(),
        Body::Json(json) => json.to_string().into_bytes(),
    };
    let url = format!("{}{}", player.host.url(), exchange.path);
    Ok(peer::send("POST", &url, &headers, body).await?.status)
}

async fn usernames(player: &Player) -> Result<BTreeSet<String>> {
    let list = player.host.side.admin.get("/users?per_page=200").await?;
    let names = list.as_array().into_iter().flatten();
    Ok(names
        .map(|user| crate::player::text(user, "username"))
        .collect())
}
