//! Handshakes between two hosts, with peers of other generations, and cut at every point.

use causeway_kernel::command::{AcceptConnection, Command};
use causeway_kernel::id::{ConnectionNo, Id};
use causeway_kernel::input::{Actor, Input};
use causeway_kernel::limits::INVITATION_LIFE_MS;
use causeway_kernel::model::{ConnectionState, PeerKind};
use causeway_kernel::output::{Object, Reply};
use causeway_kernel::wire::frame::Invite;

use super::host::{
    Answer, PASSWORD, TestHost, connected, eager, eventually, named, quiet, request,
};
use super::peer::{FakePeer, Script};
use crate::federation::FederationSettings;
use crate::federation::handshake::{self, HandshakeError};
use crate::federation::invitation::{self, CodeError, CodeKdf};
use crate::vault::{LinkSecrets, NextTokens, Secret, TokenDigest, new_id};

const OK: &str = r#"{"status":"OK"}"#;
const ENVELOPE: &str = r#"{"status":"OK","err":"","payload":null}"#;
const PONG: &str = r#"{"sent_at":1,"recv_at":2}"#;

/// A code as a server of some generation makes it.
async fn code_of(host: &TestHost, url: &str, version: i64, kdf: CodeKdf) -> (Id, Secret, Secret) {
    let (remote_id, token) = (new_id().unwrap(), Secret::token().unwrap());
    let invite = Invite {
        remote_id: remote_id.into(),
        remote_team_id: String::new(),
        site_url: url.into(),
        token: token.expose().into(),
        refreshed_token: String::new(),
        version,
    };
    let password = Secret::new(PASSWORD);
    let code = invitation::seal(host.vault.derivations(), &invite, &password, kdf).await;
    (remote_id, token, code.unwrap())
}

/// A confirmation as a peer sends it by hand.
async fn confirm(host: &TestHost, remote_id: Id, token: &str, payload: &str) -> Answer {
    let id = new_id().unwrap();
    let body = format!(
        r#"{{"remote_id":"{remote_id}","msg":{{"id":"{id}","topic":"invitation","create_at":1,"payload":{payload}}}}}"#
    );
    let headers = [
        ("X-Remotecluster-Id", remote_id.as_str()),
        ("X-Remotecluster-Token", token),
    ];
    request("POST", &host.url, "confirm_invite", &headers, body).await
}

fn confirmation(remote_id: Id, rest: &str) -> String {
    format!(
        r#"{{"remote_id":"{remote_id}","remote_team_id":"","site_url":"http://127.0.0.1:9","token":"tbtbtbtbtbtbtbtbtbtbtbtbtb"{rest}}}"#
    )
}

/// Whether a token opens the gate.
async fn opens(host: &TestHost, remote_id: Id, token: &str) -> bool {
    let id = new_id().unwrap();
    let body = format!(
        r#"{{"remote_id":"{remote_id}","msg":{{"id":"{id}","topic":"ping","create_at":1,"payload":null}}}}"#
    );
    let headers = [
        ("X-Remotecluster-Id", remote_id.as_str()),
        ("X-Remotecluster-Token", token),
    ];
    request("POST", &host.url, "ping", &headers, body)
        .await
        .status
        == 200
}

fn invitation_token(host: &TestHost, remote_id: Id) -> String {
    match host.vault.link(remote_id).unwrap().unwrap() {
        LinkSecrets::Invited { invitation } => invitation.expose().to_string(),
        other => panic!("{}", other.name()),
    }
}

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
    // Another workspace: the inviter refuses and nothing is left.
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

