//! Sending to a model of a peer: it takes what a frame holds, answers, and loses answers.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::command::{
    AcceptConnection, Command, CreateConnection, CreatePost, CreateTeam, CreateUser,
};
use crate::id::{Id, PostNo, TeamNo};
use crate::input::{Actor, Genesis, Input, PingAnswer, Receipt, SendOutcome};
use crate::model::{Config, Exception, ExceptionState, Post, Reaction};
use crate::output::{Object, Output, Reply};
use crate::policy::{Question, Verdict};
use crate::testing::MemoryHost;
use crate::wire::json::Document;
use crate::wire::message::SyncMessage;
use crate::wire::response::{SyncResponse, encode_fail, encode_ok};

const ADMIN: UserNo = UserNo(1);
const ANN: UserNo = UserNo(2);
const TOWN: ChannelNo = ChannelNo(1);
const LINK: ConnectionNo = ConnectionNo(1);
const TEAM_OF_THE_PEER: &str = "teamofthepeer9999999999999";

type Frame = (u64, Vec<u8>);

/// A workspace, and a peer that holds what it was sent.
struct World {
    host: MemoryHost,
    now_ms: i64,
    out: Vec<Frame>,
    toggle: bool,
    users: BTreeSet<String>,
    /// Text and whether deleted, by id.
    posts: BTreeMap<String, (String, bool)>,
    roots: BTreeMap<String, String>,
    reactions: BTreeSet<(String, String, String)>,
    /// Posts of the messages, in order.
    batches: Vec<usize>,
}

