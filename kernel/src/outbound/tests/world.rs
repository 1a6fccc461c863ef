//! A workspace that sends to a model of a peer: it takes what a frame holds, answers, and loses
//! answers.

use std::collections::{BTreeMap, BTreeSet};

use super::super::*;
use crate::boundary::input::{Actor, Genesis, Input, PingAnswer, Receipt, SendOutcome};
use crate::boundary::output::{Object, Output, Reply};
use crate::command::{
    AcceptConnection, AcknowledgePost, AddReaction, AddTeamMember, Command, ConfirmConnection,
    CreateConnection, CreatePost, CreateTeam, CreateUser, EditPost, InviteToChannel,
    WithdrawAcknowledgement,
};
use crate::model::{
    Acknowledgement, Config, Exception, ExceptionState, Link, Post, Reaction, Round,
};
use crate::rows::id::{Id, PostNo, TeamNo, UserNo};
use crate::rows::testing::MemoryHost;
use crate::wire::frame;
use crate::wire::json::Document;
use crate::wire::message::{SyncMessage, WireAcknowledgement};
use crate::wire::response::{SyncResponse, encode_ok};

pub(super) const ADMIN: UserNo = UserNo(1);
pub(super) const ANN: UserNo = UserNo(2);
pub(super) const TOWN: ChannelNo = ChannelNo(1);
pub(super) const LINK: ConnectionNo = ConnectionNo(1);
pub(super) const TEAM_OF_THE_PEER: &str = "teamofthepeer9999999999999";

pub(super) type Frame = (u64, Vec<u8>);

/// A workspace, and a peer that holds what it was sent.
pub(super) struct World {
    pub(super) host: MemoryHost,
    pub(super) now_ms: i64,
    pub(super) out: Vec<Frame>,
    pub(super) toggle: bool,
    pub(super) users: BTreeSet<String>,
    /// Text and whether deleted, by id.
    pub(super) posts: BTreeMap<String, (String, bool)>,
    pub(super) roots: BTreeMap<String, String>,
    pub(super) reactions: BTreeSet<(String, String, String)>,
    /// By post and user: whether it stands, and its version where the peer keeps one.
    pub(super) acknowledged: BTreeMap<(String, String), (bool, i64)>,
    /// Posts of the messages, in order.
    pub(super) batches: Vec<usize>,
}

impl World {
    pub(super) fn new(kind: PeerKind) -> World {
        let mut world = World {
            host: MemoryHost::new(),
            now_ms: 1_700_000_000_000,
            out: Vec::new(),
            toggle: kind == PeerKind::Mattermost11,
            users: BTreeSet::new(),
            posts: BTreeMap::new(),
            roots: BTreeMap::new(),
            reactions: BTreeSet::new(),
            acknowledged: BTreeMap::new(),
            batches: Vec::new(),
        };
        world.run(Input::Genesis(Genesis {
            site_url: "http://here.example".into(),
            config: Config::default(),
        }));
        for name in ["admin", "ann"] {
            world.act(
                Actor::System,
                Command::CreateUser(CreateUser::named(name, format!("{name}@here.example"))),
            );
        }
        world.act(
            Actor::User(ADMIN),
            Command::CreateTeam(CreateTeam {
                name: "crew".into(),
                display_name: "Crew".into(),
                description: String::new(),
                is_open: true,
            }),
        );
        let user = ANN;
        world.act(
            Actor::User(ANN),
            Command::AddTeamMember(AddTeamMember {
                team: TeamNo(1),
                user,
            }),
        );
        let create = CreateConnection {
            name: "there".into(),
            display_name: String::new(),
            default_team_id: String::new(),
        };
        let accept = AcceptConnection {
            create,
            remote_id: Id::from_uuid_bytes([9; 16]),
            site_url: "http://there.example".into(),
            kind,
            remote_team_id: TEAM_OF_THE_PEER.into(),
        };
        world.act(Actor::User(ADMIN), Command::AcceptConnection(accept));
        let site_url = "http://there.example".to_string();
        let confirm = Command::ConfirmConnection(ConfirmConnection {
            connection: LINK,
            site_url,
            kind,
            remote_team_id: TEAM_OF_THE_PEER.into(),
        });
        world.act(Actor::System, confirm);
        world
    }

