//! Profile pictures, on their way to a peer.

use super::files::{KINDS, pass};
use super::*;
use crate::boundary::policy::Gate;
use crate::model::limits::{FILE_ATTEMPTS_MAX, FILE_RETRY_MAX_MS};
use crate::model::{ChannelKind, PictureTransfer, User};
use crate::rows::id::ChannelNo;
use crate::rows::table::Table;
use crate::testing::acts::{add_member, set_picture, uninvite};
use crate::testing::{BOB, EVE};

impl World {
    fn id_of(&self, user: crate::rows::id::UserNo) -> String {
        self.get::<User>(&user).id.to_string()
    }

    /// The last byte of the picture's digest that the peer shows of ann.
    fn anns_picture(&self) -> Option<u8> {
        let digest = self.peer.pictures.get(&self.id_of(ANN))?;
        u8::from_str_radix(digest, 16).ok()
    }

    fn set_picture(&mut self, byte: u8) {
        self.by(ANN, set_picture(ANN, byte)).unwrap();
    }

    /// A workspace whose peer holds ann's profile and her picture 1.
    fn with_picture(kind: PeerKind) -> World {
        let mut world = World::shared(kind);
        world.set_picture(1);
        world.write(ANN, TOWN, "known to the peer");
        world.settle();
        assert_eq!(world.anns_picture(), Some(1));
        world
    }

    /// Another channel that is shared with the peer.
    fn second_channel(&mut self) -> ChannelNo {
        let second = self.create_channel(ADMIN, "second", ChannelKind::Public);
        self.by(ADMIN, add_member(second, ANN)).unwrap();
        self.by(ADMIN, invite(second, ACME)).unwrap();
        self.settle();
        second
    }

    fn owes_nothing(&self) -> bool {
        let tables = [
            Table::PictureDebts,
            Table::PictureTimes,
            Table::PictureTransfers,
        ];
        tables
            .iter()
            .all(|table| self.host.tables.count(*table) == 0)
    }
}

#[test]
fn every_peer_gets_a_picture_after_the_profile_and_again_when_it_changes() {
    for kind in KINDS {
        let mut world = World::shared(kind);
        world.set_picture(1);
        world.settle();
        assert_eq!(world.peer.pictures_come, 0, "the peer does not know her");
        world.write(ANN, TOWN, "a post");
        world.settle();
        assert_eq!(world.anns_picture(), Some(1));
        world.set_picture(2);
        world.settle();
        assert_eq!(world.anns_picture(), Some(2));
        assert_eq!(world.peer.pictures_come, 2);
        assert!(world.owes_nothing());
    }
}

#[test]
fn who_never_had_a_picture_causes_no_request_and_no_row() {
    let mut world = World::shared(PeerKind::Causeway);
    world.write(BOB, TOWN, "a post");
    world.settle();
    assert_eq!(world.peer.pictures_come, 0);
    assert_eq!(world.host.tables.count(Table::SentPictures), 0);
}

#[test]
fn the_same_picture_again_is_no_change_and_other_channels_do_not_repeat_it() {
    let mut world = World::with_picture(PeerKind::Mattermost11);
    let update_at = world.get::<User>(&ANN).last_picture_update;
    world.set_picture(1);
    let second = world.second_channel();
    world.write(ANN, second, "here too");
    world.settle();
    assert_eq!(world.get::<User>(&ANN).last_picture_update, update_at);
    assert_eq!(world.peer.pictures_come, 1);
}

#[test]
fn a_picture_that_fails_is_sent_again_although_its_profile_was_taken() {
    for outcome in [
        SendOutcome::Refused(503),
        SendOutcome::Refused(401),
        SendOutcome::Unknown,
        SendOutcome::NeverLeft,
        SendOutcome::Answered(b"<html>".to_vec()),
        SendOutcome::Answered(encode_fail("no")),
    ] {
        let mut world = World::shared(PeerKind::Causeway);
        world.peer.fails_pictures = Some(outcome.clone());
        world.set_picture(1);
        world.write(ANN, TOWN, "a post");
        pass(&mut world, 100, FILE_RETRY_MAX_MS);
        assert!(world.peer.pictures_come > 20, "{outcome:?}");
        world.peer.fails_pictures = None;
        world.ping(ACME);
        world.settle();
        assert_eq!(world.anns_picture(), Some(1), "{outcome:?}");
        assert!(world.owes_nothing());
    }
}

