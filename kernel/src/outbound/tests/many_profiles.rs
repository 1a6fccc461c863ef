//! Profiles of many people at the gate: what a step asks and looks at is bounded, and nothing is left behind.

use super::profiles_at_the_gate::Asked;
use super::*;
use crate::boundary::input::Actor;
use crate::boundary::policy::Gate;
use crate::model::limits::{
    BACKOFF_MAX_MS, DEPENDENTS_MAX, JOB_ROWS_PER_STEP, PROFILES_JUDGED_MAX,
};
use crate::model::{ChannelKind, FeedObject, Round, User, VerdictRow};
use crate::objects::{members, users};
use crate::rows::fixture;
use crate::rows::id::{ChannelNo, PostNo, UserNo};
use crate::sharing::directory::NO_CHANNEL;
use crate::testing::{BOB, TEAM};

fn no() -> Verdict {
    Verdict::Deny(Denial::for_reason("no"))
}

/// The number in the name of one of a crowd.
fn number(name: &str) -> Option<usize> {
    name.strip_prefix("user")?.parse().ok()
}

impl World {
    /// So many users of this workspace; the names end in their numbers.
    fn many(&mut self, number: usize) -> Vec<UserNo> {
        let row = |n: usize| fixture::user(200 + u64::try_from(n).unwrap(), &format!("user{n}"));
        self.step(|tx| (0..number).map(|n| users::insert(tx, &row(n))).collect())
    }

    /// They are members of [`TOWN`].
    fn many_in_town(&mut self, number: usize) -> Vec<UserNo> {
        let crowd = self.many(number);
        self.step(|tx| {
            for user in &crowd {
                members::join_team(tx, TEAM, *user, false);
                members::join_channel(tx, TOWN, *user, false);
            }
        });
        self.run_due();
        self.settle();
        crowd
    }

    /// Delivers everything; the most people whom a step asked about.
    fn most_asked(&mut self, asked: &Asked) -> usize {
        let mut most = 0;
        for _ in 0..200 {
            let before = asked.borrow().len();
            let is_out = self.deliver_next();
            if !is_out {
                self.run(Input::Timer);
            }
            most = most.max(asked.borrow().len() - before);
            if !is_out && self.out.is_empty() && self.host.get::<Round>(&ACME).is_none() {
                return most;
            }
        }
        panic!("never idle");
    }

    fn offer_everybody(&mut self, is_wished: bool) {
        let settings = configure_sharing(|settings| {
            settings.all_users = is_wished;
            settings.users_per_sync_max = 50;
        });
        self.output(Actor::System, None, settings);
        self.run_due();
    }

    /// How many people the policies hold back from the directory of [`ACME`].
    fn withheld(&self) -> usize {
        let rows = self.host.prefix::<Exception, _>(&(ACME, NO_CHANNEL), 1_000);
        rows.len()
    }
}

#[test]
fn a_step_asks_about_a_bounded_number_of_people_and_the_round_goes_on() {
    let crowd = 2 * PROFILES_JUDGED_MAX - 20;
    for passing in [Some(crowd - 1), None] {
        let mut world = World::shared(PeerKind::Causeway);
        let users = world.many_in_town(crowd);
        let asked = world.judge(move |name| match number(name) {
            Some(number) if Some(number) != passing => no(),
            _ => Verdict::Allow,
        });
        world.write(ANN, TOWN, "goes first");
        // They are in one round, as the first message is out.
        for half in 0..2 {
            let mentioned = (0..crowd).filter(|n| n % 2 == half);
            let mentions: Vec<String> = mentioned.map(|n| format!("@user{n}")).collect();
            world.write(ANN, TOWN, &mentions.join(" "));
        }
        let most = world.most_asked(&asked);
        assert!(most <= PROFILES_JUDGED_MAX, "{most}");
        // Who follows somebody that went is asked about once more.
        let asked = asked.borrow().len();
        assert!(asked <= crowd + PROFILES_JUDGED_MAX, "{asked}");
        assert_eq!(world.peer.posts.len(), 3);
        let there = users.iter().filter(|user| {
            let name = world.name_there(**user);
            world.peer.users.contains(&name)
        });
        assert_eq!(there.count(), usize::from(passing.is_some()));
        let denied = crowd - usize::from(passing.is_some());
        assert_eq!(world.exceptions(), vec![ExceptionState::Denied; denied]);
        world.allow_all();
        world.settle();
        assert!(world.exceptions().is_empty());
        assert_eq!(world.peer.users.len(), 1 + crowd);
    }
}

