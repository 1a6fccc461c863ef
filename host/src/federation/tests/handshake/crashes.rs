//! A handshake interrupted between any two steps is resumed; and no secret leaves the vault.

use causeway_kernel::boundary::input::{Actor, Input};
use causeway_kernel::boundary::output::{Object, Reply};
use causeway_kernel::command::{AcceptConnection, Command, RemoveConnection};
use causeway_kernel::model::{ConnectionState, PeerKind};
use causeway_kernel::rows::id::{ConnectionNo, Id};

use super::super::host::{PASSWORD, TestHost, connected, eager, eventually, named, quiet};
use super::super::peer::{FakePeer, Script};
use super::*;
use crate::federation::handshake;
use crate::vault::{LinkSecrets, NextTokens, Secret, TokenDigest, new_id};

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
    assert_eq!(b.secrets(first), None, "swept, as there was no step");
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
    eventually("cleaned up", || b.secrets(second) == Some("established")).await;

    // After our step, before the vault is cleaned up.
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

    // After the step that creates the record, before the vault: a new code creates the token.
    let bare = step(&a, Command::CreateConnection(named("bare"))).await;
    let remote_id = a.row(bare).unwrap().remote_id;
    let a = a.restart(quiet()).await;
    assert_eq!(a.secrets(remote_id), None);
    assert!(!opens(&a, remote_id, "").await);
    let password = Secret::new(PASSWORD);
    let code = handshake::generate(&a.federation, Actor::System, bare, &password)
        .await
        .unwrap();

    // After the vault stored the confirmation, before the step: the peer was not told yes, so the invitation
    // can be used for another attempt.
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

    // After the step, before the vault is cleaned up: the next tokens are already in force.
    a.vault.put_link(remote_id, answering).await.unwrap();
    assert!(!opens(&a, remote_id, &t0).await);
    assert!(opens(&a, remote_id, "tatatatatatatatatatatatata").await);
    let a = a.restart(quiet()).await;
    assert_eq!(a.secrets(remote_id), Some("established"));
    assert!(opens(&a, remote_id, "tatatatatatatatatatatatata").await);

    // After the step that removes it, before the vault: the start deletes the secrets.
    step(
        &a,
        Command::RemoveConnection(RemoveConnection { connection: bare }),
    )
    .await;
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
    let folders = [a.stop().await.folder, b.stop().await.folder];
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
                assert!(!found, "a token is in {}", entry.display());
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
