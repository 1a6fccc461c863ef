//! What the policies are asked about the mentions in what peers write, and what follows from it.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;
use crate::boundary::policy::{
    Addressee, Denial, Direction, Gate, Home, MentionQuestion, Question, Revision, Verdict,
};
use crate::model::limits::{MENTION_LOOKUPS_MAX, QUESTION_MENTIONS_MAX};
use crate::model::{About, Asked, Mention, PostMention, VerdictRow};
use crate::rows::id::PostNo;

type Notes = Rc<RefCell<Vec<String>>>;

/// A mention as `name` and whom it addresses.
fn short(question: &MentionQuestion<'_>) -> String {
    let Some(mentions) = &question.mentions else {
        return "too many".into();
    };
    let shown = mentions.iter().map(|it| match it.whom {
        Addressee::Everybody => format!("{} everybody", it.name),
        Addressee::Somebody(person) => {
            assert_eq!(person.home, Home::Here);
            format!("{} is {}", it.name, person.name)
        }
        Addressee::Unknown => format!("{} unknown", it.name),
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// Loads a policy about posts and mentions; posts with `rude` in them are revised. Returns what it is asked.
fn load(
    world: &mut World,
    gates: &[Gate],
    judge: impl Fn(&MentionQuestion<'_>) -> Verdict + 'static,
) -> Notes {
    let notes = Notes::default();
    let asked = notes.clone();
    world.load_policy(gates, move |question| match question {
        Question::Mention(it) => {
            asked.borrow_mut().push(short(it));
            judge(it)
        }
        Question::Post(post) if post.message.contains("rude") => {
            asked.borrow_mut().push(format!("post {}", post.message));
            Verdict::Revise(Revision::of_message(
                post.message.replace("rude", "`@boss`"),
            ))
        }
        Question::Post(post) => {
            asked.borrow_mut().push(format!("post {}", post.message));
            Verdict::Allow
        }
        other => panic!("{other:?}"),
    });
    notes
}

fn take(notes: &Notes) -> Vec<String> {
    notes.take()
}

fn posts(list: &[Value]) -> Value {
    let transforms = json!({"boss:here": id("boss"), "ann": id("ann"), "dan": id("unknown")});
    json!({"posts": list, "mention_transforms": transforms})
}

/// Whether a post notifies everybody, and the local users whom it notifies beside.
fn told(world: &World, letters: &str) -> (bool, Vec<UserNo>) {
    let no: PostNo = world.post_no(letters).unwrap();
    let rows = world.host.prefix::<PostMention, _>(&no, 10);
    let who: Vec<UserNo> = rows.into_iter().map(|((_, who), _)| who).collect();
    let somebody = who.iter().copied().filter(|who| *who != Mention::EVERYBODY);
    (who.contains(&Mention::EVERYBODY), somebody.collect())
}

fn stored(world: &World, letters: &str) -> Option<VerdictRow> {
    let about = Asked {
        direction: Direction::Inbound,
        about: About::Post,
    };
    world
        .host
        .get::<VerdictRow>(&(ACME, about.byte(), parsed_id(letters)))
}

#[test]
fn people_of_here_and_everybody_are_asked_about_and_nobody_else() {
    let mut world = World::with_peers_of_today();
    let notes = load(&mut world, &[Gate::Mention], |it| {
        let context = &it.context;
        assert_eq!(context.direction, Direction::Inbound);
        assert_eq!(
            (context.connection_name, context.author_name),
            ("acme", "ann:acme")
        );
        assert_eq!(context.channel_name, "joint");
        Verdict::Allow
    });
    for (n, (text, expected)) in [
        ("@boss, and (@BOSS.)", "boss is boss, boss is boss"),
        ("@boss:here!", "boss is boss"),
        ("@ann and @olga:other", ""),
        ("@dan @nobody", ""),
        ("`@boss` and m.example/@channel", ""),
        ("nobody", ""),
        (
            "@here: @All, @channel-x and @channel_",
            "here everybody, all everybody, channel everybody",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let letters = format!("men{n}");
        world.sync(ACME, posts(&[post(&letters, "ann", text)]));
        assert_eq!(take(&notes).join("; "), expected, "{text}");
        assert!(world.post(&letters).is_some());
        assert!(stored(&world, &letters).is_none());
    }
    // Nothing in the properties notifies anybody here, and messages of the system notify nobody.
    let props = json!({"attachments": [{"text": "@channel"}]});
    let card = with(post("card", "ann", "look"), json!({"props": props}));
    let system = with(
        post("system", "ann", "@channel"),
        json!({"type": "system_join_channel"}),
    );
    world.sync(ACME, posts(&[card, system]));
    assert!(take(&notes).is_empty());
}

#[test]
fn the_mentions_are_those_of_the_wording_that_passed_and_are_asked_about_in_one_list() {
    let mut world = World::with_peers_of_today();
    let notes = load(&mut world, &[Gate::Post, Gate::Mention], |_| {
        Verdict::Silence(vec![0])
    });
    let before = world.host.lists_asked.get();
    world.sync(
        ACME,
        posts(&[
            post("one", "ann", "@boss one"),
            post("two", "ann", "rude @all"),
            post("three", "ann", "rude"),
            post("four", "ann", "@channel four"),
        ]),
    );
    assert_eq!(world.host.lists_asked.get() - before, 2);
    let asked = [
        "post @boss one",
        "post rude @all",
        "post rude",
        "post @channel four",
        "boss is boss",
        "all everybody",
        "channel everybody",
    ];
    assert_eq!(take(&notes), asked);
    let text = |letters: &str| world.post(letters).unwrap().message;
    assert_eq!(text("one"), "boss one");
    assert_eq!(text("two"), "`@boss` all");
    assert_eq!(text("three"), "`@boss`");
    assert_eq!(text("four"), "channel four");
    for letters in ["one", "two", "four"] {
        assert_eq!(told(&world, letters), (false, vec![]), "{letters}");
    }
}

#[test]
fn a_silenced_mention_notifies_nobody_and_its_version_is_judged_once() {
    let mut world = World::with_peers_of_today();
    let notes = load(&mut world, &[Gate::Mention], |it| {
        let everybody = it.mentions.iter().flatten().enumerate();
        let everybody = everybody.filter(|(_, it)| it.whom == Addressee::Everybody);
        Verdict::Silence(
            everybody
                .map(|(at, _)| u32::try_from(at).unwrap())
                .collect(),
        )
    });
    let boss = world.user_no("boss").unwrap();
    let both = post("both", "ann", "@boss: @channel, see **@here**");
    world.sync(ACME, posts(std::slice::from_ref(&both)));
    let text = "@boss: channel, see **here**";
    assert_eq!(world.post("both").unwrap().message, text);
    assert_eq!(told(&world, "both"), (false, vec![boss]));
    assert_eq!(take(&notes).len(), 1);
    let revised = stored(&world, "both").unwrap().revised.unwrap();
    assert_eq!(revised, Revision::of_message(text.into()));
    let tables = world.host.tables.clone();
    world.sync(ACME, posts(&[both]));
    assert!(take(&notes).is_empty());
    assert_eq!(world.host.tables, tables);
    // A new version is asked about; one whose text is as it stands here is not.
    let edit =
        |text: &str, at: i64| with(post("both", "ann", text), json!({"update_at": START + at}));
    world.sync(ACME, posts(&[edit("@boss @all", 5)]));
    assert_eq!(take(&notes), ["boss is boss, all everybody"]);
    assert_eq!(world.post("both").unwrap().message, "@boss all");
    world.sync(ACME, posts(&[edit("@boss all", 6)]));
    assert!(take(&notes).is_empty());
    assert_eq!(told(&world, "both"), (false, vec![boss]));
}

#[test]
fn a_denial_refuses_the_post_and_a_failure_holds_it() {
    let mut world = World::with_peers_of_today();
    let notes = load(&mut world, &[Gate::Mention], |it| {
        let first = it.mentions.as_ref().unwrap()[0];
        match first.whom {
            Addressee::Everybody => Verdict::Deny(Denial::for_reason("not all")),
            _ => Verdict::Failed("trapped".into()),
        }
    });
    let list = [
        post("all", "ann", "@all"),
        post("boss", "ann", "@boss"),
        post("free", "ann", "hello"),
    ];
    let response = world.sync(ACME, posts(&list));
    assert_eq!(response["post_errors"], json!([id("all")]));
    assert!(world.post("all").is_none() && world.post("boss").is_none());
    assert!(world.post("free").is_some());
    assert_eq!(
        world.refused(),
        [("denied".to_string(), 1), ("held".to_string(), 1)]
    );
    assert_eq!(stored(&world, "all").unwrap().reason, "not all");
    assert_eq!(take(&notes).len(), 2);
    world.sync(ACME, posts(&list[..1]));
    assert!(take(&notes).is_empty());
    // The policies work again.
    load(&mut world, &[Gate::Mention], |_| Verdict::Allow);
    assert_eq!(world.post("boss").unwrap().message, "@boss");
}

#[test]
fn what_a_question_cannot_hold_is_not_shown_in_part() {
    let mut world = World::with_peers_of_today();
    let notes = load(&mut world, &[Gate::Mention], |it| match it.mentions {
        Some(_) => Verdict::Allow,
        None => Verdict::Deny(Denial::for_reason("too many")),
    });
    let asked = |world: &mut World, letters: &str, text: &str| {
        world.sync(ACME, posts(&[post(letters, "ann", text)]));
        (take(&notes), world.post(letters).is_some())
    };
    let (shown, is_taken) = asked(&mut world, "fits", &"@all ".repeat(QUESTION_MENTIONS_MAX));
    assert_eq!(shown[0].split(", ").count(), QUESTION_MENTIONS_MAX);
    assert!(is_taken);
    let refused = (vec!["too many".to_string()], false);
    let more = "@all ".repeat(QUESTION_MENTIONS_MAX + 1);
    assert_eq!(asked(&mut world, "more", &more), refused);
    let lookups = |count: u32| (0..count).map(|n| format!("@x{n} ")).collect::<String>();
    let fits = asked(&mut world, "names", &lookups(MENTION_LOOKUPS_MAX));
    assert_eq!(fits, (vec![], true));
    let more = lookups(MENTION_LOOKUPS_MAX + 1);
    assert_eq!(asked(&mut world, "morenames", &more), refused);
}

#[test]
fn a_verdict_about_something_else_is_a_failure() {
    let mut world = World::with_peers_of_today();
    for (n, verdict) in [
        Verdict::Silence(vec![0, 1]),
        Verdict::Silence(vec![u32::MAX]),
        Verdict::Revise(Revision::of_message("other".into())),
    ]
    .into_iter()
    .enumerate()
    {
        load(&mut world, &[Gate::Mention], move |_| verdict.clone());
        let letters = format!("odd{n}");
        world.sync(ACME, posts(&[post(&letters, "ann", "@all")]));
        assert_eq!(world.refused(), [("held".to_string(), 1)]);
        assert!(world.post(&letters).is_none());
    }
    // An empty list silences nothing.
    load(&mut world, &[Gate::Mention], |_| Verdict::Silence(vec![]));
    world.sync(ACME, posts(&[post("all", "ann", "@all")]));
    assert_eq!(world.post("all").unwrap().message, "@all");
    assert!(stored(&world, "all").is_none());
}

#[test]
fn a_text_that_would_mention_others_without_a_sign_is_denied() {
    let mut world = World::with_peers_of_today();
    let notes = load(&mut world, &[Gate::Mention], |_| Verdict::Silence(vec![0]));
    let text = "@boss @all";
    world.sync(ACME, posts(&[post("fine", "ann", text)]));
    assert_eq!(world.post("fine").unwrap().message, "boss @all");
    // Without the first sign this is the address of a link, in which nobody is mentioned.
    let text = "<@boss:@all>";
    world.sync(ACME, posts(&[post("address", "ann", text)]));
    let shown = take(&notes);
    assert_eq!(shown[1], "boss is boss, all everybody");
    assert!(world.post("address").is_none());
    let reason = stored(&world, "address").unwrap().reason;
    assert_eq!(reason, crate::model::reasons::NOT_SILENCED);
}

#[test]
fn without_the_behaviour_or_a_policy_at_the_gate_nobody_is_asked() {
    let mut world = World::with_peers_of_today();
    let notes = load(&mut world, &[Gate::Post], |_| panic!("asked"));
    world.sync(ACME, posts(&[post("one", "ann", "@all")]));
    assert_eq!(take(&notes), ["post @all"]);
    let notes = load(&mut world, &[Gate::Post, Gate::Mention], |_| {
        panic!("asked")
    });
    let number = Behaviour::Mentions.number();
    world.step(|tx| tx.delete::<InForce>(&number));
    world.sync(ACME, posts(&[post("two", "ann", "@all")]));
    assert_eq!(take(&notes), ["post @all"]);
    assert_eq!(told(&world, "two"), (true, vec![]));
}
