//! The chapters of the story.

use causeway_kernel::boundary::input::{Actor, FramePart, Incarnation, Input, SendOutcome};
use causeway_kernel::boundary::output::{Object, Reply};
use causeway_kernel::command::{
    AbandonConnection, AcknowledgePost, AddReaction, AttachConnection, Command, Configure,
    ConfigureFiles, CreateUser, DeletePost, EditPost, InviteToChannel, MarkUnread, PatchConnection,
    PersonalChange, RelocateConnection, RemoveChannelMember, RemoveConnection, RemoveReaction,
    SetActive, SetBot, SetCustomStatus, SetPersonal, UninviteFromChannel, UnshareChannel,
    ViewChannel, WithdrawAcknowledgement,
};
use causeway_kernel::model::{
    Config, Connection, ConnectionState, FileLimits, History, KeptFrame, Link, LinkState, PeerKind,
    PersonalKind,
};
use causeway_kernel::rows::id::{ChannelNo, ConnectionNo, Id, PostNo, UserNo};
use causeway_kernel::rows::tx::Read;
use causeway_kernel::wire::response::NO_LONGER_SHARED;

use super::components;
use super::newcomers;
use super::people;
use super::story::{self, CONNECTION, FIRST, OPERATOR, Story};

pub const LOUNGE: ChannelNo = ChannelNo(3);

/// The whole story, in an order in which each part affects later ones.
pub fn whole_story(kind: PeerKind) -> Story {
    let mut story = story::begin(kind);
    write_and_edit(&mut story);
    newcomers::hear_of_users(&mut story);
    hear_of_posts(&mut story);
    meet_policies(&mut story);
    components::use_some(&mut story);
    hear_in_parts(&mut story);
    meet_incarnations(&mut story);
    people::write_directly(&mut story);
    people::show(&mut story);
    people::give_roles(&mut story);
    send_badly(&mut story);
    administer(&mut story);
    story
}

fn write_and_edit(story: &mut Story) {
    let first = story
        .write(
            0,
            LOUNGE,
            "Hello @Alice, see #Handbook and https://acme.example/x?y=Z",
        )
        .unwrap();
    let keyed = |message: &str| Input::Command {
        actor: FIRST,
        key: Some("alice:17".to_string()),
        command: story::post(
            LOUNGE,
            Some(first),
            message,
            r#" {"card":"wonderful \u00e9","n":1200} "#,
        ),
    };
    for message in ["a wonderful answer", "the same again"] {
        story.settle(0, keyed(message));
    }
    for (message, is_pinned) in [
        ("Hello, carol", None),
        ("Hello, carol", None),
        ("Hello, carol", Some(true)),
    ] {
        let message = Some(message.to_string());
        story.act(
            0,
            FIRST,
            Command::EditPost(EditPost {
                post: first,
                message,
                props: None,
                is_pinned,
            }),
        );
    }
    let old = story.old;
    story.act(
        0,
        FIRST,
        story::post(LOUNGE, old, "an answer to what is older", ""),
    );
    for emoji in ["tada", "tada", "no emoji", "+1"] {
        story.act(
            0,
            FIRST,
            Command::AddReaction(AddReaction {
                post: first,
                emoji: emoji.to_string(),
            }),
        );
    }
    let emoji = "tada".to_string();
    story.act(
        0,
        FIRST,
        Command::RemoveReaction(RemoveReaction {
            post: first,
            user: UserNo(1),
            emoji,
        }),
    );
    let acknowledge = || Command::AcknowledgePost(AcknowledgePost { post: first });
    let withdraw = WithdrawAcknowledgement { post: first };
    for command in [
        acknowledge(),
        Command::WithdrawAcknowledgement(withdraw),
        acknowledge(),
    ] {
        story.act(0, FIRST, command);
    }
    story.act(0, FIRST, story::urgent_post(LOUNGE, "answer soon"));
    for name in ["wonderful/marmalade.png", "..", "marmalade"] {
        if let Reply::Object(Object::File(file)) = story.act(0, FIRST, story::file(LOUNGE, name)) {
            let files = vec![file, file];
            story.act(0, FIRST, story::post_with_files(LOUNGE, "look", files));
        }
    }
    for byte in [1, 2] {
        story.act(0, FIRST, story::picture(UserNo(1), byte));
    }
    for status in [r#"{"emoji":"tea","text":"Wonderful marmalade"}"#, ""] {
        let status = status.to_string();
        story.act(
            0,
            FIRST,
            Command::SetCustomStatus(SetCustomStatus { status }),
        );
    }
    let robot = CreateUser::named("robot", "robot@acme.example");
    let Reply::Object(Object::User(user)) = story.act(0, OPERATOR, Command::CreateUser(robot))
    else {
        panic!("no account")
    };
    let bot = SetBot {
        user,
        owner: UserNo(1),
        description: "wonderful marmalade".into(),
    };
    let made = story.act(0, OPERATOR, Command::SetBot(bot));
    assert_eq!(made, Reply::Object(Object::User(user)));
    for is_active in [false, true] {
        let user = UserNo(2);
        story.act(
            0,
            OPERATOR,
            Command::SetActive(SetActive { user, is_active }),
        );
    }
    let gone = story.write(0, LOUNGE, "deleted soon").unwrap();
    story.act(0, FIRST, Command::DeletePost(DeletePost { post: gone }));
    story.act(
        0,
        FIRST,
        Command::ViewChannel(ViewChannel { channel: LOUNGE }),
    );
    let unread = story.write(0, LOUNGE, "read once more").unwrap();
    story.act(0, FIRST, Command::MarkUnread(MarkUnread { post: unread }));
    for value in [Some("Wonderful".to_string()), None] {
        let change = PersonalChange {
            name: "marmalade/Rosebud".into(),
            value,
        };
        let set = SetPersonal {
            kind: PersonalKind::Preference,
            changes: vec![change],
        };
        story.act(0, FIRST, Command::SetPersonal(set));
    }
    story.act(
        0,
        FIRST,
        story::post(LOUNGE, None, "props are no object", "[1]"),
    );
    story.act(0, FIRST, story::post(LOUNGE, None, &"ü".repeat(16_384), ""));
    story.act(
        1,
        FIRST,
        story::post(
            LOUNGE,
            None,
            "Greetings from @berta to @alice:initech, @carol",
            "",
        ),
    );
    story.act(0, FIRST, story::rename(UserNo(2), "carol.b"));
    story.act(0, FIRST, story::rename(UserNo(2), "alice"));
    story.act(
        0,
        FIRST,
        Command::RemoveChannelMember(RemoveChannelMember {
            channel: LOUNGE,
            user: UserNo(2),
        }),
    );
    story.wait(2_000);
}

