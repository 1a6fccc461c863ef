//! The plan of a round's posts: which objects may be sent, with what text, and what must be sent along so
//! that the peer can process them.

use std::collections::{BTreeMap, BTreeSet};

use super::exception;
use super::files::{self, Listed};
use super::links;
use super::profiles;
use super::sections::wire_len;
use super::verdict;
use super::work::{Object, Work};
use crate::boundary::behaviour::Behaviour;
use crate::boundary::env::Rows;
use crate::gate::Judgement;
use crate::mention::{self, Mention};
use crate::model::limits::ITEM_RETRY_FIRST_MS;
use crate::model::reasons;
use crate::model::{
    Exception, ExceptionState, FeedObject, Link, PeerKind, Post, RoundSource, SentOldPost,
};
use crate::rows::id::{ConnectionNo, FeedSeq, Id, PostNo};
use crate::rows::tx::{Read, Tx};
use crate::sharing::link::history_start;
use crate::sharing::notice;
use crate::wire::FRAME_BYTES_MAX;

/// Estimated upper limit of the bytes of a frame around its posts.
pub const ENVELOPE_BYTES: usize = 1_000;

/// System posts about a channel's own data, which receivers of the 11 line do not accept (W23).
const LOCAL_POST_TYPES: [&str; 3] = [
    "system_header_change",
    "system_displayname_change",
    "system_purpose_change",
];

/// A post to be sent.
pub struct Planned {
    /// Its number.
    pub no: PostNo,
    /// Its feed sequence; 0 if it is sent along as context.
    pub seq: FeedSeq,
    /// The post, with its text after the policies' verdict.
    pub post: Post,
    /// The mentions in its text.
    pub mentions: Vec<Mention>,
    /// What is said of its files.
    pub listed: Listed,
}

/// The posts of a round's next message, in order.
#[derive(Default)]
pub struct Plan {
    /// The posts; a root comes before its replies.
    pub posts: Vec<Planned>,
    /// Ids of the roots of the posts.
    pub root_ids: BTreeMap<PostNo, String>,
}

/// Plans the posts of a round: adds what the peer cannot know (roots, and the posts of objects that belong to
/// posts; they become objects of the round), asks the policies, records what is held back, and cuts the round
/// where its message would become too long.
pub fn make(tx: &mut Tx<'_>, work: &mut Work) -> Plan {
    let mut posts = load(tx, work);
    if posts.is_empty() {
        return Plan::default();
    }
    let with_exceptions = exception::any(tx, work.connection_no, work.round.channel);
    let ordered = order(tx, work, &posts, with_exceptions);
    let list: Vec<(FeedSeq, PostNo)> = ordered
        .iter()
        .filter_map(|(seq, object)| Some((*seq, object.as_post()?)))
        .collect();
    work.round.objects = ordered;
    let ids: BTreeMap<PostNo, Id> = posts.iter().map(|(no, post)| (*no, post.id)).collect();
    let going = list
        .iter()
        .filter_map(|(_, no)| Some((*no, posts.get(no)?)));
    let mut judgements = verdict::judge(tx, work, going, &ids);
    let mut plan = Plan::default();
    let mut withheld: BTreeMap<PostNo, Exception> = BTreeMap::new();
    let channel = tx.channel(work.round.channel);
    let place = channel.map(|channel| channel.place);
    for (seq, no) in list {
        // Each post is in the list once.
        let Some(mut post) = posts.remove(&no) else {
            continue;
        };
        let object = (seq, FeedObject::Post(no));
        let base = post.root.and_then(|root| withheld.get(&root)).cloned();
        if let Some(base) = base.filter(|_| post.delete_at == 0) {
            exception::follow(tx, work, object, &base);
            continue;
        }
        let judgement = judgements.remove(&no).unwrap_or(Judgement::Pass(None));
        if let Judgement::Pass(Some(wording)) = &judgement {
            post.message.clone_from(&wording.message);
            post.props.clone_from(&wording.props);
        }
        if exception::withhold(tx, work, &object, judgement) {
            let row = exception::get(tx, work, &object.1);
            if let Some(row) = row.filter(|row| profiles::blocks(tx, work, row, &post)) {
                withheld.insert(no, row);
            }
            continue;
        }
        if let Some(root) = post.root
            && let Some(id) = ids.get(&root)
        {
            plan.root_ids.insert(root, (*id).into());
        }
        if Behaviour::SharedLinks.is_in_force(tx)
            && let Some(message) = links::for_peer(tx, work, (&post, seq))
        {
            post.message = message;
        }
        let mentions = place.map_or_else(Vec::new, |place| {
            mention::find(tx, (work.round.channel, place), &post.message)
        });
        plan.posts.push(Planned {
            no,
            seq,
            listed: Listed::default(),
            post,
            mentions,
        });
    }
    files::list(tx, work, &mut plan.posts);
    fit(tx, work, &mut plan);
    plan
}

