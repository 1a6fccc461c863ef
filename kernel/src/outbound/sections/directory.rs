//! People who are offered to a peer without a channel. Semantics §10; the profile is the same as in a channel
//! (W38: the reference discloses more).

use super::{Content, Payload, Rest, RoundPlan, users, writer};
use crate::boundary::env::Rows;
use crate::gate::Judgement;
use crate::model::{ExceptionState, FeedObject, RoundItem, RoundSource, SentUser};
use crate::outbound::plan::ENVELOPE_BYTES;
use crate::outbound::work::Work;
use crate::outbound::{exception, profiles, receipt};
use crate::rows::id::{FeedSeq, Id, UserNo};
use crate::rows::tx::Tx;
use crate::sharing::directory::{self, NO_CHANNEL};
use crate::wire::FRAME_BYTES_MAX;
use crate::wire::frame;
use crate::wire::message::{WireUser, encode_global_users};
use crate::wire::response::{Answer, SyncResponse};

/// The section of people who are offered.
pub struct Directory;

impl Content for Directory {
    type Message = Vec<(WireUser, Id)>;

    /// As many of the round's users as fit into a message; the others follow in the next one. Those whom the
    /// policies hold back leave the round.
    fn collect(
        tx: &mut Tx<'_>,
        work: &mut Work,
        _plan: &mut RoundPlan,
    ) -> Option<(Vec<RoundItem>, Self::Message)> {
        let users = work.round.objects.iter().filter_map(|(_, object)| {
            let FeedObject::User(no) = *object else {
                return None;
            };
            Some((no, tx.user(no)?))
        });
        let users = users.collect();
        let mut items = Vec::new();
        let mut message = Vec::new();
        let mut bytes = ENVELOPE_BYTES;
        let mut have_failed = false;
        for (no, profile) in profiles::judged(tx, work, users) {
            let wire = match profile {
                Ok(wire) => wire,
                Err(judgement) => {
                    have_failed |= withhold(tx, work, no, judgement);
                    continue;
                }
            };
            bytes += wire.len(work.generation());
            if bytes > FRAME_BYTES_MAX && !message.is_empty() {
                break;
            }
            items.push(RoundItem::User(no, wire.update_at));
            message.push((wire, tx.new_id()));
        }
        if have_failed {
            directory::incomplete(tx, work.connection_no);
        }
        (!items.is_empty()).then_some((items, message))
    }

    fn payload(tx: &mut Tx<'_>, work: &Work, message: Self::Message) -> Option<Payload> {
        let id = tx.new_id();
        Some(Payload {
            topic: frame::TOPIC_GLOBAL_USERS,
            bytes: encode_global_users(writer(tx), work.generation(), id, &message),
        })
    }

    fn delivered(tx: &mut Tx<'_>, work: &mut Work, response: &SyncResponse) -> Rest {
        let RoundSource::Directory { epoch, .. } = work.round.source else {
            return Rest::None;
        };
        let items = std::mem::take(&mut work.round.items);
        let stored = users::named(&response.users_syncd);
        let mut all_taken = true;
        for item in items {
            let RoundItem::User(no, update_at) = item else {
                continue;
            };
            let user = FeedObject::User(no);
            work.round.objects.retain(|(_, object)| *object != user);
            let id = tx.user(no).map(|user| user.id);
            if id.is_some_and(|id| stored.contains(id.as_str())) {
                let key = (work.connection_no, no, NO_CHANNEL);
                tx.put(&key, &SentUser { update_at, epoch });
                exception::clear(tx, work, &user);
            } else {
                all_taken = false;
            }
        }
        if !all_taken {
            directory::incomplete(tx, work.connection_no);
        }
        if work.round.objects.is_empty() {
            Rest::None
        } else {
            Rest::More
        }
    }

    /// A peer that takes nobody in answers without a payload.
    fn answered(tx: &mut Tx<'_>, work: Work, answer: Answer) {
        match answer {
            Answer::Ok(Some(_)) => receipt::sync_answered(tx, work, answer),
            Answer::Ok(None) | Answer::Fail(_) => {
                directory::put_off(tx, work.connection_no);
                work.drop_round(tx);
            }
        }
    }
}

/// Records why the policies hold somebody back, who is offered again when they change. Whether they failed: then a
/// pause is enough.
fn withhold(tx: &mut Tx<'_>, work: &mut Work, user: UserNo, judgement: Judgement) -> bool {
    let object = FeedObject::User(user);
    work.round.objects.retain(|(_, it)| *it != object);
    let Some((state, reason)) = exception::state_after(judgement) else {
        return false;
    };
    let has_failed = state == ExceptionState::Held;
    exception::put(tx, work, (FeedSeq(0), object), state, &reason, 0);
    has_failed
}
