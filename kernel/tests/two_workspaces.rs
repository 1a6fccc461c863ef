//! Two workspaces over a perfect connection: what is written on one side is visible on the other.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;

use causeway_kernel::boundary::env::Rows as _;
use causeway_kernel::boundary::input::{Actor, Genesis, Input, PingAnswer, Receipt, SendOutcome};
use causeway_kernel::boundary::output::{Effect, Object, Output, Reply};
use causeway_kernel::boundary::policy::{Gate, Question, Verdict};
use causeway_kernel::command::{
    AcceptConnection, AddReaction, Command, ConfigureConnectedWorkspaces, ConfirmConnection,
    CreateChannel, CreateConnection, CreatePost, CreateTeam, CreateUser, DeletePost, EditPost,
    InviteToChannel, OpenDirectChannel,
};
use causeway_kernel::model::{
    Channel, ChannelKind, ChannelPost, Config, ConnectedWorkspaces, Connection, Exception, Held,
    History, PeerKind, Post, Reaction,
};
use causeway_kernel::objects::direct::Participants;
use causeway_kernel::rows::id::{ChannelNo, ConnectionNo, Id, PostNo, TeamNo, UserNo};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::testing::MemoryHost;
use causeway_kernel::rows::tx::Read;

const CONNECTION: ConnectionNo = ConnectionNo(1);
/// Maximum number of effects until everything that follows from one input must be delivered.
const ROUNDS_MAX: u32 = 1_000;

struct Site {
    host: MemoryHost,
    salt: u64,
}

/// Both sides and a clock.
struct Pair {
    sites: [Site; 2],
    now_ms: i64,
}

impl Pair {
    fn run(&mut self, side: usize, input: &Input) -> Output {
        self.now_ms += 5;
        let site = &mut self.sites[side];
        site.host.run(self.now_ms, site.salt, input)
    }

    /// Carries out an input and delivers everything that is sent as a result, in both directions.
    fn settle(&mut self, side: usize, input: &Input) -> Reply {
        let first = self.run(side, input);
        let effects = first.effects.into_iter();
        self.deliver(effects.map(|effect| (side, effect)).collect());
        first.reply
    }

    /// Delivers what the sides send, and everything that is sent as a result.
    fn deliver(&mut self, mut queue: VecDeque<(usize, Effect)>) {
        let mut rounds = 0;
        while let Some((from, effect)) = queue.pop_front() {
            rounds += 1;
            assert!(
                rounds <= ROUNDS_MAX,
                "never settles; still on its way: {queue:?}"
            );
            let Effect::Send {
                connection,
                attempt,
                frame,
            } = effect
            else {
                continue;
            };
            let input = Input::Frame {
                connection: CONNECTION,
                body: frame,
                skip: Vec::new(),
            };
            let output = self.run(1 - from, &input);
            let Reply::Http { status: 200, body } = output.reply else {
                panic!("refused: {:?}", output.reply)
            };
            queue.extend(output.effects.into_iter().map(|effect| (1 - from, effect)));
            let outcome = SendOutcome::Answered(body);
            let receipt = Input::Receipt(Receipt {
                connection,
                attempt,
                outcome,
            });
            let output = self.run(from, &receipt);
            queue.extend(output.effects.into_iter().map(|effect| (from, effect)));
        }
    }

    fn act(&mut self, side: usize, actor: Actor, command: Command) -> Object {
        let reply = self.settle(
            side,
            &Input::Command {
                actor,
                key: None,
                command,
            },
        );
        let Reply::Object(object) = reply else {
            panic!("{reply:?}")
        };
        object
    }
}

fn create_user(name: &str) -> Command {
    Command::CreateUser(CreateUser {
        admin: true,
        ..CreateUser::named(name, format!("{name}@site.example"))
    })
}

fn create_connection(name: &str) -> CreateConnection {
    CreateConnection {
        name: name.to_string(),
        display_name: String::new(),
        default_team_id: String::new(),
    }
}

