//! Attacks by a peer with a valid invitation.

use anyhow::{Result, ensure};
use causeway_tests::handmade::START;
use futures_util::StreamExt;
use futures_util::stream;
use serde_json::{Map, Value, json};

use super::Site;

/// Frames in flight at the same time.
const AT_ONCE: usize = 8;
/// A time in the year 9999.
const FAR_MS: i64 = 253_400_000_000_000;

/// An id derived from a number.
fn id(kind: char, number: usize) -> String {
    let mut id: String = kind.to_string();
    let mut rest = number;
    while id.len() < 26 {
        let digit = u32::try_from(rest % 20).unwrap_or(0);
        id.push(char::from_digit(10 + digit, 36).unwrap_or('a'));
        rest /= 20;
    }
    id
}

/// Whether an answer says that a message was carried out. The workspace may defend itself by refusing
/// some; if it carries out none, there was no attack.
fn is_carried_out(answered: &Result<Value>) -> bool {
    answered.as_ref().is_ok_and(|it| it["status"] == "OK")
}

/// Sends sync messages for the shared channel.
async fn send(site: &Site, payloads: Vec<Value>) -> Result<()> {
    let mut taken = 0;
    let mut sending = stream::iter(payloads)
        .map(|payload| site.peer.sync(&site.shared, payload))
        .buffer_unordered(AT_ONCE);
    while let Some(answered) = sending.next().await {
        taken += usize::from(is_carried_out(&answered));
    }
    ensure!(taken > 0, "every message was refused");
    Ok(())
}

fn post(site: &Site, id: &str, at: i64) -> Value {
    json!({
        "id": id, "create_at": at, "update_at": at, "user_id": self::id('u', 0),
        "channel_id": site.shared, "message": "said by the peer",
    })
}

/// Users with minimal profiles, so that many of them fit into a message.
fn users(numbers: impl Iterator<Item = usize>) -> Value {
    let users: Map<String, Value> = numbers
        .map(|number| {
            let id = id('u', number);
            let profile = json!({
                "id": id, "username": format!("p{number}"), "update_at": START,
            });
            (id, profile)
        })
        .collect();
    json!({ "users": users })
}

/// Removes thousands of reactions on one post, then adds one of them over and over.
pub async fn reactions(site: &Site) -> Result<()> {
    send(site, vec![users(0..1)]).await?;
    let target = id('p', 0);
    send(site, vec![json!({ "posts": [post(site, &target, START)] })]).await?;
    let reaction = |number: usize| {
        json!({
            "user_id": id('u', 0), "post_id": target, "emoji_name": format!("emoji{number}"),
            "update_at": START,
        })
    };
    let removed = |number: usize| {
        let mut removed = reaction(number);
        removed["delete_at"] = json!(START);
        removed
    };
    let numbers: Vec<usize> = (0..9_500).collect();
    let frames = numbers.chunks(1_500).map(|numbers| {
        let list: Vec<Value> = numbers.iter().copied().map(removed).collect();
        json!({ "reactions": list })
    });
    send(site, frames.collect()).await?;
    let again: Vec<Value> = (0..1_900).map(|_| reaction(9_999)).collect();
    send(site, vec![json!({ "reactions": again }); 16]).await
}

/// Sends thousands of posts dated far in the future.
pub async fn far_future(site: &Site) -> Result<()> {
    let numbers: Vec<usize> = (1..=11_000).collect();
    let frames = numbers.chunks(500).map(|numbers| {
        let posts = numbers.iter().map(|it| post(site, &id('f', *it), FAR_MS));
        json!({ "posts": posts.collect::<Vec<_>>() })
    });
    send(site, frames.collect()).await
}

/// Sends twelve frames of 2,500 profiles.
pub async fn people(site: &Site) -> Result<()> {
    let frames = (0..12).map(|frame| users(frame * 2_500 + 1..(frame + 1) * 2_500 + 1));
    send(site, frames.collect()).await
}

/// Offers two thousand channels.
pub async fn invitations(site: &Site) -> Result<()> {
    let mut sending = stream::iter(0..2_000)
        .map(|number| {
            let payload = json!({
                "channel_id": id('c', number), "team_id": "", "read_only": false,
                "name": format!("channel-{number}"), "display_name": "A channel", "type": "O",
                "header": "", "purpose": "", "direct_participant_ids": null,
            });
            site.peer.say("sharedchannel_invite", payload)
        })
        .buffer_unordered(AT_ONCE);
    let mut taken = 0;
    while let Some(answered) = sending.next().await {
        taken += usize::from(is_carried_out(&answered));
    }
    ensure!(taken > 0, "every invitation was refused");
    Ok(())
}
