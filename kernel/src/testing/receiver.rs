//! A model of the peer behind [`ACME`]: it takes what a frame holds and answers. Tests let frames and
//! answers be lost.

use std::collections::{BTreeMap, BTreeSet};

use super::{ACME, TOWN, World};
use crate::boundary::input::{Input, SendOutcome};
use crate::boundary::output::{SendFile, SendPicture};
use crate::model::{
    Acknowledgement, Connection, Due, DueKind, Exception, ExceptionState, Link, Post, Reaction,
    Round, User,
};
use crate::rows::id::{Id, PostNo, UserNo};
use crate::rows::tx::Read;
use crate::sharing::notice::POST_TYPE;
use crate::wire::frame;
use crate::wire::json::Document;
use crate::wire::message::{
    SharingState, SyncMessage, UploadSession, WireAcknowledgement, WireMembership, WirePost,
    WireReaction,
};
use crate::wire::response::{OK, SyncResponse, encode_fail, encode_ok, encode_session};

/// What the peer holds of what it was sent.
#[derive(Default)]
pub struct Receiver {
    /// Whether reactions and acknowledgements are taken as a server of the 11 line takes them.
    pub toggle: bool,
    pub users: BTreeSet<String>,
    /// Whether it takes no profile, although it may know the user.
    pub refuses_users: bool,
    /// Whether all profiles wait for its policies, with what their users do.
    pub is_undecided: bool,
    /// Text and whether deleted, by id.
    pub posts: BTreeMap<String, (String, bool)>,
    roots: BTreeMap<String, String>,
    /// By post, user and emoji.
    pub reactions: BTreeSet<(String, String, String)>,
    /// Whether acknowledged, and the version if the peer keeps one; by post and user.
    pub acknowledged: BTreeMap<(String, String), (bool, i64)>,
    /// Whether memberships are ignored, as by a server that does not share them.
    pub ignores_members: bool,
    /// When each user of [`TOWN`] last joined or left, and whether the user left.
    pub members: BTreeMap<String, (i64, bool)>,
    /// The words of the users' statuses.
    pub statuses: BTreeMap<String, String>,
    /// The number of messages taken.
    pub messages: usize,
    /// The number of posts in each message that had any.
    pub batches: Vec<usize>,
    /// The number of membership changes in each message that had any.
    pub member_batches: Vec<usize>,
    /// Digests of the files, by id.
    pub files: BTreeMap<String, String>,
    /// Whether a post has only those of its files that arrived before it.
    pub takes_files_first: bool,
    /// Ids of the files of each post that has any.
    pub post_files: BTreeMap<String, Vec<String>>,
    /// Why announced files are refused, if they are.
    pub refuses_files: Option<String>,
    /// Bytes that it holds of every file that is announced.
    pub held_bytes: i64,
    /// The announced files, by the id of the upload.
    pub uploads: BTreeMap<String, UploadSession>,
    /// Digests of the pictures, by the user's id.
    pub pictures: BTreeMap<String, String>,
    /// The number of pictures that came.
    pub pictures_come: usize,
    /// Ids of channels whose sharing ended.
    pub unshared: Vec<String>,
    /// What happens to pictures, if they are not taken.
    pub fails_pictures: Option<SendOutcome>,
}

