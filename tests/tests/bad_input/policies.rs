//! Components that are no policies, and policies that misbehave: the administrator is told what is wrong, and
//! the service goes on serving.

use std::fs;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use causeway_tests::client::Answer;
use causeway_tests::command::component;
use causeway_tests::scene::{self, wait_for};
use hyper::Method;
use serde_json::{Value, json};

use crate::stage::{Stage, text};

const TESTING: &str = "testing/policy.wasm";
const FILTER: &str = "policies/content-filter.wasm";
const FILE_GATE: &str = "policies/file-gate.wasm";

/// What an administrator may take for a policy.
enum Given {
    /// These bytes.
    Bytes(&'static [u8]),
    /// A component of this build.
    Component(&'static str),
    /// Its first half.
    HalfOf(&'static str),
    /// Another one, which imports network sockets.
    WithSockets,
}

impl Given {
    fn bytes(&self) -> Result<Vec<u8>> {
        Ok(match self {
            Given::Bytes(bytes) => bytes.to_vec(),
            Given::Component(name) => fs::read(component(name)?)?,
            Given::HalfOf(name) => {
                let mut bytes = fs::read(component(name)?)?;
                bytes.truncate(bytes.len() / 2);
                bytes
            }
            Given::WithSockets => with_sockets(fs::read(component("testing/policy-wasi.wasm")?)?),
        })
    }
}

/// A component with another name, of the same length, for one of its imports.
fn with_sockets(mut component: Vec<u8>) -> Vec<u8> {
    let (from, to) = (b"wasi:cli/environment@0.2.0", b"wasi:sockets/network@0.2.0");
    while let Some(at) = component.windows(from.len()).position(|it| it == from) {
        component.splice(at..at + to.len(), *to);
    }
    component
}

/// What is refused when it is loaded: what is given, its settings, and what the answer says.
const REFUSED: &[(Given, &str, &[&str])] = &[
    (
        Given::Bytes(b""),
        "",
        &["not WebAssembly", "give the component"],
    ),
    (
        Given::Bytes(b"#!/bin/sh\necho allow\n"),
        "",
        &["not WebAssembly", "give the component"],
    ),
    (
        Given::Bytes(b"\0asm\x01\0\0\0"),
        "",
        &["a core module", "wasm-tools component new"],
    ),
    (
        Given::HalfOf(TESTING),
        "",
        &["not a policy that Causeway can run", "cannot be parsed"],
    ),
    (
        Given::Component("kernel.wasm"),
        "",
        &[
            "it imports causeway:kernel/store",
            "it does not export policy of causeway:policy@",
        ],
    ),
    (
        Given::WithSockets,
        "see",
        &["it imports wasi:sockets/network@0.2.0"],
    ),
    (
        Given::Component(TESTING),
        "refuse no such word",
        &["refused its settings", "no such word"],
    ),
    (
        Given::Component(TESTING),
        "trap-configure",
        &["not a policy that Causeway can run", "unreachable"],
    ),
    (
        Given::Component(FILE_GATE),
        "deny exe",
        &["refused its settings", "must be JSON"],
    ),
    (
        Given::Component(FILE_GATE),
        r#"{ "rules": [{ "deny": { "extension": ["exe"] } }] }"#,
        &["refused its settings", "rules[0]", "extension"],
    ),
    (
        Given::Component(FILE_GATE),
        r#"{ "rules": [{ "max_bytes": "a lot" }] }"#,
        &["refused its settings", "rules[0].max_bytes"],
    ),
    (
        Given::Component(FILTER),
        "fine\n/((a{100}){100}){100}/",
        &["refused its settings", "line 2", "size"],
    ),
];

/// What is loaded and fails when it is asked: its settings, and why the post is held.
const FAILING: &[(&str, &[&str])] = &[
    ("trap-at 1", &["unreachable"]),
    ("work 1000000", &["unreachable"]),
    ("loop", &["fuel was used up"]),
    ("recurse", &["out of bounds"]),
    ("grow", &["more than 128 MiB of memory"]),
    ("long 10000000", &["too much data"]),
    ("rewrite /no/such/text", &["more texts than the post has"]),
    ("log 1000000000", &["fuel was used up"]),
];

/// Loads a policy, or swaps it, as an administrator does.
async fn load(stage: &Stage, component: &[u8], settings: &str) -> Result<Answer> {
    let body = json!({ "component": STANDARD.encode(component), "settings": settings });
    let admin = &stage.host.side.admin;
    admin
        .call(Method::PUT, "/causeway/policies/gate", Some(body))
        .await
}

/// Waits until the peer was sent a text.
async fn reaches_the_peer(stage: &Stage, text: &str) -> Result<()> {
    wait_for(&format!("`{text}` to cross"), async || {
        let mut asked = stage.handmade.peer.asked(0).into_iter();
        Ok(asked.any(|it| String::from_utf8_lossy(&it.body).contains(text)))
    })
    .await
}

/// The reason for which a post is held, once it is.
async fn held(stage: &Stage, post: &str) -> Result<String> {
    let mut reason = String::new();
    wait_for("the post to be held", async || {
        let list = stage.get("/causeway/exceptions").await?.ok()?;
        let mut rows = list.as_array().into_iter().flatten();
        let row = rows.find(|row| row["post_id"] == post && row["state"] == "held");
        reason = row.map(|row| text(row, "reason")).unwrap_or_default();
        Ok(!reason.is_empty())
    })
    .await?;
    Ok(reason)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_policy_is_refused_with_what_is_wrong_and_posts_cross() -> Result<()> {
    let stage = Stage::new().await?;
    for (number, (given, settings, parts)) in REFUSED.iter().enumerate() {
        let answer = load(&stage, &given.bytes()?, settings).await?;
        let said = text(&answer.body, "message");
        assert_eq!(answer.status, 400, "case {number}: {said}");
        for part in *parts {
            ensure!(said.contains(part), "case {number}: {part}: {said}");
        }
        let loaded = stage.get("/causeway/policies").await?.ok()?;
        assert_eq!(loaded, json!([]), "case {number}");
        let after = format!("after refusal {number}");
        scene::post(&stage.bob, &stage.shared, "", &after).await?;
        reaches_the_peer(&stage, &after).await?;
    }
    stage.host.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_when_it_is_asked_holds_the_post_says_why_and_lets_it_go_later() -> Result<()> {
    let stage = Stage::new().await?;
    let testing = fs::read(component(TESTING)?)?;
    for (number, (settings, parts)) in FAILING.iter().enumerate() {
        load(&stage, &testing, settings).await?.ok()?;
        let words = format!("failing {number}");
        let post = scene::post(&stage.bob, &stage.shared, "", &words).await?;
        let reason = held(&stage, &post)
            .await
            .with_context(|| (*settings).to_string())?;
        for part in *parts {
            ensure!(reason.contains(part), "{settings}: {part}: {reason}");
        }
        ensure!(
            reason.starts_with("gate: ") && !reason.contains(&words),
            "{reason}"
        );
        let crossed = stage.handmade.peer.asked(0).into_iter();
        let mut crossed = crossed.filter(|it| String::from_utf8_lossy(&it.body).contains(&words));
        ensure!(crossed.next().is_none(), "{settings}: it crossed");
        // Another channel's people notice nothing, and once the policy is mended, the post goes.
        scene::post(&stage.bob, &stage.private, "", "meanwhile").await?;
        load(&stage, &testing, "allow").await?.ok()?;
        reaches_the_peer(&stage, &words).await?;
    }
    let listed = stage.get("/causeway/policies").await?.ok()?;
    let failures = listed[0]["counts"]["failures"].as_u64();
    ensure!(failures >= Some(FAILING.len() as u64), "{listed}");
    stage.host.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expression_over_which_others_would_explode_lets_the_post_it_is_meant_for_cross()
-> Result<()> {
    let stage = Stage::new().await?;
    let filter = fs::read(component(FILTER)?)?;
    load(&stage, &filter, "/(x+x+)+y/").await?.ok()?;
    let words = format!("explosive {}", "x".repeat(16_000));
    scene::post(&stage.bob, &stage.shared, "", &words).await?;
    reaches_the_peer(&stage, &words).await?;
    let listed: Value = stage.get("/causeway/policies").await?.ok()?;
    assert_eq!(listed[0]["counts"]["failures"], 0, "{listed}");
    stage.host.stop().await;
    Ok(())
}
