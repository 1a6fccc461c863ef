//! Channels of teams, in both directions.

use super::*;
use crate::boundary::output::Object;
use crate::model::{ChannelInvitation, InvitationState};
use crate::sharing;
use crate::wire::response::{AWAITS_CONSENT, encode_ok};

const GATE: [Gate; 1] = [Gate::Channel];

fn world() -> World {
    World::with_peers_of_today()
}

/// A workspace that asks first about the channels of `acme`.
fn asking() -> World {
    let mut world = world();
    world.by(ADMIN, acts::ask_first(ACME, true)).unwrap();
    world
}

fn invite_acme(world: &World) -> Command {
    acts::invite(world.channel_no("secret").unwrap(), ACME)
}

fn lounge() -> Value {
    invite("lounge", "lounge")
}

fn cannot_create() -> String {
    format!("cannot create channel `{}`", id("lounge"))
}

fn question(world: &World, offered: &Value) -> Value {
    let passage = passage(world, "Inbound", ACME);
    let question = json!({
        "passage": passage, "id": id("lounge"), "name": "lounge", "audience": "Open",
        "display_name": "Their Lounge", "inviter": null, "read_only": false,
    });
    json!({"Channel": with(question, offered.clone())})
}

fn state(world: &World) -> Option<InvitationState> {
    let key = (ACME, parsed_id("lounge"));
    Some(world.host.get::<ChannelInvitation>(&key)?.state)
}

fn answer(world: &mut World, accept: bool) -> Result<Object, Refusal> {
    let command = acts::answer_invitation(ACME, parsed_id("lounge"), accept);
    world.act(Actor::System, command)
}

#[test]
fn whoever_offers_a_channel_is_named_and_what_is_offered() {
    let mut world = world();
    let asked = rule(&mut world, &GATE, Verdict::Allow);
    let command = invite_acme(&world);
    world.by(ADMIN, command).unwrap();
    assert_eq!(
        world.link("secret", ACME).unwrap().state,
        LinkState::Inviting
    );
    let question = json!({"Channel": {
        "passage": passage(&world, "Outbound", ACME), "id": id("secret"), "name": "secret",
        "audience": "Open", "display_name": "secret", "inviter": person(&world, "boss", None),
        "read_only": false,
    }});
    assert_eq!(take(&asked), [question]);
    // The next connection may read only if the first one may.
    let secret = world.channel_no("secret").unwrap();
    world.alter::<SharedChannel>(&secret, |row| row.read_only = true);
    world
        .act(Actor::System, acts::invite(secret, OTHER))
        .unwrap();
    let asked = take(&asked);
    assert_eq!(asked[0]["Channel"]["read_only"], true);
    assert_eq!(asked[0]["Channel"]["inviter"]["id"], id("boss"));
}

#[test]
fn a_channel_that_may_not_leave_is_not_offered() {
    let mut world = world();
    let command = invite_acme(&world);
    expect_refused(&mut world, Gate::Channel, || command.clone());
    assert!(world.link("secret", ACME).is_none());
    assert!(!world.channel("secret").unwrap().shared);
}

#[test]
fn policies_at_other_gates_are_not_asked_nor_are_any_about_what_is_refused_anyway() {
    let mut world = world();
    let asked = rule(&mut world, &[Gate::Direct, Gate::Post], denied());
    let command = invite_acme(&world);
    world.by(ADMIN, command).unwrap();
    assert_eq!(world.invited(ACME, lounge()), accepted());
    assert!(take(&asked).is_empty());
    let asked = rule(&mut world, &GATE, denied());
    let command = invite_acme(&world);
    assert_eq!(world.refusal(ADMIN, command).0, 400, "invited already");
    let bad = with(invite("cellar", "cellar"), json!({"type": "X"}));
    assert_eq!(world.invited(ACME, bad)["status"], "FAIL");
    assert_eq!(world.invited(ACME, lounge()), accepted(), "it is shared");
    let ours = invite("secret", "any");
    assert_eq!(world.invited(OTHER, ours)["status"], "FAIL");
    assert!(take(&asked).is_empty());
}

#[test]
fn an_older_kernels_workspace_asks_nobody() {
    let mut world = World::with_peers();
    let asked = rule(&mut world, &GATE, denied());
    let command = invite_acme(&world);
    world.by(ADMIN, command).unwrap();
    assert_eq!(world.invited(ACME, lounge()), accepted());
    assert!(take(&asked).is_empty());
}

#[test]
fn an_invitation_is_judged_when_it_is_made_and_not_when_it_goes_out() {
    let mut world = world();
    let command = invite_acme(&world);
    world.by(ADMIN, command).unwrap();
    let asked = rule(&mut world, &GATE, denied());
    world.ping(ACME);
    let is_invite =
        |(_, frame): &(u64, Vec<u8>)| String::from_utf8_lossy(frame).contains("channel_invite");
    assert!(world.out.iter().any(is_invite));
    assert!(take(&asked).is_empty());
}

