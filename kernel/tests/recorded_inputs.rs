//! Every input format that was ever journaled remains readable for ever. A file in `inputs/` for each
//! envelope contains one recorded example of every kind of input and every command, as `name hex` lines. When
//! a command gets a new version, its line is kept and another is added.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use causeway_kernel::boundary::codec::{self, DecodeError};
use causeway_kernel::boundary::envelope::KINDS;
use causeway_kernel::boundary::input::{
    Actor, DuePart, FramePart, Genesis, Incarnation, Input, PingAnswer, Receipt, SendOutcome,
    UploadProgress,
};
use causeway_kernel::boundary::output::Reply;
use causeway_kernel::boundary::texts::{HasTexts, Json, Text, TextVisitor};
use causeway_kernel::command::{
    AbandonConnection, AcceptConnection, AcknowledgePost, AddChannelMember, AddFile, AddReaction,
    AddTeamMember, AttachConnection, Command, Configure, ConfigureConnectedWorkspaces,
    ConfigureFiles, ConfirmConnection, CreateChannel, CreateConnection, CreatePost, CreateTeam,
    CreateUser, DeletePost, EditPost, InviteToChannel, OpenDirectChannel, OpenGroupChannel,
    PatchConnection, PatchUser, PersonalChange, RelocateConnection, RemoveChannelMember,
    RemoveConnection, RemoveReaction, SetActive, SetCustomStatus, SetPersonal, SetPicture,
    UninviteFromChannel, UnshareChannel, UserPatch, ViewChannel, WithdrawAcknowledgement,
};
use causeway_kernel::model::{
    Availability, ChannelKind, Config, ConnectedWorkspaces, Dimensions, FileLimits, History,
    LocalStatus, PeerKind, PersonalKind, Priority, PriorityLevel, Status,
};
use causeway_kernel::rows::id::{ChannelNo, ConnectionNo, FileNo, Id, PostNo, TeamNo, UserNo};
use causeway_kernel::rows::testing::MemoryHost;

const CHANNEL: ChannelNo = ChannelNo(300);
const CONNECTION: ConnectionNo = ConnectionNo(7);
const POST: PostNo = PostNo(70_000);
const TEAM: TeamNo = TeamNo(2);
const USER: UserNo = UserNo(130);

fn id() -> Id {
    Id::parse("abcdefghijklmnopqrstuvwxyz").unwrap()
}

/// An example of every kind of input except commands.
fn inputs() -> Vec<(&'static str, Input)> {
    vec![
        (
            "Genesis",
            Input::Genesis(Genesis {
                site_url: "http://here.example".into(),
                config: Config::default(),
            }),
        ),
        (
            "Frame",
            Input::Frame {
                connection: CONNECTION,
                body: b"{\"a\":1}".to_vec(),
                skip: vec![(2, 300)],
            },
        ),
        (
            "Quarantine",
            Input::Quarantine {
                connection: CONNECTION,
                body: b"{\"b\":2}".to_vec(),
                reason: "it ran out of fuel".into(),
            },
        ),
        (
            "Receipt",
            Input::Receipt(Receipt {
                connection: CONNECTION,
                attempt: 1_000,
                outcome: SendOutcome::Answered(b"{}".to_vec()),
            }),
        ),
        (
            "Ping",
            Input::Ping {
                connection: CONNECTION,
                answer: Some(PingAnswer {
                    sent_at_ms: 1_700_000_000_000,
                    recv_at_ms: -1,
                    kind: Some(PeerKind::Causeway),
                    incarnation: Some(Incarnation {
                        id: id(),
                        number: 3,
                    }),
                }),
            },
        ),
        ("Timer", Input::Timer),
        ("Resume", Input::Resume),
        ("Restored", Input::Restored),
        (
            "PolicyChanged",
            Input::PolicyChanged {
                chain: "00ff".into(),
                what: "load content-filter".into(),
            },
        ),
        (
            "KernelChanged",
            Input::KernelChanged {
                digest: "ff00".into(),
            },
        ),
    ]
}

