use causeway_kernel::boundary::texts::Text;
use causeway_kernel::inbound::OWN_PROPS;
use causeway_kernel::model::naming;
use causeway_kernel::model::reasons::{self, FIXED};
use causeway_kernel::model::{
    Connection, ConnectionState, Exception, ExceptionState, FeedObject, Job, NameRow, PeerKind,
    Request, SentReaction, kind,
};
use causeway_kernel::objects::posts::hashtags;
use causeway_kernel::rows::id::{
    ChannelNo, ConnectionNo, FeedSeq, Id, PostNo, TeamNo, UserNo, WorkspaceNo,
};
use causeway_kernel::rows::key;
use causeway_kernel::rows::lookup::team_channel_name_key;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::Record;
use causeway_kernel::wire::json::{Document, JsonError};
use causeway_kernel::wire::message::{SyncMessage, WirePost};
use causeway_kernel::wire::response::{self, Answer, SIGNALS};
use causeway_kernel::wire::write::escaped_len;
use proptest::prelude::*;

use super::keys::{Shape, is_known_key};
use super::{Mask, Unmaskable};

fn mask() -> Mask {
    Mask::new([3; 32])
}

fn json(text: &str, shape: Shape) -> String {
    String::from_utf8(mask().json(text.as_bytes(), shape)).unwrap()
}

