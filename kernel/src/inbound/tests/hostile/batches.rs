//! One bad item blocks nothing: not its section, not the sections after it, not the messages after it.

use super::*;

/// The sections of a message for a channel, in the order in which they are carried out.
const SECTIONS: [(SentKind, &str); 6] = [
    (Profile, "users"),
    (Text, "posts"),
    (Reaction, "reactions"),
    (Acknowledgement, "acknowledgements"),
    (Status, "statuses"),
    (Membership, "membership_changes"),
];

/// Good items of each section: two that do not depend on each other, by a known user and a new one.
fn good(kind: SentKind) -> Vec<Value> {
    let of = |letters: &str| thing(kind, letters, "joint").item;
    let named = |letters: &str, new: &str| with(of(letters), json!({"id": id(new)}));
    match kind {
        Text => vec![named("ann", "one"), named("bea", "two")],
        _ => vec![of("ann"), of("bea")],
    }
}

/// Items that are not taken, whatever the section.
fn bad(kind: SentKind) -> Vec<Value> {
    let foreign = |letters: &str| thing(kind, letters, "joint").item;
    let mut bad = vec![
        Value::Null,
        json!(7),
        json!("x"),
        json!([]),
        json!([foreign("ann")]),
        json!({}),
        foreign("boss"),
        foreign("olga"),
        with(foreign("ann"), json!({"user_id": 7, "id": 7})),
        with(foreign("ann"), json!({"user_id": "short", "id": "short"})),
        with(
            foreign("ann"),
            json!({"user_id": "x".repeat(9_000), "id": "x".repeat(9_000)}),
        ),
    ];
    for time in [json!(-1), json!(i64::MAX), json!("now"), json!(1.5)] {
        let times = json!({
            "create_at": time, "update_at": time, "acknowledged_at": time, "change_time": time,
            "last_activity_at": time,
        });
        bad.push(with(foreign("ann"), times));
    }
    if kind == Membership {
        // What is sent back of a local member is not refused: it says nothing new.
        bad.retain(|item| item["user_id"] != id("boss"));
        bad.push(with(foreign("boss"), json!({"is_add": false})));
    }
    bad
}

/// A message with every section, in which one has an item more.
fn payload(of: SentKind, extra: Option<(&Value, usize)>) -> Value {
    let mut payload = json!({"id": id("s"), "channel_id": id("joint")});
    for (kind, name) in SECTIONS {
        let mut items = good(kind);
        if let Some((item, at)) = extra.filter(|_| kind == of) {
            items.insert(at, item.clone());
        }
        payload[name] = match kind {
            Profile => by_key(&items),
            _ => json!(items),
        };
    }
    payload
}

/// Profiles as a message has them.
fn by_key(items: &[Value]) -> Value {
    users(items)["users"].clone()
}

#[test]
fn t26_a_bad_item_blocks_neither_its_section_nor_those_after_it() {
    let mut clean = world();
    clean.sync(ACME, payload(Profile, None));
    for (kind, name) in SECTIONS {
        for item in bad(kind) {
            for at in [0, 1] {
                let mut world = world();
                world.sync(ACME, payload(kind, Some((&item, at))));
                let refused: u32 = world.refused().iter().map(|(_, items)| items).sum();
                assert_eq!(refused, 1, "{name} {at}: {item}: {:?}", world.refused());
                let same = world.host.tables == clean.host.tables;
                assert!(same, "{name} {at}: {item}");
            }
        }
    }
}

#[test]
fn t26_a_bad_profile_blocks_no_other_that_comes_without_a_channel() {
    let message = |items: &[Value]| {
        let users = by_key(items);
        json!({"id": id("s"), "channel_id": "", "users": users})
    };
    let mut clean = world();
    clean.message(ACME, SYNC_TOPICS[2], message(&good(Offer)));
    for item in bad(Offer) {
        for at in [0, 1] {
            let mut items = good(Offer);
            items.insert(at, item.clone());
            let mut world = world();
            let answer = world.message(ACME, SYNC_TOPICS[2], message(&items));
            let taken = &answer["payload"]["users_syncd"];
            assert_eq!(taken, &json!([id("ann"), id("bea")]), "{at}: {item}");
            assert_eq!(world.refused().len(), 1, "{at}: {item}");
            assert!(world.host.tables == clean.host.tables, "{at}: {item}");
        }
    }
}

#[test]
fn t26_a_message_that_is_refused_as_a_whole_blocks_none_after_it() {
    for (kind, channel) in in_messages() {
        let mut world = world();
        let good = thing(kind, "ann", channel);
        let (topic, _) = good.message();
        for payload in [
            json!(7),
            json!("x"),
            json!([]),
            json!({"channel_id": 7}),
            json!({"channel_id": id("secret"), "posts": [[]], "is_shared": "no", "type": []}),
        ] {
            let before = world.host.tables.clone();
            let answer = world.message(ACME, topic, payload.clone());
            assert_eq!(answer["status"], "FAIL", "{kind:?} {payload}");
            assert_eq!(world.host.tables, before, "{kind:?} {payload}");
        }
        world.expect_taken(ACME, &good);
    }
    let mut world = world();
    for letters in ["boss", "olga", "nobody"] {
        assert_ne!(
            world.send_thing(ACME, &thing(Picture, letters, "joint")).0,
            200
        );
    }
    world.expect_taken(ACME, &thing(Picture, "ann", "joint"));
}
