//! Files of posts, on their way to a peer.

use super::*;
use crate::boundary::output::Object;
use crate::model::limits::{FILE_ATTEMPTS_MAX, FILE_RETRY_FIRST_MS, FILE_RETRY_MAX_MS};
use crate::model::{File, FileDebt, SentFile, Transfer, User};
use crate::rows::id::{FileNo, PostNo};
use crate::rows::table::Table;
use crate::testing::BOB;
use crate::testing::acts::{add_file, uninvite};

pub(super) const KINDS: [PeerKind; 3] = [
    PeerKind::Causeway,
    PeerKind::Mattermost11,
    PeerKind::Mattermost2021,
];

impl World {
    /// The peer of this kind knows ann.
    pub(super) fn with_known_author(kind: PeerKind) -> World {
        let mut world = World::shared(kind);
        world.write(ANN, TOWN, "known to the peer");
        world.settle();
        world
    }

    /// Ann writes a post with these files in [`TOWN`].
    pub(super) fn write_with_files(&mut self, bytes: &[u8]) -> PostNo {
        let add = |world: &mut World, bytes: &u8| {
            let name = format!("file {bytes}.pdf");
            match world.by(ANN, add_file(TOWN, &name, *bytes)).unwrap() {
                Object::File(no) => no,
                other => panic!("{other:?}"),
            }
        };
        let files: Vec<FileNo> = bytes.iter().map(|bytes| add(self, bytes)).collect();
        let new = post_with(TOWN, None, "see", |post| post.files = files);
        match self.by(ANN, new).unwrap() {
            Object::Post(no) => no,
            other => panic!("{other:?}"),
        }
    }

    fn file_ids(&self, post: PostNo) -> Vec<String> {
        let files = self.get::<Post>(&post).files;
        let ids = files.iter().map(|no| self.get::<File>(no).id.to_string());
        ids.collect()
    }

    /// Fails unless the peer shows a post with all its files, and their bytes.
    pub(super) fn expect_files(&self, post: PostNo) {
        let ids = self.file_ids(post);
        let id = self.get::<Post>(&post).id;
        assert_eq!(self.peer.post_files.get(id.as_str()), Some(&ids));
        for (id, no) in ids.iter().zip(self.get::<Post>(&post).files) {
            let digest = self.get::<File>(&no).digest;
            assert_eq!(self.peer.files.get(id), Some(&digest));
        }
        assert_eq!(self.host.tables.count(Table::FileDebts), 0);
        assert_eq!(self.host.tables.count(Table::FileTimes), 0);
    }

    pub(super) fn has_post(&self, post: PostNo) -> bool {
        let id = self.get::<Post>(&post).id;
        self.peer.posts.contains_key(id.as_str())
    }
}

#[test]
fn every_peer_gets_a_posts_files() {
    for kind in KINDS {
        let mut world = World::shared(kind);
        let post = world.write_with_files(&[1, 2, 3]);
        world.settle();
        world.expect_files(post);
        world.expect_same();
        assert!(world.exceptions().is_empty());
    }
}

#[test]
fn a_causeway_gets_the_post_first_and_what_follows_does_not_wait_for_the_file() {
    let mut world = World::shared(PeerKind::Causeway);
    let post = world.write_with_files(&[1]);
    while world.sent_bytes.is_empty() {
        assert!(world.deliver_next());
    }
    assert!(world.has_post(post));
    let bytes = std::mem::take(&mut world.sent_bytes);
    let next = world.write(BOB, TOWN, "next");
    world.settle();
    assert!(world.has_post(next) && world.peer.files.is_empty());
    world.sent_bytes = bytes;
    world.settle();
    world.expect_files(post);
}

#[test]
fn a_mattermost_gets_the_files_first_and_replies_wait_for_their_root() {
    for kind in [PeerKind::Mattermost11, PeerKind::Mattermost2021] {
        let mut world = World::with_known_author(kind);
        let post = world.write_with_files(&[1, 2]);
        let reply = world.reply(BOB, post, "a reply");
        let other = world.write(BOB, TOWN, "another post");
        for _ in 0..40 {
            if world.out.is_empty() {
                break;
            }
            world.deliver_next();
        }
        assert_eq!(world.sent_bytes.len(), 1);
        assert!(world.has_post(other) && !world.has_post(post) && !world.has_post(reply));
        world.settle();
        world.expect_files(post);
        assert!(world.has_post(reply));
        assert!(world.exceptions().is_empty());
    }
}

