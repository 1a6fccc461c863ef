//! A story of two connected workspaces that covers most events.

use std::cell::Cell;

use causeway_kernel::boundary::input::{
    Actor, Genesis, Incarnation, Input, PingAnswer, Receipt, SendOutcome, UploadProgress,
};
use causeway_kernel::boundary::output::{Effect, Object, Output, Reply, SendPicture};
use causeway_kernel::boundary::policy::{
    ComponentQuestion, Denial, Gates, Question, Revision, Verdict,
};
use causeway_kernel::command::{
    AcceptConnection, AddChannelMember, AddFile, AddTeamMember, Command, ConfirmConnection,
    CreateChannel, CreateConnection, CreatePost, CreateTeam, CreateUser, InviteToChannel,
    PatchUser, SetPicture, UserPatch,
};
use causeway_kernel::model::{
    Channel, ChannelKind, Component, Config, Connection, History, PeerKind, Post, Priority,
    PriorityLevel,
};
use causeway_kernel::rows::id::{ChannelNo, ConnectionNo, FileNo, Id, PostNo, TeamNo, UserNo};
use causeway_kernel::rows::tx::Read;

use super::node::Node;

pub const CONNECTION: ConnectionNo = ConnectionNo(1);
const TEAM: TeamNo = TeamNo(1);
pub const OPERATOR: Actor = Actor::System;
pub const FIRST: Actor = Actor::User(UserNo(1));

/// Words of the story that no masked session may contain.
pub const WORDS: &[&str] = &[
    "alice",
    "berta",
    "carol",
    "lounge",
    "acme",
    "globex",
    "initech",
    "handbook",
    "rosebud",
    "marmalade",
    "wonderful",
    "Nickel",
    "Engineer",
    "example",
];

pub struct Story {
    pub nodes: [Node; 2],
    pub now_ms: i64,
    /// The outcome of sends: `None` = they are delivered.
    pub outcome: Option<SendOutcome>,
    failing: Cell<bool>,
    /// A post from before the channel was shared.
    pub old: Option<PostNo>,
}

impl Story {
    fn run(&mut self, side: usize, input: Input) -> Output {
        self.now_ms += 5;
        let failing = self.failing.get();
        self.nodes[side].run(self.now_ms, input, |question| judge(question, failing))
    }

    /// Carries out an input and delivers the resulting sends.
    pub fn settle(&mut self, side: usize, input: Input) -> Reply {
        let first = self.run(side, input);
        let mut queue: Vec<_> = first.effects.into_iter().map(|sent| (side, sent)).collect();
        for _ in 0..200 {
            if queue.is_empty() {
                break;
            }
            let (from, effect) = queue.remove(0);
            let (connection, attempt, arriving) = match effect {
                Effect::Send {
                    connection,
                    attempt,
                    frame,
                } => (connection, attempt, framed(&frame)),
                Effect::SendFile(file) => {
                    let arriving = uploaded(file.upload, file.digest);
                    (file.connection, file.attempt, arriving)
                }
                Effect::SendPicture(picture) => {
                    let (connection, attempt) = (picture.connection, picture.attempt);
                    (connection, attempt, pictured(picture))
                }
                _ => continue,
            };
            let outcome = match &self.outcome {
                Some(outcome) => outcome.clone(),
                None => {
                    let arrived = self.run(1 - from, arriving);
                    queue.extend(arrived.effects.into_iter().map(|sent| (1 - from, sent)));
                    match arrived.reply {
                        Reply::Http { status: 200, body } => SendOutcome::Answered(body),
                        Reply::Http { status, .. } => SendOutcome::Refused(status),
                        other => panic!("{other:?}"),
                    }
                }
            };
            let receipt = Input::Receipt(Receipt {
                connection,
                attempt,
                outcome,
            });
            let output = self.run(from, receipt);
            queue.extend(output.effects.into_iter().map(|sent| (from, sent)));
        }
        first.reply
    }

    /// A peer's frame arrives.
    pub fn frame(&mut self, side: usize, body: &[u8]) -> Reply {
        self.settle(side, framed(body))
    }

    pub fn act(&mut self, side: usize, actor: Actor, command: Command) -> Reply {
        let input = Input::Command {
            actor,
            key: None,
            command,
        };
        self.settle(side, input)
    }

    pub fn write(&mut self, side: usize, channel: ChannelNo, text: &str) -> Option<PostNo> {
        match self.act(side, FIRST, post(channel, None, text, "")) {
            Reply::Object(Object::Post(post)) => Some(post),
            _ => None,
        }
    }

    pub fn wait(&mut self, pause_ms: i64) {
        self.now_ms += pause_ms;
        for side in [0, 1] {
            self.ping(side, None);
            for _ in 0..3 {
                self.settle(side, Input::Timer);
            }
        }
    }