pub fn id(letter: char) -> String {
    letter.to_string().repeat(26)
}

fn posts(sections: &[(char, &str, &str)]) -> String {
    let posts: Vec<String> = sections
        .iter()
        .map(|(letter, message, more)| format!(
            r#"{{"id":"{}","channel_id":"CHANNEL","user_id":"{}","create_at":10,"update_at":10,"message":"{message}"{more}}}"#,
            id(*letter), id('d')
        ))
        .collect();
    format!(r#""posts":[{}]"#, posts.join(","))
}

fn hear_of_posts(story: &mut Story) {
    let mentions = format!(
        r#","mention_transforms":{{"dora":"{}","Nobody":"{}","alice":"{}"}}"#,
        id('d'),
        id('z'),
        id('e')
    );
    let text = r#"Hi @dora. @nobody @Alice: #Tag, \u0041lice \"quoted\" &<>"#;
    // The same twice, then once more, as a server sends it when somebody reacts to it.
    for edit_at in [0, 0, 15] {
        let more = format!(r#","props":{{"a":"wonderful"}},"hashtags":"x","edit_at":{edit_at}"#);
        let message = posts(&[('1', text, &more)]);
        story.sync(0, &format!("{message}{mentions}"));
    }
    story.sync(
        0,
        &format!(
            "{}{mentions}",
            posts(&[
                ('1', text, r#","edit_at":20"#),
                ('2', "a reply", &format!(r#","root_id":"{}""#, id('1'))),
                (
                    '3',
                    "of an unknown root",
                    &format!(r#","root_id":"{}""#, id('9'))
                ),
                ('4', "of no type", r#","type":"other stuff""#),
                (
                    '5',
                    "custom",
                    r#","type":"custom_thing","metadata":{"images":{"wonderful":{}},"priority":{"priority":"urgent","requested_ack":true}}"#
                ),
                (
                    '6',
                    "long",
                    &format!(r#","hashtags":"{}""#, "y".repeat(1_001))
                ),
                ('7', "never seen", r#","delete_at":30"#),
                ('1', "deleted", r#","delete_at":40"#),
            ])
        ),
    );
    let reaction = |emoji: &str, post: char| {
        format!(
            r#"{{"user_id":"{}","post_id":"{}","emoji_name":"{emoji}","create_at":50}}"#,
            id('d'),
            id(post)
        )
    };
    let reactions = [
        reaction("tada", '5'),
        reaction("no emoji", '5'),
        reaction("tada", '8'),
    ]
    .join(",");
    story.sync(
        0,
        &format!(r#""reactions":[{reactions},7],"statuses":[{{"status":"wonderful marmalade"}}]"#),
    );
    let acknowledgement = |at: i64, post: char| {
        format!(
            r#"{{"user_id":"{}","post_id":"{}","acknowledged_at":{at},"wonderful":"x"}}"#,
            id('d'),
            id(post)
        )
    };
    let list = [(50, '5'), (50, '5'), (0, '5'), (60, '5'), (50, '8')];
    let list = list.map(|(at, post)| acknowledgement(at, post)).join(",");
    story.sync(0, &format!(r#""acknowledgements":[{list},"wonderful"]"#));
    for body in [
        "",
        "<html>wonderful",
        "{\"remote_id\":\"alice\"",
        "{\"remote_id\":7} ",
        "[nul",
        "[01]",
    ] {
        story.frame(0, body.as_bytes());
    }
    story.frame(0, b"{\"remote_id\":\"\xff\xfewonderful\"");
    let body = format!(r#"{{"id":"{}","message":"carol"#, id('5')).into_bytes();
    let reason = "stopped at wonderful".to_string();
    story.settle(
        0,
        Input::Quarantine {
            connection: CONNECTION,
            body,
            reason,
        },
    );
    for (name, letter) in [
        ("lounge", 'n'),
        ("town-square", 'o'),
        ("handbook", 'p'),
        ("Hand book", 'q'),
    ] {
        let remote = story.nodes[0]
            .rows
            .get::<Connection>(&CONNECTION)
            .unwrap()
            .remote_id;
        let body = format!(
            r#"{{"remote_id":"{remote}","msg":{{"id":"{remote}","topic":"sharedchannel_invite","payload":
            {{"channel_id":"{}","name":"{name}","display_name":"","header":"wonderful","type":"O"}}}}}}"#,
            id(letter)
        );
        story.frame(0, body.as_bytes());
    }
}

fn meet_policies(story: &mut Story) {
    let mentions = format!(r#","mention_transforms":{{"dora":"{}"}}"#, id('g'));
    story.write(0, LOUNGE, "rosebud is a secret");
    story.write(0, LOUNGE, "marmalade for carol");
    story.write(0, LOUNGE, "maybe wonderful");
    story.sync(
        0,
        &(posts(&[
            ('r', "rosebud", ""),
            ('s', "some marmalade", ""),
            ('t', "maybe @dora", ""),
        ]) + &mentions),
    );
    let answer = posts(&[('u', "an answer", &format!(r#","root_id":"{}""#, id('t')))]);
    story.sync(0, &(answer + &mentions));
    story.wait(5_000);
    story.policies(true);
    story.wait(40_000);
    story.policies(false);
    story.wait(100_000);
    let input = Input::Frame {
        connection: CONNECTION,
        body: Vec::new(),
        skip: vec![(0, 2)],
    };
    story.settle(0, input);
}

/// A frame with an item that is set aside, in steps of one item each, and a frame that is not
/// continued.
fn hear_in_parts(story: &mut Story) {
    let body = story.sync_body(
        0,
        &posts(&[
            ('v', "wonderful", ""),
            ('w', "set aside by alice", ""),
            ('x', "the rest, carol", ""),
        ]),
    );
    for part in [
        FramePart::Keep(body.clone()),
        FramePart::Items(1),
        FramePart::SetAside(1),
        FramePart::Items(1),
        FramePart::Keep(body),
    ] {
        let connection = CONNECTION;
        story.settle(0, Input::FramePart { connection, part });
    }
    assert!(story.nodes[0].rows.has::<KeptFrame>(&CONNECTION));
    story.settle(0, Input::Resume);
}

fn meet_incarnations(story: &mut Story) {
    for number in [1, 2, 3] {
        let id = Id::parse(&id('i')).unwrap();
        story.ping_of(0, Some(Incarnation { id, number }));
    }
    story.wait(70_000);
}

fn send_badly(story: &mut Story) {
    let fail = |err: &str| {
        let body = format!(r#"{{"status":"FAIL","err":"{err}"}}"#);
        Some(SendOutcome::Answered(body.into_bytes()))
    };
    for outcome in [
        Some(SendOutcome::Unknown),
        Some(SendOutcome::NeverLeft),
        Some(SendOutcome::Refused(413)),
        Some(SendOutcome::Answered(b"<p>wonderful</p>".to_vec())),
        fail("lounge is wonderful"),
    ] {
        story.outcome = outcome;
        let first = story.write(0, LOUNGE, "never arrives").unwrap();
        story.act(
            0,
            FIRST,
            Command::AddReaction(AddReaction {
                post: first,
                emoji: "eyes".to_string(),
            }),
        );
        story.wait(70_000);
    }
    story.outcome = None;
    story.wait(70_000);
    story.settle(0, Input::Resume);
    story.wait(70_000);
    story.outcome = fail(&format!(
        "cannot process sync message; {NO_LONGER_SHARED}: lounge"
    ));
    assert_eq!(link_state(story), LinkState::Active);
    story.write(0, LOUNGE, "the last one");
    assert_eq!(link_state(story), LinkState::Ended);
    story.outcome = fail("no room for lounge");
    let (channel, connection) = (LOUNGE, CONNECTION);
    story.act(
        0,
        FIRST,
        Command::InviteToChannel(InviteToChannel {
            channel,
            connection,
            read_only: true,
            history: History::Configured,
        }),
    );
    story.outcome = None;
    story.act(
        0,
        FIRST,
        Command::InviteToChannel(InviteToChannel {
            channel,
            connection,
            read_only: true,
            history: History::Configured,
        }),
    );
    story.wait(70_000);
}

fn link_state(story: &Story) -> LinkState {
    let link = story.nodes[0].rows.get::<Link>(&(LOUNGE, CONNECTION));
    link.unwrap().state
}

fn administer(story: &mut Story) {
    for site_url in [
        "https://acme.example/",
        "ftp://acme.example",
        "HTTPS://acme.example",
    ] {
        let (site_url, config) = (
            site_url.to_string(),
            Config {
                backfill: true,
                ..Config::default()
            },
        );
        story.act(
            0,
            OPERATOR,
            Command::Configure(Configure { site_url, config }),
        );
    }
    let limits = FileLimits { bytes_max: 1 << 20 };
    story.act(
        0,
        OPERATOR,
        Command::ConfigureFiles(ConfigureFiles { limits }),
    );
    for display_name in [" The Globex ", "", &"é".repeat(65)] {
        let (display_name, default_team_id) =
            (Some(display_name.to_string()), Some("acme".to_string()));
        story.act(
            0,
            FIRST,
            Command::PatchConnection(PatchConnection {
                connection: CONNECTION,
                display_name,
                default_team_id,
                asks_first: None,
                keeps_removed: None,
            }),
        );
    }
    for site_url in ["https://elsewhere.globex.example", ""] {
        let relocate = RelocateConnection {
            connection: CONNECTION,
            site_url: site_url.to_string(),
        };
        story.act(0, FIRST, Command::RelocateConnection(relocate));
    }
    super::consent::decide(story);
    let many: Vec<PostNo> = (0..3)
        .filter_map(|n| story.write(0, LOUNGE, &format!("number {n}")))
        .collect();
    story.act(0, FIRST, Command::DeletePost(DeletePost { post: many[0] }));
    story.settle(
        0,
        Input::KernelChanged {
            digest: "ab12".to_string(),
        },
    );
    story.settle(0, Input::Restored);
    story.ping(0, Some(PeerKind::Causeway));
    story.act(
        0,
        FIRST,
        Command::UninviteFromChannel(UninviteFromChannel {
            channel: LOUNGE,
            connection: CONNECTION,
        }),
    );
    story.act(
        0,
        FIRST,
        Command::UnshareChannel(UnshareChannel { channel: LOUNGE }),
    );
    story.act(
        0,
        FIRST,
        Command::RemoveConnection(RemoveConnection {
            connection: CONNECTION,
        }),
    );
    story.wait(5_000);
    for name in ["globex", "Globex"] {
        story.act(0, FIRST, Command::CreateConnection(story::connection(name)));
    }
    let connection = ConnectionNo(2);
    story.act(
        0,
        FIRST,
        Command::AttachConnection(AttachConnection {
            connection,
            previous: CONNECTION,
        }),
    );
    story.act(
        0,
        FIRST,
        Command::AbandonConnection(AbandonConnection { connection }),
    );
    story.act(0, Actor::Anonymous, story::user("eve", "eve@acme.example"));
    story.wait(25 * 60 * 60 * 1000);
    let removed = story.nodes[0].rows.get::<Connection>(&CONNECTION).unwrap();
    assert_eq!(removed.state, ConnectionState::Removed);
}
