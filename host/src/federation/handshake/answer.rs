//! The inviter's side: a peer confirms our invitation. Protocol §5.5 and §8.2.

use axum::http::StatusCode;
use causeway_kernel::boundary::input::{Actor, Input};
use causeway_kernel::boundary::output::Reply;
use causeway_kernel::command::{Command, ConfirmConnection};
use causeway_kernel::model::limits::INVITATION_LIFE_MS;
use causeway_kernel::model::{ConnectionState, PeerKind};
use causeway_kernel::wire::frame::{Invite, invalid_payload};
use causeway_kernel::wire::json::Value;

use crate::federation::gate::PeerCaller;
use crate::federation::invitation::{kind_of_version, token};
use crate::federation::{Federation, SiteUrl};
use crate::http::ApiError;
use crate::vault::{LinkSecrets, NextTokens, Secret, TokenDigest};

/// A confirmation whose contents were checked.
#[derive(Debug)]
pub struct Confirmation {
    site_url: SiteUrl,
    /// The token that we present from now on.
    token: Secret,
    /// The token that the peer presents from now on; `None` from a server of 2021.
    refreshed_token: Option<Secret>,
    version: i64,
    kind: PeerKind,
    /// Team given by the peer, or empty.
    remote_team_id: String,
}

/// Rows 1 to 3 of protocol §5.5, and checks of the contents that the reference does not make.
///
/// # Errors
/// 400 with the error ids of the protocol.
pub fn read_confirmation(
    federation: &Federation,
    caller: PeerCaller,
    payload: Value<'_>,
    causeway: bool,
) -> Result<Confirmation, ApiError> {
    let (connection, _) = federation
        .connection(caller.connection)
        .ok_or_else(|| failed("the connection is gone"))?;
    let now_ms = federation.inner.engine.now_ms();
    if now_ms.saturating_sub(connection.create_at) > INVITATION_LIFE_MS {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "api.context.invitation_expired.error",
            "Invitation is expired.",
        ));
    }
    let invite = Invite::decode(payload).map_err(|_| invalid_payload("msg.payload"))?;
    if invite.remote_id != caller.remote_id.as_str() {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "api.context.remote_id_invalid.app_error",
            "The confirmation names another connection than its frame.",
        ));
    }
    let site_url = SiteUrl::parse(&invite.site_url).ok_or_else(|| invalid_payload("site_url"))?;
    let ours = token(&invite.token).ok_or_else(|| invalid_payload("token"))?;
    let refreshed_token = match invite.refreshed_token.as_str() {
        "" => None,
        text => Some(token(text).ok_or_else(|| invalid_payload("refreshed_token"))?),
    };
    let kind = if causeway {
        PeerKind::Causeway
    } else {
        kind_of_version(invite.version)
    };
    Ok(Confirmation {
        site_url,
        token: ours,
        refreshed_token,
        version: invite.version,
        kind,
        remote_team_id: invite.remote_team_id,
    })
}

/// Row 4 of protocol §5.5 and the effects of §8.2. The kernel announces the confirmed connection,
/// and it is pinged at once.
///
/// # Errors
/// 500 with the protocol's error id if the confirmation is refused, 503 if it can be repeated.
pub async fn answer(
    federation: &Federation,
    caller: PeerCaller,
    confirmation: Confirmation,
) -> Result<(), ApiError> {
    let _alone = federation.inner.handshakes.lock().await;
    let state = federation
        .connection(caller.connection)
        .map(|(_, state)| state);
    if state != Some(ConnectionState::Pending) {
        return Err(failed("the connection has already been confirmed"));
    }
    let judged = federation.inner.client.check(&confirmation.site_url);
    judged.map_err(|reason| failed(&reason.to_string()))?;
    let vault = &federation.inner.vault;
    let link = vault.link(caller.remote_id).map_err(unavailable)?;
    let invitation = match link {
        Some(LinkSecrets::Invited { invitation } | LinkSecrets::Answering { invitation, .. }) => {
            invitation
        }
        _ => return Err(failed("the invitation is gone")),
    };
    let next = NextTokens {
        token: next_token(federation, &invitation, &confirmation)?,
        remote_token: confirmation.token,
    };
    let answering = LinkSecrets::Answering { invitation, next };
    vault
        .put_link(caller.remote_id, answering)
        .await
        .map_err(unavailable)?;
    let command = Command::ConfirmConnection(ConfirmConnection {
        connection: caller.connection,
        site_url: confirmation.site_url.as_str().to_string(),
        kind: confirmation.kind,
        remote_team_id: confirmation.remote_team_id,
    });
    let input = Input::Command {
        actor: Actor::System,
        key: None,
        command,
    };
    let reply = federation.submit(input).await?;
    // Whatever the outcome: the workspace knows it, and the vault follows.
    let state = federation
        .connection(caller.connection)
        .map(|(_, state)| state);
    if let Err(error) = vault.settle_link(caller.remote_id, state).await {
        // The tokens in force are correct nevertheless; the next start cleans up.
        tracing::warn!(%error, "a connection's secrets were not cleaned up");
    }
    match reply {
        Reply::Refused(refusal) => Err(failed(&refusal.message)),
        _ => {
            federation.inner.counters.count_confirmed();
            Ok(())
        }
    }
}

/// The token that replaces the invitation's.
fn next_token(
    federation: &Federation,
    invitation: &Secret,
    confirmation: &Confirmation,
) -> Result<TokenDigest, ApiError> {
    match &confirmation.refreshed_token {
        Some(refreshed) if refreshed.expose() == invitation.expose() => {
            Err(failed("the refreshed token is that of the invitation"))
        }
        Some(refreshed) => Ok(TokenDigest::of(refreshed.expose())),
        // A server of 2021 continues with the invitation's token. The newest reference creates a token that
        // nobody is told instead, which leaves a connection that works one way.
        None if confirmation.version < 2 && federation.settings().allow_unrotated_tokens => {
            tracing::warn!("a peer continues with its invitation's token, as servers of 2021 do");
            Ok(TokenDigest::of(invitation.expose()))
        }
        None => Err(failed(
            "the confirmation contains no new token, like that of a server of 2021. Such servers are \
             accepted only with `allow_unrotated_tokens` in the section [federation] of the configuration",
        )),
    }
}

fn failed(why: &str) -> ApiError {
    ApiError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "api.command_remote.confirm_invitation.error",
        format!("Could not confirm invitation: {why}."),
    )
}

fn unavailable(error: crate::vault::VaultError) -> ApiError {
    tracing::error!(%error, "a confirmation could not be stored");
    ApiError::unavailable("The service cannot store the connection right now; try again soon.")
}