/// Often valid in names, addresses and links.
const NAMES: &str = "[a-zA-Z0-9@:._/# -]{0,24}|[a-z]{1,3}(-[0-9]{1,2})?(:[a-z]{1,3})?";
/// Often similar to JSON.
const JSON: &str = r#"([\[\]{}",:]|true|null|nul|-|0|17|0\.5|1e9|"id":|"props":\{|"message":"Hi \\u00e9\\ud83d\\ude00 \\n"|é|日|\\u12)*"#;

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_stand_in_has_the_lengths_and_the_classes_of_the_text(text in "\\PC*|.*") {
        let masked = mask().text(&text);
        prop_assert_eq!(masked.len(), text.len());
        prop_assert_eq!(escaped_len(&masked), escaped_len(&text));
        prop_assert_eq!(masked.chars().count(), text.chars().count());
        for (was, is) in text.chars().zip(masked.chars()) {
            let class = |c: char| (
                c.len_utf8(), c.is_ascii_digit(), c.is_ascii_lowercase(), c.is_ascii_uppercase(),
                c.is_whitespace(), c.is_control(),
            );
            prop_assert_eq!(class(was), class(is));
            prop_assert!(was.is_ascii_alphanumeric() || !was.is_ascii() || was == is);
        }
    }

    #[test]
    fn different_texts_stay_different(one in NAMES, other in NAMES, foreign in "[а-яé日-龥]{1,2}", also in "[а-яé日-龥]{1,2}") {
        let mask = mask();
        prop_assert_eq!(one == other, mask.text(&one) == mask.text(&other));
        prop_assert_eq!(foreign == also, mask.text(&foreign) == mask.text(&also));
        prop_assert_eq!(one == other, mask.team_name(&one) == mask.team_name(&other));
        prop_assert_eq!(one == other, mask.channel_name(&one) == mask.channel_name(&other));
        prop_assert_eq!(one == other, mask.number(&one) == mask.number(&other));
    }

    #[test]
    fn stand_ins_follow_lower_case(text in NAMES) {
        let mask = mask();
        let lower = text.to_ascii_lowercase();
        prop_assert_eq!(mask.text(&text).to_ascii_lowercase(), mask.text(&lower));
        prop_assert_eq!(mask.team_name(&text).to_ascii_lowercase(), mask.team_name(&lower));
        prop_assert_eq!(mask.channel_name(&text).to_ascii_lowercase(), mask.channel_name(&lower));
    }

    #[test]
    fn words_are_masked_by_themselves(text in "[a-zA-Z0-9]{1,8}", before in "[ @:/]", behind in "[ :,]") {
        let mask = mask();
        let within = mask.text(&format!("x{before}{text}{behind}y"));
        prop_assert_eq!(&within[2..2 + text.len()], mask.text(&text));
    }

    #[test]
    fn what_is_a_name_stays_one(text in "[a-z0-9._-]{1,9}|[a-z0-9@._:-]{1,9}|(api|post|login)[a-z]{0,3}") {
        let mask = mask();
        let masked = mask.text(&text);
        prop_assert_eq!(naming::is_username(&text), naming::is_username(&masked));
        prop_assert_eq!(naming::is_remote_username(&text), naming::is_remote_username(&masked));
        prop_assert_eq!(naming::is_connection_name(&text), naming::is_connection_name(&masked));
        prop_assert_eq!(naming::is_email(&text), naming::is_email(&masked));
        let team = mask.team_name(&text);
        prop_assert_eq!(naming::is_team_name(&text), naming::is_team_name(&team));
        prop_assert_eq!(naming::is_reserved_team_name(&text), naming::is_reserved_team_name(&team));
        let channel = mask.channel_name(&text);
        prop_assert_eq!(naming::is_channel_name(&text), naming::is_channel_name(&channel));
        prop_assert_eq!(naming::is_group_channel_name(&text), naming::is_group_channel_name(&channel));
        prop_assert_eq!(naming::is_direct_channel_name(&text), naming::is_direct_channel_name(&channel));
    }

    #[test]
    fn suffixes_and_hashtags_are_those_of_the_stand_in(
        user in "[a-z0-9._-]{0,12}[a-z][a-z0-9._-]{0,12}",
        connection in "[a-z0-9._-]{1,20}",
        attempt in 0u32..=25,
        text in "([#a-z0-9.é-]{0,9}[ ,])*",
    ) {
        let mask = mask();
        let attempt = if attempt == 1 { 0 } else { attempt };
        let of = |user: &str, connection: &str| naming::remote_username(user, connection, attempt);
        let before = of(&user, &connection);
        prop_assert_eq!(mask.text(&before), of(&mask.text(&user), &mask.text(&connection)));
        prop_assert_eq!(mask.text(&hashtags(&text)), hashtags(&mask.text(&text)));
    }

    #[test]
    fn json_is_read_or_refused_as_before(text in JSON) {
        let masked = json(&text, Shape::Message);
        prop_assert_eq!(masked.len(), text.len());
        prop_assert_eq!(outline(text.as_bytes()), outline(masked.as_bytes()));
    }

    #[test]
    fn any_bytes_are_read_or_refused_as_before(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        for bytes in [bytes.clone(), [b"[\"", bytes.as_slice(), b"\"]"].concat()] {
            let masked = mask().json(&bytes, Shape::Opaque);
            prop_assert_eq!(masked.len(), bytes.len());
            prop_assert_eq!(outline(&bytes), outline(&masked));
        }
    }

    #[test]
    fn keys_that_mean_nothing_do_not_become_ones_that_do(key in "[a-z]{2,4}(_[a-z]{2})?") {
        let text = format!("{{\"{key}\":\"x\"}}");
        let masked = json(&text, Shape::Message);
        let document = Document::parse(masked.as_bytes()).unwrap();
        let is = document.root().children().next().unwrap().key().into_owned();
        prop_assert_eq!(is_known_key(&key), is_known_key(&is));
    }
}

/// The structure of a document as the kernel's reader sees it, without its words.
fn outline(bytes: &[u8]) -> Result<Vec<String>, JsonError> {
    let document = Document::parse(bytes)?;
    let mut outline = Vec::new();
    let mut values = vec![document.root()];
    while let Some(value) = values.pop() {
        let text = value.as_text().map(|text| text.chars().count());
        let lengths = (value.raw().len(), value.key().len(), text);
        outline.push(format!("{value:?} {lengths:?}"));
        values.extend(value.children());
    }
    Ok(outline)
}

