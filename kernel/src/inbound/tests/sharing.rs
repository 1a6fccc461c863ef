//! The life of a shared channel, on the side that offers it.

use super::*;
use crate::boundary::output::Object;
use crate::sharing::{self, Terms};

const BOSS: Actor = Actor::User(ADMIN);

fn state(world: &World, letters: &str, connection: ConnectionNo) -> Option<LinkState> {
    Some(world.link(letters, connection)?.state)
}

#[test]
fn an_invitation_shares_and_an_answer_ends_the_waiting() {
    let mut world = World::with_peers();
    let no = world.channel_no("secret").unwrap();
    let read_only = Terms {
        read_only: true,
        ..Terms::default()
    };
    let invite = |tx: &mut Tx<'_>| sharing::invite(tx, BOSS, no, ACME, read_only);
    world.step(invite).unwrap();
    assert_eq!(state(&world, "secret", ACME), Some(LinkState::Inviting));
    assert!(world.channel("secret").unwrap().shared);
    let again = world.step(invite).unwrap_err();
    assert_eq!(
        again.message,
        "The secure connection has already been invited."
    );
    world.step(|tx| sharing::invite_accepted(tx, no, ACME));
    assert_eq!(state(&world, "secret", ACME), Some(LinkState::Active));
    let told = "`ACME` has been added to channel.".to_string();
    assert_eq!(world.ephemeral(), [(no, ADMIN, told)]);
    world.step(|tx| sharing::invite_refused(tx, no, ACME, "too late"));
    assert_eq!(state(&world, "secret", ACME), Some(LinkState::Active));
}

#[test]
fn a_refused_invitation_leaves_the_channel_unshared() {
    let mut world = World::with_peers();
    let no = world.channel_no("secret").unwrap();
    world
        .step(|tx| sharing::invite(tx, BOSS, no, ACME, Terms::default()))
        .unwrap();
    let words = "name\u{7}taken".repeat(100);
    world.step(|tx| sharing::invite_refused(tx, no, ACME, &words));
    assert_eq!(state(&world, "secret", ACME), Some(LinkState::Ended));
    assert!(!world.channel("secret").unwrap().shared);
    let (_, _, told) = &world.ephemeral()[0];
    assert!(told.starts_with("Error sending channel invite for ACME: nametaken"));
    assert!(told.len() < 300 && !told.contains('\u{7}'));
}

#[test]
fn only_an_admin_shares_and_only_what_is_at_home_here() {
    let mut world = World::with_peers();
    let secret = world.channel_no("secret").unwrap();
    let ann = Actor::User(world.user_no("ann").unwrap());
    for actor in [ann, Actor::Anonymous] {
        let before = world.host.tables.clone();
        let refusals = world.step(|tx| {
            let joint = lookup::channel(tx, &id("joint")).unwrap();
            [
                sharing::invite(tx, actor, secret, ACME, Terms::default()).unwrap_err(),
                sharing::uninvite(tx, actor, joint, ACME).unwrap_err(),
                sharing::unshare(tx, actor, joint).unwrap_err(),
            ]
        });
        assert!(refusals.iter().all(|refusal| refusal.status >= 401));
        assert_eq!(world.host.tables, before);
    }
    let invite = json!({
        "channel_id": id("lounge"), "name": "lounge", "display_name": "L", "type": "O",
    });
    world.invited(ACME, invite);
    let lounge = world.channel_no("lounge").unwrap();
    let refusal = world
        .step(|tx| sharing::invite(tx, BOSS, lounge, OTHER, Terms::default()))
        .unwrap_err();
    assert_eq!(
        refusal.id,
        "api.command_share.channel_invite_not_home.error"
    );
}

#[test]
fn the_last_link_takes_the_sharing_along_and_a_notice_comes_once() {
    let mut world = World::with_peers();
    let no = world.channel_no("joint").unwrap();
    world
        .step(|tx| sharing::uninvite(tx, BOSS, no, ACME))
        .unwrap();
    assert!(world.channel("joint").unwrap().shared);
    let link = world.get::<Link>(&(no, ACME));
    assert_eq!(link.state, LinkState::Ended);
    let refusal = world.step(|tx| sharing::uninvite(tx, BOSS, no, ACME));
    assert_eq!(refusal.unwrap_err().status, 404);
    let answer = world.answer(ACME, json!({"posts": [post("late", "ann", "late")]}));
    assert!(
        answer["err"]
            .as_str()
            .unwrap()
            .contains("channel is no longer shared")
    );
    for _ in 0..3 {
        world.step(|tx| sharing::end_link(tx, no, OTHER, LinkEnd::Peer));
    }
    let notices = world.notices(no).into_iter();
    assert_eq!(
        notices
            .filter(|(kind, ..)| kind == "system_generic")
            .count(),
        1
    );
    assert!(!world.channel("joint").unwrap().shared);
    assert!(!world.host.has::<SharedChannel>(&no));
    let refusal = world.step(|tx| sharing::unshare(tx, BOSS, no));
    assert_eq!(refusal.unwrap_err().status, 400);
}

