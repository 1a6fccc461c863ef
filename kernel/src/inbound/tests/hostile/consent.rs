//! Channels come from a peer only as an administrator here has allowed, and one that cannot be created takes nothing
//! along.

use super::*;
use crate::boundary::output::Object;
use crate::model::limits::{
    CHANNEL_INVITATIONS_MAX, CHANNELS_PER_TEAM_MAX, DIRECT_CHANNELS_PER_USER_MAX,
    RECEIVED_CHANNELS_MAX, REMOTE_USERS_MAX,
};
use crate::model::{ChannelInvitation, DirectCount, InvitationState, NameRow};

/// An invitation of a kind; direct and group channels are with boss.
fn offer(kind: &str, channel: &str) -> Value {
    let people = match kind {
        "D" => json!([id("ann"), id("boss")]),
        "G" => json!([id("amy"), id("ann"), id("boss")]),
        _ => Value::Null,
    };
    let change = json!({"type": kind, "direct_participant_ids": people});
    with(invite(channel, "offered"), change)
}

/// With amy of acme too.
fn world() -> World {
    let mut world = super::world();
    world.sync(ACME, json!({"users": {"a": user("amy", "amy")}}));
    world
}

fn open(world: &mut World, by: UserNo, with: UserNo) -> Id {
    match world.by(by, acts::open_direct(with)).unwrap() {
        Object::Channel(channel) => world.get::<Channel>(&channel).id,
        other => panic!("{other:?}"),
    }
}

#[test]
fn t10_an_invitation_shares_no_channel_that_exists_here() {
    for asks in [false, true] {
        let mut world = world();
        world.invited(OTHER, invite("theirs", "theirs"));
        world.channel_with_id("ended");
        let ended = world.channel_no("ended").unwrap();
        world.share(ended, ACME);
        world.by(ADMIN, acts::uninvite(ended, ACME)).unwrap();
        let carl = world.account_with_id("carl");
        let olga = world.user_no("olga").unwrap();
        let private = open(&mut world, ADMIN, carl);
        let direct = open(&mut world, ADMIN, olga);
        world.by(ADMIN, acts::ask_first(ACME, asks)).unwrap();
        let before = world.host.tables.clone();
        let known = ["secret", "otheronly", "theirs", "ended"].map(id);
        for channel in known.into_iter().chain([private.into(), direct.into()]) {
            for kind in ["O", "P", "D", "G"] {
                let offered = with(offer(kind, "x"), json!({"channel_id": channel}));
                let answer = world.invited(ACME, offered);
                assert_eq!(answer["status"], "FAIL", "{kind} {channel}");
                assert_eq!(world.host.tables, before, "{kind} {channel}");
            }
            let accepted = json!({"channel_id": channel, "is_shared": true});
            world.message(ACME, "sharedchannel_state", accepted);
            assert_eq!(world.host.tables, before, "{channel}");
        }
    }
}

#[test]
fn t10_a_peer_does_not_answer_its_own_invitation() {
    let mut world = world();
    world.by(ADMIN, acts::ask_first(ACME, true)).unwrap();
    world.invited(ACME, offer("O", "lounge"));
    let key = (ACME, parsed_id("lounge"));
    let waiting = world.get::<ChannelInvitation>(&key);
    assert_eq!(waiting.state, InvitationState::Waiting);
    for _ in 0..3 {
        world.invited(ACME, offer("O", "lounge"));
        let shared = json!({"is_shared": true});
        world.send_thing(ACME, &thing(State, "", "lounge").with(shared));
        for kind in IN_A_CHANNEL.into_iter().filter(|kind| *kind != State) {
            world.expect_no_trace(ACME, &thing(kind, "ann", "lounge"));
        }
        assert_eq!(world.get::<ChannelInvitation>(&key), waiting);
        assert!(world.channel_no("lounge").is_none());
    }
}