/// An example of every command.
fn commands() -> Vec<Command> {
    vec![
        Command::CreateUser(CreateUser {
            username: "ada".into(),
            email: "ada@here.example".into(),
            nickname: "Countess".into(),
            first_name: "Ada".into(),
            last_name: "Lovelace".into(),
            position: "Analyst".into(),
            locale: "en".into(),
            admin: true,
        }),
        Command::PatchUser(PatchUser {
            user: USER,
            patch: UserPatch {
                nickname: Some("AAL".into()),
                locale: Some(String::new()),
                ..UserPatch::default()
            },
        }),
        Command::CreateTeam(CreateTeam {
            name: "engines".into(),
            display_name: "Engines".into(),
            description: "Analytical".into(),
            is_open: true,
        }),
        Command::AddTeamMember(AddTeamMember {
            team: TEAM,
            user: USER,
        }),
        Command::CreateChannel(CreateChannel {
            team: TEAM,
            name: "notes".into(),
            display_name: "Notes".into(),
            header: "of the translator".into(),
            purpose: "explaining".into(),
            kind: ChannelKind::Private,
        }),
        Command::AddChannelMember(AddChannelMember {
            channel: CHANNEL,
            user: USER,
        }),
        Command::RemoveChannelMember(RemoveChannelMember {
            channel: CHANNEL,
            user: USER,
        }),
        Command::ViewChannel(ViewChannel { channel: CHANNEL }),
        Command::CreatePost(CreatePost {
            channel: CHANNEL,
            root: Some(POST),
            message: "Note G".into(),
            props: "{\"a\":1}".into(),
            kind: "me".into(),
            priority: None,
            files: Vec::new(),
        }),
        Command::EditPost(EditPost {
            post: POST,
            message: Some("Note A".into()),
            props: None,
            is_pinned: Some(true),
        }),
        Command::DeletePost(DeletePost { post: POST }),
        Command::AddReaction(AddReaction {
            post: POST,
            emoji: "tada".into(),
        }),
        Command::RemoveReaction(RemoveReaction {
            post: POST,
            user: USER,
            emoji: "tada".into(),
        }),
        Command::CreateConnection(CreateConnection {
            name: "globex".into(),
            display_name: "Globex".into(),
            default_team_id: id().to_string(),
        }),
        Command::AcceptConnection(AcceptConnection {
            create: CreateConnection {
                name: "acme".into(),
                display_name: "Acme".into(),
                default_team_id: String::new(),
            },
            remote_id: id(),
            site_url: "http://there.example".into(),
            kind: PeerKind::Mattermost11,
            remote_team_id: id().to_string(),
        }),
        Command::ConfirmConnection(ConfirmConnection {
            connection: CONNECTION,
            site_url: "http://there.example".into(),
            kind: PeerKind::Mattermost2021,
            remote_team_id: id().to_string(),
        }),
        Command::AbandonConnection(AbandonConnection {
            connection: CONNECTION,
        }),
        Command::RemoveConnection(RemoveConnection {
            connection: CONNECTION,
        }),
        Command::AttachConnection(AttachConnection {
            connection: CONNECTION,
            previous: ConnectionNo(3),
        }),
        Command::InviteToChannel(InviteToChannel {
            channel: CHANNEL,
            connection: CONNECTION,
            read_only: true,
            history: History::Configured,
        }),
        Command::UninviteFromChannel(UninviteFromChannel {
            channel: CHANNEL,
            connection: CONNECTION,
        }),
        Command::UnshareChannel(UnshareChannel { channel: CHANNEL }),
        Command::Configure(Configure {
            site_url: "http://here.example".into(),
            config: Config {
                posts_per_sync_max: 12,
                open_server: true,
                backfill: true,
            },
        }),
        Command::PatchConnection(PatchConnection {
            connection: CONNECTION,
            display_name: Some("The others".into()),
            default_team_id: Some(id().to_string()),
        }),
        Command::SetPersonal(SetPersonal {
            kind: PersonalKind::Preference,
            changes: vec![
                PersonalChange {
                    name: "theme/t".into(),
                    value: Some("dark".into()),
                },
                PersonalChange {
                    name: "theme/u".into(),
                    value: None,
                },
            ],
        }),
        Command::AcknowledgePost(AcknowledgePost { post: POST }),
        Command::WithdrawAcknowledgement(WithdrawAcknowledgement { post: POST }),
        Command::RelocateConnection(RelocateConnection {
            connection: CONNECTION,
            site_url: "https://moved.example".into(),
        }),
        Command::CreatePost(CreatePost {
            channel: CHANNEL,
            root: None,
            message: "Note H".into(),
            props: String::new(),
            kind: String::new(),
            priority: Some(Priority {
                level: PriorityLevel::Urgent,
                requested_ack: true,
                persistent_notifications: false,
            }),
            files: Vec::new(),
        }),
        Command::ConfigureConnectedWorkspaces(ConfigureConnectedWorkspaces {
            settings: ConnectedWorkspaces {
                direct: true,
                users_per_sync_max: 100,
                ..ConnectedWorkspaces::default()
            },
        }),
        Command::AddFile(AddFile {
            channel: CHANNEL,
            name: "notes.png".into(),
            size: 70_000,
            digest: "0f".repeat(32),
            dimensions: Some(Dimensions {
                width: 300,
                height: 200,
            }),
        }),
        Command::CreatePost(CreatePost {
            channel: CHANNEL,
            root: None,
            message: "Note I".into(),
            props: String::new(),
            kind: String::new(),
            priority: None,
            files: vec![FileNo(300), FileNo(4)],
        }),
        Command::OpenDirectChannel(OpenDirectChannel { with: USER }),
        Command::OpenGroupChannel(OpenGroupChannel {
            with: vec![USER, UserNo(3)],
        }),
    ]
}

