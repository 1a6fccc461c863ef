//! What is said of how posts stand at a peer.

use super::*;
use crate::boundary::input::Actor;
use crate::boundary::policy::Denial;
use crate::model::limits::{ITEM_ATTEMPTS_MAX, ONLINE_MS};
use crate::model::{History, Suspended};
use crate::outbound::delivery::{
    Change, Delivery, HISTORY_ROWS_MAX, NotSent, Peer, Standing, Undelivered, Wait, at_peer, peers,
    undelivered,
};
use crate::rows::id::{PostNo, UserNo};
use crate::sharing::link;
use crate::testing::acts::{invite_with, uninvite};
use crate::testing::{BOB, OTHER};
use crate::wire::response::AWAITS_CONSENT;

impl World {
    fn peers(&self) -> Vec<Peer> {
        peers(&self.host, TOWN, |_, row| {
            connection::is_online(row, self.now_ms)
        })
    }

    /// How a post stands at the peer behind [`ACME`].
    pub(super) fn delivery(&self, no: PostNo) -> Delivery {
        self.delivery_to(ACME, no)
    }

    fn delivery_to(&self, connection: ConnectionNo, no: PostNo) -> Delivery {
        let peers = self.peers();
        let peer = peers.iter().find(|peer| peer.no == connection).unwrap();
        let post = self.get::<Post>(&no);
        at_peer(&self.host, peer, (no, &post), self.now_ms)
    }

    pub(super) fn undelivered(&self, author: UserNo) -> Undelivered {
        undelivered(&self.host, (TOWN, author), &self.peers(), self.now_ms)
    }

    /// The numbers of an author's posts that are not yet everywhere.
    pub(super) fn listed(&self, author: UserNo) -> Vec<PostNo> {
        let found = self.undelivered(author).posts;
        found.into_iter().map(|(no, ..)| no).collect()
    }

    fn expect(&self, no: PostNo, standing: Standing, pending: Option<Change>) {
        let found = self.delivery(no);
        assert_eq!((found.standing, found.pending), (standing, pending));
    }

    fn expect_delivered(&self, no: PostNo) {
        self.expect(no, Standing::Delivered, None);
        assert_eq!(self.listed(ANN), []);
    }

    fn excepted(&self, no: PostNo) -> (ExceptionState, String) {
        match self.delivery(no).standing {
            Standing::Excepted(row) => (row.state, row.reason),
            other => panic!("{other:?}"),
        }
    }

    /// No message goes to the peer, which is not reached any more.
    fn go_offline(&mut self) {
        while let Some((attempt, _)) = self.out.pop() {
            self.receipt(ACME, attempt, SendOutcome::NeverLeft);
        }
        self.now_ms += ONLINE_MS + 60_000;
    }
}

#[test]
fn a_post_is_sent_and_then_delivered() {
    let mut world = World::shared(PeerKind::Causeway);
    world.write(ANN, TOWN, "the profile goes first");
    world.settle();
    let post = world.write(ANN, TOWN, "hello");
    let next = world.write(ANN, TOWN, "next");
    world.expect(post, Standing::Sending, Some(Change::Post));
    world.expect(next, Standing::Waiting(Wait::Turn), Some(Change::Post));
    assert_eq!(world.listed(ANN), [next, post]);
    assert_eq!(world.listed(BOB), []);
    world.settle();
    world.expect_delivered(post);
    world.expect_delivered(next);
}

#[test]
fn an_edit_and_a_deletion_wait_for_a_peer_that_is_away_and_it_may_show_what_was_before() {
    let mut world = World::shared(PeerKind::Causeway);
    let edited = world.write(ANN, TOWN, "edited later");
    let deleted = world.write(ANN, TOWN, "deleted later");
    world.settle();
    let seen_ms = world.get::<Connection>(&ACME).last_ping_at;
    world.go_offline();
    let new = world.write(ANN, TOWN, "new");
    world.by(ANN, edit(edited, "edited")).unwrap();
    world.by(ANN, edit(new, "new and edited")).unwrap();
    world.by(ANN, delete(deleted)).unwrap();
    let away = Standing::Waiting(Wait::Offline(seen_ms));
    for (post, change, may_hold_earlier) in [
        (edited, Change::Edit, true),
        (new, Change::Edit, false),
        (deleted, Change::Deletion, true),
    ] {
        world.expect(post, away.clone(), Some(change));
        assert_eq!(world.delivery(post).may_hold_earlier, may_hold_earlier);
    }
    assert_eq!(world.listed(ANN), [new, deleted, edited]);
    world.ping(ACME);
    world.settle();
    for post in [edited, new, deleted] {
        world.expect_delivered(post);
    }
}

#[test]
fn replies_that_were_deleted_with_their_root_stand_like_its_deletion() {
    let mut world = World::shared(PeerKind::Causeway);
    let root = world.write(ANN, TOWN, "root");
    let reply = world.reply(ANN, root, "reply");
    world.settle();
    world.go_offline();
    world.by(ANN, delete(root)).unwrap();
    let found = world.delivery(reply);
    assert_eq!(found.pending, Some(Change::Deletion));
    assert!(matches!(
        found.standing,
        Standing::Waiting(Wait::Offline(_))
    ));
    world.ping(ACME);
    world.settle();
    world.expect_delivered(reply);
}

