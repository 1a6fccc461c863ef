//! Rounds and the rows that they move on.

use super::super::work::Target;
use super::*;
use crate::boundary::env::StepContext;
use crate::model::{FeedObject, LinkEnd, Round, RoundSource, Section};
use crate::rows::id::FeedSeq;
use crate::sharing;
use crate::wire::response::{NO_LONGER_SHARED, UNKNOWN_CHANNEL};

impl World {
    /// Does something in a step of its own.
    fn in_a_step<T>(&mut self, act: impl FnOnce(&mut Tx<'_>) -> T) -> T {
        let context = StepContext {
            now_ms: self.now_ms,
            seed: [5; 16],
        };
        let mut tx = Tx::new(&self.host, context);
        let result = act(&mut tx);
        let (writes, _) = tx.finish();
        self.host.apply(&writes);
        result
    }

    /// A round that belongs to no channel is out; returns its attempt.
    fn workspace_round_is_out(&mut self, to: FeedSeq) -> u64 {
        self.in_a_step(|tx| {
            let connection = tx.get::<Connection>(&LINK).unwrap();
            let source = RoundSource::People { to };
            let objects = vec![(to, FeedObject::User(ANN))];
            let mut work = Work::start(LINK, connection, Target::Workspace, source, objects);
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
        let link = world.host.get::<Link>(&(TOWN, LINK)).unwrap();
        let to = FeedSeq(1_000);
        let attempt = world.workspace_round_is_out(to);
        assert!(world.host.get::<Round>(&LINK).unwrap().is_of_workspace());
        // Not known how it fared: it goes again, and as it has nothing to send its position moves.
        world.receipt(attempt, SendOutcome::Unknown);
        assert!(world.host.get::<Round>(&LINK).is_some());
        world.now_ms += 60_000;
        world.ping();
        assert_eq!(world.host.get::<Round>(&LINK), None);
        assert_eq!(
            world.host.get::<Connection>(&LINK).unwrap().people_cursor,
            to
        );
        // No answer to it says anything of a channel.
        let attempt = world.workspace_round_is_out(FeedSeq(1_001));
        world.receipt(attempt, SendOutcome::Answered(encode_fail(answer)));
        assert_eq!(world.host.get::<Round>(&LINK), None);
        assert_eq!(world.host.get::<Link>(&(TOWN, LINK)), Some(link));
        // Channels go on.
        world.write(None, "one");
        world.settle();
        world.expect_same();
    }
}

#[test]
fn what_ends_a_link_is_not_overwritten_by_the_round_in_hand() {
    let mut world = World::shared(PeerKind::Causeway);
    world.write(None, "one");
    world.in_a_step(|tx| {
        let connection = tx.get::<Connection>(&LINK).unwrap();
        let mut work = Work::load(tx, LINK, connection).unwrap();
        sharing::end_link(tx, TOWN, LINK, LinkEnd::Here);
        work.change_link(tx, |link| link.failures = 7);
        work.store(tx);
    });
    let link = world.host.get::<Link>(&(TOWN, LINK)).unwrap();
    assert_eq!((link.state, link.failures), (LinkState::Ended, 7));
}

#[test]
fn the_sections_of_a_round_follow_each_other_as_receivers_need_them() {
    let mut order = vec![Section::Users];
    while let Some(next) = sections::after(order[order.len() - 1]) {
        order.push(next);
    }
    // Profiles come before what their users wrote, posts before what belongs to them.
    let parts = [Section::Acknowledgements, Section::Reactions];
    assert_eq!(order, [[Section::Users, Section::Posts], parts].concat());
    assert_eq!(sections::after(Section::Invite), None);
}
