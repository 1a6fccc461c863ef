//! What the shipped policies let cross besides posts, how admins arrange them, and what one would have decided.

use anyhow::{Context, Result, ensure};
use causeway_tests::client::Client;
use causeway_tests::command::{causeway, component, policy, replay};
use causeway_tests::scene::{arrives, id_of, post, react, wait_for};
use hyper::Method;
use serde_json::{Value, json};

use crate::form::Form;
use crate::pair::{End, Pair};

/// `causeway policy` with a component of this build in the slot of its name.
pub async fn put(end: &End, verb: &str, name: &str, settings: &Value) -> Result<String> {
    let path = component(&format!("policies/{name}.wasm"))?;
    let settings = settings.to_string();
    let path = path.to_string_lossy();
    let arguments = [verb, name, &path, "--settings", &settings];
    policy(&end.workspace.site_url(), &arguments).await
}

async fn testing(end: &End, verb: &str, slot: &str, settings: &str) -> Result<String> {
    let path = component("testing/policy.wasm")?;
    let arguments = [verb, slot, &path.to_string_lossy(), "--settings", settings];
    policy(&end.workspace.site_url(), &arguments).await
}

async fn reactions(reader: &Client, post: &str) -> Result<Vec<String>> {
    let list = reader.get(&format!("/posts/{post}/reactions")).await?;
    let list = list.as_array().cloned().unwrap_or_default();
    let name = |it: &Value| it["emoji_name"].as_str().unwrap_or_default().to_string();
    Ok(list.iter().map(name).collect())
}

async fn files_of(reader: &Client, post: &str) -> Result<Vec<String>> {
    let list = reader.get(&format!("/posts/{post}/files/info")).await?;
    let list = list.as_array().cloned().unwrap_or_default();
    let name = |it: &Value| it["name"].as_str().unwrap_or_default().to_string();
    Ok(list.iter().map(name).collect())
}