#[test]
fn what_keeps_everything_from_a_peer_is_named() {
    let mut world = World::connected(PeerKind::Causeway);
    world.by(ADMIN, invite(TOWN, ACME)).unwrap();
    world.ping(ACME);
    let post = world.write(ANN, TOWN, "hello");
    let waits = |world: &World, wait| {
        world.expect(post, Standing::Waiting(wait), Some(Change::Post));
        assert_eq!(world.listed(ANN), [post]);
    };
    waits(&world, Wait::Invitation);
    world.answer_next(encode_fail(AWAITS_CONSENT));
    waits(&world, Wait::Consent);
    world.step(|tx| link::accepted(tx, TOWN, ACME));
    world.ping(ACME);
    world.settle();
    world.expect_delivered(post);
    // As if it had just been written.
    world.alter::<Link>(&(TOWN, ACME), |link| link.cursor.seq = link.feed_from);
    waits(&world, Wait::Turn);
    let at_ms = world.now_ms + 60_000;
    world.alter::<Connection>(&ACME, |row| row.retry_at = at_ms);
    waits(&world, Wait::Failures(at_ms));
    world.alter::<Link>(&(TOWN, ACME), |link| link.retry_at = at_ms + 1);
    waits(&world, Wait::ChannelRefused(at_ms + 1));
    world.alter::<Connection>(&ACME, |row| row.last_ping_at = 0);
    waits(&world, Wait::Offline(0));
    world.alter::<Connection>(&ACME, |row| row.suspended = Some(Suspended::Restored));
    waits(&world, Wait::Restored);
    world.alter::<Connection>(&ACME, |row| row.state = ConnectionState::Confirming);
    waits(&world, Wait::Unconfirmed);
    let off = configure_sharing(|it| it.channels = false);
    world.output(Actor::System, None, off);
    waits(&world, Wait::SwitchedOff);
}

#[test]
fn what_policies_keep_back_is_named_with_what_waits_for_it() {
    let mut world = World::shared(PeerKind::Causeway);
    world.host.policy = Some(Box::new(|question: &Question<'_>| {
        match question.post().map_or("", |post| post.message) {
            "secret" => Verdict::Deny(Denial::for_reason("a word")),
            "unsure" => Verdict::Failed("trapped".into()),
            _ => Verdict::Allow,
        }
    }));
    let secret = world.write(ANN, TOWN, "secret");
    let unsure = world.write(ANN, TOWN, "unsure");
    let reply = world.reply(ANN, unsure, "reply");
    for _ in 0..20 {
        world.deliver_next();
    }
    let held = ExceptionState::Held;
    assert_eq!(
        world.excepted(secret),
        (ExceptionState::Denied, "a word".into())
    );
    assert_eq!(world.excepted(unsure), (held.clone(), "trapped".into()));
    assert_eq!(world.excepted(reply), (held, reasons::NO_POST.into()));
    assert_eq!(world.listed(ANN), [reply, unsure, secret]);
    // An edit is another version, of which nothing is known yet.
    world.go_offline();
    world.by(ANN, edit(secret, "open")).unwrap();
    let found = world.delivery(secret);
    assert!(matches!(
        found.standing,
        Standing::Waiting(Wait::Offline(_))
    ));
    assert_eq!(found.pending, Some(Change::Edit));
}

#[test]
fn what_a_peer_refuses_is_named_with_its_words_until_it_is_given_up() {
    let mut world = World::shared(PeerKind::Causeway);
    let post = world.write(ANN, TOWN, "the profile");
    world.settle();
    let mut refusals = 0;
    let refused = world.write(ANN, TOWN, "refused");
    while refusals < ITEM_ATTEMPTS_MAX {
        if world.out.is_empty() {
            world.now_ms += 60_000;
            world.ping(ACME);
            world.run_due();
            continue;
        }
        world.answer_next(encode_fail("no room"));
        refusals = match world.delivery(refused).standing {
            Standing::Excepted(row) => match row.state {
                ExceptionState::Refused(times) => times,
                ExceptionState::Dead => ITEM_ATTEMPTS_MAX,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        };
    }
    assert_eq!(
        world.excepted(refused),
        (ExceptionState::Dead, "no room".into())
    );
    assert_eq!(world.delivery(refused).pending, Some(Change::Post));
    assert_eq!(world.listed(ANN), [refused]);
    world.expect(post, Standing::Delivered, None);
}

#[test]
fn a_mattermosts_post_waits_for_its_file_and_a_causeways_file_for_its_turn() {
    let mut world = World::with_known_author(PeerKind::Mattermost11);
    let post = world.write_with_files(&[1]);
    let held = (ExceptionState::Held, reasons::FILES_FIRST.to_string());
    assert_eq!(world.excepted(post), held);
    let files = world.delivery(post).files;
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].0, world.get::<Post>(&post).files[0]);
    world.settle();
    world.expect_delivered(post);

    let mut world = World::with_known_author(PeerKind::Causeway);
    let post = world.write_with_files(&[1]);
    while world.sent_bytes.is_empty() || !world.out.is_empty() {
        assert!(world.deliver_next());
    }
    world.expect(post, Standing::Delivered, None);
    assert_eq!(world.delivery(post).files.len(), 1);
    assert_eq!(world.listed(ANN), [post]);
    world.settle();
    world.expect_delivered(post);
}

