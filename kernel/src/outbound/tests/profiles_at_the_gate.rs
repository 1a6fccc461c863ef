//! Profiles that policies revise, deny and fail on, on their way out.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;
use crate::boundary::input::Actor;
use crate::boundary::output::Object;
use crate::boundary::policy::{Direction, Gate, Home, ProfileRevision};
use crate::command::UserPatch;
use crate::model::limits::{DEPENDENTS_MAX, HELD_RETRY_MS, NAME_CHARS_MAX};
use crate::model::{RemoteUser, User};
use crate::objects::{members, users};
use crate::rows::fixture;
use crate::rows::id::UserNo;
use crate::testing::acts::{account, open_direct, patch_user};
use crate::testing::{BOB, TEAM};
use crate::wire::frame;
use crate::wire::json::Document;
use crate::wire::message::{ChannelInvite, SyncMessage, WireUser};

/// The profiles in a frame.
fn profiles(frame: &[u8]) -> Vec<WireUser> {
    let document = Document::parse(frame).unwrap();
    let message = document.root().get("msg").unwrap();
    let payload = message.get("payload").unwrap();
    match message.text("topic").unwrap().as_ref() {
        frame::TOPIC_INVITE => ChannelInvite::decode(payload).unwrap().participants,
        frame::TOPIC_SYNC | frame::TOPIC_GLOBAL_USERS => {
            let users = SyncMessage::decode(payload).unwrap().users.into_iter();
            users.map(|(_, user)| user.unwrap()).collect()
        }
        _ => Vec::new(),
    }
}

/// Names of the people asked about.
pub(super) type Asked = Rc<RefCell<Vec<String>>>;

impl World {
    /// From now on, these verdicts are given on the profiles of people, by their names; everything else passes.
    pub(super) fn judge(&mut self, verdict: impl Fn(&str) -> Verdict + 'static) -> Asked {
        let asked = Asked::default();
        let notes = asked.clone();
        self.host.policy = Some(Box::new(move |question| {
            let Question::Profile(profile) = question else {
                return Verdict::Allow;
            };
            assert_eq!(profile.passage.direction, Direction::Outbound);
            notes.borrow_mut().push(profile.person.name.to_string());
            verdict(profile.person.name)
        }));
        self.change_policies([Gate::Post, Gate::Profile]);
        asked
    }

    pub(super) fn change_policies(&mut self, gates: impl IntoIterator<Item = Gate>) {
        self.run(Input::PolicyChanged {
            chain: String::new(),
            what: String::new(),
            gates: Some(gates.into_iter().collect()),
        });
        self.run_due();
    }

    /// Everybody may pass from now on.
    pub(super) fn allow_all(&mut self) {
        self.host.policy = None;
        self.change_policies([Gate::Post]);
    }

    /// The id of a user, as the peer knows it.
    pub(super) fn name_there(&self, user: UserNo) -> String {
        self.get::<User>(&user).id.to_string()
    }

    pub(super) fn nick(&mut self, user: UserNo, nickname: &str) {
        let patch = UserPatch {
            nickname: Some(nickname.into()),
            ..UserPatch::default()
        };
        self.by(user, patch_user(user, patch)).unwrap();
    }

    /// Settles; the profiles that were sent.
    pub(super) fn sent_profiles(&mut self) -> Vec<WireUser> {
        let mut sent = Vec::new();
        for _ in 0..100 {
            while let Some((_, frame)) = self.out.first() {
                sent.extend(profiles(frame));
                self.deliver_next();
            }
            self.run_due();
            if self.out.is_empty() {
                return sent;
            }
        }
        panic!("never idle");
    }

    /// Members of [`TOWN`] who are shared from now on.
    fn crowd_of(&mut self, users: usize) -> Vec<UserNo> {
        let settings = configure_sharing(|settings| {
            settings.members = true;
            settings.members_per_sync_max = 50;
        });
        self.output(Actor::System, None, settings);
        let join = |world: &mut World, n: usize| {
            let made = world.act(Actor::System, account(&format!("user{n:02}")));
            let Ok(Object::User(user)) = made else {
                panic!("not a user")
            };
            world.step(|tx| {
                members::join_team(tx, TEAM, user, false);
                members::join_channel(tx, TOWN, user, false);
            });
            user
        };
        (0..users).map(|n| join(self, n)).collect()
    }
}

