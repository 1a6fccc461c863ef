//! Commands. A function that ends in `_with` has a change applied to what the shorter one makes.

use super::{TEAM, TEAM_OF_THE_PEER};
use crate::command::{
    AcceptConnection, AcknowledgePost, AddChannelMember, AddEmoji, AddFile, AddReaction,
    AddTeamMember, AnswerChannelInvitation, ArchiveChannel, ArchiveTeam, AttachConnection,
    ChannelPatch, Command, Configure, ConfigureConnectedWorkspaces, ConfirmConnection,
    ConvertChannel, CreateChannel, CreateConnection, CreatePost, CreateTeam, CreateUser,
    DeletePost, EditPost, InviteToChannel, MarkUnread, OpenDirectChannel, OpenGroupChannel,
    PatchChannel, PatchConnection, PatchTeam, PatchUser, PersonalChange, RemoveChannelMember,
    RemoveConnection, RemoveEmoji, RemoveReaction, RemoveTeamMember, RestoreChannel, RestoreTeam,
    SetChannelRoles, SetPersonal, SetPicture, TeamPatch, UninviteFromChannel, UnshareChannel,
    UserPatch, ViewChannel, WithdrawAcknowledgement,
};
use crate::model::{ChannelKind, Config, ConnectedWorkspaces, History, PeerKind, PersonalKind};
use crate::rows::id::{ChannelNo, ConnectionNo, EmojiNo, Id, PostNo, TeamNo, UserNo};

pub fn account(name: &str) -> Command {
    account_with(name, |_| ())
}

pub fn account_with(name: &str, change: impl FnOnce(&mut CreateUser)) -> Command {
    let mut new = CreateUser::named(name, format!("{name}@here.example"));
    change(&mut new);
    Command::CreateUser(new)
}

pub fn patch_user(user: UserNo, patch: UserPatch) -> Command {
    Command::PatchUser(PatchUser { user, patch })
}

/// A picture whose digest ends with a byte.
pub fn set_picture(user: UserNo, byte: u8) -> Command {
    Command::SetPicture(SetPicture {
        user,
        digest: format!("{byte:064x}"),
        size: 600,
        is_generated: false,
    })
}

/// Values by name; a name without a value is deleted.
pub fn set_preferences(changes: &[(&str, Option<&str>)]) -> Command {
    let changes = changes.iter().map(|(name, value)| PersonalChange {
        name: (*name).into(),
        value: value.map(String::from),
    });
    Command::SetPersonal(SetPersonal {
        kind: PersonalKind::Preference,
        changes: changes.collect(),
    })
}

pub fn configure(site_url: &str, config: Config) -> Command {
    Command::Configure(Configure {
        site_url: site_url.into(),
        config,
    })
}

pub fn configure_sharing(change: impl FnOnce(&mut ConnectedWorkspaces)) -> Command {
    let mut settings = ConnectedWorkspaces::default();
    change(&mut settings);
    Command::ConfigureConnectedWorkspaces(ConfigureConnectedWorkspaces { settings })
}

pub fn team(name: &str, display_name: &str, is_open: bool) -> Command {
    Command::CreateTeam(CreateTeam {
        name: name.into(),
        display_name: display_name.into(),
        description: String::new(),
        is_open,
    })
}

pub fn join_team(team: TeamNo, user: UserNo) -> Command {
    Command::AddTeamMember(AddTeamMember { team, user })
}

pub fn channel(name: &str, kind: ChannelKind) -> Command {
    channel_with(name, kind, |_| ())
}

pub fn channel_with(
    name: &str,
    kind: ChannelKind,
    change: impl FnOnce(&mut CreateChannel),
) -> Command {
    let mut new = CreateChannel {
        team: TEAM,
        name: name.into(),
        display_name: String::new(),
        header: String::new(),
        purpose: String::new(),
        kind,
    };
    change(&mut new);
    Command::CreateChannel(new)
}