impl World {
    fn new(kind: PeerKind) -> World {
        let mut world = World {
            host: MemoryHost::new(),
            now_ms: 1_700_000_000_000,
            out: Vec::new(),
            toggle: kind == PeerKind::Mattermost11,
            users: BTreeSet::new(),
            posts: BTreeMap::new(),
            roots: BTreeMap::new(),
            reactions: BTreeSet::new(),
            batches: Vec::new(),
        };
        world.run(Input::Genesis(Genesis {
            site_url: "http://here.example".into(),
            config: Config::default(),
        }));
        for name in ["admin", "ann"] {
            world.act(
                Actor::System,
                Command::CreateUser(CreateUser {
                    username: name.into(),
                    email: format!("{name}@here.example"),
                    nickname: String::new(),
                    first_name: String::new(),
                    last_name: String::new(),
                    position: String::new(),
                    locale: String::new(),
                    admin: false,
                }),
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
            Command::AddTeamMember {
                team: TeamNo(1),
                user,
            },
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
        let confirm = Command::ConfirmConnection {
            connection: LINK,
            site_url,
            kind,
            remote_team_id: TEAM_OF_THE_PEER.into(),
        };
        world.act(Actor::System, confirm);
        world
    }

    fn shared(kind: PeerKind) -> World {
        let mut world = World::new(kind);
        world.share();
        world.ping();
        world.settle();
        world
    }

    fn share(&mut self) {
        let invite = Command::InviteToChannel {
            channel: TOWN,
            connection: LINK,
            read_only: false,
        };
        self.act(Actor::User(ADMIN), invite);
    }

    fn run(&mut self, input: Input) -> Output {
        self.now_ms += 10;
        let output = self.host.run(self.now_ms, 7, &input);
        for effect in &output.effects {
            if let Effect::Send { attempt, frame, .. } = effect {
                self.out.push((*attempt, frame.clone()));
            }
        }
        output
    }

    fn act(&mut self, actor: Actor, command: Command) -> Object {
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

    fn write(&mut self, root: Option<PostNo>, message: &str) -> PostNo {
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

    fn ping(&mut self) {
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

    fn receipt(&mut self, attempt: u64, outcome: SendOutcome) {
        self.run(Input::Receipt(Receipt {
            connection: LINK,
            attempt,
            outcome,
        }));
    }

    /// The peer takes a frame; returns its answer.
    fn take(&mut self, frame: &[u8]) -> Vec<u8> {
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
        encode_ok(Some(&response))
    }

    fn deliver_next(&mut self) -> bool {
        if self.out.is_empty() {
            return false;
        }
        let (attempt, frame) = self.out.remove(0);
        let answer = self.take(&frame);
        self.receipt(attempt, SendOutcome::Answered(answer));
        true
    }

    /// Time passes until nothing is on its way and nothing is due.
    fn settle(&mut self) {
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

    fn is_idle(&self) -> bool {
        self.host.get::<Round>(&LINK).is_none()
            && self.host.prefix::<crate::model::Due, ()>(&(), 1).is_empty()
    }

    fn expect_same(&self) {
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

    fn exceptions(&self) -> Vec<ExceptionState> {
        let rows = self.host.prefix::<Exception, ()>(&(), 1_000);
        rows.into_iter().map(|(_, row)| row.state).collect()
    }
}

fn react(post: PostNo) -> Command {
    Command::AddReaction {
        post,
        emoji: "tada".into(),
    }
}

fn edit(post: PostNo, text: &str) -> Command {
    Command::EditPost {
        post,
        message: Some(text.into()),
        props: None,
        is_pinned: None,
    }
}

#[test]
fn a_channel_is_offered_in_the_team_that_the_peer_named() {
    let mut world = World::new(PeerKind::Mattermost2021);
    world.share();
    world.ping();
    let (_, frame) = world.out.first().unwrap();
    let frame = String::from_utf8(frame.clone()).unwrap();
    assert!(frame.contains("sharedchannel_invite"), "{frame}");
    assert!(frame.contains(TEAM_OF_THE_PEER), "{frame}");
}

#[test]
fn what_is_posted_while_the_invitation_is_out_arrives_too() {
    let mut world = World::new(PeerKind::Causeway);
    let old = world.write(None, "from before");
    world.share();
    let post = world.write(None, "during");
    world.ping();
    world.settle();
    assert_eq!(world.posts.len(), 1);
    // A reply takes its old root along, a reaction its old post.
    world.write(Some(old), "reply");
    world.act(Actor::User(ANN), react(post));
    world.settle();
    world.expect_same();
    assert_eq!(world.posts.len(), 3);
    assert_eq!(world.reactions.len(), 1);
}

#[test]
fn a_backlog_goes_in_full_batches_and_in_order() {
    let mut world = World::shared(PeerKind::Causeway);
    world.write(None, "first");
    world.settle();
    world.batches.clear();
    for n in 0..131 {
        world.write(None, &format!("post {n}"));
    }
    world.settle();
    world.expect_same();
    // The first leaves at once, the others gather behind it.
    assert_eq!(world.batches, [1, 50, 50, 30]);
}

#[test]
fn lost_answers_restarts_and_late_receipts_lose_and_double_nothing() {
    let mut world = World::shared(PeerKind::Causeway);
    let post = world.write(None, "one");
    let (first, frame) = world.out.remove(0);
    world.take(&frame);
    world.receipt(first, SendOutcome::Unknown);
    world.act(Actor::User(ANN), edit(post, "two"));
    world.run(Input::Resume);
    // The receipt of an attempt that is over changes nothing.
    world.receipt(
        first,
        SendOutcome::Answered(encode_ok(Some(&SyncResponse::default()))),
    );
    world.settle();
    let (again, _) = (world.write(None, "three"), world.out.clone());
    world.run(Input::Resume);
    world.act(Actor::User(ANN), Command::DeletePost { post: again });
    world.out.clear();
    world.run(Input::Resume);
    world.settle();
    world.expect_same();
}

#[test]
fn a_toggle_is_told_of_a_state_at_most_once() {
    let mut world = World::shared(PeerKind::Mattermost11);
    let post = world.write(None, "one");
    world.settle();
    world.act(Actor::User(ANN), react(post));
    let (attempt, frame) = world.out.remove(0);
    world.take(&frame);
    world.receipt(attempt, SendOutcome::Unknown);
    world.settle();
    world.expect_same();
    assert_eq!(
        world
            .host
            .get::<Connection>(&LINK)
            .unwrap()
            .unknown_reactions,
        1
    );
    // What certainly did not arrive is told again; a removal of what it has, once.
    let emoji = "tada".to_string();
    let remove = Command::RemoveReaction {
        post,
        user: ANN,
        emoji,
    };
    world.act(Actor::User(ANN), remove);
    let (attempt, _) = world.out.remove(0);
    world.receipt(attempt, SendOutcome::NeverLeft);
    world.settle();
    world.expect_same();
    assert!(world.reactions.is_empty());
}

#[test]
fn a_refused_post_is_tried_again_and_then_given_up_visibly() {
    let mut world = World::shared(PeerKind::Causeway);
    world.write(None, "fine");
    world.settle();
    let bad = world.write(None, "refused");
    let id = world.host.get::<Post>(&bad).unwrap().id.to_string();
    let refusal = SyncResponse {
        post_errors: vec![id],
        ..SyncResponse::default()
    };
    let mut sends = 0;
    for _ in 0..400 {
        if let Some((attempt, _)) = world.out.pop() {
            sends += 1;
            world.receipt(attempt, SendOutcome::Answered(encode_ok(Some(&refusal))));
        }
        world.now_ms += 2_000;
        world.run(Input::Timer);
        if world.now_ms % 60_000 < 2_100 {
            world.ping();
        }
    }
    assert_eq!(sends, 5);
    assert_eq!(world.exceptions(), [ExceptionState::Dead]);
    assert_eq!(
        world.host.get::<Link>(&(TOWN, LINK)).unwrap().dead_letters,
        1
    );
    // A new version of it is a new item.
    world.act(Actor::User(ANN), edit(bad, "better"));
    world.settle();
    world.expect_same();
    assert!(world.exceptions().is_empty());
}

#[test]
fn a_message_refused_as_a_whole_is_halved_and_nothing_of_it_is_lost() {
    let mut world = World::shared(PeerKind::Causeway);
    world.write(None, "profile goes first");
    world.settle();
    world.host.get::<Link>(&(TOWN, LINK)).unwrap();
    for n in 0..8 {
        world.write(None, &format!("post {n}"));
    }
    for _ in 0..3 {
        while let Some((attempt, _)) = world.out.pop() {
            let fail = encode_fail("database is tired");
            world.receipt(attempt, SendOutcome::Answered(fail));
        }
        world.now_ms += 10_000;
        world.run(Input::Timer);
    }
    world.settle();
    world.expect_same();
}

#[test]
fn what_policies_deny_or_fail_on_stays_until_they_change() {
    let mut world = World::shared(PeerKind::Causeway);
    world.host.policy = Some(Box::new(|question: &Question| {
        let Question::Post(post) = question;
        match post.message.as_str() {
            "secret" => Verdict::Deny("a word".into()),
            "unsure" => Verdict::Failed("trapped".into()),
            "loud" => Verdict::Revise("quiet".into()),
            _ => Verdict::Allow,
        }
    }));
    let secret = world.write(None, "secret");
    world.write(Some(secret), "reply to it");
    world.act(Actor::User(ANN), react(secret));
    let unsure = world.write(None, "unsure");
    let loud = world.write(None, "loud");
    for _ in 0..20 {
        world.deliver_next();
    }
    let loud_id = world.host.get::<Post>(&loud).unwrap().id.to_string();
    assert_eq!(world.posts.len(), 1);
    assert_eq!(world.posts[&loud_id].0, "quiet");
    world.host.policy = None;
    world.act(Actor::User(ANN), edit(loud, "plain"));
    world.run(Input::PolicyChanged {
        chain: String::new(),
        what: String::new(),
    });
    world.settle();
    world.expect_same();
    assert!(world.exceptions().is_empty());
    let _ = unsure;
}

#[test]
fn a_peer_that_says_no_longer_shared_ends_the_link() {
    let mut world = World::shared(PeerKind::Causeway);
    world.write(None, "one");
    let (attempt, _) = world.out.remove(0);
    let fail = encode_fail("cannot process; channel is no longer shared: x");
    world.receipt(attempt, SendOutcome::Answered(fail));
    let link = world.host.get::<Link>(&(TOWN, LINK)).unwrap();
    assert_eq!(link.state, LinkState::Ended);
    world.write(None, "two");
    assert!(world.out.is_empty());
}

#[test]
fn a_restored_peer_is_sent_everything_again() {
    let mut world = World::shared(PeerKind::Causeway);
    for n in 0..60 {
        world.write(None, &format!("post {n}"));
    }
    world.settle();
    let incarnation = |number| crate::input::Incarnation {
        id: Id::from_uuid_bytes([number; 16]),
        number: u32::from(number),
    };
    for number in [1, 2] {
        let answer = PingAnswer {
            sent_at_ms: 0,
            recv_at_ms: 0,
            kind: None,
            incarnation: Some(incarnation(number)),
        };
        world.run(Input::Ping {
            connection: LINK,
            answer: Some(answer),
        });
        if number == 1 {
            world.settle();
            world.posts.clear();
            world.users.clear();
        }
    }
    world.settle();
    world.expect_same();
}

#[derive(Clone, Debug)]
enum Act {
    Write,
    Reply(usize),
    Edit(usize),
    Delete(usize),
    React(usize),
    Unreact(usize),
    Deliver,
    LoseAnswer,
    NeverLeave,
    Status(u16),
    Fail,
    Restart,
    Wait,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => Just(Act::Write),
        2 => (0..20_usize).prop_map(Act::Reply),
        2 => (0..20_usize).prop_map(Act::Edit),
        1 => (0..20_usize).prop_map(Act::Delete),
        2 => (0..20_usize).prop_map(Act::React),
        1 => (0..20_usize).prop_map(Act::Unreact),
        5 => Just(Act::Deliver),
        1 => Just(Act::LoseAnswer),
        1 => Just(Act::NeverLeave),
        1 => prop_oneof![Just(503), Just(401), Just(413)].prop_map(Act::Status),
        1 => Just(Act::Fail),
        1 => Just(Act::Restart),
        2 => Just(Act::Wait),
    ];
    proptest::collection::vec(act, 1..60)
}

fn perform(world: &mut World, posts: &mut Vec<PostNo>, act: &Act) {
    let chosen = |at: &usize| {
        let live = |no: &&PostNo| {
            world
                .host
                .get::<Post>(no)
                .is_some_and(|post| post.delete_at == 0)
        };
        let live: Vec<PostNo> = posts.iter().filter(live).copied().collect();
        (!live.is_empty()).then(|| live[at % live.len()])
    };
    let by_ann = Actor::User(ANN);
    match act {
        Act::Write => posts.push(world.write(None, &format!("post {}", posts.len()))),
        Act::Reply(at) => {
            if let Some(root) = chosen(at) {
                let root = world.host.get::<Post>(&root).unwrap().root.unwrap_or(root);
                posts.push(world.write(Some(root), "reply"));
            }
        }
        Act::Edit(at) => {
            if let Some(post) = chosen(at) {
                let text = format!("edited at {}", world.now_ms);
                world.act(by_ann, edit(post, &text));
            }
        }
        Act::Delete(at) => {
            if let Some(post) = chosen(at) {
                world.act(by_ann, Command::DeletePost { post });
            }
        }
        Act::React(at) => {
            if let Some(post) = chosen(at) {
                world.act(by_ann, react(post));
            }
        }
        Act::Unreact(at) => {
            if let Some(post) = chosen(at) {
                let emoji = "tada".to_string();
                let command = Command::RemoveReaction {
                    post,
                    user: ANN,
                    emoji,
                };
                world.run(Input::Command {
                    actor: by_ann,
                    key: None,
                    command,
                });
            }
        }
        Act::Deliver => {
            world.deliver_next();
        }
        Act::Wait => {
            world.now_ms += 3_000;
            world.run(Input::Timer);
        }
        Act::Restart => {
            world.out.clear();
            world.run(Input::Resume);
        }
        Act::LoseAnswer | Act::NeverLeave | Act::Status(_) | Act::Fail => {
            if let Some((attempt, frame)) = world.out.pop() {
                let outcome = match act {
                    Act::LoseAnswer => {
                        world.take(&frame);
                        SendOutcome::Unknown
                    }
                    Act::NeverLeave => SendOutcome::NeverLeft,
                    Act::Status(status) => SendOutcome::Refused(*status),
                    _ => SendOutcome::Answered(encode_fail("no")),
                };
                world.receipt(attempt, outcome);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn after_any_faults_a_peer_holds_what_we_show(acts in acts()) {
        let mut world = World::shared(PeerKind::Causeway);
        let mut posts = Vec::new();
        for act in &acts {
            perform(&mut world, &mut posts, act);
        }
        world.ping();
        world.settle();
        world.expect_same();
        prop_assert!(world.exceptions().is_empty());
    }
}
