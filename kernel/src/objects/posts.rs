//! Storing, changing and deleting posts with all dependent rows. Permissions have already been checked: by
//! [`authority`](crate::authority) for local users and by [`inbound`](crate::inbound) for peers.

use crate::boundary::env::Range;
use crate::boundary::output::{Effect, Event};
use crate::model::limits::{HASHTAGS_BYTES_MAX, REPLIES_PER_STEP_MAX};
use crate::model::{Channel, DueKind, Job, PinnedPost, Post, ThreadPost, kind};
use crate::objects::{files, hidden_components, mentions, order, versions};
use crate::rows::due;
use crate::rows::id::{ChannelNo, FeedSeq, PostNo, UserNo, WorkspaceNo};
use crate::rows::key;
use crate::rows::tx::{Read, SCAN_BYTES_MAX, Tx};
use crate::sharing::feed;

/// Stores a new post with its rows, adds it to the feed and notifies the channel's members. Stamps
/// `update_at` and, for an own post, the version; also `create_at` if it is 0.
pub fn insert(tx: &mut Tx<'_>, mut post: Post) -> PostNo {
    let no = tx.next_post();
    let stamp = stamp(tx, post.channel, |channel, stamp| {
        if post.create_at == 0 {
            post.create_at = stamp;
        }
        let shown_at = post.create_at.min(stamp);
        channel.last_post_at = channel.last_post_at.max(shown_at);
        let counts = !is_system(&post.kind);
        channel.msg_count += u64::from(counts);
        if post.root.is_none() {
            channel.last_root_post_at = channel.last_root_post_at.max(shown_at);
            channel.root_msg_count += u64::from(counts);
        }
    });
    post.update_at = stamp;
    post.ordered_at = order::place_of(tx, post.create_at, stamp);
    if post.origin.is_ours() {
        post.origin_update_at = stamp;
    }
    put_index(tx, no, &post);
    mentions::posted(tx, no, &post);
    files::posted(tx, no, &post);
    if let Some(root_no) = post.root {
        count_reply(tx, root_no, &post, stamp);
    }
    feed::post_changed(tx, no, &mut post);
    tx.put(&no, &post);
    hidden_components::posted(tx, no, &post);
    tx.effect(Effect::Event(Event::Posted(post.channel, no)));
    no
}

/// Records that a post of a peer existed and is deleted, without its content, so that late updates find it
/// deleted. Users here are not notified, as they have not seen it; other peers only if `is_fed`.
pub fn bury(tx: &mut Tx<'_>, mut post: Post, is_fed: bool) -> PostNo {
    let no = tx.next_post();
    post.message = String::new();
    post.props = String::new();
    post.hashtags = String::new();
    post.priority = None;
    post.is_pinned = false;
    post.update_at = stamp(tx, post.channel, |_, _| ());
    post.ordered_at = order::place_of(tx, post.create_at, post.update_at);
    put_index(tx, no, &post);
    if is_fed {
        feed::post_changed(tx, no, &mut post);
    }
    tx.put(&no, &post);
    no
}

/// Stores a changed post and stamps `update_at`, and the version if the post is ours.
pub fn update(tx: &mut Tx<'_>, no: PostNo, mut post: Post) {
    post.update_at = stamp(tx, post.channel, |_, _| ());
    if post.origin.is_ours() {
        post.origin_update_at = post.update_at;
    }
    let old = tx.get::<Post>(&no);
    if let Some(old) = &old {
        mentions::edited(tx, no, old, &post);
        versions::edited(tx, no, old, &post);
    }
    let key = (post.channel, no);
    if post.is_pinned {
        tx.put(&key, &PinnedPost);
    } else if tx.has::<PinnedPost>(&key) {
        tx.delete::<PinnedPost>(&key);
    }
    feed::post_changed(tx, no, &mut post);
    tx.put(&no, &post);
    if old.is_some_and(|old| old.props != post.props) {
        hidden_components::edited(tx, no, &post);
    }
    tx.effect(Effect::Event(Event::PostEdited(post.channel, no)));
}

