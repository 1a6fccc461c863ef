//! Profile pictures of a peer's users. The host takes the bytes; here it is decided whether the peer may set them.
//! Protocol §5.7.

use super::authorize::{self, Authorized, Peer};
use super::{Reason, Tally, refuse, removed};
use crate::boundary::behaviour::Behaviour;
use crate::boundary::env::Rows;
use crate::boundary::output::{Refusal, Reply};
use crate::boundary::policy::{Direction, Gate};
use crate::gate::{self, Candidate, Crossing, Judgement, ProfileCandidate};
use crate::model::limits::PROFILE_PICTURE_BYTES_MAX;
use crate::model::{Picture, User};
use crate::objects::pictures;
use crate::outbound::wire_user;
use crate::rows::id::{ConnectionNo, Id, UserNo};
use crate::rows::tx::{Read, Tx};
use crate::sharing::directory::NO_CHANNEL;
use crate::wire::response::OK;

/// Carries out the setting of a picture by a peer. It is never confirmed for a user who is not known here: a
/// server of the 11 line would take the profile for delivered (W6).
pub fn picture(
    tx: &mut Tx<'_>,
    connection: ConnectionNo,
    user: Id,
    digest: &str,
    size: u64,
) -> Reply {
    let authorized = may_set_picture(tx, connection, user);
    let no = match authorized {
        Ok(_) if size > PROFILE_PICTURE_BYTES_MAX => return refused(tx, connection, &too_large()),
        Ok(authorized) => authorized.take(),
        Err(denied) => return refused(tx, connection, &denied),
    };
    if let Some(user) = tx.get::<User>(&no) {
        let picture = Picture {
            digest: digest.to_string(),
            size,
            is_generated: false,
        };
        let is_new = tx.get::<Picture>(&no).as_ref() != Some(&picture);
        if is_new && let Err(denied) = judge(tx, connection, (no, &user)) {
            return refused(tx, connection, &denied);
        }
        pictures::set(tx, no, user, &picture);
    }
    Reply::Http {
        status: 200,
        body: OK.to_vec(),
    }
}

/// Why a picture is not taken, and what its sender is told.
type Denied = (Reason, Refusal);

/// There is no gate for pictures: a picture is taken of whom the policies let pass with the profile that is held here.
fn judge(
    tx: &mut Tx<'_>,
    connection: ConnectionNo,
    (no, user): (UserNo, &User),
) -> Result<(), Denied> {
    let is_asked = Behaviour::Undecided.is_in_force(tx) && gate::is_asked(tx, Gate::Profile);
    let peer = Peer::load(tx, connection).filter(|_| is_asked);
    let Some(peer) = peer else {
        return Ok(());
    };
    let crossing = Crossing {
        direction: Direction::Inbound,
        connection_no: connection,
        connection: &peer.row,
        channel: NO_CHANNEL,
    };
    let profile = wire_user(tx, no, user.clone());
    let candidate = Candidate::Profile(ProfileCandidate {
        id: user.id,
        user: tx.user(no),
        profile: &profile,
    });
    match gate::judge_one(tx, crossing, candidate) {
        Judgement::Pass(_) | Judgement::Revised(_) => Ok(()),
        Judgement::Denied(_) => Err((
            Reason::Denied,
            Refusal::new(
                400,
                "api.user.upload_profile_user.denied.app_error",
                "A policy does not allow the picture of this user here.",
            ),
        )),
        Judgement::Failed(_) => Err((
            Reason::Held,
            Refusal::new(
                503,
                "api.user.upload_profile_user.undecided.app_error",
                "It is not decided yet whether the picture of this user is accepted here; send it again later.",
            ),
        )),
    }
}

/// Whether a peer may set the profile picture of a user: rows 7 and 8 of protocol §5.7.
///
/// # Errors
/// Why not.
pub fn may_set_picture(
    rows: &(impl Read + ?Sized),
    connection: ConnectionNo,
    user: Id,
) -> Result<Authorized<UserNo>, Denied> {
    let peer = Peer::load(rows, connection).ok_or_else(|| (Reason::UnknownUser, removed()))?;
    authorize::picture(rows, &peer, user.as_str()).map_err(|reason| (reason, refusal(reason)))
}

fn refused(tx: &mut Tx<'_>, connection: ConnectionNo, (reason, refusal): &Denied) -> Reply {
    Tally::of(*reason).report(tx, connection);
    refuse(tx, refusal)
}

fn refusal(reason: Reason) -> Refusal {
    match reason {
        Reason::ForeignUser => Refusal::new(
            401,
            "api.context.remote_id_mismatch.app_error",
            "The user belongs to another secure connection; its home sends the picture.",
        ),
        _ => Refusal::new(
            400,
            "api.context.invalid_url_param.app_error",
            "Invalid or missing user_id parameter in request URL: the user is not known here as one of yours.",
        ),
    }
}

fn too_large() -> Denied {
    let refusal = Refusal::new(
        400,
        "api.user.upload_profile_user.check_image_limits.app_error",
        format!("The scaled picture is larger than {PROFILE_PICTURE_BYTES_MAX} bytes."),
    );
    (Reason::TooLarge, refusal)
}
