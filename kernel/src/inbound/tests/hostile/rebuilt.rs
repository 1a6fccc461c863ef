//! What a peer proposes is never kept, passed on or logged as it came: only the members that are known are read, each
//! on its own.

use super::*;

const MARK: &str = "planted";

/// Members that no kind of item has, and some that other servers trust.
fn extras() -> Value {
    let of_people = json!({
        "is_admin": true, "auth_data": MARK,
        "auth_service": MARK, "email_verified": true, "mfa_active": true, "mfa_secret": MARK,
        "notify_props": {MARK: MARK}, "last_picture_update": START, "failed_attempts": 9,
        "terms_of_service_id": MARK, "roles": "system_admin", "scheme_admin": true,
        "explicit_roles": "channel_admin", "scheme_id": MARK, "prev_status": MARK,
    });
    let of_texts = json!({
        "moderated": true, "original_id": id("pboss"), "pending_post_id": MARK, "reply_count": 99,
        "last_reply_at": START, "participants": [{"id": id("boss")}], "is_following": true,
        "has_reactions": true, "parent_id": id("pboss"), "file_offset": 11, "path": MARK,
    });
    let others = json!({
        MARK: MARK, "Extra": {MARK: [MARK]}, "origin": 0, "feed_seq": 1, "home": true,
        "connection": 2, "group_constrained": true, "total_msg_count": 99, "policy_id": MARK,
        "shared": true, "active_channel": MARK, "ID": id("boss"), "User_id": id("boss"),
        "team_id": id("elsewhere"), "extra_update_at": START,
    });
    with(with(of_people, of_texts), others)
}

/// What the metadata of a post may say besides its files and its priority.
fn metadata() -> Value {
    json!({
        MARK: MARK, "embeds": [{"type": "link", "url": MARK}],
        "emojis": [{"name": MARK}], "images": {MARK: {"width": 1}},
        "reactions": [reaction("new", "boss", "tada")],
        "acknowledgements": [acknowledgement("new", "boss", 9, 0)],
    })
}

/// Every kind, for known users and for a new one.
fn things() -> Vec<Thing> {
    let known = OF_A_USER.into_iter().filter(|kind| *kind != Picture);
    let known = known.map(|kind| thing(kind, "ann", "joint"));
    let new = [
        thing(Profile, "new", "joint"),
        thing(Offer, "new", ""),
        thing(Participant, "new", "direct"),
        thing(Invitation, "", "lounge"),
        thing(State, "", "joint"),
    ];
    known.chain(new).collect()
}

fn with_extras(plain: &Thing) -> Thing {
    let more = match plain.kind {
        Text => json!({"metadata": metadata()}),
        _ => json!({}),
    };
    plain.with(with(extras(), more))
}

#[test]
fn t25_members_that_are_not_known_leave_the_same_rows_as_without_them() {
    for plain in things() {
        let mut expected = world();
        expected.expect_taken(ACME, &plain);
        let mut world = world();
        world.expect_taken(ACME, &with_extras(&plain));
        assert!(world.host.tables == expected.host.tables, "{plain:?}");
        assert_eq!(world.effects, expected.effects, "{plain:?}");
    }
}

#[test]
fn t25_members_of_the_message_that_are_not_known_do_nothing() {
    let more = json!({
        MARK: MARK, "channels": [{"id": id("joint"), "header": MARK}], "teams": [{"name": MARK}],
        "roles": [MARK], "connections": [{"id": MARK}], "user_id": id("boss"), "remote_id": MARK,
    });
    for plain in things() {
        let mut expected = world();
        expected.expect_taken(ACME, &plain);
        let mut world = world();
        let (topic, payload) = plain.message();
        world.message(ACME, topic, with(more.clone(), payload));
        assert!(world.host.tables == expected.host.tables, "{plain:?}");
    }
}

#[test]
fn t25_nothing_that_is_not_known_is_passed_on() {
    let mut world = world();
    for plain in things() {
        world.expect_taken(ACME, &with_extras(&plain).with(fresh(&plain)));
    }
    world.ping(OTHER);
    let mut passed_on = String::new();
    for _ in 0..20 {
        for (attempt, frame) in std::mem::take(&mut world.out) {
            passed_on.push_str(&String::from_utf8(frame.clone()).unwrap());
            let json: Value = serde_json::from_slice(&frame).unwrap();
            let users = json["msg"]["payload"]["users"].as_object();
            let held: Vec<&String> = users.into_iter().flat_map(|users| users.keys()).collect();
            let taken = json!({"status": "OK", "err": "", "payload": {"users_syncd": held}});
            let outcome = SendOutcome::Answered(taken.to_string().into_bytes());
            world.receipt(OTHER, attempt, outcome);
        }
    }
    for known in ["hello", "tada", "acknowledged_at", "dnd", "is_add"] {
        assert!(
            passed_on.contains(known),
            "{known} is not passed on: {passed_on}"
        );
    }
    assert!(!passed_on.contains(MARK), "{passed_on}");
    assert!(!passed_on.contains("system_admin"), "{passed_on}");
}

/// A later version of what comes twice.
fn fresh(plain: &Thing) -> Value {
    match plain.kind {
        Offer => json!({"update_at": START + 20}),
        Participant => json!({"id": id("newer"), "username": "newer"}),
        _ => json!({}),
    }
}

#[test]
fn t05_nothing_that_a_peer_sends_is_in_the_log_or_in_the_metrics() {
    let mut world = world();
    let bad = json!({"posts": MARK, "channel_id": MARK, "is_shared": MARK, "type": [MARK]});
    let mut sent = vec![(MARK, bad.clone())];
    for plain in things() {
        let (topic, payload) = with_extras(&plain).message();
        let foreign = plain.with(json!({"user_id": MARK, "id": MARK, "channel_id": MARK}));
        sent.push((topic, with(payload, json!({"message": MARK}))));
        sent.push(foreign.message());
        sent.push((topic, bad.clone()));
    }
    for (topic, payload) in sent {
        let body = world.frame(ACME, topic, &payload);
        let output = world.run(Input::Frame {
            connection: ACME,
            body,
            skip: Vec::new(),
        });
        assert!(matches!(output.reply, Reply::Http { .. }));
        let counted = world.refused();
        assert!(
            counted.iter().all(|(reason, _)| !reason.contains(MARK)),
            "{counted:?}"
        );
    }
    let lines = world.host.lines.borrow();
    assert!(lines.iter().all(|line| !line.contains(MARK)), "{lines:?}");
}