#[tokio::test]
async fn reactions_that_a_policy_denies_stay_until_it_is_gone() -> Result<()> {
    let pair = Pair::open(50).await?;
    let (ann, carla) = (&pair.acme.user, &pair.globex.user);
    testing(&pair.acme, "load", "closed", "at reaction-gate deny no").await?;
    let first = post(ann, &pair.channel, "", "look at this").await?;
    arrives(carla, &first).await?;
    react(ann, &first, "tada").await?;
    react(carla, &first, "eyes").await?;
    // The next post goes after what was denied.
    let next = post(ann, &pair.channel, "", "and at this").await?;
    arrives(carla, &next).await?;
    assert_eq!(reactions(carla, &first).await?, ["eyes"]);
    let held = pair.acme.side.admin.get("/causeway/exceptions").await?;
    let held = held.as_array().context("a list")?;
    assert!(
        held.iter()
            .any(|row| row["state"] == "denied" && row["reason"] == "no")
    );
    policy(&pair.acme.workspace.site_url(), &["unload", "closed"]).await?;
    wait_for("the reaction", async || {
        Ok(reactions(carla, &first).await?.len() == 2)
    })
    .await?;
    for end in [&pair.acme, &pair.globex] {
        replay(&end.workspace.data).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_post_goes_without_the_file_that_a_policy_denies_and_gets_it_later() -> Result<()> {
    let pair = Pair::open(50).await?;
    let (ann, carla) = (&pair.acme.user, &pair.globex.user);
    let rules = json!({ "rules": [{ "deny": { "extensions": ["exe"] } }] });
    put(&pair.acme, "load", "file-gate", &rules).await?;
    let form = Form::default()
        .field("channel_id", &pair.channel)
        .file("setup.exe", b"MZ")
        .file("notes.txt", b"hello");
    let infos = form.send(ann, "/files").await?.ok()?["file_infos"].clone();
    let ids: Vec<&Value> = infos
        .as_array()
        .context("files")?
        .iter()
        .map(|it| &it["id"])
        .collect();
    let body = json!({ "channel_id": pair.channel, "message": "two files", "file_ids": ids });
    let made = ann.post("/posts", body).await?;
    let made = made["id"].as_str().context("an id")?.to_string();
    arrives(carla, &made).await?;
    wait_for("the file that may cross", async || {
        Ok(files_of(carla, &made).await? == ["notes.txt"])
    })
    .await?;
    put(
        &pair.acme,
        "swap",
        "file-gate",
        &json!({ "rules": [{ "max_bytes": 1000 }] }),
    )
    .await?;
    wait_for("the other file", async || {
        Ok(files_of(carla, &made).await?.len() == 2)
    })
    .await?;
    Ok(())
}

#[tokio::test]
async fn a_mention_of_everybody_that_a_policy_silences_notifies_nobody_over_there() -> Result<()> {
    let pair = Pair::open(50).await?;
    let (ann, carla, channel) = (&pair.acme.user, &pair.globex.user, &pair.channel);
    // Before: a mention of everybody crosses, and is counted.
    let unread = format!("/users/me/channels/{channel}/unread");
    let counted = async || -> Result<i64> {
        let found = carla.get(&unread).await?;
        found["mention_count"].as_i64().context("a number")
    };
    let said = async |text: &str| -> Result<String> {
        let made = post(ann, channel, "", text).await?;
        arrives(carla, &made).await?;
        let there = carla.get(&format!("/posts/{made}")).await?;
        Ok(there["message"].as_str().unwrap_or_default().to_string())
    };
    assert_eq!(
        said("@channel, good morning").await?,
        "@channel, good morning"
    );
    let before = counted().await?;
    let silence = json!({ "rules": [
        { "direction": "inbound", "everybody": "silence" },
        { "everybody": "deny" },
    ] });
    put(&pair.globex, "load", "mention-gate", &silence).await?;
    let shown = said("@channel and `@here`: lunch, @all!").await?;
    assert_eq!(shown, "channel and `@here`: lunch, all!");
    assert_eq!(counted().await?, before);
    let made = post(ann, channel, "", "@here again").await?;
    arrives(carla, &made).await?;
    let path = format!("/posts/{made}");
    assert_eq!(ann.get(&path).await?["message"], "@here again");
    assert_eq!(carla.get(&path).await?["message"], "here again");
    assert_eq!(counted().await?, before);
    // People are none of the policy's business, and what carla writes leaves only without the word.
    said("@carla, look").await?;
    assert_eq!(counted().await?, before + 1);
    let held = post(carla, channel, "", "@all: no").await?;
    wait_for("the denial", async || {
        let list = pair.globex.side.admin.get("/causeway/exceptions").await?;
        let mut rows = list.as_array().into_iter().flatten();
        Ok(rows.any(|row| row["post_id"] == held.as_str() && row["state"] == "denied"))
    })
    .await?;
    for end in [&pair.acme, &pair.globex] {
        replay(&end.workspace.data).await?;
    }
    Ok(())
}

#[tokio::test]
async fn profiles_leave_without_what_a_policy_strips() -> Result<()> {
    let pair = Pair::open(50).await?;
    let strip = json!({ "rules": [{
        "direction": "outbound", "strip": ["email", "first_name", "last_name", "position"],
    }]});
    put(&pair.acme, "load", "profile-privacy", &strip).await?;
    let bob = pair.acme.side.user("bob").await?;
    let body = json!({
        "first_name": "Robert", "last_name": "Tables", "position": "Keeper", "nickname": "Bobby",
    });
    bob.put("/users/me/patch", body).await?;
    pair.acme.side.join(&pair.channel, &[&bob]).await?;
    let said = post(&bob, &pair.channel, "", "hello from bob").await?;
    let carla = &pair.globex.user;
    arrives(carla, &said).await?;
    let there = carla.get(&format!("/users/{}", id_of(&bob).await?)).await?;
    assert_eq!(there["nickname"], "Bobby");
    for field in ["first_name", "last_name", "position"] {
        assert_eq!(there[field], "", "{field}");
    }
    Ok(())
}

#[tokio::test]
async fn direct_messages_are_a_matter_of_the_connection_and_people_are_told_the_rules() -> Result<()>
{
    let pair = Pair::open(50).await?;
    let (ann, carla) = (&pair.acme.user, &pair.globex.user);
    let said = post(carla, &pair.channel, "", "hello").await?;
    arrives(ann, &said).await?;
    let flags = json!({ "FeatureFlags": { "EnableSharedChannelsDMs": true } });
    for end in [&pair.acme, &pair.globex] {
        end.side.admin.put("/config/patch", flags.clone()).await?;
    }
    put(&pair.acme, "load", "dm-gate", &json!({ "default": "deny" })).await?;
    let people = json!([id_of(ann).await?, id_of(carla).await?]);
    let refused = ann
        .call(Method::POST, "/channels/direct", Some(people.clone()))
        .await?;
    assert_eq!(
        (refused.status, refused.error_id()),
        (403, "causeway.policy.denied.app_error")
    );
    let rules = ann
        .get(&format!("/channels/{}/causeway/rules", pair.channel))
        .await?;
    let rule = rules[0]["rules"][0].as_str().context("a rule")?;
    assert_eq!(rules[0]["policy"], "dm-gate");
    let admin = &pair.acme.side.admin;
    let status = admin
        .command(&pair.channel, "/share-channel status")
        .await?;
    ensure!(status.contains(rule), "{status}");
    let stranger = pair.acme.side.user("eve").await?;
    let hidden = format!("/channels/{}/causeway/rules", pair.channel);
    let answer = stranger.call(Method::GET, &hidden, None).await?;
    let readable = stranger
        .call(Method::GET, &format!("/channels/{}", pair.channel), None)
        .await?;
    assert_eq!(answer.status, readable.status);

    let allowed = json!({ "default": "deny", "connections": { "globex": "allow" } });
    put(&pair.acme, "swap", "dm-gate", &allowed).await?;
    ann.post("/channels/direct", people).await?;
    Ok(())
}

#[tokio::test]
async fn slots_are_ordered_switched_off_and_rolled_back() -> Result<()> {
    let pair = Pair::open(50).await?;
    let (end, carla) = (&pair.acme, &pair.globex.user);
    let url = end.workspace.site_url();
    testing(end, "load", "first", "deny the first says no").await?;
    testing(end, "load", "second", "deny the second says no").await?;
    let reason = async |text: &str| -> Result<String> {
        let made = post(&end.user, &pair.channel, "", text).await?;
        let mut said = String::new();
        wait_for("the denial", async || {
            let list = end.side.admin.get("/causeway/exceptions").await?;
            let mut rows = list.as_array().into_iter().flatten();
            let row = rows.find(|row| row["post_id"] == made.as_str());
            said = row.map_or_else(String::new, |row| {
                row["reason"].as_str().unwrap_or("").into()
            });
            Ok(!said.is_empty())
        })
        .await?;
        Ok(said)
    };
    assert_eq!(reason("one").await?, "the first says no");
    let listed = policy(&url, &["order", "second", "first"]).await?;
    ensure!(listed.starts_with("second"), "{listed}");
    assert_eq!(reason("two").await?, "the second says no");
    assert!(policy(&url, &["order", "second"]).await.is_err());
    let listed = policy(&url, &["disable", "second"]).await?;
    ensure!(listed.contains("disabled"), "{listed}");
    assert_eq!(reason("three").await?, "the first says no");
    testing(end, "swap", "first", "allow").await?;
    let passes = post(&end.user, &pair.channel, "", "four").await?;
    arrives(carla, &passes).await?;
    policy(&url, &["rollback", "first"]).await?;
    assert_eq!(reason("five").await?, "the first says no");
    policy(&url, &["rollback", "first"]).await?;
    policy(&url, &["enable", "second"]).await?;
    assert_eq!(reason("six").await?, "the second says no");
    assert!(
        policy(&url, &["rollback", "second"]).await.is_err(),
        "it never changed"
    );
    let json = policy(&url, &["list", "--json"]).await?;
    let json: Value = serde_json::from_str(&json)?;
    assert_eq!(json[0]["name"], "second");
    ensure!(json[0]["counts"]["denied"].as_u64() >= Some(2), "{json}");
    Ok(())
}

#[tokio::test]
async fn a_policy_is_tried_on_what_was_asked_before_without_effect() -> Result<()> {
    let pair = Pair::open(50).await?;
    let (end, carla) = (&pair.acme, &pair.globex.user);
    testing(end, "load", "open", "allow").await?;
    for text in ["a falcon", "a heron", "another falcon", "two herons"] {
        let made = post(&end.user, &pair.channel, "", text).await?;
        arrives(carla, &made).await?;
    }
    let filter = component("policies/content-filter.wasm")?;
    let filter = filter.to_string_lossy();
    let data = end.workspace.data.to_string_lossy();
    let words = [
        "policy",
        "try",
        "content-filter",
        &filter,
        "--settings",
        "falcon",
    ];
    let tried = causeway(&[&words[..], &["--journal", &data, "--json"]].concat()).await?;
    ensure!(
        tried.status.success(),
        "{}",
        String::from_utf8_lossy(&tried.stderr)
    );
    let found: Value = serde_json::from_slice(&tried.stdout)?;
    let gate = &found["gates"]["post-gate"];
    // A round that is planned again asks again.
    let asked = gate["questions"].as_u64().context("a number")?;
    ensure!(asked >= 4, "{found}");
    let changes = gate["changes"].as_array().context("changes")?;
    assert_eq!(changes.len(), 1, "{found}");
    assert_eq!(changes[0]["recorded"], "allow");
    let changed = changes[0]["questions"].as_u64().context("a number")?;
    ensure!((2..asked).contains(&changed), "{found}");
    let examples = changes[0]["examples"].as_array().context("examples")?;
    for example in examples {
        let about = example["about"].as_str().context("an example")?;
        ensure!(about.contains("falcon"), "{about}");
    }
    assert_eq!(found["steps_that_differ"], 0);

    let shown = causeway(&[&words[..], &["--journal", &data]].concat()).await?;
    let shown = String::from_utf8(shown.stdout)?;
    ensure!(
        shown.contains(&format!(
            "post-gate: {asked} questions, {changed} would be decided differently"
        )),
        "{shown}"
    );
    let listed = policy(&end.workspace.site_url(), &["list"]).await?;
    ensure!(!listed.contains("content-filter"), "{listed}");

    let kernel = component("kernel.wasm")?;
    let inspected = causeway(&["policy", "inspect", &kernel.to_string_lossy()]).await?;
    assert_eq!(inspected.status.code(), Some(1));
    let inspected = causeway(&["policy", "inspect", &filter]).await?;
    ensure!(inspected.status.success());
    let said = String::from_utf8(inspected.stdout)?;
    ensure!(said.contains("answers: post-gate"), "{said}");
    Ok(())
}
