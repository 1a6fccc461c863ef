//! What became of a message: a receipt names the attempt, so that one of an earlier attempt is
//! known and ignored. Semantics §5.8, with what it loses kept (W1, W2, W5, W18).

use super::{Work, backoff, exception, look_again, reactions};
use crate::boundary::behaviour::Behaviour;
use crate::boundary::input::{Receipt, SendOutcome};
use crate::model::limits::BACKOFF_FIRST_MS;
use crate::model::{
    Connection, ConnectionState, DueKind, FeedObject, PeerKind, Post, Round, RoundItem,
    RoundSource, Section, SentOldPost, SentUser, User,
};
use crate::rows::due;
use crate::rows::id::{ConnectionNo, UserNo};
use crate::rows::tx::{Read, Tx};
use crate::sharing::{self, link};
use crate::wire::response::{self, Answer, NO_LONGER_SHARED, SyncResponse, UNKNOWN_CHANNEL};

/// Takes note of how a send fared and goes on with what comes next.
pub fn receipt(tx: &mut Tx<'_>, receipt: &Receipt) {
    let no = receipt.connection;
    let Some(work) = out(tx, no, Some(receipt.attempt)) else {
        return;
    };
    tx.touched.insert(no);
    if work.connection.state != ConnectionState::Confirmed || !work.is_live() {
        work.store_without_round(tx);
        return;
    }
    match &receipt.outcome {
        SendOutcome::Answered(bytes) => answered(tx, work, bytes),
        // The reference answers these before it has looked into the payload, because of the frame.
        SendOutcome::Refused(status @ (400 | 413)) if work.round.section != Section::Invite => {
            refused_as_whole(tx, work, &format!("HTTP status {status}"));
        }
        SendOutcome::Refused(_) | SendOutcome::NeverLeft => failed(tx, work, false),
        SendOutcome::Unknown => failed(tx, work, true),
    }
}

/// The round of a connection whose attempt is out; with `attempt`, only if it is that one.
fn out(tx: &mut Tx<'_>, no: ConnectionNo, attempt: Option<u64>) -> Option<Work> {
    let connection = tx.get::<Connection>(&no)?;
    let work = Work::load(tx, no, connection)?;
    let is_it =
        work.round.attempt.is_some() && (attempt.is_none() || work.round.attempt == attempt);
    is_it.then_some(work)
}

/// The service started: what was out has an unknown outcome. Sending goes on at once, by due rows,
/// so that the step stays small.
pub fn resume(tx: &mut Tx<'_>) {
    let rounds = tx.prefix::<Round, ()>(&(), crate::model::limits::CONNECTIONS_MAX);
    for (no, _) in rounds {
        if let Some(mut work) = out(tx, no, None) {
            lost(tx, &mut work);
        }
        due::send_at(tx, tx.now_ms(), no);
    }
    due::wake(tx);
}

/// A message's outcome is unknown: it is made again, but for a toggle's reactions, which count as
/// told.
fn lost(tx: &mut Tx<'_>, work: &mut Work) {
    work.round.attempt = None;
    if work.round.section == Section::Reactions && work.is_toggle() {
        let sent = reactions::take_out(work);
        work.connection.unknown_reactions += u64::try_from(sent.len()).unwrap_or(u64::MAX);
        for (_, object) in sent {
            exception::clear(tx, work, &object);
        }
    }
    work.store(tx);
}

/// The message did not arrive, or nobody knows: the same is sent again after a pause (W1).
fn failed(tx: &mut Tx<'_>, mut work: Work, is_unknown: bool) {
    work.connection.failures = work.connection.failures.saturating_add(1);
    let pause_ms = backoff(tx, BACKOFF_FIRST_MS, work.connection.failures);
    work.connection.retry_at = tx.now_ms().saturating_add(pause_ms);
    due::send_at(tx, work.connection.retry_at, work.connection_no);
    if is_unknown {
        lost(tx, &mut work);
    } else {
        reactions::undo(tx, &work);
        work.round.attempt = None;
        work.store(tx);
    }
}

fn answered(tx: &mut Tx<'_>, mut work: Work, bytes: &[u8]) {
    let Ok(answer) = response::decode(bytes) else {
        return failed(tx, work, true);
    };
    work.connection.failures = 0;
    work.connection.retry_at = 0;
    work.round.attempt = None;
    let (channel, no) = (work.round.channel, work.connection_no);
    match answer {
        Answer::Ok(_) if work.round.section == Section::Invite => {
            work.store_without_round(tx);
            sharing::invite_accepted(tx, channel, no);
        }
        Answer::Fail(error) if work.round.section == Section::Invite => {
            work.store_without_round(tx);
            sharing::invite_refused(tx, channel, no, &error);
        }
        Answer::Ok(Some(response)) => delivered(tx, work, &response),
        // A toggle may have carried the message out; it is not told again.
        Answer::Ok(None) if work.is_toggle() && work.round.section == Section::Reactions => {
            lost(tx, &mut work);
        }
        Answer::Ok(None) => refused_as_whole(tx, work, "answered without a payload"),
        Answer::Fail(error) if error.contains(NO_LONGER_SHARED) => {
            reactions::undo(tx, &work);
            work.store_without_round(tx);
            sharing::end_link(tx, channel, no, true);
        }
        Answer::Fail(error) if error.contains(UNKNOWN_CHANNEL) && sends_again(tx, &work) => {
            channel_unknown(tx, work);
        }
        Answer::Fail(error) => refused_as_whole(tx, work, &error),
    }
}

