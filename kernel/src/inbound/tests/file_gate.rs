//! What policies say of files of peers.

use std::cell::RefCell;
use std::rc::Rc;

use super::files::{post_of, session};
use super::*;
use crate::boundary::policy::{Denial, Direction, Gate, Home, Question, Verdict};
use crate::inbound::held_step;
use crate::model::{File, Upload};

/// The ids of the posts of the files that a policy was asked about.
type Asked = Rc<RefCell<Vec<String>>>;

/// A policy that gives this verdict on files.
fn judge(world: &mut World, verdict: Verdict) -> Asked {
    let asked = Asked::default();
    let notes = asked.clone();
    world.host.policy = Some(Box::new(move |question| match question {
        Question::File(file) => {
            notes.borrow_mut().push(file.post_id.to_string());
            verdict.clone()
        }
        _ => Verdict::Allow,
    }));
    asked
}

fn denied() -> Verdict {
    Verdict::Deny(Denial::for_reason("no plans of acme's"))
}

/// From now on, policies decide at these gates.
fn change_gates(world: &mut World, gates: &[Gate]) {
    world.run(Input::PolicyChanged {
        chain: String::new(),
        what: String::new(),
        gates: Some(gates.iter().copied().collect()),
    });
    for _ in 0..10 {
        world.run(Input::Timer);
    }
}

fn world_with(kind: PeerKind) -> World {
    let mut world = World::with_peers_of_today();
    world.alter::<Connection>(&ACME, |row| row.kind = kind);
    world
}

#[test]
fn a_denied_file_is_refused_and_its_post_is_shown_without_it() {
    for kind in [PeerKind::Causeway, PeerKind::Mattermost11] {
        let mut world = world_with(kind);
        judge(&mut world, denied());
        let before = world.host.tables.clone();
        let answer = world.announce(session("up", "f"));
        assert_eq!(answer["status"], "FAIL");
        let error = answer["err"].as_str().unwrap();
        assert_eq!(error, "createUpload: the file is not accepted here");
        assert_eq!(world.refused(), [("denied".to_string(), 1)]);
        assert_eq!(world.host.tables, before);
        assert_eq!(
            http(world.upload_whole("up", 1)).0,
            404,
            "nor are its bytes"
        );
        let is_said = kind == PeerKind::Causeway;
        let posts = json!({"posts": [post_of("new", &["f"], is_said)]});
        world.sync(ACME, posts);
        assert_eq!(world.post("new").unwrap().message, "see");
        assert_eq!(world.files_here("new"), [""; 0]);
    }
}

#[test]
fn a_file_that_its_post_named_before_it_was_denied_arrives_after_a_change_of_policies() {
    let mut world = world_with(PeerKind::Causeway);
    let asked = judge(&mut world, denied());
    world.sync(ACME, json!({"posts": [post_of("new", &["f", "g"], true)]}));
    assert!(asked.borrow().is_empty(), "no bytes cross with the post");
    assert_eq!(world.announce(session("up", "f"))["status"], "FAIL");
    assert_eq!(*asked.borrow(), [id("new")]);
    // Nobody sees a file that is not here.
    let file: File = world.get(&world.file_no("f").unwrap());
    assert!(!file.is_here() && !crate::authority::may_read_file(&world.host, &file, ADMIN));
    world.host.policy = None;
    change_gates(&mut world, &[]);
    world.bring("f", 1);
    assert_eq!(world.files_here("new"), [id("f")]);
}

#[test]
fn a_newer_version_that_does_not_name_a_denied_file_forgets_it() {
    let mut world = world_with(PeerKind::Causeway);
    judge(&mut world, denied());
    world.sync(ACME, json!({"posts": [post_of("new", &["f"], true)]}));
    world.announce(session("up", "f"));
    let newer = with(post_of("new", &[], true), json!({"update_at": START + 5}));
    world.sync(ACME, json!({"posts": [newer]}));
    assert!(world.file_no("f").is_none() && world.post("new").unwrap().files.is_empty());
}

