//! Tests every row of the endpoints' tables. Protocol §5.

use causeway_kernel::model::ConnectionState;
use causeway_kernel::rows::id::Id;

use super::host::{Answer, TestHost, connected, eventually, quiet, request};
use crate::federation::FederationSettings;
use crate::federation::client::INCARNATION_HEADER;
use crate::federation::endpoints::FRAME_BYTES_MAX;
use crate::vault::{LinkSecrets, NextTokens, Secret, TokenDigest, new_id};

const TOKEN: &str = "1kbq7a7nwbrdtmzxzkfxpu3omy";

/// A connected host whose peer presents [`TOKEN`].
async fn host_with_peer(settings: FederationSettings) -> (TestHost, TestHost, Id) {
    let (a, b, remote_id) = connected(settings).await;
    let remote_token = Secret::new("unused");
    let tokens = NextTokens {
        token: TokenDigest::of(TOKEN),
        remote_token,
    };
    a.vault
        .put_link(remote_id, LinkSecrets::Established(tokens))
        .await
        .unwrap();
    (a, b, remote_id)
}

fn frame(remote_id: Id, topic: &str, payload: &str) -> String {
    let id = new_id().unwrap();
    format!(
        r#"{{"remote_id":"{remote_id}","msg":{{"id":"{id}","topic":"{topic}","create_at":1,"payload":{payload}}}}}"#
    )
}

