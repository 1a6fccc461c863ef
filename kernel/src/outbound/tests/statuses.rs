//! Statuses of members of shared channels.

use super::*;
use crate::boundary::input::Actor;
use crate::model::limits::STATUSES_PER_SYNC_MAX;
use crate::model::{
    Availability, ChannelKind, ChannelMember, LocalStatus, Scope, SentUser, Status, User,
};
use crate::objects::members;
use crate::rows::fixture;
use crate::rows::id::{FeedSeq, UserNo};
use crate::sharing::feed;
use crate::testing::BOB;
use crate::testing::acts::configure_sharing;

fn of(user: UserNo, availability: Availability) -> LocalStatus {
    let status = Status {
        availability,
        ..Status::UNKNOWN
    };
    LocalStatus { user, status }
}

impl World {
    fn give(&mut self, changes: &[(UserNo, Availability)]) {
        let changes = changes.iter().map(|(user, now)| of(*user, *now));
        self.run(Input::Statuses(changes.collect()));
    }

    /// The word that the peer shows for a user.
    fn told(&self, user: UserNo) -> Option<&str> {
        let id = self.get::<User>(&user).id;
        self.peer.statuses.get(id.as_str()).map(String::as_str)
    }

    fn switch_statuses(&mut self, statuses: bool) {
        let command = configure_sharing(|settings| settings.statuses = statuses);
        self.output(Actor::System, None, command);
    }
}

/// The peer holds the profiles of ann and bob.
fn world_of_two(kind: PeerKind) -> World {
    let mut world = World::shared(kind);
    world.write(ANN, TOWN, "hello");
    world.write(BOB, TOWN, "hello");
    world.settle();
    world
}

#[test]
fn a_peer_is_told_the_newest_one_of_each_user_in_one_message() {
    for kind in [PeerKind::Causeway, PeerKind::Mattermost11] {
        let mut world = world_of_two(kind);
        world.give(&[(ANN, Availability::Online), (BOB, Availability::Dnd)]);
        assert_eq!(world.out.len(), 1);
        // Meanwhile only the newest one counts.
        for now in [Availability::Away, Availability::Online, Availability::Ooo] {
            world.give(&[(ANN, now)]);
        }
        world.deliver_next();
        assert_eq!(
            (world.told(ANN), world.told(BOB)),
            (Some("online"), Some("dnd"))
        );
        world.deliver_next();
        assert_eq!(world.told(ANN), Some("ooo"));
        assert!(world.out.is_empty());
    }
}

#[test]
fn the_version_goes_to_causeways_only() {
    for (kind, is_given) in [(PeerKind::Causeway, true), (PeerKind::Mattermost11, false)] {
        let mut world = world_of_two(kind);
        world.give(&[(ANN, Availability::Online)]);
        let frame = String::from_utf8(world.out[0].1.clone()).unwrap();
        assert_eq!(frame.contains("\"update_at\""), is_given, "{frame}");
    }
}

#[test]
fn a_server_of_2021_is_told_none() {
    let mut world = world_of_two(PeerKind::Mattermost2021);
    world.give(&[(ANN, Availability::Online)]);
    assert!(world.out.is_empty());
    let channel = world.create_channel(ANN, "more", ChannelKind::Public);
    world.by(ADMIN, invite(channel, ACME)).unwrap();
    world.settle();
    world.write(ANN, channel, "hello");
    world.settle();
    assert!(world.peer.statuses.is_empty());
}

#[test]
fn an_unchanged_one_is_not_sent_and_those_of_peers_are_not_given() {
    let mut world = world_of_two(PeerKind::Causeway);
    world.give(&[(ANN, Availability::Offline)]);
    assert!(
        world.out.is_empty(),
        "nothing is known of her: she is offline"
    );
    world.give(&[(ANN, Availability::Online)]);
    world.settle();
    let before = world.host.tables.clone();
    world.give(&[
        (ANN, Availability::Online),
        (UserNo(999), Availability::Away),
    ]);
    assert!(world.out.is_empty());
    assert_eq!(world.host.tables, before);
}

#[test]
fn it_follows_the_first_profile_of_its_user() {
    let mut world = World::shared(PeerKind::Causeway);
    world.give(&[(ANN, Availability::Away)]);
    world.settle();
    assert_eq!(world.told(ANN), None, "the peer does not know her");
    world.write(ANN, TOWN, "hello");
    world.settle();
    assert_eq!(world.told(ANN), Some("away"));
}