/// Deletes a post, and all replies if it is a root: some now, the rest in a job. A `delete_at` of 0 means the
/// stamp of this step. Deleting again changes nothing.
pub fn delete(tx: &mut Tx<'_>, no: PostNo, delete_at: i64) {
    let Some(mut post) = tx.get::<Post>(&no).filter(|post| post.delete_at == 0) else {
        return;
    };
    let stamp = stamp(tx, post.channel, |_, _| ());
    let delete_at = if delete_at == 0 { stamp } else { delete_at };
    empty(tx, no, &mut post, stamp, delete_at);
    // A moderator decides for this workspace alone: peers keep a post of another workspace.
    if !post.moderated {
        feed::post_changed(tx, no, &mut post);
    }
    tx.put(&no, &post);
    tx.effect(Effect::Event(Event::PostDeleted(post.channel, no)));
    match post.root {
        Some(root_no) => uncount_reply(tx, root_no, stamp),
        None => {
            if let Some(position) = delete_replies(tx, no, delete_at, (i64::MIN, 0)) {
                let job = tx.next_row();
                tx.put(
                    &job,
                    &Job::DeleteReplies {
                        root: no,
                        delete_at,
                        position,
                    },
                );
                due::at(tx, tx.now_ms(), DueKind::Job(job));
            }
        }
    }
}

/// Called when the origin has deleted a post that a moderator here had deleted before: the deletion is now
/// the origin's, and other peers receive it. A post that was not deleted by a moderator is left unchanged.
pub fn confirm_deletion(tx: &mut Tx<'_>, no: PostNo, delete_at: i64) {
    let Some(mut post) = tx.get::<Post>(&no).filter(|post| post.moderated) else {
        return;
    };
    post.moderated = false;
    post.delete_at = delete_at;
    feed::post_changed(tx, no, &mut post);
    tx.put(&no, &post);
}

/// Deletes replies of a deleted root after a position, at most [`REPLIES_PER_STEP_MAX`]; returns the position
/// of the last one if more are left. Replies are not added to the feed: whoever receives the root's deletion
/// deletes them too. The deletion of a root that was moderated here is not sent: in that case our own replies
/// are added to the feed, and those of peers are moderated as well.
pub fn delete_replies(
    tx: &mut Tx<'_>,
    root: PostNo,
    delete_at: i64,
    after: (i64, u64),
) -> Option<(i64, u64)> {
    let mut from = key::encode(&(root, after.0, PostNo(after.1)));
    from.push(0);
    let to = key::prefix_end(&key::encode(&root)).unwrap_or_default();
    let rows_max = REPLIES_PER_STEP_MAX;
    let range = Range {
        from,
        to,
        reverse: false,
        rows_max,
        bytes_max: SCAN_BYTES_MAX,
    };
    let replies = tx.rows::<ThreadPost>(&range);
    let last = replies
        .last()
        .map(|((_, ordered_at, no), _)| (*ordered_at, no.0));
    let full = replies.len() >= rows_max as usize;
    let moderated = tx.get::<Post>(&root).is_some_and(|root| root.moderated);
    let mut stamped = None;
    for ((_, _, no), _) in replies {
        let Some(mut reply) = tx.get::<Post>(&no).filter(|reply| reply.delete_at == 0) else {
            continue;
        };
        let at = *stamped.get_or_insert_with(|| stamp(tx, reply.channel, |_, _| ()));
        empty(tx, no, &mut reply, at, delete_at);
        if moderated && reply.origin.is_ours() {
            feed::post_changed(tx, no, &mut reply);
        }
        reply.moderated = moderated && !reply.origin.is_ours();
        tx.put(&no, &reply);
    }
    last.filter(|_| full)
}