#[test]
fn a_refused_file_does_not_keep_its_post_back_and_joins_it_when_it_is_taken() {
    for kind in [PeerKind::Causeway, PeerKind::Mattermost11] {
        let mut world = World::with_known_author(kind);
        world.peer.refuses_files = Some("it is too large".to_string());
        let post = world.write_with_files(&[1]);
        let mut told = Vec::new();
        while !world.has_post(post) || told.is_empty() {
            assert!(world.deliver_next(), "{kind:?}");
            told.extend(world.ephemeral());
        }
        let (channel, user, text) = told.pop().unwrap();
        assert_eq!((channel, user), (TOWN, ANN));
        assert!(
            text.contains("`file 1.pdf`") && text.contains("it is too large"),
            "{text}"
        );
        world.peer.refuses_files = None;
        world.now_ms += 60_000;
        world.settle();
        world.expect_files(post);
        assert!(world.exceptions().is_empty());
    }
}

#[test]
fn a_file_that_is_refused_again_and_again_is_given_up_and_its_author_hears_it_once() {
    let mut world = World::shared(PeerKind::Mattermost11);
    world.peer.refuses_files = Some("no room".to_string());
    let post = world.write_with_files(&[1]);
    let mut told = 0;
    for _ in 0..200 {
        if !world.deliver_next() {
            world.now_ms += 30_000;
            world.ping(ACME);
            world.run_due();
        }
        told += world.ephemeral().len();
    }
    assert_eq!(told, 1);
    assert!(world.has_post(post));
    let debts = world.host.prefix::<FileDebt, ()>(&(), 10);
    let [(_, debt)] = &debts[..] else {
        panic!("{debts:?}");
    };
    assert_eq!((debt.refusals, debt.retry_at), (FILE_ATTEMPTS_MAX, 0));
    assert_eq!(debt.reason, "no room");
    // Its removal ends the matter.
    world.by(ANN, delete(post)).unwrap();
    assert_eq!(world.host.tables.count(Table::FileDebts), 0);
}

#[test]
fn an_upload_that_breaks_continues_at_a_causeway_and_begins_anew_at_a_mattermost() {
    for kind in [PeerKind::Causeway, PeerKind::Mattermost11] {
        let mut world = World::shared(kind);
        let post = world.write_with_files(&[1]);
        while world.sent_bytes.is_empty() {
            assert!(world.deliver_next());
        }
        let first = world.sent_bytes.remove(0);
        assert_eq!((first.offset, first.size), (0, 12));
        world.receipt(ACME, first.attempt, SendOutcome::Unknown);
        world.peer.held_bytes = if kind == PeerKind::Causeway { 5 } else { 0 };
        world.now_ms += 5_000;
        world.run_due();
        while world.sent_bytes.is_empty() {
            assert!(world.deliver_next());
        }
        let second = world.sent_bytes[0].clone();
        assert_eq!(second.upload == first.upload, kind == PeerKind::Causeway);
        let expected = i64::try_from(second.offset).unwrap();
        assert_eq!(expected, world.peer.held_bytes);
        world.settle();
        world.expect_files(post);
    }
}

#[test]
fn a_file_that_the_peer_holds_already_is_not_sent() {
    let mut world = World::shared(PeerKind::Causeway);
    world.peer.held_bytes = 12;
    world.write_with_files(&[1]);
    world.settle();
    assert!(world.peer.files.is_empty() && world.sent_bytes.is_empty());
    assert_eq!(world.host.tables.count(Table::SentFiles), 1);
}

#[test]
fn after_a_start_the_file_in_flight_is_announced_again() {
    let mut world = World::shared(PeerKind::Causeway);
    let post = world.write_with_files(&[1]);
    while world.sent_bytes.is_empty() {
        assert!(world.deliver_next());
    }
    let late = world.sent_bytes.remove(0);
    world.run(Input::Resume);
    assert!(!world.host.has::<Transfer>(&ACME));
    world.receipt(ACME, late.attempt, SendOutcome::Answered(b"{}".to_vec()));
    world.ping(ACME);
    world.settle();
    world.expect_files(post);
}

