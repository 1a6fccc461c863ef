//! Outcomes of messages: a receipt names its attempt, so receipts of earlier attempts are recognised and
//! ignored. Semantics §5.8, but without its losses (W1, W2, W5, W18).

use super::pictures::{self, Pictures};
use super::sections::{self, Rest};
use super::transfers::{self, Files};
use super::work::{Object, Work};
use super::{exception, owed};
use crate::boundary::behaviour::Behaviour;
use crate::boundary::input::{Receipt, SendOutcome};
use crate::model::limits::{BACKOFF_FIRST_MS, CONNECTIONS_MAX};
use crate::model::{
    Connection, ConnectionState, FeedObject, LinkEnd, PeerKind, Pending, Round, RoundSource,
    Section, SentUser,
};
use crate::rows::due;
use crate::rows::id::ConnectionNo;
use crate::rows::retry::scattered_pause;
use crate::rows::tx::{Read, Tx};
use crate::sharing::{self, connection, directory, feed, link};
use crate::wire::response::{self, Answer, NO_LONGER_SHARED, SyncResponse, UNKNOWN_CHANNEL};

/// Processes the outcome of a send and continues with the next message.
pub fn receipt(tx: &mut Tx<'_>, receipt: &Receipt) {
    let no = receipt.connection;
    let Some(work) = out(tx, no, Some(receipt.attempt)) else {
        transfers::receipt(tx, receipt);
        return pictures::receipt(tx, receipt);
    };
    tx.touched.insert(no);
    if work.connection().state != ConnectionState::Confirmed || !work.is_live() {
        return work.drop_round(tx);
    }
    match &receipt.outcome {
        SendOutcome::Answered(bytes) => answered(tx, work, bytes),
        // The reference returns these statuses because of the frame, before it reads the payload.
        SendOutcome::Refused(status @ (400 | 413)) if work.round.source.has_objects() => {
            refused_as_whole(tx, work, &format!("HTTP status {status}"));
        }
        SendOutcome::Refused(_) | SendOutcome::NeverLeft => failed(tx, work, false),
        SendOutcome::Unknown => failed(tx, work, true),
    }
}

/// The round of a connection with an attempt in flight; if `attempt` is given, only that one.
fn out(tx: &mut Tx<'_>, no: ConnectionNo, attempt: Option<u64>) -> Option<Work> {
    let connection = tx.get::<Connection>(&no)?;
    let work = Work::load(tx, no, connection)?;
    let is_it =
        work.round.attempt.is_some() && (attempt.is_none() || work.round.attempt == attempt);
    is_it.then_some(work)
}

/// Called when the service starts: attempts in flight have an unknown outcome. Sending continues at once,
/// through due rows, so that the step stays small.
pub fn resume(tx: &mut Tx<'_>) {
    let rounds = tx.prefix::<Round, ()>(&(), CONNECTIONS_MAX);
    for (no, _) in rounds {
        if let Some(work) = out(tx, no, None) {
            lost(tx, work);
        }
        due::send_at(tx, tx.now_ms(), no);
    }
    owed::resume::<Files>(tx);
    owed::resume::<Pictures>(tx);
    due::wake(tx);
}

/// A message's outcome is unknown: it is built again, without what its section may send only once.
pub fn lost(tx: &mut Tx<'_>, mut work: Work) {
    work.round.attempt = None;
    sections::lost(tx, &mut work);
    work.store(tx);
}

/// The message did not arrive, or its outcome is unknown: it is sent again after a pause (W1).
fn failed(tx: &mut Tx<'_>, mut work: Work, is_unknown: bool) {
    let mut paused = work.connection().clone();
    connection::failed(tx, work.connection_no, &mut paused);
    work.change_connection(tx, |connection| *connection = paused);
    if is_unknown {
        return lost(tx, work);
    }
    sections::undo(tx, &work);
    work.round.attempt = None;
    work.store(tx);
}

fn answered(tx: &mut Tx<'_>, mut work: Work, bytes: &[u8]) {
    let Ok(answer) = response::decode(bytes) else {
        return failed(tx, work, true);
    };
    work.change_connection(tx, |connection| {
        connection.failures = 0;
        connection.retry_at = 0;
    });
    work.round.attempt = None;
    sections::answered(tx, work, answer);
}

/// The peer answered a sync message.
pub fn sync_answered(tx: &mut Tx<'_>, work: Work, answer: Answer) {
    let link = work.link();
    match answer {
        Answer::Ok(Some(response)) => delivered(tx, work, &response),
        Answer::Ok(None) => refused_as_whole(tx, work, "answered without a payload"),
        Answer::Fail(error) if error.contains(NO_LONGER_SHARED) && link.is_some() => {
            sections::undo(tx, &work);
            let (channel, no) = (work.round.channel, work.connection_no);
            work.drop_round(tx);
            sharing::ended_by_peer(tx, channel, no);
        }
        Answer::Fail(error) if error.contains(UNKNOWN_CHANNEL) && sends_again(tx, &work) => {
            match link.map(|link| link.invited_by_us) {
                Some(invited_by_us) => channel_unknown(tx, work, invited_by_us),
                None => refused_as_whole(tx, work, &error),
            }
        }
        Answer::Fail(error) if error.contains(UNKNOWN_CHANNEL) && are_sent_elsewhere(tx, &work) => {
            profiles_lost(tx, work);
        }
        Answer::Fail(error) => refused_as_whole(tx, work, &error),
    }
}

