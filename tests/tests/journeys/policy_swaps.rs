//! An administrator loads, rehearses, reorders, swaps and rolls back policies while people on both sides write.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, ensure};
use causeway_tests::client::Client;
use causeway_tests::command::{causeway, component, policy, replay};
use causeway_tests::scene::{Shown, arrives, post, visible, wait_for};
use serde_json::Value;

use crate::pair::{End, Pair};

/// How often the administrator goes through all changes.
const ROUNDS: usize = 2;

/// What the chains that are ever in force make of a text. A chain that is half of one and half of another would
/// leave something else: one word, the same word twice, or ` crimson blue`.
const RED_BLUE: &str = " red blue";
const BLUE_RED: &str = " blue red";
const BLUE_CRIMSON: &str = " blue crimson";

/// `causeway policy` with the testing component in a slot, which appends a word to each post that crosses.
async fn put(end: &End, verb: &str, slot: &str, word: &str) -> Result<String> {
    let path = component("testing/policy.wasm")?;
    let settings = format!("append  {word}");
    let arguments = [verb, slot, &path.to_string_lossy(), "--settings", &settings];
    policy(&end.workspace.site_url(), &arguments).await
}

/// Posts that somebody writes before waiting for the last of them to arrive.
const AHEAD: usize = 5;

/// Writes posts until told to stop; returns their texts.
async fn write(
    (writer, reader): (&Client, &Client),
    channel: &str,
    name: &str,
    stop: &AtomicBool,
) -> Result<Vec<String>> {
    let mut written = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let text = format!("{name} {}", written.len());
        let made = post(writer, channel, "", &text).await?;
        written.push(text);
        if written.len() % AHEAD == 0 {
            arrives(reader, &made).await?;
        }
    }
    Ok(written)
}

/// Checks what the chain that is in force makes of a post.
async fn decides(pair: &Pair, ending: &str) -> Result<()> {
    let probe = post(&pair.acme.user, &pair.channel, "", "probe").await?;
    arrives(&pair.globex.user, &probe).await?;
    let there = pair.globex.user.get(&format!("/posts/{probe}")).await?;
    ensure!(there["message"] == format!("probe{ending}"), "{there}");
    Ok(())
}

/// `policy try` on what the running service has recorded: how many questions a swap would change.
async fn rehearse(end: &End, slot: &str, word: &str) -> Result<u64> {
    let path = component("testing/policy.wasm")?;
    let (path, data) = (path.to_string_lossy(), end.workspace.data.to_string_lossy());
    let settings = format!("append  {word}");
    let tried = causeway(&[
        "policy",
        "try",
        slot,
        &path,
        "--settings",
        &settings,
        "--journal",
        &data,
        "--json",
    ])
    .await?;
    ensure!(
        tried.status.success(),
        "{}",
        String::from_utf8_lossy(&tried.stderr)
    );
    let found: Value = serde_json::from_slice(&tried.stdout)?;
    let changes = found["gates"]["post-gate"]["changes"].as_array();
    let changes = changes.context("the post gate was asked")?.iter();
    Ok(changes.filter_map(|it| it["questions"].as_u64()).sum())
}

/// Everything that an administrator does; each chain has decided about something before the next one follows.
async fn administer(pair: &Pair) -> Result<()> {
    let end = &pair.acme;
    let url = end.workspace.site_url();
    let order = async |names: [&str; 2]| policy(&url, &["order", names[0], names[1]]).await;
    for _ in 0..ROUNDS {
        decides(pair, RED_BLUE).await?;
        order(["second", "first"]).await?;
        decides(pair, BLUE_RED).await?;
        ensure!(
            rehearse(end, "first", "crimson").await? > 0,
            "a swap would change nothing"
        );
        put(end, "swap", "first", "crimson").await?;
        decides(pair, BLUE_CRIMSON).await?;
        policy(&url, &["rollback", "first"]).await?;
        decides(pair, BLUE_RED).await?;
        order(["first", "second"]).await?;
    }
    decides(pair, RED_BLUE).await
}

/// Checks that each of the texts is there once, as one of the chains left it.
fn check(shown: &[Shown], name: &str, written: &[String]) -> Result<()> {
    let of_them = |post: &&Shown| post.message.starts_with(name);
    let mut arrived = Vec::new();
    for post in shown.iter().filter(of_them) {
        let endings = [RED_BLUE, BLUE_RED, BLUE_CRIMSON].into_iter();
        let text = endings
            .filter_map(|it| post.message.strip_suffix(it))
            .next();
        let text = text.with_context(|| format!("no chain made this: {}", post.message))?;
        arrived.push(text.to_string());
    }
    let mut wanted = written.to_vec();
    wanted.sort();
    arrived.sort();
    ensure!(arrived == wanted, "{} of {}", arrived.len(), wanted.len());
    Ok(())
}

#[tokio::test]
async fn every_post_shows_one_chain_while_policies_are_swapped_under_traffic() -> Result<()> {
    let pair = Pair::open(10).await?;
    put(&pair.acme, "load", "first", "red").await?;
    put(&pair.acme, "load", "second", "blue").await?;
    let (ann, carla) = (&pair.acme.user, &pair.globex.user);
    let stop = AtomicBool::new(false);
    let administering = async {
        let done = administer(&pair).await;
        stop.store(true, Ordering::Relaxed);
        done
    };
    let (administered, from_ann, from_carla) = tokio::join!(
        administering,
        write((ann, carla), &pair.channel, "ann", &stop),
        write((carla, ann), &pair.channel, "carla", &stop),
    );
    administered?;
    let (from_ann, from_carla) = (from_ann?, from_carla?);

    for (reader, name, written) in [(carla, "ann", from_ann), (ann, "carla", from_carla)] {
        wait_for("every post to arrive", async || {
            let shown = visible(reader, &pair.channel).await?;
            let arrived = shown.iter().filter(|it| it.message.starts_with(name));
            Ok(arrived.count() >= written.len())
        })
        .await?;
        check(&visible(reader, &pair.channel).await?, name, &written)?;
    }
    let waiting = pair.acme.side.admin.get("/causeway/exceptions").await?;
    assert_eq!(waiting, serde_json::json!([]));
    for end in [&pair.acme, &pair.globex] {
        replay(&end.workspace.data).await?;
    }
    Ok(())
}
