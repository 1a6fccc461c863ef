//! Direct and group channels with people of other workspaces: who may open which, what is sent, and what a
//! peer cannot do with its invitations.

use super::*;
use crate::boundary::output::Object;
use crate::model::limits::DIRECT_CHANNELS_PER_USER_MAX;
use crate::model::{DirectCount, Place};
use crate::objects::direct::Participants;
use crate::rows::id::ChannelNo;
use crate::sharing;

/// With boss and carl here, ann and amy of acme, and olga of other; direct messages are allowed.
pub(super) fn world() -> World {
    let mut world = World::with_peers_of_today();
    world.account_with_id("carl");
    world.sync(ACME, json!({"users": {"a": user("amy", "amy")}}));
    allow(&mut world, true);
    world
}

fn allow(world: &mut World, direct: bool) {
    let command = acts::configure_sharing(|settings| settings.direct = direct);
    let reply = world.output(Actor::System, None, command).reply;
    assert_eq!(reply, Reply::Done);
}

/// An invitation to a direct channel, or a group if more than two are named; the profiles of those in `sent`.
pub(super) fn offer(letters: &str, people: &[&str], sent: &[&str]) -> Value {
    let ids: Vec<String> = people.iter().map(|name| id(name)).collect();
    let profiles: Vec<Value> = sent.iter().map(|name| user(name, name)).collect();
    let kind = if people.len() == 2 { "D" } else { "G" };
    with(
        invite(letters, "ignored"),
        json!({
            "type": kind, "direct_participant_ids": ids, "direct_participants": profiles,
        }),
    )
}

fn error(answer: &Value) -> String {
    assert_eq!(answer["status"], "FAIL", "{answer}");
    answer["err"].as_str().unwrap().to_string()
}

pub(super) fn no(world: &World, name: &str) -> UserNo {
    world.user_no(name).unwrap()
}

pub(super) fn open(world: &mut World, by: &str, with: &str) -> ChannelNo {
    let command = acts::open_direct(no(world, with));
    match world.by(no(world, by), command).unwrap() {
        Object::Channel(channel) => channel,
        other => panic!("{other:?}"),
    }
}

fn refused(world: &mut World, by: &str, command: crate::command::Command) -> (u16, String) {
    world.refusal(no(world, by), command)
}

/// What was sent since the last call: topics and payloads. The peer takes everything.
fn sent(world: &mut World, connection: ConnectionNo) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    while !world.out.is_empty() {
        let (attempt, frame) = world.out.remove(0);
        let frame: Value = serde_json::from_slice(&frame).unwrap();
        let (topic, payload) = (&frame["msg"]["topic"], &frame["msg"]["payload"]);
        let users = payload["users"].as_object().cloned().unwrap_or_default();
        let stored: Vec<&String> = users.keys().collect();
        let answer = match topic.as_str() {
            Some("sharedchannel_sync") => {
                json!({"status": "OK", "err": "", "payload": {"users_syncd": stored}})
            }
            _ => accepted(),
        };
        all.push((topic.as_str().unwrap().to_string(), payload.clone()));
        let body = serde_json::to_vec(&answer).unwrap();
        world.receipt(connection, attempt, SendOutcome::Answered(body));
    }
    all
}

/// The texts of posts in what was sent.
fn texts(frames: &[(String, Value)]) -> Vec<&str> {
    let posts = frames
        .iter()
        .filter_map(|(_, payload)| payload["posts"].as_array());
    posts
        .flatten()
        .filter_map(|it| it["message"].as_str())
        .collect()
}

