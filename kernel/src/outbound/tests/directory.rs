//! People who are offered to a peer without a channel.

use super::*;
use crate::boundary::input::Actor;
use crate::boundary::output::Object;
use crate::command::{Command, SetActive, UserPatch};
use crate::model::limits::{OFFER_INCOMPLETE_MS, OFFER_REFUSED_MS, OFFERED_LOOKED_AT_MAX};
use crate::model::{Offer, User};
use crate::objects::users;
use crate::rows::fixture;
use crate::rows::id::UserNo;
use crate::sharing::directory;
use crate::testing::acts::{account, attach_connection, patch_user, remove_connection};
use crate::testing::{BOB, EVE};
use crate::wire::frame;
use crate::wire::json::Document;
use crate::wire::message::SyncMessage;

/// The users in each message without a channel among these frames.
fn offered(frames: &[Vec<u8>]) -> Vec<Vec<String>> {
    let read = |bytes: &Vec<u8>| {
        let document = Document::parse(bytes).unwrap();
        let message = document.root().get("msg").unwrap();
        let is_global = message.text("topic").unwrap() == frame::TOPIC_GLOBAL_USERS;
        is_global.then(|| {
            let message = SyncMessage::decode(message.get("payload").unwrap()).unwrap();
            assert_eq!(message.channel_id, "");
            let users = message.users.into_iter();
            users.map(|(_, user)| user.unwrap().username).collect()
        })
    };
    frames.iter().filter_map(read).collect()
}

impl World {
    /// Everybody is offered from now on, this many in a message.
    fn offer_all(&mut self, per_sync_max: u32) {
        let settings = configure_sharing(|settings| {
            settings.all_users = true;
            settings.users_per_sync_max = per_sync_max;
        });
        self.output(Actor::System, None, settings);
    }

    fn accounts(&mut self, number: usize) -> Vec<UserNo> {
        let make = |world: &mut World, n: usize| {
            let made = world.act(Actor::System, account(&format!("user{n:04}")));
            match made {
                Ok(Object::User(user)) => user,
                other => panic!("{other:?}"),
            }
        };
        (0..number).map(|n| make(self, n)).collect()
    }

    /// Delivers everything; the users in each message without a channel.
    fn deliver_offers(&mut self) -> Vec<Vec<String>> {
        let mut frames = Vec::new();
        for _ in 0..1_000 {
            frames.extend(self.out.first().map(|(_, frame)| frame.clone()));
            if !self.deliver_next() {
                self.run_due();
                if self.out.is_empty() {
                    return offered(&frames);
                }
            }
        }
        panic!("never idle");
    }

    fn nickname(&mut self, user: UserNo, nickname: &str) {
        let patch = UserPatch {
            nickname: Some(nickname.into()),
            ..UserPatch::default()
        };
        self.by(ADMIN, patch_user(user, patch)).unwrap();
    }
}

fn sizes(messages: &[Vec<String>]) -> Vec<usize> {
    messages.iter().map(Vec::len).collect()
}

#[test]
fn nobody_is_offered_while_that_is_off() {
    let mut world = World::connected(PeerKind::Causeway);
    world.ping(ACME);
    world.accounts(3);
    assert!(world.deliver_offers().is_empty());
}

#[test]
fn everybody_is_offered_once_in_batches_and_then_only_changes() {
    for kind in [PeerKind::Causeway, PeerKind::Mattermost11] {
        let mut world = World::connected(kind);
        let users = world.accounts(70);
        world.offer_all(25);
        world.ping(ACME);
        let messages = world.deliver_offers();
        // admin, ann, bob and eve, and the seventy.
        assert_eq!(sizes(&messages), [25, 25, 24]);
        let mut names: Vec<String> = messages.concat();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 74);
        for _ in 0..3 {
            world.now_ms += 10 * 60_000;
            world.ping(ACME);
            assert!(world.deliver_offers().is_empty());
        }
        world.nickname(users[7], "Sevens");
        let new = world.act(Actor::System, account("newcomer"));
        assert!(new.is_ok());
        let messages = world.deliver_offers().concat();
        assert_eq!(messages, ["user0007", "newcomer"]);
    }
}

#[test]
fn users_of_one_millisecond_are_all_offered() {
    let mut world = World::connected(PeerKind::Causeway);
    world.accounts(6);
    let all = world.host.prefix::<User, ()>(&(), 100);
    for (no, _) in &all {
        world.alter::<User>(no, |user| user.update_at = 5);
    }
    world.offer_all(2);
    world.ping(ACME);
    assert_eq!(sizes(&world.deliver_offers()), [2, 2, 2, 2, 2]);
}

