//! Policies loaded, swapped and unloaded on the command line while posts are exchanged.

use anyhow::{Context, Result, ensure};
use causeway_tests::command::{component, policy, replay};
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
    let wasi = refused("load", "wasi", "testing/policy-wasi.wasm", "").await;
    assert!(wasi.contains("wasi:"), "{wasi}");
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
