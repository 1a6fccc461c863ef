//! Posts: a plan as a message in the format of the peer's generation.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::users::home_of;
use super::{Content, Payload, Rest, RoundPlan, sync};
use crate::boundary::behaviour::Behaviour;
use crate::boundary::env::Rows;
use crate::mention;
use crate::model::limits::{
    FILES_LOOKED_AT_MS, FILES_PER_POST_MAX, HASHTAGS_BYTES_MAX, MENTION_LOOKUPS_MAX,
    MESSAGE_CHARS_MAX, PERSISTENT_RECIPIENTS_MAX, POST_TYPE_BYTES_MAX, PROPS_BYTES_MAX,
    USERNAME_BYTES_MAX,
};
use crate::model::reasons;
use crate::model::{
    Exception, ExceptionState, FeedObject, History, PeerKind, Post, Priority, RoundItem,
    RoundSource, SentOldPost, SentUser, User,
};
use crate::outbound::files::{FILE_ID_BYTES, PROPS_BESIDE_FILES_BYTES_MAX};
use crate::outbound::plan::{ENVELOPE_BYTES, Plan, Planned};
use crate::outbound::work::Work;
use crate::outbound::{exception, files, profiles, receipt};
use crate::rows::id::{PostNo, UserNo, WorkspaceNo};
use crate::rows::tx::{Read, Tx};
use crate::wire::message::{SyncSection, WireFile, WirePost};
use crate::wire::response::SyncResponse;
use crate::wire::write::escaped_len;
use crate::wire::{FRAME_BYTES_MAX, Generation};

/// Estimated upper limit of the bytes of a post's fields without its texts: names of the fields, five ids,
/// numbers.
const FIELDS_BYTES: usize = 900;
/// Bytes of an entry of the mention map without the mention: id, quotes.
const MENTION_BYTES: usize = 40;

/// Maximum bytes of a character in JSON: `<` is written as `\u003c`.
const ESCAPED_CHAR_BYTES_MAX: usize = 6;
/// Bytes of the longest post in a message.
const POST_BYTES_MAX: usize = FIELDS_BYTES
    + ESCAPED_CHAR_BYTES_MAX * (MESSAGE_CHARS_MAX + HASHTAGS_BYTES_MAX + POST_TYPE_BYTES_MAX)
    + PROPS_BYTES_MAX
    + MENTION_LOOKUPS_MAX as usize * (USERNAME_BYTES_MAX + MENTION_BYTES)
    + FILES_PER_POST_MAX * FILE_ID_BYTES;
// Everything that may be written can also be sent.
const _: () = assert!(ENVELOPE_BYTES + POST_BYTES_MAX <= FRAME_BYTES_MAX);
// So can a post with shorter properties and everything that is said of its files.
const _: () = assert!(
    ENVELOPE_BYTES + POST_BYTES_MAX - PROPS_BYTES_MAX
        + PROPS_BESIDE_FILES_BYTES_MAX
        + FILES_PER_POST_MAX * WireFile::BYTES_MAX
        <= FRAME_BYTES_MAX
);

/// Maximum bytes of a post in a message. A mention rewritten for 2021 only loses its suffix.
pub fn wire_len(planned: &Planned) -> usize {
    let post = &planned.post;
    let mentions: usize = planned
        .mentions
        .iter()
        .map(|mention| mention.name.len() + MENTION_BYTES)
        .sum();
    FIELDS_BYTES
        + escaped_len(&post.message)
        + post.props.len()
        + escaped_len(&post.hashtags)
        + escaped_len(&post.kind)
        + mentions
        + planned.listed.bytes()
}

/// The section of posts.
pub struct Posts;

impl Content for Posts {
    type Message = Plan;

    fn collect(
        tx: &mut Tx<'_>,
        work: &mut Work,
        plan: &mut RoundPlan,
    ) -> Option<(Vec<RoundItem>, Plan)> {
        let mut plan = std::mem::take(plan.get(tx, work));
        hold_back(tx, work, &mut plan);
        let mut items = Vec::with_capacity(plan.posts.len());
        for planned in &plan.posts {
            items.push(RoundItem::Post(planned.no, planned.seq));
            if files::follow(tx, work, &planned.post) {
                items.push(RoundItem::Files(planned.no));
            }
        }
        (!plan.posts.is_empty()).then_some((items, plan))
    }

