//! Policies loaded, swapped and unloaded on the command line while posts are exchanged.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use causeway_tests::command::{causeway, component, policy, replay};
use causeway_tests::peer;
use causeway_tests::scene::{arrives, post, visible, wait_for};
use serde_json::Value;

use crate::pair::{End, Pair};

const FILTER: &str = "content-filter";

/// `causeway policy load|swap` of a component of this build.
async fn put(end: &End, verb: &str, name: &str, file: &str, settings: &str) -> Result<String> {
    let path = component(file)?;
    let arguments = [verb, name, &path.to_string_lossy(), "--settings", settings];
    policy(&end.workspace.site_url(), &arguments).await
}

async fn filter(end: &End, verb: &str, words: &str) -> Result<String> {
    put(end, verb, FILTER, "policies/content-filter.wasm", words).await
}

/// The exceptions of a workspace in this state.
async fn exceptions(end: &End, state: &str) -> Result<Vec<Value>> {
    let list = end.side.admin.get("/causeway/exceptions").await?;
    let all = list.as_array().cloned().unwrap_or_default();
    Ok(all
        .into_iter()
        .filter(|row| row["state"] == state)
        .collect())
}

#[tokio::test]
async fn swaps_while_posts_flow_drop_nothing_and_let_nothing_denied_through() -> Result<()> {
    const POSTS: usize = 300;
    const SWAPS: usize = 10;
    const DENIED_EVERY: usize = 10;
    let pair = Pair::open(10).await?;
    let (ann, carla) = (&pair.acme.user, &pair.globex.user);
    filter(&pair.acme, "load", "[outbound]\nfalcon").await?;

    let writing = async {
        for number in 0..POSTS {
            let word = if number % DENIED_EVERY == 0 {
                "falcon"
            } else {
                "heron"
            };
            post(ann, &pair.channel, "", &format!("{word} {number}")).await?;
        }
        anyhow::Ok(())
    };
    // The lists differ, but all of them contain the word.
    let swapping = async {
        for swap in 0..SWAPS {
            filter(
                &pair.acme,
                "swap",
                &format!("[outbound]\nfalcon\nword{swap}"),
            )
            .await?;
        }
        anyhow::Ok(())
    };
    let (written, swapped) = tokio::join!(writing, swapping);
    written?;
    swapped?;

    let allowed = POSTS - POSTS / DENIED_EVERY;
    wait_for(
        "what is allowed to arrive, and the rest to be denied",
        async || {
            let arrived = visible(carla, &pair.channel).await?.len();
            ensure!(arrived <= allowed, "{arrived} posts arrived");
            let denied = exceptions(&pair.acme, "denied").await?.len();
            Ok(arrived == allowed && denied == POSTS / DENIED_EVERY)
        },
    )
    .await?;
    let shown = visible(carla, &pair.channel).await?;
    assert!(shown.iter().all(|post| post.message.starts_with("heron")));

    // Without the filter, the posts are asked about again, and pass.
    policy(&pair.acme.workspace.site_url(), &["unload", FILTER]).await?;
    assert_eq!(pair.converged().await?.len(), POSTS);
    assert!(exceptions(&pair.acme, "denied").await?.is_empty());
    // Verdicts are recorded: the replay runs no policy.
    for end in [&pair.acme, &pair.globex] {
        replay(&end.workspace.data).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_post_that_the_receiving_side_denies_is_not_there_and_the_next_one_is() -> Result<()> {
    let pair = Pair::open(50).await?;
    filter(&pair.globex, "load", "[inbound]\nlottery").await?;
    let (ann, carla) = (&pair.acme.user, &pair.globex.user);
    let denied = post(ann, &pair.channel, "", "Win the lottery!").await?;
    let reply = post(ann, &pair.channel, "", "Sorry for that.").await?;
    arrives(carla, &reply).await?;
    let shown = visible(carla, &pair.channel).await?;
    assert!(shown.iter().all(|post| post.id != denied));
    assert_eq!(shown.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_policy_that_traps_holds_a_post_back_visibly_until_it_can_be_asked_again() -> Result<()> {
    let pair = Pair::open(50).await?;
    let file = "testing/policy.wasm";
    put(&pair.acme, "load", "broken", file, "trap mine").await?;
    let (ann, carla) = (&pair.acme.user, &pair.globex.user);
    let held = post(ann, &pair.channel, "", "mine").await?;
    let other = post(ann, &pair.channel, "", "something else").await?;
    arrives(carla, &other).await?;
    let rows = exceptions(&pair.acme, "held").await?;
    let row = rows.first().context("nothing is held")?;
    assert_eq!(row["post_id"], held.as_str());
    assert_ne!(row["reason"], "");
    assert_ne!(row["retry_at"], 0);
    ensure!(
        carla.get(&format!("/posts/{held}")).await.is_err(),
        "it left"
    );

    put(&pair.acme, "swap", "broken", file, "allow").await?;
    arrives(carla, &held).await?;
    pair.converged().await?;
    Ok(())
}

#[tokio::test]
async fn what_is_no_policy_is_refused_with_the_reason_and_changes_nothing() -> Result<()> {
    let pair = Pair::open(50).await?;
    let end = &pair.acme;
    let url = end.workspace.site_url();
    let refused = async |verb: &str, name: &str, file: &str, settings: &str| {
        let said = put(end, verb, name, file, settings).await;
        said.err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    let kernel = refused("load", "kernel", "kernel.wasm", "").await;
    assert!(kernel.contains("causeway:policy@0.3.1"), "{kernel}");
    let settings = refused(
        "load",
        "picky",
        "testing/policy.wasm",
        "refuse no such word",
    )
    .await;
    assert!(settings.contains("no such word"), "{settings}");
    let unknown = refused("swap", FILTER, "policies/content-filter.wasm", "").await;
    assert!(unknown.contains("not loaded"), "{unknown}");
    assert_eq!(
        policy(&url, &["list"]).await?,
        "no policies; everything passes"
    );

    filter(end, "load", "falcon").await?;
    let twice = refused("load", FILTER, "policies/content-filter.wasm", "").await;
    assert!(twice.contains("loaded already"), "{twice}");
    let listed = policy(&url, &["list"]).await?;
    assert!(
        listed.contains(FILTER) && listed.contains("on failure: hold"),
        "{listed}"
    );
    assert!(
        listed.contains("content-filter 0.1.0, answers: post-gate"),
        "{listed}"
    );
    policy(&url, &["unload", FILTER]).await?;
    assert!(policy(&url, &["unload", FILTER]).await.is_err());
    Ok(())
}

/// The shadows of a workspace.
async fn shadows(end: &End) -> Result<Vec<Value>> {
    let list = end.side.admin.get("/causeway/policy_shadows").await?;
    Ok(list.as_array().cloned().unwrap_or_default())
}

#[tokio::test]
async fn a_shadow_counts_what_it_would_deny_without_effect_until_it_is_promoted() -> Result<()> {
    let pair = Pair::open(10).await?;
    let (ann, carla) = (&pair.acme.user, &pair.globex.user);
    let url = pair.acme.workspace.site_url();
    filter(&pair.acme, "load", "[outbound]\nfalcon").await?;
    let file = component("policies/content-filter.wasm")?;
    let file = file.to_string_lossy();
    let words = "[outbound]\nfalcon\nheron";
    let swap = ["swap", FILTER, &file, "--settings", words, "--shadow"];
    let said = policy(&url, &swap).await?;
    ensure!(said.contains("asked as a shadow"), "{said}");

    let falcon = post(ann, &pair.channel, "", "falcon").await?;
    let heron = post(ann, &pair.channel, "", "heron").await?;
    let gull = post(ann, &pair.channel, "", "gull").await?;
    arrives(carla, &heron).await?;
    arrives(carla, &gull).await?;
    wait_for("the shadow to have judged all three", async || {
        let shadow = shadows(&pair.acme).await?.remove(0);
        let compared = &shadow["compared"];
        Ok(compared["would_deny"] != 0 && compared["agreed"].as_u64() >= Some(2))
    })
    .await?;
    let shadow = shadows(&pair.acme).await?.remove(0);
    for other in ["would_pass", "would_revise", "failed", "skipped"] {
        assert_eq!(shadow["compared"][other], 0, "{shadow}");
    }
    let last = &shadow["compared"]["last"][0];
    assert_eq!(last["object_id"], heron.as_str());
    assert_eq!(
        (&last["gate"], &last["would"]),
        (&"post-gate".into(), &"deny".into())
    );
    let listed = policy(&url, &["list"]).await?;
    let reference = format!("post-gate {heron}: would deny instead of pass");
    ensure!(listed.contains(&reference), "{listed}");
    ensure!(listed.contains("fuel of a question: "), "{listed}");
    let metrics = peer::send("GET", &format!("{url}/metrics"), &[], Vec::new()).await?;
    let metrics = String::from_utf8(metrics.body)?;
    for sample in [
        "causeway_policy_shadow_would_deny_total{policy=\"content-filter\"} ",
        "causeway_policy_question_seconds_bucket{policy=\"content-filter\",le=\"+Inf\"}",
        "causeway_policy_question_fuel_count{policy=\"content-filter\"}",
    ] {
        ensure!(metrics.contains(sample), "no {sample} in {metrics}");
    }

    let promoted = policy(&url, &["promote", FILTER]).await?;
    ensure!(promoted.starts_with(FILTER), "{promoted}");
    assert_eq!(policy(&url, &["list", "--shadows"]).await?, "no shadows");
    let denied = post(ann, &pair.channel, "", "another heron").await?;
    let after = post(ann, &pair.channel, "", "another gull").await?;
    arrives(carla, &after).await?;
    let rows = exceptions(&pair.acme, "denied").await?;
    let rows: Vec<&str> = rows
        .iter()
        .filter_map(|it| it["post_id"].as_str())
        .collect();
    assert!(
        rows.contains(&falcon.as_str()) && rows.contains(&denied.as_str()),
        "{rows:?}"
    );
    assert!(!rows.contains(&heron.as_str()), "{rows:?}");
    for missing in [&["promote", FILTER][..], &["unload", "--shadow", FILTER]] {
        let said = policy(&url, missing).await.unwrap_err().to_string();
        ensure!(said.contains("there is no shadow named"), "{said}");
    }
    for end in [&pair.acme, &pair.globex] {
        replay(&end.workspace.data).await?;
    }
    Ok(())
}

/// `causeway policy …` without a workspace.
async fn offline(arguments: &[&str]) -> Result<String> {
    let output = causeway(&[&["policy"], arguments].concat()).await?;
    let said = if output.status.success() {
        output.stdout
    } else {
        output.stderr
    };
    let said = String::from_utf8(said)?.trim().to_string();
    ensure!(output.status.success(), "{said}");
    Ok(said)
}

/// Adds settings to a workspace's configuration, without its earlier ones of policies.
fn configure(end: &End, settings: &str) -> Result<()> {
    let folder = end.workspace.data.parent().context("it is in a folder")?;
    let file = folder.join("globex.toml");
    let before = std::fs::read_to_string(&file)?;
    let others = before.split("[PolicySettings]").next().unwrap_or_default();
    std::fs::write(&file, format!("{others}{settings}"))?;
    Ok(())
}

fn trusting(keys: &str) -> String {
    format!("[PolicySettings]\nRequireSignature = true\nTrustedKeys = [{keys}]\n")
}

#[tokio::test]
async fn where_signatures_are_required_a_policy_runs_as_long_as_its_signer_is_trusted() -> Result<()>
{
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (key, file) = (path("signer.key"), path("filter.wasm"));
    let public = offline(&["keygen", &key]).await?;
    std::fs::copy(component("policies/content-filter.wasm")?, &file)?;
    let settings = trusting(&format!("\"{public}\""));
    let mut pair = Pair::open_with(50, &settings).await?;
    let url = pair.globex.workspace.site_url();
    let load = ["load", FILTER, &file, "--settings", "[inbound]\nlottery"];
    let refused = async |arguments: &[&str]| {
        let said = policy(&url, arguments).await.err();
        said.map_or_else(String::new, |error| error.to_string())
    };
    let said = refused(&load).await;
    ensure!(said.contains("not signed"), "{said}");

    // What is no signature, one that is too long, one of a stranger.
    let signature = format!("{file}.sig");
    std::fs::write(&signature, "garbage")?;
    let said = refused(&load).await;
    ensure!(said.contains("cannot be read"), "{said}");
    std::fs::write(&signature, "x".repeat(2_000))?;
    let said = refused(&load).await;
    ensure!(said.contains("no signature"), "{said}");
    let stranger = path("stranger.key");
    offline(&["keygen", &stranger]).await?;
    offline(&["sign", &file, "--key", &stranger]).await?;
    let said = refused(&load).await;
    ensure!(said.contains("TrustedKeys"), "{said}");
    let no_key = offline(&["sign", &file, "--key", &file]).await;
    ensure!(no_key.is_err(), "it was signed with a component");
    assert_eq!(
        policy(&url, &["list"]).await?,
        "no policies; everything passes"
    );

    offline(&["sign", &file, "--key", &key]).await?;
    let said = policy(&url, &load).await?;
    ensure!(said.contains(&format!("signed by {public}")), "{said}");
    let (ann, channel) = (&pair.acme.user, pair.channel.clone());
    let first = post(ann, &channel, "", "before").await?;
    arrives(&pair.globex.user, &first).await?;

    // Without the key nothing passes the gates.
    pair.globex.workspace.crash()?;
    configure(&pair.globex, &trusting(""))?;
    pair.globex.workspace.start_again().await?;
    let listed = policy(&url, &["list"]).await?;
    ensure!(
        listed.contains("does not run") && listed.contains("TrustedKeys"),
        "{listed}"
    );
    let held = post(&pair.acme.user, &channel, "", "meanwhile").await?;
    let admin = &pair.globex.side.admin;
    wait_for("the post to be judged by no one", async || {
        let policies = admin.get("/causeway/policies").await?;
        Ok(policies[0]["counts"]["unasked"] != 0)
    })
    .await?;
    let read = pair.globex.user.get(&format!("/posts/{held}")).await;
    ensure!(read.is_err(), "it was taken");

    pair.globex.workspace.crash()?;
    configure(&pair.globex, &settings)?;
    pair.globex.workspace.start_again().await?;
    let after = post(&pair.acme.user, &channel, "", "after").await?;
    arrives(&pair.globex.user, &after).await?;
    replay(Path::new(&pair.globex.workspace.data)).await?;
    Ok(())
}