impl Receiver {
    /// Takes a frame that is addressed to this id; the answer.
    fn take(&mut self, frame: &[u8], remote_id: Id) -> Vec<u8> {
        let document = Document::parse(frame).unwrap();
        let frame = frame::check(&document, remote_id).unwrap();
        if frame.topic == frame::TOPIC_INVITE {
            return encode_ok(None);
        }
        if frame.topic == frame::TOPIC_SHARING_STATE {
            let state = SharingState::decode(frame.payload).unwrap();
            assert!(!state.is_shared);
            self.unshared.push(state.channel_id);
            return encode_ok(None);
        }
        if frame.topic == frame::TOPIC_UPLOAD {
            return self.take_announcement(UploadSession::decode(frame.payload).unwrap());
        }
        let message = SyncMessage::decode(frame.payload).unwrap();
        if !message.membership_changes.is_empty() {
            self.member_batches.push(message.membership_changes.len());
            if self.ignores_members {
                return encode_ok(None);
            }
        }
        for (_, change) in &message.membership_changes {
            self.take_membership(change.as_ref().unwrap());
        }
        let mut response = SyncResponse::default();
        self.messages += 1;
        for (_, user) in &message.users {
            let id = user.as_ref().unwrap().id.clone();
            if self.refuses_users {
                response.user_errors.push(id);
                continue;
            }
            self.users.insert(id.clone());
            if self.is_undecided {
                response.users_undecided.push(id);
            } else {
                response.users_syncd.push(id);
            }
        }
        if !message.posts.is_empty() {
            self.batches.push(message.posts.len());
        }
        for (_, post) in &message.posts {
            let post = post.as_ref().unwrap();
            if !self.take_post(post) {
                response.post_errors.push(post.id.clone());
            }
        }
        for (_, reaction) in &message.reactions {
            self.take_reaction(reaction.as_ref().unwrap());
        }
        for (_, wire) in &message.acknowledgements {
            self.take_acknowledgement(wire.as_ref().unwrap());
        }
        for (_, wire) in message.statuses {
            let wire = wire.unwrap();
            assert!(
                self.users.contains(&wire.user_id),
                "a status before its profile"
            );
            self.statuses.insert(wire.user_id, wire.status);
        }
        encode_ok(Some(&response))
    }

    fn take_announcement(&mut self, session: UploadSession) -> Vec<u8> {
        assert!(
            self.users.contains(&session.user_id),
            "a file before its author"
        );
        if let Some(why) = &self.refuses_files {
            return encode_fail(why);
        }
        self.uploads.insert(session.id.clone(), session.clone());
        encode_session(&UploadSession {
            file_offset: self.held_bytes,
            ..session
        })
    }