#[test]
fn a_peer_that_is_not_reached_pauses_as_for_messages() {
    for (outcome, failures) in [(SendOutcome::NeverLeft, 1), (SendOutcome::Unknown, 0)] {
        let mut world = World::shared(PeerKind::Causeway);
        world.peer.fails_pictures = Some(outcome.clone());
        world.set_picture(1);
        world.write(ANN, TOWN, "a post");
        while world.peer.pictures_come == 0 {
            assert!(world.deliver_next());
        }
        assert_eq!(
            world.get::<Connection>(&ACME).failures,
            failures,
            "{outcome:?}"
        );
    }
}

#[test]
fn a_refused_picture_is_given_up_until_it_changes() {
    let mut world = World::shared(PeerKind::Mattermost11);
    world.peer.fails_pictures = Some(SendOutcome::Refused(400));
    world.set_picture(1);
    world.write(ANN, TOWN, "a post");
    pass(&mut world, 100, FILE_RETRY_MAX_MS);
    let attempts = FILE_ATTEMPTS_MAX as usize;
    assert_eq!(world.peer.pictures_come, attempts);
    world.peer.fails_pictures = None;
    world.write(ANN, TOWN, "another post");
    world.settle();
    assert_eq!(world.peer.pictures_come, attempts);
    world.set_picture(2);
    world.settle();
    assert_eq!(world.anns_picture(), Some(2));
}

#[test]
fn a_picture_that_changes_while_it_is_in_flight_is_sent_again() {
    for is_taken in [true, false] {
        let mut world = World::shared(PeerKind::Causeway);
        world.set_picture(1);
        world.write(ANN, TOWN, "a post");
        while world.sent_pictures.is_empty() {
            assert!(world.deliver_next());
        }
        let first = std::mem::take(&mut world.sent_pictures);
        world.set_picture(2);
        world.settle();
        assert_eq!(world.peer.pictures_come, 0, "one at a time");
        world.peer.fails_pictures = (!is_taken).then_some(SendOutcome::Refused(400));
        world.sent_pictures = first;
        world.deliver_picture();
        assert_eq!(world.sent_pictures.len(), 1, "without a pause");
        world.peer.fails_pictures = None;
        world.settle();
        assert_eq!(world.anns_picture(), Some(2));
        assert!(world.owes_nothing());
    }
}

#[test]
fn a_picture_in_flight_at_a_restart_is_sent_again() {
    let mut world = World::shared(PeerKind::Causeway);
    world.set_picture(1);
    world.write(ANN, TOWN, "a post");
    while world.sent_pictures.is_empty() {
        assert!(world.deliver_next());
    }
    assert!(world.host.has::<PictureTransfer>(&ACME));
    let lost = std::mem::take(&mut world.sent_pictures);
    world.run(Input::Resume);
    world.ping(ACME);
    world.settle();
    assert_eq!(world.anns_picture(), Some(1));
    let rows = world.host.tables.clone();
    world.receipt(ACME, lost[0].attempt, SendOutcome::Unknown);
    assert_eq!(world.host.tables, rows, "its outcome comes too late");
}

