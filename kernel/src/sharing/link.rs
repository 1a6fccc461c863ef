//! The states of a link: opened, active, closed. No other code stores a link in a new state.

use crate::boundary::behaviour::Behaviour;
use crate::model::limits::{CONSENT_RETRY_MAX_MS, CONSENT_RETRY_MIN_MS};
use crate::model::{
    ConnectionLink, Cursor, DueKind, History, Job, Link, LinkEnd, LinkState, Pending, RoundSource,
};
use crate::objects::{hidden_components, memberships};
use crate::outbound::{forget_state, profiles, set_back};
use crate::rows::counters::{counters, workspace};
use crate::rows::due;
use crate::rows::id::{ChannelNo, ConnectionNo, FeedSeq, PostNo, UserNo};
use crate::rows::jobs;
use crate::rows::tx::{Read, Tx};
use crate::sharing::{self, feed};

/// The position before every post of a channel.
const HISTORY_START: (i64, u64) = (i64::MIN, 0);

/// Creates a link, or renews an ended one. Its cursor starts at the current position: everything that happens
/// from now on is sent, even before the invitation is answered (W54).
pub fn open(
    tx: &mut Tx<'_>,
    channel: ChannelNo,
    connection: ConnectionNo,
    state: LinkState,
    invited_by_us: bool,
    creator: UserNo,
) -> Link {
    let now_ms = tx.now_ms();
    let counters = counters(tx);
    let earlier = tx.get::<Link>(&(channel, connection));
    let mut link = Link {
        id: earlier.as_ref().map_or_else(|| tx.new_id(), |link| link.id),
        state,
        invited_by_us,
        create_at: earlier.as_ref().map_or(now_ms, |link| link.create_at),
        update_at: now_ms,
        delete_at: 0,
        creator,
        cursor: Cursor {
            seq: FeedSeq(counters.feed),
            history: None,
        },
        feed_from: FeedSeq(counters.feed),
        posts_before: PostNo(counters.post),
        dead_letters: 0,
        last_sync_at: earlier.as_ref().map_or(0, |link| link.last_sync_at),
        epoch: earlier.map_or(0, |link| link.epoch).wrapping_add(1),
        failures: 0,
        retry_at: 0,
        items_max: 0,
        end: None,
        members: None,
        history: History::Configured,
    };
    forget_state(tx, connection, channel);
    match state {
        LinkState::Inviting => feed::mark(tx, connection, Pending::INVITE, channel),
        LinkState::Active => list_members(tx, channel, connection, &mut link),
        LinkState::Ended | LinkState::Awaiting => {}
    }
    tx.put(&(channel, connection), &link);
    tx.put(&(connection, channel), &ConnectionLink);
    hidden_components::start_in(tx, channel);
    link
}

/// Begins to offer all memberships of the channel to the peer, if memberships are shared. Those of channels
/// outside teams are part of the invitation and never change.
fn list_members(tx: &mut Tx<'_>, channel: ChannelNo, connection: ConnectionNo, link: &mut Link) {
    if memberships::are_shared(tx) && !sharing::is_outside_teams(tx, channel) {
        link.members = Some(UserNo(0));
        feed::mark(tx, connection, Pending::MEMBERS, channel);
    }
}

/// Called when it shows that the peer shares memberships: those that are still to be offered to it are.
pub fn continue_members(tx: &mut Tx<'_>, channel: ChannelNo, connection: ConnectionNo) {
    let link = tx.get::<Link>(&(channel, connection));
    if link.is_some_and(|link| link.members.is_some()) {
        feed::mark(tx, connection, Pending::MEMBERS, channel);
    }
}

/// Called when memberships are shared from now on.
pub fn offer_members(tx: &mut Tx<'_>, channel: ChannelNo, connection: ConnectionNo) {
    let key = (channel, connection);
    let link = tx.get::<Link>(&key);
    if let Some(mut link) = link.filter(|link| link.state == LinkState::Active) {
        list_members(tx, channel, connection, &mut link);
        tx.put(&key, &link);
        set_back(tx, connection, |round| {
            if let RoundSource::Members { to } = &mut round.source
                && round.channel == channel
            {
                *to = UserNo(0);
            }
        });
    }
}

