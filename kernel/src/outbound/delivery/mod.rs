//! How posts stand at the workspaces that their channel is shared with: derived, when somebody asks, from the
//! rows by which they are sent. Only reads; no step depends on it.

mod undelivered;

pub use undelivered::{HISTORY_ROWS_MAX, Undelivered, undelivered};

use super::plan::{has_old, is_local};
use crate::model::limits::{LINKS_PER_CHANNEL_MAX, ONLINE_MS};
use crate::model::{
    Connection, ConnectionState, Exception, FeedObject, FileDebt, Link, LinkState, Post, Round,
    RoundItem,
};
use crate::rows::counters::connected_workspaces;
use crate::rows::id::{ChannelNo, ConnectionNo, FileNo, PostNo};
use crate::rows::tx::Read;
use crate::sharing::link::{history_start, is_history_wished};

/// A workspace that a channel is shared with, or to which it is offered.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Number of its connection.
    pub no: ConnectionNo,
    /// Its connection.
    pub connection: Connection,
    /// The channel's link to it.
    pub link: Link,
    /// Whether it is reached at the moment.
    pub is_online: bool,
}

/// The peers of a channel, in the order of their connections; `is_online` says which are reached.
pub fn peers(
    rows: &(impl Read + ?Sized),
    channel: ChannelNo,
    is_online: impl Fn(ConnectionNo, &Connection) -> bool,
) -> Vec<Peer> {
    let links = rows.prefix::<Link, _>(&channel, LINKS_PER_CHANNEL_MAX);
    let live = links
        .into_iter()
        .filter(|(_, link)| link.state != LinkState::Ended);
    live.filter_map(|((_, no), link)| {
        let connection = rows.get::<Connection>(&no)?;
        let is_online = is_online(no, &connection);
        Some(Peer {
            no,
            connection,
            link,
            is_online,
        })
    })
    .collect()
}

/// How a post stands at a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// How its current version stands.
    pub standing: Standing,
    /// What the peer does not have yet, if it is to get it.
    pub pending: Option<Change>,
    /// Whether the peer may show an earlier version of the post while `pending` is. Only that it cannot is
    /// certain: nothing is recorded of the versions that were sent, and an answer may have been lost.
    pub may_hold_earlier: bool,
    /// Files of the post that the peer is still to get, or does not take.
    pub files: Vec<(FileNo, FileDebt)>,
}

/// What the current version of a post is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The post as it was written.
    Post,
    /// A later version.
    Edit,
    /// Its deletion.
    Deletion,
}

/// How the current version of a post stands at a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The peer has it.
    Delivered,
    /// It came from there.
    Origin,
    /// It does not go there.
    NotSent(NotSent),
    /// It is in the message in flight, to a peer that is reached.
    Sending,
    /// Its turn has not come.
    Waiting(Wait),
    /// Its turn has passed without it: it is held, denied, refused or given up.
    Excepted(Exception),
}

/// Why a post does not go to a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotSent {
    /// Such messages stay in their workspace.
    Local,
    /// It is from before the sharing, and the peer does not get the history.
    BeforeSharing,
    /// A moderator here deleted what another workspace wrote, which changes nothing elsewhere.
    Moderated,
    /// It was deleted before it could be sent.
    Buried,
}

impl NotSent {
    /// What it is, in a sentence.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            NotSent::Local => "Such messages stay in their workspace.",
            NotSent::BeforeSharing => {
                "It is from before the sharing, and earlier posts are not sent."
            }
            NotSent::Moderated => {
                "It was deleted by a moderator here, which changes nothing elsewhere."
            }
            NotSent::Buried => "It was deleted before it could be sent.",
        }
    }
}

/// What a post waits for; of several reasons, the one that ends last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Shared channels are switched off here.
    SwitchedOff,
    /// The connection is not confirmed yet.
    Unconfirmed,
    /// This workspace was restored from a copy, and the peer has not answered since.
    Restored,
    /// The peer is not reached since this time, in ms; 0 = it never was.
    Offline(i64),
    /// The peer has not accepted the channel yet.
    Invitation,
    /// An administrator of the peer has to accept the channel first.
    Consent,
    /// Sending to the peer failed; it goes on at this time, in ms.
    Failures(i64),
    /// The peer refuses the messages of the channel; the next one is sent at this time, in ms.
    ChannelRefused(i64),
    /// The channel's earlier posts are being sent, the oldest first.
    History,
    /// Others are sent before.
    Turn,
}

