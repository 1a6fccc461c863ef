//! Profile pictures: those that are sent to peers, each in a request of its own, and those that peers send.
//! Protocol §5.7.

use std::io;
use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use causeway_kernel::boundary::input::{Input, SendOutcome};
use causeway_kernel::boundary::output::SendPicture;
use causeway_kernel::inbound;
use causeway_kernel::rows::id::Id;

use super::client::{Call, Payload};
use super::endpoints::{self, Turn};
use super::{Federation, gate, pinger, sender};
use crate::http::ApiError;

/// Pictures that are sent at the same time, to all peers together.
pub(super) const SENT_AT_ONCE_MAX: usize = 8;
/// Separates the parts of a form; no picture contains it.
const BOUNDARY: &str = "causeway-7d1f0c6b9e5a4f3282c4b1d0e9a8f7c6";

/// Takes the profile picture of a peer's user.
pub(super) async fn image(
    State(federation): State<Federation>,
    Path(user_id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let caller = gate::admit(&federation, &parts)?.confirmed()?;
    let user = Id::parse(&user_id).ok_or_else(|| ApiError::invalid_url_param("user_id"))?;
    let _turn = Turn::take(&federation, caller.connection)?;
    pinger::heard(&federation, caller.connection);
    let files = Arc::clone(&federation.inner.files);
    files.require_reserve().await?;
    let incoming = files.receive_profile_picture(&parts.headers, body).await?;
    // The workspace decides again; this spares decoding in vain.
    let rows = federation.snapshot();
    inbound::may_set_picture(&rows, caller.connection, user).map_err(|(_, refusal)| refusal)?;
    let kept = files.keep_profile_picture(incoming).await?;
    let input = Input::Picture {
        connection: caller.connection,
        user,
        digest: kept.digest().to_string(),
        size: kept.size(),
    };
    endpoints::hand_over(&federation, input, kept).await
}

/// Sends a picture, and submits the receipt.
pub(super) fn dispatch(federation: &Federation, picture: SendPicture) {
    let attempt = (picture.connection, picture.attempt);
    sender::beside(federation, attempt, send(federation.clone(), picture));
}

async fn send(federation: Federation, picture: SendPicture) -> SendOutcome {
    let connection = picture.connection;
    let Ok(_place) = federation.inner.sending_pictures.acquire().await else {
        return SendOutcome::NeverLeft;
    };
    let Some((row, site_url, token)) = federation.route(connection) else {
        return SendOutcome::NeverLeft;
    };
    let digest = picture.digest;
    let read = federation.inner.files.profile_picture(digest.clone()).await;
    let png = match read.and_then(|png| of_size(png, picture.size)) {
        Ok(png) => png,
        Err(error) => {
            tracing::error!(%error, digest, "a profile picture that a peer is to get cannot be read");
            // Not `NeverLeft`, which is said of the connection: its messages would pause.
            return SendOutcome::Unknown;
        }
    };
    let path = format!("/api/v4/remotecluster/{}/image", picture.user);
    let call = Call {
        site_url: &site_url,
        path: &path,
        remote_id: row.remote_id,
        token: &token,
        incarnation: None,
        own_site_url: None,
        body: Payload::Form {
            boundary: BOUNDARY,
            body: form(&png),
        },
        timeout: federation.settings().send_timeout(),
    };
    let answered = federation.inner.client.post(call).await;
    let outcome = sender::outcome_of(&federation, connection, answered);
    if !matches!(outcome, SendOutcome::Answered(_)) {
        tracing::debug!(
            name = row.name,
            ?outcome,
            "a profile picture was not accepted"
        );
    }
    outcome
}

fn of_size(png: Vec<u8>, size: u64) -> io::Result<Vec<u8>> {
    if png.len() as u64 != size {
        return Err(io::Error::other("it has another size than it should"));
    }
    Ok(png)
}

/// The form with a picture, as the reference sends it.
fn form(png: &[u8]) -> Vec<u8> {
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"image\"; filename=\"profile.png\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    let mut body = head.into_bytes();
    body.extend_from_slice(png);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    body
}
