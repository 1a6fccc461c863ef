//! A property of the recorded traffic about direct and group channels: for the people of our side, a direct-message
//! gate that denies is the same as the flag that is off; and once it allows, what the peer sends again comes in.
//!
//! Everything that a real server sent is sent to two workspaces: the flag is off in one, and on in the other, where
//! the gate denies.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use causeway_tests::command::component;
use causeway_tests::scene;
use serde_json::json;

use crate::player::{Player, text};
use crate::recording::{Exchange, is_sync};
use crate::stories::Story;

/// The connection used for all traffic.
const CONNECTION: &str = "everything";

/// Plays what one server of a story sent.
pub async fn compare(story: &'static Story, sender: char) -> Result<()> {
    let seat = if sender == 'A' { 'B' } else { 'A' };
    let mut flag = Player::new(story, seat).await?;
    let mut gate = Player::new(story, seat).await?;
    flag.allow_direct(false).await?;
    set_gate(&gate, "deny").await?;
    let sent = sent_about_direct(&gate, sender);
    ensure!(
        !sent.is_empty(),
        "nothing about direct channels was recorded"
    );
    for player in [&mut flag, &mut gate] {
        player.connect_earlier(CONNECTION).await?;
        for exchange in &sent {
            let status = tell(player, exchange).await?;
            ensure!(status == "FAIL", "{}: {status}", exchange.at());
        }
        let shown = posts_of_direct_channels(player).await?;
        ensure!(shown.is_empty(), "{shown:?} are shown");
    }
    set_gate(&gate, "allow").await?;
    for exchange in &sent {
        let status = tell(&mut gate, exchange).await?;
        ensure!(status == "OK", "{}: {status}", exchange.at());
    }
    let shown = posts_of_direct_channels(&gate).await?;
    ensure!(shown == live_posts(&sent), "{shown:?} are shown");
    flag.host.stop().await;
    gate.host.stop().await;
    Ok(())
}

/// Loads the gate, or swaps it for one with other settings.
async fn set_gate(player: &Player, default: &str) -> Result<()> {
    let gate = std::fs::read(component("policies/dm-gate.wasm")?)?;
    let settings = json!({ "default": default }).to_string();
    let body = json!({ "component": STANDARD.encode(gate), "settings": settings });
    let admin = &player.host.side.admin;
    admin.put("/causeway/policies/dm-gate", body).await?;
    Ok(())
}

/// What a server sent about direct and group channels that it had opened, and its peer had taken; not statements about
/// their members, which are answered before the channel is looked at.
fn sent_about_direct(player: &Player, sender: char) -> Vec<Exchange> {
    let files = player.story.files.iter();
    let exchanges = files.flat_map(|file| player.story.set.file(file));
    let mut opened = BTreeSet::new();
    let sent = exchanges.filter(|it| it.from == sender && !it.by_hand() && it.endpoint() == "msg");
    sent.filter(|exchange| {
        let answer = exchange.answer.as_ref();
        let was_taken = answer.is_some_and(|it| it.body.json().get("status").text() == "OK");
        if exchange.topic() == "sharedchannel_invite" {
            let is_direct = player.is_direct_place(invited(exchange));
            is_direct && was_taken && opened.insert(invited(exchange).to_string())
        } else {
            let of_opened = was_taken && opened.contains(exchange.channel());
            is_sync(exchange.topic()) && of_opened && has_content(exchange)
        }
    })
    .collect()
}

fn has_content(exchange: &Exchange) -> bool {
    let content = ["users", "posts", "reactions"];
    content
        .iter()
        .any(|key| exchange.payload().get(key).is_filled())
}

fn invited(exchange: &Exchange) -> &str {
    exchange.payload().get("channel_id").text()
}

/// Sends a request in the peer's name; the status of the answer.
async fn tell(player: &mut Player, exchange: &Exchange) -> Result<String> {
    if exchange.topic() == "sharedchannel_invite" {
        player.before_direct_invite(exchange).await?;
    }
    let payload = player.live_json(exchange.payload());
    let answer = player.say(exchange.topic(), payload).await;
    let answer = answer.with_context(|| exchange.at())?;
    Ok(answer.get("status").text().to_string())
}

/// The posts that our people see in their direct and group channels.
async fn posts_of_direct_channels(player: &Player) -> Result<BTreeSet<String>> {
    let mut shown = BTreeSet::new();
    for session in player.sessions.values() {
        let channels = session.get("/users/me/channels").await?;
        let channels = channels.as_array().into_iter().flatten();
        for channel in channels.filter(|it| matches!(it["type"].as_str(), Some("D" | "G"))) {
            let posts = scene::visible(session, &text(channel, "id")).await?;
            shown.extend(posts.into_iter().map(|post| post.id));
        }
    }
    Ok(shown)
}

/// The posts of direct channels that were not deleted in the end.
fn live_posts(sent: &[Exchange]) -> BTreeSet<String> {
    let mut live = BTreeSet::new();
    for exchange in sent {
        for post in exchange.payload().get("posts").list() {
            let id = post.get("id").text().to_string();
            if post.get("delete_at").integer() > 0 {
                live.remove(&id);
            } else {
                live.insert(id);
            }
        }
    }
    live
}
