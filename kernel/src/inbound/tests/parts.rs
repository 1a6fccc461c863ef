//! Frames that take several steps.

use super::*;
use crate::inbound::{frame, part, quarantine};
use crate::model::limits::{
    FRAME_ITEMS_PER_STEP_MAX, PROFILES_PER_STEP_MAX, QUARANTINE_PER_CONNECTION_MAX,
};
use crate::model::{FrameProgress, KeptFrame, QuarantineEntry};

const ALL: FramePart = FramePart::Items(u32::MAX);

/// A message with profiles, posts by these users and reactions to these posts, `items` of each.
fn message(items: u32) -> Value {
    let names = || (0..items).map(|n| format!("n{n}"));
    let letters =
        |of: &str, n: u32| format!("{of}{n:05}").replace(char::is_numeric, "q") + &word(n);
    let users: Vec<Value> = names()
        .zip(0..)
        .map(|(name, n)| user(&letters("u", n), &name))
        .collect();
    let keyed: serde_json::Map<String, Value> = users
        .into_iter()
        .map(|user| (user["id"].as_str().unwrap().to_string(), user))
        .collect();
    let posts: Vec<Value> = (0..items)
        .map(|n| post(&letters("p", n), &letters("u", n), "hello"))
        .collect();
    let reactions: Vec<Value> = (0..items)
        .map(|n| reaction(&letters("p", n), &letters("u", n), "tada"))
        .collect();
    json!({
        "id": id("s"), "channel_id": id("joint"), "users": keyed, "posts": posts,
        "reactions": reactions,
    })
}

/// A number in letters that are allowed in an id.
fn word(mut n: u32) -> String {
    let mut word = String::new();
    for _ in 0..4 {
        word.push(char::from(b'a' + u8::try_from(n % 26).unwrap()));
        n /= 26;
    }
    word
}

fn body(world: &World, items: u32) -> Vec<u8> {
    world.frame(ACME, "sharedchannel_sync", &message(items))
}

fn kept(world: &World) -> usize {
    world.host.tables.count(Table::KeptFrames) + world.host.tables.count(Table::FrameProgress)
}

#[test]
fn a_long_frame_takes_several_steps_and_gets_the_answer_of_one() {
    let items = FRAME_ITEMS_PER_STEP_MAX + 50;
    let mut long = World::with_peers_of_today();
    let bytes = body(&long, items);
    let mut before = long.host.tables.count(Table::Posts);
    let mut reply = long.step(|tx| frame(tx, ACME, &bytes, &[]));
    let mut steps = 1;
    while let Reply::Unfinished { left } = reply {
        assert_eq!(kept(&long), 2);
        let posts = long.host.tables.count(Table::Posts);
        assert!(posts - before <= FRAME_ITEMS_PER_STEP_MAX as usize);
        before = posts;
        assert!(left > 0);
        reply = long.step(|tx| part(tx, ACME, &ALL));
        steps += 1;
    }
    // 100, 100, 50 profiles and 150 posts, 100 posts and 100 reactions, 150 reactions.
    assert_eq!(steps, 5);
    assert_eq!(kept(&long), 0);
    let (status, answer) = http(reply);
    assert_eq!(status, 200);
    // The same as from a workspace that does not split frames.
    let mut whole = World::with_peers();
    assert_eq!(whole.body(ACME, &bytes).1, answer);
    assert_eq!(
        answer["payload"]["users_syncd"].as_array().unwrap().len(),
        items as usize
    );
    for table in [
        Table::Users,
        Table::Posts,
        Table::Reactions,
        Table::ChannelMembers,
    ] {
        let count = |world: &World| world.host.tables.count(table);
        assert_eq!(count(&long), count(&whole), "{table:?}");
    }
}

#[test]
fn a_part_takes_as_many_items_as_it_is_told_at_most() {
    let mut world = World::with_peers_of_today();
    let bytes = body(&world, 5);
    let keep = FramePart::Keep(bytes);
    let users = world.host.tables.count(Table::Users);
    let reply = world.step(|tx| part(tx, ACME, &keep));
    assert_eq!(reply, Reply::Unfinished { left: 15 });
    assert_eq!(world.host.tables.count(Table::Users), users);
    let reply = world.step(|tx| part(tx, ACME, &FramePart::Items(7)));
    assert_eq!(reply, Reply::Unfinished { left: 8 });
    let next = |world: &World| world.get::<FrameProgress>(&ACME).next;
    assert_eq!(next(&world), 7);
    // The third post is set aside, so the reaction to it is refused.
    let reply = world.step(|tx| part(tx, ACME, &FramePart::SetAside(1)));
    assert_eq!(reply, Reply::Unfinished { left: 7 });
    assert_eq!(world.host.tables.count(Table::Quarantine), 1);
    let (_, answer) = http(world.step(|tx| part(tx, ACME, &ALL)));
    assert_eq!(
        answer["payload"]["post_errors"].as_array().unwrap().len(),
        1
    );
    assert_eq!(world.refused(), [("unknown_post".to_string(), 1)]);
}

#[test]
fn what_is_kept_goes_with_the_service_and_with_the_next_frame() {
    let mut world = World::with_peers_of_today();
    let bytes = body(&world, PROFILES_PER_STEP_MAX + 1);
    let begin = |world: &mut World| {
        let reply = world.step(|tx| frame(tx, ACME, &bytes, &[]));
        assert!(matches!(reply, Reply::Unfinished { .. }));
        assert_eq!(kept(world), 2);
    };
    begin(&mut world);
    world.run(Input::Resume);
    assert_eq!(kept(&world), 0);
    // A host that continues anyway is told to start again.
    let reply = world.step(|tx| part(tx, ACME, &ALL));
    assert!(
        matches!(reply, Reply::Http { status: 503, .. }),
        "{reply:?}"
    );
    begin(&mut world);
    world.sync(
        ACME,
        json!({"posts": [post("pnew", "ann", "another frame")]}),
    );
    assert_eq!(kept(&world), 0);
    begin(&mut world);
    let kept_body = world.get::<KeptFrame>(&ACME).body;
    let aside = world.step(|tx| quarantine(tx, ACME, &kept_body, "trap"));
    assert!(matches!(aside, Reply::Http { status: 200, .. }));
    assert_eq!(kept(&world), 0);
}

#[test]
fn a_connection_drives_only_its_own_entries_out_of_the_quarantine() {
    let mut world = World::with_peers_of_today();
    world.step(|tx| quarantine(tx, OTHER, b"evidence", "trap"));
    for n in 0..=QUARANTINE_PER_CONNECTION_MAX {
        let bytes = n.to_string();
        world.step(|tx| quarantine(tx, ACME, bytes.as_bytes(), "trap"));
    }
    let entries: Vec<QuarantineEntry> = world
        .host
        .prefix::<QuarantineEntry, ()>(&(), 1_000)
        .into_iter()
        .map(|(_, entry)| entry)
        .collect();
    assert_eq!(entries.len(), QUARANTINE_PER_CONNECTION_MAX + 1);
    assert_eq!(entries[0].bytes, b"evidence");
    assert_eq!(entries[1].bytes, b"1", "the first of its own is gone");
}
