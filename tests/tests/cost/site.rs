//! A workspace on the real kernel, over rows in memory. It has a peer with a shared channel, a user
//! of each side, and a post of its own.

use causeway_engine::runtime::{
    ComponentOptions, ComponentSource, KernelRunner, KernelSource, Sandbox, StepEnd, StepHost,
};
use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::{LogLevel, Range, Rows, Scan, StepContext};
use causeway_kernel::boundary::input::{
    Actor, FramePart, Genesis, Input, PingAnswer, Receipt, SendOutcome,
};
use causeway_kernel::boundary::output::{Effect, Reply};
use causeway_kernel::boundary::policy::Verdict;
use causeway_kernel::command::{
    Command, ConfirmConnection, CreateChannel, CreateConnection, CreatePost, CreateTeam,
    CreateUser, InviteToChannel,
};
use causeway_kernel::model::{Channel, ChannelKind, Config, Connection, History, PeerKind, Post};
use causeway_kernel::rows::id::{ChannelNo, ConnectionNo, PostNo, TeamNo, UserNo};
use causeway_kernel::rows::memory::Tables;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::Read;
use causeway_kernel::wire::response::encode_ok;
use serde_json::{Value, json};

pub const CHANNEL: ChannelNo = ChannelNo(3);
pub const PEER: ConnectionNo = ConnectionNo(1);
/// Another peer, once [`Site::connect_other`] was called.
pub const OTHER: ConnectionNo = ConnectionNo(2);
const START_MS: i64 = 1_800_000_000_000;
const BOSS: Actor = Actor::User(UserNo(1));

/// The cost of a step.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub fuel: u64,
    pub input_bytes: u64,
}

pub struct Site {
    kernel: Box<dyn KernelRunner>,
    rows: Tables,
    steps: u32,
    /// Whether every question to the policies fails.
    policy_fails: bool,
}

struct Host<'a>(&'a Tables, bool);

impl StepHost for Host<'_> {
    fn get_many(&mut self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        self.0.get_many(table, keys)
    }

    fn scan(&mut self, table: Table, range: &Range) -> Scan {
        self.0.scan(table, range)
    }

    fn ask(&mut self, questions: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        let verdict = if self.1 {
            Verdict::Failed("as the test says".into())
        } else {
            Verdict::Allow
        };
        let verdict = codec::encode_verdict(&verdict);
        questions.iter().map(|_| verdict.clone()).collect()
    }

    fn log(&mut self, _: LogLevel, _: String) {}
}

/// An id of letters and a number.
pub fn id(letters: &str, number: u32) -> String {
    let mut word = String::new();
    let mut rest = number;
    for _ in 0..5 {
        word.push(char::from(b'a' + u8::try_from(rest % 26).unwrap()));
        rest /= 26;
    }
    long(&format!("{letters}{word}"))
}

/// An id that begins with these letters.
pub fn long(letters: &str) -> String {
    format!("{letters:x<26}")
}

/// The JSON of a profile.
pub fn user(id: &str, name: &str, version: i64) -> Value {
    json!({
        "id": id, "create_at": START_MS, "update_at": START_MS + version, "delete_at": 0,
        "username": name, "email": "", "props": {}, "timezone": {},
    })
}

/// The JSON of a post of the peer's user.
pub fn post(id: &str, message: &str, version: i64) -> Value {
    json!({
        "id": id, "create_at": START_MS, "update_at": START_MS + version, "edit_at": 0,
        "delete_at": 0, "user_id": long("ann"), "channel_id": long(""), "root_id": "",
        "message": message, "type": "", "props": {"n": [1, 2, 3]}, "hashtags": "",
    })
}

/// The JSON of a reaction of the peer's user.
pub fn reaction(post: &str, emoji: &str, version: i64, delete_at: i64) -> Value {
    let delete_at = if delete_at == 0 {
        0
    } else {
        START_MS + delete_at
    };
    json!({
        "user_id": long("ann"), "post_id": long(post), "emoji_name": emoji,
        "create_at": START_MS, "update_at": START_MS + version, "delete_at": delete_at,
    })
}

/// An answered ping of a peer.
pub fn ping(connection: ConnectionNo) -> Input {
    Input::Ping {
        connection,
        answer: Some(PingAnswer {
            sent_at_ms: 0,
            recv_at_ms: 0,
            kind: Some(PeerKind::Causeway),
            incarnation: None,
        }),
    }
}

