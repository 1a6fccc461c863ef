//! The cost of steps, in fuel of the real kernel, depends on their input and not on what is stored.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod commands;
mod site;
mod starving;

use causeway_engine::runtime::STEP_FUEL;
use causeway_kernel::boundary::input::Actor;
use causeway_kernel::command::{AddReaction, Command, CreatePost, RemoveReaction};
use causeway_kernel::model::limits::{
    FRAME_ITEMS_PER_STEP_MAX, HELD_MAX, REMOTE_EMOJI_PER_POST_MAX, REMOVED_REACTIONS_MAX,
};
use causeway_kernel::rows::id::UserNo;
use causeway_kernel::rows::table::Table;
use serde_json::{Value, json};

use site::{Site, id, post, reaction, user};

/// Fuel that any item of a frame may cost.
const ITEM_FUEL_MAX: u64 = 1_500_000;
/// Fixed cost of a step.
const STEP_FUEL_BASE: u64 = 3_000_000;
/// Cost of reading a byte of an input, at most.
const BYTE_FUEL_MAX: u64 = 300;

/// Sections of a frame with so many items each; `from` keeps the items of two calls distinct.
fn sections(from: u32, items: u32) -> Vec<(&'static str, Value)> {
    let numbers = || from..from + items;
    let many = |one: &dyn Fn(u32) -> Value| -> Value { numbers().map(one).collect() };
    let profiles: serde_json::Map<String, Value> = numbers()
        .map(|n| (id("u", n), user(&id("u", n), &format!("name{n}"), 1)))
        .collect();
    let removed = |n| reaction("local", &format!("gone{n}"), 2, 2);
    vec![
        ("users", Value::Object(profiles)),
        ("posts", many(&|n| post(&id("p", n), "hello", 1))),
        ("posts", many(&|n| post(&id("p", n), "edited", 2))),
        (
            "posts",
            many(&|n| with(post(&id("p", n), "", 3), "delete_at", 3)),
        ),
        (
            "posts",
            many(&|n| with(post(&id("r", n), "reply", 1), "root_id", id("p", 0))),
        ),
        ("reactions", many(&|_| reaction("local", "same", 1, 0))),
        (
            "reactions",
            many(&|n| reaction("local", &format!("e{n}"), 1, 0)),
        ),
        ("reactions", many(&removed)),
        (
            "reactions",
            many(&|n| reaction("nothing", &format!("e{n}"), 1, 0)),
        ),
        (
            "reactions",
            many(&|n| reaction("waiting", &format!("e{n}"), 1, 0)),
        ),
        ("posts", many(&|_| json!({"id": 7}))),
    ]
}

fn with(mut item: Value, key: &str, value: impl Into<Value>) -> Value {
    item[key] = value.into();
    item
}

/// A workspace whose tables are as full as a peer can make them.
fn full() -> Site {
    let mut site = Site::new();
    let many = |of: std::ops::Range<u32>, make: &dyn Fn(u32) -> Value| -> Vec<Value> {
        of.map(make).collect()
    };
    let emoji = many(0..REMOTE_EMOJI_PER_POST_MAX, &|n| {
        reaction("local", &format!("full{n}"), 1, 0)
    });
    let gone = many(0..REMOVED_REACTIONS_MAX + 100, &|n| {
        reaction("local", &format!("tomb{n}"), 1, 1)
    });
    for reactions in [emoji, gone] {
        site.sync(&json!({"reactions": reactions}));
    }
    // Leaves room for what the tests add.
    let waits = many(0..HELD_MAX / 4, &|n| post(&id("w", n), "waits", 1));
    site.hold(&json!({"posts": waits}));
    assert!(site.count(Table::Held) > HELD_MAX as usize / 4);
    assert!(site.count(Table::Reactions) >= 1_500);
    site
}

#[test]
fn a_frame_costs_what_its_items_cost_however_full_the_tables_are() {
    let (mut empty, mut full) = (Site::new(), full());
    let items = FRAME_ITEMS_PER_STEP_MAX;
    for (at, (section, list)) in sections(0, items).into_iter().enumerate() {
        let payload = json!({section: list});
        let (cheap, dear) = (empty.sync(&payload), full.sync(&payload));
        println!("{at} {section}: {cheap:?} on empty tables, {dear:?} on full ones");
        for step in cheap.iter().chain(&dear) {
            let bound = STEP_FUEL_BASE
                + u64::from(items) * ITEM_FUEL_MAX
                + step.input_bytes * BYTE_FUEL_MAX;
            assert!(
                step.fuel <= bound,
                "{at} {section}: {} of {bound}",
                step.fuel
            );
            assert!(
                step.fuel <= STEP_FUEL / 10,
                "{at} {section}: a tenth of the fuel"
            );
        }
        let sum = |steps: &[site::Cost]| steps.iter().map(|it| it.fuel).sum::<u64>();
        let (cheap, dear) = (sum(&cheap), sum(&dear));
        assert!(
            dear <= cheap * 2 + STEP_FUEL_BASE,
            "{at} {section}: {dear}, not {cheap}"
        );
    }
}

#[test]
fn twice_as_many_items_cost_twice_as_much() {
    let mut site = full();
    let half = FRAME_ITEMS_PER_STEP_MAX / 2;
    let costs = |site: &mut Site, from, items| -> Vec<u64> {
        let sum = |costs: Vec<site::Cost>| costs.iter().map(|it| it.fuel).sum();
        sections(from, items)
            .into_iter()
            .map(|(section, list)| sum(site.sync(&json!({section: list}))))
            .collect()
    };
    let once = costs(&mut site, 10_000, half);
    let twice = costs(&mut site, 20_000, half * 2);
    for (at, (once, twice)) in once.into_iter().zip(twice).enumerate() {
        assert!(
            twice <= once * 3 + STEP_FUEL_BASE,
            "section {at}: {once}, then {twice}"
        );
    }
}

#[test]
fn acts_of_users_cost_the_same_on_full_tables() {
    let (mut empty, mut full) = (Site::new(), full());
    let local = full.local_no();
    assert_eq!(local, empty.local_no());
    let acts = || {
        [
            Command::CreatePost(CreatePost {
                channel: site::CHANNEL,
                root: None,
                message: "hello".into(),
                props: String::new(),
                kind: String::new(),
                priority: None,
                files: Vec::new(),
            }),
            Command::AddReaction(AddReaction {
                post: local,
                emoji: "full7".into(),
            }),
            Command::RemoveReaction(RemoveReaction {
                post: local,
                user: UserNo(1),
                emoji: "full7".into(),
            }),
        ]
    };
    for (cheap, dear) in acts().into_iter().zip(acts()) {
        let by = Actor::User(UserNo(1));
        let cheap = empty.act(by, cheap).fuel;
        let dear = full.act(by, dear).fuel;
        assert!(dear <= cheap * 2 + STEP_FUEL_BASE, "{dear}, not {cheap}");
    }
}
