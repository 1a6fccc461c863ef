//! The acceptor's side: accepting another workspace's code. Protocol §8.1.

use causeway_kernel::boundary::input::Actor;
use causeway_kernel::command::{AcceptConnection, Command, ConfirmConnection, CreateConnection};
use causeway_kernel::model::{Connection, ConnectionState, PeerKind};
use causeway_kernel::rows::id::{ConnectionNo, Id};
use causeway_kernel::rows::lookup;
use causeway_kernel::wire::frame::{self, TOPIC_INVITATION};
use causeway_kernel::wire::json::Document;

use super::{
    HandshakeError, abandon, connection_made, derivations, give_up, invite, ready, submit,
};
use crate::federation::client::{Call, Payload, incarnation_of};
use crate::federation::invitation::{self, Invitation};
use crate::federation::{Federation, SiteUrl, lock, pinger};
use crate::http::client::CallError;
use crate::vault::{LinkSecrets, Secret, new_id};

/// Path of the confirmation call.
const CONFIRM_PATH: &str = "/api/v4/remotecluster/confirm_invite";

/// Outcome of a confirmation.
enum Confirmed {
    /// The inviter accepted it.
    Yes(Option<PeerKind>),
    /// The inviter refused it.
    No(String),
    /// It never reached the inviter.
    NeverLeft(String),
    /// The outcome is unknown.
    Unsure(String),
}

/// What is needed to confirm, once or repeatedly.
struct Acceptance {
    connection: ConnectionNo,
    row: Connection,
    site_url: SiteUrl,
    invitation: Secret,
    token: Secret,
    remote_token: Secret,
    rotates: bool,
}

/// Accepts a code: stores the connection, calls the inviter, confirms.
///
/// # Errors
/// See [`HandshakeError`]. After [`HandshakeError::Unsure`] the connection is kept and [`settle`] continues;
/// after every other error nothing is left.
pub async fn accept(
    federation: &Federation,
    actor: Actor,
    create: CreateConnection,
    code: &str,
    password: &Secret,
) -> Result<ConnectionNo, HandshakeError> {
    let accepted = open_and_confirm(federation, actor, create, code, password).await;
    if let Err(error) = &accepted {
        let id = error.refusal().id;
        federation.inner.counters.count_refused_code(&id);
    }
    accepted
}

async fn open_and_confirm(
    federation: &Federation,
    actor: Actor,
    create: CreateConnection,
    code: &str,
    password: &Secret,
) -> Result<ConnectionNo, HandshakeError> {
    ready(federation, actor)?;
    let derivations = derivations(federation, actor);
    let invitation = invitation::open(&derivations, code.trim(), password).await?;
    let claim = Claim::take(federation, invitation.remote_id);
    let _claim = claim.ok_or(HandshakeError::AlreadyAccepted)?;
    let connection = store(federation, actor, create, invitation).await?;
    let acceptance = load(federation, connection)?.ok_or(HandshakeError::Unknown)?;
    match confirm(federation, &acceptance).await? {
        Confirmed::Yes(kind) => finish(federation, &acceptance, kind).await?,
        Confirmed::No(why) | Confirmed::NeverLeft(why) => {
            give_up(federation, connection).await;
            return Err(HandshakeError::NotConfirmed(why));
        }
        Confirmed::Unsure(why) => match proof(federation, &acceptance).await {
            Some(Proof::Confirmed) => finish(federation, &acceptance, None).await?,
            _ => return Err(HandshakeError::Unsure(why)),
        },
    }
    Ok(connection)
}

