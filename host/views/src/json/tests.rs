//! Tests of the views.

use serde_json::Value;

use super::{EVENT_POST_BYTES_MAX, EventText, Viewer, Views, refusal};
use crate::query::Page;
use causeway_kernel::boundary::output::{Event, Object, ReactionEvent, Refusal};
use causeway_kernel::model::{
    Connection, ConnectionState, Cursor, Link, LinkState, PeerKind, PeerWorkspace, PostMention,
    Priority, PriorityLevel, RemoteUser, SharedChannel, kind,
};

use crate::query::posts::{self, Part};
use causeway_kernel::rows::fixture::{self, id, put};
use causeway_kernel::rows::id::{
    ChannelNo, ConnectionNo, FeedSeq, PostNo, TeamNo, UserNo, WorkspaceNo,
};
use causeway_kernel::rows::testing::MemoryHost;

const ANN: UserNo = UserNo(1);
const BOB: UserNo = UserNo(2);
const EVA: UserNo = UserNo(3);

fn viewer(user: UserNo, admin: bool) -> Viewer {
    Viewer::User { user, admin }
}

fn connection() -> Connection {
    connection_at("https://acme.example")
}

/// A connection to a workspace under an address.
pub(super) fn connection_at(site_url: &str) -> Connection {
    Connection {
        remote_id: id('r', 1),
        workspace: WorkspaceNo(1),
        name: "acme".into(),
        display_name: "Acme".into(),
        site_url: site_url.into(),
        default_team_id: String::new(),
        creator: ANN,
        create_at: 3,
        delete_at: 0,
        last_ping_at: 9,
        state: ConnectionState::Confirmed,
        kind: PeerKind::Mattermost11,
        attempt: 0,
        failures: 0,
        retry_at: 0,
        people_cursor: FeedSeq(0),
        unknown_reactions: 0,
        unknown_reactions_to: FeedSeq(0),
        turn: ChannelNo(0),
        suspended: None,
        remote_team_id: String::new(),
        asks_first: false,
        keeps_removed: false,
    }
}

/// The fixture with a connection 1 `acme` and its user 3 `eva:acme`, member of channel 1.
pub(super) fn host() -> MemoryHost {
    let mut host = fixture::host();
    put(&mut host, |tx| {
        tx.put(&ConnectionNo(1), &connection());
        tx.bind_id(kind::CONNECTION, id('r', 1), 1);
        let peer = PeerWorkspace {
            connection: Some(ConnectionNo(1)),
            incarnation: None,
            channels: 0,
            users: 0,
        };
        tx.put(&WorkspaceNo(1), &peer);
        let mut eva = fixture::user(3, "eva:acme");
        eva.origin = WorkspaceNo(1);
        eva.props = r#"{"customStatus":"{\"text\":\"out\"}","remoteemail":"forged"}"#.into();
        eva.remote = Some(RemoteUser {
            username: "eva".into(),
            email: "eva@acme.example".into(),
            original_remote_id: id('r', 9).into(),
            origin_update_at: 5,
        });
        fixture::put_user(tx, 3, &eva);
        fixture::join_channel(tx, 1, 3, 0);
    });
    host
}

