//! The chapter about channels that are offered: they wait, and are accepted or declined; and about archived ones.

use causeway_kernel::command::{
    AnswerChannelInvitation, ArchiveChannel, Command, PatchConnection, RestoreChannel,
};
use causeway_kernel::model::Connection;
use causeway_kernel::rows::id::{ConnectionNo, Id};
use causeway_kernel::rows::tx::Read;

use super::chapters::{LOUNGE, id};
use super::story::{CONNECTION, FIRST, Story};

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