#[test]
fn a_file_that_a_causeways_policies_released_joins_the_post_that_comes_once_more() {
    let mut world = world_with(PeerKind::Causeway);
    world.sync(ACME, json!({"posts": [post_of("new", &["g"], true)]}));
    world.bring("f", 1);
    world.sync(ACME, json!({"posts": [post_of("new", &["f", "g"], true)]}));
    assert_eq!(world.files_here("new"), [id("f")]);
    world.bring("g", 2);
    assert_eq!(world.files_here("new"), [id("f"), id("g")]);
}

/// A policy that fails on posts and lets everything else pass.
fn fail_on_posts(world: &mut World) {
    world.host.policy = Some(Box::new(|question| match question.gate() {
        Gate::Post => Verdict::Failed("trapped".into()),
        _ => Verdict::Allow,
    }));
}

#[test]
fn a_post_that_waits_here_and_comes_once_more_has_the_files_that_came_meanwhile() {
    for kind in [PeerKind::Causeway, PeerKind::Mattermost11] {
        let mut world = world_with(kind);
        let is_said = kind == PeerKind::Causeway;
        let version = |files: &[&str]| json!({"posts": [post_of("new", files, is_said)]});
        fail_on_posts(&mut world);
        world.sync(ACME, version(&[]));
        world.bring("f", 1);
        world.sync(ACME, version(&["f"]));
        world.bring("g", 2);
        world.sync(ACME, version(&["f", "g"]));
        let before = world.host.tables.clone();
        // Copies of messages that come late name no more.
        for files in [&["f", "g"] as &[&str], &["f"], &[]] {
            world.sync(ACME, version(files));
            assert_eq!(world.host.tables, before);
        }
        world.host.policy = None;
        world.step(|tx| held_step(tx, ACME));
        assert_eq!(world.files_here("new"), [id("f"), id("g")]);
    }
}

#[test]
fn before_gates_a_post_that_waits_here_stays_as_it_came_first() {
    let mut world = World::with_peers();
    fail_on_posts(&mut world);
    world.sync(ACME, json!({"posts": [post_of("new", &[], true)]}));
    let before = world.host.tables.clone();
    world.sync(ACME, json!({"posts": [post_of("new", &["f"], true)]}));
    assert_eq!(world.host.tables, before);
}

#[test]
fn a_file_on_which_policies_fail_is_announced_again() {
    let mut world = world_with(PeerKind::Causeway);
    judge(&mut world, Verdict::Failed("trapped".into()));
    let before = world.host.tables.clone();
    let body = world.frame(ACME, "sharedchannel_upload", &session("up", "f"));
    let (status, answer) = world.body(ACME, &body);
    assert_eq!((status, answer["status_code"].as_i64()), (503, Some(503)));
    let said = answer["message"].as_str().unwrap();
    assert!(!said.contains("trapped"), "{said}");
    assert_eq!(world.refused(), [("held".to_string(), 1)]);
    assert_eq!(world.host.tables, before);
    judge(&mut world, Verdict::Allow);
    world.bring("f", 1);
    world.sync(ACME, json!({"posts": [post_of("new", &["f"], true)]}));
    assert_eq!(world.files_here("new"), [id("f")]);
}

#[test]
fn an_upload_that_continues_is_asked_about_and_a_file_that_is_here_is_not() {
    let mut world = world_with(PeerKind::Causeway);
    let asked = judge(&mut world, Verdict::Allow);
    world.announce(session("up", "f"));
    judge(&mut world, denied());
    assert_eq!(world.announce(session("up", "f"))["status"], "FAIL");
    let upload: Upload = world.get(&(ACME, parsed_id("up")));
    assert_eq!(upload.offset, 0);
    assert_eq!(asked.borrow().len(), 1);
    assert_eq!(http(world.upload_whole("up", 1)).0, 200);
    let asked = judge(&mut world, denied());
    let answer = world.announce(session("again", "f"));
    assert_eq!(answer["payload"]["file_offset"], 12);
    // A Mattermost server sends the bytes again, for nothing.
    world.alter::<Connection>(&ACME, |row| row.kind = PeerKind::Mattermost11);
    assert_eq!(world.announce(session("again", "f"))["status"], "OK");
    assert!(asked.borrow().is_empty());
}

