//! Tests of what happens to messages and pings.

use std::sync::Arc;

use causeway_kernel::boundary::input::{Incarnation, Input, SendOutcome};
use causeway_kernel::model::limits::ONLINE_MS;
use causeway_kernel::model::{ConnectionState, PeerKind, PeerWorkspace};
use causeway_kernel::rows::id::{ConnectionNo, Id};
use causeway_kernel::rows::tx::Read;
use causeway_kernel::wire::frame::Invite;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::host::{PATIENCE, TestHost, connected, eager, eventually, quiet};
use super::peer::{FakePeer, Script};
use crate::federation::client::RESPONSE_BYTES_MAX;
use crate::federation::invitation::{self, CodeKdf};
use crate::federation::{FederationSettings, pinger, sender};
use crate::metrics;
use crate::vault::{Secret, new_id};

const PONG: &str = r#"{"sent_at":1,"recv_at":2}"#;

/// A host that is connected to a scripted peer.
async fn host_and_peer(settings: FederationSettings) -> (TestHost, FakePeer, ConnectionNo, Id) {
    let host = TestHost::start(settings).await;
    let peer = FakePeer::start().await;
    let connection = connect(&host, &peer, "peer").await;
    let remote_id = host.row(connection).unwrap().remote_id;
    (host, peer, connection, remote_id)
}