/// Every example, in the order of the files.
fn examples() -> Vec<(&'static str, Input)> {
    let actors = [Actor::System, Actor::Anonymous, Actor::User(USER)];
    let mut examples = inputs();
    for (place, command) in commands().into_iter().enumerate() {
        let name = command.kind().name;
        let input = Input::Command {
            actor: actors[place % 3],
            key: (place % 2 == 0).then(|| "the-key".into()),
            command,
        };
        examples.push((name, input));
    }
    // Kinds that are newer than the first envelope.
    let part = FramePart::Keep(b"{\"c\":3}".to_vec());
    let connection = CONNECTION;
    examples.push(("FramePart", Input::FramePart { connection, part }));
    examples.push(("DuePart", Input::DuePart(DuePart::Rows(3))));
    let status = Status {
        availability: Availability::Dnd,
        manual: true,
        last_activity_at: 1_700_000_000_000,
        dnd_end_time: 1_700_003_600,
    };
    let changes = vec![LocalStatus { user: USER, status }];
    examples.push(("Statuses", Input::Statuses(changes)));
    let limits = FileLimits { bytes_max: 70_000 };
    let of = |actor, command: Command| {
        let (name, key) = (command.kind().name, None);
        (
            name,
            Input::Command {
                actor,
                key,
                command,
            },
        )
    };
    let configure = Command::ConfigureFiles(ConfigureFiles { limits });
    examples.push(of(Actor::System, configure));
    let progress = UploadProgress::Whole {
        digest: "0f".repeat(32),
        dimensions: None,
    };
    let upload = Id::from_uuid_bytes([3; 16]);
    let arrived = Input::Upload {
        connection,
        upload,
        progress,
    };
    examples.push(("Upload", arrived));
    let picture = Input::Picture {
        connection,
        user: upload,
        digest: "0f".repeat(32),
        size: 600,
    };
    examples.push(("Picture", picture));
    let command = Command::SetPicture(SetPicture {
        user: USER,
        digest: "0f".repeat(32),
        size: 600,
        is_generated: true,
    });
    let status = r#"{"emoji":"tea","text":"Tea"}"#.into();
    let custom = Command::SetCustomStatus(SetCustomStatus { status });
    let (user, is_active) = (USER, true);
    let active = Command::SetActive(SetActive { user, is_active });
    for command in [command, custom, active] {
        examples.push(of(Actor::User(USER), command));
    }
    examples
}

