//! Runs every command on full tables.

use std::collections::BTreeSet;

use causeway_kernel::boundary::input::Actor;
use causeway_kernel::command::{
    AbandonConnection, AcceptConnection, AcknowledgePost, AddChannelMember, AddEmoji, AddFile,
    AddReaction, AddTeamMember, AnswerChannelInvitation, ArchiveChannel, ArchiveTeam,
    AttachConnection, ChannelPatch, Command, Configure, ConfigureConnectedWorkspaces,
    ConfigureFiles, ConfirmConnection, ConvertChannel, CreateChannel, CreateConnection, CreatePost,
    CreateTeam, CreateUser, DeletePost, EditPost, InviteToChannel, MarkUnread, OpenDirectChannel,
    OpenGroupChannel, PatchChannel, PatchConnection, PatchRole, PatchTeam, PatchUser,
    PersonalChange, RelocateConnection, RemoveChannelMember, RemoveConnection, RemoveEmoji,
    RemoveReaction, RemoveTeamMember, RestoreChannel, RestoreTeam, SetActive, SetBot,
    SetChannelRoles, SetCustomStatus, SetPersonal, SetPicture, SetRoles, SetTeamRoles, TeamPatch,
    UninviteFromChannel, UnshareChannel, UseComponent, UserPatch, ViewChannel,
    WithdrawAcknowledgement,
};
use causeway_kernel::model::limits::{
    CHANNEL_INVITATIONS_MAX, CUSTOM_EMOJI_MAX, HELD_MAX, REMOTE_EMOJI_PER_POST_MAX,
};
use causeway_kernel::model::{
    ChannelKind, Component, Config, ConnectedWorkspaces, FileLimits, History, PeerKind, Permission,
    PersonalKind, Role,
};
use causeway_kernel::rows::id::{ConnectionNo, Id, PostNo, TeamNo, UserNo};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::table::Table;
use serde_json::{Value, json};

use crate::site::{CHANNEL, PEER, Site, id, post, reaction, user};

/// Fuel limit of a command: that of a group of steps that are made durable together, some 10 ms.
/// The most expensive command deletes a post with the first of its replies.
const COMMAND_FUEL_MAX: u64 = 10_000_000;
const BOSS: Actor = Actor::User(UserNo(1));
const TEAM: TeamNo = TeamNo(1);
/// Channels of the team, users of the peer, replies to one post, values that one user keeps.
const CHANNELS: u32 = 1_000;
const USERS: u32 = 4_000;
const REPLIES: u32 = 1_000;
const VALUES: u32 = 2_000;
/// How many at a time.
const PORTION: u32 = 100;

fn channel(name: String) -> Command {
    Command::CreateChannel(CreateChannel {
        team: TEAM,
        kind: ChannelKind::Public,
        display_name: name.clone(),
        name,
        header: String::new(),
        purpose: String::new(),
    })
}

fn written(root: Option<PostNo>, message: &str) -> Command {
    Command::CreatePost(CreatePost {
        channel: CHANNEL,
        root,
        message: message.into(),
        props: String::new(),
        kind: String::new(),
        priority: None,
        files: Vec::new(),
    })
}

fn add_emoji(name: String) -> Command {
    Command::AddEmoji(AddEmoji {
        name,
        digest: "0f".repeat(32),
        size: 600,
    })
}

fn values(from: u32) -> Command {
    let change = |n| PersonalChange {
        name: format!("theme/{n}"),
        value: Some("dark".into()),
    };
    Command::SetPersonal(SetPersonal {
        kind: PersonalKind::Preference,
        changes: (from..from + PORTION).map(change).collect(),
    })
}

/// A workspace with a lot of everything.
fn full() -> Site {
    let mut site = Site::new();
    for n in 0..CHANNELS {
        site.act(BOSS, channel(format!("channel-{n}")));
    }
    for n in 0..CUSTOM_EMOJI_MAX - 1 {
        site.act(BOSS, add_emoji(format!("e{n}")));
    }
    for from in (0..USERS).step_by(PORTION as usize) {
        let users: serde_json::Map<String, Value> = (from..from + PORTION)
            .map(|n| (id("u", n), user(&id("u", n), &format!("name{n}"), 1)))
            .collect();
        site.sync(&json!({ "users": users }));
    }
    let local = site.local_no();
    for n in 0..REPLIES {
        site.act(BOSS, written(Some(local), &format!("reply {n}")));
    }
    for from in (0..VALUES).step_by(PORTION as usize) {
        site.act(BOSS, values(from));
    }
    let emoji =
        (0..REMOTE_EMOJI_PER_POST_MAX - 1).map(|n| reaction("local", &format!("e{n}"), 1, 0));
    let emoji: Vec<Value> = emoji.collect();
    site.sync(&json!({ "reactions": emoji }));
    let waits: Vec<Value> = (0..HELD_MAX / 4)
        .map(|n| post(&id("w", n), "waits", 1))
        .collect();
    site.hold(&json!({ "posts": waits }));
    site.act(
        BOSS,
        Command::PatchConnection(PatchConnection {
            connection: PEER,
            display_name: None,
            default_team_id: None,
            asks_first: Some(true),
            keeps_removed: None,
        }),
    );
    for n in 0..CHANNEL_INVITATIONS_MAX {
        site.offer(n);
    }
    assert!(site.count(Table::ChannelInvitations) == CHANNEL_INVITATIONS_MAX as usize);
    site
}