/// What a step did.
pub struct Ran {
    pub reply: Reply,
    pub cost: Cost,
    pub effects: Vec<Effect>,
}

impl Site {
    pub fn new() -> Site {
        let cache = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("kernels");
        let sandbox = Sandbox::new(Some(&cache)).unwrap();
        let source = ComponentSource::embedded(sandbox, ComponentOptions::default());
        let mut site = Site {
            kernel: source.open().unwrap(),
            rows: Tables::default(),
            steps: 0,
            policy_fails: false,
        };
        site.settle();
        site
    }

    fn settle(&mut self) {
        self.run(&Input::Genesis(Genesis {
            site_url: "https://here.example".into(),
            config: Config::default(),
        }));
        let name = |text: &str| text.to_string();
        self.act(
            Actor::System,
            Command::CreateUser(CreateUser {
                username: name("boss"),
                email: name("boss@here.example"),
                nickname: String::new(),
                first_name: String::new(),
                last_name: String::new(),
                position: String::new(),
                locale: name("en"),
                admin: true,
            }),
        );
        self.act(
            BOSS,
            Command::CreateTeam(CreateTeam {
                name: name("main"),
                display_name: name("Main"),
                description: String::new(),
                is_open: true,
            }),
        );
        self.connect(PEER, "peer");
        self.act(
            BOSS,
            Command::CreateChannel(CreateChannel {
                team: TeamNo(1),
                kind: ChannelKind::Public,
                name: name("joint"),
                display_name: name("Joint"),
                header: String::new(),
                purpose: String::new(),
            }),
        );
        self.invite(PEER);
        self.act(
            BOSS,
            Command::CreatePost(CreatePost {
                channel: CHANNEL,
                root: None,
                message: name("local"),
                props: String::new(),
                kind: String::new(),
                priority: None,
                files: Vec::new(),
            }),
        );
        let profile = user(&long("ann"), "ann", 1);
        self.sync(&json!({"users": {long("ann"): profile}}));
        self.hold(&json!({"posts": [post(&long("waiting"), "waits", 1)]}));
    }

    /// Adds a second peer that shares the channel.
    pub fn connect_other(&mut self) {
        self.connect(OTHER, "other");
        self.invite(OTHER);
    }

    fn connect(&mut self, connection: ConnectionNo, name: &str) {
        self.act(
            BOSS,
            Command::CreateConnection(CreateConnection {
                name: name.to_string(),
                display_name: name.to_string(),
                default_team_id: String::new(),
            }),
        );
        self.act(
            Actor::System,
            Command::ConfirmConnection(ConfirmConnection {
                connection,
                site_url: format!("https://{name}.example"),
                kind: PeerKind::Causeway,
                remote_team_id: String::new(),
            }),
        );
        self.run(&ping(connection));
    }

    fn invite(&mut self, connection: ConnectionNo) {
        self.act(
            BOSS,
            Command::InviteToChannel(InviteToChannel {
                channel: CHANNEL,
                connection,
                read_only: false,
                history: History::Configured,
            }),
        );
    }

    /// Takes a message while the policies fail, so that its posts are held.
    pub fn hold(&mut self, payload: &Value) {
        self.policy_fails = true;
        self.sync(payload);
        self.policy_fails = false;
    }

    /// Its rows.
    pub fn rows(&self) -> &Tables {
        &self.rows
    }

    /// How many rows a table has.
    pub fn count(&self, table: Table) -> usize {
        self.rows.count(table)
    }

    /// Carries out a command, which must not be refused.
    pub fn act(&mut self, actor: Actor, command: Command) -> Cost {
        let (reply, cost) = self.run(&Input::Command {
            actor,
            key: None,
            command,
        });
        assert!(!matches!(reply, Reply::Refused(_)), "{reply:?}");
        cost
    }

