//! Peers that lost a channel or users in a restore.

use super::*;
use crate::boundary::input::Actor;
use crate::boundary::output::{Object, Reply};
use crate::command::UserPatch;
use crate::model::{Channel, ChannelKind, Config};
use crate::rows::id::UserNo;
use crate::rows::table::Table;
use crate::testing::acts::{channel, configure, patch_user};
use crate::wire::response::UNKNOWN_CHANNEL;

impl World {
    /// The peer has lost the channel with everything in it, and says so in its next answer.
    fn loses_channel(&mut self) {
        self.peer.posts.clear();
        self.peer.users.clear();
        self.peer.reactions.clear();
        self.answer_next(encode_fail(&format!("{UNKNOWN_CHANNEL}: x")));
    }

    /// Lets time pass until a frame is out; its text.
    fn wait(&mut self) -> String {
        for _ in 0..100 {
            if let Some((_, frame)) = self.out.first() {
                return String::from_utf8(frame.clone()).unwrap();
            }
            self.now_ms += 1_000;
            self.run(Input::Timer);
        }
        panic!("nothing is sent");
    }
}

fn link(world: &World) -> Link {
    world.get::<Link>(&(TOWN, ACME))
}

fn told_admin(text: &str) -> (ChannelNo, UserNo, String) {
    (TOWN, ADMIN, text.to_string())
}

fn notices(world: &World) -> usize {
    let posts = world.host.prefix::<Post, ()>(&(), 10_000);
    let is_notice = |post: &Post| post.message == "This channel is no longer shared.";
    posts.iter().filter(|(_, post)| is_notice(post)).count()
}

#[test]
fn a_channel_that_the_peer_lost_is_offered_again_and_all_of_it_is_sent() {
    let mut world = World::shared(PeerKind::Causeway);
    let first = world.write(ANN, TOWN, "first");
    world.settle();
    world.by(ANN, react(first, "tada")).unwrap();
    world.settle();
    world.write(ANN, TOWN, "into the void");
    world.loses_channel();
    let lost = "`ACME` was restored to before it had this channel, and is invited again.";
    assert_eq!(world.ephemeral(), [told_admin(lost)]);
    assert_eq!(link(&world).state, LinkState::Inviting);
    assert!(world.out.is_empty(), "a pause first");
    // What is written in the meantime waits too.
    world.write(ANN, TOWN, "during the pause");
    assert!(world.out.is_empty());
    assert!(world.wait().contains("sharedchannel_invite"));
    world.settle();
    world.expect_same();
    assert_eq!((world.peer.posts.len(), world.peer.reactions.len()), (3, 1));
    let link = link(&world);
    assert_eq!((link.state, link.dead_letters), (LinkState::Active, 0));
    assert_eq!((notices(&world), world.exceptions().len()), (0, 0));
}

#[test]
fn the_history_of_a_lost_channel_is_sent_again_if_it_was_sent_before() {
    let mut world = World::connected(PeerKind::Causeway);
    let old = world.write(ANN, TOWN, "from before");
    world.by(ANN, acknowledge(old)).unwrap();
    let configure = |world: &mut World, backfill| {
        let config = Config {
            backfill,
            ..Config::default()
        };
        let command = configure("http://here.example", config);
        let configured = world.output(Actor::System, None, command);
        assert_eq!(configured.reply, Reply::Done);
    };
    configure(&mut world, true);
    world.by(ADMIN, invite(TOWN, ACME)).unwrap();
    world.ping(ACME);
    world.settle();
    let has_old = |world: &World| {
        world
            .peer
            .posts
            .values()
            .any(|(text, _)| text == "from before")
    };
    assert!(has_old(&world) && world.peer.acknowledgements().len() == 1);
    configure(&mut world, false);
    world.write(ANN, TOWN, "into the void");
    world.loses_channel();
    assert!(!has_old(&world));
    world.settle();
    assert!(has_old(&world));
}