/// Every command once, in an order in which none is refused.
fn commands(site: &Site) -> Vec<(Actor, Command)> {
    let post = site.local_no();
    let second = UserNo(u64::from(USERS) + 3);
    let third = UserNo(second.0 + 1);
    let create = |name: &str| CreateConnection {
        name: name.into(),
        display_name: String::new(),
        default_team_id: String::new(),
    };
    let accept = |name: &str, id: u8| {
        Command::AcceptConnection(AcceptConnection {
            create: create(name),
            remote_id: Id::from_uuid_bytes([id; 16]),
            site_url: "https://accepted.example".into(),
            kind: PeerKind::Causeway,
            remote_team_id: String::new(),
        })
    };
    let [abandoned, accepted, again] = [2, 3, 4].map(ConnectionNo);
    let emoji = || "e7".to_string();
    let by_boss = vec![
        Command::CreateTeam(CreateTeam {
            name: "second".into(),
            display_name: "Second".into(),
            description: String::new(),
            is_open: true,
        }),
        Command::AddTeamMember(AddTeamMember {
            team: TEAM,
            user: second,
        }),
        channel("fresh".into()),
        Command::OpenDirectChannel(OpenDirectChannel { with: second }),
        Command::OpenGroupChannel(OpenGroupChannel {
            with: vec![second, third],
        }),
        Command::AddChannelMember(AddChannelMember {
            channel: CHANNEL,
            user: second,
        }),
        Command::ViewChannel(ViewChannel { channel: CHANNEL }),
        // The replies follow it.
        Command::MarkUnread(MarkUnread { post }),
        Command::UseComponent(UseComponent {
            channel: CHANNEL,
            component: Component::SlashCommand("deploy".into()),
        }),
        written(Some(post), "@all, @name7:peer and @name8:peer"),
        Command::EditPost(EditPost {
            post,
            message: Some("edited".into()),
            props: None,
            is_pinned: Some(true),
        }),
        Command::AddReaction(AddReaction {
            post,
            emoji: emoji(),
        }),
        Command::RemoveReaction(RemoveReaction {
            post,
            user: UserNo(1),
            emoji: emoji(),
        }),
        Command::SetBot(SetBot {
            user: second,
            owner: UserNo(1),
            description: "runs builds".into(),
        }),
        Command::SetCustomStatus(SetCustomStatus {
            status: r#"{"emoji":"tea","text":"Tea"}"#.into(),
        }),
        Command::SetPicture(SetPicture {
            user: UserNo(1),
            digest: "0f".repeat(32),
            size: 1_000,
            is_generated: false,
        }),
        Command::AddFile(AddFile {
            channel: CHANNEL,
            name: "notes.txt".into(),
            size: 1_000,
            digest: "0f".repeat(32),
            dimensions: None,
        }),
        Command::AcknowledgePost(AcknowledgePost { post }),
        Command::WithdrawAcknowledgement(WithdrawAcknowledgement { post }),
        Command::RemoveChannelMember(RemoveChannelMember {
            channel: CHANNEL,
            user: second,
        }),
        values(0),
        Command::PatchConnection(PatchConnection {
            connection: PEER,
            display_name: Some("Another".into()),
            default_team_id: None,
            asks_first: None,
            keeps_removed: None,
        }),
        Command::PatchChannel(PatchChannel {
            channel: CHANNEL,
            patch: ChannelPatch {
                name: Some("moved".into()),
                display_name: Some("Moved".into()),
                header: Some("Mind the saw".into()),
                purpose: Some("Everything else".into()),
            },
        }),
        Command::ConvertChannel(ConvertChannel {
            channel: CHANNEL,
            kind: ChannelKind::Private,
        }),
        Command::SetChannelRoles(SetChannelRoles {
            channel: CHANNEL,
            user: UserNo(1),
            is_admin: true,
        }),
        Command::PatchTeam(PatchTeam {
            team: TEAM,
            patch: TeamPatch {
                display_name: Some("The Staff".into()),
                ..TeamPatch::default()
            },
        }),
        add_emoji("anchor".into()),
        Command::RemoveEmoji(RemoveEmoji {
            emoji: lookup::emoji_name(site.rows(), "e7").unwrap(),
        }),
        Command::ArchiveTeam(ArchiveTeam { team: TEAM }),
        Command::RestoreTeam(RestoreTeam { team: TEAM }),
        Command::ArchiveChannel(ArchiveChannel { channel: CHANNEL }),
        Command::RestoreChannel(RestoreChannel { channel: CHANNEL }),
        Command::AnswerChannelInvitation(AnswerChannelInvitation {
            connection: PEER,
            channel: Id::parse(&id("offered", 7)).unwrap(),
            accept: true,
        }),
        Command::RelocateConnection(RelocateConnection {
            connection: PEER,
            site_url: "https://moved.example".into(),
        }),
        accept("abandoned", 8),
        Command::AbandonConnection(AbandonConnection {
            connection: abandoned,
        }),
        accept("accepted", 9),
        Command::ConfirmConnection(ConfirmConnection {
            connection: accepted,
            site_url: "https://accepted.example".into(),
            kind: PeerKind::Causeway,
            remote_team_id: String::new(),
        }),
        Command::InviteToChannel(InviteToChannel {
            channel: CHANNEL,
            connection: accepted,
            read_only: false,
            history: History::Configured,
        }),
        Command::UninviteFromChannel(UninviteFromChannel {
            channel: CHANNEL,
            connection: accepted,
        }),
        Command::RemoveConnection(RemoveConnection {
            connection: accepted,
        }),
        Command::CreateConnection(create("again")),
        Command::AttachConnection(AttachConnection {
            connection: again,
            previous: accepted,
        }),
        Command::DeletePost(DeletePost { post }),
        Command::UnshareChannel(UnshareChannel { channel: CHANNEL }),
        Command::SetRoles(SetRoles {
            user: second,
            roles: vec![Role::SystemUser, Role::SystemSecureConnectionManager],
        }),
        Command::SetTeamRoles(SetTeamRoles {
            team: TEAM,
            user: second,
            is_admin: true,
            roles: Some(vec![Role::SystemSharedChannelManager]),
        }),
        Command::PatchRole(PatchRole {
            role: Role::TeamAdmin,
            permissions: vec![Permission::ManageSharedChannels],
        }),
        Command::SetActive(SetActive {
            user: second,
            is_active: false,
        }),
        // A member of all its channels.
        Command::RemoveTeamMember(RemoveTeamMember {
            team: TEAM,
            user: UserNo(1),
        }),
    ];
    let first = [
        Command::CreateUser(CreateUser::named("second", "second@here.example")),
        Command::CreateUser(CreateUser::named("third", "third@here.example")),
        Command::PatchUser(PatchUser {
            user: second,
            patch: UserPatch {
                username: Some("renamed".into()),
                ..UserPatch::default()
            },
        }),
        Command::Configure(Configure {
            site_url: "https://here.example".into(),
            config: Config::default(),
        }),
        Command::ConfigureFiles(ConfigureFiles {
            limits: FileLimits { bytes_max: 1 << 20 },
        }),
        Command::ConfigureConnectedWorkspaces(ConfigureConnectedWorkspaces {
            settings: ConnectedWorkspaces {
                direct: true,
                plugins: true,
                ..ConnectedWorkspaces::default()
            },
        }),
    ];
    let by_system = first.into_iter().map(|it| (Actor::System, it));
    by_system
        .chain(by_boss.into_iter().map(|it| (BOSS, it)))
        .collect()
}

#[test]
fn every_command_costs_little_however_full_the_tables_are() {
    let mut site = full();
    let mut seen = BTreeSet::new();
    for (actor, command) in commands(&site) {
        let name = command.kind().name;
        seen.insert(name);
        let fuel = site.act(actor, command).fuel;
        println!("{name}: {fuel}");
        assert!(
            fuel <= COMMAND_FUEL_MAX,
            "{name}: {fuel} of {COMMAND_FUEL_MAX}"
        );
    }
    let all: BTreeSet<_> = Command::KINDS.iter().map(|kind| kind.name).collect();
    assert_eq!(seen, all, "a new command has a place here");
}
