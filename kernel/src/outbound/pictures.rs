//! Profile pictures. A peer that holds a profile gets its picture afterwards, in a request of its own (protocol
//! §5.7), and again whenever it changes.
//!
//! What a peer holds of a picture is recorded apart from what it holds of the profile, so a picture whose request
//! fails is not lost (W7), and one that is taken does not stand for a profile that was not (W6).

use super::owed::{self, Owed, Sent};
use super::pick::held_in;
use super::sections::users::version;
use crate::boundary::env::Rows;
use crate::boundary::input::{Receipt, SendOutcome};
use crate::boundary::output::{Effect, SendPicture};
use crate::boundary::policy::Gate;
use crate::gate;
use crate::model::limits::{FILE_RETRY_FIRST_MS, FILE_RETRY_MAX_MS};
use crate::model::{
    Connection, Link, LinkState, Picture, PictureDebt, PictureTime, PictureTransfer, SentPicture,
    SentUser, User,
};
use crate::rows::id::{ChannelNo, ConnectionNo, UserNo};
use crate::rows::tx::{Read, Tx};
use crate::wire::response::{self, Answer};

type Key = (ConnectionNo, UserNo);

/// Profile pictures, as they are owed to peers.
pub enum Pictures {}

impl Owed for Pictures {
    type What = UserNo;
    type Debt = PictureDebt;
    type Time = PictureTime;
    type InFlight = PictureTransfer;

    const TIME: PictureTime = PictureTime;

    fn retry_at(debt: &PictureDebt) -> i64 {
        debt.retry_at
    }

    fn attempt(transfer: &PictureTransfer) -> u64 {
        transfer.attempt
    }

    /// Sends the present picture.
    fn send(tx: &mut Tx<'_>, key: Key, connection: Connection) -> Sent {
        let (no, user_no) = key;
        let picture = tx.get::<Picture>(&user_no);
        let Some((user, picture)) = tx.get::<User>(&user_no).zip(picture) else {
            return Sent::Dropped;
        };
        let Some((channel, link, _)) = held_in(tx, no, user_no).next() else {
            return Sent::Dropped;
        };
        if waits_for_its_profile(tx, no, (user_no, &user)) {
            return Sent::Dropped;
        }
        let attempt = owed::next_attempt(tx, no, connection);
        let sent = SentPicture {
            version: user.last_picture_update,
            channel,
            epoch: link.epoch,
        };
        tx.put(
            &no,
            &PictureTransfer {
                attempt,
                user: user_no,
                sent,
            },
        );
        tx.effect(Effect::SendPicture(SendPicture {
            connection: no,
            attempt,
            user: user.id,
            digest: picture.digest,
            size: picture.size,
        }));
        Sent::InFlight
    }
}

/// Whether a picture belongs to a version of its profile that the policies may hold back. When the peer takes that
/// version, the picture is offered again.
fn waits_for_its_profile(tx: &Tx<'_>, no: ConnectionNo, (user_no, user): (UserNo, &User)) -> bool {
    let is_there = |sent: &SentUser| sent.update_at >= version(user);
    gate::is_asked(tx, Gate::Profile)
        && !held_in(tx, no, user_no).any(|(_, _, sent)| is_there(&sent))
}

/// A peer holds a user's profile in a channel, in an epoch of its link: it is to get the picture, unless it holds
/// that as well.
pub fn offer(tx: &mut Tx<'_>, key: Key, (channel, epoch): (ChannelNo, u32)) {
    let Some(user) = tx.user(key.1).filter(|user| user.last_picture_update != 0) else {
        return;
    };
    let version = user.last_picture_update;
    let sent = tx.get::<SentPicture>(&key);
    if let Some(sent) = sent.filter(|sent| sent.version >= version) {
        let is_its = (sent.channel, sent.epoch) == (channel, epoch);
        if is_its || is_live(tx, key.0, (sent.channel, sent.epoch)) {
            return;
        }
    }
    let debt = tx.get::<PictureDebt>(&key).unwrap_or_default();
    if debt.version < version || debt.retry_at == 0 {
        let retry_at = tx.now_ms();
        let debt = PictureDebt {
            version,
            failures: 0,
            refusals: 0,
            retry_at,
        };
        owed::put::<Pictures>(tx, key, &debt);
    }
}

fn is_live(tx: &Tx<'_>, no: ConnectionNo, (channel, epoch): (ChannelNo, u32)) -> bool {
    let link = tx.get::<Link>(&(channel, no));
    link.is_some_and(|link| link.state == LinkState::Active && link.epoch == epoch)
}

/// The outcome of sending a picture.
pub fn receipt(tx: &mut Tx<'_>, receipt: &Receipt) {
    let Some(transfer) = owed::ended::<Pictures>(tx, receipt) else {
        return;
    };
    let key = (receipt.connection, transfer.user);
    match &receipt.outcome {
        SendOutcome::Answered(bytes) if is_taken(bytes) => taken(tx, key, transfer.sent),
        // The peer does not know us now, or has no time.
        SendOutcome::Refused(401 | 403 | 408 | 429) => failed(tx, key, transfer.sent, false),
        SendOutcome::Refused(400..=499 | 501) => failed(tx, key, transfer.sent, true),
        SendOutcome::Answered(_) | SendOutcome::Refused(_) | SendOutcome::Unknown => {
            failed(tx, key, transfer.sent, false);
        }
        SendOutcome::NeverLeft => owed::not_reached(tx, key.0),
    }
}

fn is_taken(bytes: &[u8]) -> bool {
    matches!(response::decode(bytes), Ok(Answer::Ok(_)))
}

fn taken(tx: &mut Tx<'_>, key: Key, sent: SentPicture) {
    tx.put(&key, &sent);
    // It may have changed while it was in flight.
    let debt = tx.get::<PictureDebt>(&key);
    if debt.is_none_or(|debt| debt.version <= sent.version) {
        owed::settle::<Pictures>(tx, key);
    }
}

/// The attempt failed: another one follows, unless the peer refuses the picture again and again.
fn failed(tx: &mut Tx<'_>, key: Key, sent: SentPicture, is_refused: bool) {
    let debt = tx.get::<PictureDebt>(&key);
    let Some(mut debt) = debt.filter(|debt| debt.version <= sent.version) else {
        return;
    };
    debt.failures = debt.failures.saturating_add(1);
    debt.refusals = debt.refusals.saturating_add(u32::from(is_refused));
    let limits_ms = (FILE_RETRY_FIRST_MS, FILE_RETRY_MAX_MS);
    debt.retry_at = owed::next_try(tx, limits_ms, debt.failures, debt.refusals);
    owed::put::<Pictures>(tx, key, &debt);
}