    /// The peer offers a channel.
    pub fn offer(&mut self, number: u32) -> Cost {
        let connection = self.rows.get::<Connection>(&PEER).unwrap();
        let invite = json!({
            "channel_id": id("offered", number), "team_id": "", "read_only": false, "type": "O",
            "name": format!("offered-{number}"), "display_name": "", "header": "", "purpose": "",
            "creator_id": "", "direct_participant_ids": null, "direct_participants": null,
        });
        let frame = json!({
            "remote_id": connection.remote_id.as_str(),
            "msg": {"id": long("m"), "topic": "sharedchannel_invite", "create_at": START_MS,
                "payload": invite},
        });
        let (connection, body) = (PEER, frame.to_string().into_bytes());
        let skip = Vec::new();
        let (reply, cost) = self.run(&Input::Frame {
            connection,
            body,
            skip,
        });
        assert!(
            matches!(reply, Reply::Http { status: 200, .. }),
            "{reply:?}"
        );
        cost
    }

    /// The body of a sync message of a peer.
    pub fn frame(&self, from: ConnectionNo, payload: &Value) -> Vec<u8> {
        let connection = self.rows.get::<Connection>(&from).unwrap();
        let channel = self.rows.get::<Channel>(&CHANNEL).unwrap();
        let local = self
            .local()
            .map_or_else(String::new, |(_, post)| post.id.into());
        let mut payload = payload.clone();
        payload["id"] = json!(long("s"));
        payload["channel_id"] = json!(channel.id.as_str());
        let frame = json!({
            "remote_id": connection.remote_id.as_str(),
            "msg": {"id": long("m"), "topic": "sharedchannel_sync", "create_at": START_MS,
                "payload": payload},
        });
        frame
            .to_string()
            .replace(
                &format!("\"{}\"", long("")),
                &format!("\"{}\"", channel.id.as_str()),
            )
            .replace(&long("local"), &local)
            .into_bytes()
    }

    /// Takes a sync message in as many steps as it needs.
    pub fn sync(&mut self, payload: &Value) -> Vec<Cost> {
        let body = self.frame(PEER, payload);
        let first = Input::Frame {
            connection: PEER,
            body,
            skip: Vec::new(),
        };
        let (mut reply, cost) = self.run(&first);
        let bytes = cost.input_bytes;
        let mut costs = vec![cost];
        while let Reply::Unfinished { .. } = reply {
            let (connection, part) = (PEER, FramePart::Items(u32::MAX));
            let (next, cost) = self.run(&Input::FramePart { connection, part });
            reply = next;
            // Every part reads the whole frame.
            costs.push(Cost {
                input_bytes: bytes,
                ..cost
            });
        }
        assert!(
            matches!(reply, Reply::Http { status: 200, .. }),
            "{reply:?}"
        );
        costs
    }

    fn local(&self) -> Option<(PostNo, Post)> {
        let posts = self.rows.prefix::<Post, ()>(&(), 100);
        posts.into_iter().find(|(_, post)| post.message == "local")
    }

    /// The number of the post of this workspace.
    pub fn local_no(&self) -> PostNo {
        self.local().unwrap().0
    }

    /// Executes a step, and reports everything that it sends as delivered.
    fn run(&mut self, input: &Input) -> (Reply, Cost) {
        let Ran {
            reply,
            cost,
            effects,
        } = self.step(input);
        for effect in &effects {
            if let Some(receipt) = delivered(effect) {
                self.run(&receipt);
            }
        }
        (reply, cost)
    }

    /// Executes a step.
    pub fn step(&mut self, input: &Input) -> Ran {
        self.steps += 1;
        let context = StepContext {
            now_ms: START_MS + i64::from(self.steps),
            seed: u128::from(self.steps).to_be_bytes(),
        };
        let bytes = codec::encode_input(input);
        let mut host = Host(&self.rows, self.policy_fails);
        let end = self.kernel.step(&mut host, context, &bytes);
        let StepEnd::Done(output) = end else {
            panic!("{end:?}");
        };
        self.rows.apply(&output.writes);
        let effects = output.effects.iter();
        Ran {
            reply: codec::decode_reply(&output.reply).unwrap(),
            cost: Cost {
                fuel: self.kernel.fuel_used().unwrap(),
                input_bytes: bytes.len() as u64,
            },
            effects: effects
                .map(|bytes| codec::decode_effect(bytes).unwrap())
                .collect(),
        }
    }
}

/// The receipt of a sent message that its peer took.
pub fn delivered(effect: &Effect) -> Option<Input> {
    let Effect::Send {
        connection,
        attempt,
        ..
    } = effect
    else {
        return None;
    };
    Some(Input::Receipt(Receipt {
        connection: *connection,
        attempt: *attempt,
        outcome: SendOutcome::Answered(encode_ok(None)),
    }))
}