#[test]
fn nothing_is_opened_while_the_setting_is_off() {
    let mut world = world();
    allow(&mut world, false);
    let (ann, carl) = (no(&world, "ann"), no(&world, "carl"));
    assert_eq!(
        refused(&mut world, "boss", acts::open_direct(ann)),
        (
            403,
            "api.channel.create_channel.direct_channel.remote_restricted.app_error".into()
        )
    );
    assert_eq!(
        refused(&mut world, "boss", acts::open_group(&[ann, carl])),
        (
            403,
            "api.channel.create_group.remote_restricted.app_error".into()
        )
    );
    let before = world.host.tables.clone();
    let answer = world.invited(ACME, offer("d", &["ann", "boss"], &["ann"]));
    assert!(error(&answer).contains("Cannot create a direct channel with a remote user"));
    let answer = world.invited(ACME, offer("g", &["ann", "boss", "carl"], &["ann"]));
    assert!(error(&answer).contains("Cannot create a group channel with remote users"));
    assert_eq!(world.host.tables, before);
}

#[test]
fn a_channel_opened_here_is_offered_with_its_people_and_then_its_first_post() {
    let mut world = world();
    world.ping(ACME);
    sent(&mut world, ACME);
    let direct = open(&mut world, "boss", "ann");
    world.write(no(&world, "boss"), direct, "first, @ann:acme");
    let frames = sent(&mut world, ACME);
    assert_eq!(frames[0].0, "sharedchannel_invite");
    let invite = &frames[0].1;
    let row = world.get::<Channel>(&direct);
    assert_eq!(invite["channel_id"], row.id.as_str());
    assert_eq!(
        (&invite["type"], &invite["creator_id"]),
        (&json!("D"), &json!(""))
    );
    assert_eq!(
        invite["direct_participant_ids"],
        json!([id("ann"), id("boss")])
    );
    let profiles = invite["direct_participants"].as_array().unwrap();
    assert_eq!(profiles.len(), 1, "ann is the peer's own");
    assert_eq!(
        (&profiles[0]["id"], &profiles[0]["remote_id"]),
        (&json!(id("boss")), &json!(""))
    );
    assert_eq!(frames[1].1["channel_id"], row.id.as_str());
    assert_eq!(texts(&frames), ["first, @ann:acme"]);
    let has_map = |(_, payload): &(String, Value)| !payload["mention_transforms"].is_null();
    assert!(!frames.iter().any(has_map), "{frames:?}");
}

/// The invitation waits until the peer is back, and so does what was written meanwhile.
#[test]
fn an_invitation_waits_for_its_peer() {
    let mut world = world();
    let direct = open(&mut world, "boss", "ann");
    world.write(no(&world, "boss"), direct, "while you were away");
    assert!(world.out.is_empty());
    world.ping(ACME);
    let frames = sent(&mut world, ACME);
    let topics: Vec<&str> = frames.iter().map(|(topic, _)| topic.as_str()).collect();
    assert_eq!(topics[0], "sharedchannel_invite");
    assert_eq!(texts(&frames).last(), Some(&"while you were away"));
}

#[test]
fn a_group_is_offered_to_every_workspace_of_its_people() {
    let mut world = world();
    let with = ["ann", "olga", "carl"].map(|name| no(&world, name));
    let by = no(&world, "boss");
    let Ok(Object::Channel(group)) = world.by(by, acts::open_group(&with)) else {
        panic!("not opened")
    };
    for (connection, own, third) in [(ACME, "ann", "olga"), (OTHER, "olga", "ann")] {
        world.ping(connection);
        let frames = sent(&mut world, connection);
        let invites = frames
            .iter()
            .filter(|(topic, _)| topic == "sharedchannel_invite");
        let invites: Vec<&Value> = invites.map(|(_, payload)| payload).collect();
        assert_eq!(invites.len(), 1);
        assert_eq!(invites[0]["creator_id"], id("boss"));
        assert_eq!(
            invites[0]["direct_participant_ids"]
                .as_array()
                .unwrap()
                .len(),
            4
        );
        let profiles = invites[0]["direct_participants"].to_string();
        assert!(profiles.contains(&id(third)) && !profiles.contains(&id(own)));
    }
    let row = world.get::<Channel>(&group);
    assert_eq!((row.place, row.shared), (Place::Group, true));
}