impl Wait {
    /// What it is, in a sentence.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Wait::SwitchedOff => "Shared channels are switched off here.",
            Wait::Unconfirmed => "The connection is not confirmed yet.",
            Wait::Restored => {
                "This workspace was restored from a copy, which the other one has yet to learn."
            }
            Wait::Offline(0) => "The other workspace was never reached.",
            Wait::Offline(_) => "The other workspace cannot be reached.",
            Wait::Invitation => "The other workspace has not accepted the channel yet.",
            Wait::Consent => {
                "An administrator of the other workspace has to accept the channel first."
            }
            Wait::Failures(_) => "Sending to the other workspace failed and is tried again.",
            Wait::ChannelRefused(_) => {
                "The other workspace refused a message of this channel; it is sent again."
            }
            Wait::History => "Earlier posts of the channel are sent first.",
            Wait::Turn => "It is about to be sent.",
        }
    }

    /// When sending goes on, in ms; 0 = that depends on others.
    #[must_use]
    pub fn retry_at(self) -> i64 {
        match self {
            Wait::Failures(at_ms) | Wait::ChannelRefused(at_ms) => at_ms,
            _ => 0,
        }
    }
}

impl Delivery {
    /// Whether the peer is still to get something of the post.
    #[must_use]
    pub fn is_outstanding(&self) -> bool {
        self.pending.is_some() || !self.files.is_empty()
    }
}

/// How a post of a peer's channel stands there.
pub fn at_peer(
    rows: &(impl Read + ?Sized),
    peer: &Peer,
    (no, post): (PostNo, &Post),
    now_ms: i64,
) -> Delivery {
    let standing = standing(rows, peer, (no, post), now_ms);
    let is_settled = matches!(
        standing,
        Standing::Delivered | Standing::Origin | Standing::NotSent(_)
    );
    let change = change(post);
    Delivery {
        standing,
        pending: (!is_settled).then_some(change),
        may_hold_earlier: !is_settled
            && change != Change::Post
            && may_have_been_sent(&peer.connection, post),
        files: files_owed(rows, peer, post),
    }
}

/// Whether the peer was reached since a post was written, or counted as if it were: otherwise nothing was sent.
fn may_have_been_sent(connection: &Connection, post: &Post) -> bool {
    connection.last_ping_at.saturating_add(ONLINE_MS) >= post.ordered_at
}

fn change(post: &Post) -> Change {
    // A peer's clock says nothing of ours, and its servers raise the time of a version for other reasons, too.
    let is_changed =
        post.edit_at != 0 || post.origin.is_ours() && post.origin_update_at != post.create_at;
    match (post.delete_at, is_changed) {
        (0, false) => Change::Post,
        (0, true) => Change::Edit,
        _ => Change::Deletion,
    }
}

fn standing(
    rows: &(impl Read + ?Sized),
    peer: &Peer,
    (no, post): (PostNo, &Post),
    now_ms: i64,
) -> Standing {
    if post.origin == peer.connection.workspace {
        return Standing::Origin;
    }
    if is_local(rows, peer.connection.kind, post) {
        return Standing::NotSent(NotSent::Local);
    }
    if post.moderated {
        return Standing::NotSent(NotSent::Moderated);
    }
    let own = of_feed(rows, peer, (no, post), now_ms);
    if own != Standing::Delivered {
        return own;
    }
    // Whoever gets the deletion of a root deletes the replies, so theirs are not sent.
    let root = post.root.filter(|_| post.delete_at != 0);
    let root = root.and_then(|no| Some((no, rows.get::<Post>(&no)?)));
    match root {
        Some((no, root)) if root.delete_at == post.delete_at && !root.moderated => {
            of_feed(rows, peer, (no, &root), now_ms)
        }
        _ => own,
    }
}

