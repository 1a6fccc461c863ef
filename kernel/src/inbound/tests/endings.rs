//! A peer no longer shares a channel.

use super::*;
use crate::boundary::output::Event;
use crate::wire::response::{NO_LONGER_SHARED, encode_fail, encode_ok};

/// A workspace to which `acme`, a Causeway, has offered `lounge`.
fn guest() -> World {
    let mut world = World::with_peers_of_today();
    world.alter::<Connection>(&ACME, |row| row.kind = PeerKind::Causeway);
    assert_eq!(world.invited(ACME, invite("lounge", "lounge")), accepted());
    world
}

/// `acme` says that it no longer shares a channel.
fn tell(world: &mut World, letters: &str) -> Value {
    let payload = json!({"channel_id": id(letters), "is_shared": false});
    world.message(ACME, "sharedchannel_state", payload)
}

/// `acme` no longer shares a channel, and says so.
fn unshare(world: &mut World, letters: &str) {
    assert_eq!(tell(world, letters), accepted());
    asked(world, &encode_fail(NO_LONGER_SHARED));
}

/// Delivers what is out to `acme`, up to the question whether it shares a channel, to which it gives this answer.
fn asked(world: &mut World, answer: &[u8]) {
    world.ping(ACME);
    let mut is_question = false;
    while !is_question && !world.out.is_empty() {
        let (attempt, frame) = world.out.remove(0);
        let text = String::from_utf8_lossy(&frame);
        is_question = text.contains("sharedchannel_state");
        assert!(
            !is_question || text.contains(r#""is_shared":true"#),
            "{text}"
        );
        let answer = if is_question {
            answer.to_vec()
        } else {
            encode_ok(None)
        };
        world.receipt(ACME, attempt, SendOutcome::Answered(answer));
    }
}

/// The peer takes everything that waits for it.
fn come_to_rest(world: &mut World) {
    world.ping(ACME);
    while let Some((attempt, _)) = world.out.pop() {
        world.receipt(ACME, attempt, SendOutcome::Answered(encode_ok(None)));
    }
}

#[test]
fn an_end_that_is_out_of_date_ends_nothing() {
    let mut world = guest();
    tell(&mut world, "lounge");
    asked(&mut world, &encode_ok(None));
    assert_eq!(world.link("lounge", ACME).unwrap().state, LinkState::Active);
}

fn is_archived(world: &World, letters: &str) -> bool {
    world.channel(letters).unwrap().delete_at != 0
}

fn notices(world: &World, letters: &str) -> Vec<String> {
    let channel = world.channel_no(letters).unwrap();
    let texts = world.notices(channel).into_iter();
    texts.map(|(_, text, _)| text).collect()
}

#[test]
fn a_channel_is_archived_with_its_home_and_back_when_it_is_shared_again() {
    let mut world = guest();
    let lounge = world.channel_no("lounge").unwrap();
    unshare(&mut world, "lounge");
    let link = world.link("lounge", ACME).unwrap();
    assert_eq!(link.end, Some(LinkEnd::Peer));
    assert!(is_archived(&world, "lounge"));
    assert!(world.events().contains(&Event::ChannelDeleted(lounge)));
    let told = notices(&world, "lounge");
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(told[1], "This channel is no longer shared.");
    assert!(told[2].starts_with("It is archived here"), "{told:?}");
    let write = acts::post(lounge, None, "hello?");
    assert_eq!(world.refusal(ADMIN, write.clone()).0, 400);
    // Told twice, nothing more happens.
    let before = world.host.tables.clone();
    assert_eq!(tell(&mut world, "lounge"), accepted());
    assert_eq!(world.host.tables, before);
    assert_eq!(world.invited(ACME, invite("lounge", "lounge")), accepted());
    assert!(world.events().contains(&Event::ChannelRestored(lounge)));
    assert!(!is_archived(&world, "lounge"));
    world.by(ADMIN, write).unwrap();
}

#[test]
fn what_was_archived_here_before_stays_as_it_was() {
    let mut world = guest();
    let lounge = world.channel_no("lounge").unwrap();
    world.by(ADMIN, acts::archive(lounge)).unwrap();
    let at = world.channel("lounge").unwrap().delete_at;
    unshare(&mut world, "lounge");
    assert_eq!(world.channel("lounge").unwrap().delete_at, at);
    let told = notices(&world, "lounge");
    assert_eq!(told.last().unwrap(), "This channel is no longer shared.");
}

#[test]
fn it_is_not_opened_by_the_peer_either() {
    let mut world = guest();
    let lounge = world.channel_no("lounge").unwrap();
    world.by(ADMIN, acts::archive(lounge)).unwrap();
    world.now_ms += 1;
    unshare(&mut world, "lounge");
    assert_eq!(world.invited(ACME, invite("lounge", "lounge")), accepted());
    assert!(is_archived(&world, "lounge"));
}

#[test]
fn it_comes_back_over_another_connection_of_the_workspace() {
    let mut world = guest();
    unshare(&mut world, "lounge");
    assert!(is_archived(&world, "lounge"));
    let again = world.connect_again("acme-again", ACME);
    let answer = world.invited(again, invite("lounge", "lounge"));
    assert_eq!(answer, accepted());
    assert!(!is_archived(&world, "lounge"));
}

#[test]
fn what_an_administrator_here_has_ended_meanwhile_is_left_as_it_is() {
    let mut world = guest();
    let lounge = world.channel_no("lounge").unwrap();
    world.ping(ACME);
    tell(&mut world, "lounge");
    world.by(ADMIN, acts::uninvite(lounge, ACME)).unwrap();
    while let Some((attempt, _)) = world.out.first().cloned() {
        world.out.remove(0);
        let answer = encode_fail(NO_LONGER_SHARED);
        world.receipt(ACME, attempt, SendOutcome::Answered(answer));
    }
    assert!(!is_archived(&world, "lounge"));
    let link = world.link("lounge", ACME).unwrap();
    assert_eq!(link.end, Some(LinkEnd::Here));
}

#[test]
fn an_answer_from_before_the_next_invitation_ends_nothing() {
    let mut world = guest();
    come_to_rest(&mut world);
    tell(&mut world, "lounge");
    world.ping(ACME);
    let (attempt, frame) = world.out.remove(0);
    assert!(String::from_utf8_lossy(&frame).contains("sharedchannel_state"));
    assert_eq!(world.invited(ACME, invite("lounge", "lounge")), accepted());
    let answer = encode_fail(NO_LONGER_SHARED);
    world.receipt(ACME, attempt, SendOutcome::Answered(answer));
    assert_eq!(world.link("lounge", ACME).unwrap().state, LinkState::Active);
}

#[test]
fn an_answer_to_an_earlier_question_does_not_count() {
    let mut world = guest();
    come_to_rest(&mut world);
    tell(&mut world, "lounge");
    world.ping(ACME);
    let (attempt, _) = world.out.remove(0);
    // The channel is shared when that is answered, and not when this is said.
    tell(&mut world, "lounge");
    world.receipt(ACME, attempt, SendOutcome::Answered(encode_ok(None)));
    asked(&mut world, &encode_fail(NO_LONGER_SHARED));
    assert_eq!(world.link("lounge", ACME).unwrap().state, LinkState::Ended);
}

#[test]
fn where_the_behaviour_is_not_in_force_such_messages_are_passed_over() {
    let mut world = World::with_peers();
    world.alter::<Connection>(&ACME, |row| row.kind = PeerKind::Causeway);
    let before = world.host.tables.clone();
    assert_eq!(tell(&mut world, "joint"), accepted());
    assert_eq!(world.host.tables, before);
}

#[test]
fn a_connection_can_keep_such_channels_and_mattermost_servers_archive_none() {
    for keeps in [true, false] {
        let mut world = guest();
        if keeps {
            world.by(ADMIN, acts::keep_removed(ACME, true)).unwrap();
        } else {
            world.alter::<Connection>(&ACME, |row| row.kind = PeerKind::Mattermost11);
        }
        unshare(&mut world, "lounge");
        assert!(!is_archived(&world, "lounge"));
        assert_eq!(world.link("lounge", ACME).unwrap().state, LinkState::Ended);
    }
}

#[test]
fn our_own_channel_stays_open_when_a_guest_leaves_it() {
    let mut world = guest();
    unshare(&mut world, "joint");
    assert_eq!(world.link("joint", ACME).unwrap().end, Some(LinkEnd::Peer));
    assert_eq!(world.link("joint", OTHER).unwrap().state, LinkState::Active);
    unshare(&mut world, "acmeonly");
    assert!(!world.channel("acmeonly").unwrap().shared);
    assert!(!is_archived(&world, "acmeonly"));
}

#[test]
fn nothing_happens_to_what_the_peer_does_not_share() {
    let mut world = guest();
    let before = world.host.tables.clone();
    for letters in ["otheronly", "secret", "nothing"] {
        assert_eq!(tell(&mut world, letters), accepted());
    }
    let odd = json!({"channel_id": "x"});
    assert_eq!(world.message(ACME, "sharedchannel_state", odd), accepted());
    assert_eq!(world.host.tables, before);
    let odd = world.message(ACME, "sharedchannel_state", json!({"channel_id": 7}));
    assert_eq!(odd["status"], "FAIL");
    assert_eq!(world.refused(), [("malformed".to_string(), 1)]);
}

#[test]
fn a_refused_message_has_the_same_consequences() {
    let mut world = guest();
    let lounge = world.channel_no("lounge").unwrap();
    world.ping(ACME);
    let write = acts::post(lounge, None, "hello");
    world.by(ADMIN, write).unwrap();
    while !is_archived(&world, "lounge") {
        let (attempt, frame) = world.out.remove(0);
        let is_about_it = String::from_utf8_lossy(&frame).contains(&id("lounge"));
        let answer = if is_about_it {
            encode_fail(NO_LONGER_SHARED)
        } else {
            encode_ok(None)
        };
        world.receipt(ACME, attempt, SendOutcome::Answered(answer));
    }
}