fn connected() -> Pair {
    let site = |salt| Site {
        host: MemoryHost::new(),
        salt,
    };
    let mut pair = Pair {
        sites: [site(1), site(2)],
        now_ms: 1_800_000_000_000,
    };
    for side in 0..2 {
        let site_url = format!("https://site-{side}.example");
        pair.run(
            side,
            &Input::Genesis(Genesis {
                site_url,
                config: Config::default(),
            }),
        );
        pair.act(side, Actor::System, create_user(["alice", "bob"][side]));
        let team = CreateTeam {
            name: "main".to_string(),
            display_name: "Main".to_string(),
            description: String::new(),
            is_open: true,
        };
        pair.act(side, Actor::User(UserNo(1)), Command::CreateTeam(team));
    }
    let me = Actor::User(UserNo(1));
    pair.act(
        0,
        me,
        Command::CreateConnection(create_connection("site-b")),
    );
    let remote_id = pair.sites[0]
        .host
        .get::<Connection>(&CONNECTION)
        .unwrap()
        .remote_id;
    let accept = AcceptConnection {
        create: create_connection("site-a"),
        remote_id,
        site_url: "https://site-0.example".to_string(),
        kind: PeerKind::Causeway,
        remote_team_id: String::new(),
    };
    pair.act(1, me, Command::AcceptConnection(accept));
    for side in 0..2 {
        let confirm = Command::ConfirmConnection(ConfirmConnection {
            connection: CONNECTION,
            site_url: format!("https://site-{}.example", 1 - side),
            kind: PeerKind::Causeway,
            remote_team_id: String::new(),
        });
        pair.act(side, Actor::System, confirm);
        ping(&mut pair, side);
    }
    pair
}

/// The other side answers a ping.
fn ping(pair: &mut Pair, side: usize) {
    let answer = PingAnswer {
        sent_at_ms: pair.now_ms,
        recv_at_ms: pair.now_ms,
        kind: Some(PeerKind::Causeway),
        incarnation: None,
    };
    let answered = Input::Ping {
        connection: CONNECTION,
        answer: Some(answer),
    };
    pair.settle(side, &answered);
}

fn posts(pair: &Pair, side: usize, id: &str) -> Post {
    let host = &pair.sites[side].host;
    host.get::<Post>(&lookup::post(host, id).unwrap()).unwrap()
}

/// Shares a channel of the first side, which alice is in.
fn share_lounge(pair: &mut Pair) -> ChannelNo {
    let alice = Actor::User(UserNo(1));
    let channel = CreateChannel {
        team: TeamNo(1),
        name: "lounge".to_string(),
        display_name: "Lounge".to_string(),
        header: String::new(),
        purpose: String::new(),
        kind: ChannelKind::Public,
    };
    let Object::Channel(channel) = pair.act(0, alice, Command::CreateChannel(channel)) else {
        panic!("no channel")
    };
    let invite = Command::InviteToChannel(InviteToChannel {
        channel,
        connection: CONNECTION,
        read_only: false,
        history: History::Configured,
    });
    pair.act(0, alice, invite);
    channel
}

fn write(channel: ChannelNo, root: Option<PostNo>, message: &str) -> Command {
    Command::CreatePost(CreatePost {
        channel,
        root,
        message: message.to_string(),
        props: String::new(),
        kind: String::new(),
        priority: None,
        files: Vec::new(),
    })
}

#[test]
fn posts_edits_reactions_and_deletions_reach_the_other_side_and_come_back() {
    let mut pair = connected();
    let alice = Actor::User(UserNo(1));
    let channel = share_lounge(&mut pair);
    let Object::Post(root) = pair.act(0, alice, write(channel, None, "hello")) else {
        panic!("no post")
    };
    let id = pair.sites[0]
        .host
        .get::<Post>(&root)
        .unwrap()
        .id
        .to_string();
    assert_eq!(posts(&pair, 1, &id).message, "hello");
    let there = posts(&pair, 1, &id);
    let there_no = lookup::post(&pair.sites[1].host, &id).unwrap();
    let reply = write(there.channel, Some(there_no), "hello back");
    let Object::Post(reply) = pair.act(1, alice, reply) else {
        panic!("no reply")
    };
    let reply_id = pair.sites[1]
        .host
        .get::<Post>(&reply)
        .unwrap()
        .id
        .to_string();
    assert_eq!(posts(&pair, 0, &reply_id).root, Some(root));
    let emoji = "tada".to_string();
    pair.act(
        1,
        alice,
        Command::AddReaction(AddReaction {
            post: there_no,
            emoji,
        }),
    );
    let found = pair.sites[0].host.prefix::<Reaction, _>(&root, 9);
    assert!(found.len() == 1 && found[0].1.delete_at == 0);
    let edit = Command::EditPost(EditPost {
        post: root,
        message: Some("hello, edited".to_string()),
        props: None,
        is_pinned: Some(true),
    });
    pair.act(0, alice, edit);
    let edited = posts(&pair, 1, &id);
    assert!(edited.message == "hello, edited" && edited.is_pinned);
    pair.settle(
        0,
        &Input::Command {
            actor: alice,
            key: None,
            command: Command::DeletePost(DeletePost { post: root }),
        },
    );
    assert_ne!(posts(&pair, 1, &id).delete_at, 0);
    assert_ne!(posts(&pair, 1, &reply_id).delete_at, 0);
}

