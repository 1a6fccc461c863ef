//! Commands in words.

use causeway_kernel::boundary::input::Actor;
use causeway_kernel::command::{
    AbandonConnection, AcknowledgePost, AddChannelMember, AddReaction, AddTeamMember,
    AnswerChannelInvitation, ArchiveChannel, ArchiveTeam, AttachConnection, Command, Configure,
    ConfirmConnection, ConvertChannel, DeletePost, EditPost, InviteToChannel, OpenDirectChannel,
    OpenGroupChannel, PatchChannel, PatchConnection, PatchTeam, PatchUser, RelocateConnection,
    RemoveChannelMember, RemoveConnection, RemoveReaction, RemoveTeamMember, RestoreChannel,
    RestoreTeam, SetChannelRoles, UninviteFromChannel, UnshareChannel, ViewChannel,
    WithdrawAcknowledgement,
};
use causeway_kernel::model::{ChannelKind, History, Post, Priority, PriorityLevel};
use causeway_kernel::rows::id::PostNo;
use causeway_kernel::rows::tx::Read;

use super::component;
use crate::look::names::{Names, count, plain, quoted};
use crate::look::walk::Seen;

/// Who does what.
pub(super) fn sentence(seen: &Seen<'_>, actor: Actor, command: &Command) -> String {
    let names = Names(seen.rows);
    format!("{} {}", names.actor(actor), act(seen, command))
}

fn act(seen: &Seen<'_>, command: &Command) -> String {
    post_act(seen, command)
        .or_else(|| people_act(seen, command))
        .unwrap_or_else(|| sharing_act(seen, command))
}

/// A post and its channel.
fn place(seen: &Seen<'_>, no: PostNo) -> String {
    let names = Names(seen.rows);
    match seen.rows.get::<Post>(&no) {
        Some(post) => format!("{} in {}", post.id, names.channel(post.channel)),
        None => names.post(no),
    }
}

fn post_act(seen: &Seen<'_>, command: &Command) -> Option<String> {
    let names = Names(seen.rows);
    Some(match command {
        Command::CreatePost(new) => {
            let what = match new.root {
                Some(root) => format!("replies to post {}", names.post(root)),
                None => "writes a post".into(),
            };
            let channel = names.channel(new.channel);
            let asked = new.priority.map(asked).unwrap_or_default();
            let files = match new.files.len() {
                0 => String::new(),
                files => format!(" with {}", count(files, "file")),
            };
            format!(
                "{what} in {channel}{files}{asked}: {}",
                quoted(&new.message)
            )
        }
        Command::AddFile(new) => format!(
            "adds the file {} to {} ({})",
            plain(&new.name),
            names.channel(new.channel),
            count(usize::try_from(new.size).unwrap_or(usize::MAX), "byte")
        ),
        Command::EditPost(EditPost {
            post,
            message,
            props,
            is_pinned,
        }) => {
            let mut parts = Vec::new();
            parts.extend(
                message
                    .as_deref()
                    .map(|text| format!("edits {}", quoted(text))),
            );
            parts.extend(props.as_ref().map(|_| "changes the properties".into()));
            parts.extend(is_pinned.map(|it| if it { "pins" } else { "unpins" }.to_string()));
            if parts.is_empty() {
                parts.push("changes nothing".into());
            }
            format!("{}: post {}", parts.join(", "), place(seen, *post))
        }
        Command::DeletePost(DeletePost { post }) => format!("deletes post {}", place(seen, *post)),
        Command::AddReaction(AddReaction { post, emoji }) => {
            format!("adds :{}: to post {}", plain(emoji), place(seen, *post))
        }
        Command::RemoveReaction(RemoveReaction { post, user, emoji }) => format!(
            "removes :{}: of {} from post {}",
            plain(emoji),
            names.user(*user),
            place(seen, *post)
        ),
        Command::AcknowledgePost(AcknowledgePost { post }) => {
            format!("acknowledges post {}", place(seen, *post))
        }
        Command::WithdrawAcknowledgement(WithdrawAcknowledgement { post }) => {
            format!(
                "withdraws the acknowledgement of post {}",
                place(seen, *post)
            )
        }
        _ => return None,
    })
}