/// Writes a system message of ours in a channel.
pub fn insert_system(
    tx: &mut Tx<'_>,
    channel: ChannelNo,
    user: UserNo,
    kind: &str,
    message: String,
    props: String,
) -> PostNo {
    let id = tx.new_id();
    let post = Post {
        id,
        origin: WorkspaceNo::OURS,
        user,
        channel,
        root: None,
        create_at: 0,
        update_at: 0,
        edit_at: 0,
        delete_at: 0,
        origin_update_at: 0,
        is_pinned: false,
        message,
        kind: kind.to_string(),
        props,
        hashtags: String::new(),
        reply_count: 0,
        last_reply_at: 0,
        reaction_count: 0,
        pending_post_id: String::new(),
        feed_seq: FeedSeq(0),
        moderated: false,
        ordered_at: 0,
        priority: None,
        files: Vec::new(),
    };
    insert(tx, post)
}

/// Whether a type is that of a system message.
#[must_use]
pub fn is_system(kind: &str) -> bool {
    kind.starts_with("system_")
}

/// The hashtags of a text, separated by spaces: `#` and at least two letters, digits or `-_.` after white
/// space or at the start, not beginning with a digit and not ending with punctuation.
#[must_use]
pub fn hashtags(message: &str) -> String {
    let mut out = String::new();
    for word in message.split_ascii_whitespace() {
        let Some(tag) = word.strip_prefix('#') else {
            continue;
        };
        let tag = tag.trim_end_matches(|end: char| end.is_ascii_punctuation());
        let first = tag
            .chars()
            .next()
            .is_some_and(|first| !first.is_ascii_digit());
        let fits = tag.len() >= 2 && tag.chars().all(is_tag_char) && first;
        if fits && out.len() + tag.len() + 2 <= HASHTAGS_BYTES_MAX {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push('#');
            out.push_str(tag);
        }
    }
    out
}

fn is_tag_char(character: char) -> bool {
    character.is_ascii_alphanumeric() || !character.is_ascii() || "-_.".contains(character)
}

/// Stamps a change in a channel; `change` may modify the channel's row at the same time.
pub(crate) fn stamp(tx: &mut Tx<'_>, no: ChannelNo, change: impl FnOnce(&mut Channel, i64)) -> i64 {
    let stamped = tx.change_channel(no, |tx, channel| {
        let stamp = tx.stamp(no, channel);
        change(channel, stamp);
        stamp
    });
    stamped.unwrap_or_else(|| tx.now_ms())
}

fn put_index(tx: &mut Tx<'_>, no: PostNo, post: &Post) {
    tx.bind_id(kind::POST, post.id, no.0);
    order::insert(tx, no, post);
    if post.is_pinned {
        tx.put(&(post.channel, no), &PinnedPost);
    }
}

fn count_reply(tx: &mut Tx<'_>, root_no: PostNo, reply: &Post, stamp: i64) {
    let Some(mut root) = tx.get::<Post>(&root_no) else {
        return;
    };
    root.reply_count = root.reply_count.saturating_add(1);
    root.last_reply_at = root.last_reply_at.max(reply.create_at.min(stamp));
    root.update_at = stamp;
    tx.put(&root_no, &root);
}

fn uncount_reply(tx: &mut Tx<'_>, root_no: PostNo, stamp: i64) {
    let Some(mut root) = tx.get::<Post>(&root_no) else {
        return;
    };
    root.reply_count = root.reply_count.saturating_sub(1);
    root.update_at = stamp;
    tx.put(&root_no, &root);
}

