//! The checks of a frame, and whether its message is carried out.

use super::*;
use crate::inbound::quarantine;
use crate::model::QuarantineEntry;
use crate::model::limits::QUARANTINE_MAX;

fn error_of(world: &mut World, body: &[u8]) -> (u16, String) {
    let before = world.host.tables.clone();
    let (status, answer) = world.body(ACME, body);
    assert_eq!(world.host.tables, before);
    assert_eq!(answer["status_code"], status);
    assert!(Id::parse(answer["request_id"].as_str().unwrap()).is_some());
    (status, answer["id"].as_str().unwrap().to_string())
}

#[test]
fn a_frame_is_checked_in_the_order_of_the_protocol() {
    let mut world = World::with_peers();
    let own = world.get::<Connection>(&ACME).remote_id.to_string();
    let foreign = world.get::<Connection>(&OTHER).remote_id.to_string();
    let good = json!({"id": id("m"), "topic": "t", "create_at": 0, "payload": {}});
    let table: Vec<(Value, &str)> = vec![
        (json!({"remote_id": 7, "msg": good}), "api.unmarshal_error"),
        (
            json!({"remote_id": "short", "msg": good}),
            "api.remote_cluster.invalid_id.app_error",
        ),
        (
            json!({"remote_id": own, "msg": with(good.clone(), json!({"id": "", "topic": ""}))}),
            "api.remote_cluster.invalid_id.app_error",
        ),
        (
            json!({"remote_id": own, "msg": {"id": id("m"), "topic": ""}}),
            "api.remote_cluster.invalid_topic.app_error",
        ),
        (
            json!({"remote_id": foreign, "msg": {"id": id("m"), "topic": "t"}}),
            "api.context.invalid_body_param.app_error",
        ),
        (
            json!({"remote_id": foreign, "msg": good}),
            "api.context.remote_id_invalid.app_error",
        ),
    ];
    for (frame, error) in table {
        let body = serde_json::to_vec(&frame).unwrap();
        assert_eq!(
            error_of(&mut world, &body),
            (400, error.to_string()),
            "{frame}"
        );
    }
    for body in [&b""[..], b"{", b"[1]", b"\xff\xfe", b"nonsense"] {
        assert_eq!(error_of(&mut world, body).1, "api.unmarshal_error");
    }
}

#[test]
fn a_connection_that_is_not_confirmed_or_removed_says_nothing() {
    let mut world = World::with_peers();
    for state in [ConnectionState::Pending, ConnectionState::Removed] {
        world.alter::<Connection>(&ACME, |row| row.state = state);
        let body = world.frame(
            ACME,
            "sharedchannel_sync",
            &json!({"channel_id": id("joint")}),
        );
        let error = error_of(&mut world, &body);
        assert_eq!(
            error,
            (400, "api.context.remote_id_invalid.app_error".to_string())
        );
    }
}

#[test]
fn unknown_topics_and_features_that_are_off_are_answered_politely() {
    let mut world = World::with_peers();
    assert_eq!(
        world.message(ACME, "no_such_topic", json!({"a": 1})),
        accepted()
    );
    assert_eq!(
        world.message(ACME, "sharedchannel_sync", json!(null)),
        accepted()
    );
    let change = json!({"channel_id": id("joint"), "user_id": id("boss"), "is_add": false});
    let membership = json!({"channel_id": id("joint"), "membership_changes": [change]});
    for topic in ["sharedchannel_sync", "sharedchannel_membership"] {
        assert_eq!(world.message(ACME, topic, membership.clone()), accepted());
        assert_eq!(world.refused(), [("feature_off".to_string(), 1)]);
    }
    let global = json!({"channel_id": "", "users": {"u": user("globalone", "one")}});
    assert_eq!(
        world.message(ACME, "sharedchannel_global_user_sync", global),
        accepted()
    );
    assert!(world.user("globalone").is_none());
    let upload = json!({"id": id("u"), "channel_id": id("joint")});
    let answer = world.message(ACME, "sharedchannel_upload", upload);
    assert_eq!(
        (answer["status"].as_str(), &answer["payload"]),
        (Some("FAIL"), &Value::Null)
    );
}

#[test]
fn a_global_message_with_posts_fails_as_in_the_recordings() {
    let mut world = World::with_peers();
    let global = json!({"channel_id": "", "posts": [post("new", "ann", "hello")]});
    let answer = world.message(ACME, "sharedchannel_global_user_sync", global);
    assert_eq!(
        answer["err"],
        "global user sync message should not contain posts, reactions or statuses"
    );
    assert!(world.post("new").is_none());
}