/// Two sides whose users know each other, as both have written in a shared channel; direct messages are
/// allowed on the sides in `allowed`.
fn acquainted(allowed: [bool; 2]) -> Pair {
    let mut pair = connected();
    let me = Actor::User(UserNo(1));
    let lounge = share_lounge(&mut pair);
    pair.act(0, me, write(lounge, None, "hello"));
    let id = pair.sites[0].host.channel(lounge).unwrap().id.to_string();
    let there = lookup::channel(&pair.sites[1].host, &id).unwrap();
    pair.act(1, me, write(there, None, "hello back"));
    for (side, direct) in allowed.into_iter().enumerate() {
        let settings = ConnectedWorkspaces {
            direct,
            ..ConnectedWorkspaces::default()
        };
        let command =
            Command::ConfigureConnectedWorkspaces(ConfigureConnectedWorkspaces { settings });
        let (actor, key) = (Actor::System, None);
        let input = Input::Command {
            actor,
            key,
            command,
        };
        assert_eq!(pair.settle(side, &input), Reply::Done);
    }
    pair
}

/// The user of the other side, as known on this one.
fn other_user(pair: &Pair, side: usize) -> UserNo {
    let id = pair.sites[1 - side].host.user(UserNo(1)).unwrap().id;
    lookup::user(&pair.sites[side].host, id.as_str()).unwrap()
}

fn input(command: Command) -> Input {
    Input::Command {
        actor: Actor::User(UserNo(1)),
        key: None,
        command,
    }
}

/// Opens the direct channel between both users on one side, and writes there, without delivering anything.
fn begin(pair: &mut Pair, side: usize, message: &str) -> (ChannelNo, VecDeque<(usize, Effect)>) {
    let with = other_user(pair, side);
    let open = Command::OpenDirectChannel(OpenDirectChannel { with });
    let opened = pair.run(side, &input(open));
    let Reply::Object(Object::Channel(channel)) = opened.reply else {
        panic!("{:?}", opened.reply)
    };
    let written = pair.run(side, &input(write(channel, None, message)));
    let effects = opened.effects.into_iter().chain(written.effects);
    (channel, effects.map(|effect| (side, effect)).collect())
}

/// Ids of a channel and texts of its posts, oldest first.
fn conversation(pair: &Pair, side: usize, channel: ChannelNo) -> (Id, Vec<String>) {
    let host = &pair.sites[side].host;
    let listed = host.prefix::<ChannelPost, _>(&channel, 99).into_iter();
    let texts = listed.map(|((_, _, no), _)| host.get::<Post>(&no).unwrap().message);
    (host.channel(channel).unwrap().id, texts.collect())
}

fn direct_channel(pair: &Pair, side: usize) -> Option<ChannelNo> {
    let users = [UserNo(1), other_user(pair, side)];
    let host = &pair.sites[side].host;
    Participants::of_direct(host, users)?.channel(host)
}

#[test]
fn a_direct_channel_is_opened_with_its_first_message() {
    let mut pair = acquainted([true, true]);
    let (channel, sent) = begin(&mut pair, 0, "just us");
    pair.deliver(sent);
    let there = direct_channel(&pair, 1).unwrap();
    pair.settle(1, &input(write(there, None, "hi")));
    let expected = conversation(&pair, 0, channel);
    assert_eq!(expected.1, ["just us", "hi"]);
    assert_eq!(conversation(&pair, 1, there), expected);
}