#[test]
fn posts_from_before_the_sharing_wait_with_the_history_or_stay() {
    for (history, is_sent) in [(History::Everything, true), (History::Nothing, false)] {
        let mut world = World::connected(PeerKind::Causeway);
        let old = world.write(ANN, TOWN, "from before");
        world.by(ADMIN, invite_with(TOWN, ACME, history)).unwrap();
        world.ping(ACME);
        let stays = Standing::NotSent(NotSent::BeforeSharing);
        if is_sent {
            let waits = Standing::Waiting(Wait::Invitation);
            world.expect(old, waits, Some(Change::Post));
            assert_eq!(world.listed(ANN), [old]);
            world.deliver_next();
            let waits = Standing::Waiting(Wait::History);
            world.expect(old, waits, Some(Change::Post));
            assert_eq!(world.listed(ANN), [old]);
            world.settle();
            world.expect_delivered(old);
        } else {
            world.settle();
            world.expect(old, stays, None);
            assert_eq!(world.listed(ANN), []);
            // A reply brings it along.
            world.reply(ANN, old, "a reply");
            world.settle();
            world.expect_delivered(old);
        }
        let again = world.write(ANN, TOWN, "after it");
        world.by(ADMIN, uninvite(TOWN, ACME)).unwrap();
        assert!(world.peers().is_empty(), "it is shared with nobody");
        assert!(world.undelivered(ANN).posts.is_empty(), "{again:?}");
    }
}

#[test]
fn a_long_history_may_hold_more_than_is_looked_at() {
    let mut world = World::connected(PeerKind::Causeway);
    for n in 0..HISTORY_ROWS_MAX {
        world.write(BOB, TOWN, &format!("post {n}"));
    }
    world.write(ANN, TOWN, "the last one");
    let history = History::Everything;
    world.by(ADMIN, invite_with(TOWN, ACME, history)).unwrap();
    let found = world.undelivered(ANN);
    assert!(found.posts.is_empty() && found.has_more);
    world.ping(ACME);
    world.settle();
    assert!(!world.undelivered(ANN).has_more);
}

#[test]
fn each_peer_is_looked_at_by_itself_and_what_came_from_one_is_not_owed_to_it() {
    let mut world = World::with_peers_of_today();
    let channel = world.channel_no("joint").unwrap();
    let of_ann = world.post_no("pann").unwrap();
    let post = world.get::<Post>(&of_ann);
    let found = peers(&world.host, channel, |_, _| false);
    let stand = |peer| at_peer(&world.host, peer, (of_ann, &post), world.now_ms).standing;
    let stands: Vec<(ConnectionNo, Standing)> =
        found.iter().map(|peer| (peer.no, stand(peer))).collect();
    let waits = Standing::Waiting(Wait::Offline(0));
    assert_eq!(stands, [(ACME, Standing::Origin), (OTHER, waits)]);
    // A moderator here decides for this workspace alone.
    let boss = world.user_no("boss").unwrap();
    world.by(boss, delete(of_ann)).unwrap();
    let post = world.get::<Post>(&of_ann);
    let stand = at_peer(&world.host, &found[1], (of_ann, &post), world.now_ms);
    assert_eq!(stand.standing, Standing::NotSent(NotSent::Moderated));
    assert!(!stand.is_outstanding());
}

#[test]
fn what_stays_in_its_workspace_is_owed_to_nobody() {
    let mut world = World::shared(PeerKind::Causeway);
    let post = world.write(ANN, TOWN, "header");
    world.settle();
    world.alter::<Post>(&post, |post| post.kind = "system_header_change".into());
    world.expect(post, Standing::NotSent(NotSent::Local), None);
}

#[test]
fn a_list_is_bounded_and_says_that_there_is_more() {
    let mut world = World::shared(PeerKind::Causeway);
    world.write(ANN, TOWN, "the profile");
    world.settle();
    world.go_offline();
    let mut posts = Vec::new();
    for n in 0..60 {
        posts.push(world.write(ANN, TOWN, &format!("post {n}")));
        world.write(BOB, TOWN, "by another");
    }
    let found = world.undelivered(ANN);
    assert!(found.has_more);
    let listed = world.listed(ANN);
    let newest: Vec<PostNo> = posts.iter().rev().take(50).copied().collect();
    assert_eq!(listed, newest);
    world.ping(ACME);
    world.settle();
    let found = world.undelivered(ANN);
    assert!(found.posts.is_empty() && !found.has_more);
}
