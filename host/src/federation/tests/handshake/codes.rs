//! Invitation codes: who creates them, how often and how long they work.

use causeway_kernel::boundary::input::Actor;
use causeway_kernel::model::limits::INVITATION_LIFE_MS;
use causeway_kernel::model::{ConnectionState, PeerKind};

use super::super::host::{PASSWORD, TestHost, connected, eventually, named, quiet};
use super::*;
use crate::federation::FederationSettings;
use crate::federation::handshake::{self, HandshakeError};
use crate::federation::invitation::{CodeError, CodeKdf};
use crate::vault::Secret;

#[tokio::test(flavor = "multi_thread")]
async fn two_hosts_connect_and_see_each_other_online() {
    let a = TestHost::start(quiet()).await;
    let b = TestHost::start(quiet()).await;
    let invitation = a.invite("site-b").await;
    assert!(invitation.password.is_none());
    let remote_id = a.row(invitation.connection).unwrap().remote_id;
    let t0 = invitation_token(&a, remote_id);
    let accepted = b.accept("site-a", &invitation.code).await.unwrap();
    for (host, connection, peer) in [(&a, invitation.connection, &b), (&b, accepted, &a)] {
        let row = host.row(connection).unwrap();
        assert_eq!(row.state, ConnectionState::Confirmed);
        assert_eq!(row.remote_id, remote_id);
        assert_eq!(row.site_url, peer.url);
        assert_eq!(host.secrets(remote_id), Some("established"));
        eventually("online by the ping at once", || host.is_online(connection)).await;
        assert_eq!(host.row(connection).unwrap().kind, PeerKind::Causeway);
    }
    assert!(
        !opens(&a, remote_id, &t0).await,
        "the invitation's token is dead"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_works_once() {
    let (a, b, remote_id) = connected(quiet()).await;
    let second = TestHost::start(quiet()).await;
    let invitation = a.invite("site-c").await;
    second.accept("site-a", &invitation.code).await.unwrap();
    // The same workspace again, under another name: the working connection stays (W55).
    let connection = second.connection_of(a.row(invitation.connection).unwrap().remote_id);
    let again = second.accept("again", &invitation.code).await;
    assert!(matches!(again, Err(HandshakeError::AlreadyAccepted)));
    assert_eq!(
        second.state(connection.unwrap()),
        Some(ConnectionState::Confirmed)
    );
    // Another workspace: the inviter refuses and nothing is left behind.
    let refused = b.accept("stolen", &invitation.code).await;
    assert!(matches!(refused, Err(HandshakeError::NotConfirmed(_))));
    let stolen = a.row(invitation.connection).unwrap().remote_id;
    assert_eq!(b.secrets(stolen), None);
    assert!(
        b.connection_of(stolen)
            .is_none_or(|it| b.state(it) != Some(ConnectionState::Confirmed))
    );
    // The inviter itself: its own record is not touched.
    let own = a.accept("own", &invitation.code).await;
    assert!(matches!(own, Err(HandshakeError::AlreadyAccepted)));
    assert_eq!(
        a.state(a.connection_of(remote_id).unwrap()),
        Some(ConnectionState::Confirmed)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_codes_the_older_one_works_and_ends_the_newer() {
    let a = TestHost::start(quiet()).await;
    let b = TestHost::start(quiet()).await;
    let c = TestHost::start(quiet()).await;
    let first = a.invite("site-b").await;
    let password = Secret::new("another");
    let generate = |password: Secret| {
        let (federation, connection) = (a.federation.clone(), first.connection);
        async move { handshake::generate(&federation, Actor::System, connection, &password).await }
    };
    let second = generate(password.clone()).await.unwrap();
    assert!(matches!(
        generate(Secret::new("")).await,
        Err(HandshakeError::PasswordMissing)
    ));
    b.accept("site-a", &first.code).await.unwrap();
    let create = named("site-a");
    let code = second.code.expose();
    let late = handshake::accept(&c.federation, Actor::System, create, code, &password).await;
    assert!(matches!(late, Err(HandshakeError::NotConfirmed(_))));
    assert!(matches!(
        generate(password).await,
        Err(HandshakeError::AlreadyConfirmed)
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_made_when_none_is_given_and_wrong_ones_refused() {
    let a = TestHost::start(FederationSettings {
        code_kdf: CodeKdf::Pbkdf2,
        ..quiet()
    })
    .await;
    let b = TestHost::start(quiet()).await;
    let none = Secret::default();
    let created = handshake::create(&a.federation, Actor::System, named("b"), &none).await;
    let created = created.unwrap();
    let password = created.password.unwrap();
    let accept = |code: String, password: Secret| {
        let federation = b.federation.clone();
        async move {
            let create = named("a");
            handshake::accept(&federation, Actor::System, create, &code, &password).await
        }
    };
    let code = created.code.expose().to_string();
    let wrong = accept(code.clone(), Secret::new("wrong"))
        .await
        .unwrap_err();
    assert!(matches!(wrong, HandshakeError::Code(CodeError::Sealed)));
    assert_eq!(
        wrong.refusal().id,
        "api.remote_cluster.invite_decrypt_error"
    );
    let damaged = accept(code.replacen('A', "!", 1) + "!", password.clone())
        .await
        .unwrap_err();
    assert_eq!(
        damaged.refusal().id,
        "api.remote_cluster.base64_decode_error"
    );
    accept(code, password).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_admins_make_connections() {
    let a = TestHost::start(quiet()).await;
    let password = Secret::new(PASSWORD);
    let refused = handshake::create(&a.federation, Actor::Anonymous, named("b"), &password).await;
    assert_eq!(refused.unwrap_err().refusal().status, 403);
    let refused =
        handshake::accept(&a.federation, Actor::Anonymous, named("b"), "x", &password).await;
    assert_eq!(refused.unwrap_err().slash_key(), "permission_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_expires_with_its_record_not_with_its_code() {
    let a = TestHost::start(quiet()).await;
    let b = TestHost::start(quiet()).await;
    let invitation = a.invite("site-b").await;
    a.shift_clock(INVITATION_LIFE_MS - 60_000);
    let password = Secret::new(PASSWORD);
    let connection = invitation.connection;
    let newer = handshake::generate(&a.federation, Actor::System, connection, &password).await;
    a.shift_clock(120_000);
    let expired = b.accept("site-a", &newer.unwrap().code).await.unwrap_err();
    assert_eq!(
        expired.refusal().id,
        "api.remote_cluster.accept_invitation_error"
    );
    let remote_id = a.row(connection).unwrap().remote_id;
    let token = invitation_token(&a, remote_id);
    let answer = confirm(&a, remote_id, &token, &confirmation(remote_id, "")).await;
    assert_eq!(
        answer.refusal(),
        (400, "api.context.invitation_expired.error".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn private_addresses_are_called_only_where_the_setting_allows_it() {
    let strict = FederationSettings {
        allow_private_targets: false,
        ..quiet()
    };
    let (a, b) = (
        TestHost::start(quiet()).await,
        TestHost::start(strict).await,
    );
    let code = a.invite("b").await.code;
    let refused = b.accept("a", &code).await.unwrap_err();
    assert!(matches!(refused, HandshakeError::NotConfirmed(_)));
    let said = refused.to_string();
    assert!(said.contains("`allow_private_targets`"), "{said}");
    // A confirmation cannot make it call one either.
    let invitation = b.invite("a").await;
    let remote_id = b.row(invitation.connection).unwrap().remote_id;
    let token = invitation_token(&b, remote_id);
    let refreshed = Secret::token().unwrap();
    let rest = format!(r#","refreshed_token":"{}","version":3"#, refreshed.expose());
    let payload = confirmation(remote_id, &rest);
    let answer = confirm(&b, remote_id, &token, &payload).await;
    assert_eq!(answer.status, 500);
    assert!(answer.says("`allow_private_targets`"));
    assert_eq!(
        b.state(invitation.connection),
        Some(ConnectionState::Pending)
    );
}