/// Waits until nobody listens at an address.
async fn eventually_refused(url: &str) {
    let address = url.trim_start_matches("http://").to_string();
    for _ in 0..1000 {
        if tokio::net::TcpStream::connect(&address).await.is_err() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("{url} still listens");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uncertain_confirmation_is_settled_by_pings_and_repetition() {
    // The answer got lost, the inviter has confirmed: the ping with the new token proves it.
    let proved = |peer: &FakePeer| {
        peer.script("/confirm_invite", [Script::Break]);
        peer.script("/ping", [Script::Answer(200, PONG)]);
    };
    // The inviter never heard of it and is asked once more.
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
    eventually("tidied up", || {
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

async fn step(host: &TestHost, command: Command) -> ConnectionNo {
    let input = Input::Command {
        actor: Actor::System,
        key: None,
        command,
    };
    match host.engine.submit(input).await.unwrap() {
        Reply::Object(Object::Connection(connection)) => connection,
        other => panic!("{other:?}"),
    }
}

fn accepting(invitation: &Secret) -> LinkSecrets {
    LinkSecrets::Accepting {
        invitation: invitation.clone(),
        token: Secret::new("tbtbtbtbtbtbtbtbtbtbtbtbtb"),
        remote_token: Secret::new("tatatatatatatatatatatatata"),
        version: 3,
    }
}

fn accept_command(remote_id: Id, url: &str) -> Command {
    Command::AcceptConnection(AcceptConnection {
        create: named("site-a"),
        remote_id,
        site_url: url.into(),
        kind: PeerKind::Mattermost11,
        remote_team_id: String::new(),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acceptor_survives_a_crash_at_every_point() {
    let a = TestHost::start(quiet()).await;

    // After the vault, before the step: nothing was sent, the row is an orphan.
    let b = TestHost::start(quiet()).await;
    let orphan = new_id().unwrap();
    b.vault
        .put_link(orphan, accepting(&Secret::new("t0")))
        .await
        .unwrap();
    let b = b.restart(eager()).await;
    assert_eq!(b.secrets(orphan), None);

    // After the step, before the call: the start calls.
    let first = a.row(a.invite("first").await.connection).unwrap().remote_id;
    let t0 = Secret::new(invitation_token(&a, first));
    b.vault.put_link(first, accepting(&t0)).await.unwrap();
    let b = b.restart(quiet()).await;
    assert_eq!(b.secrets(first), None, "swept, as the step did not come");
    b.vault.put_link(first, accepting(&t0)).await.unwrap();
    let connection = step(&b, accept_command(first, &a.url)).await;
    let b = b.restart(eager()).await;
    eventually("confirmed", || {
        b.state(connection) == Some(ConnectionState::Confirmed)
    })
    .await;
    eventually("online", || b.is_online(connection)).await;
    let on_a = a.connection_of(first).unwrap();
    assert_eq!(a.state(on_a), Some(ConnectionState::Confirmed));
    eventually("the other way", || a.is_online(on_a)).await;
    let b = b.restart(quiet()).await;

    // After the inviter's yes, before our step: the ping proves it.
    let second = a
        .row(a.invite("second").await.connection)
        .unwrap()
        .remote_id;
    let t0 = invitation_token(&a, second);
    b.vault
        .put_link(second, accepting(&Secret::new(t0.clone())))
        .await
        .unwrap();
    let mut create = accept_command(second, &a.url);
    if let Command::AcceptConnection(accept) = &mut create {
        accept.create.name = "site-a2".into();
    }
    let connection = step(&b, create).await;
    let rest = r#","refreshed_token":"tatatatatatatatatatatatata","version":3"#;
    let payload = confirmation(second, rest).replace("http://127.0.0.1:9", &b.url);
    assert_eq!(confirm(&a, second, &t0, &payload).await.status, 200);
    let b = b.restart(eager()).await;
    eventually("proved", || {
        b.state(connection) == Some(ConnectionState::Confirmed)
    })
    .await;
    eventually("tidied up", || b.secrets(second) == Some("established")).await;

    // After our step, before the vault is tidied up.
    let tokens = accepting(&Secret::new(t0));
    b.vault.put_link(second, tokens).await.unwrap();
    let b = b.restart(quiet()).await;
    assert_eq!(b.secrets(second), Some("established"));
    assert!(opens(&b, second, "tbtbtbtbtbtbtbtbtbtbtbtbtb").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inviter_survives_a_crash_at_every_point() {
    let a = TestHost::start(quiet()).await;
    let b = TestHost::start(quiet()).await;

    // After the step that makes the record, before the vault: a new code makes the token.
    let bare = step(&a, Command::CreateConnection(named("bare"))).await;
    let remote_id = a.row(bare).unwrap().remote_id;
    let a = a.restart(quiet()).await;
    assert_eq!(a.secrets(remote_id), None);
    assert!(!opens(&a, remote_id, "").await);
    let password = Secret::new(PASSWORD);
    let code = handshake::generate(&a.federation, Actor::System, bare, &password)
        .await
        .unwrap();

    // After the vault took the confirmation, before the step: the peer was not told yes, so the
    // invitation is good for another try.
    let t0 = invitation_token(&a, remote_id);
    let next = NextTokens {
        token: TokenDigest::of("tatatatatatatatatatatatata"),
        remote_token: Secret::new("tbtbtbtbtbtbtbtbtbtbtbtbtb"),
    };
    let answering = LinkSecrets::Answering {
        invitation: Secret::new(t0.clone()),
        next: next.clone(),
    };
    a.vault
        .put_link(remote_id, answering.clone())
        .await
        .unwrap();
    assert!(opens(&a, remote_id, &t0).await);
    assert!(!opens(&a, remote_id, "tatatatatatatatatatatatata").await);
    let a = a.restart(quiet()).await;
    assert_eq!(a.secrets(remote_id), Some("invited"));
    b.accept("site-a", &code.code).await.unwrap();
    assert_eq!(a.state(bare), Some(ConnectionState::Confirmed));

    // After the step, before the vault is tidied up: the next tokens are in force already.
    a.vault.put_link(remote_id, answering).await.unwrap();
    assert!(!opens(&a, remote_id, &t0).await);
    assert!(opens(&a, remote_id, "tatatatatatatatatatatatata").await);
    let a = a.restart(quiet()).await;
    assert_eq!(a.secrets(remote_id), Some("established"));
    assert!(opens(&a, remote_id, "tatatatatatatatatatatatata").await);

    // After the step that removes, before the vault: the start forgets.
    step(&a, Command::RemoveConnection { connection: bare }).await;
    assert!(!opens(&a, remote_id, "tatatatatatatatatatatatata").await);
    let a = a.restart(quiet()).await;
    assert_eq!(a.secrets(remote_id), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_stay_out_of_the_workspace() {
    let (a, b, remote_id) = connected(quiet()).await;
    let peer = FakePeer::start().await;
    peer.script("/confirm_invite", [Script::Answer(200, ENVELOPE)]);
    let mut tokens = Vec::new();
    for host in [&a, &b] {
        let link = host.vault.link(remote_id).unwrap().unwrap();
        let in_force = link.in_force(ConnectionState::Confirmed).unwrap();
        tokens.push(in_force.remote_token.unwrap().expose().to_string());
    }
    let folders = [a.stop().await.0, b.stop().await.0];
    for folder in &folders {
        for entry in walk(folder.path()) {
            if entry
                .file_name()
                .is_some_and(|name| name == crate::vault::VAULT_FILE)
            {
                continue;
            }
            let bytes = std::fs::read(&entry).unwrap();
            for token in &tokens {
                let found = bytes
                    .windows(token.len())
                    .any(|window| window == token.as_bytes());
                assert!(!found, "a token stands in {}", entry.display());
            }
        }
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(walk(&path))
        } else {
            files.push(path)
        }
    }
    files
}
