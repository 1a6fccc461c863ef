//! How much of a channel's history a peer gets with an invitation.

use super::*;
use crate::boundary::input::Actor;
use crate::model::{Config, History, SentOldPost};
use crate::rows::id::PostNo;
use crate::rows::table::Table;
use crate::testing::BOB;
use crate::testing::acts::{configure, invite_with};

impl World {
    /// A workspace in which ann wrote `first`, `second` and `third`, a minute apart, and bob replied to the first one
    /// at last; with those posts.
    fn with_history(backfill: bool) -> (World, [PostNo; 4]) {
        let mut world = World::connected(PeerKind::Causeway);
        let config = Config {
            backfill,
            ..Config::default()
        };
        world.output(
            Actor::System,
            None,
            configure("http://here.example", config),
        );
        let posts = ["first", "second", "third"].map(|text| {
            world.now_ms += 60_000;
            world.write(ANN, TOWN, text)
        });
        world.now_ms += 60_000;
        let [first, second, third] = posts;
        let reply = world.reply(BOB, first, "a reply to the first");
        world.now_ms += 60_000;
        (world, [first, second, third, reply])
    }

    fn invite_with(&mut self, history: History) {
        self.by(ADMIN, invite_with(TOWN, ACME, history)).unwrap();
        self.ping(ACME);
        self.settle();
    }

    /// Which of the posts the peer has.
    fn has(&self, posts: &[PostNo]) -> Vec<bool> {
        let has = |no: &PostNo| {
            let id = self.get::<Post>(no).id;
            self.peer.posts.contains_key(id.as_str())
        };
        posts.iter().map(has).collect()
    }
}

#[test]
fn an_invitation_decides_against_what_is_configured() {
    for (backfill, history, expected) in [
        (false, History::Configured, false),
        (true, History::Configured, true),
        (false, History::Everything, true),
        (true, History::Nothing, false),
    ] {
        let (mut world, posts) = World::with_history(backfill);
        world.invite_with(history);
        assert_eq!(world.has(&posts), [expected; 4], "{backfill} {history:?}");
        let new = world.write(ANN, TOWN, "new");
        world.settle();
        assert_eq!(world.has(&[new]), [true]);
    }
}

#[test]
fn posts_from_a_time_on_are_sent_and_the_roots_of_their_replies() {
    let (mut world, posts) = World::with_history(false);
    let since = world.get::<Post>(&posts[2]).create_at;
    world.invite_with(History::Since(since));
    assert_eq!(world.has(&posts), [true, false, true, true]);
    assert!(world.exceptions().is_empty());
    // The root was sent along, and is not part of the history.
    assert_eq!(world.host.tables.count(Table::SentOldPosts), 1);
    assert!(world.host.has::<SentOldPost>(&(ACME, posts[0])));
    let messages = world.peer.messages;
    world.by(ANN, react(posts[0], "tada")).unwrap();
    world.settle();
    assert!(world.peer.messages > messages);
    assert_eq!(world.peer.reactions.len(), 1);
    // A reply to what the peer does not have brings that, too.
    world.reply(BOB, posts[1], "a reply to the second");
    world.settle();
    assert_eq!(world.has(&posts), [true; 4]);
}

#[test]
fn a_restored_peer_gets_the_same_history_again() {
    let (mut world, posts) = World::with_history(true);
    world.ping_answered(ACME, incarnation(1));
    let since = world.get::<Post>(&posts[3]).create_at;
    world.invite_with(History::Since(since + 1));
    assert_eq!(world.has(&posts), [false; 4]);
    world
        .by(ADMIN, crate::testing::acts::uninvite(TOWN, ACME))
        .unwrap();
    world.settle();
    world.invite_with(History::Since(since));
    assert_eq!(world.has(&posts), [true, false, false, true]);
    world.peer.posts.clear();
    world.now_ms += 2 * RESEND_INTERVAL_MS;
    world.ping_answered(ACME, incarnation(2));
    world.settle();
    assert_eq!(world.has(&posts), [true, false, false, true]);
}