/// What a post asks of its readers.
fn asked(priority: Priority) -> String {
    let level = match priority.level {
        PriorityLevel::Standard => None,
        PriorityLevel::Important => Some("important"),
        PriorityLevel::Urgent => Some("urgent"),
    };
    let asked = [
        level,
        priority
            .requested_ack
            .then_some("asking for acknowledgements"),
        priority
            .persistent_notifications
            .then_some("with persistent notifications"),
    ];
    let asked = asked.into_iter().flatten();
    asked.map(|part| format!(", {part}")).collect()
}

/// Names, or that there are none.
fn listed(names: impl Iterator<Item = &'static str>) -> String {
    let names: Vec<&str> = names.collect();
    match names.as_slice() {
        [] => "(none)".to_string(),
        names => names.join(", "),
    }
}

fn people_act(seen: &Seen<'_>, command: &Command) -> Option<String> {
    let names = Names(seen.rows);
    Some(match command {
        Command::UseComponent(it) => format!(
            "uses {} in {}",
            component::named(&it.component),
            names.channel(it.channel)
        ),
        Command::CreateUser(new) => format!("creates the account {}", plain(&new.username)),
        Command::SetCustomStatus(set) if set.status.is_empty() => {
            "removes the own custom status".into()
        }
        Command::SetCustomStatus(_) => "sets a custom status".into(),
        Command::SetBot(set) => format!("makes {} a bot", names.user(set.user)),
        Command::SetActive(set) => format!(
            "{} the account of {}",
            if set.is_active {
                "reactivates"
            } else {
                "deactivates"
            },
            names.user(set.user)
        ),
        Command::SetRoles(set) => format!(
            "gives {} the roles {}",
            names.user(set.user),
            listed(set.roles.iter().map(|role| role.name()))
        ),
        Command::SetTeamRoles(set) => format!(
            "makes {} {} of the team {}{}",
            names.user(set.user),
            if set.is_admin {
                "an admin"
            } else {
                "an ordinary member"
            },
            names.team(set.team),
            set.roles.as_ref().map_or_else(String::new, |roles| format!(
                ", with the further roles {}",
                listed(roles.iter().map(|role| role.name()))
            ))
        ),
        Command::PatchRole(patch) => format!(
            "gives the role {} the permissions {}",
            patch.role.name(),
            listed(patch.permissions.iter().map(|it| it.name()))
        ),
        Command::SetPicture(set) if set.is_generated => {
            format!("removes the picture of {}", names.user(set.user))
        }
        Command::SetPicture(set) => format!("sets the picture of {}", names.user(set.user)),
        Command::PatchUser(PatchUser { user, .. }) => {
            format!("changes the profile of {}", names.user(*user))
        }
        Command::CreateTeam(new) => format!("creates the team {}", plain(&new.name)),
        Command::AddTeamMember(AddTeamMember { team, user }) => {
            format!(
                "adds {} to the team {}",
                names.user(*user),
                names.team(*team)
            )
        }
        Command::CreateChannel(new) => format!("creates the channel {}", plain(&new.name)),
        Command::OpenDirectChannel(OpenDirectChannel { with }) => {
            format!("opens the direct channel with {}", names.user(*with))
        }
        Command::OpenGroupChannel(OpenGroupChannel { with }) => {
            let with: Vec<String> = with.iter().map(|user| names.user(*user)).collect();
            format!("opens the group channel with {}", with.join(", "))
        }
        Command::AddChannelMember(AddChannelMember { channel, user }) => {
            format!("adds {} to {}", names.user(*user), names.channel(*channel))
        }
        Command::RemoveChannelMember(RemoveChannelMember { channel, user }) => format!(
            "removes {} from {}",
            names.user(*user),
            names.channel(*channel)
        ),
        Command::ViewChannel(ViewChannel { channel }) => {
            format!("views {}", names.channel(*channel))
        }
        Command::SetPersonal(set) => {
            format!("changes {}", count(set.changes.len(), "personal setting"))
        }
        Command::Configure(Configure { site_url, .. }) => {
            format!("changes the settings, site URL {}", plain(site_url))
        }
        Command::ConfigureConnectedWorkspaces(_) => {
            "changes what is shared with connected workspaces".to_string()
        }
        _ => return None,
    })
}