#[test]
fn neither_users_of_others_nor_deactivated_ones_are_offered() {
    let mut world = World::connected(PeerKind::Causeway);
    let users = world.accounts(2);
    world.alter::<User>(&users[0], |user| user.delete_at = 1);
    let workspace = world.get::<Connection>(&ACME).workspace;
    let visitor = User {
        origin: workspace,
        ..fixture::user(90, "vera:acme")
    };
    let visitor = world.step(|tx| users::insert(tx, &visitor));
    world.offer_all(25);
    world.ping(ACME);
    let names = world.deliver_offers().concat();
    assert_eq!(names, ["admin", "ann", "bob", "eve", "user0001"]);
    world.step(|tx| {
        let user = tx.get::<User>(&visitor).unwrap();
        users::update(tx, visitor, user);
    });
    world.ping(ACME);
    assert!(world.deliver_offers().is_empty());
}

#[test]
fn what_was_lost_on_the_way_is_offered_again_and_a_start_continues() {
    let mut world = World::connected(PeerKind::Causeway);
    world.accounts(10);
    world.offer_all(5);
    world.ping(ACME);
    world.deliver_next();
    let (attempt, _) = world.out.remove(0);
    world.receipt(ACME, attempt, SendOutcome::Unknown);
    world.out.clear();
    world.run(Input::Resume);
    world.now_ms += 60_000;
    world.ping(ACME);
    let messages = world.deliver_offers();
    assert_eq!(sizes(&messages), [5, 4]);
}

#[test]
fn a_peer_that_takes_nobody_is_asked_again_later() {
    let mut world = World::connected(PeerKind::Mattermost11);
    world.offer_all(25);
    world.ping(ACME);
    world.answer_next(encode_ok(None));
    assert!(world.deliver_offers().is_empty());
    world.now_ms += OFFER_REFUSED_MS;
    world.ping(ACME);
    world.run_due();
    world.answer_next(encode_ok(None));
    assert!(world.deliver_offers().is_empty());
    // It offers people itself.
    world.step(|tx| directory::heard(tx, ACME));
    world.ping(ACME);
    assert_eq!(sizes(&world.deliver_offers()), [4]);
}

#[test]
fn who_was_not_taken_is_offered_again_and_nobody_else() {
    let mut world = World::connected(PeerKind::Causeway);
    world.offer_all(25);
    world.ping(ACME);
    let all = world.host.prefix::<User, ()>(&(), 100);
    let ids = all.iter().map(|(_, user)| user.id.to_string());
    let response = SyncResponse {
        users_syncd: ids.skip(1).collect(),
        ..SyncResponse::default()
    };
    world.answer_next(encode_ok(Some(&response)));
    assert!(world.deliver_offers().is_empty());
    world.now_ms += OFFER_REFUSED_MS;
    world.ping(ACME);
    world.run_due();
    assert_eq!(world.deliver_offers().concat(), ["admin"]);
    assert_eq!(world.get::<Offer>(&ACME).incomplete, 1);
}

#[test]
fn who_was_not_taken_is_not_passed_over_by_a_round_that_is_in_flight_meanwhile() {
    let mut world = World::connected(PeerKind::Causeway);
    world.offer_all(1);
    world.ping(ACME);
    // The admin is not taken; ann is on the way when the admin's turn comes again.
    world.answer_next(encode_ok(Some(&SyncResponse::default())));
    world.now_ms += OFFER_INCOMPLETE_MS;
    world.run_due();
    world.deliver_next();
    assert_eq!(world.deliver_offers().concat(), ["admin", "bob", "eve"]);
}

#[test]
fn a_restored_peer_is_offered_everybody_again() {
    let mut world = World::connected(PeerKind::Causeway);
    world.offer_all(25);
    let id = |number| Incarnation {
        id: Id::from_uuid_bytes([9; 16]),
        number,
    };
    world.ping_answered(ACME, Some(id(1)));
    assert_eq!(sizes(&world.deliver_offers()), [4]);
    world.now_ms += 2 * RESEND_INTERVAL_MS;
    world.ping_answered(ACME, Some(id(2)));
    assert_eq!(sizes(&world.deliver_offers()), [4]);
}

#[test]
fn who_is_lost_while_everything_is_about_to_be_sent_again_is_offered_then() {
    let mut world = World::connected(PeerKind::Causeway);
    world.offer_all(25);
    world.ping_answered(ACME, incarnation(1));
    world.deliver_offers();
    // The first restore is answered at once, the second one later, and the third one together with it.
    for number in 2..5 {
        world.now_ms += RESEND_INTERVAL_MS / 10;
        world.ping_answered(ACME, incarnation(number));
        world.deliver_offers();
    }
    world.now_ms += RESEND_INTERVAL_MS;
    world.ping_answered(ACME, incarnation(4));
    assert_eq!(sizes(&world.deliver_offers()), [4]);
}

#[test]
fn who_is_deactivated_is_offered_once_more_to_those_who_know_them() {
    let mut world = World::connected(PeerKind::Causeway);
    world.alter::<User>(&BOB, |user| user.delete_at = 1);
    world.offer_all(25);
    world.ping(ACME);
    assert_eq!(world.deliver_offers().concat(), ["admin", "ann", "eve"]);
    world.by(ADMIN, leave(ANN)).unwrap();
    assert_eq!(world.deliver_offers().concat(), ["ann"]);
    assert!(world.deliver_offers().is_empty());
}