#[test]
fn words_that_the_kernel_knows_stay() {
    let mask = mask();
    for known in [
        "all", "Here", "@channel", "system", "http://", "HTTPS://", "bob-2:", "x.-25",
    ] {
        let at = known.find(|c: char| c.is_ascii_alphabetic()).unwrap();
        let is = mask.text(known);
        let stays = if known.contains("-2") {
            known.split_once('-').unwrap().1
        } else {
            &known[at..]
        };
        assert!(is.ends_with(stays), "{known} became {is}");
    }
    for masked in ["06-12-17", "bob-26", "alls", "towns"] {
        assert_ne!(mask.text(masked), masked);
    }
    assert_eq!(mask.channel_name("Town-Square"), "Town-Square");
    assert_eq!(mask.channel_name("off-topic"), "off-topic");
    assert_ne!(mask.channel_name("town-hall"), "town-hall");
    assert!(mask.team_name("Administration").starts_with("Admin"));
    assert_ne!(mask.team_name("acme"), "acme");
}

#[test]
fn no_team_name_becomes_one_that_is_not_allowed() {
    let letters = || (b'a'..=b'z').map(char::from);
    let mask = mask();
    for one in letters() {
        for two in letters() {
            for three in letters() {
                let name: String = [one, two, three].into_iter().collect();
                let is = mask.team_name(&name);
                let reserved = naming::is_reserved_team_name;
                assert_eq!(reserved(&name), reserved(&is), "{name} became {is}");
            }
        }
    }
}

#[test]
fn the_rest_of_a_reaction_s_name_stays() {
    let job = Job::AskAgain {
        connection: ConnectionNo(1),
        position: (ChannelNo(2), 3, "0000000000000004/tada".to_string()),
    };
    let bytes = job.to_bytes();
    let masked = mask().row(Table::Jobs, &[0; 8], &bytes).unwrap();
    assert_eq!(masked, (vec![0; 8], bytes));
    let broken = mask().row(Table::Jobs, &[0; 8], &[1, 99]);
    assert_eq!(broken, Err(Unmaskable(Table::Jobs)));
}

#[test]
fn texts_in_keys_are_masked_by_what_they_are() {
    let mask = mask();
    let key_of = |table: Table, key: &[u8], value: &[u8]| mask.row(table, key, value).unwrap().0;
    let name_of = |kind: u8, name: &str| {
        let key = key::encode(&(kind, name.to_string()));
        let masked = key_of(Table::Names, &key, &NameRow(1).to_bytes());
        key::decode::<(u8, String)>(&masked).unwrap().1
    };
    assert_eq!(name_of(kind::USERNAME, "anna"), mask.text("anna"));
    assert_eq!(name_of(kind::TEAM_NAME, "acme"), mask.team_name("acme"));
    let channel = |name: &str| team_channel_name_key(TeamNo(3), name);
    assert_eq!(
        name_of(kind::CHANNEL_NAME, &channel("town-square")),
        channel("town-square")
    );
    assert_eq!(
        name_of(kind::CHANNEL_NAME, &channel("lounge")),
        channel(&mask.channel_name("lounge"))
    );
    let request = key::encode(&(UserNo(1), "anna's key".to_string()));
    let row = Request {
        post: PostNo(1),
        until_ms: 1,
    };
    assert_eq!(
        key_of(Table::Requests, &request, &row.to_bytes()),
        key::encode(&(UserNo(1), mask.text("anna's key")))
    );
    let sent = key::encode(&(ConnectionNo(1), PostNo(2), (UserNo(3), "tada".to_string())));
    let row = SentReaction { live: true };
    assert_eq!(
        key_of(Table::SentReactions, &sent, &row.to_bytes()),
        sent,
        "an emoji stays"
    );
    let too_short = mask.row(Table::Requests, &[1], &row.to_bytes());
    assert_eq!(too_short, Err(Unmaskable(Table::Requests)));
}

#[test]
fn a_row_of_an_older_version_is_masked_and_one_of_an_unknown_version_is_refused_by_name() {
    let row = Connection {
        name: "globex".into(),
        ..connection()
    };
    let today = row.to_bytes();
    let mut first_version = today.clone();
    first_version[0] = 1;
    // The fields that the first version did not have are empty here.
    assert!(first_version.ends_with(&[0; 3]));
    first_version.truncate(today.len() - 3);
    let key = key::encode(&ConnectionNo(1));
    let masked = mask().row(Table::Connections, &key, &first_version);
    assert_eq!(masked, mask().row(Table::Connections, &key, &today));
    let name = Connection::from_bytes(&masked.unwrap().1).unwrap().name;
    assert_eq!(name, mask().text("globex"));
    let mut unknown = today;
    unknown[0] = 9;
    let refused = mask().row(Table::Connections, &key, &unknown).unwrap_err();
    assert_eq!(refused, Unmaskable(Table::Connections));
    assert!(refused.to_string().contains("Connections"));
}

