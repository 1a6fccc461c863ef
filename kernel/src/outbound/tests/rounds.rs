//! Rounds and the rows that they advance.

use super::super::work::Target;
use super::*;
use crate::model::{FeedObject, LinkEnd, Round, RoundSource, Section};
use crate::rows::id::FeedSeq;
use crate::sharing;
use crate::wire::response::{NO_LONGER_SHARED, UNKNOWN_CHANNEL};

impl World {
    /// Puts a round out that belongs to no channel; returns its attempt.
    fn workspace_round_is_out(&mut self, to: FeedSeq) -> u64 {
        self.step(|tx| {
            let connection = tx.get::<Connection>(&ACME).unwrap();
            let source = RoundSource::People { to };
            let objects = vec![(to, FeedObject::User(ANN))];
            let mut work = Work::start(ACME, connection, Target::Workspace, source, objects);
            work.change_connection(tx, |connection| connection.attempt += 1);
            let attempt = work.connection().attempt;
            work.round.attempt = Some(attempt);
            work.store(tx);
            attempt
        })
    }
}

#[test]
fn a_round_of_the_workspace_needs_no_link_and_touches_none() {
    for answer in [NO_LONGER_SHARED, UNKNOWN_CHANNEL, "broken"] {
        let mut world = World::shared(PeerKind::Causeway);
        let link = world.get::<Link>(&(TOWN, ACME));
        let to = FeedSeq(1_000);
        let attempt = world.workspace_round_is_out(to);
        assert!(world.get::<Round>(&ACME).is_of_workspace());
        // The outcome is unknown, so the round is repeated; it has nothing to send, so its position
        // advances.
        world.receipt(ACME, attempt, SendOutcome::Unknown);
        assert!(world.host.get::<Round>(&ACME).is_some());
        world.now_ms += 60_000;
        world.ping(ACME);
        assert_eq!(world.host.get::<Round>(&ACME), None);
        assert_eq!(world.get::<Connection>(&ACME).people_cursor, to);
        // No answer to it is taken for one about a channel.
        let attempt = world.workspace_round_is_out(FeedSeq(1_001));
        world.receipt(ACME, attempt, SendOutcome::Answered(encode_fail(answer)));
        assert_eq!(world.host.get::<Round>(&ACME), None);
        assert_eq!(world.host.get::<Link>(&(TOWN, ACME)), Some(link));
        // Channels are still sent.
        world.write(ANN, TOWN, "one");
        world.settle();
        world.expect_same();
    }
}

#[test]
fn what_ends_a_link_is_not_overwritten_by_the_round_in_hand() {
    let mut world = World::shared(PeerKind::Causeway);
    world.write(ANN, TOWN, "one");
    world.step(|tx| {
        let connection = tx.get::<Connection>(&ACME).unwrap();
        let mut work = Work::load(tx, ACME, connection).unwrap();
        sharing::end_link(tx, TOWN, ACME, LinkEnd::Here);
        work.change_link(tx, |link| link.failures = 7);
        work.store(tx);
    });
    let link = world.get::<Link>(&(TOWN, ACME));
    assert_eq!((link.state, link.failures), (LinkState::Ended, 7));
}

#[test]
fn the_sections_of_a_round_follow_each_other_as_receivers_need_them() {
    let mut order = vec![Section::Users];
    while let Some(next) = sections::after(order[order.len() - 1]) {
        order.push(next);
    }
    // Profiles come before memberships and what their users wrote, posts before what belongs to them.
    let expected = [
        Section::Users,
        Section::Memberships,
        Section::Posts,
        Section::Acknowledgements,
        Section::Reactions,
        Section::Statuses,
    ];
    assert_eq!(order, expected);
    assert_eq!(sections::after(Section::Invite), None);
}