#[test]
fn an_edited_post_keeps_its_files_and_they_are_not_sent_again() {
    for kind in KINDS {
        let mut world = World::shared(kind);
        let post = world.write_with_files(&[1]);
        world.settle();
        world
            .peer
            .files
            .values_mut()
            .for_each(|digest| digest.push('!'));
        world.by(ANN, edit(post, "seen")).unwrap();
        world.settle();
        let (id, held) = world.peer.files.pop_first().unwrap();
        assert!(held.ends_with('!'), "it was sent once");
        let row: Post = world.get(&post);
        assert_eq!(world.peer.post_files[row.id.as_str()], [id]);
        assert_eq!(world.peer.posts[row.id.as_str()].0, "seen");
    }
}

#[test]
fn a_deleted_post_takes_its_files_out_of_the_queue() {
    let mut world = World::shared(PeerKind::Causeway);
    let post = world.write_with_files(&[1, 2]);
    let last = world.get::<Post>(&post).files[1];
    world.by(ANN, delete(post)).unwrap();
    world.settle();
    assert!(world.peer.files.len() <= 1, "one may have been in flight");
    assert_eq!(world.host.tables.count(Table::FileDebts), 0);
    assert!(!world.host.has::<SentFile>(&(ACME, last)));
}

#[test]
fn a_restored_peer_gets_the_files_again() {
    let mut world = World::shared(PeerKind::Causeway);
    let id = |number| Incarnation {
        id: Id::from_uuid_bytes([9; 16]),
        number,
    };
    world.ping_answered(ACME, Some(id(1)));
    let post = world.write_with_files(&[1]);
    world.settle();
    world.peer.files.clear();
    world.now_ms += 2 * RESEND_INTERVAL_MS;
    world.ping_answered(ACME, Some(id(2)));
    world.settle();
    world.expect_files(post);
}