    fn payload(tx: &mut Tx<'_>, work: &Work, plan: Plan) -> Option<Payload> {
        let channel = tx.channel(work.round.channel)?;
        let users = users(tx, &plan);
        let has_exceptions = exception::any(tx, work.connection_no, work.round.channel);
        let is_shown = |user| !has_exceptions || profiles::withheld(tx, work, user).is_none();
        let mut homes: BTreeMap<WorkspaceNo, String> = BTreeMap::new();
        let mut transforms: BTreeMap<String, String> = BTreeMap::new();
        let mut posts = Vec::with_capacity(plan.posts.len());
        for planned in plan.posts {
            let home = homes
                .entry(planned.post.origin)
                .or_insert_with(|| home_of(tx, planned.post.origin));
            let message = match work.generation() {
                Generation::V2021 => without_own_suffix(work, &users, &planned),
                Generation::V11 => {
                    // Channels outside teams have no map, as in the reference.
                    let mentions = planned
                        .mentions
                        .iter()
                        .filter(|_| channel.place.team().is_some());
                    for mention in mentions {
                        if let Some(user) = users.get(&mention.user)
                            && is_shown(mention.user)
                        {
                            transforms.insert(mention.name.clone(), user.id.into());
                        }
                    }
                    planned.post.message.clone()
                }
            };
            let author = users.get(&planned.post.user).map(|user| user.id.into());
            let root = planned
                .post
                .root
                .and_then(|root| plan.root_ids.get(&root).cloned());
            posts.push(WirePost {
                user_id: author.unwrap_or_default(),
                channel_id: channel.id.into(),
                root_id: root.unwrap_or_default(),
                message,
                remote_id: home.clone(),
                priority: priority(tx, work, &planned),
                ..wire_post(planned)
            });
        }
        let transforms: Vec<(String, String)> = transforms.into_iter().collect();
        sync(tx, work, &SyncSection::Posts(&posts, &transforms))
    }

    /// The posts of a round are a single message.
    fn delivered(tx: &mut Tx<'_>, work: &mut Work, response: &SyncResponse) -> Rest {
        let sent = std::mem::take(&mut work.round.items);
        let with_exceptions = exception::any(tx, work.connection_no, work.round.channel);
        let names_deletions = receipt::sends_again(tx, work);
        let mut refused = BTreeSet::new();
        for item in sent {
            let (no, seq) = match item {
                RoundItem::Post(no, seq) => (no, seq),
                RoundItem::Files(no) if !refused.contains(&no) => {
                    files::owe_late(tx, work, no);
                    continue;
                }
                _ => continue,
            };
            let object = FeedObject::Post(no);
            if !response.post_errors.is_empty()
                && let Some(post) = tx.get::<Post>(&no)
                // Deleting a post that the peer does not have (any more) counts as done (W18). A Causeway
                // accepts such a deletion, and names those that it could not accept.
                && (post.delete_at == 0 || names_deletions)
                && response.post_errors.iter().any(|id| id == post.id.as_str())
            {
                let reason = why_named(tx, work, &post);
                profiles::not_taken(tx, work, (seq, object), post.user, reason);
                doubt_author(tx, work, &post);
                refused.insert(no);
                continue;
            }
            if with_exceptions {
                exception::delivered(tx, work, &object);
            }
            if is_told_of_old(tx, work, no) {
                let epoch = work.round.epoch;
                tx.put(&(work.connection_no, no), &SentOldPost { epoch });
            }
        }
        Rest::None
    }
}

/// Takes out of the plan what waits for its author's profile or for files, with the replies to it.
fn hold_back(tx: &mut Tx<'_>, work: &mut Work, plan: &mut Plan) {
    let mut waiting: BTreeMap<PostNo, Exception> = BTreeMap::new();
    for planned in std::mem::take(&mut plan.posts) {
        let post = &planned.post;
        let object = (planned.seq, FeedObject::Post(planned.no));
        let root = post.root.and_then(|root| waiting.get(&root)).cloned();
        if let Some(root) = root.filter(|_| post.delete_at == 0) {
            exception::follow(tx, work, object, &root);
        } else if waits_for_author(tx, work, &planned) || waits_for_files(tx, work, &planned) {
            if let Some(row) = exception::get(tx, work, &object.1) {
                waiting.insert(planned.no, row);
            }
        } else {
            plan.posts.push(planned);
        }
    }
}

/// Whether the policies keep the author of a post from the peer, which is recorded. A deletion has no content.
fn waits_for_author(tx: &mut Tx<'_>, work: &mut Work, planned: &Planned) -> bool {
    let profile = profiles::withheld(tx, work, planned.post.user);
    let Some(profile) = profile.filter(|_| planned.post.delete_at == 0) else {
        return false;
    };
    let object = (planned.seq, FeedObject::Post(planned.no));
    exception::share(tx, work, object, &profile);
    true
}