/// The posts of the round's objects, those to which its other objects belong, and their roots.
fn load(tx: &Tx<'_>, work: &Work) -> BTreeMap<PostNo, Post> {
    let objects = work.round.objects.iter();
    let numbers = objects.filter_map(|(_, object)| object.as_post().or(object.base_post()));
    let mut posts = fetch(tx, numbers.collect());
    let roots: BTreeSet<PostNo> = posts
        .values()
        .filter_map(|post| post.root)
        .filter(|root| !posts.contains_key(root))
        .collect();
    posts.extend(fetch(tx, roots));
    posts
}

fn fetch(tx: &Tx<'_>, numbers: BTreeSet<PostNo>) -> BTreeMap<PostNo, Post> {
    let numbers: Vec<PostNo> = numbers.into_iter().collect();
    let found = tx.get_all::<Post>(&numbers);
    numbers
        .into_iter()
        .zip(found)
        .filter_map(|(no, post)| Some((no, post?)))
        .collect()
}

/// The objects of the round to be sent, each once, preceded by what must be sent along.
fn order(
    tx: &mut Tx<'_>,
    work: &mut Work,
    posts: &BTreeMap<PostNo, Post>,
    with_exceptions: bool,
) -> Vec<Object> {
    let objects = std::mem::take(&mut work.round.objects);
    let own: BTreeMap<PostNo, FeedSeq> = objects
        .iter()
        .filter_map(|(seq, object)| Some((object.as_post()?, *seq)))
        .collect();
    let mut order = Order {
        own,
        included: BTreeSet::new(),
        objects: Vec::new(),
        with_exceptions,
    };
    for (seq, object) in objects {
        if let Some(no) = object.as_post() {
            if let Some(post) = posts.get(&no) {
                order.post(tx, work, posts, (seq, no), post);
            }
        } else if let Some(no) = object.base_post() {
            if let Some(post) = posts.get(&no).filter(|post| post.delete_at == 0) {
                order.part(tx, work, posts, (no, post), (seq, object));
            } else {
                exception::clear(tx, work, &object);
            }
        } else {
            order.objects.push((seq, object));
        }
    }
    order.objects
}

struct Order {
    /// Posts that are themselves objects of the round.
    own: BTreeMap<PostNo, FeedSeq>,
    included: BTreeSet<PostNo>,
    objects: Vec<Object>,
    with_exceptions: bool,
}

impl Order {
    fn post(
        &mut self,
        tx: &mut Tx<'_>,
        work: &mut Work,
        posts: &BTreeMap<PostNo, Post>,
        (seq, no): (FeedSeq, PostNo),
        post: &Post,
    ) {
        if self.included.contains(&no) {
            return;
        }
        let object = FeedObject::Post(no);
        // A deletion by a moderator here does not apply to others, and the content is gone.
        let is_local = is_local(tx, work.connection().kind, post);
        if post.origin == work.peer() || is_local || post.moderated {
            exception::clear(tx, work, &object);
            return;
        }
        // A deletion is always sent: the peer may hold an earlier version, and it has no content.
        if post.delete_at == 0
            && let Some(root) = post.root
            && let Some(base) = self.ensure(tx, work, posts, root)
        {
            exception::follow(tx, work, (seq, object), &base);
            return;
        }
        self.included.insert(no);
        self.objects.push((seq, object));
    }

    /// Adds an object that belongs to a post.
    fn part(
        &mut self,
        tx: &mut Tx<'_>,
        work: &mut Work,
        posts: &BTreeMap<PostNo, Post>,
        (no, post): (PostNo, &Post),
        object: Object,
    ) {
        if post.origin != work.peer()
            && let Some(base) = self.ensure(tx, work, posts, no)
        {
            exception::follow(tx, work, object, &base);
            return;
        }
        self.objects.push(object);
    }

    /// Ensures that the peer knows a post before what belongs to it arrives: either it already knows the
    /// post, or the post is sent along. Returns the exception that keeps the post from the peer, if any.
    fn ensure(
        &mut self,
        tx: &mut Tx<'_>,
        work: &mut Work,
        posts: &BTreeMap<PostNo, Post>,
        no: PostNo,
    ) -> Option<Exception> {
        if self.included.contains(&no) {
            return None;
        }
        let post = posts.get(&no)?;
        let seq = self.own.get(&no).copied();
        if seq.is_none() {
            let row = self.exception(tx, work, no);
            if let Some(row) = row.filter(|row| profiles::blocks(tx, work, row, post)) {
                return Some(row);
            }
            if knows(tx, work, no, post) || post.delete_at != 0 {
                return None;
            }
        }
        self.post(tx, work, posts, (seq.unwrap_or(FeedSeq(0)), no), post);
        None
    }