    /// Takes the bytes of a file; the answer.
    fn take_bytes(&mut self, file: &SendFile) -> Vec<u8> {
        let session = self.uploads.remove(file.upload.as_str()).unwrap();
        assert_eq!(session.file_size, i64::try_from(file.size).unwrap());
        let id = session.req_file_id;
        self.files.insert(id.clone(), file.digest.clone());
        format!(r#"{{"id":"{id}"}}"#).into_bytes()
    }

    /// Takes a picture; the outcome.
    fn take_picture(&mut self, picture: SendPicture) -> SendOutcome {
        let user = picture.user.to_string();
        assert!(self.users.contains(&user), "a picture before its profile");
        self.pictures_come += 1;
        if let Some(outcome) = &self.fails_pictures {
            return outcome.clone();
        }
        self.pictures.insert(user, picture.digest);
        SendOutcome::Answered(OK.to_vec())
    }

    fn take_membership(&mut self, change: &WireMembership) {
        let is_known = self.users.contains(&change.user_id);
        assert!(is_known || !change.is_add, "a member before the profile");
        let stated = (change.change_time, !change.is_add);
        let held = self.members.entry(change.user_id.clone()).or_insert(stated);
        *held = stated.max(*held);
    }

    /// Whether a user is a member of [`TOWN`], as far as the peer was told.
    fn is_member(&self, user: &str) -> bool {
        self.members.get(user).is_some_and(|(_, left)| !left)
    }

    /// A new post is refused if its author or its root is unknown.
    fn take_post(&mut self, post: &WirePost) -> bool {
        let has_root = post.root_id.is_empty() || self.posts.contains_key(&post.root_id);
        let is_known = self.posts.contains_key(&post.id);
        if !is_known && (!self.users.contains(&post.user_id) || !has_root) {
            return false;
        }
        // A Mattermost server links the files that it has.
        let has = |id: &&String| !self.takes_files_first || self.files.contains_key(*id);
        let files: Vec<String> = post.file_ids.iter().filter(has).cloned().collect();
        self.post_files.insert(post.id.clone(), files);
        let row = (post.message.clone(), post.delete_at != 0);
        self.posts.insert(post.id.clone(), row);
        self.roots.insert(post.id.clone(), post.root_id.clone());
        if post.delete_at != 0 {
            // The deletion of a root deletes its replies.
            let replies = self.roots.iter().filter(|(_, root)| **root == post.id);
            let replies: Vec<String> = replies.map(|(reply, _)| reply.clone()).collect();
            for reply in replies {
                self.posts.insert(reply, (String::new(), true));
            }
        }
        true
    }

    fn take_reaction(&mut self, reaction: &WireReaction) {
        assert!(
            self.posts.contains_key(&reaction.post_id),
            "a reaction before its post"
        );
        let key = (
            reaction.post_id.clone(),
            reaction.user_id.clone(),
            reaction.emoji_name.clone(),
        );
        let is_wanted = if self.toggle {
            !self.reactions.contains(&key)
        } else {
            reaction.delete_at == 0
        };
        if is_wanted {
            self.reactions.insert(key);
        } else {
            self.reactions.remove(&key);
        }
    }

    /// A Causeway goes by the version. A server of the 11 line (Semantics §6.6) keeps an
    /// acknowledgement until it is withdrawn, and stores an unknown one as acknowledged.
    fn take_acknowledgement(&mut self, wire: &WireAcknowledgement) {
        assert!(
            self.posts.contains_key(&wire.post_id),
            "an acknowledgement before its post"
        );
        let key = (wire.post_id.clone(), wire.user_id.clone());
        let held = self.acknowledged.get(&key).copied();
        let version = wire.acknowledged_at.max(wire.delete_at);
        let acknowledged = match held {
            Some((acknowledged, _)) if self.toggle => acknowledged && !wire.is_withdrawn(),
            None if self.toggle => true,
            Some((acknowledged, held))
                if (version, wire.is_withdrawn()) <= (held, !acknowledged) =>
            {
                return;
            }
            _ => !wire.is_withdrawn(),
        };
        self.acknowledged.insert(key, (acknowledged, version));
    }

    /// Posts and users of the acknowledgements that the peer shows.
    pub fn acknowledgements(&self) -> Vec<(String, String)> {
        let shown = self.acknowledged.iter().filter(|(_, (shown, _))| *shown);
        shown.map(|(key, _)| key.clone()).collect()
    }
}

impl World {
    /// The peer takes a frame; its answer.
    pub fn take(&mut self, frame: &[u8]) -> Vec<u8> {
        let remote_id = self.get::<Connection>(&ACME).remote_id;
        self.peer.take(frame, remote_id)
    }

    /// Delivers the oldest frame and its answer, if a frame is out.
    pub fn deliver_next(&mut self) -> bool {
        if self.out.is_empty() {
            return self.deliver_bytes();
        }
        let (attempt, frame) = self.out.remove(0);
        let answer = self.take(&frame);
        self.receipt(ACME, attempt, SendOutcome::Answered(answer));
        true
    }

    /// Delivers the oldest bytes of a file and their answer, if any are out.
    fn deliver_bytes(&mut self) -> bool {
        if self.sent_bytes.is_empty() {
            return self.deliver_picture();
        }
        let file = self.sent_bytes.remove(0);
        let answer = self.peer.take_bytes(&file);
        self.receipt(ACME, file.attempt, SendOutcome::Answered(answer));
        true
    }

    /// Delivers the oldest picture and its outcome, if any is out.
    pub fn deliver_picture(&mut self) -> bool {
        if self.sent_pictures.is_empty() {
            return false;
        }
        let picture = self.sent_pictures.remove(0);
        let attempt = picture.attempt;
        let outcome = self.peer.take_picture(picture);
        self.receipt(ACME, attempt, outcome);
        true
    }