/// Recorded in envelope 1, in which all kinds have version 1.
const FIRST: &str = include_str!("inputs/1.hex");
/// Recorded in envelope 2.
const SECOND: &str = include_str!("inputs/2.hex");
/// Recorded in envelope 2, in versions that have newer ones now.
const OLDER: &str = include_str!("inputs/older.hex");

fn recorded(file: &str) -> Vec<(&str, Vec<u8>)> {
    let lines = file.lines().map(|line| line.split_once(' ').unwrap());
    lines.map(|(name, hex)| (name, bytes(hex))).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Everything that was recorded, with the example that it has to be.
fn all_recorded() -> Vec<(&'static str, Vec<u8>, Input)> {
    let mut all = Vec::new();
    for file in [FIRST, SECOND] {
        for ((name, bytes), (own, input)) in recorded(file).into_iter().zip(examples()) {
            assert_eq!(name, own);
            all.push((name, bytes, input));
        }
    }
    for (name, bytes) in recorded(OLDER) {
        let read = codec::decode_input(&bytes).unwrap();
        let mut examples = examples().into_iter();
        let example = examples.find(|(own, input)| *own == name && *input == read);
        all.push((name, bytes, example.unwrap().1));
    }
    all
}

fn input_of(file: &str, wanted: &str) -> Vec<u8> {
    let mut lines = recorded(file).into_iter();
    lines.find(|(name, _)| *name == wanted).unwrap().1
}

#[test]
fn what_was_recorded_is_read() {
    let names: Vec<&str> = recorded(SECOND).iter().map(|(name, _)| *name).collect();
    for kind in KINDS.iter().chain(Command::KINDS) {
        let is_there = names.contains(&kind.name) || kind.name == "Command";
        assert!(is_there, "no example of the {kind}");
    }
    // The kinds that existed with the first envelope.
    assert_eq!(recorded(FIRST).len(), 34);
    for (name, bytes, input) in all_recorded() {
        assert_eq!(codec::decode_input(&bytes), Ok(input), "{name}");
    }
}

#[test]
fn what_is_written_today_is_among_what_was_recorded() {
    let written: String = examples()
        .iter()
        .map(|(name, input)| format!("{name} {}\n", hex(&codec::encode_input(input))))
        .collect();
    assert_eq!(SECOND, written, "a changed shape needs a new version");
}

#[test]
fn for_an_older_kernel_an_input_is_written_as_that_one_reads_it() {
    for (name, bytes, input) in all_recorded() {
        let written = codec::encode_input_like(&input, &bytes);
        assert_eq!(written, Ok(bytes), "{name}");
    }
    let mut later = input_of(SECOND, "DeletePost");
    let place = later.len() - "f0a204".len() / 2 - 1;
    later[place] = 9;
    let delete = Input::Command {
        actor: Actor::System,
        key: None,
        command: Command::DeletePost(DeletePost { post: POST }),
    };
    let said = codec::encode_input_like(&delete, &later)
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("command DeletePost was recorded in version 9"),
        "{said}"
    );
}