#[test]
fn the_opener_is_told_of_a_refusal_and_the_next_post_asks_again() {
    let mut world = world();
    world.ping(ACME);
    sent(&mut world, ACME);
    let direct = open(&mut world, "boss", "ann");
    let (attempt, _) = world.out.remove(0);
    let refusal = serde_json::to_vec(&failed("not with me")).unwrap();
    world.receipt(ACME, attempt, SendOutcome::Answered(refusal));
    let boss = no(&world, "boss");
    let text = "What is written here does not reach `ACME`: not with me".to_string();
    assert_eq!(world.ephemeral(), [(direct, boss, text)]);
    assert!(!world.get::<Channel>(&direct).shared);
    world.write(boss, direct, "and now?");
    assert_eq!(sent(&mut world, ACME)[0].0, "sharedchannel_invite");
}

#[test]
fn who_is_reached_through_a_third_workspace_is_not_messaged() {
    let mut world = world();
    let through = with(user("zoe", "zoe"), json!({"remote_id": id("hub")}));
    world.sync(ACME, json!({"users": {"z": through}}));
    let zoe = no(&world, "zoe");
    assert!(!sharing::direct::can_message(&world.host, zoe));
    assert_eq!(refused(&mut world, "boss", acts::open_direct(zoe)).0, 403);
    let ann = no(&world, "ann");
    assert!(sharing::direct::can_message(&world.host, ann));
    allow(&mut world, false);
    assert!(!sharing::direct::can_message(&world.host, ann));
    assert!(sharing::direct::can_message(
        &world.host,
        no(&world, "carl")
    ));
}

#[test]
fn posts_are_refused_once_nobody_would_read_them() {
    let mut world = world();
    let direct = open(&mut world, "boss", "ann");
    let post = || acts::post(direct, None, "anybody?");
    let expected = (
        400,
        "app.post.create_post.shared_dm_or_gm.app_error".to_string(),
    );
    allow(&mut world, false);
    assert_eq!(refused(&mut world, "boss", post()), expected);
    allow(&mut world, true);
    world
        .act(Actor::System, acts::uninvite(direct, ACME))
        .unwrap();
    assert_eq!(
        refused(&mut world, "boss", post()),
        expected,
        "an admin ended it"
    );
    let again = open(&mut world, "boss", "ann");
    assert_eq!(again, direct);
    assert!(!world.get::<Channel>(&direct).shared);
    let theirs = world.get::<Channel>(&direct).id;
    let offered = with(
        offer("x", &["ann", "boss"], &["ann"]),
        json!({"channel_id": theirs.as_str()}),
    );
    assert!(error(&world.invited(ACME, offered)).contains("has to allow it first"));
    world
        .act(Actor::System, acts::invite(direct, ACME))
        .unwrap();
    world.write(no(&world, "boss"), direct, "there you are");
    world
        .act(Actor::System, acts::remove_connection(ACME))
        .unwrap();
    assert_eq!(
        refused(&mut world, "boss", post()),
        expected,
        "the connection is gone"
    );
}

#[test]
fn a_direct_channel_is_not_shared_with_anybody_else() {
    let mut world = world();
    let direct = open(&mut world, "boss", "ann");
    let to_others = world.act(Actor::System, acts::invite(direct, OTHER));
    assert_eq!(to_others.unwrap_err().status, 400);
    let notes = open(&mut world, "boss", "carl");
    let to_acme = world.act(Actor::System, acts::invite(notes, ACME));
    assert_eq!(to_acme.unwrap_err().status, 400);
}