#[test]
fn a_peer_that_loses_a_channel_again_and_again_is_asked_ever_more_rarely() {
    let mut world = World::shared(PeerKind::Causeway);
    world.write(ANN, TOWN, "one");
    let mut pauses = Vec::new();
    for _ in 0..8 {
        world.loses_channel();
        pauses.push(link(&world).retry_at - world.now_ms);
        assert!(world.wait().contains("sharedchannel_invite"));
        assert!(world.deliver_next());
    }
    assert!(pauses[7] > 8 * pauses[0], "{pauses:?}");
    world.settle();
    world.expect_same();
    assert_eq!((link(&world).failures, link(&world).dead_letters), (0, 0));
}

#[test]
fn members_hear_when_a_peer_that_lost_a_channel_does_not_take_it_back() {
    let mut world = World::shared(PeerKind::Causeway);
    world.write(ANN, TOWN, "one");
    world.loses_channel();
    world.wait();
    world.answer_next(encode_fail("a channel of that name is here"));
    let why = "Error sending channel invite for ACME: a channel of that name is here";
    assert_eq!(world.ephemeral(), [told_admin(why)]);
    assert_eq!((link(&world).state, notices(&world)), (LinkState::Ended, 1));
}

#[test]
fn what_its_home_lost_is_no_longer_shared() {
    let mut world = World::shared(PeerKind::Causeway);
    world.alter::<Link>(&(TOWN, ACME), |link| link.invited_by_us = false);
    world.write(ANN, TOWN, "one");
    world.loses_channel();
    assert_eq!((link(&world).state, notices(&world)), (LinkState::Ended, 1));
    world.settle();
    assert!(world.peer.posts.is_empty());
}

#[test]
fn what_a_mattermost_or_a_workspace_of_an_older_kernel_refuses_counts_for_its_items() {
    for kind in [
        PeerKind::Causeway,
        PeerKind::Mattermost2021,
        PeerKind::Mattermost11,
    ] {
        let mut world = World::shared(kind);
        if kind == PeerKind::Causeway {
            world.host.tables.clear(Table::Behaviours);
        }
        world.write(ANN, TOWN, "one");
        world.loses_channel();
        assert_eq!(link(&world).state, LinkState::Active);
        assert_eq!(world.exceptions(), [ExceptionState::Refused(1)]);
    }
}

#[test]
fn a_changed_profile_goes_over_another_channel_if_the_peer_has_lost_the_first() {
    for kind in [PeerKind::Mattermost2021, PeerKind::Mattermost11] {
        let mut world = World::shared(kind);
        let made = world.by(ANN, channel("ops", ChannelKind::Public));
        let Ok(Object::Channel(second)) = made else {
            panic!("{made:?}");
        };
        world.by(ADMIN, invite(second, ACME)).unwrap();
        world.ping(ACME);
        for place in [TOWN, second] {
            world.write(ANN, place, "hello");
        }
        world.settle();
        let patch = UserPatch {
            nickname: Some("Annie".into()),
            ..UserPatch::default()
        };
        world.by(ANN, patch_user(ANN, patch)).unwrap();
        for place in [TOWN, second] {
            let [(_, frame)] = &world.out[..] else {
                panic!("{kind:?}: {} frames are out", world.out.len());
            };
            let frame = String::from_utf8_lossy(frame);
            let id = world.get::<Channel>(&place).id;
            assert!(
                frame.contains("Annie") && frame.contains(id.as_str()),
                "{frame}"
            );
            world.loses_channel();
        }
        assert_eq!(world.out, [], "there is no third");
        // With the next post, where the peer does not hold it any more.
        world.write(ANN, second, "again");
        let (_, frame) = world.out.first().unwrap();
        assert!(String::from_utf8_lossy(frame).contains("Annie"));
    }
}

/// A Mattermost server does not report that it was restored from a backup.
#[test]
fn a_user_whom_the_peer_lost_comes_again_with_what_was_refused_for_it() {
    for kind in [PeerKind::Mattermost2021, PeerKind::Mattermost11] {
        let mut world = World::shared(kind);
        world.write(ANN, TOWN, "first");
        world.settle();
        world.peer.users.clear();
        world.write(ANN, TOWN, "refused at first");
        world.settle();
        world.expect_same();
        assert!(world.exceptions().is_empty(), "{:?}", world.exceptions());
    }
}