#[test]
fn a_post_with_long_properties_waits_for_its_files() {
    let mut world = World::shared(PeerKind::Causeway);
    let props = format!(r#"{{"big":"{}"}}"#, "x".repeat(PROPS_BYTES_MAX - 100));
    let file = match world.by(ANN, add_file(TOWN, "a.txt", 1)).unwrap() {
        Object::File(no) => no,
        other => panic!("{other:?}"),
    };
    let new = post_with(TOWN, None, "see", |post| {
        post.props = props;
        post.files = vec![file];
    });
    let Object::Post(post) = world.by(ANN, new).unwrap() else {
        panic!("not a post");
    };
    while world.sent_bytes.is_empty() {
        assert!(world.deliver_next());
    }
    assert!(!world.has_post(post));
    world.settle();
    world.expect_files(post);
}

#[test]
fn a_peer_that_is_uninvited_before_it_answers_an_announcement_gets_no_bytes() {
    for kind in KINDS {
        let mut world = World::shared(kind);
        world.write_with_files(&[1]);
        while !world.host.has::<Transfer>(&ACME) {
            assert!(world.deliver_next());
        }
        world.by(ADMIN, uninvite(TOWN, ACME)).unwrap();
        world.settle();
        assert!(world.peer.files.is_empty(), "{kind:?}");
        assert_eq!(world.host.tables.count(Table::FileDebts), 0);
        assert_eq!(world.host.tables.count(Table::FileTimes), 0);
    }
}

#[test]
fn a_file_that_arrives_while_its_post_goes_without_it_joins_it() {
    let mut world = World::with_known_author(PeerKind::Mattermost11);
    world.peer.refuses_files = Some("no room".to_string());
    let post = world.write_with_files(&[1]);
    let id = format!("\"id\":\"{}\"", world.get::<Post>(&post).id);
    let is_post = |(_, frame): &(u64, Vec<u8>)| String::from_utf8_lossy(frame).contains(&id);
    let at = loop {
        if let Some(at) = world.out.iter().position(is_post) {
            break at;
        }
        assert!(world.deliver_next());
    };
    let message = world.out.remove(at);
    world.peer.refuses_files = None;
    world.now_ms += 60_000;
    world.run_due();
    while world.deliver_next() {}
    assert_eq!(world.peer.files.len(), 1);
    world.out.push(message);
    world.settle();
    world.expect_files(post);
    assert!(world.exceptions().is_empty());
}

/// Time passes, and what is sent is delivered.
pub(super) fn pass(world: &mut World, steps: usize, step_ms: i64) {
    for _ in 0..steps {
        if !world.deliver_next() {
            world.now_ms += step_ms;
            world.ping(ACME);
            world.run_due();
        }
    }
}

#[test]
fn a_file_that_was_given_up_is_offered_anew_when_the_channel_is_shared_again() {
    let mut world = World::shared(PeerKind::Causeway);
    world.peer.refuses_files = Some("no room".to_string());
    let post = world.write_with_files(&[1]);
    pass(&mut world, 200, 600_000);
    let file = world.get::<Post>(&post).files[0];
    let debt: FileDebt = world.get(&(ACME, file));
    assert_eq!((debt.refusals, debt.retry_at), (FILE_ATTEMPTS_MAX, 0));
    world.peer.refuses_files = None;
    world.by(ADMIN, edit(post, "see!")).unwrap();
    world.settle();
    assert!(world.peer.files.is_empty(), "it stays given up");
    world.by(ADMIN, uninvite(TOWN, ACME)).unwrap();
    world.settle();
    world.by(ADMIN, invite(TOWN, ACME)).unwrap();
    world.settle();
    world.by(ANN, edit(post, "see?")).unwrap();
    world.settle();
    world.expect_files(post);
}

#[test]
fn a_removed_file_leaves_no_rows_even_if_its_channel_is_no_longer_shared() {
    let mut world = World::shared(PeerKind::Causeway);
    let post = world.write_with_files(&[1]);
    world.settle();
    world.peer.refuses_files = Some("no room".to_string());
    let refused = world.write_with_files(&[2]);
    pass(&mut world, 200, 600_000);
    world.by(ADMIN, uninvite(TOWN, ACME)).unwrap();
    world.settle();
    for post in [post, refused] {
        world.by(ANN, delete(post)).unwrap();
    }
    for table in [Table::SentFiles, Table::FileDebts, Table::FileTimes] {
        assert_eq!(world.host.tables.count(table), 0, "{table:?}");
    }
}

#[test]
fn what_a_peer_says_of_a_refused_file_is_quoted() {
    let mut world = World::shared(PeerKind::Causeway);
    world.peer.refuses_files = Some("` @all [free](http://x.example) `".to_string());
    world.write_with_files(&[1]);
    let mut told = Vec::new();
    while told.is_empty() {
        assert!(world.deliver_next());
        told = world.ephemeral();
    }
    let text = &told[0].2;
    assert!(
        text.contains("`' @all [free](http://x.example) '`"),
        "{text}"
    );
    assert_eq!(text.matches('`').count(), 6, "{text}");
}

#[test]
fn a_peer_that_does_not_take_a_file_is_sent_it_ever_more_rarely() {
    let mut world = World::shared(PeerKind::Mattermost11);
    world.write_with_files(&[1]);
    let (mut pauses, mut last_ms) = (Vec::new(), None);
    for _ in 0..4_000 {
        if let Some(file) = world.sent_bytes.pop() {
            pauses.extend(last_ms.map(|last_ms| world.now_ms - last_ms));
            last_ms = Some(world.now_ms);
            world.receipt(ACME, file.attempt, SendOutcome::Refused(500));
        }
        pass(&mut world, 1, 15_000);
    }
    assert!(pauses.len() > 10, "it is never given up: {pauses:?}");
    assert!(pauses[0] < 2 * FILE_RETRY_FIRST_MS, "{pauses:?}");
    let late = pauses.last().copied().unwrap();
    assert!(
        (FILE_RETRY_MAX_MS / 2..=FILE_RETRY_MAX_MS + 60_000).contains(&late),
        "{pauses:?}"
    );
}

#[test]
fn an_upload_that_another_request_still_works_on_is_tried_soon_and_is_no_refusal() {
    let mut world = World::shared(PeerKind::Causeway);
    let post = world.write_with_files(&[1]);
    while world.sent_bytes.is_empty() {
        assert!(world.deliver_next());
    }
    let first = world.sent_bytes.remove(0);
    world.receipt(ACME, first.attempt, SendOutcome::Refused(400));
    assert!(world.ephemeral().is_empty());
    world.now_ms += 5_000;
    world.run_due();
    world.settle();
    world.expect_files(post);
}

#[test]
fn a_server_of_2021_does_not_get_a_post_again_for_a_file_that_came_late() {
    let mut world = World::with_known_author(PeerKind::Mattermost2021);
    world.peer.refuses_files = Some("later".to_string());
    let post = world.write_with_files(&[1]);
    while !world.has_post(post) {
        assert!(world.deliver_next());
    }
    world.peer.refuses_files = None;
    let batches = world.peer.batches.len();
    world.now_ms += 60_000;
    world.settle();
    assert_eq!(world.peer.files.len(), 1);
    assert_eq!(world.peer.batches.len(), batches);
    assert!(world.exceptions().is_empty());
}

#[test]
fn the_files_of_an_author_whose_profile_was_not_taken_follow_their_post() {
    for kind in [PeerKind::Causeway, PeerKind::Mattermost11] {
        let mut world = World::shared(kind);
        let ann = world.get::<User>(&ANN).id;
        world.peer.users.insert(ann.to_string());
        world.peer.refuses_users = true;
        let post = world.write_with_files(&[1]);
        pass(&mut world, 40, 10_000);
        world.expect_files(post);
    }
}

#[test]
fn the_files_of_an_author_whom_the_peer_does_not_know_wait_for_the_author() {
    for kind in KINDS {
        let mut world = World::shared(kind);
        world.peer.refuses_users = true;
        let post = world.write_with_files(&[1]);
        // The peer fails the test if a file comes before its author.
        pass(&mut world, 4, 10_000);
        assert_eq!(world.host.tables.count(Table::FileDebts), 0);
        world.peer.refuses_users = false;
        pass(&mut world, 40, 10_000);
        world.expect_files(post);
    }
}

#[test]
fn a_broken_connection_does_not_let_a_post_go_without_its_file() {
    for kind in [PeerKind::Mattermost11, PeerKind::Mattermost2021] {
        let mut world = World::with_known_author(kind);
        let post = world.write_with_files(&[1]);
        while world.sent_bytes.is_empty() {
            assert!(world.deliver_next());
        }
        let first = world.sent_bytes.remove(0);
        world.receipt(ACME, first.attempt, SendOutcome::Unknown);
        while world.sent_bytes.is_empty() {
            pass(&mut world, 1, 1_000);
            assert!(!world.has_post(post), "{kind:?}");
        }
        world.settle();
        world.expect_files(post);
    }
}

#[test]
fn a_post_goes_without_a_file_whose_bytes_never_get_through() {
    let mut world = World::with_known_author(PeerKind::Mattermost11);
    let post = world.write_with_files(&[1]);
    for _ in 0..200 {
        if let Some(file) = world.sent_bytes.pop() {
            world.receipt(ACME, file.attempt, SendOutcome::Unknown);
        }
        pass(&mut world, 1, 1_000);
    }
    let id = world.get::<Post>(&post).id;
    assert!(world.peer.post_files[id.as_str()].is_empty());
    world.settle();
    world.expect_files(post);
}

#[test]
fn while_a_peer_is_not_reached_its_files_wait_like_everything_else() {
    let mut world = World::with_known_author(PeerKind::Mattermost2021);
    let post = world.write_with_files(&[1]);
    let mut attempts = 0;
    for _ in 0..600 {
        while !world.out.is_empty() {
            let (attempt, _) = world.out.remove(0);
            world.receipt(ACME, attempt, SendOutcome::NeverLeft);
            attempts += 1;
        }
        world.now_ms += 1_000;
        world.run_due();
    }
    assert!((5..=30).contains(&attempts), "{attempts} attempts");
    world.ping(ACME);
    world.settle();
    world.expect_files(post);
}
