//! Exceptions: items that a cursor passed although the peer does not have them. Exactly the rows with a time
//! have an entry in `ExceptionTimes`.

use super::work::{Object, Work};
use crate::boundary::behaviour::Behaviour;
use crate::gate::Judgement;
use crate::model::limits::{
    BEGINNING_CHARS_MAX, DEAD_LETTERS_TOLD_MAX, DEPENDENTS_MAX, FILES_LOOKED_AT_MS, HELD_RETRY_MS,
    ITEM_RETRY_FIRST_MS, REASON_CHARS_MAX,
};
use crate::model::reasons;
use crate::model::{
    Exception, ExceptionState, ExceptionTime, FeedObject, Link, Post, Round, RoundItem,
    RoundSource, ThreadPost,
};
use crate::rows::id::{ChannelNo, ConnectionNo, FeedSeq, PostNo};
use crate::rows::retry::scattered_pause;
use crate::rows::tx::{Read, Tx};
use crate::sharing::{self, quoted};

type Key = (ConnectionNo, ChannelNo, u64, String);

pub(super) fn key_of(connection: ConnectionNo, channel: ChannelNo, object: &FeedObject) -> Key {
    let (number, rest) = object.exception_key();
    (connection, channel, number, rest)
}

/// Whether a channel has exceptions at all; avoids look-ups in the ordinary case.
pub fn any(rows: &(impl Read + ?Sized), connection: ConnectionNo, channel: ChannelNo) -> bool {
    !rows
        .prefix::<Exception, _>(&(connection, channel), 1)
        .is_empty()
}

/// The exception of an object, if there is one with the link's epoch.
pub fn get(tx: &Tx<'_>, work: &Work, object: &FeedObject) -> Option<Exception> {
    tx.get::<Exception>(&key_of(work.connection_no, work.round.channel, object))
        .filter(|row| row.epoch == work.round.epoch)
}

/// The exception of a post, of whatever epoch.
pub fn of_post(
    tx: &Tx<'_>,
    (channel, connection): (ChannelNo, ConnectionNo),
    post: PostNo,
) -> Option<Exception> {
    tx.get::<Exception>(&key_of(connection, channel, &FeedObject::Post(post)))
}

/// Records that the cursor passes an object.
pub fn put(
    tx: &mut Tx<'_>,
    work: &mut Work,
    object: (FeedSeq, FeedObject),
    state: ExceptionState,
    reason: &str,
    retry_at: i64,
) {
    if state == ExceptionState::Dead {
        work.change_link(tx, |link| link.dead_letters += 1);
    }
    let (seq, object) = object;
    let reason = reason.chars().take(REASON_CHARS_MAX).collect();
    let epoch = work.round.epoch;
    let row = Exception {
        object,
        seq,
        state,
        reason,
        retry_at,
        epoch,
    };
    store(
        tx,
        key_of(work.connection_no, work.round.channel, &row.object),
        row,
    );
}

fn store(tx: &mut Tx<'_>, key: Key, row: Exception) {
    drop_time(tx, &key);
    if row.retry_at != 0 {
        tx.put(&time_key(&key, row.retry_at), &ExceptionTime);
    }
    tx.put(&key, &row);
}

fn drop_time(tx: &mut Tx<'_>, key: &Key) {
    if let Some(earlier) = tx.get::<Exception>(key).filter(|row| row.retry_at != 0) {
        tx.delete::<ExceptionTime>(&time_key(key, earlier.retry_at));
    }
}

fn time_key(key: &Key, at_ms: i64) -> ((ConnectionNo, i64), ChannelNo, u64, String) {
    ((key.0, at_ms), key.1, key.2, key.3.clone())
}

/// The state of what the policies hold back, and why they do; `None` if they do not.
pub fn state_after(judgement: Judgement) -> Option<(ExceptionState, String)> {
    match judgement {
        Judgement::Pass(_) | Judgement::Revised(_) => None,
        Judgement::Denied(reason) => Some((ExceptionState::Denied, reason)),
        Judgement::Failed(reason) => Some((ExceptionState::Held, reason)),
    }
}

/// Records what the policies hold back; whether they do.
pub fn withhold(tx: &mut Tx<'_>, work: &mut Work, object: &Object, judgement: Judgement) -> bool {
    let Some((state, reason)) = state_after(judgement) else {
        return false;
    };
    let retry_at = if state == ExceptionState::Denied {
        tell_denied(tx, work, object, &reason);
        0
    } else {
        tx.now_ms().saturating_add(HELD_RETRY_MS)
    };
    put(tx, work, object.clone(), state, &reason, retry_at);
    true
}