fn connection() -> Connection {
    Connection {
        remote_id: Id::from_uuid_bytes([7; 16]),
        workspace: WorkspaceNo(1),
        name: String::new(),
        display_name: String::new(),
        site_url: String::new(),
        default_team_id: String::new(),
        creator: UserNo(1),
        create_at: 5,
        delete_at: 0,
        last_ping_at: 6,
        state: ConnectionState::Confirmed,
        kind: PeerKind::Mattermost11,
        attempt: 9,
        failures: 0,
        retry_at: 0,
        people_cursor: FeedSeq(3),
        unknown_reactions: 0,
        unknown_reactions_to: FeedSeq(0),
        turn: ChannelNo(0),
        suspended: None,
        remote_team_id: String::new(),
        asks_first: false,
        keeps_removed: false,
    }
}

#[test]
fn a_mention_keeps_its_bounds() {
    let mask = mask();
    let text = mask.text("hi @Ann.lee-2:globex! mail bob@globex.example");
    let name = mask.text("ann.lee-2");
    let connection = mask.text("globex");
    let expected = format!("@{name}:{connection}! ");
    assert!(text.to_ascii_lowercase().contains(&expected), "{text}");
    assert!(text.ends_with(&format!(
        "{}@{connection}.{}",
        mask.text("bob"),
        mask.text("example")
    )));
}

#[test]
fn another_key_gives_other_stand_ins() {
    let text = "The quick brown fox jumps over the lazy dog";
    assert_ne!(mask().text(text), Mask::new([4; 32]).text(text));
}

#[test]
fn an_escaped_text_is_the_text() {
    let mask = mask();
    let text = json(
        r#"{"message":"\u0041nna \ud83d\ude00 caf\u00E9 \"\/\n\ud83d"}"#,
        Shape::Message,
    );
    let document = Document::parse(text.as_bytes()).unwrap();
    let message = document.root().text("message").unwrap();
    assert_eq!(message, mask.text("Anna \u{1F600} caf\u{e9} \"/\n\u{fffd}"));
}

#[test]
fn a_priority_keeps_its_level_and_the_rest_of_the_metadata_is_masked() {
    let id = "yye1rc4rkiu8xnr3ik7h3zxq9h";
    let text = format!(
        r#"{{"posts":[{{"id":"{id}","metadata":{{"images":{{"http://Anna":{{"width":17}}}},
        "priority":{{"priority":"urgent","requested_ack":true,"persistent_notifications":true,
        "PostId":"{id}","who":"Anna"}}}}}},
        {{"id":"{id}","metadata":{{"priority":"Anna"}}}}]}}"#
    );
    let masked = json(&text, Shape::Message);
    assert!(
        !masked.contains("Anna") && !masked.contains("17"),
        "{masked}"
    );
    let posts = |text: &str| {
        let document = Document::parse(text.as_bytes()).unwrap();
        let posts = SyncMessage::decode(document.root()).unwrap().posts;
        let posts = posts.into_iter().map(|(_, post)| post.unwrap());
        posts.map(|post| post.priority).collect::<Vec<_>>()
    };
    assert_eq!(posts(&masked), posts(&text));
    assert!(posts(&masked)[0].is_some());
}