async fn call(host: &TestHost, path: &str, remote_id: Id, body: impl Into<Vec<u8>>) -> Answer {
    let headers = [
        ("X-Remotecluster-Id", remote_id.as_str()),
        ("X-Remotecluster-Token", TOKEN),
    ];
    request("POST", &host.url, path, &headers, body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gate_checks_credentials_in_the_order_of_the_protocol() {
    let (host, _peer, remote_id) = host_with_peer(quiet()).await;
    let id = remote_id.as_str();
    let body = frame(remote_id, "ping", r#"{"sent_at":7,"recv_at":0}"#);
    let other = new_id().unwrap();
    let long_token = format!("{TOKEN}{}", "x".repeat(50));
    let (id_header, token_header) = ("X-RemoteCluster-Id", "X-RemoteCluster-Token");
    let expired = "api.context.session_expired.app_error";
    let missing = "api.context.remote_id_missing.app_error";
    let invalid = "api.context.invalid_token.error";
    let good = (token_header, TOKEN);
    let cases: Vec<(Vec<(&str, &str)>, &str)> = vec![
        (vec![], expired),
        (vec![(id_header, id)], expired),
        (vec![(id_header, id), (token_header, "")], expired),
        (vec![good], missing),
        (vec![good, (id_header, "")], missing),
        (vec![good, (id_header, "short")], invalid),
        (vec![good, (id_header, other.as_str())], invalid),
        (
            vec![
                (id_header, id),
                (token_header, "ny3nfkentijfm4wz14i1qzg3zg"),
            ],
            invalid,
        ),
        (vec![(id_header, id), (token_header, &long_token)], invalid),
        (
            vec![good, (id_header, id), ("Cookie", "x=y; MMAUTHTOKEN=abc")],
            expired,
        ),
        (
            vec![good, (id_header, id), ("Authorization", "BEARER abc")],
            expired,
        ),
        (
            vec![good, (id_header, id), ("Authorization", "token abc")],
            expired,
        ),
        (
            vec![good, (id_header, id), ("X-Cloud-Token", "abc")],
            expired,
        ),
    ];
    for path in ["ping", "msg", "confirm_invite", "upload/x", "x/image"] {
        for (headers, expected) in &cases {
            let answer = request("POST", &host.url, path, headers, body.clone()).await;
            assert_eq!(
                answer.refusal(),
                (401, expected.to_string()),
                "{path} {headers:?}"
            );
            assert!(
                !String::from_utf8_lossy(&answer.body).contains("ny3nfk"),
                "token echoed"
            );
        }
        let with = [good, (id_header, id)];
        let query = format!("{path}?access_token=abc");
        let answer = request("POST", &host.url, &query, &with, body.clone()).await;
        assert_eq!(answer.refusal(), (401, expired.to_string()));
        let long = format!("{path}?{}", "x".repeat(2100));
        let answer = request("POST", &host.url, &long, &[], body.clone()).await;
        let too_long = "basic_security_check.url.too_long_error";
        assert_eq!(answer.refusal(), (414, too_long.to_string()));
    }
    // Additions by other servers in between do no harm.
    let headers = [
        good,
        (id_header, id),
        ("Authorization", "Basic abc"),
        ("Cookie", "a=b"),
    ];
    let answer = request("POST", &host.url, "ping", &headers, body).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_are_checked_in_the_order_of_the_protocol() {
    let (host, _peer, remote_id) = host_with_peer(quiet()).await;
    let other = new_id().unwrap();
    let ping = r#"{"sent_at":7,"recv_at":0}"#;
    let good = frame(remote_id, "ping", ping);
    let cases = [
        (
            "x".repeat(FRAME_BYTES_MAX + 1),
            413,
            "api.context.request_body_too_large.app_error",
        ),
        ("{not json".into(), 400, "api.unmarshal_error"),
        ("[]".into(), 400, "api.unmarshal_error"),
        (String::new(), 400, "api.unmarshal_error"),
        ("{}".into(), 400, "api.remote_cluster.invalid_id.app_error"),
        (
            good.replace(remote_id.as_str(), "short"),
            400,
            "api.remote_cluster.invalid_id.app_error",
        ),
        (
            frame(remote_id, "", ping),
            400,
            "api.remote_cluster.invalid_topic.app_error",
        ),
        (
            good.replace(&format!(r#","payload":{ping}"#), ""),
            400,
            "api.context.invalid_body_param.app_error",
        ),
        (
            frame(other, "ping", ping),
            400,
            "api.context.remote_id_invalid.app_error",
        ),
        // Each row comes before the next ones.
        (
            frame(other, "", ping),
            400,
            "api.remote_cluster.invalid_topic.app_error",
        ),
    ];
    for path in ["ping", "confirm_invite"] {
        for (body, status, id) in &cases {
            let answer = call(&host, path, remote_id, body.clone()).await;
            assert_eq!(
                answer.refusal(),
                (*status, id.to_string()),
                "{path} {body:.60}"
            );
        }
    }
    let gzip = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1];
    let answer = call(&host, "ping", remote_id, gzip).await;
    assert_eq!(answer.refusal(), (400, "api.unmarshal_error".into()));
    let too_large = call(&host, "msg", remote_id, "x".repeat(FRAME_BYTES_MAX + 1)).await;
    let id = "api.context.request_body_too_large.app_error";
    assert_eq!(too_large.refusal(), (413, id.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn pings_are_answered_with_both_times() {
    let (host, _peer, remote_id) = host_with_peer(quiet()).await;
    let before = host.engine.now_ms();
    for (payload, sent_at) in [
        (
            r#"{"sent_at":1795400576288,"recv_at":0}"#,
            1_795_400_576_288_i64,
        ),
        ("null", 0),
        (r#"{"Sent_At":5,"x":[]}"#, 5),
    ] {
        let answer = call(&host, "ping", remote_id, frame(remote_id, "any", payload)).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers["content-type"], "application/json");
        assert!(answer.headers.contains_key("x-request-id"));
        assert!(answer.headers.contains_key("x-version-id"));
        assert!(answer.headers.contains_key(INCARNATION_HEADER));
        let value: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(value["sent_at"], sent_at);
        assert!(value["recv_at"].as_i64().unwrap() >= before);
    }
    for payload in [r#""a string""#, "7", r#"{"sent_at":"x"}"#] {
        let answer = call(&host, "ping", remote_id, frame(remote_id, "ping", payload)).await;
        let id = "api.context.invalid_body_param.app_error";
        assert_eq!(answer.refusal(), (400, id.into()), "{payload}");
        assert!(String::from_utf8_lossy(&answer.body).contains("msg.payload"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_reach_the_workspace_without_secrets() {
    let (host, _peer, remote_id) = host_with_peer(quiet()).await;
    let user = r#"{"id":"x","password":"$2a$10$abcdefgh","mfa_secret":"JBSWY3DP"}"#;
    let body = frame(
        remote_id,
        "sharedchannel_sync",
        &format!(r#"{{"users":{{"x":{user}}}}}"#),
    );
    let answer = call(&host, "msg", remote_id, body).await;
    assert_eq!(answer.status, 200);
    let value: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert!(["OK", "FAIL"].contains(&value["status"].as_str().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_were_not_announced_and_pictures_of_nobody_are_refused() {
    let (host, _peer, remote_id) = host_with_peer(quiet()).await;
    let id = new_id().unwrap();
    let upload = call(&host, &format!("upload/{id}"), remote_id, "abc").await;
    assert_eq!(upload.refusal(), (404, "app.upload.get.app_error".into()));
    let upload = call(&host, "upload/short", remote_id, "abc").await;
    let invalid = "api.context.invalid_url_param.app_error";
    assert_eq!(upload.refusal(), (400, invalid.into()));
    let image = call(&host, "short/image", remote_id, "abc").await;
    assert_eq!(
        image.refusal(),
        (400, "api.context.invalid_url_param.app_error".into())
    );
    let image = call(&host, &format!("{id}/image"), remote_id, "abc").await;
    let no_form = "api.user.upload_profile_user.parse.app_error";
    assert_eq!(image.refusal(), (500, no_form.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_paths_and_methods_are_none_of_the_peers() {
    let (host, _peer, remote_id) = host_with_peer(quiet()).await;
    let answer = call(&host, "nothing", remote_id, "").await;
    assert_eq!(answer.refusal(), (404, "api.context.404.app_error".into()));
    let headers = [
        ("X-Remotecluster-Id", remote_id.as_str()),
        ("X-Remotecluster-Token", TOKEN),
    ];
    let answer = request("GET", &host.url, "ping", &headers, "").await;
    assert_eq!(
        answer.refusal(),
        (401, "api.context.session_expired.app_error".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_off_says_so_behind_the_gate() {
    let (a, b, remote_id) = host_with_peer(quiet()).await;
    a.federation.set_enabled(false);
    for path in ["ping", "msg", "confirm_invite"] {
        let answer = call(&a, path, remote_id, "{}").await;
        let id = "api.remote_cluster.service_not_enabled.app_error";
        assert_eq!(answer.refusal(), (501, id.into()));
        let answer = request("POST", &a.url, path, &[], "{}").await;
        assert_eq!(answer.status, 401);
    }
    a.federation.set_enabled(true);
    let answer = call(&a, "ping", remote_id, frame(remote_id, "ping", "null")).await;
    assert_eq!(answer.status, 200);
    drop(b);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_holder_of_an_unconfirmed_invitation_may_only_ping_and_confirm() {
    let host = TestHost::start(quiet()).await;
    let invitation = host.invite("site-b").await;
    let remote_id = host.row(invitation.connection).unwrap().remote_id;
    let invited = LinkSecrets::Invited {
        invitation: Secret::new(TOKEN),
    };
    host.vault.put_link(remote_id, invited).await.unwrap();
    let ping = call(&host, "ping", remote_id, frame(remote_id, "ping", "null")).await;
    assert_eq!(ping.status, 200);
    let body = frame(remote_id, "sharedchannel_invite", "{}");
    let message = call(&host, "msg", remote_id, body).await;
    assert_eq!(
        message.refusal(),
        (401, "api.context.invalid_token.error".into())
    );
    let image = call(&host, &format!("{remote_id}/image"), remote_id, "").await;
    assert_eq!(image.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_connection_is_refused_at_once() {
    let (a, b, remote_id) = host_with_peer(quiet()).await;
    let connection = a.connection_of(remote_id).unwrap();
    let actor = causeway_kernel::boundary::input::Actor::System;
    crate::federation::handshake::remove(&a.federation, actor, connection)
        .await
        .unwrap();
    assert_eq!(a.secrets(remote_id), None);
    assert_ne!(a.state(connection), Some(ConnectionState::Confirmed));
    let answer = call(&a, "ping", remote_id, frame(remote_id, "ping", "null")).await;
    assert_eq!(
        answer.refusal(),
        (401, "api.context.invalid_token.error".into())
    );
    drop(b);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_peer_cannot_occupy_the_workspace_with_messages() {
    let (host, _peer, remote_id) = host_with_peer(quiet()).await;
    let body = frame(remote_id, "sharedchannel_sync", "{}");
    let connection = host.connection_of(remote_id).unwrap();
    super::super::lock(&host.federation.inner.frames).insert(connection, 8);
    let answer = call(&host, "msg", remote_id, body.clone()).await;
    assert_eq!(answer.status, 503);
    super::super::lock(&host.federation.inner.frames).remove(&connection);
    let answer = call(&host, "msg", remote_id, body).await;
    assert_eq!(answer.status, 200);
    assert!(answer.headers.contains_key(INCARNATION_HEADER));
    eventually("the turn is given back", || {
        super::super::lock(&host.federation.inner.frames).is_empty()
    })
    .await;
}