/// Tells a local author that a policy holds a post back: when a version first has its turn in the feed. Nobody is
/// told of what is sent along or again, or is from before the channel was shared: there may be years of it.
fn tell_denied(tx: &mut Tx<'_>, work: &Work, (seq, object): &Object, reason: &str) {
    let is_first = matches!(work.round.source, RoundSource::Feed { .. }) && *seq != FeedSeq(0);
    // A round whose message was lost is planned again.
    let is_told = || get(tx, work, object).is_some_and(|row| row.seq == *seq);
    if !is_first || is_told() || !Behaviour::Gates.is_in_force(tx) {
        return;
    }
    let Some(post) = object.as_post().and_then(|no| own_post(tx, no)) else {
        return;
    };
    let said = if reason.trim().is_empty() {
        String::new()
    } else {
        format!(": {}", quoted(reason))
    };
    let text = format!(
        "Your message{} does not go to {}: a policy of this workspace holds it back{said}. It is checked again if \
         you edit it.",
        beginning(&post),
        quoted(&sharing::display_name(tx, work.connection_no)),
    );
    sharing::tell(tx, post.channel, post.user, text);
}

/// The peer refused an object: it is sent again later, and finally given up (W5: visibly).
pub fn refuse(tx: &mut Tx<'_>, work: &mut Work, object: (FeedSeq, FeedObject), reason: &str) {
    let earlier = get(tx, work, &object.1).map(|row| row.state);
    let state = ExceptionState::refused_again(earlier.as_ref());
    let retry_at = match state {
        ExceptionState::Refused(times) => {
            let pause_ms = scattered_pause(tx, ITEM_RETRY_FIRST_MS, times);
            tx.now_ms().saturating_add(pause_ms)
        }
        _ => 0,
    };
    if state == ExceptionState::Dead
        && let Some(post) = object.1.as_post()
    {
        tell_author(tx, work, post, reason);
    }
    put(tx, work, object, state, reason, retry_at);
}

/// Tells a local author that a peer does not take their post (W5: the reference does not).
fn tell_author(tx: &mut Tx<'_>, work: &Work, no: PostNo, reason: &str) {
    let told = work.link().map_or(0, |link| link.dead_letters);
    if told >= DEAD_LETTERS_TOLD_MAX || !Behaviour::GivenUpPostsTold.is_in_force(tx) {
        return;
    }
    let Some(post) = own_post(tx, no) else {
        return;
    };
    // Words of our own say nothing to whoever does not know the protocol.
    let said = if reasons::FIXED.contains(&reason) {
        String::new()
    } else {
        let words: String = reason.chars().take(REASON_CHARS_MAX).collect();
        format!(": {}", quoted(&words))
    };
    let text = format!(
        "Your message{} has not reached {}, which refused it again and again{said}. It is sent anew if you \
         edit it.",
        beginning(&post),
        quoted(&sharing::display_name(tx, work.connection_no)),
    );
    sharing::tell(tx, post.channel, post.user, text);
}

/// A post that somebody of this workspace wrote, if it is there.
fn own_post(tx: &Tx<'_>, no: PostNo) -> Option<Post> {
    let post = tx.get::<Post>(&no);
    post.filter(|post| post.origin.is_ours() && post.delete_at == 0)
}

/// The words by which an author recognises a post; a post that consists of files has none.
fn beginning(post: &Post) -> String {
    let begin: String = post.message.chars().take(BEGINNING_CHARS_MAX).collect();
    if begin.trim().is_empty() {
        String::new()
    } else {
        format!(" {}", quoted(&begin))
    }
}

/// Applies the state of an object to what belongs to it: a root's to its reply, a post's to its reaction.
pub fn follow(tx: &mut Tx<'_>, work: &mut Work, object: Object, base: &Exception) {
    let retry_at = retry_after(tx, base);
    let reason = reasons::NO_POST;
    put(tx, work, object, base.state.of_part(), reason, retry_at);
}

/// Applies the state of a profile that the policies hold back, and their reason, to what its user did.
pub fn share(tx: &mut Tx<'_>, work: &mut Work, object: Object, profile: &Exception) {
    let retry_at = retry_after(tx, profile);
    let state = profile.state.of_part();
    put(tx, work, object, state, &profile.reason, retry_at);
}

/// When something is tried again that waits for another object, in ms; 0 = not by itself.
fn retry_after(tx: &Tx<'_>, base: &Exception) -> i64 {
    if base.state.is_open() {
        base.retry_at.max(tx.now_ms().saturating_add(1))
    } else {
        0
    }
}

/// An object is delivered, or need not be any more. Objects that waited for it are tried now.
pub fn clear(tx: &mut Tx<'_>, work: &Work, object: &FeedObject) {
    let key = key_of(work.connection_no, work.round.channel, object);
    if !tx.has::<Exception>(&key) {
        return;
    }
    delete(tx, &key);
    if let Some(post) = object.as_post() {
        wake_dependents(tx, work.connection_no, work.round.channel, post);
    }
}

fn delete(tx: &mut Tx<'_>, key: &Key) {
    drop_time(tx, key);
    tx.delete::<Exception>(key);
}

/// Deletes the exception of an object that is tried in another way.
pub fn forget(tx: &mut Tx<'_>, connection: ConnectionNo, channel: ChannelNo, row: &Exception) {
    delete(tx, &key_of(connection, channel, &row.object));
}