/// Determines the outcome of the confirmation of a connection that is still `Confirming`, and confirms again
/// if necessary. Called with every round of pings.
///
/// # Errors
/// See [`HandshakeError`]; the next round tries again.
pub async fn settle(
    federation: &Federation,
    connection: ConnectionNo,
) -> Result<(), HandshakeError> {
    let Some((row, _)) = federation.connection(connection) else {
        return Ok(());
    };
    let Some(_claim) = Claim::take(federation, row.remote_id) else {
        return Ok(());
    };
    // Looked up under the claim, as its previous holder may have ended the handshake.
    let Some((_, ConnectionState::Confirming)) = federation.connection(connection) else {
        return Ok(());
    };
    let Some(acceptance) = load(federation, connection)? else {
        // The vault is from another time than the workspace: this can no longer be confirmed.
        tracing::warn!(
            name = row.name,
            "the secrets of an unconfirmed connection are missing"
        );
        return abandon(federation, connection).await;
    };
    if matches!(proof(federation, &acceptance).await, Some(Proof::Confirmed)) {
        return finish(federation, &acceptance, None).await;
    }
    match confirm(federation, &acceptance).await? {
        Confirmed::Yes(kind) => finish(federation, &acceptance, kind).await,
        // The first confirmation may have arrived late and made this one void.
        Confirmed::No(why) => match proof(federation, &acceptance).await {
            Some(Proof::Confirmed) => finish(federation, &acceptance, None).await,
            Some(Proof::NotConfirmed) => {
                tracing::warn!(
                    name = acceptance.row.name,
                    why,
                    "an invitation was not confirmed"
                );
                abandon(federation, connection).await
            }
            None => Ok(()),
        },
        Confirmed::NeverLeft(why) | Confirmed::Unsure(why) => {
            tracing::info!(
                name = acceptance.row.name,
                why,
                "an invitation is still unconfirmed"
            );
            Ok(())
        }
    }
}

/// Stores tokens and connection: first the vault, then the step.
async fn store(
    federation: &Federation,
    actor: Actor,
    create: CreateConnection,
    invitation: Invitation,
) -> Result<ConnectionNo, HandshakeError> {
    let _alone = federation.inner.handshakes.lock().await;
    // One record per `remote_id`: a second acceptance must not touch the working connection (semantics W55),
    // and our own invitation is not meant for us.
    let known = lookup::connection(&federation.snapshot(), invitation.remote_id.as_str());
    if known.is_some_and(|known| federation.connection(known).is_some()) {
        return Err(HandshakeError::AlreadyAccepted);
    }
    let vault = &federation.inner.vault;
    let rotates = invitation.rotates();
    let remote_token = if rotates {
        Secret::token()?
    } else {
        invitation.token.clone()
    };
    let link = LinkSecrets::Accepting {
        invitation: invitation.token.clone(),
        token: Secret::token()?,
        remote_token,
        version: invitation.version,
    };
    vault.put_link(invitation.remote_id, link).await?;
    let command = Command::AcceptConnection(AcceptConnection {
        create,
        remote_id: invitation.remote_id,
        site_url: invitation.site_url.as_str().to_string(),
        kind: invitation.kind(),
        remote_team_id: invitation.remote_team_id.clone(),
    });
    match submit(federation, actor, command).await {
        Ok(reply) => connection_made(reply),
        Err(error) => {
            if let HandshakeError::Refused(_) = error {
                vault.remove_link(invitation.remote_id).await?;
            }
            // Otherwise the step may still be carried out; the next start will know.
            Err(error)
        }
    }
}

/// A connection that is `Confirming`, with its tokens.
fn load(
    federation: &Federation,
    connection: ConnectionNo,
) -> Result<Option<Acceptance>, HandshakeError> {
    let Some((row, ConnectionState::Confirming)) = federation.connection(connection) else {
        return Ok(None);
    };
    let link = federation.link(row.remote_id)?;
    let Some(LinkSecrets::Accepting {
        invitation,
        token,
        remote_token,
        version,
    }) = link
    else {
        return Ok(None);
    };
    let Some(site_url) = SiteUrl::parse(&row.site_url) else {
        return Ok(None);
    };
    let rotates = version >= 2;
    Ok(Some(Acceptance {
        connection,
        row,
        site_url,
        invitation,
        token,
        remote_token,
        rotates,
    }))
}

