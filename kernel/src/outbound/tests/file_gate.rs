//! What policies say of files, on their way to a peer.

use std::cell::RefCell;
use std::rc::Rc;

use super::files::{KINDS, pass};
use super::*;
use crate::boundary::policy::{Direction, FileQuestion, Gate, Home};
use crate::model::limits::{FILE_BREAKS_AWAITED, HELD_RETRY_MS, JOB_ROWS_PER_STEP};
use crate::model::{File, FileDebt, FileStanding, User};
use crate::outbound::delivery::Standing;
use crate::rows::id::{FileNo, PostNo};
use crate::rows::table::Table;

/// Names of the files that a policy was asked about.
type Asked = Rc<RefCell<Vec<String>>>;

/// A policy that gives this verdict on the file with this number, and lets others pass.
fn judge(world: &mut World, number: u8, verdict: Verdict) -> Asked {
    let asked = Asked::default();
    let notes = asked.clone();
    let name = name_of(number);
    world.host.policy = Some(Box::new(move |question: &Question<'_>| {
        let Question::File(file) = question else {
            return Verdict::Allow;
        };
        notes.borrow_mut().push(file.name.to_string());
        match file.name == name {
            true => verdict.clone(),
            false => Verdict::Allow,
        }
    }));
    asked
}

fn name_of(number: u8) -> String {
    format!("file {number}.pdf")
}

fn denied() -> Verdict {
    Verdict::Deny(Denial::for_reason("no plans"))
}

fn trapped() -> Verdict {
    Verdict::Failed("trapped".into())
}

/// From now on, policies decide at these gates.
fn change_gates(world: &mut World, gates: &[Gate]) {
    world.run(Input::PolicyChanged {
        chain: String::new(),
        what: String::new(),
        gates: Some(gates.iter().copied().collect()),
    });
}

fn unload(world: &mut World) {
    world.host.policy = None;
    change_gates(world, &[]);
}

/// Delivers everything that is sent; the frames.
fn deliver_all(world: &mut World) -> String {
    let mut sent = String::new();
    for _ in 0..100 {
        for (_, frame) in &world.out {
            sent.push_str(&String::from_utf8_lossy(frame));
        }
        if !world.deliver_next() {
            world.run(Input::Timer);
            if world.out.is_empty() && world.sent_bytes.is_empty() {
                return sent;
            }
        }
    }
    panic!("something loops");
}

impl World {
    fn file_of(&self, post: PostNo, at: usize) -> FileNo {
        self.get::<Post>(&post).files[at]
    }

    fn debt_of(&self, post: PostNo, at: usize) -> FileDebt {
        self.get(&(ACME, self.file_of(post, at)))
    }

    /// The names of the files that the peer shows with a post.
    fn shown_there(&self, post: PostNo) -> Vec<String> {
        let id = self.get::<Post>(&post).id;
        let named = &self.peer.post_files[id.as_str()];
        let files = self.get::<Post>(&post).files;
        let rows = files.iter().map(|no| self.get::<File>(no));
        let shown = rows.filter(|row| {
            named.iter().any(|id| id == row.id.as_str())
                && self.peer.files.contains_key(row.id.as_str())
        });
        shown.map(|row| row.name).collect()
    }
}

#[test]
fn a_denied_file_is_not_sent_nor_named_and_its_post_goes_without_it() {
    for kind in KINDS {
        let mut world = World::with_known_author(kind);
        judge(&mut world, 1, denied());
        let post = world.write_with_files(&[1, 2]);
        let sent = deliver_all(&mut world);
        assert!(sent.contains("see") && !sent.contains("file 1"), "{sent}");
        assert_eq!(world.shown_there(post), ["file 2.pdf"], "{kind:?}");
        let named = &world.peer.post_files[world.get::<Post>(&post).id.as_str()];
        assert_eq!(named.len(), 1, "nothing is named that will not come");
        world.settle();
        assert!(world.exceptions().is_empty());
        let delivery = world.delivery(post);
        assert_eq!(delivery.standing, Standing::Delivered);
        let [(no, debt)] = &delivery.files[..] else {
            panic!("{:?}", delivery.files);
        };
        assert_eq!(*no, world.file_of(post, 0));
        let state = (debt.standing, debt.retry_at, debt.reason.as_str());
        assert_eq!(state, (FileStanding::Denied, 0, "no plans"));
        assert!(world.ephemeral().is_empty());
    }
}