/// Each side opens and writes before it hears of the other; whichever message arrives first.
#[test]
fn a_direct_channel_that_both_open_at_once_is_the_same_on_both_sides() {
    for first in 0..2 {
        let mut pair = acquainted([true, true]);
        let (ours, mut sent) = begin(&mut pair, first, "from one");
        let (theirs, others) = begin(&mut pair, 1 - first, "from the other");
        sent.extend(others);
        pair.deliver(sent);
        let expected = conversation(&pair, first, ours);
        assert_eq!(expected.1, ["from one", "from the other"]);
        assert_eq!(conversation(&pair, 1 - first, theirs), expected);
    }
}

#[test]
fn what_was_written_while_the_other_side_refused_arrives_once_it_allows_it() {
    let mut pair = acquainted([true, false]);
    let (channel, sent) = begin(&mut pair, 0, "anybody there?");
    pair.deliver(sent);
    assert_eq!(direct_channel(&pair, 1), None);
    pair.settle(0, &input(write(channel, None, "hello?")));
    assert_eq!(direct_channel(&pair, 1), None);
    let settings = ConnectedWorkspaces {
        direct: true,
        ..ConnectedWorkspaces::default()
    };
    let allow = Command::ConfigureConnectedWorkspaces(ConfigureConnectedWorkspaces { settings });
    pair.settle(1, &input(allow));
    pair.settle(0, &input(write(channel, None, "now?")));
    let there = direct_channel(&pair, 1).unwrap();
    let mut texts = conversation(&pair, 1, there).1;
    texts.sort();
    assert_eq!(texts, ["anybody there?", "hello?", "now?"]);
}

/// Time passes, and what is due then is done on both sides.
fn wait(pair: &mut Pair, ms: i64) {
    pair.now_ms += ms;
    for side in [0, 1, 0, 1] {
        ping(pair, side);
        pair.settle(side, &Input::Timer);
    }
}

#[test]
fn what_was_written_while_the_policies_there_failed_on_its_author_arrives_in_order() {
    let mut pair = connected();
    let alice = Actor::User(UserNo(1));
    let channel = share_lounge(&mut pair);
    let works = Rc::new(Cell::new(false));
    let switch = works.clone();
    pair.sites[1].host.policy = Some(Box::new(move |question| match question {
        Question::Profile(_) if !switch.get() => Verdict::Failed("trapped".into()),
        _ => Verdict::Allow,
    }));
    let changed = Input::PolicyChanged {
        chain: String::new(),
        what: String::new(),
        gates: Some([Gate::Profile].into_iter().collect()),
    };
    pair.settle(1, &changed);
    let Object::Post(first) = pair.act(0, alice, write(channel, None, "first")) else {
        panic!("no post")
    };
    pair.act(0, alice, write(channel, Some(first), "answer"));
    let react = Command::AddReaction(AddReaction {
        post: first,
        emoji: "tada".to_string(),
    });
    pair.act(0, alice, react);
    // Far longer than a workspace tries again what another one does not take.
    for _ in 0..60 {
        wait(&mut pair, 60_000);
    }
    pair.act(0, alice, write(channel, None, "last"));
    let exceptions = |pair: &Pair| pair.sites[0].host.prefix::<Exception, ()>(&(), 9).len();
    let held = |pair: &Pair| pair.sites[1].host.prefix::<Held, ()>(&(), 9).len();
    assert_eq!((exceptions(&pair), held(&pair)), (0, 5));
    works.set(true);
    wait(&mut pair, 60_000);
    assert_eq!((exceptions(&pair), held(&pair)), (0, 0));
    let id = pair.sites[0].host.get::<Channel>(&channel).unwrap().id;
    let there = lookup::channel(&pair.sites[1].host, id.as_str()).unwrap();
    let (_, texts) = conversation(&pair, 1, there);
    assert_eq!(texts[1..], ["first", "answer", "last"]);
    assert_eq!(pair.sites[1].host.prefix::<Reaction, ()>(&(), 9).len(), 1);
}