#[test]
fn a_peer_with_which_no_channel_is_shared_any_more_gets_no_picture() {
    let mut world = World::with_picture(PeerKind::Causeway);
    world.by(ADMIN, uninvite(TOWN, ACME)).unwrap();
    world.settle();
    world.set_picture(2);
    world.settle();
    assert_eq!(world.peer.pictures_come, 1);

    let mut world = World::with_picture(PeerKind::Causeway);
    world.peer.fails_pictures = Some(SendOutcome::Refused(503));
    world.set_picture(2);
    pass(&mut world, 20, 1_000);
    world.by(ADMIN, uninvite(TOWN, ACME)).unwrap();
    let come = world.peer.pictures_come;
    pass(&mut world, 20, FILE_RETRY_MAX_MS);
    assert_eq!(world.peer.pictures_come, come);
    assert!(world.owes_nothing(), "what was owed is dropped");
}

#[test]
fn a_restored_peer_gets_the_pictures_again() {
    let mut world = World::shared(PeerKind::Causeway);
    world.ping_answered(ACME, incarnation(1));
    world.set_picture(1);
    let second = world.second_channel();
    for channel in [TOWN, second] {
        world.write(ANN, channel, "a post");
    }
    world.settle();
    assert_eq!(world.peer.pictures_come, 1);
    world.peer.pictures.clear();
    world.now_ms += 2 * RESEND_INTERVAL_MS;
    world.ping_answered(ACME, incarnation(2));
    world.settle();
    assert_eq!(world.anns_picture(), Some(1));
    assert!(world.owes_nothing());
}

#[test]
fn pictures_of_many_are_sent_one_after_another() {
    let mut world = World::shared(PeerKind::Mattermost2021);
    for user in [ADMIN, ANN, BOB] {
        world.by(user, set_picture(user, 7)).unwrap();
        world.write(user, TOWN, "a post");
    }
    world.by(EVE, set_picture(EVE, 7)).unwrap();
    world.settle();
    assert_eq!(world.peer.pictures.len(), 3);
    assert!(world.owes_nothing());
    world.by(ADMIN, remove_connection(ACME)).unwrap();
    world.run_due();
    assert_eq!(world.host.tables.count(Table::SentPictures), 0);
}

#[test]
fn a_picture_stays_as_long_as_the_profile_that_it_belongs_to() {
    for fails in [false, true] {
        let mut world = World::with_picture(PeerKind::Causeway);
        world.load_policy(&[Gate::Profile], move |_| match fails {
            true => Verdict::Failed("trapped".into()),
            false => Verdict::Deny(Denial::for_reason("no")),
        });
        world.set_picture(2);
        world.write(BOB, TOWN, "meanwhile");
        for _ in 0..100 {
            if !world.deliver_next() {
                world.now_ms += 2_000;
                world.run(Input::Timer);
                world.ping(ACME);
            }
        }
        assert_eq!(world.peer.pictures_come, 1);
        world.unload_policy();
        world.settle();
        assert_eq!(world.anns_picture(), Some(2));
        assert!(world.exceptions().is_empty());
    }
}

#[test]
fn a_newer_picture_does_not_go_in_the_place_of_one_that_failed() {
    let mut world = World::shared(PeerKind::Causeway);
    world.peer.fails_pictures = Some(SendOutcome::Refused(503));
    world.set_picture(1);
    world.write(ANN, TOWN, "known to the peer");
    while world.peer.pictures_come == 0 {
        world.deliver_next();
    }
    world.load_policy(&[Gate::Profile], |question| match question {
        Question::Profile(profile) if profile.person.name == "ann" => {
            Verdict::Deny(Denial::for_reason("no"))
        }
        _ => Verdict::Allow,
    });
    // A message is on its way, so the changed profile has not been judged yet.
    world.write(BOB, TOWN, "on its way");
    world.set_picture(2);
    assert!(world.exceptions().is_empty());
    world.peer.fails_pictures = None;
    world.now_ms += FILE_RETRY_MAX_MS;
    world.ping(ACME);
    while world.deliver_picture() {}
    assert_eq!(world.anns_picture(), None);
    world.settle();
    assert_eq!(world.exceptions(), [ExceptionState::Denied]);
    assert_eq!(world.anns_picture(), None);
    world.unload_policy();
    world.settle();
    assert_eq!(world.anns_picture(), Some(2));
}