pub fn open_direct(with: UserNo) -> Command {
    Command::OpenDirectChannel(OpenDirectChannel { with })
}

pub fn open_group(with: &[UserNo]) -> Command {
    let with = with.to_vec();
    Command::OpenGroupChannel(OpenGroupChannel { with })
}

pub fn add_member(channel: ChannelNo, user: UserNo) -> Command {
    Command::AddChannelMember(AddChannelMember { channel, user })
}

pub fn remove_member(channel: ChannelNo, user: UserNo) -> Command {
    Command::RemoveChannelMember(RemoveChannelMember { channel, user })
}

pub fn view(channel: ChannelNo) -> Command {
    Command::ViewChannel(ViewChannel { channel })
}

pub fn post(channel: ChannelNo, root: Option<PostNo>, message: &str) -> Command {
    post_with(channel, root, message, |_| ())
}

pub fn post_with(
    channel: ChannelNo,
    root: Option<PostNo>,
    message: &str,
    change: impl FnOnce(&mut CreatePost),
) -> Command {
    let mut new = CreatePost {
        channel,
        root,
        message: message.into(),
        props: String::new(),
        kind: String::new(),
        priority: None,
        files: Vec::new(),
    };
    change(&mut new);
    Command::CreatePost(new)
}

pub fn add_file(channel: ChannelNo, name: &str, bytes: u8) -> Command {
    Command::AddFile(AddFile {
        channel,
        name: name.into(),
        size: 12,
        digest: format!("{bytes:064x}"),
        dimensions: None,
    })
}

pub fn edit(post: PostNo, message: &str) -> Command {
    edit_with(post, |edit| edit.message = Some(message.into()))
}

pub fn pin(post: PostNo, is_pinned: bool) -> Command {
    edit_with(post, |edit| edit.is_pinned = Some(is_pinned))
}

/// An edit that changes nothing before `change` is applied.
pub fn edit_with(post: PostNo, change: impl FnOnce(&mut EditPost)) -> Command {
    let mut edit = EditPost {
        post,
        message: None,
        props: None,
        is_pinned: None,
    };
    change(&mut edit);
    Command::EditPost(edit)
}

pub fn delete(post: PostNo) -> Command {
    Command::DeletePost(DeletePost { post })
}

pub fn react(post: PostNo, emoji: &str) -> Command {
    Command::AddReaction(AddReaction {
        post,
        emoji: emoji.into(),
    })
}

pub fn take_back(post: PostNo, user: UserNo, emoji: &str) -> Command {
    Command::RemoveReaction(RemoveReaction {
        post,
        user,
        emoji: emoji.into(),
    })
}

pub fn acknowledge(post: PostNo) -> Command {
    Command::AcknowledgePost(AcknowledgePost { post })
}

pub fn withdraw(post: PostNo) -> Command {
    Command::WithdrawAcknowledgement(WithdrawAcknowledgement { post })
}

fn new_connection(name: &str, display_name: &str) -> CreateConnection {
    CreateConnection {
        name: name.into(),
        display_name: display_name.into(),
        default_team_id: String::new(),
    }
}

fn site_url(name: &str) -> String {
    format!("http://{name}.example")
}

pub fn create_connection(name: &str) -> Command {
    Command::CreateConnection(new_connection(name, ""))
}

/// Shown under its name in capitals.
pub fn accept_connection(name: &str, remote_id: Id, kind: PeerKind) -> Command {
    Command::AcceptConnection(AcceptConnection {
        create: new_connection(name, &name.to_uppercase()),
        remote_id,
        site_url: site_url(name),
        kind,
        remote_team_id: TEAM_OF_THE_PEER.into(),
    })
}

pub fn confirm_connection(connection: ConnectionNo, name: &str, kind: PeerKind) -> Command {
    Command::ConfirmConnection(ConfirmConnection {
        connection,
        site_url: site_url(name),
        kind,
        remote_team_id: TEAM_OF_THE_PEER.into(),
    })
}

