//! The chapter about channels that are offered: they wait, and are accepted or declined; and about archived ones.

use causeway_kernel::boundary::output::{Object, Reply};
use causeway_kernel::command::{
    AddEmoji, AddTeamMember, AnswerChannelInvitation, ArchiveChannel, ArchiveTeam, ChannelPatch,
    Command, ConvertChannel, CreateUser, PatchChannel, PatchConnection, PatchTeam, RemoveEmoji,
    RemoveTeamMember, RestoreChannel, RestoreTeam, SetChannelRoles, TeamPatch,
};
use causeway_kernel::model::{ChannelKind, Connection};
use causeway_kernel::rows::id::{ConnectionNo, Id, TeamNo, UserNo};
use causeway_kernel::rows::tx::Read;

use super::chapters::{LOUNGE, id};
use super::story::{CONNECTION, FIRST, OPERATOR, Story};

/// Channels are offered, answered and taken back; one is archived for a while.
pub fn decide(story: &mut Story) {
    story.act(0, FIRST, ask_first(true));
    for (letter, name) in [('7', "wonderful"), ('8', "rosebud"), ('9', "marmalade")] {
        offer(story, letter, name);
    }
    for (letter, accept) in [('7', true), ('8', false), ('8', true), ('9', false)] {
        let answer = AnswerChannelInvitation {
            connection: CONNECTION,
            channel: Id::parse(&id(letter)).unwrap(),
            accept,
        };
        story.act(0, FIRST, Command::AnswerChannelInvitation(answer));
    }
    story.act(0, FIRST, ask_first(false));
    for letter in ['7', '9'] {
        let payload = format!(r#"{{"channel_id":"{}","is_shared":false}}"#, id(letter));
        tell(story, "sharedchannel_state", &payload);
    }
    let channel = LOUNGE;
    story.act(
        0,
        FIRST,
        Command::ArchiveChannel(ArchiveChannel { channel }),
    );
    story.act(
        0,
        FIRST,
        Command::RestoreChannel(RestoreChannel { channel }),
    );
    change(story);
}

/// The channel, its team and a member's role are changed.
fn change(story: &mut Story) {
    let (channel, team) = (LOUNGE, TeamNo(1));
    let user = UserNo(1);
    let patch = ChannelPatch {
        name: Some("marmalade".into()),
        display_name: Some("Rosebud".into()),
        header: Some("wonderful".into()),
        purpose: Some("marmalade".into()),
    };
    let of_team = TeamPatch {
        display_name: Some("Marmalade".into()),
        description: Some("wonderful".into()),
        is_open: Some(true),
    };
    let mut commands = vec![
        Command::PatchChannel(PatchChannel { channel, patch }),
        Command::SetChannelRoles(SetChannelRoles {
            channel,
            user,
            is_admin: true,
        }),
        Command::PatchTeam(PatchTeam {
            team,
            patch: of_team,
        }),
        Command::ArchiveTeam(ArchiveTeam { team }),
        Command::RestoreTeam(RestoreTeam { team }),
    ];
    let add = Command::AddEmoji(AddEmoji {
        // Names of emoji stay readable.
        name: "rope".into(),
        digest: "0f".repeat(32),
        size: 600,
    });
    let Reply::Object(Object::Emoji(emoji)) = story.act(0, FIRST, add) else {
        panic!("no emoji")
    };
    let gone = story.act(0, FIRST, Command::RemoveEmoji(RemoveEmoji { emoji }));
    assert_eq!(gone, Reply::Done);
    for kind in [ChannelKind::Private, ChannelKind::Public] {
        commands.push(Command::ConvertChannel(ConvertChannel { channel, kind }));
    }
    let leaver = CreateUser::named("leaver", "leaver@acme.example");
    let made = story.act(0, OPERATOR, Command::CreateUser(leaver));
    let Reply::Object(Object::User(leaver)) = made else {
        panic!("no account")
    };
    commands.push(Command::AddTeamMember(AddTeamMember { team, user: leaver }));
    commands.push(Command::RemoveTeamMember(RemoveTeamMember {
        team,
        user: leaver,
    }));
    for command in commands {
        let reply = story.act(0, OPERATOR, command);
        assert!(matches!(reply, Reply::Object(_)), "{reply:?}");
    }
}

fn ask_first(asks_first: bool) -> Command {
    let connection: ConnectionNo = CONNECTION;
    Command::PatchConnection(PatchConnection {
        connection,
        display_name: None,
        default_team_id: None,
        asks_first: Some(asks_first),
        keeps_removed: None,
    })
}

fn offer(story: &mut Story, letter: char, name: &str) {
    let payload = format!(
        r#"{{"channel_id":"{}","name":"{name}","display_name":"Rosebud","header":"wonderful","type":"O"}}"#,
        id(letter)
    );
    tell(story, "sharedchannel_invite", &payload);
}

fn tell(story: &mut Story, topic: &str, payload: &str) {
    let row = story.nodes[0].rows.get::<Connection>(&CONNECTION).unwrap();
    let remote = row.remote_id;
    let body = format!(
        r#"{{"remote_id":"{remote}","msg":{{"id":"{remote}","topic":"{topic}","payload":{payload}}}}}"#
    );
    story.frame(0, body.as_bytes());
}
