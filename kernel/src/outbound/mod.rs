//! Sending: what each peer still has to get is derived from the feed and the link's cursor, one
//! round at a time for each connection, each section of a round one message.
//!
//! 1. A round is stored before its first byte leaves; a receipt names the attempt it answers.
//! 2. A cursor moves only when each object behind it is delivered, is not for this peer, or has an
//!    exception.
//! 3. Users, posts and (but to a toggle) reactions are delivered at least once; receivers take
//!    the same version again without change. A toggle is told of a reaction at most once.
//! 4. Nothing goes back to the workspace that it came from.

pub mod again;
pub mod exception;
pub mod mention;
mod pick;
mod plan;
mod posts;
mod reactions;
pub mod receipt;
#[cfg(test)]
mod tests;
mod users;
mod verdict;

use crate::boundary::output::Effect;
use crate::model::limits::{
    BACKOFF_MAX_MS, OBJECTS_PER_ROUND_MAX, PASSES_PER_PUMP_MAX, POSTS_PER_SYNC_2021,
    PUMPS_PER_STEP_MAX,
};
use crate::model::{
    Channel, Connection, FeedObject, Link, LinkState, PeerKind, Pending, Round, RoundSource,
    Section, SharedChannel,
};
use crate::rows::counters::workspace;
use crate::rows::due;
use crate::rows::id::{ChannelNo, ConnectionNo, FeedSeq, UserNo};
use crate::rows::tx::{Read, Tx};
use crate::sharing::connection;
use crate::sharing::feed;
use crate::wire::{Generation, frame, message::ChannelInvite};

/// A connection, one of its channels and the round between them, as a step works on them. The
/// rows are read once and stored once, by [`Work::store`].
pub struct Work {
    /// Number of the connection.
    pub connection_no: ConnectionNo,
    /// The connection.
    pub connection: Connection,
    /// The link of the round's channel.
    pub link: Link,
    /// The round.
    pub round: Round,
}

impl Work {
    /// What a stored round of a connection works on; `None` when there is no round or no link.
    fn load(tx: &Tx<'_>, connection_no: ConnectionNo, connection: Connection) -> Option<Work> {
        let round = tx.get::<Round>(&connection_no)?;
        let link = tx.get::<Link>(&(round.channel, connection_no))?;
        Some(Work {
            connection_no,
            connection,
            link,
            round,
        })
    }

    /// Stores all three rows.
    fn store(&self, tx: &mut Tx<'_>) {
        self.store_link(tx);
        tx.put(&self.connection_no, &self.round);
    }

    /// Stores connection and link, and ends the round.
    fn store_without_round(&self, tx: &mut Tx<'_>) {
        self.store_link(tx);
        tx.delete::<Round>(&self.connection_no);
    }

    fn store_link(&self, tx: &mut Tx<'_>) {
        tx.put(&self.connection_no, &self.connection);
        tx.put(&(self.round.channel, self.connection_no), &self.link);
    }

    /// Whether the round still concerns a live link.
    fn is_live(&self) -> bool {
        let state = match self.round.source {
            RoundSource::Invite => LinkState::Inviting,
            _ => LinkState::Active,
        };
        self.link.state == state && self.link.epoch == self.round.epoch
    }

    fn generation(&self) -> Generation {
        self.connection.kind.into()
    }

    /// Whether the peer inverts a reaction whenever it is told of it (W15).
    fn is_toggle(&self) -> bool {
        self.connection.kind == PeerKind::Mattermost11
    }

    /// The round has done its objects: the position moves behind them.
    fn finish(&mut self, tx: &mut Tx<'_>) {
        match self.round.source {
            RoundSource::Feed { to } => {
                self.link.cursor.seq = self.link.cursor.seq.max(to);
                self.grow(tx);
            }
            RoundSource::History { to } => {
                self.link.cursor.history = Some(to);
                self.grow(tx);
            }
            RoundSource::People { to } => self.connection.people_cursor = to,
            RoundSource::Invite | RoundSource::Exceptions => {}
        }
        self.store_without_round(tx);
    }

    /// After a refusal of a whole message the rounds grow again with each success.
    fn grow(&mut self, tx: &Tx<'_>) {
        let doubled = self.link.items_max.saturating_mul(2);
        let is_full = doubled >= objects_max(tx, self.connection.kind);
        self.link.items_max = if is_full { 0 } else { doubled };
    }
}

/// Objects of a round to a kind of peer.
fn objects_max(tx: &Tx<'_>, kind: PeerKind) -> u32 {
    if kind == PeerKind::Mattermost2021 {
        return POSTS_PER_SYNC_2021;
    }
    let wished = workspace(tx).map_or(1, |workspace| workspace.config.posts_per_sync_max);
    wished.clamp(1, OBJECTS_PER_ROUND_MAX)
}

