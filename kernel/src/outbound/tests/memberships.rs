//! Memberships of shared channels.

use super::*;
use crate::boundary::input::Actor;
use crate::boundary::output::Object;
use crate::model::limits::MEMBERS_REFUSED_MS;
use crate::model::{ChannelKind, ChannelMember, SharedMembership, User};
use crate::objects::{members, memberships, posts, users};
use crate::rows::fixture;
use crate::rows::id::{ConnectionNo, UserNo};
use crate::rows::table::Table;
use crate::sharing::link;
use crate::testing::acts::{account, add_member, channel, join_team, remove_member, uninvite};
use crate::testing::{BOB, START, TEAM, TICK_MS};

impl World {
    /// Memberships are shared from now on, this many in a message.
    fn share_members(&mut self, per_sync_max: u32) {
        let settings = configure_sharing(|settings| {
            settings.members = true;
            settings.members_per_sync_max = per_sync_max;
        });
        self.output(Actor::System, None, settings);
        self.run_due();
    }

    /// New users of the team and of its channel, without notices.
    fn crowd(&mut self, users: usize) -> Vec<UserNo> {
        let join = |world: &mut World| {
            let name = format!("user{}", world.host.tables.count(Table::Users));
            let user = world.act(Actor::System, account(&name));
            let Ok(Object::User(user)) = user else {
                panic!("not a user")
            };
            world.step(|tx| {
                members::join_team(tx, TEAM, user, false);
                members::join_channel(tx, TOWN, user, false);
            });
            user
        };
        let crowd = (0..users).map(|_| join(self)).collect();
        self.ping(ACME);
        crowd
    }

    /// A member of [`TOWN`] whose home is behind a connection.
    fn visitor(&mut self, connection: ConnectionNo) -> UserNo {
        let home = self.get::<Connection>(&connection).workspace;
        let user = User {
            origin: home,
            ..fixture::user(90, "vera:elsewhere")
        };
        self.step(|tx| {
            let user = users::insert(tx, &user);
            memberships::take(tx, (TOWN, user), TEAM, (home, true, 5));
            user
        })
    }

    /// Fails unless the peer shows the local members of [`TOWN`], and nobody else.
    fn expect_same_members(&self) {
        let rows = self.host.prefix::<ChannelMember, _>(&TOWN, 20_000);
        let local = |no: &UserNo| self.get::<User>(no).origin.is_ours();
        let here: Vec<UserNo> = rows.into_iter().map(|((_, user), _)| user).collect();
        let here: Vec<UserNo> = here.into_iter().filter(local).collect();
        assert_eq!(self.members_there(), here);
    }
}

#[test]
fn nothing_is_sent_while_memberships_are_not_shared() {
    let mut world = World::shared(PeerKind::Causeway);
    world.crowd(2);
    world.by(ADMIN, remove_member(TOWN, BOB)).unwrap_err();
    world.settle();
    assert!(world.peer.members.is_empty() && world.peer.member_batches.is_empty());
}

#[test]
fn the_members_are_listed_once_the_invitation_is_accepted_in_batches() {
    for kind in [PeerKind::Causeway, PeerKind::Mattermost11] {
        let mut world = World::connected(kind);
        world.share_members(20);
        world.crowd(60);
        world.by(ADMIN, invite(TOWN, ACME)).unwrap();
        world.ping(ACME);
        world.settle();
        world.expect_same_members();
        // admin, ann and bob, and the sixty; fifty in a round.
        assert_eq!(world.peer.member_batches, [20, 20, 10, 13]);
        assert_eq!(world.get::<Link>(&(TOWN, ACME)).members, None);
        world.settle();
        assert_eq!(world.peer.member_batches.len(), 4);
    }
}

#[test]
fn a_server_of_2021_is_sent_no_memberships() {
    let mut world = World::connected(PeerKind::Mattermost2021);
    world.share_members(20);
    world.by(ADMIN, invite(TOWN, ACME)).unwrap();
    world.ping(ACME);
    world.settle();
    world.crowd(1);
    world.settle();
    assert!(world.peer.member_batches.is_empty() && world.peer.users.is_empty());
}

#[test]
fn joins_and_leaves_follow_and_only_the_last_of_each_user_is_sent() {
    let mut world = World::shared(PeerKind::Causeway);
    world.share_members(20);
    world.ping(ACME);
    world.settle();
    let crowd = world.crowd(30);
    world.settle();
    world.expect_same_members();
    world.peer.member_batches.clear();
    for user in &crowd[..10] {
        world.step(|tx| members::leave_channel(tx, TOWN, *user));
        world.step(|tx| members::join_channel(tx, TOWN, *user, false));
        world.step(|tx| members::leave_channel(tx, TOWN, *user));
    }
    world.ping(ACME);
    world.settle();
    world.expect_same_members();
    assert_eq!(world.peer.member_batches, [10]);
}

