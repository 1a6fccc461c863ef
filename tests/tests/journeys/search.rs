//! Searching what was written: the language, who finds what, and an index that is lost, damaged or left
//! behind by a crash.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use causeway_tests::client::Client;
use causeway_tests::process::Workspace;
use causeway_tests::scene::{self, Side, edit, post, wait_for};
use causeway_tests::warm;
use hyper::Method;
use serde_json::{Value, json};

use crate::pair::Pair;
use crate::shared_files::{shown, write};

/// Searches posts; the ids found, newest first.
async fn search(user: &Client, terms: &str) -> Result<Vec<String>> {
    let found = ask(user, "/posts/search", json!({ "terms": terms })).await?;
    for id in ids(&found) {
        ensure!(found["posts"][&id]["id"] == id.as_str(), "{id}: {found}");
    }
    Ok(ids(&found))
}

async fn ask(user: &Client, path: &str, body: Value) -> Result<Value> {
    user.post(path, body).await
}

fn ids(found: &Value) -> Vec<String> {
    let order = found["order"].as_array().into_iter().flatten();
    order
        .filter_map(Value::as_str)
        .map(str::to_string)
        .collect()
}

/// A workspace with a channel of two.
struct Town {
    workspace: Workspace,
    side: Side,
    ann: Client,
    bob: Client,
    channel: String,
}

async fn town(data: &Path) -> Result<Town> {
    let workspace = warm::start("acme", data).await?;
    let side = Side::prepare("acme", &workspace.site_url(), "acme").await?;
    let (ann, bob) = (side.user("ann").await?, side.user("bob").await?);
    let channel = side.channel("harbour", &[&ann, &bob]).await?;
    // The index that is begun at the first start is waited for; from then on a search is never behind.
    let first = post(&ann, &channel, "", "lighthouse").await?;
    wait_for("the index", async || {
        Ok(search(&ann, "lighthouse").await? == [first.as_str()])
    })
    .await?;
    Ok(Town {
        workspace,
        side,
        ann,
        bob,
        channel,
    })
}

