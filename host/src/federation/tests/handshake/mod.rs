//! Handshakes between two hosts, with peers of other generations, and interrupted at every point.

mod codes;
mod confirmations;
mod crashes;
mod generations;

use causeway_kernel::rows::id::Id;
use causeway_kernel::wire::frame::Invite;

use super::host::{Answer, PASSWORD, TestHost, request};
use crate::federation::invitation::{self, CodeKdf};
use crate::vault::{LinkSecrets, Secret, new_id};

pub(super) const OK: &str = r#"{"status":"OK"}"#;
pub(super) const ENVELOPE: &str = r#"{"status":"OK","err":"","payload":null}"#;
pub(super) const PONG: &str = r#"{"sent_at":1,"recv_at":2}"#;

/// A code as created by a server of a given generation.
pub(super) async fn code_of(
    host: &TestHost,
    url: &str,
    version: i64,
    kdf: CodeKdf,
) -> (Id, Secret, Secret) {
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
pub(super) async fn confirm(host: &TestHost, remote_id: Id, token: &str, payload: &str) -> Answer {
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

pub(super) fn confirmation(remote_id: Id, rest: &str) -> String {
    format!(
        r#"{{"remote_id":"{remote_id}","remote_team_id":"","site_url":"http://127.0.0.1:9","token":"tbtbtbtbtbtbtbtbtbtbtbtbtb"{rest}}}"#
    )
}

/// Whether a token opens the gate.
pub(super) async fn opens(host: &TestHost, remote_id: Id, token: &str) -> bool {
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

pub(super) fn invitation_token(host: &TestHost, remote_id: Id) -> String {
    match host.vault.link(remote_id).unwrap().unwrap() {
        LinkSecrets::Invited { invitation } => invitation.expose().to_string(),
        other => panic!("{}", other.name()),
    }
}
