//! Direct and group channels, in both directions.

use super::super::direct::{no, offer, open, world};
use super::*;
use crate::boundary::output::Object;
use crate::sharing;

const GATE: [Gate; 1] = [Gate::Direct];

fn offered() -> Value {
    offer("d", &["new", "boss"], &["new"])
}

fn nobody() -> Value {
    json!({"id": "", "name": "", "home": "Elsewhere"})
}

#[test]
fn whoever_opens_a_direct_channel_is_named_and_whom_with() {
    let mut world = world();
    let asked = rule(&mut world, &GATE, Verdict::Allow);
    open(&mut world, "boss", "ann");
    let (ann, boss) = (
        person(&world, "ann", Some(ACME)),
        person(&world, "boss", None),
    );
    let question = json!({"Direct": {
        "passage": passage(&world, "Outbound", ACME), "people": [ann, boss], "opener": boss,
        "is_group": false,
    }});
    assert_eq!(take(&asked), [question]);
}

#[test]
fn a_group_is_asked_about_once_for_each_connection() {
    let mut world = world();
    let asked = rule(&mut world, &GATE, Verdict::Allow);
    let with = ["ann", "amy", "olga", "carl"].map(|name| no(&world, name));
    let by = no(&world, "carl");
    world.by(by, acts::open_group(&with)).unwrap();
    let people = [
        person(&world, "amy", Some(ACME)),
        person(&world, "ann", Some(ACME)),
        person(&world, "carl", None),
        person(&world, "olga", Some(OTHER)),
    ];
    let question = |connection| {
        json!({"Direct": {
            "passage": passage(&world, "Outbound", connection), "people": people,
            "opener": person(&world, "carl", None), "is_group": true,
        }})
    };
    assert_eq!(take(&asked), [question(ACME), question(OTHER)]);
}

#[test]
fn what_may_not_be_opened_here_leaves_no_channel() {
    let mut world = world();
    let (ann, carl) = (no(&world, "ann"), no(&world, "carl"));
    expect_refused(&mut world, Gate::Direct, || acts::open_direct(ann));
    let group = || acts::open_group(&[ann, carl]);
    expect_refused(&mut world, Gate::Direct, group);
}

#[test]
fn one_connection_that_is_denied_denies_the_whole_group() {
    let mut world = world();
    rule_by(
        &mut world,
        &GATE,
        |question| match question["Direct"]["passage"]["connection_name"].as_str() {
            Some("other") => denied(),
            _ => Verdict::Allow,
        },
    );
    let (ann, olga) = (no(&world, "ann"), no(&world, "olga"));
    let group = acts::open_group(&[ann, olga]);
    assert_eq!(world.refusal(ADMIN, group).0, 403);
    world.by(ADMIN, acts::open_direct(ann)).unwrap();
}

#[test]
fn nobody_is_asked_about_people_here_nor_about_what_is_open_or_refused_anyway() {
    let mut world = world();
    let direct = open(&mut world, "boss", "ann");
    let asked = rule(&mut world, &GATE, denied());
    let with = ["boss", "carl"].map(|name| no(&world, name));
    for user in with {
        world.by(ADMIN, acts::open_direct(user)).unwrap();
    }
    assert_eq!(open(&mut world, "boss", "ann"), direct);
    world.write(ADMIN, direct, "it is open");
    let through = with_hub(&mut world);
    assert_eq!(world.refusal(ADMIN, acts::open_direct(through)).0, 403);
    let people: &[(&str, &[&str])] = &[("x", &["boss", "carl"]), ("x", &["boss", "nobody"])];
    for (letters, people) in people {
        let answer = world.invited(ACME, offer(letters, people, &[]));
        assert_eq!(answer["status"], "FAIL");
    }
    assert!(take(&asked).is_empty());
    let asked = rule(&mut world, &[Gate::Channel, Gate::Member], denied());
    open(&mut world, "boss", "amy");
    assert_eq!(world.invited(ACME, offered()), accepted());
    assert!(take(&asked).is_empty());
}

/// Somebody who is reached only through a third workspace.
fn with_hub(world: &mut World) -> UserNo {
    let through = with(user("zoe", "zoe"), json!({"remote_id": id("hub")}));
    world.sync(ACME, json!({"users": {"z": through}}));
    no(world, "zoe")
}

#[test]
fn a_channel_that_an_administrator_shares_again_is_asked_about() {
    let mut world = world();
    let direct = open(&mut world, "boss", "ann");
    world.by(ADMIN, acts::uninvite(direct, ACME)).unwrap();
    let share_again = || acts::invite(direct, ACME);
    expect_refused(&mut world, Gate::Direct, share_again);
    let asked = rule(&mut world, &GATE, Verdict::Allow);
    world.by(ADMIN, share_again()).unwrap();
    assert_eq!(take(&asked).len(), 1);
    let link = world.get::<Link>(&(direct, ACME));
    assert_eq!(link.state, LinkState::Inviting);
}

