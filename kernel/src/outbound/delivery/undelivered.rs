//! The posts of an author that are not yet everywhere: found where something outstanding leaves a row, so that
//! neither the length of the channel nor what was delivered counts.

use std::collections::BTreeSet;

use super::{Delivery, Peer, at_peer, history_from};
use crate::boundary::env::Range;
use crate::model::{ChannelPost, Exception, FeedEntry, FeedObject, File, FileDebt, Post, Scope};
use crate::objects::posts;
use crate::rows::id::{ChannelNo, FeedSeq, PostNo, UserNo};
use crate::rows::key::{self, KeyPart};
use crate::rows::tx::{Read, Record, SCAN_BYTES_MAX};

/// Changes of all authors that a list looks through for posts, the newest ones, and as many other rows.
const ROWS_MAX: u32 = 1_000;
/// Posts among them from before a link, the next to be sent.
pub const HISTORY_ROWS_MAX: u32 = 200;
/// Posts of a list; the newest.
pub const POSTS_MAX: usize = 50;
/// Posts that are read at once.
const GROUP: usize = 50;
/// Posts times peers that a list looks at.
const LOOKED_AT_MAX: usize = 10_000;

/// Posts that are not yet everywhere.
#[derive(Clone, Debug, Default)]
pub struct Undelivered {
    /// The posts, newest first, with how each stands at the peers, in their order.
    pub posts: Vec<(PostNo, Post, Vec<Delivery>)>,
    /// Whether there may be others, as a limit was reached.
    pub has_more: bool,
}

/// The posts of an author in a channel that its peers are still to get.
pub fn undelivered(
    rows: &(impl Read + ?Sized),
    (channel, author): (ChannelNo, UserNo),
    peers: &[Peer],
    now_ms: i64,
) -> Undelivered {
    let mut search = Search {
        rows,
        left: ROWS_MAX,
        found: BTreeSet::new(),
    };
    search.feed(channel, peers);
    let mut has_more = search.left == 0;
    search.left = ROWS_MAX;
    for peer in peers {
        search.exceptions(channel, peer);
        search.files(channel, author, peer);
        has_more |= search.history(channel, peer);
    }
    has_more |= search.left == 0;
    let mut list = Undelivered {
        posts: Vec::new(),
        has_more,
    };
    let mut looked_at = 0;
    let numbers: Vec<PostNo> = search.found.into_iter().rev().collect();
    for group in numbers.chunks(GROUP) {
        let found = group.iter().zip(rows.get_all::<Post>(group));
        for (no, post) in found {
            // What the workspace says in somebody's name, such as that they joined, is nothing they wrote.
            let is_written = |post: &Post| post.user == author && !posts::is_system(&post.kind);
            let Some(post) = post.filter(is_written) else {
                continue;
            };
            looked_at += peers.len();
            if list.posts.len() == POSTS_MAX || looked_at > LOOKED_AT_MAX {
                list.has_more = true;
                return list;
            }
            let stand = |peer| at_peer(rows, peer, (*no, &post), now_ms);
            let deliveries: Vec<Delivery> = peers.iter().map(stand).collect();
            if deliveries.iter().any(Delivery::is_outstanding) {
                list.posts.push((*no, post, deliveries));
            }
        }
    }
    list
}

struct Search<'r, R: Read + ?Sized> {
    rows: &'r R,
    /// Rows that may still be read.
    left: u32,
    found: BTreeSet<PostNo>,
}

impl<R: Read + ?Sized> Search<'_, R> {
    /// Rows of a range, no more than may still be read.
    fn read<T: Record>(&mut self, range: &Range) -> Vec<(T::Key, T)> {
        let rows_max = range.rows_max.min(self.left);
        if rows_max == 0 {
            return Vec::new();
        }
        let found = self.rows.rows::<T>(&Range {
            rows_max,
            ..range.clone()
        });
        let read = u32::try_from(found.len()).unwrap_or(rows_max);
        self.left = self.left.saturating_sub(read);
        found
    }

    /// The last rows whose key begins with `prefix` and is not before `from`.
    fn last<T: Record>(&mut self, prefix: &impl KeyPart, from: Vec<u8>) -> Vec<(T::Key, T)> {
        self.read(&Range {
            from,
            to: key::prefix_end(&key::encode(prefix)).unwrap_or_default(),
            reverse: true,
            rows_max: ROWS_MAX,
            bytes_max: SCAN_BYTES_MAX,
        })
    }

    /// Changes that the cursor of some peer has not passed.
    fn feed(&mut self, channel: ChannelNo, peers: &[Peer]) {
        let Some(passed) = peers.iter().map(|peer| peer.link.cursor.seq).min() else {
            return;
        };
        let scope = Scope::channel(channel);
        let from = key::encode(&(scope, FeedSeq(passed.0.saturating_add(1))));
        let entries = self.last::<FeedEntry>(&scope, from);
        let objects = entries.iter().map(|(_, entry)| &entry.object);
        self.found.extend(objects.filter_map(FeedObject::as_post));
    }

    fn exceptions(&mut self, channel: ChannelNo, peer: &Peer) {
        let prefix = (peer.no, channel);
        let rows = self.last::<Exception>(&prefix, key::encode(&prefix));
        let objects = rows.iter().map(|(_, row)| &row.object);
        self.found.extend(objects.filter_map(FeedObject::as_post));
    }

    fn files(&mut self, channel: ChannelNo, author: UserNo, peer: &Peer) {
        let owed = self.last::<FileDebt>(&peer.no, key::encode(&peer.no));
        for ((_, no), _) in owed {
            let file = self.rows.get::<File>(&no);
            let file = file.filter(|file| file.channel == channel && file.user == author);
            self.found.extend(file.and_then(|file| file.post));
        }
    }

    /// Posts from before the link that the peer is to get and that were not sent yet; whether there may be others.
    fn history(&mut self, channel: ChannelNo, peer: &Peer) -> bool {
        let Some((at_ms, no)) = history_from(self.rows, &peer.link) else {
            return false;
        };
        let posts = self.read::<ChannelPost>(&Range {
            from: key::encode(&(channel, at_ms, PostNo(no.saturating_add(1)))),
            to: key::prefix_end(&key::encode(&channel)).unwrap_or_default(),
            reverse: false,
            rows_max: HISTORY_ROWS_MAX,
            bytes_max: SCAN_BYTES_MAX,
        });
        // Those after the link are found in the feed.
        let has_more = posts.len() == HISTORY_ROWS_MAX as usize;
        let old = posts.into_iter().map(|((_, _, no), _)| no);
        self.found
            .extend(old.filter(|no| *no <= peer.link.posts_before));
        has_more
    }
}