#[test]
fn a_peers_channel_is_described_as_it_offers_it() {
    let mut world = world();
    let asked = rule(&mut world, &GATE, Verdict::Allow);
    assert_eq!(world.invited(ACME, lounge()), accepted());
    assert_eq!(take(&asked), [question(&world, &json!({}))]);
    let other = json!({"type": "P", "read_only": true, "display_name": ""});
    let other = with(invite("cellar", "cellar"), other);
    assert_eq!(world.invited(ACME, other), accepted());
    let differs = json!({
        "id": id("cellar"), "name": "cellar", "display_name": "cellar", "audience": "Private",
        "read_only": true,
    });
    assert_eq!(take(&asked), [question(&world, &differs)]);
}

#[test]
fn a_peers_channel_that_may_not_come_is_refused_without_the_policies_words() {
    let mut world = world();
    expect_not_taken(&mut world, Gate::Channel, &lounge(), &cannot_create());
    // Nothing of it is remembered.
    rule(&mut world, &GATE, Verdict::Allow);
    assert_eq!(world.invited(ACME, lounge()), accepted());
}

#[test]
fn a_peers_channel_that_comes_back_is_judged_as_it_is_here() {
    let mut world = world();
    world.invited(ACME, with(lounge(), json!({"type": "P"})));
    let no = world.channel_no("lounge").unwrap();
    world.step(|tx| sharing::end_link(tx, no, ACME, LinkEnd::Peer));
    let again = with(invite("lounge", "renamed"), json!({"read_only": true}));
    let what = format!("cannot share channel again (channel_id={})", id("lounge"));
    expect_not_taken(&mut world, Gate::Channel, &again, &what);
    let asked = rule(&mut world, &GATE, Verdict::Allow);
    assert_eq!(world.invited(ACME, again), accepted());
    let differs = json!({"audience": "Private"});
    assert_eq!(take(&asked), [question(&world, &differs)]);
}

#[test]
fn no_administrator_is_asked_about_what_the_policies_refuse() {
    let mut world = asking();
    expect_not_taken(&mut world, Gate::Channel, &lounge(), &cannot_create());
    let asked = rule(&mut world, &GATE, Verdict::Allow);
    let answer = world.invited(ACME, lounge());
    assert!(answer["err"].as_str().unwrap().contains(AWAITS_CONSENT));
    assert_eq!(take(&asked), [question(&world, &json!({}))]);
    assert_eq!(world.ephemeral().len(), 1);
}

#[test]
fn what_waits_for_an_administrator_is_dropped_with_a_denial_and_stays_with_a_failure() {
    let mut world = asking();
    world.invited(ACME, lounge());
    rule(&mut world, &GATE, broken());
    let before = world.host.tables.clone();
    world.invited(ACME, with(lounge(), json!({"display_name": "Bar"})));
    assert_eq!(world.host.tables, before);
    rule(&mut world, &GATE, denied());
    world.invited(ACME, lounge());
    assert_eq!(state(&world), None, "the peer offers it no longer");
}

#[test]
fn the_policies_are_not_asked_about_what_an_administrator_has_declined() {
    let mut world = asking();
    world.invited(ACME, lounge());
    answer(&mut world, false).unwrap();
    let asked = rule(&mut world, &GATE, denied());
    let error = world.invited(ACME, lounge())["err"].to_string();
    assert!(error.contains("has declined it"), "{error}");
    assert!(take(&asked).is_empty());
}

#[test]
fn the_policies_are_asked_again_when_an_administrator_accepts() {
    for kind in [PeerKind::Causeway, PeerKind::Mattermost11] {
        let mut world = asking();
        world.alter::<Connection>(&ACME, |row| row.kind = kind);
        world.invited(ACME, lounge());
        let command = || acts::answer_invitation(ACME, parsed_id("lounge"), true);
        expect_refused(&mut world, Gate::Channel, command);
        assert_eq!(state(&world), Some(InvitationState::Waiting));
        let asked = rule(&mut world, &GATE, Verdict::Allow);
        answer(&mut world, true).unwrap();
        assert_eq!(take(&asked), [question(&world, &json!({}))]);
        let is_here = world.channel_no("lounge").is_some();
        assert_eq!(is_here, kind == PeerKind::Causeway);
    }
}

#[test]
fn declining_is_no_question() {
    let mut world = asking();
    world.invited(ACME, lounge());
    let asked = rule(&mut world, &GATE, denied());
    answer(&mut world, false).unwrap();
    assert!(take(&asked).is_empty());
}

#[test]
fn what_was_accepted_stays_shared_whatever_the_policies_say_later() {
    let mut world = asking();
    world.alter::<Connection>(&ACME, |row| row.kind = PeerKind::Causeway);
    world.invited(ACME, lounge());
    answer(&mut world, true).unwrap();
    let asked = rule(&mut world, &GATE, denied());
    world.ping(ACME);
    while let Some((attempt, _)) = world.out.pop() {
        world.receipt(ACME, attempt, SendOutcome::Answered(encode_ok(None)));
    }
    assert_eq!(world.invited(ACME, lounge()), accepted());
    assert_eq!(world.link("lounge", ACME).unwrap().state, LinkState::Active);
    assert!(take(&asked).is_empty());
}