pub(super) fn deny(name: &'static str) -> impl Fn(&str) -> Verdict {
    move |asked| match asked == name {
        true => Verdict::Deny(Denial::for_reason("not for them")),
        false => Verdict::Allow,
    }
}

#[test]
fn revised_fields_leave_and_the_profile_here_stays() {
    let mut world = World::shared(PeerKind::Causeway);
    world.nick(ANN, "Annie");
    world.judge(|_| {
        Verdict::ReviseProfile(ProfileRevision {
            nickname: Some("é".repeat(NAME_CHARS_MAX + 1)),
            position: Some("Staff".into()),
            without_email: true,
            ..ProfileRevision::default()
        })
    });
    let before = world.get::<User>(&ANN);
    world.write(ANN, TOWN, "hello");
    let sent = world.sent_profiles();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].nickname, "é".repeat(NAME_CHARS_MAX));
    assert_eq!(sent[0].position, "Staff");
    assert_eq!(sent[0].email, "");
    assert_eq!(
        (&sent[0].username, sent[0].update_at),
        (&before.username, before.update_at)
    );
    assert_eq!(world.get::<User>(&ANN), before);
    world.expect_same();
}

#[test]
fn the_question_shows_what_would_leave() {
    let mut world = World::connected(PeerKind::Causeway);
    let globex = world.connect("globex", PeerKind::Causeway);
    world.by(ADMIN, invite(TOWN, ACME)).unwrap();
    world.ping(ACME);
    world.settle();
    let vera = User {
        origin: world.get::<Connection>(&globex).workspace,
        nickname: "Vee".into(),
        remote: Some(RemoteUser {
            username: "vera".into(),
            email: "vera@globex.example".into(),
            original_remote_id: String::new(),
            origin_update_at: 5,
        }),
        ..fixture::user(90, "vera:globex")
    };
    let vera = world.step(|tx| {
        let vera = users::insert(tx, &vera);
        members::join_team(tx, TEAM, vera, false);
        members::join_channel(tx, TOWN, vera, false);
        vera
    });
    let seen: Rc<RefCell<Vec<String>>> = Rc::default();
    let notes = seen.clone();
    let own = world.get::<Connection>(&ACME).remote_id.to_string();
    world.host.policy = Some(Box::new(move |question| {
        if let Question::Profile(asked) = question {
            assert_eq!(asked.passage.connection_id, own);
            assert_eq!(asked.passage.connection_name, "acme");
            let home = match asked.person.home {
                Home::Here => "here",
                Home::Connected { name, .. } => name,
                Home::Elsewhere => "elsewhere",
            };
            let said = [asked.person.name, asked.nickname, asked.email, home];
            notes.borrow_mut().push(said.join(" "));
        }
        Verdict::Allow
    }));
    world.write(ANN, TOWN, "hello @vera:globex");
    world.settle();
    assert!(world.peer.users.contains(&world.name_there(vera)));
    let ann = world.get::<User>(&ANN).email;
    let expected = [
        format!("ann  {ann} here"),
        "vera:globex Vee vera@globex.example globex".to_string(),
    ];
    assert_eq!(*seen.borrow(), expected);
}

#[test]
fn what_needs_a_denied_profile_is_held_back_until_the_policies_change() {
    for kind in [PeerKind::Causeway, PeerKind::Mattermost11] {
        let mut world = World::shared(kind);
        world.judge(deny("ann"));
        let root = world.write(ANN, TOWN, "by ann");
        world.reply(BOB, root, "a reply to ann");
        world.by(BOB, react(root, "tada")).unwrap();
        let free = world.write(BOB, TOWN, "by bob");
        world.by(ANN, react(free, "wave")).unwrap();
        world.by(ANN, acknowledge(free)).unwrap();
        world.reply(ANN, free, "a reply by ann");
        let edited = world.write(ANN, TOWN, "first words");
        world.by(ANN, edit(edited, "other words")).unwrap();
        world.by(BOB, react(edited, "smile")).unwrap();
        world.settle();
        let bob = world.get::<Post>(&free).id.to_string();
        let there: Vec<&String> = world.peer.posts.keys().collect();
        assert_eq!(there, [&bob]);
        assert!(world.peer.reactions.is_empty() && world.peer.acknowledged.is_empty());
        assert!(!world.peer.users.contains(&world.name_there(ANN)));
        let states = world.exceptions();
        assert!(states.iter().all(|state| *state == ExceptionState::Denied));
        // Nothing is tried again by itself.
        let messages = world.peer.messages;
        world.now_ms += 3_600_000;
        world.ping(ACME);
        world.settle();
        assert_eq!(world.peer.messages, messages);
        world.allow_all();
        world.settle();
        world.expect_same();
        assert!(world.peer.users.contains(&world.name_there(ANN)));
        assert!(world.exceptions().is_empty());
    }
}