#[test]
fn what_an_older_version_has_no_place_for_is_not_written_in_it() {
    let (_, older) = recorded(OLDER).remove(0);
    let posts = commands().into_iter();
    let mut posts = posts.filter_map(|command| match command {
        Command::CreatePost(post) => Some(post),
        _ => None,
    });
    let post = posts.find(|post| post.priority.is_some()).unwrap();
    let input = Input::Command {
        actor: Actor::System,
        key: None,
        command: Command::CreatePost(post),
    };
    let said = codec::encode_input_like(&input, &older).unwrap_err();
    let said = said.to_string();
    assert!(
        said.contains("command CreatePost was recorded in version 1"),
        "{said}"
    );
}

#[test]
fn kinds_and_versions_to_come_are_refused_by_name() {
    let refused = |bytes: &[u8]| codec::decode_input(bytes).unwrap_err().to_string();
    assert_eq!(refused(&[3, 6, 1]), "version 3 is not known");
    assert_eq!(refused(&[2, 77, 1]), "input number 77 is not known");
    assert_eq!(
        refused(&[2, 6, 2]),
        "input Timer has version 2; versions up to 1 are read here"
    );
    assert_eq!(
        refused(&[2, 6, 0]),
        "input Timer has version 0; versions up to 1 are read here"
    );
    let mut delete = input_of(SECOND, "DeletePost");
    let place = delete.len() - "f0a204".len() / 2 - 2;
    assert_eq!(delete[place..place + 2], [10, 1]);
    delete[place + 1] = 2;
    assert_eq!(
        refused(&delete),
        "command DeletePost has version 2; versions up to 1 are read here"
    );
    delete[place] = 250;
    assert_eq!(refused(&delete), "command number 250 is not known");
}

#[test]
fn nothing_that_is_cut_short_or_goes_on_is_read() {
    for (name, mut bytes, _) in all_recorded() {
        for end in 0..bytes.len() {
            assert!(
                codec::decode_input(&bytes[..end]).is_err(),
                "{name} to {end}"
            );
        }
        bytes.push(0);
        assert_eq!(
            codec::decode_input(&bytes),
            Err(DecodeError::Shape),
            "{name}"
        );
    }
}

/// Adds something unportable to one of the texts that it visits.
struct Spoil {
    /// Texts to skip before that one.
    left: usize,
    done: bool,
    json: &'static str,
}

impl Spoil {
    fn is_here(&mut self) -> bool {
        let here = self.left == 0 && !self.done;
        self.done |= here;
        self.left = self.left.saturating_sub(1);
        here
    }
}

impl TextVisitor for Spoil {
    fn text(&mut self, _: Text, text: &mut String) {
        if self.is_here() {
            text.push('\0');
        }
    }

    fn json(&mut self, _: Json, bytes: &mut Vec<u8>) {
        if self.is_here() {
            *bytes = self.json.into();
        }
    }
}

#[test]
fn no_command_takes_a_text_that_cannot_be_stored_everywhere() {
    let mut host = MemoryHost::new();
    let (_, genesis) = inputs().remove(0);
    host.run(1_000, 1, &genesis);
    let rows = host.tables.clone();
    let mut spoiled = 0;
    for command in commands() {
        for json in [r#"{"a":"\u0000"}"#, r#"{"a":[1e999]}"#, "{\"a\":\"\0\"}"] {
            for left in 0.. {
                let mut command = command.clone();
                let done = false;
                let mut spoil = Spoil { left, done, json };
                command.texts(&mut spoil);
                if !spoil.done {
                    break;
                }
                let what = format!("{command:?}");
                let input = Input::Command {
                    actor: Actor::System,
                    key: None,
                    command,
                };
                let output = host.run(2_000, 1, &input);
                let Reply::Refused(refusal) = output.reply else {
                    panic!("taken: {what}");
                };
                assert_eq!(refusal.status, 400, "{what}");
                assert!(refusal.message.contains("NUL"), "{what}: {refusal:?}");
                assert_eq!(host.tables, rows);
                spoiled += 1;
            }
        }
    }
    assert!(spoiled > 100, "{spoiled}");
}
