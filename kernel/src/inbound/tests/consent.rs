//! Channels that peers offer to a workspace whose administrators want to be asked first.

use super::*;
use crate::boundary::output::Object;
use crate::model::limits::{
    CHANNEL_INVITATIONS_MAX, CHANNEL_INVITATIONS_SAME_MS, CHANNEL_INVITATIONS_TOLD_MAX,
};
use crate::model::{ChannelInvitation, InvitationState};
use crate::wire::response::{AWAITS_CONSENT, encode_ok};

/// A workspace that asks first about the channels of `acme`.
fn asking() -> World {
    let mut world = World::with_peers_of_today();
    world.by(ADMIN, acts::ask_first(ACME, true)).unwrap();
    world
}

fn offer(world: &mut World, letters: &str) -> Value {
    world.invited(ACME, invite(letters, letters))
}

fn error(answer: &Value) -> String {
    assert_eq!(answer["status"], "FAIL", "{answer}");
    answer["err"].as_str().unwrap().to_string()
}

fn answer(world: &mut World, letters: &str, accept: bool) -> Result<Object, Refusal> {
    let command = acts::answer_invitation(ACME, parsed_id(letters), accept);
    world.act(Actor::System, command)
}

fn state(world: &World, letters: &str) -> Option<InvitationState> {
    let row = world
        .host
        .get::<ChannelInvitation>(&(ACME, parsed_id(letters)));
    row.map(|row| row.state)
}

fn is_mattermost(world: &mut World) {
    world.alter::<Connection>(&ACME, |row| row.kind = PeerKind::Mattermost11);
}

fn is_causeway(world: &mut World) {
    world.alter::<Connection>(&ACME, |row| row.kind = PeerKind::Causeway);
}

#[test]
fn an_offered_channel_waits_and_whoever_made_the_connection_is_told_once() {
    let mut world = asking();
    let first = error(&offer(&mut world, "lounge"));
    assert!(first.contains(AWAITS_CONSENT), "{first}");
    assert!(world.channel_no("lounge").is_none());
    assert_eq!(state(&world, "lounge"), Some(InvitationState::Waiting));
    let (_, user, text) = world.ephemeral().pop().unwrap();
    assert_eq!(user, ADMIN);
    assert!(text.contains("`Their Lounge`"), "{text}");
    assert!(text.contains(&id("lounge").to_string()), "{text}");
    let before = world.host.tables.clone();
    assert_eq!(error(&offer(&mut world, "lounge")), first);
    assert_eq!(world.host.tables, before);
    assert!(world.ephemeral().is_empty());
    assert!(world.refused().is_empty());
    // Only its current description is kept.
    let other = with(invite("lounge", "lounge"), json!({"display_name": "Bar"}));
    error(&world.invited(ACME, other));
    let row = world.get::<ChannelInvitation>(&(ACME, parsed_id("lounge")));
    assert_eq!(row.channel.display_name, "Bar");
    // Other connections do not ask.
    assert_eq!(world.invited(OTHER, invite("bar", "bar")), accepted());
}