fn sharing_act(seen: &Seen<'_>, command: &Command) -> String {
    let names = Names(seen.rows);
    match command {
        Command::CreateConnection(new) => format!("creates the connection {}", plain(&new.name)),
        Command::AcceptConnection(new) => format!(
            "accepts an invitation of {} as {}",
            plain(&new.site_url),
            plain(&new.create.name)
        ),
        Command::ConfirmConnection(ConfirmConnection { connection, .. }) => {
            format!("confirms the connection {}", names.connection(*connection))
        }
        Command::AbandonConnection(AbandonConnection { connection }) => {
            format!("abandons the connection {}", names.connection(*connection))
        }
        Command::RemoveConnection(RemoveConnection { connection }) => {
            format!("removes the connection {}", names.connection(*connection))
        }
        Command::AttachConnection(AttachConnection {
            connection,
            previous,
        }) => format!(
            "attaches {} to the workspace of {}",
            names.connection(*connection),
            names.connection(*previous)
        ),
        Command::PatchConnection(PatchConnection {
            connection,
            asks_first,
            ..
        }) => format!(
            "changes the connection {}{}",
            names.connection(*connection),
            match asks_first {
                None => "",
                Some(true) => ", whose channels wait for an administrator from now on",
                Some(false) => ", whose channels are taken at once from now on",
            }
        ),
        Command::PatchChannel(PatchChannel { channel, .. }) => {
            format!("changes {}", names.channel(*channel))
        }
        Command::ConvertChannel(ConvertChannel { channel, kind }) => format!(
            "makes {} {}",
            names.channel(*channel),
            match kind {
                ChannelKind::Public => "public",
                ChannelKind::Private => "private",
            }
        ),
        Command::SetChannelRoles(SetChannelRoles {
            channel,
            user,
            is_admin,
        }) => format!(
            "makes {} {} of {}",
            names.user(*user),
            if *is_admin {
                "an admin"
            } else {
                "an ordinary member"
            },
            names.channel(*channel)
        ),
        Command::MarkUnread(mark) => format!("marks {} as unread", names.post(mark.post)),
        Command::AddEmoji(new) => format!("adds the emoji {}", plain(&new.name)),
        Command::RemoveEmoji(gone) => format!("removes emoji {}", gone.emoji.0),
        Command::PatchTeam(PatchTeam { team, .. }) => {
            format!("changes {}", names.team(*team))
        }
        Command::ArchiveTeam(ArchiveTeam { team }) => {
            format!("archives {}", names.team(*team))
        }
        Command::RestoreTeam(RestoreTeam { team }) => {
            format!("restores {}", names.team(*team))
        }
        Command::RemoveTeamMember(RemoveTeamMember { team, user }) => {
            format!("removes {} from {}", names.user(*user), names.team(*team))
        }
        Command::ArchiveChannel(ArchiveChannel { channel }) => {
            format!("archives {}", names.channel(*channel))
        }
        Command::RestoreChannel(RestoreChannel { channel }) => {
            format!("restores {}", names.channel(*channel))
        }
        Command::AnswerChannelInvitation(AnswerChannelInvitation {
            connection,
            channel,
            accept,
        }) => format!(
            "{} the channel {channel} that {} offers",
            if *accept { "accepts" } else { "declines" },
            names.connection(*connection)
        ),
        Command::RelocateConnection(RelocateConnection { connection, .. }) => format!(
            "changes the address of the connection {}",
            names.connection(*connection)
        ),
        Command::InviteToChannel(InviteToChannel {
            channel,
            connection,
            read_only,
            history,
        }) => format!(
            "invites {} to {}{}{}",
            names.connection(*connection),
            names.channel(*channel),
            if *read_only { ", read-only" } else { "" },
            match history {
                History::Configured => String::new(),
                History::Nothing => ", without its history".to_string(),
                History::Since(ms) => format!(", with its history from {ms} ms on"),
                History::Everything => ", with its whole history".to_string(),
            }
        ),
        Command::UninviteFromChannel(UninviteFromChannel {
            channel,
            connection,
        }) => format!(
            "stops sharing {} with {}",
            names.channel(*channel),
            names.connection(*connection)
        ),
        Command::UnshareChannel(UnshareChannel { channel }) => {
            format!("stops sharing {}", names.channel(*channel))
        }
        other => format!("runs another command: {}", plain(&format!("{other:?}"))),
    }
}