/// The peer took the message; some of its items perhaps not.
fn delivered(tx: &mut Tx<'_>, mut work: Work, response: &SyncResponse) {
    work.link.last_sync_at = tx.now_ms();
    work.link.failures = 0;
    work.link.retry_at = 0;
    match work.round.section {
        Section::Users => users_delivered(tx, &mut work, response),
        Section::Posts => posts_delivered(tx, &mut work, response),
        Section::Reactions => {
            reactions::delivered(tx, &mut work, response);
        }
        Section::Invite => {}
    }
    work.round.items.clear();
    work.store(tx);
}

/// Profiles that are not listed as stored stay due; the round goes on behind them.
fn users_delivered(tx: &mut Tx<'_>, work: &mut Work, response: &SyncResponse) {
    let sent: Vec<(UserNo, i64)> = work
        .round
        .items
        .iter()
        .filter_map(|item| match item {
            RoundItem::User(no, version) => Some((*no, *version)),
            _ => None,
        })
        .collect();
    let numbers: Vec<UserNo> = sent.iter().map(|(no, _)| *no).collect();
    let users = tx.get_all::<User>(&numbers);
    for ((no, update_at), user) in sent.into_iter().zip(users) {
        work.round.users_after = work.round.users_after.max(no);
        let is_stored = |user: User| response.users_syncd.iter().any(|id| id == user.id.as_str());
        if user.is_some_and(is_stored) {
            let epoch = work.link.epoch;
            let key = (work.connection_no, no, work.round.channel);
            tx.put(&key, &SentUser { update_at, epoch });
        }
    }
}

fn posts_delivered(tx: &mut Tx<'_>, work: &mut Work, response: &SyncResponse) {
    let sent = std::mem::take(&mut work.round.items);
    let with_exceptions = exception::any(tx, work.connection_no, work.round.channel);
    let names_deletions = sends_again(tx, work);
    for item in sent {
        let RoundItem::Post(no, seq) = item else {
            continue;
        };
        let object = FeedObject::Post(no);
        if !response.post_errors.is_empty()
            && let Some(post) = tx.get::<Post>(&no)
            // The deletion of what is not there (any more) is done (W18). A Causeway takes such a
            // deletion, and names one that it could not take.
            && (post.delete_at == 0 || names_deletions)
            && response.post_errors.iter().any(|id| id == post.id.as_str())
        {
            let reason = "The peer named the post in `post_errors`.";
            exception::refuse(tx, work, (seq, object), reason);
            doubt_author(tx, work, &post);
            continue;
        }
        if with_exceptions {
            exception::clear(tx, work, &object);
        }
        if no <= work.link.posts_before && !matches!(work.round.source, RoundSource::History { .. })
        {
            let epoch = work.link.epoch;
            tx.put(&(work.connection_no, no), &SentOldPost { epoch });
        }
    }
    work.round.section = Section::Reactions;
}

/// A Mattermost server that was restored tells nobody. It may have refused a post because it does
/// not know any more who wrote it: the profile goes with the next try.
fn doubt_author(tx: &mut Tx<'_>, work: &Work, post: &Post) {
    if work.connection.kind == PeerKind::Causeway || !Behaviour::SentAgain.is_in_force(tx) {
        return;
    }
    let key = (work.connection_no, post.user, work.round.channel);
    if let Some(sent) = tx.get::<SentUser>(&key) {
        let update_at = 0;
        tx.put(&key, &SentUser { update_at, ..sent });
    }
}

/// Whether the peer names what it could not take, and gets it again.
fn sends_again(tx: &Tx<'_>, work: &Work) -> bool {
    work.connection.kind == PeerKind::Causeway && Behaviour::SentAgain.is_in_force(tx)
}

/// The peer was restored to before it had the channel. That says nothing about the message: what
/// we offered is offered again after a pause, and then everything of it is sent. What the peer
/// offered is lost at its home, and the members here are told.
fn channel_unknown(tx: &mut Tx<'_>, mut work: Work) {
    let (channel, no) = (work.round.channel, work.connection_no);
    if !work.link.invited_by_us {
        work.store_without_round(tx);
        return sharing::end_link(tx, channel, no, true);
    }
    link::offer_again(tx, &mut work.link);
    pause(tx, &mut work);
    work.store_without_round(tx);
    sharing::offered_again(tx, channel, no);
}

/// The channel rests after a refusal, the longer the more came in a row.
fn pause(tx: &mut Tx<'_>, work: &mut Work) {
    work.link.failures = work.link.failures.saturating_add(1);
    let pause_ms = backoff(tx, BACKOFF_FIRST_MS, work.link.failures);
    work.link.retry_at = tx.now_ms().saturating_add(pause_ms);
    due::at(
        tx,
        work.link.retry_at,
        DueKind::Link(work.connection_no, work.round.channel),
    );
}

/// The peer refused the message as a whole, for a reason of its own (W2: nothing of it is lost).
/// After a pause of the channel half as many objects go; one that is refused alone is passed.
fn refused_as_whole(tx: &mut Tx<'_>, mut work: Work, reason: &str) {
    reactions::undo(tx, &work);
    work.round.attempt = None;
    let objects = std::mem::take(&mut work.round.objects);
    match work.round.source {
        // Changed profiles travel with the next posts of their users as well.
        RoundSource::People { .. } => return work.finish(tx),
        RoundSource::Exceptions => {
            for object in objects {
                exception::refuse(tx, &mut work, object, reason);
            }
            return work.finish(tx);
        }
        RoundSource::Invite | RoundSource::Feed { .. } | RoundSource::History { .. } => {}
    }
    pause(tx, &mut work);
    if objects.len() > 1 {
        work.link.items_max = u32::try_from(objects.len() / 2).unwrap_or(1).max(1);
        look_again(tx, &work);
        work.store_without_round(tx);
        return;
    }
    for object in objects {
        exception::refuse(tx, &mut work, object, reason);
    }
    work.link.items_max = 1;
    work.finish(tx);
}
