//! Frames that take several steps. A step carries out a limited number of items of each section; the rest is
//! kept with the partial answer and continued in the next step. The peer receives the answer of the last
//! step.
//!
//! A frame is kept only until its answer is made: if the service stops before that, the peer has no answer
//! and sends the frame again; items carried out before are then recognised.

use crate::boundary::behaviour::Behaviour;
use crate::boundary::input::FramePart;
use crate::boundary::output::{Refusal, Reply};
use crate::model::limits::{CONNECTIONS_MAX, FRAME_ITEMS_PER_STEP_MAX};
use crate::model::{FrameProgress, KeptFrame};
use crate::rows::id::ConnectionNo;
use crate::rows::tx::{Read, Tx};
use crate::wire::response::{Answer, SyncResponse, decode, encode_ok};

use super::refuse;

/// Items of a frame, by ranges (first, end exclusive).
#[derive(Clone, Copy, Debug)]
pub struct Skip<'a>(&'a [(u32, u32)]);

impl Skip<'_> {
    /// Whether an item is in a range.
    pub fn has(self, number: u32) -> bool {
        self.0
            .iter()
            .any(|(first, end)| (*first..*end).contains(&number))
    }
}

/// What a step carries out of a frame.
#[derive(Debug)]
pub struct Course<'a> {
    /// Items that are set aside instead of being carried out.
    pub skip: Skip<'a>,
    /// Number of the first item.
    pub from: u32,
    /// Maximum number of items; `None` for the whole frame, even beyond the limits of its sections.
    pub most: Option<u32>,
    /// The partial answer.
    pub response: SyncResponse,
}

impl<'a> Course<'a> {
    /// The whole frame in one step, as before frames had parts.
    pub fn whole(skip: &'a [(u32, u32)]) -> Course<'a> {
        Course {
            skip: Skip(skip),
            from: 0,
            most: None,
            response: SyncResponse::default(),
        }
    }

    /// The first items of a frame.
    pub fn from_the_start(skip: &'a [(u32, u32)], most: u32) -> Course<'a> {
        Course {
            most: Some(most),
            ..Course::whole(skip)
        }
    }
}

/// A frame with items left.
#[derive(Debug)]
pub struct Unfinished {
    /// Number of the next item.
    pub next: u32,
    /// Number of items left.
    pub left: u32,
    /// The partial answer.
    pub response: SyncResponse,
}

/// Carries out the next part of a frame.
pub fn part(tx: &mut Tx<'_>, connection: ConnectionNo, part: &FramePart) -> Reply {
    let (most, is_aside) = match part {
        FramePart::Keep(body) => {
            forget(tx, connection);
            return carry_out(tx, connection, body, Course::from_the_start(&[], 0));
        }
        FramePart::Items(most) => ((*most).min(FRAME_ITEMS_PER_STEP_MAX), false),
        FramePart::SetAside(most) => (*most, true),
    };
    let kept = tx.get::<KeptFrame>(&connection);
    let (Some(kept), Some(progress)) = (kept, tx.get::<FrameProgress>(&connection)) else {
        // The steps before were undone: the disk refused them.
        let gone = "This message was interrupted; send it again.";
        let id = "api.remote_cluster.interrupted.app_error";
        return refuse(tx, &Refusal::new(503, id, gone));
    };
    let aside = [(progress.next, progress.next.saturating_add(most))];
    let course = Course {
        skip: Skip(if is_aside { &aside } else { &[] }),
        from: progress.next,
        most: Some(most),
        response: match decode(&progress.answer) {
            Ok(Answer::Ok(Some(response))) => response,
            _ => SyncResponse::default(),
        },
    };
    carry_out(tx, connection, &kept.body, course)
}

/// Carries out a part of a frame and stores what the next one needs.
pub fn carry_out(
    tx: &mut Tx<'_>,
    connection: ConnectionNo,
    body: &[u8],
    course: Course<'_>,
) -> Reply {
    match super::carry_out(tx, connection, body, course) {
        Ok(reply) => {
            forget(tx, connection);
            reply
        }
        Err(unfinished) => {
            if !tx.has::<KeptFrame>(&connection) {
                let body = body.to_vec();
                tx.put(&connection, &KeptFrame { body });
            }
            let progress = FrameProgress {
                next: unfinished.next,
                answer: encode_ok(Some(&unfinished.response)),
            };
            tx.put(&connection, &progress);
            Reply::Unfinished {
                left: unfinished.left,
            }
        }
    }
}

/// Drops the kept frame of a connection.
pub fn forget(tx: &mut Tx<'_>, connection: ConnectionNo) {
    if tx.has::<FrameProgress>(&connection) {
        tx.delete::<KeptFrame>(&connection);
        tx.delete::<FrameProgress>(&connection);
    }
}

/// Called when the service starts: kept frames will not be continued.
pub fn forget_all(tx: &mut Tx<'_>) {
    if !Behaviour::FrameParts.is_in_force(tx) {
        return;
    }
    for (connection, _) in tx.prefix::<FrameProgress, ()>(&(), CONNECTIONS_MAX) {
        forget(tx, connection);
    }
}