#[test]
fn a_file_that_changed_policies_let_pass_arrives() {
    for kind in KINDS {
        let mut world = World::with_known_author(kind);
        judge(&mut world, 1, denied());
        let post = world.write_with_files(&[1, 2]);
        world.settle();
        unload(&mut world);
        world.settle();
        assert_eq!(world.peer.files.len(), 2);
        assert_eq!(world.host.tables.count(Table::FileDebts), 0);
        if kind == PeerKind::Mattermost2021 {
            // It does not look at a version that it has.
            assert_eq!(world.shown_there(post), ["file 2.pdf"]);
        } else {
            world.expect_files(post);
        }
        assert!(world.exceptions().is_empty());
    }
}

#[test]
fn a_file_that_changed_policies_deny_too_is_asked_about_once_and_stays() {
    let mut world = World::with_known_author(PeerKind::Causeway);
    judge(&mut world, 1, denied());
    let post = world.write_with_files(&[1]);
    world.settle();
    let asked = judge(
        &mut world,
        1,
        Verdict::Deny(Denial::for_reason("still not")),
    );
    change_gates(&mut world, &[Gate::File]);
    world.settle();
    assert_eq!(*asked.borrow(), ["file 1.pdf"]);
    let debt = world.debt_of(post, 0);
    assert_eq!(
        (debt.retry_at, debt.reason.as_str(), debt.failures),
        (0, "still not", 0)
    );
    // A newer version of the post is another message, and the decision stands.
    world.by(ANN, edit(post, "look")).unwrap();
    world.settle();
    assert_eq!(asked.borrow().len(), 1);
    let id = world.get::<Post>(&post).id;
    assert_eq!(world.peer.posts[id.as_str()].0, "look");
    assert_eq!(world.peer.post_files[id.as_str()], [""; 0]);
}

#[test]
fn more_files_than_a_step_takes_are_asked_about_again_in_portions_and_each_once() {
    let mut world = World::with_known_author(PeerKind::Causeway);
    let asked = Rc::new(RefCell::new(0));
    let notes = asked.clone();
    world.host.policy = Some(Box::new(move |question: &Question<'_>| match question {
        Question::File(_) => {
            *notes.borrow_mut() += 1;
            denied()
        }
        _ => Verdict::Allow,
    }));
    let files = 10 * (JOB_ROWS_PER_STEP / 10 + 1);
    for _ in 0..files / 10 {
        world.write_with_files(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    }
    world.settle();
    assert_eq!(world.host.tables.count(Table::FileDebts) as u32, files);
    assert_eq!(*asked.borrow(), files);
    change_gates(&mut world, &[Gate::File]);
    let mut most = 0;
    for _ in 0..200 {
        let before = *asked.borrow();
        world.run(Input::Timer);
        most = most.max(*asked.borrow() - before);
    }
    assert_eq!(*asked.borrow(), 2 * files);
    assert!(most <= PASSES_PER_PUMP_MAX, "{most} in a step");
    assert_eq!(world.host.tables.count(Table::FileTimes), 0);
}

#[test]
fn a_post_for_a_causeway_does_not_wait_for_a_file_on_which_policies_fail() {
    let mut world = World::with_known_author(PeerKind::Causeway);
    judge(&mut world, 1, trapped());
    let post = world.write_with_files(&[1]);
    let sent = deliver_all(&mut world);
    assert!(!sent.contains("file 1"), "{sent}");
    assert!(world.has_post(post));
    let debt = world.debt_of(post, 0);
    assert_eq!(
        (debt.standing, debt.reason.as_str()),
        (FileStanding::Held, "trapped")
    );
    assert!((1..=HELD_RETRY_MS).contains(&(debt.retry_at - world.now_ms)));
    judge(&mut world, 1, Verdict::Allow);
    pass(&mut world, 10, HELD_RETRY_MS);
    world.settle();
    world.expect_files(post);
}

