//! What the policies are asked about the mentions in what people here write, and what follows from it.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Value, json};

use super::*;
use crate::boundary::policy::{Addressee, Direction, Gate, Home, MentionQuestion};
use crate::model::{Channel, VerdictRow};
use crate::testing::frames::{user, users, with};

type Notes = Rc<RefCell<Vec<String>>>;

fn short(question: &MentionQuestion<'_>) -> String {
    let mentions = question.mentions.as_ref().unwrap();
    let shown = mentions.iter().map(|it| match it.whom {
        Addressee::Everybody => format!("{} everybody", it.name),
        Addressee::Somebody(person) => {
            let home = matches!(person.home, Home::Connected { name: "acme", .. });
            assert!(home && person.name == it.name, "{person:?}");
            it.name.to_string()
        }
        Addressee::Unknown => format!("{} unknown", it.name),
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// Loads a policy about mentions; returns what it is asked.
fn load(world: &mut World, judge: impl Fn(&MentionQuestion<'_>) -> Verdict + 'static) -> Notes {
    let notes = Notes::default();
    let asked = notes.clone();
    world.load_policy(&[Gate::Mention], move |question| {
        let Question::Mention(it) = question else {
            panic!("{question:?}");
        };
        assert_eq!(it.context.direction, Direction::Outbound);
        assert_eq!(it.context.author_home, Home::Here);
        asked.borrow_mut().push(short(it));
        judge(it)
    });
    notes
}

/// A workspace that shares [`TOWN`] with acme, where `zoe` is at home.
fn world(kind: PeerKind) -> World {
    let mut world = World::shared(kind);
    let town = json!({"channel_id": world.get::<Channel>(&TOWN).id.as_str()});
    world.sync(ACME, with(users(&[user("zoe", "zoe")]), town));
    world.settle();
    world
}

/// Writes a post, delivers it, and returns its text at the peer.
fn sent(world: &mut World, text: &str) -> Option<String> {
    let post = world.write(ANN, TOWN, text);
    world.settle();
    let id = world.get::<Post>(&post).id.to_string();
    world.peer.posts.get(&id).map(|(text, _)| text.clone())
}

#[test]
fn people_of_the_peer_everybody_and_whom_nobody_here_knows_are_asked_about() {
    let mut world = world(PeerKind::Causeway);
    let notes = load(&mut world, |_| Verdict::Allow);
    for (text, expected) in [
        ("@zoe:acme, and @bob", "zoe:acme"),
        ("@ann @bob", ""),
        ("@zoe and @Zed_", "zoe unknown, zed unknown"),
        // In no team, so here she cannot be meant.
        ("@eve", "eve unknown"),
        ("`@zoe:acme` ```@all```", ""),
        ("@all @here", "all everybody, here everybody"),
    ] {
        assert_eq!(sent(&mut world, text).as_deref(), Some(text));
        // A post that waits for a profile is asked about again.
        let mut asked = notes.take();
        asked.dedup();
        assert_eq!(asked.join("; "), expected, "{text}");
    }
}

#[test]
fn what_is_silenced_is_a_plain_word_over_there_and_stays_as_it_is_here() {
    for kind in [
        PeerKind::Causeway,
        PeerKind::Mattermost11,
        PeerKind::Mattermost2021,
    ] {
        let mut world = world(kind);
        let notes = load(&mut world, |it| {
            let count = it.mentions.as_ref().unwrap().len();
            Verdict::Silence((0..u32::try_from(count).unwrap()).collect())
        });
        let post = world.write(ANN, TOWN, "@zoe:acme and @bob: @channel!");
        world.settle();
        let there = |world: &World| {
            let id = world.get::<Post>(&post).id.to_string();
            world.peer.posts[&id].0.clone()
        };
        assert_eq!(there(&world), "zoe:acme and @bob: channel!");
        assert_eq!(
            world.get::<Post>(&post).message,
            "@zoe:acme and @bob: @channel!"
        );
        assert_eq!(notes.take(), ["zoe:acme, channel everybody"]);
        assert_eq!(world.host.prefix::<VerdictRow, _>(&ACME, 10).len(), 1);
        world.by(ANN, edit(post, "@bob and @all")).unwrap();
        world.settle();
        assert_eq!(there(&world), "@bob and all");
        assert_eq!(notes.take(), ["all everybody"]);
        // A version without a mention needs no row.
        world.by(ANN, edit(post, "`@all`")).unwrap();
        world.settle();
        assert_eq!(there(&world), "`@all`");
        assert!(notes.take().is_empty());
        assert!(world.host.prefix::<VerdictRow, _>(&ACME, 10).is_empty());
    }
}

#[test]
fn mentions_in_properties_are_asked_about_and_silenced_in_their_places() {
    let mut world = world(PeerKind::Mattermost11);
    let notes = load(&mut world, |_| Verdict::Silence(vec![1, 3]));
    let props = r#"{"attachments":[{"pretext":"\u0040all","fields":[{"value":"@zoe:acme, @here","short":true}]}], "n":1}"#;
    let post = post_with(TOWN, None, "@channel", |post| post.props = props.into());
    world.by(ANN, post).unwrap();
    let mut out = String::new();
    while let Some((_, frame)) = world.out.first() {
        out.push_str(&String::from_utf8_lossy(frame));
        world.deliver_next();
    }
    assert_eq!(
        notes.take(),
        ["channel everybody, all everybody, zoe:acme, here everybody"]
    );
    let props: Value = json!({"attachments": [{"pretext": "all", "fields": [{"value": "@zoe:acme, here", "short": true}]}], "n": 1});
    let at = out.find(r#""props":{"attachments""#).unwrap() + r#""props":"#.len();
    let mut read = serde_json::Deserializer::from_str(&out[at..]).into_iter::<Value>();
    assert_eq!(read.next().unwrap().unwrap(), props);
    assert!(out.contains(r#""message":"@channel""#), "{out}");
}

#[test]
fn an_author_is_told_why_a_post_with_mentions_stays_and_a_failure_is_asked_again() {
    let mut world = world(PeerKind::Causeway);
    let notes = load(&mut world, |it| {
        let names = short(it);
        if names.contains("all") {
            Verdict::Deny(Denial::for_reason("not everybody"))
        } else {
            Verdict::Failed("trapped".into())
        }
    });
    world.write(ANN, TOWN, "@all");
    let told = world.ephemeral();
    let [(TOWN, ANN, text)] = &told[..] else {
        panic!("{told:?}");
    };
    assert!(text.contains("not everybody"), "{text}");
    world.write(ANN, TOWN, "@zoe:acme");
    assert_eq!(
        world.exceptions(),
        [ExceptionState::Denied, ExceptionState::Held]
    );
    assert!(world.peer.posts.is_empty());
    let before = notes.take();
    assert_eq!(before, ["all everybody", "zoe:acme"]);
    // The denial is kept; the failure is not.
    world.host.policy = None;
    world.now_ms += 60_000;
    world.run_due();
    world.settle();
    assert_eq!(world.exceptions(), [ExceptionState::Denied]);
    world.unload_policy();
    world.settle();
    world.expect_same();
    assert!(world.exceptions().is_empty());
}