#[test]
fn a_connection_that_ever_shared_a_channel_is_not_attached_to_another_workspace() {
    let mut world = World::with_peers();
    world.by(ADMIN, acts::remove_connection(ACME)).unwrap();
    let used = world.connect("acme-two", PeerKind::Mattermost11);
    let joint = world.channel_no("joint").unwrap();
    world.by(ADMIN, acts::invite(joint, used)).unwrap();
    world.by(ADMIN, acts::uninvite(joint, used)).unwrap();
    let attach = |connection| acts::attach_connection(connection, ACME);
    assert_eq!(world.refusal(ADMIN, attach(used)).0, 400);
    let fresh = world.connect("acme-three", PeerKind::Mattermost11);
    let made = world.by(ADMIN, attach(fresh));
    assert_eq!(made, Ok(Object::Connection(fresh)));
    let workspace = |no| world.get::<Connection>(&no).workspace;
    assert_eq!(workspace(fresh), workspace(ACME));
}

/// Lets the third party be online and take everything that it is sent; returns the payloads.
fn sent_to_other(world: &mut World) -> Vec<Value> {
    world.ping(OTHER);
    let mut frames = Vec::new();
    while let Some((attempt, frame)) = world.out.pop() {
        let json: Value = serde_json::from_slice(&frame).unwrap();
        let payload = json["msg"]["payload"].clone();
        let users = payload["users"].as_object();
        let users: Vec<&String> = users.into_iter().flat_map(|users| users.keys()).collect();
        let taken = json!({"status": "OK", "err": "", "payload": {"users_syncd": users}});
        frames.push(payload);
        let answer = SendOutcome::Answered(taken.to_string().into_bytes());
        world.receipt(OTHER, attempt, answer);
    }
    frames
}

/// The time of a post's deletion from every version in the frames.
fn deletions_of(letters: &str, frames: &[Value]) -> Vec<i64> {
    let posts = frames.iter().filter_map(|frame| frame["posts"].as_array());
    let found = posts.flatten().filter(|post| post["id"] == id(letters));
    found
        .map(|post| post["delete_at"].as_i64().unwrap())
        .collect()
}

#[test]
fn what_a_moderator_here_deleted_goes_to_no_other_peer_until_its_origin_deletes_it() {
    let mut world = World::with_peers();
    let post_no = world.post_no("pann").unwrap();
    world.by(ADMIN, acts::delete(post_no)).unwrap();
    let told = |frames: &[Value]| deletions_of("pann", frames);
    let frames = sent_to_other(&mut world);
    assert!(!frames.is_empty() && told(&frames).is_empty(), "{frames:?}");
    let gone = json!({"delete_at": START + 9, "update_at": START + 9});
    let deletion = json!({"posts": [with(post("pann", "ann", ""), gone)]});
    world.sync(ACME, deletion.clone());
    assert_eq!(told(&sent_to_other(&mut world)), [START + 9]);
    let before = world.host.tables.clone();
    world.sync(ACME, deletion);
    assert_eq!(world.host.tables, before);
}

#[test]
fn the_deletion_of_what_a_restore_took_goes_on_to_those_who_may_have_it() {
    let gone = json!({"delete_at": START + 9, "update_at": START + 9});
    let deletion = json!({"posts": [with(post("lost", "ann", ""), gone)]});
    for is_restored in [false, true] {
        let mut world = World::with_peers_of_today();
        if is_restored {
            world.step(sharing::connection::restored);
        }
        sent_to_other(&mut world);
        world.sync(ACME, deletion.clone());
        let expected: &[i64] = if is_restored { &[START + 9] } else { &[] };
        assert_eq!(
            deletions_of("lost", &sent_to_other(&mut world)),
            expected,
            "{is_restored}"
        );
        // A live reply to it is stored as deleted, but other peers are not told that it is deleted.
        let reply = with(post("reply", "ann", "yes"), json!({"root_id": id("lost")}));
        world.sync(ACME, json!({"posts": [reply]}));
        assert_ne!(world.post("reply").unwrap().delete_at, 0);
        let frames = sent_to_other(&mut world);
        assert!(deletions_of("reply", &frames).is_empty(), "{frames:?}");
    }
}