pub fn remove_connection(connection: ConnectionNo) -> Command {
    Command::RemoveConnection(RemoveConnection { connection })
}

pub fn attach_connection(connection: ConnectionNo, previous: ConnectionNo) -> Command {
    Command::AttachConnection(AttachConnection {
        connection,
        previous,
    })
}

pub fn invite(channel: ChannelNo, connection: ConnectionNo) -> Command {
    invite_with(channel, connection, History::Configured)
}

pub fn invite_with(channel: ChannelNo, connection: ConnectionNo, history: History) -> Command {
    Command::InviteToChannel(InviteToChannel {
        channel,
        connection,
        read_only: false,
        history,
    })
}

/// Whether offers of the peer's channels wait for an answer from now on.
pub fn ask_first(connection: ConnectionNo, asks_first: bool) -> Command {
    Command::PatchConnection(PatchConnection {
        connection,
        display_name: None,
        default_team_id: None,
        asks_first: Some(asks_first),
        keeps_removed: None,
    })
}

/// Whether channels of the peer stay open when it no longer shares them.
pub fn keep_removed(connection: ConnectionNo, keeps_removed: bool) -> Command {
    Command::PatchConnection(PatchConnection {
        connection,
        display_name: None,
        default_team_id: None,
        asks_first: None,
        keeps_removed: Some(keeps_removed),
    })
}

pub fn answer_invitation(connection: ConnectionNo, channel: Id, accept: bool) -> Command {
    Command::AnswerChannelInvitation(AnswerChannelInvitation {
        connection,
        channel,
        accept,
    })
}

pub fn uninvite(channel: ChannelNo, connection: ConnectionNo) -> Command {
    Command::UninviteFromChannel(UninviteFromChannel {
        channel,
        connection,
    })
}

pub fn unshare(channel: ChannelNo) -> Command {
    Command::UnshareChannel(UnshareChannel { channel })
}

pub fn archive(channel: ChannelNo) -> Command {
    Command::ArchiveChannel(ArchiveChannel { channel })
}

pub fn restore(channel: ChannelNo) -> Command {
    Command::RestoreChannel(RestoreChannel { channel })
}

pub fn patch_channel(channel: ChannelNo, change: impl FnOnce(&mut ChannelPatch)) -> Command {
    let mut patch = ChannelPatch::default();
    change(&mut patch);
    Command::PatchChannel(PatchChannel { channel, patch })
}

pub fn convert(channel: ChannelNo, kind: ChannelKind) -> Command {
    Command::ConvertChannel(ConvertChannel { channel, kind })
}

pub fn set_channel_admin(channel: ChannelNo, user: UserNo, is_admin: bool) -> Command {
    Command::SetChannelRoles(SetChannelRoles {
        channel,
        user,
        is_admin,
    })
}

pub fn patch_team(team: TeamNo, change: impl FnOnce(&mut TeamPatch)) -> Command {
    let mut patch = TeamPatch::default();
    change(&mut patch);
    Command::PatchTeam(PatchTeam { team, patch })
}

pub fn archive_team(team: TeamNo) -> Command {
    Command::ArchiveTeam(ArchiveTeam { team })
}

pub fn restore_team(team: TeamNo) -> Command {
    Command::RestoreTeam(RestoreTeam { team })
}

pub fn leave_team(team: TeamNo, user: UserNo) -> Command {
    Command::RemoveTeamMember(RemoveTeamMember { team, user })
}

/// A custom emoji whose picture's digest ends with a byte.
pub fn add_emoji(name: &str, byte: u8) -> Command {
    Command::AddEmoji(AddEmoji {
        name: name.into(),
        digest: format!("{byte:064x}"),
        size: 600,
    })
}

pub fn remove_emoji(emoji: EmojiNo) -> Command {
    Command::RemoveEmoji(RemoveEmoji { emoji })
}

pub fn mark_unread(post: PostNo) -> Command {
    Command::MarkUnread(MarkUnread { post })
}