    /// A ping is answered: the peer is online.
    pub fn ping(&mut self, side: usize, kind: Option<PeerKind>) {
        self.pinged(side, kind, None);
    }

    fn pinged(&mut self, side: usize, kind: Option<PeerKind>, incarnation: Option<Incarnation>) {
        let answer = Some(PingAnswer {
            sent_at_ms: self.now_ms,
            recv_at_ms: self.now_ms,
            kind,
            incarnation,
        });
        self.settle(
            side,
            Input::Ping {
                connection: CONNECTION,
                answer,
            },
        );
    }

    pub fn policies(&mut self, failing: bool) {
        self.failing.set(failing);
        let changed = Input::PolicyChanged {
            chain: "a1b2".to_string(),
            what: "load no-rosebud".to_string(),
            gates: Some(Gates::ALL),
        };
        self.settle(0, changed);
    }

    /// A frame of the peer with a sync message of the first channel arrives.
    pub fn sync(&mut self, side: usize, sections: &str) -> Reply {
        let body = self.sync_body(side, sections);
        self.frame(side, &body)
    }

    /// The body of such a frame.
    pub fn sync_body(&self, side: usize, sections: &str) -> Vec<u8> {
        let rows = &self.nodes[side].rows;
        let connection = rows.get::<Connection>(&CONNECTION).unwrap();
        let channel = rows.get::<Channel>(&ChannelNo(3)).unwrap();
        let (id, channel) = (connection.remote_id, channel.id);
        let sections = sections.replace("CHANNEL", channel.as_str());
        let body = format!(
            r#"{{"remote_id":"{id}","msg":{{"id":"{id}","topic":"sharedchannel_sync","create_at":5,
            "payload":{{"id":"{id}","channel_id":"{channel}",{sections}}}}}}}"#
        );
        body.into_bytes()
    }

    /// A ping is answered by an incarnation of the peer.
    pub fn ping_of(&mut self, side: usize, incarnation: Option<Incarnation>) {
        self.pinged(side, None, incarnation);
    }
}

fn framed(body: &[u8]) -> Input {
    Input::Frame {
        connection: CONNECTION,
        body: body.to_vec(),
        skip: Vec::new(),
    }
}

/// The bytes of a file arrive.
fn uploaded(upload: Id, digest: String) -> Input {
    let dimensions = None;
    Input::Upload {
        connection: CONNECTION,
        upload,
        progress: UploadProgress::Whole { digest, dimensions },
    }
}

/// A picture arrives.
fn pictured(picture: SendPicture) -> Input {
    Input::Picture {
        connection: CONNECTION,
        user: picture.user,
        digest: picture.digest,
        size: picture.size,
    }
}

fn judge(question: &Question<'_>, failing: bool) -> Verdict {
    if let Question::Component(ComponentQuestion {
        component: Component::Button(button),
        ..
    }) = question
        && button.label.contains("rosebud")
    {
        return Verdict::Deny(Denial::for_reason("rosebud is no button"));
    }
    let Some(post) = question.post() else {
        return Verdict::Allow;
    };
    if post.message.contains("rosebud") {
        Verdict::Deny(Denial::for_reason(format!(
            "rosebud is not for {}",
            post.connection_name
        )))
    } else if post.message.contains("marmalade") {
        Verdict::Revise(Revision::of_message(
            post.message.replace("marmalade", "********* #jam"),
        ))
    } else if failing && post.message.contains("maybe") {
        Verdict::Failed("out of fuel".to_string())
    } else {
        Verdict::Allow
    }
}

pub fn post(channel: ChannelNo, root: Option<PostNo>, message: &str, props: &str) -> Command {
    Command::CreatePost(CreatePost {
        channel,
        root,
        message: message.to_string(),
        props: props.to_string(),
        kind: String::new(),
        priority: None,
        files: Vec::new(),
    })
}

pub fn urgent_post(channel: ChannelNo, message: &str) -> Command {
    Command::CreatePost(CreatePost {
        channel,
        root: None,
        message: message.to_string(),
        props: String::new(),
        kind: String::new(),
        priority: Some(Priority {
            level: PriorityLevel::Urgent,
            requested_ack: true,
            persistent_notifications: false,
        }),
        files: Vec::new(),
    })
}

pub fn file(channel: ChannelNo, name: &str) -> Command {
    Command::AddFile(AddFile {
        channel,
        name: name.to_string(),
        size: 1_000,
        digest: "0a1b2c3d".repeat(8),
        dimensions: None,
    })
}

pub fn picture(user: UserNo, byte: u8) -> Command {
    Command::SetPicture(SetPicture {
        user,
        digest: format!("{byte:02x}").repeat(32),
        size: 600,
        is_generated: false,
    })
}

