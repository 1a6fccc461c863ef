//! What real servers of 11.6 said about members (17) and people without a channel (18), carried out: each
//! message is answered as the recorded server answered it, and in the end the workspace shows what was said.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::json::Json;
use crate::player::{Player, text};
use crate::recording::{Exchange, is_sync};
use crate::stories::Story;
use crate::world;

/// The connection used for all traffic.
const CONNECTION: &str = "people";

/// What a server said, by recorded ids.
#[derive(Default)]
struct Said {
    /// When each of its users last joined or left a channel, and whether the user left.
    members: BTreeMap<(String, String), (i64, bool)>,
    /// Its users, in channels and without.
    users: BTreeSet<String>,
}

/// Plays what one server sent in a recording.
pub async fn carry_out(story: &'static Story, file: &str, sender: char) -> Result<()> {
    let seat = if sender == 'A' { 'B' } else { 'A' };
    let mut player = Player::new(story, seat).await?;
    player.connect_earlier(CONNECTION).await?;
    let flags = json!({ "FeatureFlags": {
        "EnableSharedChannelsMemberSync": true, "EnableSyncAllUsersForRemoteCluster": true,
    }});
    player.host.side.admin.put("/config/patch", flags).await?;
    let mut said = Said::default();
    let mut opened = BTreeSet::new();
    for exchange in story.set.file(file) {
        if exchange.from != sender || !is_sync(exchange.topic()) {
            continue;
        }
        step(&player, &exchange, &mut opened, &mut said)
            .await
            .with_context(|| exchange.at())?;
    }
    check(&player, &said).await?;
    player.host.stop().await;
    Ok(())
}

async fn step(
    player: &Player,
    exchange: &Exchange,
    opened: &mut BTreeSet<String>,
    said: &mut Said,
) -> Result<()> {
    let channel = exchange.channel();
    if !channel.is_empty() && opened.insert(channel.to_string()) {
        let invite = world::invented(channel);
        let answer = player.say("sharedchannel_invite", invite).await?;
        ensure!(answer.get("status").text() == "OK", "{answer:?}");
    }
    let payload = exchange.payload();
    let answer = player.say(exchange.topic(), payload.clone()).await?;
    ensure!(answer.get("status").text() == "OK", "{answer:?}");
    assert_eq!(answer.get("payload").kind(), exchange.answered().kind());
    for (id, _) in payload.get("users").members() {
        said.users.insert(id.clone());
    }
    let is_own = |id: &str| {
        let person = player.world.people.get(id);
        person.is_some_and(|person| person.home == exchange.from)
    };
    for change in payload.get("membership_changes").list() {
        let (channel, user) = (change.get("channel_id"), change.get("user_id").text());
        if channel.text() != exchange.channel() || !is_own(user) {
            continue;
        }
        let left = change.get("is_add") != &Json::Bool(true);
        let version = (change.get("change_time").integer(), left);
        let key = (channel.text().to_string(), user.to_string());
        let last = said.members.entry(key).or_insert(version);
        *last = version.max(*last);
    }
    Ok(())
}

/// Compares what was said with what the workspace shows.
async fn check(player: &Player, said: &Said) -> Result<()> {
    let admin = &player.host.side.admin;
    let mut members: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for ((channel, user), (_, left)) in &said.members {
        if !members.contains_key(channel) {
            let path = format!("/channels/{channel}/members?per_page=200");
            let list = admin.get(&path).await?;
            let ids = list.as_array().into_iter().flatten();
            let ids = ids.map(|member| text(member, "user_id")).collect();
            members.insert(channel.clone(), ids);
        }
        let is_member = members[channel].contains(user);
        ensure!(is_member != *left, "{user} in {channel}: {is_member}");
    }
    ensure!(!said.users.is_empty(), "nobody was named");
    for id in &said.users {
        let user = admin.get(&format!("/users/{id}")).await?;
        ensure!(text(&user, "username").contains(":site-"), "{user}");
        if said.members.is_empty() {
            // Nobody is a member of anything through an offer.
            let teams = admin.get(&format!("/users/{id}/teams")).await?;
            ensure!(teams == Value::Array(Vec::new()), "{teams}");
        }
    }
    Ok(())
}
