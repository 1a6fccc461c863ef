//! The handshake that makes a connection. Protocol §7 and §8.
//!
//! Inviter: [`create`] makes a pending connection and its code, [`generate`] further codes;
//! [`answer`] carries out the peer's confirmation. Acceptor: [`accept`] stores the connection,
//! calls the inviter and confirms; what it does not know afterwards [`settle`] finds out.
//! [`remove`] ends a connection.
//!
//! Secrets go into the vault before the step that names them and leave it after the step that
//! ends them; the table of states is in the vault's `link` module.

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
    /// The password, if it was made here; it is shown once.
    pub password: Option<Secret>,
}

/// Makes a pending connection and its first code. An empty password is replaced by one made here.
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
            // A pending record cannot be abandoned, as its code may be on its way; this one's is
            // not.
            if let Err(error) = remove(federation, Actor::System, connection).await {
                tracing::warn!(%error, "an invitation without a code stays; remove it");
            }
            Err(error)
        }
    }
}

/// Makes a further code of a pending connection. All its codes hold one token and expire together.
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

/// Removes a connection. The peer is not told, as the protocol has no word for it: its next calls
/// get 401.
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

/// The gate of key derivations, where an administrator's count as theirs.
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

/// The invitation object of a code, and without the rest that of a confirmation.
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

/// Insists on what every act needs: the service, an admin and an address of our own.
fn ready(federation: &Federation, actor: Actor) -> Result<(), HandshakeError> {
    if !federation.settings().enabled {
        return Err(HandshakeError::Disabled);
    }
    authority::require_admin(&federation.snapshot(), actor).map_err(HandshakeError::Refused)?;
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

/// [`abandon`] where the failure itself is what the admin has to hear of.
async fn give_up(federation: &Federation, connection: ConnectionNo) {
    if let Err(error) = abandon(federation, connection).await {
        tracing::warn!(%error, "a failed handshake was not cleaned up; remove its connection");
    }
}

/// Ends a handshake that failed for good: the step first, then the vault.
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