/// Deactivates somebody, as an administrator.
fn leave(user: UserNo) -> Command {
    let is_active = false;
    Command::SetActive(SetActive { user, is_active })
}

#[test]
fn who_is_deactivated_while_everything_is_sent_again_is_offered_to_those_who_knew_them() {
    let mut world = World::connected(PeerKind::Causeway);
    world.offer_all(25);
    world.ping(ACME);
    assert_eq!(sizes(&world.deliver_offers()), [4]);
    world.step(|tx| directory::start_over(tx, ACME));
    world.by(ADMIN, leave(ANN)).unwrap();
    let offered = world.deliver_offers().concat();
    assert_eq!(offered, ["admin", "ann", "bob", "eve"]);
    assert!(world.deliver_offers().is_empty());
}

#[test]
fn who_was_deactivated_between_two_connections_to_a_workspace_is_offered_over_the_second_one() {
    let mut world = World::connected(PeerKind::Causeway);
    world.offer_all(25);
    world.ping(ACME);
    assert_eq!(sizes(&world.deliver_offers()), [4]);
    world.by(ADMIN, remove_connection(ACME)).unwrap();
    world.now_ms += 1_000;
    world.by(ADMIN, leave(ANN)).unwrap();
    world.now_ms += 1_000;
    let later = world.connect("acme", PeerKind::Causeway);
    let due = |world: &mut World| {
        world.step(|tx| {
            let at = directory::position(tx, later);
            let (users, to) = directory::next(tx, later, at, 25);
            directory::advance(tx, later, (to.users_to, to.seq, to.epoch));
            users.into_iter().map(|(_, user)| user).collect::<Vec<_>>()
        })
    };
    // Nobody knows yet that it leads to the same workspace.
    assert_eq!(due(&mut world), [ADMIN, BOB, EVE]);
    world.by(ADMIN, attach_connection(later, ACME)).unwrap();
    assert_eq!(due(&mut world), [ADMIN, ANN, BOB, EVE]);
}

#[test]
fn who_was_deactivated_before_the_connection_or_is_unknown_to_a_mattermost_is_not_offered() {
    for (kind, delete_at) in [(PeerKind::Causeway, 1), (PeerKind::Mattermost11, 0)] {
        let mut world = World::connected(kind);
        match delete_at {
            0 => drop(world.by(ADMIN, leave(ANN)).unwrap()),
            _ => world.alter::<User>(&ANN, |user| user.delete_at = delete_at),
        }
        world.offer_all(25);
        world.ping(ACME);
        assert_eq!(world.deliver_offers().concat(), ["admin", "bob", "eve"]);
    }
}

#[test]
fn offers_are_made_when_they_are_switched_on_and_no_longer_when_off() {
    let mut world = World::connected(PeerKind::Causeway);
    world.ping(ACME);
    world.offer_all(25);
    assert_eq!(sizes(&world.deliver_offers()), [4]);
    world.output(Actor::System, None, configure_sharing(|_| ()));
    world.accounts(2);
    assert!(world.deliver_offers().is_empty());
    world.offer_all(25);
    assert_eq!(sizes(&world.deliver_offers()), [2]);
}

#[test]
fn a_step_looks_through_a_limited_number_of_users() {
    let mut world = World::connected(PeerKind::Causeway);
    let number = OFFERED_LOOKED_AT_MAX as usize * 20;
    let workspace = world.get::<Connection>(&ACME).workspace;
    for n in 0..number {
        let visitor = User {
            origin: workspace,
            ..fixture::user(1_000 + n as u64, &format!("v{n}:acme"))
        };
        world.step(|tx| users::insert(tx, &visitor));
    }
    world.accounts(1);
    world.offer_all(25);
    world.ping(ACME);
    let mut names = world.deliver_offers().concat();
    assert_eq!(names.pop().as_deref(), Some("user0000"));
}

#[test]
fn a_server_of_2021_is_offered_nobody() {
    let mut world = World::connected(PeerKind::Mattermost2021);
    world.offer_all(25);
    world.ping(ACME);
    assert!(world.deliver_offers().is_empty());
}

#[test]
fn long_profiles_are_divided_among_messages() {
    let mut world = World::connected(PeerKind::Causeway);
    let users = world.accounts(196);
    for user in &users {
        world.alter::<User>(user, |user| {
            user.props = format!("{{\"about\":\"{}\"}}", "x".repeat(7_900));
        });
    }
    world.offer_all(200);
    world.ping(ACME);
    let messages = world.deliver_offers();
    assert!(messages.len() > 1, "{:?}", sizes(&messages));
    assert_eq!(messages.concat().len(), 200);
}