#[test]
fn it_follows_the_profile_even_if_the_round_is_cut() {
    let mut world = World::shared(PeerKind::Causeway);
    world.give(&[(ANN, Availability::Away)]);
    world.write(BOB, TOWN, "is out");
    let props = format!(r#"{{"big":"{}"}}"#, "x".repeat(PROPS_BYTES_MAX - 100));
    for _ in 0..40 {
        let post = post_with(TOWN, None, "big", |post| post.props.clone_from(&props));
        world.by(ANN, post).unwrap();
    }
    world.settle();
    world.expect_same();
    assert_eq!(world.told(ANN), Some("away"));
}

#[test]
fn after_an_outage_the_current_ones_are_sent() {
    let mut world = world_of_two(PeerKind::Causeway);
    world.give(&[(ANN, Availability::Online)]);
    let (attempt, _) = world.out.remove(0);
    world.receipt(ACME, attempt, SendOutcome::NeverLeft);
    for now in [Availability::Away, Availability::Offline] {
        world.give(&[(ANN, now), (BOB, now)]);
    }
    world.peer.messages = 0;
    world.ping(ACME);
    world.settle();
    assert_eq!(
        (world.told(ANN), world.told(BOB)),
        (Some("offline"), Some("offline"))
    );
    assert!(world.peer.messages <= 2, "{}", world.peer.messages);
}

#[test]
fn of_a_user_who_is_no_longer_a_member_nothing_is_told() {
    let mut world = world_of_two(PeerKind::Causeway);
    world.step(|tx| tx.delete::<ChannelMember>(&(TOWN, ANN)));
    world.give(&[(ANN, Availability::Online), (BOB, Availability::Online)]);
    world.settle();
    assert_eq!((world.told(ANN), world.told(BOB)), (None, Some("online")));
    // Once she is back, her status is told as well.
    world.step(|tx| members::join_channel(tx, TOWN, ANN, false));
    world.ping(ACME);
    world.settle();
    assert_eq!(world.told(ANN), Some("online"));
}

#[test]
fn switched_off_none_are_sent_and_switched_on_all_of_them() {
    let mut world = World::shared(PeerKind::Causeway);
    world.switch_statuses(false);
    world.write(BOB, TOWN, "hello");
    world.settle();
    world.give(&[(ANN, Availability::Away), (BOB, Availability::Away)]);
    world.write(ANN, TOWN, "hello");
    world.settle();
    assert!(world.peer.statuses.is_empty());
    world.switch_statuses(true);
    world.settle();
    assert_eq!(
        (world.told(ANN), world.told(BOB)),
        (Some("away"), Some("away"))
    );
}

#[test]
fn a_refused_one_blocks_nothing() {
    for answer in [encode_fail("no statuses here"), encode_ok(None)] {
        let mut world = world_of_two(PeerKind::Mattermost11);
        world.give(&[(ANN, Availability::Away)]);
        world.answer_next(answer);
        assert_eq!(world.exceptions(), [ExceptionState::Refused(1)]);
        world.write(ANN, TOWN, "still here");
        assert_eq!(world.out.len(), 1, "nothing pauses");
        world.give(&[(ANN, Availability::Online)]);
        world.settle();
        world.expect_same();
        assert_eq!(world.told(ANN), Some("online"));
        assert!(world.exceptions().is_empty());
    }
}

#[test]
fn what_the_peer_could_not_take_is_sent_again() {
    let mut world = world_of_two(PeerKind::Causeway);
    world.give(&[(ANN, Availability::Away), (BOB, Availability::Away)]);
    let response = SyncResponse {
        status_errors: vec![world.get::<User>(&ANN).id.to_string()],
        ..SyncResponse::default()
    };
    world.answer_next(encode_ok(Some(&response)));
    assert_eq!(world.exceptions(), [ExceptionState::Refused(1)]);
    world.settle();
    assert_eq!((world.told(ANN), world.told(BOB)), (Some("away"), None));
    assert!(world.exceptions().is_empty());
}

#[test]
fn neither_a_busy_channel_nor_busy_people_keep_the_other_waiting() {
    let mut world = world_of_two(PeerKind::Causeway);
    world.write(BOB, TOWN, "is out");
    world.give(&[(ANN, Availability::Away)]);
    world.write(BOB, TOWN, "waits");
    world.deliver_next();
    world.write(BOB, TOWN, "waits too");
    world.deliver_next();
    world.write(BOB, TOWN, "and this");
    world.deliver_next();
    assert_eq!(world.told(ANN), Some("away"));
    // The other way round.
    world.settle();
    world.give(&[(ANN, Availability::Dnd)]);
    world.write(BOB, TOWN, "at last");
    world.give(&[(BOB, Availability::Dnd)]);
    world.deliver_next();
    world.give(&[(ANN, Availability::Online)]);
    world.deliver_next();
    world.give(&[(ANN, Availability::Offline)]);
    world.deliver_next();
    world.expect_same();
}

#[test]
fn thousands_go_in_few_messages() {
    let mut world = World::shared(PeerKind::Causeway);
    let link = world.get::<Link>(&(TOWN, ACME));
    let first = 100;
    let people = 1_000;
    world.step(|tx| {
        for number in first..first + people {
            let name = format!("user{number}");
            fixture::put_user(tx, number, &fixture::user(number, &name));
            fixture::join_channel(tx, TOWN.0, number, 0);
            let sent = SentUser {
                update_at: 1,
                epoch: link.epoch,
            };
            tx.put(&(ACME, UserNo(number), TOWN), &sent);
        }
    });
    for number in first..first + people {
        let id = world.get::<User>(&UserNo(number)).id;
        world.peer.users.insert(id.to_string());
    }
    let all: Vec<_> = (first..first + people)
        .map(|number| (UserNo(number), Availability::Online))
        .collect();
    world.give(&all);
    world.peer.messages = 0;
    world.settle();
    assert_eq!(world.peer.statuses.len() as u64, people);
    assert_eq!(
        world.peer.messages as u64,
        people / u64::from(STATUSES_PER_SYNC_MAX)
    );
    // A newer entry replaces the older one.
    world.give(
        &all.iter()
            .map(|(no, _)| (*no, Availability::Away))
            .collect::<Vec<_>>(),
    );
    world.settle();
    let entries = feed::entries_after(&world.host, Scope::STATUSES, FeedSeq(0), 5_000);
    assert_eq!(entries.len() as u64, people);
}

#[test]
fn all_are_sent_again_once_they_are_switched_on_even_if_one_is_on_its_way() {
    let mut world = world_of_two(PeerKind::Causeway);
    world.give(&[(ANN, Availability::Online)]);
    world.settle();
    world.give(&[(BOB, Availability::Dnd)]);
    world.switch_statuses(false);
    world.switch_statuses(true);
    world.peer.statuses.clear();
    world.settle();
    assert_eq!(
        (world.told(ANN), world.told(BOB)),
        (Some("online"), Some("dnd"))
    );
}