    /// The oldest frame gets this answer, and the peer takes nothing of it.
    pub fn answer_next(&mut self, answer: Vec<u8>) {
        let (attempt, _) = self.out.remove(0);
        self.receipt(ACME, attempt, SendOutcome::Answered(answer));
    }

    /// Delivers frames and lets time pass until nothing is out and nothing is due.
    pub fn settle(&mut self) {
        for _ in 0..400 {
            if !self.deliver_next() {
                self.now_ms += 2_000;
                self.run(Input::Timer);
                let is_out = !self.out.is_empty()
                    || !self.sent_bytes.is_empty()
                    || !self.sent_pictures.is_empty();
                if !is_out && self.is_idle() {
                    return;
                }
                if self.now_ms % 60_000 < 2_100 {
                    self.ping(ACME);
                }
            }
        }
        panic!("never idle");
    }

    fn is_idle(&self) -> bool {
        let due = self.host.prefix::<Due, ()>(&(), 1_000);
        // Silence is always watched for, and files nobody posts are dropped a day later.
        let is_work =
            |due: &Due| !matches!(due.kind, DueKind::Interruption(_) | DueKind::UnpostedFiles);
        self.host.get::<Round>(&ACME).is_none() && !due.iter().any(|(_, due)| is_work(due))
    }

    /// The states of the exceptions of every link.
    pub fn exceptions(&self) -> Vec<ExceptionState> {
        let rows = self.host.prefix::<Exception, ()>(&(), 1_000);
        rows.into_iter().map(|(_, row)| row.state).collect()
    }

    /// Fails unless the peer holds the same of [`TOWN`] as this workspace.
    pub fn expect_same(&self) {
        let link = self.get::<Link>(&(TOWN, ACME));
        for (no, post) in &self.host.prefix::<Post, ()>(&(), 10_000) {
            if *no <= link.posts_before || (post.kind == POST_TYPE && post.origin.is_ours()) {
                continue;
            }
            let there = self.peer.posts.get(post.id.as_str());
            if post.delete_at == 0 {
                let own = (post.message.clone(), false);
                assert_eq!(there, Some(&own), "post {no:?}");
            } else {
                // What the peer never got needs no deletion there.
                assert!(there.is_none_or(|(_, deleted)| *deleted), "post {no:?}");
            }
        }
        for ((no, user), row) in self.host.prefix::<Acknowledgement, ()>(&(), 10_000) {
            if let Some(key) = self.key_of_live(no, user) {
                let there = self.peer.acknowledged.get(&key);
                let is_shown = there.is_some_and(|(shown, _)| *shown);
                assert_eq!(is_shown, row.acknowledged_at != 0, "{key:?}");
            }
        }
        for ((no, user, emoji), reaction) in self.host.prefix::<Reaction, ()>(&(), 10_000) {
            if let Some((post, user)) = self.key_of_live(no, user) {
                let key = (post, user, emoji);
                let is_shown = self.peer.reactions.contains(&key);
                assert_eq!(is_shown, reaction.delete_at == 0, "{key:?}");
            }
        }
    }

    /// The local users whom the peer shows as members of [`TOWN`].
    pub fn members_there(&self) -> Vec<UserNo> {
        let users = self.host.prefix::<User, ()>(&(), 20_000);
        let shown = users
            .into_iter()
            .filter(|(_, user)| self.peer.is_member(user.id.as_str()));
        shown.map(|(no, _)| no).collect()
    }

    /// The ids of a post and a user, if the post is live.
    fn key_of_live(&self, post: PostNo, user: UserNo) -> Option<(String, String)> {
        let post = self.get::<Post>(&post);
        let user = self.get::<User>(&user);
        (post.delete_at == 0).then(|| (post.id.to_string(), user.id.to_string()))
    }
}