#[test]
fn a_frame_keeps_what_the_protocol_needs_and_nothing_else() {
    let id = "yye1rc4rkiu8xnr3ik7h3zxq9h";
    let text = format!(
        r#"{{"channel_id":"{id}","secret":{{"id":"{id}","n":12345,"username":"Anna"}},
        "users":{{"{id}":{{"id":"{id}","username":"anna","locale":"de","create_at":17}}}},
        "posts":[{{"id":"{id}","message":"Hello, Berta","props":{{"phone":4930123456,"who":"Berta"}},
        "type":"custom_x","root_id":"Berta"}}],
        "reactions":[{{"emoji_name":"tada"}}],"mention_transforms":{{"berta":"{id}"}}}}"#
    );
    let masked = json(&text, Shape::Message);
    let document = Document::parse(masked.as_bytes()).unwrap();
    let message = SyncMessage::decode(document.root()).unwrap();
    let user = message.users[0].1.as_ref().unwrap();
    assert_eq!(
        (user.id.as_str(), user.locale.as_str(), user.create_at),
        (id, "de", 17)
    );
    assert_eq!(message.users[0].0.key(), id);
    let post: &WirePost = message.posts[0].1.as_ref().unwrap();
    assert_eq!((post.id.as_str(), post.kind.as_str()), (id, "custom_x"));
    assert_eq!(post.message, mask().text("Hello, Berta"));
    assert_eq!(message.reactions[0].1.as_ref().unwrap().emoji_name, "tada");
    assert_eq!(
        message.mention_transforms,
        [(mask().text("berta"), id.to_string())]
    );
    for word in [
        "Anna",
        "anna",
        "Berta",
        "berta",
        "Hello",
        "secret",
        "phone",
        "who",
        "12345",
        "4930123456",
    ] {
        assert!(!masked.contains(word), "{word} is in {masked}");
    }
    // An id is masked as a text where no id belongs.
    assert_eq!(masked.matches(id).count(), text.matches(id).count() - 1);
}

#[test]
fn properties_that_are_not_believed_stay_so() {
    for own in OWN_PROPS {
        let text = format!(r#"{{"{own}":"Anna"}}"#);
        let masked = json(&text, Shape::Opaque);
        assert!(masked.contains(own) && !masked.contains("Anna"));
    }
}

#[test]
fn the_words_by_which_a_sender_decides_stay() {
    let answer = |err: &str| {
        let text = String::from_utf8(response::encode_fail(err)).unwrap();
        match response::decode(json(&text, Shape::Message).as_bytes()) {
            Ok(Answer::Fail(err)) => err,
            other => panic!("{other:?}"),
        }
    };
    for signal in SIGNALS {
        let masked = answer(&format!("cannot process sync message; {signal}: lounge"));
        assert!(masked.contains(signal) && !masked.contains("lounge"));
        assert!(!answer("no channel lounge").contains(signal));
    }
    assert_eq!(mask().of_class(Text::Locale, "en"), "en");
}

#[test]
fn words_that_the_product_chose_stay_legible_and_those_around_them_do_not() {
    let masked = |words: &str| mask().of_class(Text::Refusal, words);
    for fixed in FIXED {
        assert_eq!(masked(fixed), *fixed);
    }
    let whole = "cannot create channel `abc`: CreateChannel: A channel with that name already exists \
                 on the same team., Channelexists id=abc";
    let shown = masked(whole);
    assert!(shown.starts_with("cannot create channel `"), "{shown}");
    assert!(
        shown.contains("A channel with that name already exists on the same team."),
        "{shown}"
    );
    assert!(!shown.contains("abc"), "{shown}");
    let policy = masked("falcon is not for globex");
    assert!(
        !policy.contains("falcon") && !policy.contains("globex"),
        "{policy}"
    );
    let row = Exception {
        object: FeedObject::User(UserNo(3)),
        seq: FeedSeq(1),
        state: ExceptionState::Dead,
        reason: reasons::POST_TOO_LONG.into(),
        retry_at: 0,
        epoch: 1,
    };
    assert_eq!(mask().masked(row.clone()).reason, row.reason);
}

#[test]
fn a_pointer_leads_to_the_same_place_in_masked_json() {
    let masked = json(r#"{"attachments":[{"my/key~":"x"}]}"#, Shape::Opaque);
    let pointer = mask().of_class(Text::Pointer, "/attachments/0/my~1key~0");
    let masked: serde_json::Value = serde_json::from_str(&masked).unwrap();
    assert!(!pointer.contains("my~1key"), "{pointer}");
    assert!(masked.pointer(&pointer).is_some(), "{pointer} in {masked}");
}