/// A pause after `times` failures in a row, in ms: doubled with each, at most
/// [`BACKOFF_MAX_MS`] or the first pause, half of it by chance.
fn backoff(tx: &mut Tx<'_>, first_ms: i64, times: u32) -> i64 {
    let most = BACKOFF_MAX_MS.max(first_ms);
    let pause = first_ms
        .saturating_mul(1 << times.saturating_sub(1).min(16))
        .min(most);
    let half = pause / 2;
    let chance = u64::from_be_bytes(tx.random().first_chunk::<8>().copied().unwrap_or_default());
    half + i64::try_from(chance % (u64::try_from(half).unwrap_or(0) + 1)).unwrap_or(0)
}

/// Starts or continues the rounds of the connections that this step touched; called at its end.
pub fn pump(tx: &mut Tx<'_>) {
    let touched = std::mem::take(&mut tx.touched);
    for (at, connection_no) in touched.into_iter().enumerate() {
        if at < PUMPS_PER_STEP_MAX {
            pump_one(tx, connection_no);
        } else {
            due::send_at(tx, tx.now_ms(), connection_no);
        }
    }
}

fn pump_one(tx: &mut Tx<'_>, connection_no: ConnectionNo) {
    for _ in 0..PASSES_PER_PUMP_MAX {
        let Some(connection) = tx.get::<Connection>(&connection_no) else {
            return;
        };
        if !connection::may_send(&connection, tx.now_ms()) {
            return;
        }
        let work = match Work::load(tx, connection_no, connection.clone()) {
            Some(work) if work.round.attempt.is_some() => return,
            Some(work) if !work.is_live() => {
                work.store_without_round(tx);
                continue;
            }
            Some(work) => Some(work),
            None => match pick::next(tx, connection_no, connection) {
                pick::Picked::Work(work) => Some(*work),
                pick::Picked::Again => None,
                pick::Picked::Nothing => return,
            },
        };
        let Some(mut work) = work else { continue };
        match next_frame(tx, &mut work) {
            Some(frame) => return send(tx, work, frame),
            None => work.finish(tx),
        }
    }
    due::send_at(tx, tx.now_ms(), connection_no);
}

/// Stores the round as being out and hands the frame to the host: one step, so that the attempt
/// is known before the first byte leaves.
fn send(tx: &mut Tx<'_>, mut work: Work, frame: Vec<u8>) {
    work.connection.attempt += 1;
    if work.round.channel != ChannelNo(0) {
        work.connection.turn = work.round.channel;
    }
    let attempt = work.connection.attempt;
    work.round.attempt = Some(attempt);
    work.store(tx);
    tx.effect(Effect::Send {
        connection: work.connection_no,
        attempt,
        frame,
    });
}

/// The next message of a round; `None` when it has nothing (more) to send.
fn next_frame(tx: &mut Tx<'_>, work: &mut Work) -> Option<Vec<u8>> {
    if work.round.section == Section::Invite {
        return invite_frame(tx, work);
    }
    if work.round.section < Section::Reactions {
        let mut plan = plan::make(tx, work);
        if work.round.section == Section::Users {
            if let Some(frame) = users::frame(tx, work, &mut plan) {
                return Some(frame);
            }
            work.round.section = Section::Posts;
        }
        if let Some(frame) = posts::frame(tx, work, plan) {
            return Some(frame);
        }
        work.round.section = Section::Reactions;
    }
    reactions::frame(tx, work)
}

/// The invitation of a channel. Semantics §3.6.
fn invite_frame(tx: &mut Tx<'_>, work: &mut Work) -> Option<Vec<u8>> {
    let channel = tx.get::<Channel>(&work.round.channel)?;
    let shared = tx.get::<SharedChannel>(&work.round.channel)?;
    let invite = ChannelInvite {
        channel_id: channel.id.into(),
        team_id: work.connection.remote_team_id.clone(),
        read_only: shared.read_only,
        name: channel.name,
        display_name: channel.display_name,
        header: channel.header,
        purpose: channel.purpose,
        kind: channel.kind.letter().to_string(),
    };
    let payload = invite.encode(work.generation());
    Some(envelope(tx, work, frame::TOPIC_INVITE, &payload))
}

/// A payload as a frame to the connection.
fn envelope(tx: &mut Tx<'_>, work: &Work, topic: &str, payload: &[u8]) -> Vec<u8> {
    let id = tx.new_id();
    frame::encode(work.connection.remote_id, id, topic, tx.now_ms(), payload)
}

/// A new round of a channel.
fn round_of(channel: ChannelNo, epoch: u32, source: RoundSource) -> Round {
    let section = match source {
        RoundSource::Invite => Section::Invite,
        _ => Section::Users,
    };
    Round {
        attempt: None,
        channel,
        epoch,
        source,
        objects: Vec::new(),
        section,
        users_after: UserNo(0),
        items: Vec::new(),
    }
}

/// Marks the feed of a link as perhaps holding something, so that the next pump looks at it.
fn look_again(tx: &mut Tx<'_>, work: &Work) {
    let kind = match work.round.source {
        RoundSource::History { .. } => Pending::HISTORY,
        _ => Pending::FEED,
    };
    feed::mark(tx, work.connection_no, kind, work.round.channel);
}

/// An object of a round with its feed sequence.
type Object = (FeedSeq, FeedObject);