#[test]
fn who_goes_between_people_held_back_goes_again_if_the_message_is_lost() {
    for outcome in [SendOutcome::Unknown, SendOutcome::NeverLeft] {
        let mut world = World::shared(PeerKind::Causeway);
        let users = world.many_in_town(3);
        world.judge(|name| match number(name) {
            Some(0 | 2) => no(),
            _ => Verdict::Allow,
        });
        world.write(BOB, TOWN, "@user0 @user1 @user2");
        let (attempt, _) = world.out.remove(0);
        world.receipt(ACME, attempt, outcome);
        world.now_ms += BACKOFF_MAX_MS;
        let sent = world.sent_profiles();
        let sent: Vec<String> = sent.into_iter().map(|user| user.id).collect();
        assert_eq!(sent, [BOB, users[1]].map(|user| world.name_there(user)));
        world.expect_same();
        assert_eq!(world.exceptions(), vec![ExceptionState::Denied; 2]);
    }
}

/// The state of a post in the exceptions of [`ACME`].
fn state_of(world: &World, channel: ChannelNo, post: PostNo) -> ExceptionState {
    let (number, rest) = FeedObject::Post(post).exception_key();
    let row = world.get::<Exception>(&(ACME, channel, number, rest));
    row.state
}

#[test]
fn a_profile_that_gets_through_wakes_only_what_waits_for_it() {
    for waiting in [3, DEPENDENTS_MAX + 10] {
        let mut world = World::shared(PeerKind::Causeway);
        let other = world.create_channel(ADMIN, "other", ChannelKind::Public);
        world.by(ADMIN, invite(other, ACME)).unwrap();
        world.settle();
        let secrets = std::rc::Rc::new(std::cell::Cell::new(0));
        let count = secrets.clone();
        world.load_policy(&[Gate::Post, Gate::Profile], move |question| {
            let is_secret = question.post().is_some_and(|it| it.message == "secret");
            count.set(count.get() + usize::from(is_secret));
            match question {
                Question::Profile(profile) if profile.nickname == "bad" => no(),
                _ if is_secret => no(),
                _ => Verdict::Allow,
            }
        });
        world.nick(ANN, "bad");
        let there = world.write(ADMIN, other, "secret");
        let first = world.write(BOB, TOWN, "secret");
        for n in 0..waiting {
            world.write(ANN, TOWN, &format!("post {n}"));
        }
        let last = world.write(BOB, TOWN, "secret");
        world.settle();
        assert_eq!(secrets.get(), 3);
        world.nick(ANN, "good");
        world.write(ANN, TOWN, "with the new name");
        world.settle();
        let arrived = world.peer.posts.len();
        assert_eq!(arrived, waiting as usize + 1);
        assert_eq!(secrets.get(), 3, "nobody asked again");
        for (channel, post) in [(other, there), (TOWN, first), (TOWN, last)] {
            assert_eq!(state_of(&world, channel, post), ExceptionState::Denied);
        }
        assert_eq!(world.host.prefix::<VerdictRow, _>(&ACME, 10).len(), 3);
        assert_eq!(world.exceptions().len(), 3);
    }
}

#[test]
fn many_denied_people_are_asked_about_once_when_the_policies_change() {
    let mut world = World::connected(PeerKind::Causeway);
    world.many(2 * JOB_ROWS_PER_STEP as usize + 50);
    let everybody = world.host.prefix::<User, ()>(&(), 1_000).len();
    world.judge(|_| no());
    world.ping(ACME);
    world.offer_everybody(true);
    world.settle();
    assert_eq!(world.withheld(), everybody);
    let asked = world.judge(|_| no());
    world.settle();
    assert_eq!(asked.borrow().len(), everybody);
    assert_eq!(world.withheld(), everybody);
    world.allow_all();
    world.settle();
    assert_eq!(world.withheld(), 0);
    assert_eq!(world.peer.users.len(), everybody);
}

#[test]
fn nobody_is_held_back_from_a_directory_that_is_switched_off() {
    let mut world = World::connected(PeerKind::Causeway);
    world.many(JOB_ROWS_PER_STEP as usize + 50);
    let everybody = world.host.prefix::<User, ()>(&(), 1_000).len();
    world.judge(|_| no());
    world.ping(ACME);
    world.offer_everybody(true);
    world.settle();
    assert_eq!(world.withheld(), everybody);
    world.offer_everybody(false);
    assert_eq!(world.withheld(), 0);
    world.allow_all();
    world.ping(ACME);
    world.offer_everybody(true);
    world.settle();
    assert_eq!(world.peer.users.len(), everybody);
}

#[test]
fn nobody_is_held_back_from_a_connection_that_is_removed() {
    let mut world = World::connected(PeerKind::Causeway);
    world.judge(|_| no());
    world.ping(ACME);
    world.offer_everybody(true);
    world.settle();
    assert!(world.withheld() > 0);
    world.by(ADMIN, remove_connection(ACME)).unwrap();
    world.run_due();
    assert_eq!(world.withheld(), 0);
}