#[test]
fn policies_of_other_gates_are_not_asked_about_files() {
    let mut world = world_with(PeerKind::Causeway);
    let asked = judge(&mut world, denied());
    change_gates(&mut world, &[Gate::Post, Gate::Member]);
    world.bring("f", 1);
    assert!(asked.borrow().is_empty());
    // Nor is anything asked in a workspace in which only posts are judged.
    let mut world = World::with_peers_of_today();
    world.host.tables.clear(Table::Behaviours);
    let earlier = InForce { since_ms: START };
    world.step(|tx| tx.put(&(Behaviour::SharedFiles as u32), &earlier));
    let asked = judge(&mut world, denied());
    world.bring("f", 1);
    assert!(asked.borrow().is_empty());
}

#[test]
fn what_may_not_be_announced_is_refused_without_a_question() {
    let mut world = world_with(PeerKind::Causeway);
    let asked = judge(&mut world, denied());
    let wrong = with(session("up", "f"), json!({"channel_id": id("otheronly")}));
    assert_eq!(world.announce(wrong)["status"], "FAIL");
    assert_eq!(world.refused(), [("not_shared".to_string(), 1)]);
    assert!(asked.borrow().is_empty());
}

#[test]
fn the_question_says_what_people_would_see_of_the_file_and_whose_it_is() {
    let mut world = world_with(PeerKind::Mattermost11);
    world.host.policy = Some(Box::new(|question| {
        let Question::File(file) = question else {
            return Verdict::Allow;
        };
        let context = &file.context;
        assert_eq!(context.direction, Direction::Inbound);
        assert_eq!(context.connection_name, "acme");
        assert_eq!(context.channel_id, id("joint"));
        assert_eq!(context.author_id, id("ann"));
        assert_eq!(context.author_name, "ann:acme");
        let home = context.author_home;
        assert!(matches!(home, Home::Connected { name: "acme", .. }));
        assert_eq!((file.id, file.post_id), (id("f").as_str(), ""));
        assert_eq!((file.name, file.size), ("x<b>.bin", 12));
        assert_eq!(file.media_type, "", "the extension says nothing");
        denied()
    }));
    let named = with(session("up", "f"), json!({"filename": "../x<b>.bin"}));
    assert_eq!(world.announce(named)["status"], "FAIL");
}

#[test]
fn a_hub_names_no_file_that_may_not_go_on() {
    let mut world = world_with(PeerKind::Causeway);
    world.alter::<Connection>(&OTHER, |row| row.kind = PeerKind::Causeway);
    world.host.policy = Some(Box::new(|question| match question {
        Question::File(file) if file.context.direction == Direction::Outbound => denied(),
        _ => Verdict::Allow,
    }));
    let deliver = |world: &mut World| {
        let mut seen = String::new();
        world.ping(OTHER);
        for _ in 0..10 {
            let Some((attempt, frame)) = world.out.pop() else {
                break;
            };
            seen.push_str(&String::from_utf8(frame).unwrap());
            let answer =
                json!({"status": "OK", "err": "", "payload": {"users_syncd": [id("ann")]}});
            let bytes = serde_json::to_vec(&answer).unwrap();
            world.receipt(OTHER, attempt, SendOutcome::Answered(bytes));
            world.run_due();
        }
        seen
    };
    deliver(&mut world);
    world.sync(ACME, json!({"posts": [post_of("new", &["f"], true)]}));
    let seen = deliver(&mut world);
    assert!(
        seen.contains("\"see\"") && !seen.contains("plan.pdf"),
        "{seen}"
    );
    assert_eq!(world.host.tables.count(Table::FileDebts), 0);
    world.bring("f", 1);
    assert_eq!(world.files_here("new"), [id("f")]);
    let seen = deliver(&mut world);
    assert!(
        !seen.contains("plan.pdf") && !seen.contains(&id("f")),
        "{seen}"
    );
    assert_eq!(world.host.tables.count(Table::FileDebts), 1);
    world.host.policy = None;
    change_gates(&mut world, &[]);
    let seen = deliver(&mut world);
    assert!(seen.contains("sharedchannel_upload"), "{seen}");
}