#[tokio::test]
async fn what_was_just_written_is_found_by_words_and_modifiers() -> Result<()> {
    let data = tempfile::tempdir()?;
    let town = town(data.path()).await?;
    let (ann, bob, channel) = (&town.ann, &town.bob, town.channel.as_str());
    let market = town.side.channel("market", &[ann]).await?;
    let fish = post(
        ann,
        channel,
        "",
        "Fresh fish at the old harbour #Fish-Market",
    )
    .await?;
    let boats = post(bob, channel, "", "old boats, fresh paint").await?;
    let cafe = post(ann, &market, "", "Das Café in der Straße öffnet").await?;
    let tokyo = post(ann, &market, "", "明日は東京タワーに行きます").await?;
    let cases: [(&str, &[&str]); 28] = [
        ("fresh", &[&boats, &fish]),
        ("FISH", &[&fish]),
        ("old fresh", &[&boats, &fish]),
        ("\"old harbour\"", &[&fish]),
        ("\"harbour old\"", &[]),
        ("fresh -boats", &[&fish]),
        ("fresh -\"fresh paint\"", &[&fish]),
        ("harb*", &[&fish]),
        ("harb", &[]),
        ("#fish-market", &[&fish]),
        ("#fish", &[]),
        ("#fish*", &[&fish]),
        ("fresh from:bob", &[&boats]),
        ("fresh from:@ann", &[&fish]),
        ("fresh -from:bob", &[&fish]),
        ("from:ann from:bob fresh", &[&boats, &fish]),
        ("from:nobody", &[]),
        ("in:market", &[&tokyo, &cafe]),
        ("in:~market cafe", &[&cafe]),
        ("fresh -in:harbour", &[]),
        ("strasse OFFNET", &[&cafe]),
        ("東京", &[&tokyo]),
        ("京タ", &[&tokyo]),
        ("京都", &[]),
        ("明", &[&tokyo]),
        ("fresh before:2001-01-01", &[]),
        ("fresh after:2001-01-01", &[&boats, &fish]),
        ("fresh on:2001-01-01", &[]),
    ];
    for (terms, expected) in cases {
        assert_eq!(search(ann, terms).await?, expected, "{terms}");
    }
    let either = json!({ "terms": "paint harbour", "is_or_search": true });
    let either = ask(ann, "/posts/search", either).await?;
    assert_eq!(ids(&either), [boats.clone(), fish.clone()]);

    // The shape of an answer, its headers, its pages, and what is refused.
    let page = |page| json!({ "terms": "fresh", "page": page, "per_page": 1 });
    let path = format!("/teams/{}/posts/search", town.side.team_id);
    let first = ask(ann, &path, page(0)).await?;
    assert_eq!(ids(&first), [boats.as_str()]);
    ensure!(first["matches"] == json!({}));
    ensure!(first["next_post_id"] == "" && first["prev_post_id"] == "");
    ensure!(first["first_inaccessible_post_time"] == 0);
    assert_eq!(ids(&ask(ann, &path, page(1)).await?), [fish.as_str()]);
    assert!(ids(&ask(ann, &path, page(2)).await?).is_empty());
    for terms in [
        json!(""),
        json!("  "),
        Value::Null,
        json!("x".repeat(5_000)),
    ] {
        let refused = ann
            .call(Method::POST, &path, Some(json!({ "terms": terms })))
            .await?;
        assert_eq!(refused.status, 400, "{terms}");
    }
    assert!(search(ann, "…").await?.is_empty());

    // Edits and deletions.
    edit(ann, &fish, "Smoked eel").await?;
    assert_eq!(search(ann, "fresh").await?, [boats.as_str()]);
    assert!(search(ann, "#fish-market").await?.is_empty());
    assert_eq!(search(ann, "eel").await?, [fish.as_str()]);
    ann.delete(&format!("/posts/{fish}")).await?;
    assert!(search(ann, "eel").await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn only_members_find_anything_and_only_while_they_are_members() -> Result<()> {
    let data = tempfile::tempdir()?;
    let town = town(data.path()).await?;
    let (ann, bob, channel) = (&town.ann, &town.bob, town.channel.as_str());
    let carl = town.side.user("carl").await?;
    let secret = post(ann, channel, "", "buried treasure").await?;
    assert_eq!(search(bob, "treasure").await?, [secret.as_str()]);
    // The channel is public: to read it is one thing, to search in it another.
    assert!(search(&carl, "treasure").await?.is_empty());
    assert!(search(&carl, "from:ann").await?.is_empty());
    let member = format!("/channels/{channel}/members/{}", scene::id_of(bob).await?);
    town.side.admin.delete(&member).await?;
    assert!(search(bob, "treasure").await?.is_empty());

    // A direct channel belongs to every team, and to nobody else.
    let pair = json!([scene::id_of(ann).await?, scene::id_of(bob).await?]);
    let direct = ann.post("/channels/direct", pair).await?;
    let direct = direct["id"].as_str().context("a channel")?;
    let whisper = post(ann, direct, "", "treasure map").await?;
    let path = format!("/teams/{}/posts/search", town.side.team_id);
    let in_team = ask(bob, &path, json!({ "terms": "treasure" })).await?;
    assert_eq!(ids(&in_team), [whisper.as_str()]);
    assert_eq!(search(bob, "in:@ann treasure").await?, [whisper.as_str()]);
    assert!(search(&town.side.admin, "map").await?.is_empty());

    // Archived channels are searched on request.
    town.side
        .admin
        .delete(&format!("/channels/{channel}"))
        .await?;
    assert!(search(ann, "buried").await?.is_empty());
    let archived = json!({ "terms": "buried", "include_deleted_channels": true });
    let archived = ask(ann, "/posts/search", archived).await?;
    assert_eq!(ids(&archived), [secret.as_str()]);
    Ok(())
}

#[tokio::test]
async fn posts_and_files_of_both_sides_of_a_shared_channel_are_found() -> Result<()> {
    let pair = Pair::open(50).await?;
    let (ann, carla) = (&pair.acme.user, &pair.globex.user);
    let here = post(ann, &pair.channel, "", "tide tables for june").await?;
    scene::arrives(carla, &here).await?;
    let there = post(carla, &pair.channel, "", "tide tables for july").await?;
    scene::arrives(ann, &there).await?;
    for user in [ann, carla] {
        wait_for("both posts to be found", async || {
            Ok(search(user, "\"tide tables\"").await? == [there.as_str(), here.as_str()])
        })
        .await?;
    }
    edit(carla, &there, "sold out").await?;
    wait_for("the edited post", async || {
        Ok(search(ann, "sold").await? == [there.as_str()])
    })
    .await?;
    assert_eq!(search(ann, "tide").await?, [here.as_str()]);
    carla.delete(&format!("/posts/{there}")).await?;
    wait_for("the deleted post to be forgotten", async || {
        Ok(search(ann, "sold").await?.is_empty())
    })
    .await?;

    let files: [(&str, &[u8]); 2] = [("Übersicht plan.pdf", b"%PDF"), ("tide.txt", b"high")];
    let with_files = write(ann, &pair.channel, &files).await?;
    shown(carla, &with_files, 2).await?;
    for user in [ann, carla] {
        let find = async |terms: &str| -> Result<Vec<Value>> {
            let found = ask(user, "/files/search", json!({ "terms": terms })).await?;
            ensure!(found["next_file_info_id"] == "" && found["prev_file_info_id"] == "");
            ensure!(found["first_inaccessible_file_time"] == 0);
            let ids = ids(&found);
            Ok(ids
                .iter()
                .map(|id| found["file_infos"][id]["name"].clone())
                .collect())
        };
        let plan = "Übersicht plan.pdf";
        wait_for("the file", async || Ok(find("ubersicht").await? == [plan])).await?;
        assert_eq!(find("ext:pdf").await?, [plan]);
        assert_eq!(find("plan -ext:pdf").await?.len(), 0);
        assert_eq!(find("tid*").await?, ["tide.txt"]);
    }
    ann.delete(&format!("/posts/{with_files}")).await?;
    let gone = ask(ann, "/files/search", json!({ "terms": "tide" })).await?;
    assert!(ids(&gone).is_empty());
    Ok(())
}

#[tokio::test]
async fn a_lost_damaged_or_old_index_is_built_again() -> Result<()> {
    let data = tempfile::tempdir()?;
    let mut town = town(data.path()).await?;
    let channel = town.channel.clone();
    let kept = post(&town.ann, &channel, "", "anchor chain").await?;
    let edited = post(&town.ann, &channel, "", "anchor rope").await?;
    let finds = async |ann: &Client, terms: &str, expected: &[&str]| {
        wait_for(&format!("`{terms}` to be found"), async || {
            Ok(search(ann, terms).await? == expected)
        })
        .await
    };
    finds(&town.ann, "anchor", &[&edited, &kept]).await?;
    let index = data.path().join("search");

    // A crash: what was changed shortly before is found all the same, and nothing else.
    edit(&town.ann, &edited, "mooring line").await?;
    let last = post(&town.ann, &channel, "", "anchor light").await?;
    town.workspace.crash()?;
    town.workspace.start_again().await?;
    finds(&town.ann, "anchor", &[&last, &kept]).await?;
    finds(&town.ann, "mooring", &[&edited]).await?;

    // The folder is gone.
    town.workspace.crash()?;
    fs::remove_dir_all(&index)?;
    town.workspace.start_again().await?;
    finds(&town.ann, "anchor", &[&last, &kept]).await?;

    // Every file of it holds something else; then only its description.
    for is_every in [true, false] {
        town.workspace.crash()?;
        for file in fs::read_dir(&index)? {
            let path = file?.path();
            if is_every || path.ends_with("meta.json") {
                fs::write(&path, "garbage".repeat(100))?;
            }
        }
        town.workspace.start_again().await?;
        finds(&town.ann, "anchor", &[&last, &kept]).await?;
        finds(&town.ann, "mooring", &[&edited]).await?;
    }

    // An orderly end leaves an index that is complete, and the next start goes on from there.
    let port = town.workspace.port;
    let data = town.workspace.stop().await?;
    let log = fs::read_to_string(data.join("log"))?;
    let builds = |log: &str| log.matches("the index of search is up to date").count();
    let before = builds(&log);
    let workspace = Workspace::start("acme", &data, port).await?;
    let ann = workspace.client().login("ann", scene::PASSWORD).await?;
    finds(&ann, "anchor", &[&last, &kept]).await?;
    let log = fs::read_to_string(data.join("log"))?;
    assert_eq!(builds(&log), before);
    Ok(())
}