async fn connect(host: &TestHost, peer: &FakePeer, name: &str) -> ConnectionNo {
    peer.script(
        "/confirm_invite",
        [Script::Answer(200, r#"{"status":"OK"}"#)],
    );
    peer.script("/ping", [Script::Answer(200, PONG)]);
    let invite = Invite {
        remote_id: new_id().unwrap().into(),
        remote_team_id: String::new(),
        site_url: peer.url.clone(),
        token: Secret::token().unwrap().expose().into(),
        refreshed_token: String::new(),
        version: 3,
    };
    let password = Secret::new(super::host::PASSWORD);
    let derivations = host.vault.derivations();
    let code = invitation::seal(derivations, &invite, &password, CodeKdf::Scrypt)
        .await
        .unwrap();
    host.accept(name, &code).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fate_of_a_message_has_its_outcome() {
    let (host, peer, connection, remote_id) = host_and_peer(quiet()).await;
    let answer = r#"{"status":"OK","err":"","payload":{"token":"secret"}}"#;
    let blanked = answer.replace("secret", "******");
    let cases = [
        (
            Script::Answer(200, answer),
            SendOutcome::Answered(blanked.into_bytes()),
        ),
        (
            Script::Answer(200, "<html>"),
            SendOutcome::Answered(b"<html>".to_vec()),
        ),
        (Script::Answer(200, ""), SendOutcome::Answered(Vec::new())),
        (Script::Answer(201, "{}"), SendOutcome::Refused(201)),
        (Script::Answer(204, ""), SendOutcome::Refused(204)),
        (Script::Answer(401, "{}"), SendOutcome::Refused(401)),
        (Script::Answer(500, "{}"), SendOutcome::Refused(500)),
        (Script::Answer(503, "{}"), SendOutcome::Refused(503)),
        (Script::Redirect, SendOutcome::Refused(307)),
        (Script::Flood(RESPONSE_BYTES_MAX + 1), SendOutcome::Unknown),
        (Script::Break, SendOutcome::Unknown),
    ];
    for (count, (script, expected)) in cases.into_iter().enumerate() {
        peer.script("/msg", [script.clone()]);
        let outcome = sender::send(&host.federation, connection, b"{\"x\":1}".to_vec()).await;
        assert_eq!(outcome, expected, "{script:?}");
        // Nothing is repeated and no redirect is followed.
        assert_eq!(peer.received("/msg").len(), count + 1, "{script:?}");
    }
    let sent = peer.received("/msg").remove(0);
    assert_eq!(sent.headers["x-remotecluster-id"], remote_id.as_str());
    assert_eq!(sent.headers["content-type"], "application/json");
    assert!(!sent.headers.contains_key("accept-encoding"));
    assert_eq!(sent.body["x"], 1);
    let token = sent.headers["x-remotecluster-token"].to_str().unwrap();
    let confirmed = peer.received("/confirm_invite").remove(0);
    assert_eq!(confirmed.body["msg"]["payload"]["refreshed_token"], token);

    drop(peer);
    eventually_gone(&host, connection).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_answered_in_time_has_an_unknown_fate() {
    let settings = FederationSettings {
        send_timeout_ms: 300,
        ..quiet()
    };
    let (host, peer, connection, _) = host_and_peer(settings).await;
    peer.script("/msg", [Script::Silence]);
    let outcome = sender::send(&host.federation, connection, b"{}".to_vec()).await;
    assert_eq!(outcome, SendOutcome::Unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_host_of_a_peer_took_is_not_delivered() {
    const KNOWN: &str = "ybndrfg8ejkmcpqxot1uwisza3 1";
    const ANOTHER: &str = "ybndrfg8ejkmcpqxot1uwisza4 2";
    let (host, peer, connection, _) = host_and_peer(eager()).await;
    peer.script("/ping", [Script::AnswerAs(KNOWN, PONG)]);
    let workspace = host.row(connection).unwrap().workspace;
    eventually("the peer is known", || {
        let row = host.engine.snapshot().get::<PeerWorkspace>(&workspace);
        row.unwrap().incarnation.is_some()
    })
    .await;
    let answered = SendOutcome::Answered(b"{}".to_vec());
    for (script, expected) in [
        (Script::AnswerAs(KNOWN, "{}"), answered.clone()),
        (Script::AnswerAs(ANOTHER, "{}"), SendOutcome::Unknown),
        (Script::Answer(200, "{}"), answered),
    ] {
        peer.script("/msg", [script.clone()]);
        let outcome = sender::send(&host.federation, connection, b"{}".to_vec()).await;
        assert_eq!(outcome, expected, "{script:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_is_news_while_a_ping_is_on_its_way_is_asked_once_more() {
    const KNOWN: &str = "ybndrfg8ejkmcpqxot1uwisza3 1";
    const RESTORED: &str = "ybndrfg8ejkmcpqxot1uwisza4 2";
    let (host, peer, connection, _) = host_and_peer(quiet()).await;
    let at_rest = || pinger::is_at_rest(&host.federation, connection);
    eventually("the first ping", || {
        host.row(connection).unwrap().last_ping_at != 0 && at_rest()
    })
    .await;
    let asked = peer.received("/ping").len();
    let released = Arc::<Notify>::default();
    peer.script(
        "/ping",
        [
            Script::HeldAs(Arc::clone(&released), KNOWN, PONG),
            Script::AnswerAs(RESTORED, PONG),
        ],
    );
    let told = |text: &str| {
        let (id, number) = text.split_once(' ').unwrap();
        Incarnation {
            id: Id::parse(id).unwrap(),
            number: number.parse().unwrap(),
        }
    };
    let workspace = host.row(connection).unwrap().workspace;
    let known = || {
        let row = host.engine.snapshot().get::<PeerWorkspace>(&workspace);
        row.unwrap().incarnation
    };
    pinger::met(&host.federation, connection, told(KNOWN));
    eventually("the held ping", || peer.received("/ping").len() > asked).await;
    pinger::met(&host.federation, connection, told(RESTORED));
    assert_eq!(known(), None);
    released.notify_one();
    eventually("the last ping", at_rest).await;
    assert_eq!(known(), Some(told(RESTORED)));
    assert_eq!(peer.received("/ping").len(), asked + 2);
    // An incarnation that its answers do not confirm is asked about once.
    for _ in 0..3 {
        pinger::met(&host.federation, connection, told(KNOWN));
        eventually("it was asked", at_rest).await;
        assert_eq!(peer.received("/ping").len(), asked + 3);
    }
}

/// Waits until the peer's last ping was answered after a time, in ms.
async fn eventually_online(host: &TestHost, connection: ConnectionNo, after_ms: i64) {
    eventually("an answered ping", || {
        host.row(connection).unwrap().last_ping_at > after_ms
            && pinger::is_at_rest(&host.federation, connection)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_does_not_answer_is_asked_again_without_waiting_for_its_turn() {
    let (host, peer, connection, _) = host_and_peer(quiet()).await;
    eventually_online(&host, connection, 0).await;
    let fails = [Script::Answer(502, ""), Script::Break];
    peer.script(
        "/ping",
        fails.into_iter().chain([Script::Answer(200, PONG)]),
    );
    let before = peer.received("/ping").len();
    host.shift_clock(ONLINE_MS + 1);
    let now_ms = host.engine.now_ms();
    eventually_online(&host, connection, now_ms - 1).await;
    assert_eq!(peer.received("/ping").len(), before + 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn workspaces_that_were_down_for_long_find_each_other_whichever_starts_first() {
    let (a, b, remote_id) = connected(quiet()).await;
    let (ours, theirs) = (a.connection_of(remote_id), b.connection_of(remote_id));
    let (ours, theirs) = (ours.unwrap(), theirs.unwrap());
    for (host, connection) in [(&a, ours), (&b, theirs)] {
        eventually_online(host, connection, 0).await;
        host.shift_clock(ONLINE_MS + 1);
    }
    let b = b.stop().await;
    let a = a.restart(quiet()).await;
    let started_ms = a.engine.now_ms();
    eventually("a ping that fails", || pings(&a, "failed") > 0).await;
    let b = TestHost::start_again(b, quiet()).await;
    eventually_online(&a, ours, started_ms).await;
    eventually_online(&b, theirs, started_ms).await;
}

/// The counters of the federation, as a page.
fn counted(host: &TestHost) -> String {
    let federation = host.federation.clone();
    metrics::page(move |page| federation.encode_metrics(page)).unwrap()
}

fn pings(host: &TestHost, outcome: &str) -> u64 {
    let text = counted(host);
    let name = format!("causeway_federation_pings_total{{outcome=\"{outcome}\"}} ");
    let value = text.lines().find_map(|line| line.strip_prefix(&name));
    value.unwrap().parse().unwrap()
}

/// Nothing listens any more: no byte leaves.
async fn eventually_gone(host: &TestHost, connection: ConnectionNo) {
    let deadline = Instant::now() + PATIENCE;
    while sender::send(&host.federation, connection, Vec::new()).await != SendOutcome::NeverLeft {
        assert!(Instant::now() < deadline, "somebody still listens");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_gone_sends_nothing() {
    let (host, peer, connection, _) = host_and_peer(quiet()).await;
    peer.script("/msg", [Script::Answer(200, "{}")]);
    let actor = causeway_kernel::boundary::input::Actor::System;
    crate::federation::handshake::remove(&host.federation, actor, connection)
        .await
        .unwrap();
    let outcome = sender::send(&host.federation, connection, Vec::new()).await;
    assert_eq!(outcome, SendOutcome::NeverLeft);
    let outcome = sender::send(&host.federation, ConnectionNo(999), Vec::new()).await;
    assert_eq!(outcome, SendOutcome::NeverLeft);
    assert!(peer.received("/msg").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn internal_targets_are_called_only_if_that_is_allowed() {
    let (host, peer, connection, _) = host_and_peer(quiet()).await;
    peer.script("/msg", [Script::Answer(200, "{}")]);
    let strict = FederationSettings {
        allow_private_targets: false,
        ..quiet()
    };
    let host = host.restart(strict).await;
    let outcome = sender::send(&host.federation, connection, Vec::new()).await;
    assert_eq!(outcome, SendOutcome::NeverLeft);
    assert!(peer.received("/msg").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_a_connection_keep_their_order_and_peers_do_not_wait_for_each_other() {
    let (host, slow, first, _) = host_and_peer(quiet()).await;
    let fast = FakePeer::start().await;
    let second = connect(&host, &fast, "fast").await;
    slow.script("/msg", [Script::Silence]);
    fast.script("/msg", [Script::Answer(200, "{}")]);
    host.federation
        .dispatch_send(first, 1, b"{\"n\":0}".to_vec());
    for n in 0..5 {
        let frame = format!("{{\"n\":{n}}}").into_bytes();
        host.federation.dispatch_send(second, n + 1, frame);
    }
    eventually("the fast peer has all", || fast.received("/msg").len() == 5).await;
    let order: Vec<u64> = fast
        .received("/msg")
        .iter()
        .filter_map(|got| got.body["n"].as_u64())
        .collect();
    assert_eq!(order, [0, 1, 2, 3, 4]);
    eventually("the slow peer has one", || slow.received("/msg").len() == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pings_go_on_every_period_and_a_slow_peer_delays_nobody() {
    let (host, slow, first, _) = host_and_peer(eager()).await;
    let fast = FakePeer::start().await;
    let second = connect(&host, &fast, "fast").await;
    slow.script("/ping", [Script::Silence]);
    eventually("the slow peer holds a ping", || {
        slow.received("/ping").len() > 1 || !slow.received("/ping").is_empty()
    })
    .await;
    let before = fast.received("/ping").len();
    eventually("the fast peer is pinged on", || {
        fast.received("/ping").len() > before + 3
    })
    .await;
    let online = host.row(second).unwrap().last_ping_at;
    eventually("time goes on", || {
        host.row(second).unwrap().last_ping_at > online
    })
    .await;
    assert_eq!(host.state(first), Some(ConnectionState::Confirmed));
    let ping = fast.received("/ping").remove(0);
    assert_eq!(ping.body["msg"]["payload"]["recv_at"], 0);
    assert!(ping.headers.contains_key("x-causeway-incarnation"));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_none_do_not_count() {
    let host = TestHost::start(eager()).await;
    for script in [
        Script::Answer(200, ""),
        Script::Answer(200, "[]"),
        Script::Answer(200, r#"{"sent_at":"x"}"#),
        Script::Answer(201, PONG),
        Script::Answer(401, "{}"),
    ] {
        let peer = FakePeer::start().await;
        let connection = connect(&host, &peer, "peer").await;
        eventually("online", || host.is_online(connection)).await;
        peer.script("/ping", [script.clone()]);
        // A ping in flight may still count.
        let count = peer.received("/ping").len();
        eventually("asked again", || peer.received("/ping").len() > count + 1).await;
        let last = host.row(connection).unwrap().last_ping_at;
        let count = peer.received("/ping").len();
        eventually("asked on", || peer.received("/ping").len() > count + 1).await;
        assert_eq!(
            host.row(connection).unwrap().last_ping_at,
            last,
            "{script:?}"
        );
        assert_eq!(host.row(connection).unwrap().kind, PeerKind::Mattermost11);
        let actor = causeway_kernel::boundary::input::Actor::System;
        crate::federation::handshake::remove(&host.federation, actor, connection)
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_was_restored_is_noticed_with_its_first_ping() {
    let (a, b, remote_id) = connected(quiet()).await;
    let (on_a, on_b) = (
        a.connection_of(remote_id).unwrap(),
        b.connection_of(remote_id).unwrap(),
    );
    let told = |host: &TestHost, connection| {
        let row = host.row(connection).unwrap();
        host.engine
            .snapshot()
            .get::<PeerWorkspace>(&row.workspace)
            .unwrap()
            .incarnation
    };
    eventually("a knows b", || told(&a, on_a).is_some()).await;
    // A restore precedes the first ping of a process: no answer to an earlier one is in flight.
    eventually("b knows a", || told(&b, on_b).is_some()).await;
    let before = told(&a, on_a).unwrap();
    b.engine.submit(Input::Restored).await.unwrap();
    eventually("a knows of the restore", || {
        told(&a, on_a).unwrap() != before
    })
    .await;
    assert_eq!(told(&a, on_a).unwrap().number, before.number + 1);
    eventually("b may send again", || {
        b.row(on_b).unwrap().suspended.is_none()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_counted_is_rendered() {
    let (host, peer, connection, _) = host_and_peer(quiet()).await;
    peer.script("/msg", [Script::Answer(200, "{}")]);
    host.federation.dispatch_send(connection, 1, b"{}".to_vec());
    eventually("sent", || !peer.received("/msg").is_empty()).await;
    eventually("counted", || {
        let text = counted(&host);
        text.contains("causeway_federation_sends_total{outcome=\"answered\"} 1\n")
            && text.contains("causeway_federation_handshakes_total 1\n")
    })
    .await;
}
