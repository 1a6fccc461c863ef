//! Why a handshake failed, and how REST and slash commands report it.

use causeway_engine::SubmitError;
use causeway_kernel::boundary::output::Refusal;

use crate::federation::invitation::CodeError;
use crate::vault::VaultError;

/// Why a handshake failed. The text is for the admin and contains no secrets.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The service is off.
    #[error("connections to other workspaces are disabled on this server")]
    Disabled,
    /// Our own site URL is missing, or not an address that a peer could call.
    #[error("the site URL of this workspace is not configured, so peers cannot call it")]
    SiteUrlMissing,
    /// A code needs a password.
    #[error("a password is required")]
    PasswordMissing,
    /// There is no such connection.
    #[error("there is no such connection")]
    Unknown,
    /// The connection is past the state in which it can be invited.
    #[error("the connection is already confirmed")]
    AlreadyConfirmed,
    /// The code names a connection that this workspace already has.
    #[error("this workspace has already accepted, or created, this invitation")]
    AlreadyAccepted,
    /// The code cannot be used.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// The workspace refused the command.
    #[error("{}", .0.message)]
    Refused(Refusal),
    /// The inviter refused the confirmation, or could not be reached; nothing is left behind.
    #[error("the invitation could not be confirmed: {0}")]
    NotConfirmed(String),
    /// It is unknown whether the inviter accepted the confirmation; it is tried again.
    #[error(
        "it is not known yet whether the other workspace accepted the confirmation ({0}); the \
         connection is kept and confirmed again every minute. Remove it to give up"
    )]
    Unsure(String),
    /// The workspace accepts no input now.
    #[error("the workspace cannot do this right now: {0}")]
    Submit(#[from] SubmitError),
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl HandshakeError {
    /// The refusal for REST. Protocol §11.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        let (status, id) = match self {
            HandshakeError::Disabled => (501, "api.remote_cluster.service_not_enabled.app_error"),
            HandshakeError::SiteUrlMissing => (422, "api.get_site_url_error"),
            HandshakeError::PasswordMissing => (400, "api.context.invalid_body_param.app_error"),
            HandshakeError::Unknown => (404, "api.remote_cluster.get.not_found"),
            HandshakeError::AlreadyConfirmed => (
                400,
                "api.remote_cluster.generate_invite_cluster_is_confirmed",
            ),
            HandshakeError::Code(error) => match error {
                CodeError::NotBase64 | CodeError::TooLong => {
                    (400, "api.remote_cluster.base64_decode_error")
                }
                CodeError::Sealed => (400, "api.remote_cluster.invite_decrypt_error"),
                CodeError::Contents(_) => (400, "model.cluster.is_valid.id.app_error"),
                CodeError::Busy => (503, "api.context.service_unavailable.app_error"),
            },
            HandshakeError::Refused(refusal) => return refusal.clone(),
            HandshakeError::AlreadyAccepted
            | HandshakeError::NotConfirmed(_)
            | HandshakeError::Unsure(_) => (500, "api.remote_cluster.accept_invitation_error"),
            HandshakeError::Submit(_) | HandshakeError::Vault(VaultError::Busy) => {
                (503, "api.context.service_unavailable.app_error")
            }
            HandshakeError::Vault(_) => (500, "api.remote_cluster.save.app_error"),
        };
        Refusal::new(status, id, format!("{}.", capitalised(&self.to_string())))
    }

    /// The key of the slash command's reply, after `api.command_remote.`. Protocol §12.
    #[must_use]
    pub fn slash_key(&self) -> &'static str {
        match self {
            HandshakeError::Disabled => "service_not_enabled",
            HandshakeError::SiteUrlMissing => "site_url_not_set",
            HandshakeError::PasswordMissing => "missing_empty",
            HandshakeError::Unknown => "fetch_status.error",
            HandshakeError::AlreadyConfirmed | HandshakeError::Vault(_) => {
                "encrypt_invitation.error"
            }
            HandshakeError::Code(_) => "decode_invitation.error",
            HandshakeError::Refused(refusal) if refusal.status == 403 => "permission_required",
            HandshakeError::Refused(_) | HandshakeError::Submit(_) => "add_remote.error",
            HandshakeError::AlreadyAccepted
            | HandshakeError::NotConfirmed(_)
            | HandshakeError::Unsure(_) => "accept_invitation.error",
        }
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}