#[test]
fn a_peers_channel_has_its_id_and_the_people_it_names() {
    let mut world = world();
    let answer = world.invited(ACME, offer("d", &["new", "boss"], &["new"]));
    assert_eq!(answer, accepted());
    let row = world.channel("d").unwrap();
    let number = world.channel_no("d").unwrap();
    assert_eq!((row.place, row.shared), (Place::Direct, true));
    assert_eq!(row.creator, world.user_no("new"));
    assert_eq!(row.name, format!("{}__{}", id("boss"), id("new")));
    let people = Participants::of_channel(&world.host, number, row.place).unwrap();
    assert_eq!(people.users().count(), 2);
    assert_eq!(world.user("new").unwrap().username, "new:acme");
    let post = with(post("hi", "new", "hi"), json!({"channel_id": id("d")}));
    let response = world.sync(ACME, json!({"channel_id": id("d"), "posts": [post]}));
    assert_eq!(response["post_errors"], json!([]));
    // A second invitation changes nothing.
    let before = world.host.tables.clone();
    assert_eq!(
        world.invited(ACME, offer("d", &["new", "boss"], &["new"])),
        accepted()
    );
    assert_eq!(world.host.tables, before);

    let group = offer("g", &["ann", "new", "boss", "carl"], &["ann", "new"]);
    let group = with(group, json!({"creator_id": id("ann")}));
    assert_eq!(world.invited(ACME, group), accepted());
    let row = world.channel("g").unwrap();
    assert_eq!(
        (row.place, row.creator),
        (Place::Group, world.user_no("ann"))
    );
    assert_eq!(row.display_name, "boss, ann:acme, carl, new:acme");
}

/// A peer of a workspace that opened the channel too, and one whose channel has another id.
#[test]
fn a_channel_of_the_same_people_must_be_the_same_one() {
    let mut world = world();
    let direct = open(&mut world, "boss", "ann");
    let ours = world.get::<Channel>(&direct).id;
    let offered = offer("other", &["boss", "ann"], &["ann"]);
    let answer = world.invited(ACME, offered.clone());
    assert!(
        error(&answer).ends_with("channel exists with wrong id"),
        "{answer}"
    );
    let same = with(offered, json!({"channel_id": ours.as_str()}));
    assert_eq!(world.invited(ACME, same), accepted());
    let link = world.get::<Link>(&(direct, ACME));
    assert_eq!(
        (link.state, link.invited_by_us),
        (LinkState::Inviting, true)
    );
}