    pub(super) fn shared(kind: PeerKind) -> World {
        let mut world = World::new(kind);
        world.share();
        world.ping();
        world.settle();
        world
    }

    pub(super) fn share(&mut self) {
        let invite = Command::InviteToChannel(InviteToChannel {
            channel: TOWN,
            connection: LINK,
            read_only: false,
        });
        self.act(Actor::User(ADMIN), invite);
    }

    pub(super) fn run(&mut self, input: Input) -> Output {
        self.now_ms += 10;
        let output = self.host.run(self.now_ms, 7, &input);
        for effect in &output.effects {
            if let Effect::Send { attempt, frame, .. } = effect {
                self.out.push((*attempt, frame.clone()));
            }
        }
        output
    }

    pub(super) fn act(&mut self, actor: Actor, command: Command) -> Object {
        match self
            .run(Input::Command {
                actor,
                key: None,
                command,
            })
            .reply
        {
            Reply::Object(object) => object,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn write(&mut self, root: Option<PostNo>, message: &str) -> PostNo {
        let post = CreatePost {
            channel: TOWN,
            root,
            message: message.into(),
            props: String::new(),
            kind: String::new(),
        };
        match self.act(Actor::User(ANN), Command::CreatePost(post)) {
            Object::Post(no) => no,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn ping(&mut self) {
        let answer = PingAnswer {
            sent_at_ms: 0,
            recv_at_ms: 0,
            kind: None,
            incarnation: None,
        };
        self.run(Input::Ping {
            connection: LINK,
            answer: Some(answer),
        });
    }

    pub(super) fn receipt(&mut self, attempt: u64, outcome: SendOutcome) {
        self.run(Input::Receipt(Receipt {
            connection: LINK,
            attempt,
            outcome,
        }));
    }

    /// The peer takes a frame; returns its answer.
    pub(super) fn take(&mut self, frame: &[u8]) -> Vec<u8> {
        let document = Document::parse(frame).unwrap();
        let header = Id::from_uuid_bytes([9; 16]);
        let frame = frame::check(&document, header).unwrap();
        if frame.topic == frame::TOPIC_INVITE {
            return encode_ok(None);
        }
        let message = SyncMessage::decode(frame.payload).unwrap();
        let mut response = SyncResponse::default();
        for (_, user) in &message.users {
            let id = user.as_ref().unwrap().id.clone();
            self.users.insert(id.clone());
            response.users_syncd.push(id);
        }
        if !message.posts.is_empty() {
            self.batches.push(message.posts.len());
        }
        for (_, post) in &message.posts {
            let post = post.as_ref().unwrap();
            let has_root = post.root_id.is_empty() || self.posts.contains_key(&post.root_id);
            let is_known = self.posts.contains_key(&post.id);
            if !is_known && (!self.users.contains(&post.user_id) || !has_root) {
                response.post_errors.push(post.id.clone());
                continue;
            }
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
        }
        for (_, reaction) in &message.reactions {
            let reaction = reaction.as_ref().unwrap();
            assert!(
                self.posts.contains_key(&reaction.post_id),
                "a reaction before its post"
            );
            let key = (
                reaction.post_id.clone(),
                reaction.user_id.clone(),
                reaction.emoji_name.clone(),
            );
            let wanted = if self.toggle {
                !self.reactions.contains(&key)
            } else {
                reaction.delete_at == 0
            };
            if wanted {
                self.reactions.insert(key);
            } else {
                self.reactions.remove(&key);
            }
        }
        for (_, wire) in &message.acknowledgements {
            self.take_acknowledgement(wire.as_ref().unwrap());
        }
        encode_ok(Some(&response))
    }

    /// As a Causeway takes it, by its version, or as a server of the 11 line does (semantics §6.6):
    /// what it holds stands until it is withdrawn, and what it does not hold is one that stands.
    fn take_acknowledgement(&mut self, wire: &WireAcknowledgement) {
        assert!(
            self.posts.contains_key(&wire.post_id),
            "an acknowledgement before its post"
        );
        let key = (wire.post_id.clone(), wire.user_id.clone());
        let held = self.acknowledged.get(&key).copied();
        let version = wire.acknowledged_at.max(wire.delete_at);
        let stands = match held {
            Some((stands, _)) if self.toggle => stands && !wire.is_withdrawn(),
            None if self.toggle => true,
            Some((stands, held)) if (version, wire.is_withdrawn()) <= (held, !stands) => return,
            _ => !wire.is_withdrawn(),
        };
        self.acknowledged.insert(key, (stands, version));
    }

    pub(super) fn deliver_next(&mut self) -> bool {
        if self.out.is_empty() {
            return false;
        }
        let (attempt, frame) = self.out.remove(0);
        let answer = self.take(&frame);
        self.receipt(attempt, SendOutcome::Answered(answer));
        true
    }

    /// Time passes until nothing is on its way and nothing is due.
    pub(super) fn settle(&mut self) {
        for _ in 0..400 {
            if !self.deliver_next() {
                self.now_ms += 2_000;
                self.run(Input::Timer);
                if self.out.is_empty() && self.is_idle() {
                    return;
                }
                if self.now_ms % 60_000 < 2_100 {
                    self.ping();
                }
            }
        }
        panic!("never idle");
    }

    pub(super) fn is_idle(&self) -> bool {
        self.host.get::<Round>(&LINK).is_none()
            && self.host.prefix::<crate::model::Due, ()>(&(), 1).is_empty()
    }

    pub(super) fn expect_same(&self) {
        let posts = self.host.prefix::<Post, ()>(&(), 10_000);
        for (no, post) in &posts {
            let link = self.host.get::<Link>(&(TOWN, LINK)).unwrap();
            if *no > link.posts_before {
                let there = self.posts.get(post.id.as_str());
                if post.delete_at == 0 {
                    let own = (post.message.clone(), false);
                    assert_eq!(there, Some(&own), "post {no:?}");
                } else {
                    // What the peer never got needs no deletion there.
                    assert!(there.is_none_or(|(_, deleted)| *deleted), "post {no:?}");
                }
            }
        }
        let rows = self.host.prefix::<Acknowledgement, ()>(&(), 10_000);
        for ((no, user), row) in rows {
            let post = self.host.get::<Post>(&no).unwrap();
            let user = self.host.get::<crate::model::User>(&user).unwrap();
            let key = (post.id.to_string(), user.id.to_string());
            if post.delete_at == 0 {
                let there = self.acknowledged.get(&key);
                let stands = there.is_some_and(|(stands, _)| *stands);
                assert_eq!(stands, row.acknowledged_at != 0, "{key:?}");
            }
        }
        for ((no, user, emoji), reaction) in self.host.prefix::<Reaction, ()>(&(), 10_000) {
            let post = self.host.get::<Post>(&no).unwrap();
            let user = self.host.get::<crate::model::User>(&user).unwrap();
            let key = (post.id.to_string(), user.id.to_string(), emoji);
            if post.delete_at == 0 {
                assert_eq!(
                    self.reactions.contains(&key),
                    reaction.delete_at == 0,
                    "{key:?}"
                );
            }
        }
    }

    /// Posts and users of the acknowledgements that the peer shows.
    pub(super) fn acknowledgements(&self) -> Vec<(String, String)> {
        let stands = self.acknowledged.iter().filter(|(_, (stands, _))| *stands);
        stands.map(|(key, _)| key.clone()).collect()
    }

    pub(super) fn exceptions(&self) -> Vec<ExceptionState> {
        let rows = self.host.prefix::<Exception, ()>(&(), 1_000);
        rows.into_iter().map(|(_, row)| row.state).collect()
    }
}

pub(super) fn react(post: PostNo) -> Command {
    Command::AddReaction(AddReaction {
        post,
        emoji: "tada".into(),
    })
}

pub(super) fn acknowledge(post: PostNo) -> Command {
    Command::AcknowledgePost(AcknowledgePost { post })
}

pub(super) fn withdraw(post: PostNo) -> Command {
    Command::WithdrawAcknowledgement(WithdrawAcknowledgement { post })
}

pub(super) fn edit(post: PostNo, text: &str) -> Command {
    Command::EditPost(EditPost {
        post,
        message: Some(text.into()),
        props: None,
        is_pinned: None,
    })
}
