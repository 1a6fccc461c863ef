//! Examples of commands that change channels, teams and personal values.

use causeway_kernel::command::{
    AddEmoji, ArchiveTeam, ChannelPatch, Command, ConvertChannel, MarkUnread, PatchChannel,
    PatchTeam, PatchUser, PersonalChange, RemoveEmoji, RemoveTeamMember, RestoreTeam,
    SetChannelRoles, SetPersonal, TeamPatch, UserPatch,
};
use causeway_kernel::model::{ChannelKind, PersonalKind};
use causeway_kernel::rows::id::EmojiNo;

use crate::examples::{CHANNEL, POST, TEAM, USER};

/// Every such command.
pub fn commands() -> Vec<Command> {
    let (channel, user, team) = (CHANNEL, USER, TEAM);
    let mut commands = vec![
        Command::PatchChannel(PatchChannel {
            channel,
            patch: ChannelPatch {
                name: Some("workshop".into()),
                display_name: None,
                header: Some("Mind the saw".into()),
                purpose: Some(String::new()),
            },
        }),
        Command::ConvertChannel(ConvertChannel {
            channel,
            kind: ChannelKind::Private,
        }),
        Command::SetChannelRoles(SetChannelRoles {
            channel,
            user,
            is_admin: true,
        }),
        Command::PatchTeam(PatchTeam {
            team,
            patch: TeamPatch {
                display_name: Some("The Staff".into()),
                description: None,
                is_open: Some(false),
            },
        }),
        Command::PatchUser(PatchUser {
            user,
            patch: UserPatch {
                timezone: Some(r#"{"useAutomaticTimezone":"true"}"#.into()),
                ..UserPatch::default()
            },
        }),
        Command::ArchiveTeam(ArchiveTeam { team }),
        Command::RestoreTeam(RestoreTeam { team }),
        Command::RemoveTeamMember(RemoveTeamMember { team, user }),
    ];
    commands.push(Command::AddEmoji(AddEmoji {
        name: "rope".into(),
        digest: "0f".repeat(32),
        size: 600,
    }));
    commands.push(Command::MarkUnread(MarkUnread { post: POST }));
    let emoji = EmojiNo(130);
    commands.push(Command::RemoveEmoji(RemoveEmoji { emoji }));
    for kind in [
        PersonalKind::SidebarCategory,
        PersonalKind::Draft,
        PersonalKind::ChannelNotifications,
        PersonalKind::Account,
    ] {
        let changes = vec![PersonalChange {
            name: "name".into(),
            value: Some("{}".into()),
        }];
        commands.push(Command::SetPersonal(SetPersonal { kind, changes }));
    }
    commands
}