pub fn post_with_files(channel: ChannelNo, message: &str, files: Vec<FileNo>) -> Command {
    Command::CreatePost(CreatePost {
        channel,
        root: None,
        message: message.to_string(),
        props: String::new(),
        kind: String::new(),
        priority: None,
        files,
    })
}

pub fn user(name: &str, email: &str) -> Command {
    Command::CreateUser(CreateUser {
        username: name.to_string(),
        email: email.to_string(),
        nickname: "Nickel".to_string(),
        first_name: "Zoë".to_string(),
        last_name: "O'Neil".to_string(),
        position: "Engineer".to_string(),
        locale: "de".to_string(),
        admin: true,
    })
}

pub fn team(name: &str) -> Command {
    Command::CreateTeam(CreateTeam {
        name: name.to_string(),
        display_name: "The Acme".to_string(),
        description: "All of acme".to_string(),
        is_open: true,
    })
}

pub fn channel(name: &str, display_name: &str) -> Command {
    Command::CreateChannel(CreateChannel {
        team: TEAM,
        name: name.to_string(),
        display_name: display_name.to_string(),
        header: "see https://acme.example/handbook".to_string(),
        purpose: "wonderful".to_string(),
        kind: ChannelKind::Public,
    })
}

pub fn connection(name: &str) -> CreateConnection {
    CreateConnection {
        name: name.to_string(),
        display_name: String::new(),
        default_team_id: String::new(),
    }
}

/// Both workspaces, connected, with the shared channel number 3 on each side.
pub fn begin(kind: PeerKind) -> Story {
    let mut story = Story {
        nodes: [Node::new(1), Node::new(2)],
        now_ms: 1_800_000_000_000,
        outcome: None,
        failing: Cell::new(true),
        old: None,
    };
    for (side, name) in ["alice", "berta"].into_iter().enumerate() {
        let genesis = Genesis {
            site_url: format!("https://{name}.example:8065/"),
            config: Config::default(),
        };
        story.settle(side, Input::Genesis(genesis));
        for (name, email) in [
            (name, "Alice@Acme.example"),
            ("carol", "carol@acme.example"),
            ("Carol", "other@acme.example"),
            ("berta-2", "alice@acme.example"),
            ("dora", "no address"),
            ("all", "all@acme.example"),
        ] {
            story.act(side, OPERATOR, user(name, email));
        }
        for name in ["admins", "Acme", "acme", "-", "loginpage"] {
            story.act(side, FIRST, team(name));
        }
        story.act(
            side,
            FIRST,
            Command::AddTeamMember(AddTeamMember {
                team: TEAM,
                user: UserNo(2),
            }),
        );
    }
    connect(&mut story, kind);
    for (name, shown) in [
        ("lounge", "Lounge"),
        ("Town-Square", ""),
        ("lounge", ""),
        ("-x", ""),
    ] {
        story.act(0, FIRST, channel(name, shown));
    }
    let (channel, connection) = (ChannelNo(3), CONNECTION);
    story.act(
        0,
        FIRST,
        Command::AddChannelMember(AddChannelMember {
            channel,
            user: UserNo(2),
        }),
    );
    story.old = story.write(0, channel, "older than the link, says alice");
    story.act(
        0,
        FIRST,
        Command::InviteToChannel(InviteToChannel {
            channel,
            connection,
            read_only: false,
            history: History::Configured,
        }),
    );
    story
}

fn connect(story: &mut Story, kind: PeerKind) {
    story.act(0, FIRST, Command::CreateConnection(connection("Globex")));
    let made = story.nodes[0].rows.get::<Connection>(&CONNECTION);
    let accept = AcceptConnection {
        create: connection("initech"),
        remote_id: made.unwrap().remote_id,
        site_url: "https://alice.example".to_string(),
        kind,
        remote_team_id: "t".repeat(26),
    };
    story.act(1, FIRST, Command::AcceptConnection(accept));
    for side in [0, 1] {
        let confirm = Command::ConfirmConnection(ConfirmConnection {
            connection: CONNECTION,
            site_url: "https://peer.example".to_string(),
            kind,
            remote_team_id: ["none".to_string(), "t".repeat(26)][side].clone(),
        });
        story.act(side, OPERATOR, confirm);
        story.ping(side, Some(kind));
    }
}

pub fn rename(user: UserNo, name: &str) -> Command {
    let patch = UserPatch {
        username: Some(name.to_string()),
        ..UserPatch::default()
    };
    Command::PatchUser(PatchUser { user, patch })
}

pub fn text_of(story: &Story, side: usize, post: PostNo) -> String {
    story.nodes[side].rows.get::<Post>(&post).unwrap().message
}
