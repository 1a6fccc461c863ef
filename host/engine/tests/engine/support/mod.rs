//! What the tests of kernels and policies share: tables in memory and a scripted session.

pub mod clock;
pub mod disk;
pub mod workspace;

use std::collections::BTreeMap;
use std::path::Path;

use causeway_engine::runtime::{KernelRunner, Sandbox, StepEnd, StepHost, StepOutput};
use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::{LogLevel, Range, Rows, Scan, StepContext};
use causeway_kernel::boundary::input::{Actor, Genesis, Input};
use causeway_kernel::command::{Command, CreateChannel, CreatePost, CreateTeam, CreateUser};
use causeway_kernel::model::{ChannelKind, Config};
use causeway_kernel::rows::id::{ChannelNo, ConnectionNo, PostNo, TeamNo, UserNo};
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::testing::MemoryHost;

/// A sandbox whose compiled components outlive the tests: compiling the kernel takes seconds.
pub fn sandbox() -> Sandbox {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("engine-cache");
    Sandbox::new(Some(&cache)).unwrap()
}

/// Tables in memory, as a step's host.
#[derive(Default)]
pub struct Tables {
    /// The rows, and how they are read.
    pub memory: MemoryHost,
    /// What was logged.
    pub lines: Vec<(LogLevel, String)>,
    steps: u8,
}

impl StepHost for Tables {
    fn get_many(&mut self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        self.memory.get_many(table, keys)
    }

    fn scan(&mut self, table: Table, range: &Range) -> Scan {
        self.memory.scan(table, range)
    }

    fn ask(&mut self, questions: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        let allow = codec::encode_verdict(&causeway_kernel::boundary::policy::Verdict::Allow);
        vec![allow; questions.len()]
    }

    fn log(&mut self, level: LogLevel, message: String) {
        self.lines.push((level, message));
    }
}

impl Tables {
    /// Carries out an input and applies its writes.
    pub fn run(&mut self, kernel: &mut dyn KernelRunner, input: &Input) -> StepOutput {
        self.steps = self.steps.wrapping_add(1);
        let context = context(self.steps);
        match kernel.step(self, context, &codec::encode_input(input)) {
            StepEnd::Done(output) => {
                self.memory.apply(&output.writes);
                output
            }
            StepEnd::Stopped { kind, detail } => panic!("{kind}: {detail}"),
        }
    }

    /// Every row.
    pub fn rows(&self) -> &BTreeMap<(Table, Vec<u8>), Vec<u8>> {
        &self.memory.tables
    }
}

/// The context of the n-th step.
pub fn context(step: u8) -> StepContext {
    StepContext {
        now_ms: 1_700_000_000_000 + i64::from(step),
        seed: [step; 16],
    }
}

/// A first input.
pub fn genesis() -> Input {
    Input::Genesis(Genesis {
        site_url: "http://127.0.0.1:8065".into(),
        config: Config::default(),
    })
}

/// A command of a user; number 0 stands for the operator.
pub fn command(user: u64, command: Command) -> Input {
    let actor = match user {
        0 => Actor::System,
        number => Actor::User(UserNo(number)),
    };
    Input::Command {
        actor,
        key: None,
        command,
    }
}

/// Makes a user.
pub fn create_user(name: &str) -> Command {
    Command::CreateUser(CreateUser {
        username: name.into(),
        email: format!("{name}@acme.example"),
        nickname: String::new(),
        first_name: "Ann".into(),
        last_name: "Löwe".into(),
        position: String::new(),
        locale: String::new(),
        admin: name == "ann",
    })
}

/// Writes a post into the first channel that people made.
pub fn create_post(root: Option<u64>, message: &str) -> Command {
    Command::CreatePost(CreatePost {
        channel: CHANNEL,
        root: root.map(PostNo),
        message: message.into(),
        props: String::new(),
        kind: String::new(),
    })
}

/// The channel of the script: the third, after the team's two.
pub const CHANNEL: ChannelNo = ChannelNo(3);

/// A session that touches every kind of object, some refusals among its answers.
pub fn script() -> Vec<Input> {
    let mut inputs = vec![
        genesis(),
        command(0, create_user("ann")),
        command(0, create_user("bob")),
        command(0, create_user("ann")),
        command(
            1,
            Command::CreateTeam(CreateTeam {
                name: "acme".into(),
                display_name: "Acme".into(),
                description: String::new(),
                is_open: true,
            }),
        ),
        command(
            1,
            Command::AddTeamMember {
                team: TeamNo(1),
                user: UserNo(2),
            },
        ),
        command(
            1,
            Command::CreateChannel(CreateChannel {
                team: TeamNo(1),
                name: "falcon".into(),
                display_name: "Falcon".into(),
                header: String::new(),
                purpose: String::new(),
                kind: ChannelKind::Public,
            }),
        ),
        command(
            1,
            Command::AddChannelMember {
                channel: CHANNEL,
                user: UserNo(2),
            },
        ),
    ];
    for number in 0..20 {
        let author = 1 + number % 2;
        inputs.push(command(
            author,
            create_post(None, &format!("post {number} — @bob, see")),
        ));
    }
    inputs.extend([
        command(2, Command::DeletePost { post: PostNo(1) }),
        command(1, Command::ViewChannel { channel: CHANNEL }),
        Input::Frame {
            connection: ConnectionNo(9),
            body: b"{\"remote_id\": \"nobody\"}".to_vec(),
            skip: Vec::new(),
        },
        Input::Timer,
        Input::Resume,
    ]);
    inputs
}