#[test]
fn whoever_leaves_within_a_millisecond_of_joining_has_left() {
    let mut world = World::shared(PeerKind::Causeway);
    world.share_members(20);
    let user = world.crowd(1)[0];
    let joined = world.get::<SharedMembership>(&(TOWN, user));
    world.now_ms -= TICK_MS * 2;
    world.step(|tx| members::leave_channel(tx, TOWN, user));
    let left = world.get::<SharedMembership>(&(TOWN, user));
    assert!(left.version() > joined.version());
    world.step(|tx| members::join_channel(tx, TOWN, user, false));
    let back = world.get::<SharedMembership>(&(TOWN, user));
    assert!(back.version() > left.version());
}

#[test]
fn a_peer_is_not_told_about_its_own_people() {
    let mut world = World::shared(PeerKind::Causeway);
    world.share_members(20);
    world.ping(ACME);
    world.settle();
    let sent = world.peer.member_batches.len();
    let visitor = world.visitor(ACME);
    world.ping(ACME);
    world.settle();
    world.by(ADMIN, remove_member(TOWN, visitor)).unwrap_err();
    world.step(|tx| members::leave_channel(tx, TOWN, visitor));
    world.ping(ACME);
    world.settle();
    assert_eq!(world.peer.member_batches.len(), sent);
}

#[test]
fn other_peers_are_told_what_the_home_of_a_user_states_and_nothing_else() {
    let mut world = World::connected(PeerKind::Causeway);
    world.share_members(20);
    // The visitor's home is elsewhere: the peer in hand is another one.
    let other = world.connect("globex", PeerKind::Causeway);
    let home = world.get::<Connection>(&other).workspace;
    world.by(ADMIN, invite(TOWN, ACME)).unwrap();
    world.ping(ACME);
    world.settle();
    let visitor = world.visitor(other);
    world.ping(ACME);
    world.settle();
    assert!(world.members_there().contains(&visitor));
    // Removed here, which is nobody else's concern.
    world.step(|tx| members::leave_channel(tx, TOWN, visitor));
    world.ping(ACME);
    world.settle();
    assert!(world.members_there().contains(&visitor));
    world.step(|tx| memberships::take(tx, (TOWN, visitor), TEAM, (home, false, 9)));
    world.ping(ACME);
    world.settle();
    assert!(!world.members_there().contains(&visitor));
}

#[test]
fn a_peer_that_ignores_memberships_gets_all_of_them_when_it_accepts_one() {
    let mut world = World::connected(PeerKind::Mattermost11);
    world.share_members(20);
    world.peer.ignores_members = true;
    world.crowd(60);
    world.by(ADMIN, invite(TOWN, ACME)).unwrap();
    world.ping(ACME);
    while world.deliver_next() {}
    assert_eq!(world.peer.member_batches, [20], "one attempt");
    assert!(world.exceptions().is_empty());
    world.write(ANN, TOWN, "posts go on");
    while world.deliver_next() {}
    world.expect_same();
    world.peer.ignores_members = false;
    let user = world.crowd(1)[0];
    world.settle();
    assert!(world.members_there().contains(&user));
    world.expect_same_members();
}

#[test]
fn a_peer_that_ignored_memberships_gets_them_later_or_when_it_states_its_own() {
    for waits in [true, false] {
        let mut world = World::connected(PeerKind::Causeway);
        world.share_members(20);
        world.peer.ignores_members = true;
        world.by(ADMIN, invite(TOWN, ACME)).unwrap();
        world.ping(ACME);
        while world.deliver_next() {}
        assert_eq!(world.peer.member_batches, [3]);
        world.peer.ignores_members = false;
        if waits {
            world.now_ms += MEMBERS_REFUSED_MS;
            world.ping(ACME);
        } else {
            world.step(|tx| link::continue_members(tx, TOWN, ACME));
            world.ping(ACME);
            while world.deliver_next() {}
            world.expect_same_members();
        }
        world.settle();
        world.expect_same_members();
    }
}

#[test]
fn what_changed_while_they_were_not_shared_is_sent_when_they_are() {
    let mut world = World::shared(PeerKind::Causeway);
    world.share_members(20);
    let crowd = world.crowd(3);
    world.ping(ACME);
    world.settle();
    world.output(Actor::System, None, configure_sharing(|_| ()));
    world.step(|tx| members::leave_channel(tx, TOWN, crowd[0]));
    world.settle();
    assert!(world.members_there().contains(&crowd[0]));
    world.share_members(20);
    world.ping(ACME);
    world.settle();
    world.expect_same_members();
}

#[test]
fn a_peer_that_lost_everything_is_told_again() {
    let mut world = World::shared(PeerKind::Causeway);
    world.share_members(20);
    let id = |number| Incarnation {
        id: Id::from_uuid_bytes([9; 16]),
        number,
    };
    world.ping_answered(ACME, Some(id(1)));
    world.settle();
    let crowd = world.crowd(3);
    world.step(|tx| members::leave_channel(tx, TOWN, crowd[0]));
    world.settle();
    world.expect_same_members();
    world.peer.members.clear();
    world.peer.users.clear();
    world.ping_answered(ACME, Some(id(2)));
    world.settle();
    world.expect_same_members();
}