#[test]
fn what_is_no_sync_message_and_what_names_no_channel_of_the_peer_fails() {
    let mut world = World::with_peers();
    let answer = world.message(ACME, "sharedchannel_sync", json!("not an object"));
    let error = answer["err"].as_str().unwrap();
    assert!(error.starts_with("invalid sync message: "), "{error}");
    let unknown = id("nowhere");
    let answer = world.answer(ACME, json!({"channel_id": unknown}));
    assert_eq!(
        answer["err"],
        format!(
            "channel not found processing sync message: resource \"Channel\" not found, id: \
             {unknown}"
        )
    );
    for channel in ["secret", "otheronly"] {
        let answer = world.answer(ACME, json!({"channel_id": id(channel)}));
        let error = format!(
            "cannot process sync message; channel is no longer shared: {}",
            id(channel)
        );
        assert_eq!(answer, failed(&error));
    }
}

#[test]
fn a_response_has_the_keys_of_a_real_server() {
    let mut world = World::with_peers();
    assert_eq!(
        world.answer(ACME, json!({})),
        json!({"status": "OK", "err": "", "payload": {
            "users_last_update_at": 0, "user_errors": [], "users_syncd": [],
            "posts_last_update_at": 0, "post_errors": [],
            "reactions_last_update_at": 0, "reaction_errors": [],
            "acknowledgements_last_update_at": 0, "acknowledgement_errors": [],
            "status_errors": null,
        }})
    );
}

#[test]
fn items_of_features_that_are_off_never_break_the_rest() {
    let mut world = World::with_peers();
    let response = world.sync(
        ACME,
        json!({
            "users": {"b": user("bea", "bea")},
            "posts": [post("pbea", "bea", "first")],
            "statuses": [{"user_id": id("bea"), "status": "sleeping"}],
            "membership_changes": [{"user_id": id("boss"), "is_add": false}],
        }),
    );
    assert_eq!(response["users_syncd"], json!([id("bea")]));
    assert_eq!(response["post_errors"], json!([]));
    assert_eq!(world.refused(), [("feature_off".to_string(), 2)]);
    let boss = world.user_no("boss").unwrap();
    let channel = world.channel_no("joint").unwrap();
    assert!(world.host.has::<ChannelMember>(&(channel, boss)));
}

#[test]
fn an_item_that_stopped_an_earlier_run_is_set_aside_and_reported() {
    let mut world = World::with_peers();
    let payload = json!({
        "channel_id": id("joint"),
        "users": {"b": user("bea", "bea"), "c": user("cia", "cia")},
        "posts": [post("one", "ann", "one"), post("two", "ann", "two")],
        "reactions": [reaction("pboss", "ann", "tada")],
    });
    let body = world.frame(ACME, "sharedchannel_sync", &payload);
    // Items: bea, cia, one, two, tada.
    let (status, answer) = world.body_without(ACME, &body, &[(0, 1), (3, 5)]);
    assert_eq!(status, 200);
    assert_eq!(answer["payload"]["users_syncd"], json!([id("cia")]));
    assert_eq!(answer["payload"]["post_errors"], json!([id("two")]));
    assert!(world.user("bea").is_none() && world.post("one").is_some());
    assert!(world.post("two").is_none() && world.reactions("pboss").is_empty());
    assert_eq!(world.refused(), [("quarantined".to_string(), 3)]);
    let kept = world.host.prefix::<QuarantineEntry, ()>(&(), 9);
    let names: Vec<Value> = kept
        .iter()
        .map(|(_, row)| serde_json::from_slice(&row.bytes).unwrap())
        .collect();
    assert_eq!(names.len(), 3);
    assert_eq!(
        (&names[0]["id"], &names[1]["id"]),
        (&json!(id("bea")), &json!(id("two")))
    );
    assert_eq!(names[2]["emoji_name"], "tada");
}

#[test]
fn a_frame_that_stops_the_step_is_set_aside_and_the_list_is_bounded() {
    let mut world = World::with_peers();
    let max = u64::from(QUARANTINE_MAX);
    for n in 0..max + 2 {
        let body = n.to_string().into_bytes();
        let (status, answer) = http(world.step(|tx| quarantine(tx, ACME, &body, "out of fuel")));
        assert_eq!((status, answer["status"].as_str()), (200, Some("FAIL")));
    }
    let kept = world.host.prefix::<QuarantineEntry, ()>(&(), 1_000);
    assert_eq!(kept.len() as u64, max);
    assert_eq!(kept[0].1.bytes, b"2");
    assert_eq!(kept[0].1.reason, "out of fuel");
}