/// How a version stands that the peer gets if it gets anything.
fn of_feed(
    rows: &(impl Read + ?Sized),
    peer: &Peer,
    (no, post): (PostNo, &Post),
    now_ms: i64,
) -> Standing {
    let link = &peer.link;
    // What is tried at a peer that does not answer is not on its way.
    if peer.is_online && is_in_flight(rows, peer, no, post) {
        return Standing::Sending;
    }
    let is_passed = post.feed_seq <= link.cursor.seq;
    let (number, rest) = FeedObject::Post(no).exception_key();
    let row = rows.get::<Exception>(&(peer.no, post.channel, number, rest));
    // A later version than the one that was passed is another item.
    let is_of_version = |row: &Exception| is_passed || row.seq >= post.feed_seq;
    if let Some(row) = row.filter(|row| row.epoch == link.epoch && is_of_version(row)) {
        return Standing::Excepted(row);
    }
    if !is_passed {
        return Standing::Waiting(wait(rows, peer, now_ms, Wait::Turn));
    }
    if no > link.posts_before {
        return match post.feed_seq.0 {
            0 => Standing::NotSent(NotSent::Buried),
            _ => Standing::Delivered,
        };
    }
    let is_behind = |from: (i64, u64)| (post.ordered_at, no.0) > from;
    if has_old(rows, (peer.no, link), no, post) {
        Standing::Delivered
    } else if post.delete_at == 0 && history_from(rows, link).is_some_and(is_behind) {
        Standing::Waiting(wait(rows, peer, now_ms, Wait::History))
    } else {
        Standing::NotSent(NotSent::BeforeSharing)
    }
}

/// The position after which the posts stand that are still to be sent with the history, if it is.
fn history_from(rows: &(impl Read + ?Sized), link: &Link) -> Option<(i64, u64)> {
    let is_offered = || link.is_unanswered() && is_history_wished(rows, link);
    let begun = link.cursor.history;
    begun.or_else(|| is_offered().then(|| history_start(link)))
}

/// Whether the message in flight has the current version of a post.
fn is_in_flight(rows: &(impl Read + ?Sized), peer: &Peer, no: PostNo, post: &Post) -> bool {
    let is_passed = post.feed_seq <= peer.link.cursor.seq;
    let round = rows.get::<Round>(&peer.no);
    let round = round.filter(|it| it.attempt.is_some() && it.channel == post.channel);
    let is_it = |item: &RoundItem| {
        let RoundItem::Post(it, seq) = item else {
            return false;
        };
        // One of the history or of a thread goes as it is, with no place in the feed.
        *it == no && (*seq == post.feed_seq || seq.0 == 0 && is_passed)
    };
    round.is_some_and(|round| round.epoch == peer.link.epoch && round.items.iter().any(is_it))
}

/// What keeps everything of a channel from a peer, otherwise `else_wait`.
fn wait(rows: &(impl Read + ?Sized), peer: &Peer, now_ms: i64, else_wait: Wait) -> Wait {
    let Peer {
        connection, link, ..
    } = peer;
    if !connected_workspaces(rows).channels {
        Wait::SwitchedOff
    } else if connection.state != ConnectionState::Confirmed {
        Wait::Unconfirmed
    } else if connection.suspended.is_some() {
        Wait::Restored
    } else if !peer.is_online {
        Wait::Offline(connection.last_ping_at)
    } else if link.state == LinkState::Awaiting {
        Wait::Consent
    } else if link.retry_at > now_ms {
        Wait::ChannelRefused(link.retry_at)
    } else if connection.retry_at > now_ms {
        Wait::Failures(connection.retry_at)
    } else if link.state == LinkState::Inviting {
        Wait::Invitation
    } else {
        else_wait
    }
}

fn files_owed(rows: &(impl Read + ?Sized), peer: &Peer, post: &Post) -> Vec<(FileNo, FileDebt)> {
    let owed = |no: &FileNo| Some((*no, rows.get::<FileDebt>(&(peer.no, *no))?));
    post.files.iter().filter_map(owed).collect()
}