fn wake_dependents(tx: &mut Tx<'_>, connection: ConnectionNo, channel: ChannelNo, post: PostNo) {
    let mut waiting: Vec<Exception> = tx
        .prefix::<Exception, _>(&(connection, channel, post.0), DEPENDENTS_MAX)
        .into_iter()
        .map(|(_, row)| row)
        .collect();
    let replies: Vec<Key> = tx
        .prefix::<ThreadPost, _>(&post, DEPENDENTS_MAX)
        .into_iter()
        .map(|((_, _, reply), _)| (connection, channel, reply.0, String::new()))
        .collect();
    waiting.extend(tx.get_all::<Exception>(&replies).into_iter().flatten());
    for row in waiting {
        if !matches!(row.state, ExceptionState::Refused(_)) {
            try_now(tx, connection, channel, row);
        }
    }
}

/// Schedules an exception to be tried at once.
pub fn try_now(tx: &mut Tx<'_>, connection: ConnectionNo, channel: ChannelNo, mut row: Exception) {
    row.retry_at = tx.now_ms();
    row.state = ExceptionState::Held;
    store(tx, key_of(connection, channel, &row.object), row);
    tx.touched.insert(connection);
}

/// Schedules what the policies hold back to be asked about at once. What waits for it stays as it is until they let it
/// pass.
pub fn ask_now(tx: &mut Tx<'_>, connection: ConnectionNo, channel: ChannelNo, mut row: Exception) {
    row.retry_at = tx.now_ms();
    store(tx, key_of(connection, channel, &row.object), row);
    tx.touched.insert(connection);
}

/// Deletes the exception of a time entry that is due, and the entry.
pub fn discard(tx: &mut Tx<'_>, time: &((ConnectionNo, i64), ChannelNo, u64, String)) {
    tx.delete::<ExceptionTime>(time);
    tx.delete::<Exception>(&(time.0.0, time.1, time.2, time.3.clone()));
}

/// Times of a connection's exceptions, earliest first, at most `rows_max`.
pub fn times(
    tx: &Tx<'_>,
    connection: ConnectionNo,
    rows_max: u32,
) -> Vec<((ConnectionNo, i64), ChannelNo, u64, String)> {
    tx.prefix::<ExceptionTime, _>(&connection, rows_max)
        .into_iter()
        .map(|(key, _)| key)
        .collect()
}

/// The exception of a time entry.
pub fn at(tx: &Tx<'_>, time: &((ConnectionNo, i64), ChannelNo, u64, String)) -> Option<Exception> {
    tx.get::<Exception>(&(time.0.0, time.1, time.2, time.3.clone()))
}

/// Whether an exception keeps parts of its post from being sent. It does while the post is tried again; if an
/// edited post was denied or given up, the peer may hold an earlier version, so its parts are sent.
pub fn blocks(row: &Exception, edit_at: i64) -> bool {
    (edit_at == 0 || row.state.is_open()) && row.object.as_post().is_some()
}

/// A file of a post has arrived at the peer, or will not for now: the post is tried if it waits for anything,
/// and goes again if it went without the file.
pub fn release(
    tx: &mut Tx<'_>,
    (connection, channel): (ConnectionNo, ChannelNo),
    post: PostNo,
    goes_again: bool,
) {
    let object = FeedObject::Post(post);
    let key = key_of(connection, channel, &object);
    let is_late = goes_again && is_on_its_way(tx, (connection, channel), post);
    let waiting = tx
        .get::<Exception>(&key)
        .filter(|row| row.state == ExceptionState::Held && !is_late);
    if let Some(row) = waiting {
        return try_now(tx, connection, channel, row);
    }
    let link = tx.get::<Link>(&(channel, connection));
    let Some(link) = link.filter(|_| goes_again) else {
        return;
    };
    let row = Exception {
        object,
        seq: FeedSeq(0),
        state: ExceptionState::Outdated,
        reason: reasons::FILE_CAME_LATE.to_string(),
        // Its delivery is expected before; without it, the post is tried again all the same.
        retry_at: tx.now_ms().saturating_add(FILES_LOOKED_AT_MS),
        epoch: link.epoch,
    };
    if is_late {
        store(tx, key, row);
    } else {
        try_now(tx, connection, channel, row);
    }
}

/// Whether the message in flight has a post. What is delivered with it is the post as it was when it was sent.
fn is_on_its_way(
    tx: &Tx<'_>,
    (connection, channel): (ConnectionNo, ChannelNo),
    post: PostNo,
) -> bool {
    let has_post = |item: &RoundItem| matches!(item, RoundItem::Post(no, _) if *no == post);
    tx.get::<Round>(&connection).is_some_and(|round| {
        round.attempt.is_some() && round.channel == channel && round.items.iter().any(has_post)
    })
}

/// A post is delivered: it need not go again, unless a file of it arrived while it was on its way.
pub fn delivered(tx: &mut Tx<'_>, work: &Work, object: &FeedObject) {
    let row = get(tx, work, object);
    let Some(row) = row.filter(|row| row.state == ExceptionState::Outdated) else {
        return clear(tx, work, object);
    };
    let (connection, channel) = (work.connection_no, work.round.channel);
    try_now(tx, connection, channel, row);
    if let Some(post) = object.as_post() {
        wake_dependents(tx, connection, channel, post);
    }
}