#[test]
fn a_post_for_a_mattermost_waits_for_a_file_on_which_policies_fail_but_not_for_ever() {
    for kind in [PeerKind::Mattermost11, PeerKind::Mattermost2021] {
        for failing in [1, FILE_BREAKS_AWAITED] {
            let mut world = World::with_known_author(kind);
            let asked = judge(&mut world, 1, trapped());
            let post = world.write_with_files(&[1]);
            let reply = world.reply(ANN, post, "a reply");
            deliver_all(&mut world);
            assert!(!world.has_post(post) && !world.has_post(reply));
            for _ in 1..failing {
                world.now_ms += HELD_RETRY_MS;
                world.ping(ACME);
                world.run_due();
                deliver_all(&mut world);
            }
            assert_eq!(asked.borrow().len(), failing as usize);
            let went = failing == FILE_BREAKS_AWAITED;
            assert_eq!((world.has_post(post), world.has_post(reply)), (went, went));
            judge(&mut world, 1, Verdict::Allow);
            pass(&mut world, 10, HELD_RETRY_MS);
            world.settle();
            assert_eq!(world.peer.files.len(), 1);
            assert!(world.has_post(post) && world.has_post(reply));
            if !went || kind == PeerKind::Mattermost11 {
                world.expect_files(post);
            }
            assert!(world.exceptions().is_empty());
        }
    }
}

#[test]
fn a_policy_that_keeps_failing_is_asked_every_half_minute() {
    let mut world = World::with_known_author(PeerKind::Mattermost11);
    let asked = judge(&mut world, 1, trapped());
    let post = world.write_with_files(&[1]);
    let begun_ms = world.now_ms;
    pass(&mut world, 300, 5_000);
    let most = (world.now_ms - begun_ms) / HELD_RETRY_MS + 1;
    let times = i64::try_from(asked.borrow().len()).unwrap();
    assert!((most / 2..=most).contains(&times), "{times} of {most}");
    assert!(world.has_post(post) && world.peer.files.is_empty());
    unload(&mut world);
    world.settle();
    world.expect_files(post);
}

#[test]
fn policies_that_change_while_a_file_waits_decide_about_it() {
    for kind in KINDS {
        let mut world = World::with_known_author(kind);
        let post = world.write_with_files(&[1, 2]);
        while world.sent_bytes.is_empty() {
            assert!(world.deliver_next());
        }
        judge(&mut world, 2, denied());
        change_gates(&mut world, &[Gate::File]);
        world.settle();
        assert_eq!(world.shown_there(post), ["file 1.pdf"], "{kind:?}");
        assert_eq!(world.debt_of(post, 1).standing, FileStanding::Denied);
        assert!(world.exceptions().is_empty());
        unload(&mut world);
        world.settle();
        if kind != PeerKind::Mattermost2021 {
            world.expect_files(post);
        }
    }
}

#[test]
fn a_file_that_the_peer_has_stays_with_its_post_when_policies_would_deny_it_now() {
    for kind in KINDS {
        let mut world = World::with_known_author(kind);
        let post = world.write_with_files(&[1]);
        world.settle();
        let asked = judge(&mut world, 1, denied());
        change_gates(&mut world, &[Gate::File]);
        world.by(ANN, edit(post, "look")).unwrap();
        world.settle();
        world.expect_files(post);
        assert!(asked.borrow().is_empty());
    }
}

#[test]
fn policies_of_other_gates_are_not_asked_about_files() {
    for kind in KINDS {
        let mut world = World::with_known_author(kind);
        let asked = judge(&mut world, 1, denied());
        change_gates(&mut world, &[Gate::Post, Gate::Reaction]);
        let post = world.write_with_files(&[1]);
        world.settle();
        world.expect_files(post);
        assert!(asked.borrow().is_empty());
        let jobs = world.host.tables.count(Table::Jobs);
        assert_eq!(jobs, 0);
    }
}