/// Whether a post waits for files, which is recorded.
fn waits_for_files(tx: &mut Tx<'_>, work: &mut Work, planned: &Planned) -> bool {
    if planned.post.files.is_empty() || !files::owe(tx, work, planned) {
        return false;
    }
    let again_at = tx.now_ms().saturating_add(FILES_LOOKED_AT_MS);
    let object = (planned.seq, FeedObject::Post(planned.no));
    let (state, reason) = (ExceptionState::Held, reasons::FILES_FIRST);
    exception::put(tx, work, object, state, reason, again_at);
    true
}

/// Why the peer may have named a post as refused.
fn why_named(tx: &Tx<'_>, work: &Work, post: &Post) -> &'static str {
    let root = post.root.and_then(|root| tx.get::<Post>(&root));
    if root.is_some_and(|root| root.origin == work.peer()) {
        reasons::NAMED_REPLY_TO_ITS_OWN
    } else {
        reasons::NAMED_POST
    }
}

/// Whether a post that was sent is from before the link and not part of its history.
fn is_told_of_old(tx: &Tx<'_>, work: &Work, no: PostNo) -> bool {
    let Some(link) = work.link().filter(|link| no <= link.posts_before) else {
        return false;
    };
    let is_before = |ms| tx.get::<Post>(&no).is_some_and(|post| post.ordered_at < ms);
    match (&work.round.source, link.history) {
        // The root of a reply was sent along.
        (RoundSource::History { .. }, History::Since(ms)) => is_before(ms),
        (RoundSource::History { .. }, _) => false,
        _ => true,
    }
}

/// A Mattermost server that was restored does not report that. It may have refused a post because it no
/// longer knows the author: the profile is sent with the next attempt.
fn doubt_author(tx: &mut Tx<'_>, work: &Work, post: &Post) {
    if work.connection().kind == PeerKind::Causeway || !Behaviour::SentAgain.is_in_force(tx) {
        return;
    }
    let key = (work.connection_no, post.user, work.round.channel);
    if let Some(sent) = tx.get::<SentUser>(&key) {
        let update_at = 0;
        tx.put(&key, &SentUser { update_at, ..sent });
    }
}

/// Authors and mentioned users.
fn users(tx: &Tx<'_>, plan: &Plan) -> BTreeMap<UserNo, Rc<User>> {
    let mut numbers: Vec<UserNo> = plan
        .posts
        .iter()
        .flat_map(|planned| {
            let mentioned = planned.mentions.iter().map(|mention| mention.user);
            mentioned.chain(std::iter::once(planned.post.user))
        })
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    tx.prefetch::<User>(numbers.iter().copied());
    numbers
        .into_iter()
        .filter_map(|no| Some((no, tx.user(no)?)))
        .collect()
}

/// A text for a server of 2021: mentions of the peer's own users use their names at home.
fn without_own_suffix(
    work: &Work,
    users: &BTreeMap<UserNo, Rc<User>>,
    planned: &Planned,
) -> String {
    let name_of = |mention: &mention::Mention| {
        let user = users.get(&mention.user)?;
        let is_theirs = user.origin == work.peer();
        user.remote
            .as_ref()
            .filter(|_| is_theirs)
            .map(|remote| remote.username.clone())
    };
    mention::replace(&planned.post.message, &planned.mentions, name_of)
}

/// The priority of a post as stated to a peer. A Mattermost server refuses a post with persistent
/// notifications if it finds nobody, or too many users, to notify (W33): it gets such a post, and one that
/// it has refused, without them.
fn priority(tx: &Tx<'_>, work: &Work, planned: &Planned) -> Option<Priority> {
    let mut priority = planned.post.priority?;
    if priority.persistent_notifications && work.connection().kind != PeerKind::Causeway {
        let mentioned: BTreeSet<UserNo> = planned.mentions.iter().map(|it| it.user).collect();
        let earlier = exception::get(tx, work, &FeedObject::Post(planned.no));
        let is_refused = earlier.is_some_and(|row| {
            matches!(row.state, ExceptionState::Refused(_) | ExceptionState::Dead)
        });
        priority.persistent_notifications =
            !is_refused && (1..=PERSISTENT_RECIPIENTS_MAX).contains(&mentioned.len());
    }
    Some(priority)
}

fn wire_post(planned: Planned) -> WirePost {
    let Planned { post, listed, .. } = planned;
    WirePost {
        id: post.id.into(),
        create_at: post.create_at,
        update_at: post.origin_update_at,
        edit_at: post.edit_at,
        delete_at: post.delete_at,
        is_pinned: post.is_pinned,
        kind: post.kind,
        props: post.props,
        hashtags: post.hashtags,
        has_reactions: post.reaction_count > 0,
        file_ids: listed.ids,
        files: listed.files,
        ..WirePost::default()
    }
}