/// Whether a round consists of changed profiles, which any channel can carry in which the peer holds them.
fn are_sent_elsewhere(tx: &Tx<'_>, work: &Work) -> bool {
    matches!(work.round.source, RoundSource::People { .. })
        && Behaviour::ProfilesElsewhere.is_in_force(tx)
}

/// A peer that says nothing of its restores does not know the channel any more over which changed profiles went:
/// it holds none there. They are sent over another channel, or, if there is none, with the next posts of their
/// users.
fn profiles_lost(tx: &mut Tx<'_>, work: Work) {
    sections::undo(tx, &work);
    for (_, object) in &work.round.objects {
        if let FeedObject::User(user) = object {
            tx.delete::<SentUser>(&(work.connection_no, *user, work.round.channel));
        }
    }
    work.drop_round(tx);
}

/// The peer accepted the message, but possibly not all of its items.
fn delivered(tx: &mut Tx<'_>, mut work: Work, response: &SyncResponse) {
    let now_ms = tx.now_ms();
    work.change_link(tx, |link| {
        link.last_sync_at = now_ms;
        link.failures = 0;
        link.retry_at = 0;
    });
    let rest = sections::delivered(tx, &mut work, response);
    work.round.items.clear();
    match (rest, sections::after(work.round.section)) {
        (Rest::More, _) => work.store(tx),
        (Rest::None, Some(next)) => {
            work.round.section = next;
            work.store(tx);
        }
        (Rest::None, None) => work.finish(tx),
    }
}

/// Whether the peer names items that it could not accept, so that they are sent again.
pub fn sends_again(tx: &Tx<'_>, work: &Work) -> bool {
    work.connection().kind == PeerKind::Causeway && Behaviour::SentAgain.is_in_force(tx)
}

/// The peer was restored to a time before it had the channel. That says nothing about the message: a channel
/// that we offered is offered again after a pause, and then sent completely. A channel that the peer offered
/// is lost at its home, and the members here are notified.
fn channel_unknown(tx: &mut Tx<'_>, mut work: Work, invited_by_us: bool) {
    let (channel, no) = (work.round.channel, work.connection_no);
    if !invited_by_us && !sharing::is_outside_teams(tx, channel) {
        work.drop_round(tx);
        return sharing::end_link(tx, channel, no, LinkEnd::Peer);
    }
    let now_ms = tx.now_ms();
    work.change_link(tx, |link| link::offer_again(link, now_ms));
    pause(tx, &mut work);
    work.drop_round(tx);
    sharing::offered_again(tx, channel, no);
}

/// Pauses the channel after a refusal, longer with each consecutive one.
fn pause(tx: &mut Tx<'_>, work: &mut Work) {
    let Some(failures) = work.link().map(|link| link.failures.saturating_add(1)) else {
        return;
    };
    let pause_ms = scattered_pause(tx, BACKOFF_FIRST_MS, failures);
    let retry_at = tx.now_ms().saturating_add(pause_ms);
    work.change_link(tx, |link| {
        link.failures = failures;
        link.retry_at = retry_at;
    });
    due::link_at(tx, retry_at, work.connection_no, work.round.channel);
}

/// The peer refused the message as a whole, for a reason of its own (W2: nothing is lost). After a pause of
/// the channel half as many objects are sent; an object that is refused alone gets an exception.
fn refused_as_whole(tx: &mut Tx<'_>, mut work: Work, reason: &str) {
    sections::undo(tx, &work);
    work.round.attempt = None;
    let (statuses, objects): (Vec<Object>, Vec<Object>) = std::mem::take(&mut work.round.objects)
        .into_iter()
        .partition(|(_, object)| object.section() == Section::Statuses);
    for status in statuses {
        exception::refuse(tx, &mut work, status, reason);
    }
    // The last section: everything else of the round is done.
    if work.round.section == Section::Statuses {
        return work.finish(tx);
    }
    let mark = match work.round.source {
        // Changed profiles are also sent with the next posts of their users.
        RoundSource::People { .. } | RoundSource::Statuses { .. } => return work.finish(tx),
        RoundSource::Directory { .. } => {
            directory::put_off(tx, work.connection_no);
            return work.drop_round(tx);
        }
        RoundSource::Exceptions => {
            for object in objects {
                exception::refuse(tx, &mut work, object, reason);
            }
            return work.finish(tx);
        }
        RoundSource::History { .. } => Pending::HISTORY,
        RoundSource::Members { .. } => Pending::MEMBERS,
        RoundSource::Invite | RoundSource::SharingState { .. } | RoundSource::Feed { .. } => {
            Pending::FEED
        }
    };
    pause(tx, &mut work);
    if objects.len() > 1 {
        let half = u32::try_from(objects.len() / 2).unwrap_or(1).max(1);
        work.change_link(tx, |link| link.items_max = half);
        feed::mark(tx, work.connection_no, mark, work.round.channel);
        return work.drop_round(tx);
    }
    for object in objects {
        exception::refuse(tx, &mut work, object, reason);
    }
    work.change_link(tx, |link| link.items_max = 1);
    work.finish(tx);
}
