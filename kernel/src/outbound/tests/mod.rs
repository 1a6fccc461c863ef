//! Sending to a modelled peer.

mod acknowledgements;
mod allow_list;
mod consent;
mod delivery;
mod directory;
mod endings;
mod file_gate;
mod files;
mod gates;
mod history;
mod interruptions;
mod links;
mod lost;
mod many_profiles;
mod memberships;
mod mention_gate;
mod pictures;
mod priorities;
mod profiles_at_the_gate;
mod properties;
mod rounds;
mod statuses;
mod switched_off;
mod withheld_people;

use std::collections::BTreeSet;

use super::*;
use crate::boundary::input::{Incarnation, Input, SendOutcome};
use crate::boundary::policy::{Denial, Gates, Question, Revision, TextLeaf, Verdict};
use crate::model::limits::{MESSAGE_CHARS_MAX, PROPS_BYTES_MAX, RESEND_INTERVAL_MS};
use crate::model::{
    Connection, ConnectionState, Exception, ExceptionState, Job, Link, LinkState, Post, reasons,
};
use crate::rows::id::Id;
use crate::testing::acts::{
    acknowledge, configure_sharing, delete, edit, edit_with, invite, post_with, react,
    remove_connection, take_back, withdraw,
};
use crate::testing::{ACME, ADMIN, ANN, TEAM_OF_THE_PEER, TOWN, World};
use crate::wire::response::{SyncResponse, encode_fail, encode_ok};

#[test]
fn a_channel_is_offered_in_the_team_that_the_peer_named() {
    let mut world = World::connected(PeerKind::Mattermost2021);
    world.by(ADMIN, invite(TOWN, ACME)).unwrap();
    world.ping(ACME);
    let (_, frame) = world.out.first().unwrap();
    let frame = String::from_utf8(frame.clone()).unwrap();
    assert!(frame.contains("sharedchannel_invite"), "{frame}");
    assert!(frame.contains(TEAM_OF_THE_PEER), "{frame}");
}