#[test]
fn an_invitation_names_people_of_both_sides_and_not_too_many() {
    let mut world = world();
    let many: Vec<String> = (0..9).map(|n| format!("p{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let eight = [&["boss"], &many[..8]].concat();
    let before = world.host.tables.clone();
    for (people, sent) in [
        (&["boss", "carl"][..], &[][..]),
        (&["boss", "boss"], &[]),
        (&["ann", "amy"], &["ann", "amy"]),
        (&["boss", "olga"], &["olga"]),
        (&["boss", "nobody"], &[]),
        (&["boss"], &[]),
        (&["ann", "olga", "amy"], &["ann"]),
        (&["boss", "carl", "olga"], &["olga"]),
        (&eight, &many[..8]),
    ] {
        let mut offered = offer("x", people, sent);
        if people.len() == 1 {
            offered["type"] = json!("D");
        }
        error(&world.invited(ACME, offered));
        assert_eq!(world.host.tables, before, "{people:?}");
    }
    let wrong_kind = with(offer("x", &["boss", "ann"], &["ann"]), json!({"type": "G"}));
    error(&world.invited(ACME, wrong_kind));
    let elsewhere = with(
        user("spy", "spy"),
        json!({"remote_id": remote_id(&world, OTHER)}),
    );
    let mut claimed = offer("x", &["boss", "spy"], &[]);
    claimed["direct_participants"] = json!([elsewhere]);
    error(&world.invited(ACME, claimed));
    assert_eq!(world.host.tables, before);
}

fn remote_id(world: &World, connection: ConnectionNo) -> String {
    world.get::<Connection>(&connection).remote_id.into()
}

/// The direct channel of a third person is not opened to a peer by any kind of invitation, and what the peer
/// sends into it is refused.
#[test]
fn a_peer_does_not_get_into_the_channel_of_others() {
    let mut world = world();
    let direct = open(&mut world, "boss", "olga");
    let local = open(&mut world, "boss", "carl");
    for channel in [direct, local] {
        let channel_id = world.get::<Channel>(&channel).id;
        for offered in [
            invite("x", "plain"),
            offer("x", &["boss", "ann"], &["ann"]),
            offer("x", &["boss", "olga"], &["olga"]),
            offer("x", &["boss", "ann", "olga"], &["ann", "olga"]),
        ] {
            let offered = with(offered, json!({"channel_id": channel_id.as_str()}));
            error(&world.invited(ACME, offered));
            assert!(!world.host.has::<Link>(&(channel, ACME)));
        }
        let answer = world.answer(
            ACME,
            json!({"channel_id": channel_id.as_str(), "posts": [post("p", "ann", "hi")]}),
        );
        assert!(error(&answer).contains("no longer shared"));
    }
}

#[test]
fn only_members_write_and_react_in_a_direct_channel() {
    let mut world = world();
    assert_eq!(
        world.invited(ACME, offer("d", &["ann", "boss"], &["ann"])),
        accepted()
    );
    let by = |letters: &str, author: &str| {
        with(post(letters, author, "hi"), json!({"channel_id": id("d")}))
    };
    let response = world.sync(
        ACME,
        json!({"channel_id": id("d"), "posts": [by("one", "ann"), by("two", "amy")]}),
    );
    assert_eq!(response["post_errors"], json!([id("two")]));
    assert_eq!(world.refused(), [("not_member".to_string(), 1)]);
    let reactions = [
        reaction("one", "amy", "tada"),
        reaction("one", "ann", "eyes"),
    ];
    world.sync(ACME, json!({"channel_id": id("d"), "reactions": reactions}));
    assert_eq!(world.reactions("one"), [("eyes".to_string(), true)]);
}

#[test]
fn a_peer_fills_nobodys_list() {
    let mut world = world();
    assert_eq!(
        world.invited(ACME, offer("d", &["ann", "boss"], &["ann"])),
        accepted()
    );
    let boss = no(&world, "boss");
    assert_eq!(world.get::<DirectCount>(&boss).received, 1);
    world.alter::<DirectCount>(&boss, |count| {
        count.received = DIRECT_CHANNELS_PER_USER_MAX;
    });
    let answer = world.invited(ACME, offer("e", &["amy", "boss"], &["amy"]));
    assert!(error(&answer).contains("too many direct and group channels"));
    open(&mut world, "boss", "amy");
}

/// The history of a channel is that of all its members: it goes over a new connection, too.
#[test]
fn a_new_connection_to_the_same_workspace_continues_the_channel() {
    let mut world = world();
    assert_eq!(
        world.invited(ACME, offer("d", &["ann", "boss"], &["ann"])),
        accepted()
    );
    let direct = world.channel_no("d").unwrap();
    let boss = no(&world, "boss");
    world.write(boss, direct, "before");
    world
        .act(Actor::System, acts::remove_connection(ACME))
        .unwrap();
    world.run_due();
    let Object::Connection(anew) = ({
        let no = world.connect("acme-2", PeerKind::Causeway);
        world
            .act(Actor::System, acts::attach_connection(no, ACME))
            .unwrap()
    }) else {
        panic!("not attached")
    };
    world.ping(anew);
    world.out.clear();
    world.write(boss, direct, "after");
    let frames = sent(&mut world, anew);
    assert_eq!(frames[0].0, "sharedchannel_invite");
    let mut texts = texts(&frames);
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts, ["after", "before"]);
}

#[test]
fn an_older_kernels_workspace_answers_as_before() {
    let mut world = World::with_peers();
    let command = acts::configure_sharing(|settings| settings.direct = true);
    world.output(Actor::System, None, command);
    let answer = world.invited(ACME, offer("d", &["ann", "boss"], &["ann"]));
    assert!(error(&answer).contains("Cannot create a direct channel with a remote user"));
}
