//! A masked session, exported from a workspace under load that was killed and whose policies were
//! swapped, replayed by three engines.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use causeway_engine::runtime::EMBEDDED_KERNEL;
use causeway_tests::command::{causeway, component, policy};
use causeway_tests::scene::post;
use serde_json::json;

use crate::pair::{End, Pair};

/// Posts that each side writes.
const POSTS: usize = 150;
/// A word that everybody uses and that must not be in a masked session.
const WORD: &str = "bathymetry";
/// A sentence of the kernel that the other kernel words differently.
const RULE: &[u8] = b"A team with that name already exists.";

/// The output of a successful run of `causeway`.
async fn says(arguments: &[&str]) -> Result<String> {
    let output = causeway(arguments).await?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = text(&output.stdout) + &text(&output.stderr);
    ensure!(output.status.success(), "causeway {arguments:?}: {said}");
    Ok(said)
}

fn chain(said: &str) -> Option<&str> {
    said.lines().find_map(|line| line.strip_prefix("chain "))
}

/// Both sides write, acme swaps its filter, and globex is killed and comes back.
async fn a_busy_time(pair: &mut Pair) -> Result<()> {
    let (ann, carla) = (pair.acme.user.clone(), pair.globex.user.clone());
    let filter = component("policies/content-filter.wasm")?;
    let filter = filter.to_string_lossy().into_owned();
    let channel = pair.channel.clone();
    let site_url = pair.acme.workspace.site_url();
    let writing = async {
        for number in 0..POSTS {
            let text = format!("{WORD} {number}, @carla");
            post(&ann, &channel, "", &text).await?;
            let verb = if number == 10 { "load" } else { "swap" };
            if number % 50 == 10 {
                let settings = format!("[outbound]\nword{number}");
                let arguments = [verb, "content-filter", &filter, "--settings", &settings];
                policy(&site_url, &arguments).await?;
            }
        }
        anyhow::Ok(())
    };
    writing.await?;
    pair.globex.workspace.crash()?;
    post(&ann, &channel, "", "while globex is away: word110").await?;
    pair.globex.workspace.start_again().await?;
    for number in 0..POSTS {
        post(
            &carla,
            &channel,
            "",
            &format!("{WORD} back {number}, @ann:acme"),
        )
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_masked_session_of_a_busy_time_replays_on_three_engines() -> Result<()> {
    let mut pair = Pair::open(10).await?;
    a_busy_time(&mut pair).await?;
    let folder = tempfile::tempdir()?;
    for end in [&pair.acme, &pair.globex] {
        let file = folder.path().join(format!("{}.session", end.side.name));
        take_home(end, &file).await?;
    }
    a_candidate_is_told_apart(&pair, folder.path()).await
}

async fn take_home(end: &End, file: &Path) -> Result<()> {
    let (data, path) = (end.workspace.data.to_string_lossy(), file.to_string_lossy());
    let said = says(&[
        "session",
        "export",
        &data,
        "-o",
        &path,
        "--reason",
        "a journey",
    ])
    .await?;
    ensure!(said.contains("masked"), "{said}");
    ensure!(!said.contains("decide differently"), "{said}");
    let mut chains = Vec::new();
    for engine in ["optimised", "unoptimised", "native"] {
        let said = says(&["replay", &path, "--engine", engine, "--data", &data]).await?;
        ensure!(said.contains("Every step matches the recording."), "{said}");
        chains.extend(chain(&said).map(str::to_string));
    }
    ensure!(
        chains.len() == 3 && chains.iter().all(|it| *it == chains[0]),
        "{chains:?}"
    );
    let listed = says(&["session", "show", &path, "--json"]).await?;
    ensure!(listed.lines().count() > POSTS, "{listed}");
    ensure!(!listed.contains(WORD), "the mask lets a word through");
    let register = says(&["session", "exports", &data, "--json"]).await?;
    ensure!(
        register.contains("a journey") && register.contains(&chains[0]),
        "{register}"
    );
    Ok(())
}

/// A kernel with one changed sentence differs in the session in which it was used, and in no other.
async fn a_candidate_is_told_apart(pair: &Pair, folder: &Path) -> Result<()> {
    let at = EMBEDDED_KERNEL
        .windows(RULE.len())
        .position(|window| window == RULE);
    let mut wasm = EMBEDDED_KERNEL.to_vec();
    wasm[at.context("the sentence stands in the kernel")?] = b'a';
    let candidate = folder.join("candidate.wasm");
    std::fs::write(&candidate, &wasm)?;
    let candidate = candidate.to_string_lossy();
    // The sentence is used at globex only.
    let team = json!({ "name": "globex", "display_name": "Again", "type": "O" });
    let refused = pair.globex.side.admin.post("/teams", team).await;
    ensure!(refused.is_err(), "two teams have one name");
    for (end, differs) in [(&pair.acme, false), (&pair.globex, true)] {
        let data = end.workspace.data.to_string_lossy();
        let file = folder.join(format!("{}-all.session", end.side.name));
        let file = file.to_string_lossy();
        says(&["session", "export", &data, "-o", &file]).await?;
        let output = causeway(&["replay", &file, "--kernel", &candidate]).await?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(
            output.status.success() != differs,
            "{}: {said}",
            end.side.name
        );
        ensure!(
            said.contains("1 × Command: reply.Refused.message") == differs,
            "{said}"
        );
    }
    Ok(())
}