#[test]
fn what_was_stored_before_it_was_refused_goes_out_as_every_server_can_store_it() {
    let mut world = World::shared(PeerKind::Causeway);
    world.write(ANN, TOWN, "on its way");
    // Waits for the receipt of the first.
    let waiting = world.write(ANN, TOWN, "text");
    world.alter::<Post>(&waiting, |post| {
        post.message = "a\0b".into();
        post.props = r#"{"n":1e999}"#.into();
    });
    let mut sent = String::new();
    while let Some((_, frame)) = world.out.first() {
        sent.push_str(&String::from_utf8_lossy(frame));
        world.deliver_next();
    }
    assert!(sent.contains(r#""message":"a\ufffdb""#), "{sent}");
    assert!(sent.contains(r#""props":{"n":"1e999"}"#), "{sent}");
}

#[test]
fn what_is_posted_while_the_invitation_is_out_arrives_too() {
    let mut world = World::connected(PeerKind::Causeway);
    let old = world.write(ANN, TOWN, "from before");
    world.by(ADMIN, invite(TOWN, ACME)).unwrap();
    let post = world.write(ANN, TOWN, "during");
    world.ping(ACME);
    world.settle();
    assert_eq!(world.peer.posts.len(), 1);
    // A reply is sent with its old root, a reaction with its old post.
    world.reply(ANN, old, "reply");
    world.by(ANN, react(post, "tada")).unwrap();
    world.settle();
    world.expect_same();
    assert_eq!(world.peer.posts.len(), 3);
    assert_eq!(world.peer.reactions.len(), 1);
}

#[test]
fn a_backlog_goes_in_full_batches_and_in_order() {
    let mut world = World::shared(PeerKind::Causeway);
    world.write(ANN, TOWN, "first");
    world.settle();
    world.peer.batches.clear();
    for n in 0..131 {
        world.write(ANN, TOWN, &format!("post {n}"));
    }
    world.settle();
    world.expect_same();
    // The first is sent at once; the others gather meanwhile.
    assert_eq!(world.peer.batches, [1, 50, 50, 30]);
}

#[test]
fn lost_answers_restarts_and_late_receipts_lose_and_double_nothing() {
    let mut world = World::shared(PeerKind::Causeway);
    let post = world.write(ANN, TOWN, "one");
    let (first, frame) = world.out.remove(0);
    world.take(&frame);
    world.receipt(ACME, first, SendOutcome::Unknown);
    world.by(ANN, edit(post, "two")).unwrap();
    world.run(Input::Resume);
    // The receipt of an attempt that is over changes nothing.
    world.receipt(
        ACME,
        first,
        SendOutcome::Answered(encode_ok(Some(&SyncResponse::default()))),
    );
    world.settle();
    let again = world.write(ANN, TOWN, "three");
    world.run(Input::Resume);
    world.by(ANN, delete(again)).unwrap();
    world.out.clear();
    world.run(Input::Resume);
    world.settle();
    world.expect_same();
}

#[test]
fn a_toggle_is_told_of_a_state_at_most_once() {
    let mut world = World::shared(PeerKind::Mattermost11);
    let post = world.write(ANN, TOWN, "one");
    world.settle();
    world.by(ANN, react(post, "tada")).unwrap();
    let (attempt, frame) = world.out.remove(0);
    world.take(&frame);
    world.receipt(ACME, attempt, SendOutcome::Unknown);
    world.settle();
    world.expect_same();
    assert_eq!(world.get::<Connection>(&ACME).unknown_reactions, 1);
    // What certainly did not arrive is sent again; the removal of what the peer has, once.
    world.by(ANN, take_back(post, ANN, "tada")).unwrap();
    let (attempt, _) = world.out.remove(0);
    world.receipt(ACME, attempt, SendOutcome::NeverLeft);
    world.settle();
    world.expect_same();
    assert!(world.peer.reactions.is_empty());
}

#[test]
fn a_refused_post_is_tried_again_and_then_given_up_visibly() {
    let mut world = World::shared(PeerKind::Causeway);
    world.write(ANN, TOWN, "fine");
    world.settle();
    let bad = world.write(ANN, TOWN, "refused");
    let id = world.get::<Post>(&bad).id.to_string();
    let refusal = SyncResponse {
        post_errors: vec![id],
        ..SyncResponse::default()
    };
    let mut sends = 0;
    let mut told = Vec::new();
    for _ in 0..400 {
        if let Some((attempt, _)) = world.out.pop() {
            sends += 1;
            world.receipt(
                ACME,
                attempt,
                SendOutcome::Answered(encode_ok(Some(&refusal))),
            );
            told.extend(world.ephemeral());
        }
        world.now_ms += 2_000;
        world.run(Input::Timer);
        if world.now_ms % 60_000 < 2_100 {
            world.ping(ACME);
        }
    }
    assert_eq!(sends, 5);
    assert_eq!(world.exceptions(), [ExceptionState::Dead]);
    assert_eq!(world.get::<Link>(&(TOWN, ACME)).dead_letters, 1);
    let [(TOWN, ANN, text)] = &told[..] else {
        panic!("{told:?}");
    };
    assert!(
        text.starts_with("Your message `refused` has not reached `ACME`"),
        "{text}"
    );
    // A new version of the post is a new item.
    world.by(ANN, edit(bad, "better")).unwrap();
    world.settle();
    world.expect_same();
    assert!(world.exceptions().is_empty());
}

#[test]
fn a_refused_reply_to_a_post_of_the_peers_own_tells_of_its_restore() {
    let mut world = World::shared(PeerKind::Causeway);
    let ours = world.write(ANN, TOWN, "ours");
    let theirs = world.write(ANN, TOWN, "theirs");
    world.settle();
    let peer = world.get::<Connection>(&ACME).workspace;
    world.alter::<Post>(&theirs, |post| post.origin = peer);
    for (root, reason) in [
        (ours, reasons::NAMED_POST),
        (theirs, reasons::NAMED_REPLY_TO_ITS_OWN),
    ] {
        let reply = world.reply(ANN, root, "an answer");
        let refusal = SyncResponse {
            post_errors: vec![world.get::<Post>(&reply).id.to_string()],
            ..SyncResponse::default()
        };
        world.answer_next(encode_ok(Some(&refusal)));
        let rows = world.host.prefix::<Exception, ()>(&(), 10);
        assert_eq!(
            rows.last().map(|(_, row)| row.reason.as_str()),
            Some(reason)
        );
    }
}

#[test]
fn a_reaction_whose_post_the_peer_has_not_yet_is_told_again() {
    let mut world = World::shared(PeerKind::Causeway);
    let post = world.write(ANN, TOWN, "lost by the peer in a restore");
    world.settle();
    world.by(ANN, react(post, "tada")).unwrap();
    let id = world.get::<Post>(&post).id.to_string();
    let not_yet = SyncResponse {
        reaction_errors: vec![id],
        ..SyncResponse::default()
    };
    world.answer_next(encode_ok(Some(&not_yet)));
    assert!(world.peer.reactions.is_empty());
    world.now_ms += 60_000;
    world.settle();
    world.expect_same();
    assert_eq!(world.peer.reactions.len(), 1);
}

#[test]
fn a_deletion_that_a_causeway_could_not_take_is_told_again() {
    for (kind, is_told_again) in [
        (PeerKind::Causeway, true),
        (PeerKind::Mattermost2021, false),
    ] {
        let mut world = World::shared(kind);
        let post = world.write(ANN, TOWN, "to be deleted");
        world.settle();
        world.by(ANN, delete(post)).unwrap();
        let id = world.get::<Post>(&post).id.to_string();
        let not_taken = SyncResponse {
            post_errors: vec![id.clone()],
            ..SyncResponse::default()
        };
        world.answer_next(encode_ok(Some(&not_taken)));
        world.now_ms += 60_000;
        world.settle();
        assert_eq!(world.peer.posts[&id].1, is_told_again, "{kind:?}");
    }
}

#[test]
fn the_longest_post_that_may_be_written_fits_into_a_frame() {
    let mut world = World::shared(PeerKind::Causeway);
    let props = format!("{{\"a\":\"{}\"}}", "x".repeat(PROPS_BYTES_MAX - 8));
    assert_eq!(props.len(), PROPS_BYTES_MAX);
    let message = "<".repeat(MESSAGE_CHARS_MAX);
    let longest = post_with(TOWN, None, &message, |post| post.props = props);
    world.by(ANN, longest).unwrap();
    world.settle();
    world.expect_same();
    assert_eq!(world.exceptions(), []);
}

#[test]
fn a_message_refused_as_a_whole_is_halved_and_nothing_of_it_is_lost() {
    let mut world = World::shared(PeerKind::Causeway);
    world.write(ANN, TOWN, "profile goes first");
    world.settle();
    for n in 0..8 {
        world.write(ANN, TOWN, &format!("post {n}"));
    }
    for _ in 0..3 {
        while let Some((attempt, _)) = world.out.pop() {
            let fail = encode_fail("database is tired");
            world.receipt(ACME, attempt, SendOutcome::Answered(fail));
        }
        world.now_ms += 10_000;
        world.run(Input::Timer);
    }
    world.settle();
    world.expect_same();
}

#[test]
fn what_policies_deny_or_fail_on_stays_until_they_change() {
    let mut world = World::shared(PeerKind::Causeway);
    world.host.policy = Some(Box::new(|question: &Question<'_>| {
        let Some(post) = question.post() else {
            return Verdict::Allow;
        };
        match post.message {
            "secret" => Verdict::Deny(Denial::for_reason("a word")),
            "unsure" => Verdict::Failed("trapped".into()),
            "loud" => Verdict::Revise(Revision::of_message("quiet".into())),
            _ => Verdict::Allow,
        }
    }));
    let secret = world.write(ANN, TOWN, "secret");
    world.reply(ANN, secret, "reply to it");
    world.by(ANN, react(secret, "tada")).unwrap();
    world.write(ANN, TOWN, "unsure");
    let loud = world.write(ANN, TOWN, "loud");
    for _ in 0..20 {
        world.deliver_next();
    }
    let loud_id = world.get::<Post>(&loud).id.to_string();
    assert_eq!(world.peer.posts.len(), 1);
    assert_eq!(world.peer.posts[&loud_id].0, "quiet");
    world.host.policy = None;
    world.by(ANN, edit(loud, "plain")).unwrap();
    world.run(Input::PolicyChanged {
        chain: String::new(),
        what: String::new(),
        gates: Some(Gates::ALL),
    });
    world.settle();
    world.expect_same();
    assert!(world.exceptions().is_empty());
}

#[test]
fn policies_see_and_revise_the_texts_of_the_properties_on_the_way_out() {
    let mut world = World::shared(PeerKind::Causeway);
    world.host.policy = Some(Box::new(|question: &Question<'_>| {
        let Question::Post(post) = question else {
            return Verdict::Allow;
        };
        let texts = post.texts.iter().flatten();
        let secret = texts.filter(|leaf| leaf.text == "secret");
        let texts: Vec<TextLeaf> = secret
            .map(|leaf| TextLeaf {
                path: leaf.path.clone(),
                text: "***".into(),
            })
            .collect();
        let message = None;
        match texts.as_slice() {
            [] => Verdict::Allow,
            _ => Verdict::Revise(Revision { message, texts }),
        }
    }));
    let post = world.write(ANN, TOWN, "look");
    world.settle();
    let props = r#"{"card":"secret","n":1}"#;
    let edit = edit_with(post, |edit| edit.props = Some(props.into()));
    world.by(ANN, edit).unwrap();
    let (_, frame) = world.out.last().unwrap();
    let frame = String::from_utf8_lossy(frame);
    assert!(
        frame.contains("***") && !frame.contains("secret"),
        "{frame}"
    );
    let held = world.get::<Post>(&post);
    assert!(held.props.contains("secret"), "it stays as it was written");
}

#[test]
fn a_peer_that_says_no_longer_shared_ends_the_link() {
    let mut world = World::shared(PeerKind::Causeway);
    world.write(ANN, TOWN, "one");
    world.answer_next(encode_fail(
        "cannot process; channel is no longer shared: x",
    ));
    let link = world.get::<Link>(&(TOWN, ACME));
    assert_eq!(link.state, LinkState::Ended);
    world.write(ANN, TOWN, "two");
    assert!(world.out.is_empty());
}

fn incarnation(number: u8) -> Option<Incarnation> {
    Some(Incarnation {
        id: Id::from_uuid_bytes([number; 16]),
        number: u32::from(number),
    })
}

#[test]
fn a_peer_in_another_incarnation_at_each_ping_is_sent_everything_once_a_minute() {
    let mut world = World::shared(PeerKind::Causeway);
    world.write(ANN, TOWN, "post");
    world.settle();
    let mut jobs = BTreeSet::new();
    let begun_ms = world.now_ms;
    for number in 1..=60 {
        world.ping_answered(ACME, incarnation(number));
        world.run(Input::Timer);
        let rows = world.host.prefix::<Job, ()>(&(), 99).into_iter();
        jobs.extend(rows.map(|(number, _)| number));
        world.now_ms += RESEND_INTERVAL_MS / 20;
    }
    let minutes = (world.now_ms - begun_ms) / RESEND_INTERVAL_MS;
    assert!(
        !jobs.is_empty() && jobs.len() as i64 <= minutes + 1,
        "{jobs:?}"
    );
}

#[test]
fn a_peer_that_answers_a_ping_is_tried_again_within_a_second_however_often_it_failed_before() {
    use crate::model::limits::BACKOFF_FIRST_MS;
    let mut world = World::shared(PeerKind::Causeway);
    world.write(ANN, TOWN, "one");
    let fail = |world: &mut World| {
        let (attempt, _) = world.out.remove(0);
        world.receipt(ACME, attempt, SendOutcome::NeverLeft);
        let connection = world.get::<Connection>(&ACME);
        connection.retry_at - world.now_ms
    };
    let mut pause_ms = 0;
    for _ in 0..9 {
        pause_ms = fail(&mut world);
        world.now_ms += pause_ms;
        world.run(Input::Timer);
    }
    assert!(pause_ms > 20 * BACKOFF_FIRST_MS);
    fail(&mut world);
    world.ping(ACME);
    assert!(fail(&mut world) <= BACKOFF_FIRST_MS);
    // Pauses grow again from there.
    world.now_ms += BACKOFF_FIRST_MS;
    world.run(Input::Timer);
    assert!(fail(&mut world) > BACKOFF_FIRST_MS / 2);
}

#[test]
fn a_restored_peer_is_sent_everything_again() {
    let mut world = World::shared(PeerKind::Causeway);
    for n in 0..60 {
        world.write(ANN, TOWN, &format!("post {n}"));
    }
    world.settle();
    for number in [1, 2] {
        world.ping_answered(ACME, incarnation(number));
        if number == 1 {
            world.settle();
            world.peer.posts.clear();
            world.peer.users.clear();
        }
    }
    world.settle();
    world.expect_same();
}
