//! Servers of 2021 and of the 11 line on the other side.

use causeway_kernel::model::{ConnectionState, PeerKind};

use super::super::host::{TestHost, eventually, quiet};
use super::super::peer::{FakePeer, Script};
use super::*;
use crate::federation::FederationSettings;
use crate::federation::invitation::CodeKdf;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_2021_accepts_and_keeps_the_invitations_token() {
    let a = TestHost::start(quiet()).await;
    let invitation = a.invite("old").await;
    let remote_id = a.row(invitation.connection).unwrap().remote_id;
    let token = invitation_token(&a, remote_id);
    let answer = confirm(&a, remote_id, &token, &confirmation(remote_id, "")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        a.row(invitation.connection).unwrap().kind,
        PeerKind::Mattermost2021
    );
    assert!(opens(&a, remote_id, &token).await);

    let strict = FederationSettings {
        allow_unrotated_tokens: false,
        ..quiet()
    };
    let a = TestHost::start(strict).await;
    let invitation = a.invite("old").await;
    let remote_id = a.row(invitation.connection).unwrap().remote_id;
    let token = invitation_token(&a, remote_id);
    let answer = confirm(&a, remote_id, &token, &confirmation(remote_id, "")).await;
    assert_eq!(answer.status, 500);
    assert!(answer.says("`allow_unrotated_tokens`"));
    assert_eq!(
        a.state(invitation.connection),
        Some(ConnectionState::Pending)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn inviters_of_every_generation_get_the_confirmation_they_expect() {
    let host = TestHost::start(quiet()).await;
    for (version, kdf, kind) in [
        (0, CodeKdf::Scrypt, PeerKind::Mattermost2021),
        (2, CodeKdf::Scrypt, PeerKind::Mattermost11),
        (3, CodeKdf::Pbkdf2, PeerKind::Mattermost11),
    ] {
        let peer = FakePeer::start().await;
        peer.script("/confirm_invite", [Script::Answer(200, OK)]);
        peer.script("/ping", [Script::Answer(200, PONG)]);
        let (remote_id, t0, code) = code_of(&host, &peer.url, version, kdf).await;
        let name = format!("peer-{version}");
        let connection = host.accept(&name, &code).await.unwrap();
        assert_eq!(host.row(connection).unwrap().kind, kind);
        let [sent] = peer.received("/confirm_invite").try_into().unwrap();
        assert_eq!(sent.headers["x-remotecluster-id"], remote_id.as_str());
        assert_eq!(sent.headers["x-remotecluster-token"], t0.expose());
        assert_eq!(sent.body["remote_id"], remote_id.as_str());
        assert_eq!(sent.body["msg"]["topic"], "invitation");
        let payload = &sent.body["msg"]["payload"];
        assert_eq!(payload["remote_id"], remote_id.as_str());
        assert_eq!(payload["site_url"], host.url.as_str());
        let token = payload["token"].as_str().unwrap();
        assert!(opens(&host, remote_id, token).await);
        assert!(!opens(&host, remote_id, t0.expose()).await);
        let expected_token = if version >= 2 {
            assert_eq!(payload["version"], 3);
            let refreshed = payload["refreshed_token"].as_str().unwrap();
            assert_ne!(refreshed, t0.expose());
            assert_ne!(refreshed, token);
            refreshed.to_string()
        } else {
            assert!(payload.get("version").is_none() && payload.get("refreshed_token").is_none());
            t0.expose().to_string()
        };
        eventually("pinged at once", || !peer.received("/ping").is_empty()).await;
        let [ping, ..] = &peer.received("/ping")[..] else {
            panic!()
        };
        assert_eq!(
            ping.headers["x-remotecluster-token"],
            expected_token.as_str()
        );
        assert_eq!(ping.body["msg"]["topic"], "ping");
        eventually("online", || host.is_online(connection)).await;
    }
}
