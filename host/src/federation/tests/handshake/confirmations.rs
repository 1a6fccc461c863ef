//! Confirmations as an inviter checks them, refused ones, and those with an unknown outcome.

use causeway_kernel::model::ConnectionState;

use super::super::host::{PATIENCE, TestHost, eager, eventually, quiet};
use super::super::peer::{FakePeer, Script};
use super::*;
use crate::federation::handshake::HandshakeError;
use crate::federation::invitation::CodeKdf;

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_is_checked_before_it_is_believed() {
    let a = TestHost::start(quiet()).await;
    let (victim, attacker) = (a.invite("victim").await, a.invite("attacker").await);
    let victim = a.row(victim.connection).unwrap().remote_id;
    let remote_id = a.row(attacker.connection).unwrap().remote_id;
    let token = invitation_token(&a, remote_id);
    let rotated = r#","refreshed_token":"tatatatatatatatatatatatata","version":3"#;
    let good = confirmation(remote_id, rotated);
    let param = "api.context.invalid_body_param.app_error";
    let cases = [
        ("7".to_string(), 400, param),
        (r#"{"remote_id":7}"#.to_string(), 400, param),
        // The holder of one invitation confirms another record.
        (
            confirmation(victim, rotated),
            400,
            "api.context.remote_id_invalid.app_error",
        ),
        (
            good.replace("http://127.0.0.1:9", "file:///etc/passwd"),
            400,
            param,
        ),
        (good.replace("http://127.0.0.1:9", ""), 400, param),
        (good.replace("tbtb", ""), 200, ""),
    ];
    for (payload, status, id) in &cases[..5] {
        let answer = confirm(&a, remote_id, &token, payload).await;
        assert_eq!(answer.refusal(), (*status, id.to_string()), "{payload}");
    }
    let long = "t".repeat(27);
    let cases = [
        (good.replace("tbtbtbtbtbtbtbtbtbtbtbtbtb", ""), 400, param),
        (
            good.replace("tbtbtbtbtbtbtbtbtbtbtbtbtb", &long),
            400,
            param,
        ),
        (
            good.replace("tatatatatatatatatatatatata", &long),
            400,
            param,
        ),
        // Rotation must change something, and a newer server must rotate.
        (
            good.replace("tatatatatatatatatatatatata", &token),
            500,
            "api.command_remote.confirm_invitation.error",
        ),
        (
            confirmation(remote_id, r#","version":3"#),
            500,
            "api.command_remote.confirm_invitation.error",
        ),
    ];
    for (payload, status, id) in &cases {
        let answer = confirm(&a, remote_id, &token, payload).await;
        assert_eq!(answer.refusal(), (*status, id.to_string()), "{payload}");
    }
    for pending in [victim, remote_id] {
        assert_eq!(a.secrets(pending), Some("invited"));
        let connection = a.connection_of(pending).unwrap();
        assert_eq!(a.state(connection), Some(ConnectionState::Pending));
    }
    let answer = confirm(&a, remote_id, &token, &good).await;
    assert_eq!(
        (answer.status.as_u16(), answer.body.as_slice()),
        (200, OK.as_bytes())
    );
    let dead = confirm(&a, remote_id, &token, &good).await;
    assert_eq!(
        dead.refusal(),
        (401, "api.context.invalid_token.error".into())
    );
    let again = confirm(&a, remote_id, "tatatatatatatatatatatatata", &good).await;
    let id = "api.command_remote.confirm_invitation.error";
    assert_eq!(again.refusal(), (500, id.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_confirmations_at_once_make_one_connection() {
    let a = TestHost::start(quiet()).await;
    let remote_id = a
        .row(a.invite("site-b").await.connection)
        .unwrap()
        .remote_id;
    let token = invitation_token(&a, remote_id);
    let payload = |which: char| {
        let refreshed = which.to_string().repeat(26);
        confirmation(
            remote_id,
            &format!(r#","refreshed_token":"{refreshed}","version":3"#),
        )
    };
    let (x, y) = (payload('x'), payload('y'));
    let (first, second) = tokio::join!(
        confirm(&a, remote_id, &token, &x),
        confirm(&a, remote_id, &token, &y)
    );
    let won = [first.status == 200, second.status == 200];
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
    assert_eq!(opens(&a, remote_id, &"x".repeat(26)).await, won[0]);
    assert_eq!(opens(&a, remote_id, &"y".repeat(26)).await, won[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_confirmation_leaves_nothing_and_can_be_repeated() {
    let host = TestHost::start(quiet()).await;
    let peer = FakePeer::start().await;
    let (remote_id, _, code) = code_of(&host, &peer.url, 3, CodeKdf::Scrypt).await;
    for script in [
        Script::Answer(401, "{}"),
        Script::Answer(400, "{}"),
        Script::Answer(500, "{}"),
        Script::Answer(200, r#"{"status":"FAIL","err":"no"}"#),
        Script::Answer(200, "<html>"),
        Script::Answer(201, OK),
        Script::Redirect,
    ] {
        peer.script("/confirm_invite", [script.clone()]);
        let refused = host.accept("peer", &code).await.unwrap_err();
        assert!(
            matches!(refused, HandshakeError::NotConfirmed(_)),
            "{script:?} {refused}"
        );
        assert_eq!(
            refused.refusal().id,
            "api.remote_cluster.accept_invitation_error"
        );
        assert!(host.federation.connection_of(remote_id).is_none());
        assert_eq!(host.secrets(remote_id), None);
    }
    let url = peer.url.clone();
    drop(peer);
    eventually_refused(&url).await;
    let unreachable = host.accept("peer", &code).await.unwrap_err();
    assert!(
        matches!(unreachable, HandshakeError::NotConfirmed(_)),
        "{unreachable}"
    );
    assert_eq!(host.secrets(remote_id), None);
}

/// Waits until nothing listens at an address.
async fn eventually_refused(url: &str) {
    let address = url.trim_start_matches("http://").to_string();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while tokio::net::TcpStream::connect(&address).await.is_ok() {
        assert!(
            tokio::time::Instant::now() < deadline,
            "{url} still listens"
        );
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uncertain_confirmation_is_settled_by_pings_and_repetition() {
    // The response was lost, the inviter has confirmed: the ping with the new token proves it.
    let proved = |peer: &FakePeer| {
        peer.script("/confirm_invite", [Script::Break]);
        peer.script("/ping", [Script::Answer(200, PONG)]);
    };
    // The inviter did not receive it and is called again.
    let repeated = |peer: &FakePeer| {
        peer.script(
            "/confirm_invite",
            [Script::Answer(503, ""), Script::Answer(200, OK)],
        );
        peer.script(
            "/ping",
            [Script::Answer(401, "{}"), Script::Answer(401, "{}")],
        );
    };
    let host = TestHost::start(quiet()).await;
    let peer = FakePeer::start().await;
    proved(&peer);
    let (_, _, code) = code_of(&host, &peer.url, 3, CodeKdf::Scrypt).await;
    let connection = host.accept("proved", &code).await.unwrap();
    assert_eq!(host.state(connection), Some(ConnectionState::Confirmed));
    assert_eq!(peer.received("/confirm_invite").len(), 1);

    let host = TestHost::start(eager()).await;
    let peer = FakePeer::start().await;
    repeated(&peer);
    let (remote_id, t0, code) = code_of(&host, &peer.url, 3, CodeKdf::Scrypt).await;
    let unsure = host.accept("repeated", &code).await.unwrap_err();
    assert!(matches!(unsure, HandshakeError::Unsure(_)), "{unsure}");
    let connection = host.connection_of(remote_id).unwrap();
    eventually("confirmed", || {
        host.state(connection) == Some(ConnectionState::Confirmed)
    })
    .await;
    let [first, second] = peer.received("/confirm_invite").try_into().unwrap();
    assert_eq!(first.body["msg"]["payload"], second.body["msg"]["payload"]);
    assert_eq!(second.headers["x-remotecluster-token"], t0.expose());
    eventually("cleaned up", || {
        host.secrets(remote_id) == Some("established")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uncertain_confirmation_that_was_refused_in_the_end_is_abandoned() {
    let host = TestHost::start(eager()).await;
    for version in [0, 3] {
        let peer = FakePeer::start().await;
        peer.script(
            "/confirm_invite",
            [Script::Answer(504, ""), Script::Answer(401, "{}")],
        );
        peer.script("/ping", [Script::Answer(401, "{}")]);
        let (remote_id, _, code) = code_of(&host, &peer.url, version, CodeKdf::Scrypt).await;
        let unsure = host.accept("peer", &code).await.unwrap_err();
        assert!(matches!(unsure, HandshakeError::Unsure(_)), "{unsure}");
        eventually("abandoned", || {
            host.federation.connection_of(remote_id).is_none()
        })
        .await;
        eventually("forgotten", || host.secrets(remote_id).is_none()).await;
    }
}
