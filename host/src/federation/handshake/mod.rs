//! The handshake that creates a connection. Protocol §7 and §8.
//!
//! Inviter: [`create`] creates a pending connection and its code, [`generate`] further codes; [`answer`]
//! processes the peer's confirmation. Acceptor: [`accept`] stores the connection, calls the inviter and
//! confirms; if the outcome is unknown, [`settle`] determines it. [`remove`] ends a connection.
//!
//! Secrets are stored in the vault before the step that refers to them, and deleted after the step that ends
//! them; the vault's `link` module has the table of states.

mod accept;
mod answer;
mod error;

use causeway_kernel::authority;
use causeway_kernel::boundary::input::{Actor, Input};
use causeway_kernel::boundary::output::{Object, Reply};
use causeway_kernel::command::{AbandonConnection, Command, CreateConnection, RemoveConnection};
use causeway_kernel::model::ConnectionState;
use causeway_kernel::rows::id::{ConnectionNo, Id};
use causeway_kernel::wire::frame::Invite;

pub use accept::{accept, settle};
pub use answer::{Confirmation, answer, read_confirmation};
pub use error::HandshakeError;

use super::Federation;
use super::invitation::{self, INVITE_VERSION};
use crate::vault::{Asker, Derivations, Secret};

/// A code, ready to be handed to the other workspace's admin.
#[derive(Debug)]
pub struct InvitationCode {
    /// The pending connection.
    pub connection: ConnectionNo,
    /// The code.
    pub code: Secret,
    /// The password, if it was generated here; it is shown once.
    pub password: Option<Secret>,
}

/// Creates a pending connection and its first code. An empty password is replaced by a generated one.
///
/// # Errors
/// See [`HandshakeError`]; nothing live is left behind.
pub async fn create(
    federation: &Federation,
    actor: Actor,
    create: CreateConnection,
    password: &Secret,
) -> Result<InvitationCode, HandshakeError> {
    ready(federation, actor)?;
    let made = password
        .is_empty()
        .then(invitation::make_password)
        .transpose()?;
    let command = Command::CreateConnection(create);
    let connection = connection_made(submit(federation, actor, command).await?)?;
    let derivations = derivations(federation, actor);
    let password = made.as_ref().unwrap_or(password);
    match code_of(federation, &derivations, connection, password).await {
        Ok(code) => Ok(InvitationCode {
            connection,
            code,
            password: made,
        }),
        Err(error) => {
            // A pending record cannot be abandoned, as its code may have been sent; this one's has not.
            if let Err(error) = remove(federation, Actor::System, connection).await {
                tracing::warn!(%error, "an invitation without a code remains; remove it");
            }
            Err(error)
        }
    }
}

/// Creates another code of a pending connection. All its codes contain one token and expire together.
///
/// # Errors
/// See [`HandshakeError`].
pub async fn generate(
    federation: &Federation,
    actor: Actor,
    connection: ConnectionNo,
    password: &Secret,
) -> Result<InvitationCode, HandshakeError> {
    ready(federation, actor)?;
    if password.is_empty() {
        return Err(HandshakeError::PasswordMissing);
    }
    let derivations = derivations(federation, actor);
    let code = code_of(federation, &derivations, connection, password).await?;
    Ok(InvitationCode {
        connection,
        code,
        password: None,
    })
}

/// Removes a connection. The peer is not notified, as the protocol has no message for it: its next calls get
/// 401.
///
/// # Errors
/// See [`HandshakeError`].
pub async fn remove(
    federation: &Federation,
    actor: Actor,
    connection: ConnectionNo,
) -> Result<(), HandshakeError> {
    let (row, _) = federation
        .connection(connection)
        .ok_or(HandshakeError::Unknown)?;
    let _alone = federation.inner.handshakes.lock().await;
    submit(
        federation,
        actor,
        Command::RemoveConnection(RemoveConnection { connection }),
    )
    .await?;
    federation.inner.vault.remove_link(row.remote_id).await?;
    federation.connection_changed(connection);
    Ok(())
}

/// The gate of key derivations; an administrator's are counted as theirs.
fn derivations(federation: &Federation, actor: Actor) -> Derivations {
    let asker = match actor {
        Actor::User(user) => Asker::user(user),
        Actor::System | Actor::Anonymous => Asker::default(),
    };
    federation.inner.vault.derivations().asked_by(asker)
}

async fn code_of(
    federation: &Federation,
    derivations: &Derivations,
    connection: ConnectionNo,
    password: &Secret,
) -> Result<Secret, HandshakeError> {
    let site_url = federation
        .own_site_url()
        .ok_or(HandshakeError::SiteUrlMissing)?;
    let (remote_id, token) = {
        let _alone = federation.inner.handshakes.lock().await;
        let (row, state) = federation
            .connection(connection)
            .ok_or(HandshakeError::Unknown)?;
        if state != ConnectionState::Pending {
            return Err(HandshakeError::AlreadyConfirmed);
        }
        (
            row.remote_id,
            federation
                .inner
                .vault
                .invitation_token(row.remote_id)
                .await?,
        )
    };
    let invite = invite(remote_id, site_url.as_str(), &token);
    let kdf = federation.settings().code_kdf;
    Ok(invitation::seal(derivations, &invite, password, kdf).await?)
}

/// The invitation object of a code; with these fields only, that of a confirmation.
fn invite(remote_id: Id, site_url: &str, token: &Secret) -> Invite {
    Invite {
        remote_id: remote_id.into(),
        remote_team_id: String::new(),
        site_url: site_url.to_string(),
        token: token.expose().to_string(),
        refreshed_token: String::new(),
        version: INVITE_VERSION,
    }
}

/// Checks what every action needs: the service, the permission and an address of our own.
fn ready(federation: &Federation, actor: Actor) -> Result<(), HandshakeError> {
    if !federation.is_enabled() {
        return Err(HandshakeError::Disabled);
    }
    authority::require_connections(&federation.snapshot(), actor)
        .map_err(HandshakeError::Refused)?;
    match federation.own_site_url() {
        Some(_) => Ok(()),
        None => Err(HandshakeError::SiteUrlMissing),
    }
}

/// Submits a command; a refusal is an error.
async fn submit(
    federation: &Federation,
    actor: Actor,
    command: Command,
) -> Result<Reply, HandshakeError> {
    let input = Input::Command {
        actor,
        key: None,
        command,
    };
    match federation.submit(input).await? {
        Reply::Refused(refusal) => Err(HandshakeError::Refused(refusal)),
        reply => Ok(reply),
    }
}

fn connection_made(reply: Reply) -> Result<ConnectionNo, HandshakeError> {
    match reply {
        Reply::Object(Object::Connection(connection)) => Ok(connection),
        _ => Err(HandshakeError::Unknown),
    }
}

/// [`abandon`], for when the original failure is what the admin must be told.
async fn give_up(federation: &Federation, connection: ConnectionNo) {
    if let Err(error) = abandon(federation, connection).await {
        tracing::warn!(%error, "a failed handshake was not cleaned up; remove its connection");
    }
}

/// Ends a handshake that failed permanently: first the step, then the vault.
async fn abandon(federation: &Federation, connection: ConnectionNo) -> Result<(), HandshakeError> {
    let Some((row, _)) = federation.connection(connection) else {
        return Ok(());
    };
    submit(
        federation,
        Actor::System,
        Command::AbandonConnection(AbandonConnection { connection }),
    )
    .await?;
    federation.inner.vault.remove_link(row.remote_id).await?;
    Ok(())
}
