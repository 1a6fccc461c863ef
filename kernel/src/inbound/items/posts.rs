//! Posts: creation, new versions, deletion. Semantics §6.4.

use std::collections::BTreeSet;

use super::list_error;
use crate::boundary::behaviour::Behaviour;
use crate::boundary::env::Rows;
use crate::boundary::input::Incarnation;
use crate::boundary::policy::Gate;
use crate::gate::{Candidate, Judgement, Key, NOT_ABOUT_THIS, PostCandidate, Wording};
use crate::inbound::authorize::{
    self, Authorized, Peer, PeerChannel, PostAct, PostChange, Received,
};
use crate::inbound::item::{self, Fate, Item, ItemOutcome, Judgements, Scope, Section, Wait};
use crate::inbound::{Reason, uploads};
use crate::model::limits::FILES_PER_POST_MAX;
use crate::model::{HeldKind, IdRow, Post, Priority, Workspace, kind};
use crate::objects::{files, posts};
use crate::rows::counters::workspace;
use crate::rows::id::{FeedSeq, FileNo, Id, PostNo, UserNo};
use crate::rows::lookup;
use crate::rows::tx::{Read, Tx};
use crate::wire::json::{JsonError, Value};
use crate::wire::message::{WireFile, WirePost};
use crate::wire::response::SyncResponse;

impl Item for WirePost {
    const GATES: &[Gate] = &[Gate::Post, Gate::Mention];
    type Change<'i> = PostChange<'i>;

    fn decode(value: Value<'_>) -> Result<WirePost, JsonError> {
        WirePost::decode(value)
    }

    fn prefetch(tx: &Tx<'_>, items: &Section<'_, WirePost>) {
        let mut ids: Vec<(u8, Id)> = Vec::with_capacity(items.len() * 2);
        for wire in items.iter().filter_map(|(_, item)| item.as_ref().ok()) {
            let named = [
                (kind::POST, &wire.id),
                (kind::USER, &wire.user_id),
                (kind::POST, &wire.root_id),
            ];
            ids.extend(
                named
                    .iter()
                    .filter_map(|(of, id)| Some((*of, Id::parse(id)?))),
            );
        }
        ids.sort_unstable();
        ids.dedup();
        tx.prefetch::<IdRow>(ids.into_iter());
    }

    fn id(&self) -> Option<Id> {
        Id::parse(&self.id)
    }

    fn wait(&self) -> Option<Wait<'_>> {
        let latest = self.create_at.max(self.update_at).max(self.edit_at);
        Some(Wait {
            kind: HeldKind::Post,
            key: (self.id.clone(), String::new()),
            version: (latest.max(self.delete_at), self.delete_at != 0),
            post: &self.root_id,
            user: &self.user_id,
        })
    }

    /// A file may follow its post, which is then sent once more to name it. A copy of an earlier message that comes
    /// late names no file that the later one does not.
    fn says_more(&self, held: &WirePost) -> bool {
        let is_new = |id: &String| !held.file_ids.contains(id);
        self.file_ids.iter().any(is_new)
    }

    fn lacks_its_post(&self, _: &Tx<'_>, reason: Reason) -> bool {
        reason == Reason::UnknownRoot
    }

    fn authorize<'i>(
        &'i self,
        tx: &Tx<'_>,
        scope: Scope<'_>,
        ahead: &BTreeSet<Id>,
    ) -> Result<Authorized<PostChange<'i>>, Reason> {
        authorize::post(tx, scope.peer, scope.shared, Received::new(self), ahead)
    }

    fn question<'i>(
        tx: &Tx<'_>,
        scope: Scope<'_>,
        change: &PostChange<'i>,
        seen: bool,
    ) -> Option<Candidate<'i>>
    where
        Self: 'i,
    {
        let wire = change.wire;
        let message = scope.mentions.apply(&wire.message);
        let (id, author) = match &change.act {
            PostAct::Create { id, author, .. } => (*id, *author),
            PostAct::Update(no) => {
                let held = tx.get::<Post>(no)?;
                let sees_props = || Behaviour::WholePosts.is_in_force(tx);
                if held.message == message && (held.props == wire.props || !sees_props()) {
                    return None;
                }
                (held.id, held.user)
            }
            PostAct::Bury { .. } | PostAct::Delete(_) | PostAct::Nothing(_) => return None,
        };
        Some(Candidate::Post(PostCandidate {
            id,
            version: change.version,
            root_id: &wire.root_id,
            author: tx.user(author),
            message: message.into(),
            props: &wire.props,
            kind: &wire.kind,
            create_at: wire.create_at,
            is_edit: seen || matches!(change.act, PostAct::Update(_)),
        }))
    }

    fn apply(
        tx: &mut Tx<'_>,
        scope: Scope<'_>,
        change: Authorized<PostChange<'_>>,
        judgements: &Judgements,
    ) -> ItemOutcome {
        if let PostAct::Nothing(no) = change.get().act {
            return if take_late_files(tx, no, change.get()) {
                ItemOutcome::Taken
            } else {
                ItemOutcome::Known
            };
        }
        match wording(tx, scope, change.get(), judgements) {
            Ok(wording) => {
                carry_out(tx, scope, change, wording);
                ItemOutcome::Taken
            }
            Err(outcome) => outcome,
        }
    }

    fn report(
        _: &Tx<'_>,
        _: Scope<'_>,
        (value, item): (Value<'_>, Option<&WirePost>),
        fate: Fate,
        response: &mut SyncResponse,
    ) {
        match (fate, item) {
            (Fate::Done { .. } | Fate::Held, Some(post)) => {
                let newest = &mut response.posts_last_update_at;
                *newest = (*newest).max(post.update_at);
            }
            _ => {
                let id = value.text("id").unwrap_or_default();
                list_error(&mut response.post_errors, &id);
            }
        }
    }
}