fn object(host: &MemoryHost, viewer: Viewer, object: &Object) -> Value {
    let text = Views::new(host, viewer).object(object).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn users_show_private_fields_to_themselves_and_administrators_only() {
    let host = host();
    let own = object(&host, viewer(ANN, false), &Object::User(ANN));
    assert!(own["notify_props"].is_object());
    let other = object(&host, viewer(BOB, false), &Object::User(ANN));
    assert!(other.get("notify_props").is_none());
    assert_eq!(other["timezone"]["useAutomaticTimezone"], "true");
    assert!(other.get("remote_id").is_none());
    for secret in ["password", "mfa_secret", "auth_data"] {
        assert!(own.get(secret).is_none());
    }
}

#[test]
fn remote_users_are_marked_and_their_address_is_for_administrators() {
    let host = host();
    let seen = object(&host, viewer(BOB, false), &Object::User(EVA));
    assert_eq!(seen["remote_id"], id('r', 1).as_str());
    assert_eq!(seen["props"]["RemoteUsername"], "eva");
    assert_eq!(seen["props"]["OriginalRemoteId"], id('r', 9).as_str());
    assert_eq!(seen["props"]["customStatus"], r#"{"text":"out"}"#);
    assert!(seen["props"].get("RemoteEmail").is_none());
    assert!(
        seen["props"].get("remoteemail").is_none(),
        "a peer's own value is not shown"
    );
    let admin = object(&host, viewer(ANN, true), &Object::User(EVA));
    assert_eq!(admin["props"]["RemoteEmail"], "eva@acme.example");
}

#[test]
fn what_a_removed_connection_brought_stays_marked() {
    let mut host = host();
    put(&mut host, |tx| {
        tx.put(
            &WorkspaceNo(1),
            &PeerWorkspace {
                connection: None,
                incarnation: None,
                channels: 0,
                users: 0,
            },
        );
        let mut removed = connection();
        removed.delete_at = 50;
        removed.state = ConnectionState::Removed;
        tx.put(&ConnectionNo(1), &removed);
    });
    let seen = object(&host, viewer(BOB, false), &Object::User(EVA));
    assert_eq!(seen["remote_id"], id('r', 1).as_str());
}

#[test]
fn posts_have_every_key_and_no_null_where_clients_break() {
    let mut host = host();
    put(&mut host, |tx| {
        let mut post = fixture::post(7, 70, None);
        post.user = EVA;
        post.origin = WorkspaceNo(1);
        post.reaction_count = 1;
        post.message = "a <b> & \"c\"".into();
        post.priority = Some(Priority {
            level: PriorityLevel::Urgent,
            requested_ack: true,
            persistent_notifications: false,
        });
        fixture::put_post(tx, 7, &post);
        fixture::put_reaction(tx, 7, 2, "+1", 0);
        fixture::put_post(tx, 8, &fixture::post(8, 80, Some(7)));
    });
    let post = object(&host, viewer(BOB, false), &Object::Post(PostNo(7)));
    assert_eq!(post["message"], "a <b> & \"c\"");
    assert_eq!(post["remote_id"], id('r', 1).as_str());
    assert_eq!(post["file_ids"], serde_json::json!([]));
    assert_eq!(post["props"], serde_json::json!({}));
    assert_eq!(post["has_reactions"], true);
    assert_eq!(post["metadata"]["reactions"][0]["emoji_name"], "+1");
    assert_eq!(
        post["metadata"]["priority"],
        serde_json::json!({
            "priority": "urgent", "requested_ack": true, "persistent_notifications": false,
        })
    );
    assert_eq!(post["root_id"], "");
    let reply = object(&host, viewer(BOB, false), &Object::Post(PostNo(8)));
    assert_eq!(reply["metadata"], serde_json::json!({}));
    assert_eq!(reply["root_id"], id('p', 7).as_str());
    assert!(reply.get("remote_id").is_none() && reply.get("has_reactions").is_none());
    let wanted = [
        "channel_id",
        "create_at",
        "delete_at",
        "edit_at",
        "file_ids",
        "hashtags",
        "id",
        "is_pinned",
        "last_reply_at",
        "message",
        "metadata",
        "original_id",
        "participants",
        "pending_post_id",
        "props",
        "reply_count",
        "root_id",
        "type",
        "update_at",
        "user_id",
    ];
    assert_eq!(keys(&reply), wanted);
}

#[test]
fn a_deleted_post_shows_neither_text_nor_reactions() {
    let mut host = host();
    put(&mut host, |tx| {
        let mut post = fixture::post(7, 70, None);
        post.delete_at = 90;
        post.reaction_count = 1;
        post.props = r#"{"a":1}"#.into();
        fixture::put_post(tx, 7, &post);
        fixture::put_reaction(tx, 7, 2, "+1", 0);
    });
    let post = object(&host, viewer(BOB, false), &Object::Post(PostNo(7)));
    assert_eq!(
        (&post["message"], &post["props"]),
        (&"".into(), &serde_json::json!({}))
    );
    assert!(post.get("has_reactions").is_none());
    assert_eq!(post["metadata"], serde_json::json!({}));
}

#[test]
fn lists_of_posts_order_ids_and_map_them() {
    let mut host = host();
    put(&mut host, |tx| {
        for number in 1..=3 {
            fixture::put_post(
                tx,
                number,
                &fixture::post(number, i64::try_from(number).unwrap(), None),
            );
        }
    });
    let list = posts::page(&host, ChannelNo(1), Part::Newest, Page::new(0, 2), true);
    let views = Views::new(&host, viewer(ANN, false));
    let value = serde_json::to_value(views.post_list(&list.unwrap())).unwrap();
    assert_eq!(
        value["order"],
        serde_json::json!([id('p', 3).as_str(), id('p', 2).as_str()])
    );
    assert_eq!(value["posts"][id('p', 2).as_str()]["message"], "message 2");
    assert_eq!(
        (&value["next_post_id"], &value["prev_post_id"]),
        (&"".into(), &id('p', 1).as_str().into())
    );
    assert!(value.get("has_next").is_none());
}

#[test]
fn channels_teams_and_members_have_the_keys_of_the_reference() {
    let host = host();
    let channel = object(&host, viewer(ANN, false), &Object::Channel(ChannelNo(1)));
    assert_eq!(keys(&channel).len(), 26);
    assert_eq!(
        (&channel["type"], &channel["shared"]),
        (&"O".into(), &false.into())
    );
    let team = object(&host, viewer(ANN, false), &Object::Team(TeamNo(1)));
    assert_eq!(keys(&team).len(), 17);
    assert_eq!(team["invite_id"], "");
    let member = object(
        &host,
        viewer(ANN, false),
        &Object::ChannelMember(ChannelNo(1), ANN),
    );
    assert_eq!(keys(&member).len(), 16);
    assert_eq!(member["roles"], "channel_user");
    let member = object(
        &host,
        viewer(ANN, false),
        &Object::TeamMember(TeamNo(1), ANN),
    );
    assert_eq!(keys(&member).len(), 8);
    let missing = Object::TeamMember(TeamNo(9), ANN);
    assert_eq!(Views::new(&host, viewer(ANN, false)).object(&missing), None);
}

#[test]
fn connections_never_show_tokens_and_tell_whether_they_are_confirmed() {
    let mut host = host();
    let shown = object(
        &host,
        viewer(ANN, true),
        &Object::Connection(ConnectionNo(1)),
    );
    assert_eq!(keys(&shown).len(), 18);
    assert_eq!(
        (&shown["token"], &shown["remote_token"]),
        (&"".into(), &"".into())
    );
    assert_eq!(shown["site_url"], "https://acme.example");
    put(&mut host, |tx| {
        let pending = Connection {
            state: ConnectionState::Confirming,
            ..connection()
        };
        tx.put(&ConnectionNo(1), &pending);
    });
    let shown = object(
        &host,
        viewer(ANN, true),
        &Object::Connection(ConnectionNo(1)),
    );
    assert!(shown["site_url"].as_str().unwrap().starts_with("pending_"));
}

#[test]
fn shared_channels_and_their_links_are_told() {
    let host = host();
    let views = Views::new(&host, viewer(ANN, true));
    let channel = causeway_kernel::rows::tx::Read::get(&host, &ChannelNo(1)).unwrap();
    let shared = SharedChannel {
        home: false,
        read_only: true,
        creator: None,
        create_at: 4,
        connection: Some(ConnectionNo(1)),
    };
    let value = serde_json::to_value(views.shared_channel(&shared, &channel)).unwrap();
    assert_eq!(
        (&value["Type"], &value["home"]),
        (&"O".into(), &false.into())
    );
    assert_eq!(value["remote_id"], id('r', 1).as_str());
    let link = Link {
        id: id('l', 1),
        state: LinkState::Inviting,
        invited_by_us: true,
        create_at: 1,
        update_at: 2,
        delete_at: 0,
        creator: ANN,
        cursor: Cursor {
            seq: FeedSeq(0),
            history: None,
        },
        feed_from: FeedSeq(0),
        posts_before: PostNo(0),
        dead_letters: 0,
        last_sync_at: 0,
        epoch: 0,
        failures: 0,
        retry_at: 0,
        items_max: 0,
        end: None,
        members: None,
        history: causeway_kernel::model::History::Configured,
    };
    let remote = views.shared_channel_remote(ChannelNo(1), ConnectionNo(1), &link);
    let value = serde_json::to_value(remote).unwrap();
    assert_eq!(value["is_invite_confirmed"], false);
    assert_eq!(value["creator_id"], id('u', 1).as_str());
}

/// An event as one reader receives it.
fn event(host: &MemoryHost, event: &Event, reader: UserNo, now_ms: i64) -> Option<Value> {
    let (shared, own) = EventText::new(host, event, now_ms).of(reader, |text| text)?;
    Some(serde_json::from_str(&format!("{shared}{own}}}")).unwrap())
}

#[test]
fn events_reach_members_and_hold_json_in_strings() {
    let mut host = host();
    put(&mut host, |tx| {
        let mut post = fixture::post(7, 70, None);
        post.message = "hello @bob".into();
        fixture::put_post(tx, 7, &post);
        tx.put(&(PostNo(7), BOB), &PostMention { at_ms: 70 });
        let mut hidden = fixture::post(8, 80, None);
        hidden.channel = ChannelNo(2);
        fixture::put_post(tx, 8, &hidden);
    });
    let posted = Event::Posted(ChannelNo(1), PostNo(7));
    let frame = event(&host, &posted, BOB, 99).unwrap();
    assert_eq!(frame["event"], "posted");
    let data = &frame["data"];
    assert_eq!(data["mentions"], format!("[\"{}\"]", id('u', 2)));
    assert_eq!(data["sender_name"], "@ann");
    assert_eq!(frame["broadcast"]["channel_id"], id('c', 1).as_str());
    let post: Value = serde_json::from_str(data["post"].as_str().unwrap()).unwrap();
    assert_eq!(post["id"], id('p', 7).as_str());
    let own = event(&host, &posted, ANN, 99).unwrap();
    assert!(
        own["data"].get("mentions").is_none(),
        "nobody mentions themselves"
    );
    assert_eq!(
        event(&host, &Event::Posted(ChannelNo(2), PostNo(8)), BOB, 99),
        None
    );
}

#[test]
fn what_readers_have_in_common_is_rendered_once() {
    let mut host = host();
    put(&mut host, |tx| {
        let mut post = fixture::post(7, 70, None);
        post.message = "hello @bob".into();
        fixture::put_post(tx, 7, &post);
    });
    for (event, rendered) in [
        (Event::Posted(ChannelNo(1), PostNo(7)), 1),
        (Event::UserAdded(ChannelNo(1), BOB), 1),
        // Each sees more of themselves than the other does.
        (Event::UserUpdated(ANN), 2),
    ] {
        let mut text = EventText::new(&host, &event, 99);
        let mut kept = 0;
        for reader in [ANN, BOB, ANN, BOB] {
            let (shared, own) = text
                .of(reader, |text| {
                    kept += 1;
                    text
                })
                .unwrap();
            let alone = EventText::new(&host, &event, 99).of(reader, |text| text);
            assert_eq!(alone, Some((shared, own)), "{event:?}");
        }
        assert_eq!(kept, rendered, "{event:?}");
    }
}

#[test]
fn an_event_tells_of_a_large_post_what_has_room() {
    let mut host = host();
    put(&mut host, |tx| {
        let mut post = fixture::post(7, 70, None);
        post.message = "the text".into();
        post.props = format!("{{\"a\":\"{}\"}}", "x".repeat(EVENT_POST_BYTES_MAX));
        fixture::put_post(tx, 7, &post);
    });
    let posted = Event::Posted(ChannelNo(1), PostNo(7));
    let frame = event(&host, &posted, BOB, 99).unwrap();
    let post: Value = serde_json::from_str(frame["data"]["post"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&post["message"], &post["props"]),
        (&"the text".into(), &serde_json::json!({}))
    );
}

#[test]
fn reactions_in_events_are_as_they_were() {
    let mut host = host();
    put(&mut host, |tx| {
        fixture::put_post(tx, 7, &fixture::post(7, 70, None))
    });
    let reaction = ReactionEvent {
        post: PostNo(7),
        user: EVA,
        emoji: "tada".into(),
        create_at: 71,
        post_id: id('p', 7),
    };
    let frame = event(
        &host,
        &Event::ReactionRemoved(ChannelNo(1), reaction),
        BOB,
        99,
    )
    .unwrap();
    let data = &frame["data"];
    let shown: Value = serde_json::from_str(data["reaction"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&shown["emoji_name"], &shown["create_at"]),
        (&"tada".into(), &71.into())
    );
    assert_eq!(shown["channel_id"], id('c', 1).as_str());
}

#[test]
fn ephemeral_messages_reach_one_user_and_who_was_removed_hears_it() {
    let host = host();
    let note = Event::Ephemeral(ChannelNo(1), BOB, "only you".into());
    assert_eq!(event(&host, &note, ANN, 99), None);
    let frame = event(&host, &note, BOB, 99).unwrap();
    let data = &frame["data"];
    let post: Value = serde_json::from_str(data["post"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&post["type"], &post["message"]),
        (&"system_ephemeral".into(), &"only you".into())
    );
    assert_eq!(
        (&post["create_at"], post["id"].as_str().unwrap().len()),
        (&99.into(), 26)
    );
    let removed = Event::UserRemoved(ChannelNo(2), BOB);
    let frame = event(&host, &removed, BOB, 99).unwrap();
    assert_eq!(keys(&frame["data"]), ["channel_id", "remover_id"]);
    let seen = event(&host, &removed, ANN, 99).unwrap();
    assert_eq!(keys(&seen["data"]), ["remover_id", "user_id"]);
}

#[test]
fn refusals_have_five_keys() {
    let text = refusal(&Refusal::forbidden(), "req");
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        keys(&value),
        [
            "detailed_error",
            "id",
            "message",
            "request_id",
            "status_code"
        ]
    );
    assert_eq!(value["status_code"], 403);
}

#[test]
fn what_a_peers_user_writes_is_never_shown_as_said_by_the_system() {
    let mut host = host();
    for (number, author, kind) in [
        (50, EVA, "system_generic"),
        (51, ANN, "system_join_channel"),
        (52, EVA, "custom_poll"),
        (53, EVA, "system_add_to_channel"),
    ] {
        let mut post = fixture::post(number, 1_000, None);
        post.user = author;
        post.kind = kind.into();
        post.origin = WorkspaceNo(u64::from(author == EVA));
        put(&mut host, |tx| fixture::put_post(tx, number, &post));
    }
    let shown = |number: u64| {
        let posted = Event::Posted(ChannelNo(1), PostNo(number));
        let frame = event(&host, &posted, BOB, 99).unwrap();
        let data = &frame["data"];
        let post: Value = serde_json::from_str(data["post"].as_str().unwrap()).unwrap();
        (data["sender_name"].clone(), post["type"].clone())
    };
    assert_eq!(shown(50), ("@eva:acme".into(), "".into()));
    assert_eq!(shown(51), ("System".into(), "system_join_channel".into()));
    assert_eq!(shown(52), ("@eva:acme".into(), "custom_poll".into()));
    let about_members = "system_add_to_channel".into();
    assert_eq!(shown(53), ("@eva:acme".into(), about_members));
}
