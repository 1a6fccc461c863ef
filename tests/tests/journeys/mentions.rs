//! Mentions. In a shared channel where both sides have a John, mentions are rewritten for those who read
//! them, and everything else stays exactly as it was written. A user's unseen mentions are counted.

use anyhow::{Context, Result, ensure};
use causeway_tests::client::{Client, Events, HEARD_WITHIN};
use causeway_tests::scene::{self, wait_for};
use hyper::Method;
use serde_json::{Value, json};

use crate::pair::{End, Pair};

/// Texts that mention nobody.
const UNTOUCHED: [&str; 12] = [
    "`@john` and `` a ` @john ``",
    "```\n@john\n```",
    "~~~ text\n@john\n~~~",
    "    @john",
    "text\n\n    @john",
    "> ```\n> @john\n> ```",
    "https://m.example/@john",
    "see www.m.example/@john or m.example/@john",
    "[John](https://m.example/@john \"@john\")",
    "![John](/@john)",
    "[John][1]\n\n[1]: /@john",
    "mail to john@john",
];

/// The text of the next ordinary post received, and whether the receiver is mentioned in it.
async fn heard(events: &mut Events) -> Result<(String, bool)> {
    loop {
        let event = events.next("posted", |_| true, HEARD_WITHIN).await?;
        let post: Value = serde_json::from_str(event["data"]["post"].as_str().unwrap_or_default())?;
        // A system message reports who joined.
        if post["type"] == "" {
            let text = post["message"].as_str().context("a text")?.to_string();
            return Ok((text, event["data"]["mentions"].is_string()));
        }
    }
}

/// A user of the shared channel.
async fn member(end: &End, channel: &str, name: &str) -> Result<Client> {
    let user = end.side.user(name).await?;
    end.side.join(channel, &[&user]).await?;
    Ok(user)
}

#[tokio::test]
async fn texts_that_mention_nobody_cross_unchanged_and_nobody_is_told() -> Result<()> {
    let pair = Pair::open(50).await?;
    let (acme, globex) = (&pair.acme, &pair.globex);
    let here = member(acme, &pair.channel, "john").await?;
    let there = member(globex, &pair.channel, "john").await?;
    let (mut here, mut there) = (here.events().await?, there.events().await?);
    let say = async |user: &Client, text: &str| scene::post(user, &pair.channel, "", text).await;

    for text in UNTOUCHED {
        say(&acme.user, text).await?;
        let told = (text.to_string(), false);
        assert_eq!(heard(&mut here).await?, told);
        assert_eq!(heard(&mut there).await?, told);
    }
    // Each text, as the Johns of the writing side and of the other side receive it.
    let (written, elsewhere) = (
        "@john, _@john_ and `@john`",
        "@john:acme, _@john:acme_ and `@john`",
    );
    say(&acme.user, written).await?;
    assert_eq!(heard(&mut here).await?, (written.to_string(), true));
    assert_eq!(heard(&mut there).await?, (elsewhere.to_string(), false));
    let (written, elsewhere) = ("_@john:acme_ `@john:acme`", "_@john_ `@john:acme`");
    say(&globex.user, written).await?;
    assert_eq!(heard(&mut there).await?, (written.to_string(), false));
    assert_eq!(heard(&mut here).await?, (elsewhere.to_string(), true));
    Ok(())
}

/// Unread messages, unseen mentions, and those in roots of threads, everywhere a client looks for them.
/// An error if the places differ, as they may while posts arrive.
async fn counts(user: &Client, side: &scene::Side, channel: &str) -> Result<[i64; 3]> {
    let of = |found: &Value| {
        ["msg_count", "mention_count", "mention_count_root"]
            .map(|key| found[key].as_i64().unwrap_or(-1))
    };
    let unread = user
        .get(&format!("/users/me/channels/{channel}/unread"))
        .await?;
    let [messages, mentions, roots] = of(&unread);
    let member = user.get(&format!("/channels/{channel}/members/me")).await?;
    ensure!(of(&member)[1..] == [mentions, roots]);
    let list = format!("/users/me/teams/{}/channels/members", side.team_id);
    let list = user.get(&list).await?;
    let listed = list.as_array().into_iter().flatten();
    let listed = listed
        .filter(|it| it["channel_id"] == channel)
        .map(of)
        .next();
    ensure!(listed.context("the membership")?[1..] == [mentions, roots]);
    let teams = user.get("/users/me/teams/unread").await?;
    ensure!(teams[0]["team_id"] == side.team_id.as_str());
    let team = user
        .get(&format!("/users/me/teams/{}/unread", side.team_id))
        .await?;
    ensure!(teams == json!([team]));
    ensure!(of(&team)[1..] == [mentions, roots]);
    Ok([messages, mentions, roots])
}

#[tokio::test]
async fn unseen_mentions_are_counted_for_posts_of_both_sides() -> Result<()> {
    let pair = Pair::open(50).await?;
    let (acme, channel) = (&pair.acme, &pair.channel);
    let john = member(acme, channel, "john").await?;
    let see = async || {
        let body = json!({ "channel_id": channel });
        john.post("/channels/members/me/view", body).await
    };
    let edit = async |user: &Client, post: &str, text: &str| {
        let path = format!("/posts/{post}/patch");
        let body = json!({ "message": text });
        user.call(Method::PUT, &path, Some(body)).await?.ok()
    };
    let seen = async |expected: [i64; 3]| {
        wait_for(&format!("{expected:?} to be counted"), async || {
            Ok(counts(&john, &acme.side, channel).await? == expected)
        })
        .await
    };
    see().await?;
    seen([0, 0, 0]).await?;

    let ann = &acme.user;
    let root = scene::post(ann, channel, "", "@john, look").await?;
    seen([1, 1, 1]).await?;
    let reply = scene::post(ann, channel, &root, "and @all").await?;
    seen([2, 2, 1]).await?;
    scene::post(ann, channel, "", "`@john`").await?;
    seen([3, 2, 1]).await?;
    edit(ann, &root, "look").await?;
    seen([3, 1, 0]).await?;
    edit(ann, &root, "look, @John!").await?;
    seen([3, 2, 1]).await?;
    ann.call(Method::DELETE, &format!("/posts/{reply}"), None)
        .await?
        .ok()?;
    seen([3, 1, 1]).await?;
    see().await?;
    seen([0, 0, 0]).await?;
    // Mentions that were seen are not counted any more, and deleting the post does not subtract them.
    ann.call(Method::DELETE, &format!("/posts/{root}"), None)
        .await?
        .ok()?;
    seen([0, 0, 0]).await?;

    let carla = &pair.globex.user;
    let theirs = scene::post(carla, channel, "", "@john:acme, hello").await?;
    seen([1, 1, 1]).await?;
    edit(carla, &theirs, "hello").await?;
    seen([1, 0, 0]).await?;
    edit(carla, &theirs, "@channel: hello").await?;
    seen([1, 1, 1]).await?;
    carla
        .call(Method::DELETE, &format!("/posts/{theirs}"), None)
        .await?
        .ok()?;
    seen([1, 0, 0]).await?;
    // Authors have seen the channel, and are not notified of their own posts.
    scene::post(&john, channel, "", "@all @john").await?;
    seen([0, 0, 0]).await?;
    Ok(())
}