/// The wording that a post may have here.
fn wording(
    tx: &mut Tx<'_>,
    scope: Scope<'_>,
    change: &PostChange<'_>,
    judgements: &Judgements,
) -> Result<Wording, ItemOutcome> {
    let judged = match &change.act {
        PostAct::Create { id, .. } => judgements.get(&Key::Post(*id, change.version)).cloned(),
        _ => None,
    };
    let judgement = match judged {
        Some(judgement) => judgement,
        None => match WirePost::question(tx, scope, change, false) {
            Some(candidate) => item::judgement(tx, scope, judgements, candidate),
            None => Judgement::Pass(None),
        },
    };
    match judgement {
        Judgement::Pass(Some(wording)) => Ok(wording),
        Judgement::Pass(None) => Ok(Wording {
            message: scope.mentions.apply(&change.wire.message),
            props: change.wire.props.clone(),
        }),
        Judgement::Revised(_) => Err(ItemOutcome::Failed(NOT_ABOUT_THIS.to_string())),
        Judgement::Denied(_) => Err(ItemOutcome::Refused(Reason::Denied)),
        Judgement::Failed(reason) => Err(ItemOutcome::Failed(reason)),
    }
}

/// Carries out what was authorised; `wording` is its text after mentions and policies were applied.
fn carry_out(
    tx: &mut Tx<'_>,
    scope: Scope<'_>,
    change: Authorized<PostChange<'_>>,
    wording: Wording,
) {
    let Scope { peer, shared, .. } = scope;
    let PostChange { act, wire, version } = change.take();
    match act {
        PostAct::Create { id, author, root } => {
            let post = build(peer, shared, (id, author, root), wire, version, wording);
            let priority = priority(tx, wire).filter(|_| wire.root_id.is_empty());
            let files = files_of(tx, (&post, None), &wire.file_ids, &wire.files);
            let post = Post {
                priority,
                files,
                ..post
            };
            posts::insert(tx, post);
        }
        PostAct::Bury { id, author, root } => {
            let delete_at = if wire.delete_at == 0 {
                tx.now_ms()
            } else {
                wire.delete_at
            };
            let empty = Wording {
                message: String::new(),
                props: wording.props,
            };
            let post = build(peer, shared, (id, author, root), wire, version, empty);
            let is_fed = wire.delete_at != 0 && may_have_been_here(tx);
            posts::bury(tx, Post { delete_at, ..post }, is_fed);
        }
        PostAct::Update(no) => update(tx, no, wire, version, wording),
        PostAct::Delete(no) => {
            note_version(tx, no, version);
            posts::delete(tx, no, wire.delete_at);
            posts::confirm_deletion(tx, no, wire.delete_at);
        }
        PostAct::Nothing(_) => {}
    }
}

/// Whether a post that is not here may have been forwarded before a restore removed it: in that case its
/// deletion must be forwarded from here.
fn may_have_been_here(tx: &Tx<'_>) -> bool {
    let is_restored = |workspace: Workspace| workspace.incarnation.number > Incarnation::FIRST;
    Behaviour::SentAgain.is_in_force(tx) && workspace(tx).is_some_and(is_restored)
}