/// Removes the content of a post that is being deleted.
fn empty(tx: &mut Tx<'_>, no: PostNo, post: &mut Post, stamp: i64, delete_at: i64) {
    if post.is_pinned {
        post.is_pinned = false;
        tx.delete::<PinnedPost>(&(post.channel, no));
    }
    order::delete(tx, no, post);
    mentions::deleted(tx, no, post);
    versions::deleted(tx, no, post);
    hidden_components::forget(tx, no);
    for file in std::mem::take(&mut post.files) {
        files::remove(tx, file);
    }
    post.message = String::new();
    post.props = String::new();
    post.hashtags = String::new();
    post.priority = None;
    post.delete_at = delete_at;
    post.update_at = stamp;
    if post.origin.is_ours() {
        post.origin_update_at = stamp;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::boundary::behaviour;
    use crate::boundary::env::StepContext;
    use crate::model::{ChannelKind, ChannelPost, Place};
    use crate::rows::id::{Id, TeamNo};
    use crate::rows::table::Table;
    use crate::rows::testing::MemoryHost;

    const CHANNEL: ChannelNo = ChannelNo(1);
    const NOON: i64 = 43_200_000;

    fn at<R>(host: &mut MemoryHost, now_ms: i64, act: impl FnOnce(&mut Tx<'_>) -> R) -> R {
        let seed = u128::from(now_ms.unsigned_abs()).to_be_bytes();
        let mut tx = Tx::new(host, StepContext { now_ms, seed });
        let result = act(&mut tx);
        let (writes, _) = tx.finish();
        host.apply(&writes);
        result
    }

    fn host() -> MemoryHost {
        let mut host = MemoryHost::new();
        at(&mut host, 1, |tx| {
            behaviour::adopt(tx).unwrap();
            let channel = Channel {
                id: tx.new_id(),
                origin: WorkspaceNo::OURS,
                place: Place::Team {
                    team: TeamNo(1),
                    kind: ChannelKind::Public,
                },
                create_at: 1,
                update_at: 1,
                delete_at: 0,
                display_name: "Lounge".to_string(),
                name: "lounge".to_string(),
                header: String::new(),
                purpose: String::new(),
                creator: None,
                last_post_at: 0,
                last_root_post_at: 0,
                last_update_at: 0,
                msg_count: 0,
                root_msg_count: 0,
                read_only: false,
                shared: false,
            };
            tx.put(&CHANNEL, &channel);
        });
        host
    }

    fn post(id: Id, root: Option<PostNo>, create_at: i64) -> Post {
        Post {
            id,
            origin: WorkspaceNo(1),
            user: UserNo(1),
            channel: CHANNEL,
            root,
            create_at,
            update_at: 0,
            edit_at: 0,
            delete_at: 0,
            origin_update_at: create_at,
            is_pinned: false,
            message: "hello #tag".to_string(),
            kind: String::new(),
            props: String::new(),
            hashtags: String::new(),
            reply_count: 0,
            last_reply_at: 0,
            reaction_count: 0,
            pending_post_id: String::new(),
            feed_seq: FeedSeq(0),
            moderated: false,
            ordered_at: 0,
            priority: None,
            files: Vec::new(),
        }
    }

    fn add(host: &mut MemoryHost, now_ms: i64, root: Option<PostNo>, create_at: i64) -> PostNo {
        at(host, now_ms, |tx| {
            let id = tx.new_id();
            insert(tx, post(id, root, create_at))
        })
    }

    #[test]
    fn replies_are_counted_and_a_clock_that_is_ahead_moves_nothing_of_ours() {
        let mut host = host();
        let root = add(&mut host, 100, None, 90);
        add(&mut host, 110, Some(root), 86_400_000);
        let kept: Post = host.get(&root).unwrap();
        assert_eq!(
            (kept.reply_count, kept.last_reply_at, kept.update_at),
            (1, 110, 110)
        );
        let channel: Channel = host.get(&CHANNEL).unwrap();
        assert_eq!((channel.last_post_at, channel.last_root_post_at), (110, 90));
        assert_eq!((channel.msg_count, channel.root_msg_count), (2, 1));
    }

    proptest! {
        #[test]
        fn whatever_time_a_peer_names_what_comes_later_is_not_ordered_before_it(
            dates in proptest::collection::vec((0i64..4 * NOON, any::<bool>()), 1..40),
        ) {
            let mut host = host();
            let root = add(&mut host, 1_000, None, 1_000);
            for (n, (create_at, is_reply)) in (0i64..).zip(&dates) {
                let no = add(&mut host, NOON + n, is_reply.then_some(root), *create_at);
                let kept: Post = host.get(&no).unwrap();
                prop_assert_eq!(kept.create_at, *create_at, "what is shown stays theirs");
                prop_assert_eq!(kept.ordered_at, (*create_at).min(kept.update_at));
                prop_assert!(host.has::<ChannelPost>(&(CHANNEL, kept.ordered_at, no)));
                prop_assert_eq!(
                    host.has::<ThreadPost>(&(root, kept.ordered_at, no)),
                    *is_reply
                );
            }
            let ours = add(&mut host, 2 * NOON, Some(root), 0);
            let last = |keys: Vec<PostNo>| keys.last().copied();
            let channel = host.prefix::<ChannelPost, _>(&CHANNEL, 99).into_iter();
            let thread = host.prefix::<ThreadPost, _>(&root, 99).into_iter();
            prop_assert_eq!(last(channel.map(|((.., no), _)| no).collect()), Some(ours));
            prop_assert_eq!(last(thread.map(|((.., no), _)| no).collect()), Some(ours));
        }
    }

    #[test]
    fn before_the_behaviour_is_in_force_posts_stand_where_their_time_says() {
        let mut host = host();
        host.tables.clear(Table::Behaviours);
        let no = add(&mut host, 100, None, NOON);
        assert_eq!(host.get::<Post>(&no).unwrap().ordered_at, NOON);
    }

    #[test]
    fn a_deleted_root_takes_its_replies_along_the_many_in_a_job() {
        let mut host = host();
        let root = add(&mut host, 100, None, 90);
        let many = i64::from(REPLIES_PER_STEP_MAX) + 3;
        let replies: Vec<PostNo> = (0..many)
            .map(|n| add(&mut host, 200 + n, Some(root), 200 + n))
            .collect();
        at(&mut host, 5_000, |tx| delete(tx, root, 4_999));
        let live = |host: &MemoryHost| {
            replies
                .iter()
                .filter(|no| host.get::<Post>(no).unwrap().delete_at == 0)
                .count()
        };
        assert_eq!(live(&host), 3);
        let jobs = host.prefix::<Job, ()>(&(), 9);
        let [
            (
                _,
                Job::DeleteReplies {
                    position,
                    delete_at,
                    ..
                },
            ),
        ] = jobs.as_slice()
        else {
            panic!("one job, not {jobs:?}");
        };
        assert_eq!(*delete_at, 4_999);
        let rest = at(&mut host, 5_001, |tx| {
            delete_replies(tx, root, *delete_at, *position)
        });
        assert_eq!((rest, live(&host)), (None, 0));
        let gone: Post = host.get(&replies[0]).unwrap();
        assert_eq!((gone.message.as_str(), gone.delete_at), ("", 4_999));
    }

    #[test]
    fn a_buried_post_has_no_content_and_counts_nowhere() {
        let mut host = host();
        let no = at(&mut host, 50, |tx| {
            let id = tx.new_id();
            bury(
                tx,
                Post {
                    delete_at: 40,
                    is_pinned: true,
                    ..post(id, None, 30)
                },
                false,
            )
        });
        let kept: Post = host.get(&no).unwrap();
        assert_eq!((kept.message.as_str(), kept.delete_at), ("", 40));
        assert!(!host.has::<PinnedPost>(&(CHANNEL, no)));
        assert_eq!(host.get::<Channel>(&CHANNEL).unwrap().msg_count, 0);
    }

    #[test]
    fn hashtags_are_words_that_begin_with_a_letter() {
        assert_eq!(
            hashtags("#one two #3 #four, x#five #a #six.b."),
            "#one #four #six.b"
        );
    }
}