#[test]
fn a_channel_of_another_causeway_exists_as_soon_as_it_is_accepted() {
    let mut world = asking();
    is_causeway(&mut world);
    offer(&mut world, "lounge");
    answer(&mut world, "lounge", true).unwrap();
    assert_eq!(state(&world, "lounge"), None);
    let link = world.link("lounge", ACME).unwrap();
    world.ping(ACME);
    let sent = |(_, frame): &(u64, Vec<u8>)| {
        let text = String::from_utf8_lossy(frame);
        text.contains("sharedchannel_state") && text.contains(r#""is_shared":true"#)
    };
    assert!(world.out.iter().any(sent), "the peer is told");
    while let Some((attempt, _)) = world.out.pop() {
        world.receipt(ACME, attempt, SendOutcome::Answered(encode_ok(None)));
    }
    assert_eq!((link.state, link.invited_by_us), (LinkState::Active, false));
    let before = world.host.tables.clone();
    assert_eq!(offer(&mut world, "lounge"), accepted());
    assert!(world.host.tables == before);
}

#[test]
fn an_invitation_before_the_receipt_of_the_acceptance_holds_nothing_up() {
    let mut world = asking();
    is_causeway(&mut world);
    offer(&mut world, "lounge");
    answer(&mut world, "lounge", true).unwrap();
    world.ping(ACME);
    let is_state = |(_, frame): &(u64, Vec<u8>)| {
        String::from_utf8_lossy(frame).contains("sharedchannel_state")
    };
    while !world.out.iter().any(is_state) {
        let (attempt, _) = world.out.remove(0);
        world.receipt(ACME, attempt, SendOutcome::Answered(encode_ok(None)));
    }
    let (attempt, _) = world.out.pop().unwrap();
    let joint = world.channel_no("joint").unwrap();
    world
        .by(ADMIN, acts::post(joint, None, "waits its turn"))
        .unwrap();
    assert!(world.out.is_empty());
    let body = world.frame(ACME, "sharedchannel_invite", &invite("lounge", "lounge"));
    world.run(Input::Frame {
        connection: ACME,
        body,
        skip: Vec::new(),
    });
    assert!(!world.out.is_empty(), "the next message goes out");
    world.receipt(ACME, attempt, SendOutcome::Answered(encode_ok(None)));
}

#[test]
fn a_mattermost_server_invites_again_once_its_channel_is_accepted() {
    let mut world = asking();
    is_mattermost(&mut world);
    offer(&mut world, "lounge");
    answer(&mut world, "lounge", true).unwrap();
    assert_eq!(state(&world, "lounge"), Some(InvitationState::Accepted));
    assert!(world.channel_no("lounge").is_none());
    assert_eq!(offer(&mut world, "lounge"), accepted());
    assert!(world.channel_no("lounge").is_some());
    assert_eq!(state(&world, "lounge"), None);
}

#[test]
fn a_declined_channel_is_refused_until_an_administrator_changes_their_mind() {
    let mut world = asking();
    is_causeway(&mut world);
    offer(&mut world, "lounge");
    answer(&mut world, "lounge", false).unwrap();
    let error = error(&offer(&mut world, "lounge"));
    assert!(error.ends_with("has declined it"), "{error}");
    assert_eq!(world.refused(), [("invite_refused".to_string(), 1)]);
    // The peer has been told, and no longer offers it by itself.
    for accept in [true, true, false, true] {
        answer(&mut world, "lounge", accept).unwrap();
        assert!(world.channel_no("lounge").is_none());
        let expected = if accept {
            InvitationState::Accepted
        } else {
            InvitationState::Refused
        };
        assert_eq!(state(&world, "lounge"), Some(expected));
    }
    assert_eq!(offer(&mut world, "lounge"), accepted());
    assert_eq!(state(&world, "lounge"), None);
}

#[test]
fn whoever_declines_and_accepts_before_the_peer_has_heard_of_it_has_the_channel() {
    let mut world = asking();
    is_causeway(&mut world);
    offer(&mut world, "lounge");
    answer(&mut world, "lounge", false).unwrap();
    answer(&mut world, "lounge", true).unwrap();
    assert!(world.channel_no("lounge").is_some());
}

#[test]
fn a_private_channel_that_comes_as_a_public_one_after_all_is_asked_about_again() {
    let mut world = asking();
    is_mattermost(&mut world);
    offer(&mut world, "lounge");
    answer(&mut world, "lounge", true).unwrap();
    let other = with(invite("lounge", "lounge"), json!({"type": "P"}));
    assert!(error(&world.invited(ACME, other)).contains(AWAITS_CONSENT));
    assert_eq!(state(&world, "lounge"), Some(InvitationState::Waiting));
}

#[test]
fn administrators_are_told_of_so_many_offers_an_hour() {
    let mut world = asking();
    let mut told = 0;
    for n in 0..2 * CHANNEL_INVITATIONS_TOLD_MAX {
        offer(&mut world, &format!("c{n}"));
        told += world.ephemeral().len();
        let gone = json!({"channel_id": id(&format!("c{n}")), "is_shared": false});
        world.message(ACME, "sharedchannel_state", gone);
    }
    assert_eq!(told, CHANNEL_INVITATIONS_TOLD_MAX);
    world.now_ms += CHANNEL_INVITATIONS_SAME_MS;
    offer(&mut world, "c0");
    assert_eq!(world.ephemeral().len(), 1);
    // What is answered counts no longer.
    let mut world = asking();
    for n in 0..2 * CHANNEL_INVITATIONS_TOLD_MAX {
        let letters = format!("c{n}");
        offer(&mut world, &letters);
        assert_eq!(world.ephemeral().len(), 1, "{letters}");
        answer(&mut world, &letters, false).unwrap();
    }
}

#[test]
fn so_many_invitations_wait_and_declined_ones_make_room() {
    let mut world = asking();
    for n in 0..CHANNEL_INVITATIONS_MAX {
        offer(&mut world, &format!("c{n}"));
    }
    let full = error(&offer(&mut world, "one"));
    assert!(full.contains("100 invitations already wait"), "{full}");
    assert_eq!(state(&world, "one"), None);
    for declined in ["c7", "c3"] {
        world.now_ms += 1;
        answer(&mut world, declined, false).unwrap();
    }
    assert!(error(&offer(&mut world, "one")).contains(AWAITS_CONSENT));
    assert_eq!(state(&world, "c7"), None, "declined first");
    assert_eq!(state(&world, "c3"), Some(InvitationState::Declined));
}

#[test]
fn whoever_stops_asking_takes_what_comes_again() {
    let mut world = asking();
    offer(&mut world, "lounge");
    world.by(ADMIN, acts::ask_first(ACME, false)).unwrap();
    assert_eq!(offer(&mut world, "lounge"), accepted());
    assert_eq!(state(&world, "lounge"), None);
}

#[test]
fn only_administrators_answer_and_only_what_was_offered() {
    let mut world = asking();
    offer(&mut world, "lounge");
    let carl = world.account_with_id("carl");
    let command = acts::answer_invitation(ACME, parsed_id("lounge"), true);
    assert_eq!(world.refusal(carl, command).0, 403);
    assert_eq!(answer(&mut world, "other", true).unwrap_err().status, 404);
    assert_eq!(answer(&mut world, "other", false).unwrap_err().status, 404);
    assert_eq!(state(&world, "lounge"), Some(InvitationState::Waiting));
}

#[test]
fn what_cannot_be_created_stays_offered() {
    let mut world = asking();
    is_causeway(&mut world);
    offer(&mut world, "lounge");
    // The channel comes over another connection meanwhile.
    assert_eq!(world.invited(OTHER, invite("lounge", "lounge")), accepted());
    let before = world.host.tables.clone();
    let refusal = answer(&mut world, "lounge", true).unwrap_err();
    assert_eq!(refusal.status, 400);
    assert_eq!(world.host.tables, before);
}

#[test]
fn what_the_peer_takes_back_is_offered_no_longer_and_makes_room() {
    let mut world = asking();
    is_causeway(&mut world);
    offer(&mut world, "lounge");
    let back = json!({"channel_id": id("lounge")});
    assert_eq!(world.message(ACME, "sharedchannel_state", back), accepted());
    assert_eq!(state(&world, "lounge"), Some(InvitationState::Withdrawn));
    assert_eq!(answer(&mut world, "lounge", true).unwrap_err().status, 404);
    // Offered anew, it waits anew, and nobody is told a second time.
    assert!(error(&offer(&mut world, "lounge")).contains(AWAITS_CONSENT));
    assert!(world.ephemeral().is_empty());
    answer(&mut world, "lounge", true).unwrap();
}

#[test]
fn invitations_end_with_their_connection() {
    let mut world = asking();
    offer(&mut world, "lounge");
    world.by(ADMIN, acts::remove_connection(ACME)).unwrap();
    assert_eq!(world.host.tables.count(Table::ChannelInvitations), 0);
    assert_eq!(answer(&mut world, "lounge", true).unwrap_err().status, 404);
}