#[test]
fn a_deletion_goes_without_the_profile() {
    let mut world = World::shared(PeerKind::Causeway);
    world.judge(deny("ann"));
    let post = world.write(ANN, TOWN, "gone soon");
    world.settle();
    world.by(ANN, delete(post)).unwrap();
    world.settle();
    assert!(!world.peer.users.contains(&world.name_there(ANN)));
    // The peer names it, as it does not know the author.
    assert_eq!(world.exceptions(), vec![ExceptionState::Denied; 2]);
    world.allow_all();
    world.settle();
    world.expect_same();
    assert!(world.exceptions().is_empty());
}

#[test]
fn a_profile_that_the_policies_failed_on_is_asked_about_again_by_itself() {
    let mut world = World::shared(PeerKind::Causeway);
    let works = Rc::new(RefCell::new(false));
    let switch = works.clone();
    world.judge(move |_| match *switch.borrow() {
        true => Verdict::Allow,
        false => Verdict::Failed("trapped".into()),
    });
    let post = world.write(ANN, TOWN, "hello");
    world.by(BOB, react(post, "tada")).unwrap();
    world.sent_profiles();
    assert!(world.peer.posts.is_empty());
    assert_eq!(world.exceptions(), vec![ExceptionState::Held; 3]);
    *works.borrow_mut() = true;
    world.now_ms += HELD_RETRY_MS;
    world.ping(ACME);
    world.settle();
    world.expect_same();
    assert!(world.exceptions().is_empty());
}

#[test]
fn a_denied_change_leaves_the_earlier_profile_there_and_everything_goes_on() {
    let mut world = World::shared(PeerKind::Causeway);
    world.write(ANN, TOWN, "one");
    world.settle();
    let asked = world.judge(deny("ann"));
    world.nick(ANN, "Annie");
    world.write(ANN, TOWN, "two");
    assert_eq!(world.sent_profiles(), []);
    world.expect_same();
    assert!(!asked.borrow().is_empty());
    world.host.policy = None;
    world.change_policies([Gate::Post]);
    let sent = world.sent_profiles();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].nickname, "Annie");
    assert!(world.exceptions().is_empty());
}

#[test]
fn what_waited_goes_when_the_person_changes_what_was_denied() {
    for posts in [3, DEPENDENTS_MAX as usize + 10] {
        let mut world = World::shared(PeerKind::Causeway);
        world.host.policy = Some(Box::new(|question| match question {
            Question::Profile(profile) if profile.nickname == "bad" => {
                Verdict::Deny(Denial::for_reason("a bad word"))
            }
            _ => Verdict::Allow,
        }));
        world.nick(ANN, "bad");
        for n in 0..posts {
            world.write(ANN, TOWN, &format!("post {n}"));
        }
        world.settle();
        assert!(world.peer.posts.is_empty());
        world.nick(ANN, "good");
        world.settle();
        world.expect_same();
        assert!(world.exceptions().is_empty());
    }
}

#[test]
fn a_profile_that_comes_late_and_is_not_taken_is_sent_again() {
    let mut world = World::shared(PeerKind::Causeway);
    world.judge(deny("ann"));
    world.write(ANN, TOWN, "hello");
    world.settle();
    world.peer.refuses_users = true;
    world.allow_all();
    for _ in 0..3 {
        world.deliver_next();
    }
    assert!(world.exceptions().contains(&ExceptionState::Refused(1)));
    assert!(!world.exceptions().contains(&ExceptionState::Denied));
    world.peer.refuses_users = false;
    world.settle();
    world.expect_same();
    assert!(world.exceptions().is_empty());
}