/// Calls the inviter once.
async fn confirm(
    federation: &Federation,
    acceptance: &Acceptance,
) -> Result<Confirmed, HandshakeError> {
    let own = federation
        .own_site_url()
        .ok_or(HandshakeError::SiteUrlMissing)?;
    let mut payload = invite(acceptance.row.remote_id, own.as_str(), &acceptance.token);
    if acceptance.rotates {
        payload.refreshed_token = acceptance.remote_token.expose().to_string();
    } else {
        // As a server of 2021 would: with a version, newer servers refuse the invitation's token as refreshed
        // token.
        payload.version = 0;
    }
    let body = frame::encode(
        acceptance.row.remote_id,
        new_id()?,
        TOPIC_INVITATION,
        federation.inner.engine.now_ms(),
        &payload.encode(),
    );
    let call = Call {
        site_url: &acceptance.site_url,
        path: CONFIRM_PATH,
        remote_id: acceptance.row.remote_id,
        token: &acceptance.invitation,
        incarnation: federation.incarnation(),
        own_site_url: None,
        body: Payload::Frame(body),
        timeout: federation.settings().ping_timeout(),
    };
    Ok(match federation.inner.client.post(call).await {
        Err(CallError::NeverLeft(why)) => Confirmed::NeverLeft(why),
        Err(CallError::Unknown(why)) => Confirmed::Unsure(why),
        Ok(answer) if answer.status == 200 && says_ok(&answer.body) => {
            Confirmed::Yes(incarnation_of(&answer.headers).map(|_| PeerKind::Causeway))
        }
        Ok(answer) if answer.status == 200 => {
            Confirmed::No("its response did not come from a workspace".into())
        }
        // Sent by a proxy in between, or by a peer that may have confirmed nevertheless.
        Ok(answer) if matches!(answer.status, 408 | 429 | 502..=504) => {
            Confirmed::Unsure(format!("it answered with HTTP status {}", answer.status))
        }
        Ok(answer) => Confirmed::No(format!("it answered with HTTP status {}", answer.status)),
    })
}

/// Whether an envelope says `OK`; `err` and `payload` may be missing.
fn says_ok(body: &[u8]) -> bool {
    let Ok(document) = Document::parse(body) else {
        return false;
    };
    let root = document.root();
    root.as_object().is_ok() && root.text("status").is_ok_and(|status| status == "OK")
}

/// What a ping with the tokens valid after the confirmation proves.
enum Proof {
    Confirmed,
    NotConfirmed,
}

/// Pings the inviter with our new token, which it knows only from our confirmation. `None`: no answer, or an
/// inconclusive one.
async fn proof(federation: &Federation, acceptance: &Acceptance) -> Option<Proof> {
    if !acceptance.rotates {
        // The invitation's token opens the gate before and after, so it proves nothing. A server of 2021
        // accepts a repeated confirmation, so a refusal means no.
        return Some(Proof::NotConfirmed);
    }
    let (remote_id, token) = (acceptance.row.remote_id, &acceptance.remote_token);
    let answer = pinger::call(federation, remote_id, &acceptance.site_url, token)
        .await
        .ok()?;
    match answer.status {
        200 => Some(Proof::Confirmed),
        401 => Some(Proof::NotConfirmed),
        _ => None,
    }
}

/// Both sides hold each other's tokens: first the step, then the vault is cleaned up.
async fn finish(
    federation: &Federation,
    acceptance: &Acceptance,
    kind: Option<PeerKind>,
) -> Result<(), HandshakeError> {
    let command = Command::ConfirmConnection(ConfirmConnection {
        connection: acceptance.connection,
        site_url: acceptance.site_url.as_str().to_string(),
        kind: kind.unwrap_or(acceptance.row.kind),
        remote_team_id: acceptance.row.remote_team_id.clone(),
    });
    submit(federation, Actor::System, command).await?;
    federation.inner.counters.count_confirmed();
    let state = Some(ConnectionState::Confirmed);
    federation
        .inner
        .vault
        .settle_link(acceptance.row.remote_id, state)
        .await?;
    Ok(())
}

/// The right to confirm a connection, held by one task at a time.
struct Claim<'f> {
    federation: &'f Federation,
    remote_id: Id,
}

impl<'f> Claim<'f> {
    fn take(federation: &'f Federation, remote_id: Id) -> Option<Claim<'f>> {
        let taken = lock(&federation.inner.confirming).insert(remote_id);
        taken.then_some(Claim {
            federation,
            remote_id,
        })
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        lock(&self.federation.inner.confirming).remove(&self.remote_id);
    }
}