#[test]
fn a_sharing_that_begins_anew_states_who_left_meanwhile() {
    let mut world = World::shared(PeerKind::Causeway);
    world.share_members(20);
    let crowd = world.crowd(3);
    world.ping(ACME);
    world.settle();
    world.by(ADMIN, uninvite(TOWN, ACME)).unwrap();
    world.step(|tx| members::leave_channel(tx, TOWN, crowd[1]));
    world.by(ADMIN, invite(TOWN, ACME)).unwrap();
    world.ping(ACME);
    world.settle();
    world.expect_same_members();
}

#[test]
fn an_author_who_left_does_not_come_back_with_an_old_post() {
    let mut world = World::connected(PeerKind::Causeway);
    world.share_members(20);
    let user = world.crowd(1)[0];
    let post = world.write(user, TOWN, "good bye");
    world.step(|tx| members::leave_channel(tx, TOWN, user));
    world.by(ADMIN, invite(TOWN, ACME)).unwrap();
    world.ping(ACME);
    world.settle();
    world.by(ANN, react(post, "wave")).unwrap();
    world.settle();
    let id = world.get::<User>(&user).id.to_string();
    assert!(world.peer.users.contains(&id));
    assert_eq!(
        world.peer.members.get(&id).map(|(_, left)| *left),
        Some(true)
    );
    world.expect_same_members();
}

#[test]
fn what_the_peer_could_not_take_is_sent_again() {
    let mut world = World::shared(PeerKind::Causeway);
    world.share_members(20);
    world.ping(ACME);
    world.settle();
    let user = world.crowd(1)[0];
    // The profile comes first.
    world.deliver_next();
    let response = SyncResponse {
        membership_errors: vec![world.get::<User>(&user).id.to_string()],
        ..SyncResponse::default()
    };
    world.answer_next(encode_ok(Some(&response)));
    assert_eq!(world.exceptions(), [ExceptionState::Refused(1)]);
    assert!(!world.members_there().contains(&user));
    world.settle();
    world.expect_same_members();
    assert!(world.exceptions().is_empty());
}

#[test]
fn a_departure_that_was_given_up_is_sent_once_the_peer_holds_the_profile() {
    let mut world = World::shared(PeerKind::Causeway);
    let other = world.connect("other", PeerKind::Causeway);
    world.share_members(20);
    world.ping(ACME);
    world.settle();
    // The peer never heard of the visitor, so it cannot take the departure.
    let vera = world.visitor(other);
    let home = world.get::<User>(&vera).origin;
    world.step(|tx| memberships::take(tx, (TOWN, vera), TEAM, (home, false, 6)));
    let id = world.get::<User>(&vera).id.to_string();
    let named = encode_ok(Some(&SyncResponse {
        membership_errors: vec![id.clone()],
        ..SyncResponse::default()
    }));
    for _ in 0..200 {
        if world.exceptions() == [ExceptionState::Dead] {
            break;
        }
        match world.out.first() {
            Some((_, frame)) if String::from_utf8_lossy(frame).contains("is_add") => {
                world.answer_next(named.clone());
            }
            Some(_) => _ = world.deliver_next(),
            None => {
                world.now_ms += 60_000;
                world.ping(ACME);
                world.run_due();
            }
        }
    }
    assert_eq!(world.exceptions(), [ExceptionState::Dead]);
    let post = Post {
        origin: home,
        user: vera,
        channel: TOWN,
        ..fixture::post(9, START, None)
    };
    world.step(|tx| posts::insert(tx, post));
    world.ping(ACME);
    world.settle();
    assert!(world.peer.users.contains(&id));
    // A peer adds the user of every profile to the channel.
    assert_eq!(
        world.peer.members.get(&id).map(|(_, left)| *left),
        Some(true)
    );
    assert!(world.exceptions().is_empty());
}

#[test]
fn a_user_joins_and_leaves_by_command() {
    let mut world = World::shared(PeerKind::Causeway);
    world.share_members(20);
    let Ok(Object::Channel(channel)) = world.by(ADMIN, channel("ops", ChannelKind::Private)) else {
        panic!("not a channel")
    };
    world.by(ADMIN, invite(channel, ACME)).unwrap();
    world.ping(ACME);
    world.settle();
    world.by(ADMIN, join_team(TEAM, ANN)).unwrap();
    world.by(ADMIN, add_member(channel, ANN)).unwrap();
    world.settle();
    let id = world.get::<User>(&ANN).id.to_string();
    let left = |world: &World| world.peer.members.get(&id).map(|(_, left)| *left);
    assert_eq!(left(&world), Some(false));
    world.by(ANN, remove_member(channel, ANN)).unwrap();
    world.settle();
    assert_eq!(left(&world), Some(true));
}

#[test]
fn all_are_listed_again_once_they_are_shared_again_even_if_some_are_on_their_way() {
    let mut world = World::connected(PeerKind::Causeway);
    world.share_members(20);
    world.crowd(60);
    world.by(ADMIN, invite(TOWN, ACME)).unwrap();
    world.ping(ACME);
    while world.peer.member_batches.is_empty() {
        assert!(world.deliver_next());
    }
    world.peer.members.clear();
    world.output(Actor::System, None, configure_sharing(|_| ()));
    world.share_members(20);
    world.settle();
    world.expect_same_members();
}
