//! A scripted session of a workspace.

use causeway_kernel::boundary::input::{Actor, Genesis, Input};
use causeway_kernel::command::{
    AddChannelMember, AddTeamMember, Command, CreateChannel, CreatePost, CreateTeam, CreateUser,
    DeletePost, ViewChannel,
};
use causeway_kernel::model::{ChannelKind, Config};
use causeway_kernel::rows::id::{ChannelNo, ConnectionNo, PostNo, TeamNo, UserNo};

/// A first input.
pub fn genesis() -> Input {
    Input::Genesis(Genesis {
        site_url: "http://127.0.0.1:8065".into(),
        config: Config::default(),
    })
}

/// A command of a user; number 0 is the operator.
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

/// Creates a user.
pub fn create_user(name: &str) -> Command {
    Command::CreateUser(CreateUser {
        first_name: "Ann".into(),
        last_name: "Löwe".into(),
        admin: name == "ann",
        ..CreateUser::named(name, format!("{name}@acme.example"))
    })
}

/// Writes a post in the script's channel.
pub fn create_post(root: Option<u64>, message: &str) -> Command {
    Command::CreatePost(CreatePost {
        channel: CHANNEL,
        root: root.map(PostNo),
        message: message.into(),
        props: String::new(),
        kind: String::new(),
        priority: None,
        files: Vec::new(),
    })
}

/// The channel of the script: the third, after the team's two.
pub const CHANNEL: ChannelNo = ChannelNo(3);

/// A session with several kinds of objects, and some refusals.
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
            Command::AddTeamMember(AddTeamMember {
                team: TeamNo(1),
                user: UserNo(2),
            }),
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
            Command::AddChannelMember(AddChannelMember {
                channel: CHANNEL,
                user: UserNo(2),
            }),
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
        command(2, Command::DeletePost(DeletePost { post: PostNo(1) })),
        command(1, Command::ViewChannel(ViewChannel { channel: CHANNEL })),
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