/// Why a channel cannot be created, what makes it so, and the invitation.
type Obstacle = (&'static str, fn(&mut World), Value);

fn group_of_strangers(second: Value) -> Value {
    let people = json!({
        "direct_participant_ids": [id("boss"), id("neo"), id("pia")],
        "direct_participants": [user("neo", "neo"), second],
    });
    with(offer("G", "lounge"), people)
}

fn fill(world: &mut World, name: &str) {
    world.create_channel(ADMIN, name, crate::model::ChannelKind::Public);
}

fn obstacles() -> Vec<Obstacle> {
    let plain = || offer("P", "lounge");
    let strangers = || group_of_strangers(user("pia", "pia"));
    vec![
        (
            "there is no team",
            |world| {
                world.alter::<Team>(&TeamNo(1), |team| team.delete_at = START);
            },
            plain(),
        ),
        (
            "every name is taken",
            |world| {
                fill(world, "offered");
                (2..=25).for_each(|n| fill(world, &format!("offered-{n}")));
            },
            plain(),
        ),
        (
            "the peer has as many as it may",
            |world| {
                let workspace = world.get::<Connection>(&ACME).workspace;
                world.alter::<PeerWorkspace>(&workspace, |row| {
                    row.channels = RECEIVED_CHANNELS_MAX;
                });
            },
            plain(),
        ),
        (
            "the team is full",
            |world| {
                world.step(|tx| {
                    for n in 0..CHANNELS_PER_TEAM_MAX {
                        let name = lookup::team_channel_name_key(TeamNo(1), &format!("full-{n}"));
                        tx.put(&(kind::CHANNEL_NAME, name), &NameRow(1));
                    }
                });
            },
            plain(),
        ),
        (
            "too many wait for an answer",
            |world| {
                world.by(ADMIN, acts::ask_first(ACME, true)).unwrap();
                for n in 0..CHANNEL_INVITATIONS_MAX {
                    world.invited(ACME, offer("O", &format!("c{n}")));
                }
            },
            plain(),
        ),
        (
            "its second new participant has no name",
            |_| (),
            group_of_strangers(user("pia", "no name!")),
        ),
        (
            "its second new participant comes over another connection",
            |_| (),
            group_of_strangers(with(
                user("pia", "pia"),
                json!({"remote_id": Id::from_uuid_bytes([2; 16]).as_str()}),
            )),
        ),
        (
            "its second new participant is one too many",
            |world| {
                let workspace = world.get::<Connection>(&ACME).workspace;
                world.alter::<PeerWorkspace>(&workspace, |row| row.users = REMOTE_USERS_MAX - 1);
            },
            strangers(),
        ),
        (
            "its member here is in too many",
            |world| {
                let full = DirectCount {
                    received: DIRECT_CHANNELS_PER_USER_MAX,
                    ..DirectCount::default()
                };
                world.step(|tx| tx.put(&ADMIN, &full));
            },
            strangers(),
        ),
    ]
}

#[test]
fn t11_a_channel_that_cannot_be_created_takes_nothing_along_whatever_step_fails() {
    let mut world = world();
    for (letters, good) in [
        ("lounge", offer("P", "lounge")),
        ("attic", group_of_strangers(user("pia", "pia"))),
    ] {
        let good = with(good, json!({"channel_id": id(letters)}));
        assert_eq!(world.invited(ACME, good), accepted());
    }
    for (why, prepare, invitation) in obstacles() {
        let mut world = self::world();
        prepare(&mut world);
        let before = world.host.tables.clone();
        let answer = world.invited(ACME, invitation);
        assert_eq!(answer["status"], "FAIL", "{why}");
        assert_eq!(world.host.tables, before, "{why}");
        assert_eq!(world.events(), [], "{why}");
        assert_eq!(
            world.refused(),
            [("invite_refused".to_string(), 1)],
            "{why}"
        );
    }
}

#[test]
fn t13_a_peer_creates_no_channel_but_what_an_administrator_here_has_accepted() {
    let mut world = world();
    world.by(ADMIN, acts::ask_first(ACME, true)).unwrap();
    // Where direct channels are allowed, they are opened without asking.
    let settings = acts::configure_sharing(|settings| settings.members = true);
    world.output(Actor::System, None, settings);
    let channels = world.host.tables.count(Table::Channels);
    for letters in ["lounge", "cellar", "attic"] {
        for kind in ["O", "P", "D", "G"] {
            assert_eq!(world.invited(ACME, offer(kind, letters))["status"], "FAIL");
        }
        for kind in IN_A_CHANNEL {
            world.send_thing(ACME, &thing(kind, "ann", letters));
        }
    }
    assert_eq!(world.host.tables.count(Table::Channels), channels);
    world.alter::<Connection>(&ACME, |row| row.kind = PeerKind::Causeway);
    world.invited(ACME, offer("P", "cellar"));
    let accept = acts::answer_invitation(ACME, parsed_id("cellar"), true);
    world.act(Actor::System, accept).unwrap();
    assert_eq!(world.host.tables.count(Table::Channels), channels + 1);
    assert!(world.link("cellar", ACME).is_some());
    for letters in ["lounge", "attic"] {
        world.expect_no_trace(ACME, &thing(Text, "ann", letters));
        assert!(world.channel_no(letters).is_none());
    }
}

#[test]
fn t14_a_peer_does_not_say_that_somebody_elses_user_has_opened_a_channel() {
    for (kind, creator) in [("D", "boss"), ("G", "boss"), ("G", "olga")] {
        let mut world = world();
        let offered = with(offer(kind, "d"), json!({"creator_id": id(creator)}));
        assert_eq!(world.invited(ACME, offered), accepted());
        let opened_by = world.channel("d").unwrap().creator.unwrap();
        let opener: crate::model::User = world.get(&opened_by);
        let peer = world.get::<Connection>(&ACME).workspace;
        assert_eq!(opener.origin, peer, "{kind} {creator}");
    }
}