/// [`open`] for a channel outside teams: everything in it belongs to all its members, so what it already holds
/// is sent too. The channel is offered by us if the link is [`LinkState::Inviting`].
pub fn open_whole(
    tx: &mut Tx<'_>,
    channel: ChannelNo,
    connection: ConnectionNo,
    state: LinkState,
    creator: UserNo,
) {
    let by_us = state == LinkState::Inviting;
    let mut link = open(tx, channel, connection, state, by_us, creator);
    link.history = History::Everything;
    link.cursor.history = Some(HISTORY_START);
    tx.put(&(channel, connection), &link);
    if state == LinkState::Active {
        feed::mark(tx, connection, Pending::HISTORY, channel);
    }
}

/// Offers a channel to a peer, which gets these posts of it from before.
pub fn offer(
    tx: &mut Tx<'_>,
    channel: ChannelNo,
    connection: ConnectionNo,
    creator: UserNo,
    history: History,
) {
    let state = LinkState::Inviting;
    let link = open(tx, channel, connection, state, true, creator);
    if history != link.history {
        tx.put(&(channel, connection), &Link { history, ..link });
    }
}

/// The position after which a link's history begins.
#[must_use]
pub fn history_start(link: &Link) -> (i64, u64) {
    match link.history {
        History::Since(ms) => (ms, 0),
        History::Configured | History::Nothing | History::Everything => HISTORY_START,
    }
}

/// Whether a peer gets posts from before its link when it accepts.
pub fn is_history_wished(rows: &(impl Read + ?Sized), link: &Link) -> bool {
    match link.history {
        History::Configured => workspace(rows).is_some_and(|workspace| workspace.config.backfill),
        History::Nothing => false,
        History::Since(_) | History::Everything => true,
    }
}

/// Called when the peer has accepted the invitation: sending begins, with the history if that is wished, or was
/// when the channel was first offered. A link that is not [`LinkState::Inviting`] is left unchanged.
pub fn activate(tx: &mut Tx<'_>, channel: ChannelNo, connection: ConnectionNo) {
    let Some(mut link) = tx.get::<Link>(&(channel, connection)) else {
        return;
    };
    if link.state != LinkState::Inviting {
        return;
    }
    link.state = LinkState::Active;
    link.update_at = tx.now_ms();
    feed::unmark(tx, connection, Pending::INVITE, channel);
    feed::mark(tx, connection, Pending::FEED, channel);
    if is_history_wished(tx, &link) || link.cursor.history.is_some() {
        link.cursor.history = Some(history_start(&link));
        feed::mark(tx, connection, Pending::HISTORY, channel);
    }
    list_members(tx, channel, connection, &mut link);
    tx.put(&(channel, connection), &link);
}

/// Ends a link. The row is kept, so that a later invitation is recognised as a renewal. If the channel has no
/// followers left, its feed is dropped.
pub fn close(tx: &mut Tx<'_>, channel: ChannelNo, connection: ConnectionNo, end: LinkEnd) {
    let Some(mut link) = tx.get::<Link>(&(channel, connection)) else {
        return;
    };
    if link.state == LinkState::Ended {
        return;
    }
    let now_ms = tx.now_ms();
    link.state = LinkState::Ended;
    link.end = Some(end);
    link.update_at = now_ms;
    link.delete_at = now_ms;
    tx.put(&(channel, connection), &link);
    for kind in [
        Pending::INVITE,
        Pending::FEED,
        Pending::HISTORY,
        Pending::MEMBERS,
    ] {
        feed::unmark(tx, connection, kind, channel);
    }
    hidden_components::start_in(tx, channel);
    profiles::leave(tx, connection, channel);
    if feed::channel_followers(tx, channel).is_empty() {
        let to = FeedSeq(counters(tx).feed);
        jobs::start(tx, Job::DropFeed { channel, to });
    }
}

/// Schedules sending everything of an active link again: it is uncertain what the peer holds.
pub fn rewind(tx: &mut Tx<'_>, channel: ChannelNo, connection: ConnectionNo) {
    let Some(mut link) = tx.get::<Link>(&(channel, connection)) else {
        return;
    };
    if link.state != LinkState::Active {
        return;
    }
    start_over(&mut link);
    link.failures = 0;
    link.retry_at = 0;
    feed::mark(tx, connection, Pending::FEED, channel);
    if link.cursor.history.is_some() {
        feed::mark(tx, connection, Pending::HISTORY, channel);
    }
    list_members(tx, channel, connection, &mut link);
    tx.put(&(channel, connection), &link);
}