    fn exception(&self, tx: &Tx<'_>, work: &Work, no: PostNo) -> Option<Exception> {
        if self.with_exceptions {
            exception::get(tx, work, &FeedObject::Post(no))
        } else {
            None
        }
    }
}

/// Whether a post stays in its workspace: it is about the channel's sharing here, or the peer's generation does
/// not send such posts.
pub fn is_local(rows: &(impl Read + ?Sized), kind: PeerKind, post: &Post) -> bool {
    let is_notice = post.kind == notice::POST_TYPE
        && (notice::is_notice(rows, post) || !Behaviour::LocalNotices.is_in_force(rows));
    is_notice || kind != PeerKind::Mattermost2021 && LOCAL_POST_TYPES.contains(&post.kind.as_str())
}

/// Whether the cursor shows that a post without an exception was sent to the peer.
fn knows(tx: &Tx<'_>, work: &Work, no: PostNo, post: &Post) -> bool {
    if post.origin == work.peer() {
        return true;
    }
    let Some(link) = work.link() else {
        return false;
    };
    if no <= link.posts_before {
        return has_old(tx, (work.connection_no, link), no, post);
    }
    post.feed_seq <= link.cursor.seq
}

/// Whether a post from before the link was sent to the peer: with the history, or on its own.
pub fn has_old(
    rows: &(impl Read + ?Sized),
    (connection, link): (ConnectionNo, &Link),
    no: PostNo,
    post: &Post,
) -> bool {
    let at = (post.ordered_at, no.0);
    let begins = at > history_start(link);
    let covered = begins && link.cursor.history.is_some_and(|to| at <= to);
    covered
        || rows
            .get::<SentOldPost>(&(connection, no))
            .is_some_and(|sent| sent.epoch == link.epoch)
}

/// Cuts the plan, and the round with it, where the message would become too long. A post that is too long on
/// its own is given up, with the reason.
fn fit(tx: &mut Tx<'_>, work: &mut Work, plan: &mut Plan) {
    let mut bytes = ENVELOPE_BYTES;
    let mut kept = 0;
    while let Some(planned) = plan.posts.get(kept) {
        let length = wire_len(planned);
        if ENVELOPE_BYTES + length > FRAME_BYTES_MAX {
            let reason = reasons::POST_TOO_LONG;
            let object = (planned.seq, FeedObject::Post(planned.no));
            exception::put(tx, work, object, ExceptionState::Dead, reason, 0);
            plan.posts.remove(kept);
            continue;
        }
        if bytes + length > FRAME_BYTES_MAX {
            if !is_behind_lone_root(plan, kept) {
                break;
            }
            let reason = reasons::ROOT_NOT_DELIVERED;
            let retry_at = tx.now_ms().saturating_add(ITEM_RETRY_FIRST_MS);
            let object = (planned.seq, FeedObject::Post(planned.no));
            exception::put(tx, work, object, ExceptionState::Held, reason, retry_at);
            plan.posts.remove(kept);
            continue;
        }
        bytes += length;
        kept += 1;
    }
    if let Some(first_out) = plan.posts.get(kept).map(|planned| planned.no) {
        plan.posts.truncate(kept);
        cut_round(tx, work, first_out);
    }
}

/// Whether the post at `at` is preceded only by its root: cutting there would make no progress, as the next
/// round would begin with the same root.
fn is_behind_lone_root(plan: &Plan, at: usize) -> bool {
    let root = plan.posts.get(at).and_then(|planned| planned.post.root);
    at == 1 && root.is_some() && plan.posts.first().map(|first| first.no) == root
}

/// Ends the round before a post; that post and later objects are left to the next round.
fn cut_round(tx: &Tx<'_>, work: &mut Work, first_out: PostNo) {
    let is_first_out = |object: &Object| object.1 == FeedObject::Post(first_out);
    let Some(at) = work.round.objects.iter().position(is_first_out) else {
        return;
    };
    let mut rest = work.round.objects.split_off(at);
    // The round ends before the first removed object that has a position.
    match &mut work.round.source {
        RoundSource::Feed { to } => {
            let lowest = rest
                .iter()
                .map(|(seq, _)| *seq)
                .filter(|seq| seq.0 != 0)
                .min();
            if let Some(lowest) = lowest {
                *to = FeedSeq(lowest.0.saturating_sub(1));
            }
        }
        RoundSource::History { to } => {
            let last = work
                .round
                .objects
                .iter()
                .rev()
                .find_map(|(_, object)| object.as_post());
            if let Some(post) = last.and_then(|no| Some((no, tx.get::<Post>(&no)?))) {
                *to = (post.1.ordered_at, post.0.0);
            }
        }
        RoundSource::Exceptions
        | RoundSource::People { .. }
        | RoundSource::Members { .. }
        | RoundSource::Directory { .. }
        | RoundSource::Statuses { .. }
        | RoundSource::Invite
        | RoundSource::SharingState { .. } => {}
    }
    rest.clear();
}
