//! What peers send: checked, applied and answered.
//!
//! The answer to a frame is always a [`Reply::Http`]. As the protocol requires, a message that was handled
//! gets status 200 even if it was refused; a message that the peer should send again gets another status,
//! because a real server treats every 200 answer as a delivery.

pub mod again;
pub mod authorize;
mod channel_invite;
mod direct_invite;
pub mod held;
mod item;
mod items;
mod mentions;
mod parts;
mod pictures;
mod quarantine;
mod reason;
mod sharing_state;
mod sync;
mod uploads;

pub use held::step as held_step;
pub use items::users::OWN_PROPS;
pub use parts::{forget_all as forget_parts, part};
pub use pictures::{may_set_picture, picture};
pub use reason::{Reason, Tally};
pub use uploads::arrived;

use authorize::Peer;
use parts::{Course, Unfinished};

use crate::boundary::behaviour::Behaviour;
use crate::boundary::output::{Refusal, Reply};
use crate::model::limits::FRAME_ITEMS_PER_STEP_MAX;
use crate::model::reasons;
use crate::rows::counters::connected_workspaces;
use crate::rows::id::ConnectionNo;
use crate::rows::tx::Tx;
use crate::sharing;
use crate::wire::frame::{
    self, TOPIC_GLOBAL_USERS, TOPIC_INVITE, TOPIC_MEMBERSHIP, TOPIC_SHARING_STATE, TOPIC_SYNC,
    TOPIC_UPLOAD,
};
use crate::wire::json::Document;
use crate::wire::response::{SyncResponse, encode_fail, encode_ok};

/// Carries out the body of a `POST …/remotecluster/msg` of an authenticated connection: the frame checks of
/// protocol §5.2 (rows 3 to 8), then the processing of its topic. Items in `skip` are set aside instead.
/// Items beyond the limit of a step are left to [`part`].
pub fn frame(tx: &mut Tx<'_>, connection: ConnectionNo, body: &[u8], skip: &[(u32, u32)]) -> Reply {
    let course = if Behaviour::FrameParts.is_in_force(tx) {
        parts::forget(tx, connection);
        Course::from_the_start(skip, FRAME_ITEMS_PER_STEP_MAX)
    } else {
        Course::whole(skip)
    };
    parts::carry_out(tx, connection, body, course)
}

fn carry_out(
    tx: &mut Tx<'_>,
    connection: ConnectionNo,
    body: &[u8],
    course: Course<'_>,
) -> Result<Reply, Box<Unfinished>> {
    let Some(peer) = Peer::load(tx, connection) else {
        return Ok(unknown_connection(tx));
    };
    let parsed = if Behaviour::PortableTexts.is_in_force(tx) {
        Document::parse_portable(body)
    } else {
        Document::parse(body)
    };
    let document = match parsed {
        Ok(document) => document,
        Err(error) => return Ok(refuse(tx, &frame::unreadable(&error))),
    };
    let frame = match frame::check(&document, peer.row.remote_id) {
        Ok(frame) => frame,
        Err(refusal) => return Ok(refuse(tx, &refusal)),
    };
    let states = frame.topic == TOPIC_SHARING_STATE && Behaviour::ToldEndings.is_in_force(tx);
    let shares = states
        || matches!(
            frame.topic.as_str(),
            TOPIC_SYNC | TOPIC_MEMBERSHIP | TOPIC_GLOBAL_USERS | TOPIC_INVITE | TOPIC_UPLOAD
        );
    if shares && !connected_workspaces(tx).channels {
        // With status 200 the peer would take it for delivered.
        return Ok(refuse(tx, &sharing::switched_off()));
    }
    let reply = match frame.topic.as_str() {
        // The shape of the message decides, not which of the three topics it has.
        TOPIC_SYNC | TOPIC_MEMBERSHIP | TOPIC_GLOBAL_USERS => {
            return sync::message(tx, &peer, frame.payload, course);
        }
        TOPIC_INVITE => channel_invite::message(tx, &peer, frame.payload),
        TOPIC_UPLOAD => uploads::announced(tx, &peer, frame.payload),
        TOPIC_SHARING_STATE if states => sharing_state::message(tx, &peer, frame.payload),
        _ => ok(None),
    };
    Ok(reply)
}

/// Sets aside the body of a frame that stops a step even if none of its items is carried out, and refuses it
/// permanently: sent again, it would stop again.
pub fn quarantine(tx: &mut Tx<'_>, connection: ConnectionNo, body: &[u8], reason: &str) -> Reply {
    if Behaviour::FrameParts.is_in_force(tx) {
        parts::forget(tx, connection);
    }
    quarantine::set_aside(tx, connection, body, reason);
    Tally::of(Reason::Quarantined).report(tx, connection);
    fail(reasons::FRAME_STOPPED)
}

fn unknown_connection(tx: &mut Tx<'_>) -> Reply {
    refuse(tx, &removed())
}

fn removed() -> Refusal {
    Refusal::new(
        400,
        "api.context.remote_id_invalid.app_error",
        "There is no such secure connection any more.",
    )
}

/// A refusal in the API's error format.
fn refuse(tx: &mut Tx<'_>, refusal: &Refusal) -> Reply {
    let request_id = tx.new_id();
    let body = frame::encode_error(refusal, request_id.as_str());
    Reply::Http {
        status: refusal.status,
        body,
    }
}

fn ok(response: Option<&SyncResponse>) -> Reply {
    Reply::Http {
        status: 200,
        body: encode_ok(response),
    }
}

fn fail(error: &str) -> Reply {
    Reply::Http {
        status: 200,
        body: encode_fail(error),
    }
}

#[cfg(test)]
mod tests;