/// Resets the record of what the peer was sent; the start of the sharing itself is kept.
fn start_over(link: &mut Link) {
    link.epoch = link.epoch.wrapping_add(1);
    link.cursor.seq = link.feed_from;
    link.cursor.history = link.cursor.history.map(|_| history_start(link));
    link.items_max = 0;
}

/// Called when the peer of an active link has lost the channel: it is invited again after the link's pause,
/// which the caller sets.
pub fn offer_again(link: &mut Link, now_ms: i64) {
    start_over(link);
    link.state = LinkState::Inviting;
    link.update_at = now_ms;
}

/// Whether an invitation is pending for a channel that its peer had before.
#[must_use]
pub fn is_offered_again(link: &Link) -> bool {
    link.state == LinkState::Inviting && link.failures > 0
}

/// Called when an administrator of the peer has yet to accept the channel: it is offered again later, and the
/// longer nobody answers, the later.
pub fn wait_for_consent(tx: &mut Tx<'_>, channel: ChannelNo, connection: ConnectionNo) {
    pause_offer(tx, channel, connection, LinkState::Awaiting);
}

/// Called when the peer could not decide about the channel: it is offered again later, and the longer that lasts, the
/// later.
pub fn put_off(tx: &mut Tx<'_>, channel: ChannelNo, connection: ConnectionNo) {
    pause_offer(tx, channel, connection, LinkState::Inviting);
}

fn pause_offer(tx: &mut Tx<'_>, channel: ChannelNo, connection: ConnectionNo, state: LinkState) {
    let Some(link) = tx.get::<Link>(&(channel, connection)) else {
        return;
    };
    let now_ms = tx.now_ms();
    let waited_ms = now_ms.saturating_sub(link.update_at);
    let pause_ms = (waited_ms / 4).clamp(CONSENT_RETRY_MIN_MS, CONSENT_RETRY_MAX_MS);
    let retry_at = now_ms.saturating_add(pause_ms);
    feed::unmark(tx, connection, Pending::INVITE, channel);
    // However often the peer says so, one row waits for the next time.
    due::cancel(tx, DueKind::Link(connection, channel));
    due::link_at(tx, retry_at, connection, channel);
    tx.put(
        &(channel, connection),
        &Link {
            state,
            retry_at,
            ..link
        },
    );
}

/// Whether an invitation was [put off](put_off).
fn is_put_off(tx: &Tx<'_>, link: &Link) -> bool {
    link.state == LinkState::Inviting && link.retry_at != 0 && Behaviour::Gates.is_in_force(tx)
}

/// Offers a channel again that its peer had not accepted yet.
fn ask_again(tx: &mut Tx<'_>, channel: ChannelNo, connection: ConnectionNo, link: Link) {
    feed::mark(tx, connection, Pending::INVITE, channel);
    let state = LinkState::Inviting;
    tx.put(&(channel, connection), &Link { state, ..link });
}

/// Called when the peer says that it has accepted a channel: it is offered again at once, and its pause is over.
pub fn accepted(tx: &mut Tx<'_>, channel: ChannelNo, connection: ConnectionNo) {
    let link = tx.get::<Link>(&(channel, connection));
    if let Some(link) = link.filter(|it| it.state == LinkState::Awaiting || is_put_off(tx, it)) {
        let retry_at = tx.now_ms();
        ask_again(tx, channel, connection, Link { retry_at, ..link });
    }
}

/// Called when the pause of a channel that a peer refused is over.
pub fn go_on(tx: &mut Tx<'_>, channel: ChannelNo, connection: ConnectionNo) {
    let Some(link) = tx.get::<Link>(&(channel, connection)) else {
        return;
    };
    let is_offered_again = is_offered_again(&link) || is_put_off(tx, &link);
    let is_awaited = link.state == LinkState::Awaiting;
    if link.state != LinkState::Active && !is_offered_again && !is_awaited {
        return;
    }
    if link.retry_at > tx.now_ms() {
        due::link_at(tx, link.retry_at, connection, channel);
        return;
    }
    if is_awaited {
        return ask_again(tx, channel, connection, link);
    }
    if is_offered_again {
        feed::mark(tx, connection, Pending::INVITE, channel);
        return;
    }
    feed::mark(tx, connection, Pending::FEED, channel);
    if link.cursor.history.is_some() {
        feed::mark(tx, connection, Pending::HISTORY, channel);
    }
    continue_members(tx, channel, connection);
}