#[test]
fn denied_people_do_not_stop_a_round_and_many_are_asked_about_at_once() {
    let mut world = World::connected(PeerKind::Causeway);
    let crowd = world.crowd_of(60);
    let asked = world.judge(|name| match name.strip_prefix("user") {
        Some(number) if number < "45" => Verdict::Deny(Denial::for_reason("no")),
        _ => Verdict::Allow,
    });
    world.by(ADMIN, invite(TOWN, ACME)).unwrap();
    world.ping(ACME);
    let before = world.host.lists_asked.get();
    world.settle();
    let lists = world.host.lists_asked.get() - before;
    // admin, ann and bob, and the sixty; of the first fifty, two lists were asked about.
    assert_eq!(asked.borrow().len(), 63);
    assert!(lists <= 6, "{lists}");
    assert!(
        !crowd[..45]
            .iter()
            .any(|it| world.members_there().contains(it))
    );
    assert_eq!(world.members_there().len(), 18);
    world.allow_all();
    world.settle();
    assert_eq!(world.members_there().len(), 63);
    assert!(world.exceptions().is_empty());
}

#[test]
fn a_denied_member_who_is_only_mentioned_holds_nothing_back() {
    let mut world = World::shared(PeerKind::Causeway);
    world.judge(deny("bob"));
    world.write(ANN, TOWN, "hello @bob");
    world.settle();
    world.expect_same();
    assert!(!world.peer.users.contains(&world.name_there(BOB)));
    assert_eq!(world.exceptions(), [ExceptionState::Denied]);
}

