//! A peer that lost in a restore what it had: the channel, or users.

use super::*;
use crate::boundary::output::{Event, Output};
use crate::model::{Link, LinkState};
use crate::rows::table::Table;
use crate::wire::response::UNKNOWN_CHANNEL;

impl World {
    /// The peer has lost the channel with all that was in it, and says so to what is out.
    fn loses_channel(&mut self) -> Output {
        self.posts.clear();
        self.users.clear();
        self.reactions.clear();
        let (attempt, _) = self.out.remove(0);
        self.answer(attempt, &format!("{UNKNOWN_CHANNEL}: x"))
    }

    fn answer(&mut self, attempt: u64, error: &str) -> Output {
        self.run(Input::Receipt(Receipt {
            connection: LINK,
            attempt,
            outcome: SendOutcome::Answered(encode_fail(error)),
        }))
    }

    fn link(&self) -> Link {
        self.host.get::<Link>(&(TOWN, LINK)).unwrap()
    }

    /// Time passes until something is out.
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

fn told(output: &Output) -> Vec<String> {
    let texts = output.effects.iter().filter_map(|effect| match effect {
        Effect::Event(Event::Ephemeral(TOWN, ADMIN, text)) => Some(text.clone()),
        _ => None,
    });
    texts.collect()
}

fn notices(world: &World) -> usize {
    let posts = world.host.prefix::<Post, ()>(&(), 10_000);
    let is_notice = |post: &Post| post.message == "This channel is no longer shared.";
    posts.iter().filter(|(_, post)| is_notice(post)).count()
}

#[test]
fn a_channel_that_the_peer_lost_is_offered_again_and_all_of_it_is_sent() {
    let mut world = World::shared(PeerKind::Causeway);
    let first = world.write(None, "first");
    world.settle();
    world.act(Actor::User(ANN), react(first));
    world.settle();
    world.write(None, "into the void");
    let output = world.loses_channel();
    let lost = "`there` was restored to before it had this channel, and is invited again.";
    assert_eq!(told(&output), [lost]);
    assert_eq!(world.link().state, LinkState::Inviting);
    assert!(world.out.is_empty(), "a pause first");
    // What is written in the meantime waits, too.
    world.write(None, "during the pause");
    assert!(world.out.is_empty());
    assert!(world.wait().contains("sharedchannel_invite"));
    world.settle();
    world.expect_same();
    assert_eq!((world.posts.len(), world.reactions.len()), (3, 1));
    let link = world.link();
    assert_eq!((link.state, link.dead_letters), (LinkState::Active, 0));
    assert_eq!((notices(&world), world.exceptions().len()), (0, 0));
}

#[test]
fn the_history_of_a_lost_channel_is_sent_again_if_it_was_sent_before() {
    let mut world = World::new(PeerKind::Causeway);
    let old = world.write(None, "from before");
    world.act(Actor::User(ANN), acknowledge(old));
    let configure = |world: &mut World, backfill| {
        let config = Config {
            backfill,
            ..Config::default()
        };
        let configured = world.run(Input::Command {
            actor: Actor::System,
            key: None,
            command: Command::Configure(crate::command::Configure {
                site_url: "http://here.example".into(),
                config,
            }),
        });
        assert_eq!(configured.reply, Reply::Done);
    };
    configure(&mut world, true);
    world.share();
    world.ping();
    world.settle();
    let has_old = |world: &World| world.posts.values().any(|(text, _)| text == "from before");
    assert!(has_old(&world) && world.acknowledgements().len() == 1);
    configure(&mut world, false);
    world.write(None, "into the void");
    world.loses_channel();
    assert!(!has_old(&world));
    world.settle();
    assert!(has_old(&world));
}

#[test]
fn a_peer_that_loses_a_channel_again_and_again_is_asked_ever_more_rarely() {
    let mut world = World::shared(PeerKind::Causeway);
    world.write(None, "one");
    let mut pauses = Vec::new();
    for _ in 0..8 {
        world.loses_channel();
        pauses.push(world.link().retry_at - world.now_ms);
        assert!(world.wait().contains("sharedchannel_invite"));
        assert!(world.deliver_next());
    }
    assert!(pauses[7] > 8 * pauses[0], "{pauses:?}");
    world.settle();
    world.expect_same();
    assert_eq!((world.link().failures, world.link().dead_letters), (0, 0));
}

#[test]
fn members_hear_when_a_peer_that_lost_a_channel_does_not_take_it_back() {
    let mut world = World::shared(PeerKind::Causeway);
    world.write(None, "one");
    world.loses_channel();
    world.wait();
    let (attempt, _) = world.out.remove(0);
    let output = world.answer(attempt, "a channel of that name is here");
    let why = "Error sending channel invite for there: a channel of that name is here";
    assert_eq!(told(&output), [why]);
    assert_eq!((world.link().state, notices(&world)), (LinkState::Ended, 1));
}

#[test]
fn what_its_home_lost_is_no_longer_shared() {
    let mut world = World::shared(PeerKind::Causeway);
    let offered_by_peer = Link {
        invited_by_us: false,
        ..world.link()
    };
    let key = crate::rows::key::encode(&(TOWN, LINK));
    let row = crate::rows::tx::Record::to_bytes(&offered_by_peer);
    world.host.tables.set(Table::Links, &key, Some(row));
    world.write(None, "one");
    world.loses_channel();
    assert_eq!((world.link().state, notices(&world)), (LinkState::Ended, 1));
    world.settle();
    assert!(world.posts.is_empty());
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
        world.write(None, "one");
        world.loses_channel();
        assert_eq!(world.link().state, LinkState::Active);
        assert_eq!(world.exceptions(), [ExceptionState::Refused(1)]);
    }
}

/// A Mattermost server that was restored from a backup tells nobody.
#[test]
fn a_user_whom_the_peer_lost_comes_again_with_what_was_refused_for_it() {
    for kind in [PeerKind::Mattermost2021, PeerKind::Mattermost11] {
        let mut world = World::shared(kind);
        world.write(None, "first");
        world.settle();
        world.users.clear();
        world.write(None, "refused at first");
        world.settle();
        world.expect_same();
        assert!(world.exceptions().is_empty(), "{:?}", world.exceptions());
    }
}