#[test]
fn a_change_of_policies_elsewhere_starts_no_work_on_files() {
    let mut world = World::with_known_author(PeerKind::Causeway);
    change_gates(&mut world, &[Gate::Post]);
    world.settle();
    change_gates(&mut world, &[Gate::Post]);
    let jobs = world.host.prefix::<Job, ()>(&(), 10);
    assert_eq!(jobs.len(), 2, "posts, in both directions: {jobs:?}");
}

#[test]
fn the_question_says_what_people_see_of_the_file_and_whose_it_is() {
    let mut world = World::with_known_author(PeerKind::Causeway);
    let seen = Rc::new(RefCell::new(Vec::new()));
    let notes = seen.clone();
    world.host.policy = Some(Box::new(move |question: &Question<'_>| {
        if let Question::File(file) = question {
            let FileQuestion { context, .. } = file;
            let place = (
                context.direction,
                context.connection_name.to_string(),
                context.channel_id.to_string(),
            );
            let author = (
                context.author_id.to_string(),
                context.author_name.to_string(),
            );
            assert_eq!(context.author_home, Home::Here);
            let ids = (file.id.to_string(), file.post_id.to_string());
            let about = (
                file.name.to_string(),
                file.size,
                file.media_type.to_string(),
            );
            notes.borrow_mut().push((place, author, ids, about));
        }
        Verdict::Allow
    }));
    let post = world.write_with_files(&[1]);
    world.settle();
    let file = world.get::<File>(&world.file_of(post, 0));
    let channel = world.get::<crate::model::Channel>(&TOWN).id.to_string();
    let expected = (
        (Direction::Outbound, "acme".to_string(), channel),
        (world.get::<User>(&ANN).id.to_string(), "ann".to_string()),
        (file.id.to_string(), world.get::<Post>(&post).id.to_string()),
        ("file 1.pdf".to_string(), 12, "application/pdf".to_string()),
    );
    // Before it is named, and before its bytes cross.
    assert_eq!(*seen.borrow(), [expected.clone(), expected]);
}

#[test]
fn a_denied_file_of_an_author_whose_profile_was_not_taken_follows_when_it_may() {
    for kind in [PeerKind::Causeway, PeerKind::Mattermost11] {
        let mut world = World::shared(kind);
        let ann = world.get::<User>(&ANN).id;
        world.peer.users.insert(ann.to_string());
        world.peer.refuses_users = true;
        judge(&mut world, 1, denied());
        let post = world.write_with_files(&[1, 2]);
        pass(&mut world, 40, 10_000);
        assert_eq!(world.shown_there(post), ["file 2.pdf"]);
        unload(&mut world);
        pass(&mut world, 40, 10_000);
        world.expect_files(post);
    }
}

#[test]
fn a_file_is_not_announced_while_the_peer_refuses_its_post() {
    for kind in KINDS {
        let mut world = World::shared(kind);
        // The peer fails the test if a file comes before its author.
        world.peer.refuses_users = true;
        judge(&mut world, 1, denied());
        let post = world.write_with_files(&[1]);
        pass(&mut world, 3, 1_000);
        assert!(!world.has_post(post));
        unload(&mut world);
        pass(&mut world, 3, 1_000);
        world.peer.refuses_users = false;
        pass(&mut world, 40, 10_000);
        world.expect_files(post);
    }
}

#[test]
fn a_post_with_a_denied_file_that_is_deleted_leaves_nothing() {
    let mut world = World::with_known_author(PeerKind::Causeway);
    judge(&mut world, 1, denied());
    let post = world.write_with_files(&[1]);
    world.settle();
    world.by(ANN, delete(post)).unwrap();
    world.settle();
    unload(&mut world);
    world.settle();
    for table in [Table::FileDebts, Table::FileTimes, Table::Files] {
        assert_eq!(world.host.tables.count(table), 0, "{table:?}");
    }
}