/// A post of the peer, built field by field: the peer's claims about its identity and location are ignored.
fn build(
    peer: &Peer,
    shared: &Authorized<PeerChannel>,
    (id, user, root): (Id, UserNo, Option<PostNo>),
    wire: &WirePost,
    version: i64,
    wording: Wording,
) -> Post {
    let Wording { message, props } = wording;
    Post {
        id,
        origin: peer.row.workspace,
        user,
        channel: shared.get().channel,
        root,
        create_at: wire.create_at,
        update_at: 0,
        edit_at: wire.edit_at,
        delete_at: 0,
        origin_update_at: version,
        is_pinned: wire.is_pinned,
        hashtags: posts::hashtags(&message),
        message,
        kind: wire.kind.clone(),
        props,
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

/// The files that a version of a post names: those that arrived before it, and those that it says enough of to
/// expect them. Others are left out, as in the reference. They are the author's; what the post says of who
/// uploaded them does not count.
fn files_of(
    tx: &mut Tx<'_>,
    (post, no): (&Post, Option<PostNo>),
    named: &[String],
    said: &[WireFile],
) -> Vec<FileNo> {
    let mut files = Vec::new();
    if !Behaviour::SharedFiles.is_in_force(tx) {
        return files;
    }
    for id in named {
        let known = match said.iter().find(|file| file.id == *id) {
            Some(said) => uploads::expected(tx, post, no, said),
            None => uploads::known(tx, post, no, id),
        };
        if let Some(file) = known.filter(|file| !files.contains(file)) {
            files.push(file);
        }
    }
    files
}

/// Gives a post the files that a known version names and that were not here when it came; whether there are any.
/// A server that says nothing of its files but their ids may send the post again after one that it sent late, and
/// a hub then sends it on.
fn take_late_files(tx: &mut Tx<'_>, no: PostNo, change: &PostChange<'_>) -> bool {
    let wire = change.wire;
    let post = tx.get::<Post>(&no);
    let Some(mut post) = post.filter(|post| post.delete_at == 0) else {
        return false;
    };
    // Before any of them is expected: what a post has no room for would stay without one.
    let is_new = |id: &&String| lookup::file(tx, id).is_none_or(|no| !post.files.contains(&no));
    let new = wire.file_ids.iter().filter(is_new).count();
    if new == 0 || post.files.len() + new > FILES_PER_POST_MAX {
        return false;
    }
    // What an older version says is no longer true.
    let is_same = post.origin_update_at == change.version;
    let said: &[WireFile] = if is_same { &wire.files } else { &[] };
    let mut files = files_of(tx, (&post, Some(no)), &wire.file_ids, said);
    let unnamed = post.files.iter().filter(|file| !files.contains(file));
    let unnamed: Vec<FileNo> = unnamed.copied().collect();
    files.extend(unnamed);
    if files.len() == post.files.len() {
        return false;
    }
    change_files(tx, no, &mut post, files);
    posts::update(tx, no, post);
    true
}

/// Gives a post the files of a newer version, and removes those that it no longer has.
fn change_files(tx: &mut Tx<'_>, no: PostNo, post: &mut Post, files: Vec<FileNo>) {
    for file in &files {
        files::join(tx, *file, no);
    }
    let earlier = std::mem::replace(&mut post.files, files);
    for file in earlier {
        if !post.files.contains(&file) {
            files::remove(tx, file);
        }
    }
}

/// The priority that a peer states for a post, if any. What it states for a reply does not count.
fn priority(tx: &Tx<'_>, wire: &WirePost) -> Option<Priority> {
    wire.priority
        .filter(|_| Behaviour::Priorities.is_in_force(tx))
}

/// Applies a newer version. Author, creation time, thread and type never change. A real server sends a post
/// again when somebody answers or reacts to it: then only the version is recorded.
fn update(tx: &mut Tx<'_>, no: PostNo, wire: &WirePost, version: i64, wording: Wording) {
    let Wording { message, props } = wording;
    let Some(mut post) = tx.get::<Post>(&no) else {
        return;
    };
    if post.delete_at != 0 {
        return;
    }
    let text_changed = post.message != message;
    let stated = priority(tx, wire).filter(|_| post.root.is_none());
    let priority = stated.or(post.priority);
    let files = files_of(tx, (&post, Some(no)), &wire.file_ids, &wire.files);
    let seen = text_changed
        || post.files != files
        || post.is_pinned != wire.is_pinned
        || post.props != props
        || post.priority != priority;
    post.origin_update_at = version;
    if !seen {
        tx.put(&no, &post);
        return;
    }
    if text_changed {
        post.edit_at = if wire.edit_at > post.edit_at {
            wire.edit_at
        } else {
            version
        };
        post.hashtags = posts::hashtags(&message);
        post.message = message;
    }
    post.is_pinned = wire.is_pinned;
    post.props = props;
    post.priority = priority;
    change_files(tx, no, &mut post, files);
    posts::update(tx, no, post);
}

fn note_version(tx: &mut Tx<'_>, no: PostNo, version: i64) {
    if let Some(mut post) = tx.get::<Post>(&no) {
        post.origin_update_at = post.origin_update_at.max(version);
        tx.put(&no, &post);
    }
}