#[test]
fn an_ended_direct_channel_is_asked_about_when_somebody_opens_it_or_writes_in_it() {
    let mut world = world();
    let direct = open(&mut world, "boss", "ann");
    world.step(|tx| sharing::end_link(tx, direct, ACME, LinkEnd::Peer));
    let state = |world: &World| world.get::<Link>(&(direct, ACME)).state;
    for (verdict, status) in [(denied(), 403), (Verdict::Failed("trapped".into()), 503)] {
        let asked = rule(&mut world, &GATE, verdict);
        // It may be read.
        assert_eq!(open(&mut world, "boss", "ann"), direct);
        assert_eq!(take(&asked).len(), 1);
        let write = acts::post(direct, None, "hello");
        assert_eq!(world.refusal(ADMIN, write).0, status);
        assert_eq!(state(&world), LinkState::Ended);
    }
    rule(&mut world, &GATE, Verdict::Allow);
    world.write(ADMIN, direct, "hello");
    assert_eq!(state(&world), LinkState::Inviting);
}

#[test]
fn who_writes_in_a_group_is_told_whom_a_policy_keeps_it_from() {
    let mut world = world();
    let with = ["ann", "olga", "carl"].map(|name| no(&world, name));
    let Ok(Object::Channel(group)) = world.by(ADMIN, acts::open_group(&with)) else {
        panic!("not a channel")
    };
    for connection in [ACME, OTHER] {
        world.step(|tx| sharing::end_link(tx, group, connection, LinkEnd::Peer));
    }
    rule_by(
        &mut world,
        &GATE,
        |question| match question["Direct"]["passage"]["connection_name"].as_str() {
            Some("other") => denied(),
            _ => Verdict::Allow,
        },
    );
    world.write(ADMIN, group, "hello");
    let told = world.ephemeral();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].2.contains("`OTHER`: A policy does not allow this"),
        "{told:?}"
    );
    let state = |connection| world.get::<Link>(&(group, connection)).state;
    assert_eq!(state(ACME), LinkState::Inviting);
    assert_eq!(state(OTHER), LinkState::Ended);
}

#[test]
fn a_peers_direct_channel_is_opened_by_its_own_person_there() {
    let mut world = world();
    let asked = rule(&mut world, &GATE, Verdict::Allow);
    assert_eq!(world.invited(ACME, offered()), accepted());
    let (boss, new) = (
        person(&world, "boss", None),
        person(&world, "new", Some(ACME)),
    );
    assert_eq!(new["name"], "new:acme");
    let question = json!({"Direct": {
        "passage": passage(&world, "Inbound", ACME), "people": [boss, new], "opener": new,
        "is_group": false,
    }});
    assert_eq!(take(&asked), [question]);
}

#[test]
fn a_group_was_opened_by_whom_its_peer_may_name_or_by_somebody_unknown() {
    for (named, is_theirs) in [
        (id("amy"), true),
        (id("boss"), false),
        (id("olga"), false),
        (String::new(), false),
    ] {
        let mut world = world();
        let asked = rule(&mut world, &GATE, Verdict::Allow);
        let group = offer("g", &["ann", "amy", "boss", "olga"], &["ann", "amy"]);
        let group = with(group, json!({"creator_id": named}));
        assert_eq!(world.invited(ACME, group), accepted());
        let asked = take(&asked);
        let direct = &asked[0]["Direct"];
        let opener = if is_theirs {
            person(&world, "amy", Some(ACME))
        } else {
            nobody()
        };
        assert_eq!(direct["opener"], opener, "{named}");
        assert_eq!(direct["is_group"], true);
        let olga = person(&world, "olga", Some(OTHER));
        assert!(direct["people"].as_array().unwrap().contains(&olga));
        assert_eq!(asked.len(), 1, "only about the connection that it crosses");
    }
}

#[test]
fn what_a_peer_may_not_open_leaves_no_channel_and_none_of_its_people() {
    let mut world = world();
    let name = format!("{}__{}", id("boss"), id("new"));
    let what = format!("cannot create direct channel `{name}`");
    expect_not_taken(&mut world, Gate::Direct, &offered(), &what);
    assert!(world.user("new").is_none());
    rule(&mut world, &GATE, Verdict::Allow);
    assert_eq!(world.invited(ACME, offered()), accepted());
}

#[test]
fn a_channel_that_its_peer_offers_again_is_asked_about_unless_it_is_shared() {
    let mut world = world();
    assert_eq!(world.invited(ACME, offered()), accepted());
    let asked = rule(&mut world, &GATE, denied());
    assert_eq!(world.invited(ACME, offered()), accepted(), "it is shared");
    assert!(take(&asked).is_empty());
    let direct = world.channel_no("d").unwrap();
    world.step(|tx| sharing::end_link(tx, direct, ACME, LinkEnd::Peer));
    let what = format!("cannot share channel again (channel_id={})", id("d"));
    expect_not_taken(&mut world, Gate::Direct, &offered(), &what);
    rule(&mut world, &GATE, Verdict::Allow);
    assert_eq!(world.invited(ACME, offered()), accepted());
    assert_eq!(world.link("d", ACME).unwrap().state, LinkState::Active);
}

#[test]
fn an_older_kernels_workspace_asks_nobody_about_people() {
    let mut world = world();
    let number = Behaviour::Gates.number();
    world.step(|tx| tx.delete::<InForce>(&number));
    let asked = rule(&mut world, &GATE, denied());
    let ann = no(&world, "ann");
    let opened = world.by(ADMIN, acts::open_direct(ann)).unwrap();
    assert!(matches!(opened, Object::Channel(_)));
    assert_eq!(world.invited(ACME, offered()), accepted());
    assert!(take(&asked).is_empty());
}
