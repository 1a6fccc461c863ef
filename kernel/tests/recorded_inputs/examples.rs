//! An example of every kind of input and of every command, as they are written today.

use causeway_kernel::boundary::input::{
    Actor, DuePart, FramePart, Genesis, Incarnation, Input, PingAnswer, Receipt, SendOutcome,
    UploadProgress,
};
use causeway_kernel::boundary::policy::{Gate, Gates};
use causeway_kernel::command::{
    AbandonConnection, AcceptConnection, AcknowledgePost, AddChannelMember, AddFile, AddReaction,
    AddTeamMember, AnswerChannelInvitation, ArchiveChannel, AttachConnection, Command, Configure,
    ConfigureConnectedWorkspaces, ConfigureFiles, ConfirmConnection, CreateChannel,
    CreateConnection, CreatePost, CreateTeam, CreateUser, DeletePost, EditPost, InviteToChannel,
    OpenDirectChannel, OpenGroupChannel, PatchConnection, PatchUser, PersonalChange,
    RelocateConnection, RemoveChannelMember, RemoveConnection, RemoveReaction, RestoreChannel,
    SetPersonal, UninviteFromChannel, UnshareChannel, UseComponent, UserPatch, ViewChannel,
    WithdrawAcknowledgement,
};
use causeway_kernel::model::{
    Action, Availability, ChannelKind, Component, Config, ConnectedWorkspaces, Dimensions,
    FileLimits, History, LocalStatus, PeerKind, PersonalKind, Priority, PriorityLevel, Status,
};
use causeway_kernel::rows::id::{ChannelNo, ConnectionNo, FileNo, Id, PostNo, TeamNo, UserNo};

use crate::{accounts, changes};

pub const CHANNEL: ChannelNo = ChannelNo(300);
const CONNECTION: ConnectionNo = ConnectionNo(7);
pub const POST: PostNo = PostNo(70_000);
pub const TEAM: TeamNo = TeamNo(2);
pub const USER: UserNo = UserNo(130);

fn id() -> Id {
    Id::parse("abcdefghijklmnopqrstuvwxyz").unwrap()
}

/// An example of every kind of input except commands.
pub fn inputs() -> Vec<(&'static str, Input)> {
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
                gates: None,
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
pub fn commands() -> Vec<Command> {
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
            asks_first: None,
            keeps_removed: None,
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
pub fn examples() -> Vec<(&'static str, Input)> {
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
    for command in accounts::commands() {
        examples.push(of(Actor::User(USER), command));
    }
    let ask_first = Command::PatchConnection(PatchConnection {
        connection,
        display_name: None,
        default_team_id: None,
        asks_first: Some(true),
        keeps_removed: None,
    });
    let answer = Command::AnswerChannelInvitation(AnswerChannelInvitation {
        connection,
        channel: id(),
        accept: true,
    });
    let channel = CHANNEL;
    let archive = Command::ArchiveChannel(ArchiveChannel { channel });
    let restore = Command::RestoreChannel(RestoreChannel { channel });
    let by_user = [ask_first, answer, archive, restore];
    examples.extend(by_user.map(|command| of(Actor::User(USER), command)));
    let policies = Input::PolicyChanged {
        chain: "00ff".into(),
        what: "load dm-gate".into(),
        gates: Some(Gates::from_iter([Gate::Post, Gate::Direct])),
    };
    examples.push(("PolicyChanged", policies));
    let component = Component::Button(Action {
        id: "run".into(),
        label: "Run it".into(),
    });
    let use_it = Command::UseComponent(UseComponent { channel, component });
    examples.push(of(Actor::User(USER), use_it));
    let changes = changes::commands().into_iter();
    examples.extend(changes.map(|command| of(Actor::User(USER), command)));
    examples
}