#[test]
fn a_mention_does_not_say_who_somebody_is_whose_profile_is_held_back() {
    let mut world = World::shared(PeerKind::Mattermost11);
    world.judge(deny("bob"));
    world.write(ANN, TOWN, "hello @bob and @admin");
    let mut sent = String::new();
    while let Some((_, frame)) = world.out.first() {
        sent.push_str(&String::from_utf8_lossy(frame));
        world.deliver_next();
    }
    assert!(sent.contains("hello @bob and @admin"), "{sent}");
    assert!(sent.contains(r#""mention_transforms":{"admin":"#), "{sent}");
    assert!(!sent.contains(&world.name_there(BOB)), "{sent}");
}

#[test]
fn a_profile_that_the_peer_need_not_get_any_more_is_not_tried_for_ever() {
    let mut world = World::shared(PeerKind::Causeway);
    world.judge(deny("bob"));
    world.write(ANN, TOWN, "hello @bob");
    world.settle();
    assert_eq!(world.exceptions(), [ExceptionState::Denied]);
    let workspace = world.get::<Connection>(&ACME).workspace;
    world.alter::<User>(&BOB, |user| user.origin = workspace);
    world.allow_all();
    world.settle();
    assert!(world.exceptions().is_empty());
}

#[test]
fn nobody_is_asked_where_no_policy_decides() {
    let mut world = World::shared(PeerKind::Causeway);
    world.judge(|_| panic!("asked"));
    world.change_policies([Gate::Post]);
    let post = world.write(ANN, TOWN, "hello");
    world.by(BOB, react(post, "tada")).unwrap();
    world.settle();
    world.expect_same();
}

fn offer_all(world: &mut World) {
    let settings = configure_sharing(|settings| {
        settings.all_users = true;
        settings.users_per_sync_max = 2;
    });
    world.output(Actor::System, None, settings);
}

pub(super) fn names(profiles: &[WireUser]) -> Vec<&str> {
    profiles.iter().map(|user| user.username.as_str()).collect()
}

#[test]
fn denied_people_are_not_offered_until_the_policies_change() {
    let mut world = World::connected(PeerKind::Causeway);
    let asked = world.judge(|name| match name {
        "ann" | "bob" => Verdict::Deny(Denial::for_reason("no")),
        _ => Verdict::ReviseProfile(ProfileRevision {
            nickname: Some("N.".into()),
            ..ProfileRevision::default()
        }),
    });
    offer_all(&mut world);
    let before = world.host.lists_asked.get();
    world.ping(ACME);
    let sent = world.sent_profiles();
    assert_eq!(names(&sent), ["admin", "eve"]);
    assert!(sent.iter().all(|user| user.nickname == "N."));
    assert_eq!(world.host.lists_asked.get() - before, 2, "two lists of two");
    // Nobody is asked again by itself.
    asked.borrow_mut().clear();
    for _ in 0..5 {
        world.now_ms += 3 * 3_600_000;
        world.ping(ACME);
        assert_eq!(world.sent_profiles(), []);
    }
    assert!(asked.borrow().is_empty());
    world.nick(ANN, "Annie");
    assert_eq!(world.sent_profiles(), []);
    assert_eq!(*asked.borrow(), ["ann"]);
    world.judge(deny("ann"));
    world.ping(ACME);
    assert_eq!(names(&world.sent_profiles()), ["bob"]);
    world.allow_all();
    world.ping(ACME);
    assert_eq!(names(&world.sent_profiles()), ["ann"]);
    assert!(world.exceptions().is_empty());
    world.allow_all();
    assert_eq!(world.sent_profiles(), []);
}

#[test]
fn people_whom_the_policies_failed_on_are_offered_later() {
    let mut world = World::connected(PeerKind::Causeway);
    let works = Rc::new(RefCell::new(false));
    let switch = works.clone();
    let asked = world.judge(move |name| match name == "admin" || *switch.borrow() {
        true => Verdict::Allow,
        false => Verdict::Failed("trapped".into()),
    });
    offer_all(&mut world);
    world.ping(ACME);
    assert_eq!(names(&world.sent_profiles()), ["admin"]);
    assert_eq!(asked.borrow().len(), 4);
    *works.borrow_mut() = true;
    world.settle();
    assert_eq!(world.peer.users.len(), 4);
    assert!(world.exceptions().is_empty());
}

pub(super) fn direct_messages(world: &mut World) -> UserNo {
    let settings = configure_sharing(|settings| settings.direct = true);
    world.output(Actor::System, None, settings);
    let row = world.get::<Connection>(&ACME);
    let zed = User {
        origin: row.workspace,
        remote: Some(RemoteUser {
            username: "zed".into(),
            email: String::new(),
            original_remote_id: row.remote_id.into(),
            origin_update_at: 5,
        }),
        ..fixture::user(91, "zed:acme")
    };
    world.step(|tx| users::insert(tx, &zed))
}

#[test]
fn an_invitation_waits_for_the_profiles_of_its_people() {
    for fails in [false, true] {
        let mut world = World::connected(PeerKind::Causeway);
        let zed = direct_messages(&mut world);
        let is_bad = Rc::new(RefCell::new(true));
        let switch = is_bad.clone();
        let asked = world.judge(move |_| match (*switch.borrow(), fails) {
            (true, true) => Verdict::Failed("trapped".into()),
            (true, false) => Verdict::Deny(Denial::for_reason("no")),
            (false, _) => Verdict::ReviseProfile(ProfileRevision {
                without_email: true,
                ..ProfileRevision::default()
            }),
        });
        world.ping(ACME);
        let Ok(Object::Channel(direct)) = world.by(ANN, open_direct(zed)) else {
            panic!("not a channel")
        };
        world.write(ANN, direct, "hello");
        assert_eq!(world.sent_profiles(), []);
        assert_eq!(*asked.borrow(), ["ann"]);
        let link = world.get::<Link>(&(direct, ACME));
        assert_eq!(link.state, LinkState::Inviting);
        *is_bad.borrow_mut() = false;
        if fails {
            world.now_ms += HELD_RETRY_MS;
        } else {
            world.change_policies([Gate::Profile]);
        }
        world.ping(ACME);
        let sent = world.sent_profiles();
        // With the invitation, and in the channel.
        assert_eq!(names(&sent), ["ann", "ann"]);
        assert!(sent.iter().all(|user| user.email.is_empty()));
        assert_eq!(world.peer.posts.len(), 1);
        assert!(world.exceptions().is_empty());
    }
}
