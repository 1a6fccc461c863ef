//! The life of a share, seen from the side that offers it.

use super::*;
use crate::boundary::input::{Actor, PingAnswer, Receipt, SendOutcome};
use crate::boundary::output::{Event, Object};
use crate::command::{
    self, AttachConnection, Command, DeletePost, InviteToChannel, RemoveConnection,
    UninviteFromChannel,
};
use crate::model::Link;

fn boss(world: &World) -> Actor {
    Actor::User(world.user_no("boss").unwrap())
}

fn state(world: &World, letters: &str, connection: ConnectionNo) -> Option<LinkState> {
    let no = world.channel_no(letters).unwrap();
    world
        .host
        .get::<Link>(&(no, connection))
        .map(|link| link.state)
}

fn ephemeral(world: &World) -> Vec<String> {
    world
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Event(Event::Ephemeral(_, _, text)) => Some(text.clone()),
            _ => None,
        })
        .collect()
}

#[test]
fn an_invitation_shares_and_an_answer_ends_the_waiting() {
    let mut world = World::new();
    let actor = boss(&world);
    let no = world.channel_no("secret").unwrap();
    let invite = |tx: &mut Tx<'_>| crate::sharing::invite(tx, actor, no, ACME, true);
    world.step(invite).unwrap();
    assert_eq!(state(&world, "secret", ACME), Some(LinkState::Inviting));
    assert!(world.channel("secret").unwrap().shared);
    let again = world.step(invite).unwrap_err();
    assert_eq!(
        again.message,
        "The secure connection has already been invited."
    );
    world.step(|tx| crate::sharing::invite_accepted(tx, no, ACME));
    assert_eq!(state(&world, "secret", ACME), Some(LinkState::Active));
    assert_eq!(ephemeral(&world), ["`ACME` has been added to channel."]);
    world.step(|tx| crate::sharing::invite_refused(tx, no, ACME, "too late"));
    assert_eq!(state(&world, "secret", ACME), Some(LinkState::Active));
}

#[test]
fn a_refused_invitation_leaves_the_channel_unshared() {
    let mut world = World::new();
    let actor = boss(&world);
    let no = world.channel_no("secret").unwrap();
    world
        .step(|tx| crate::sharing::invite(tx, actor, no, ACME, false))
        .unwrap();
    let words = "name\u{7}taken".repeat(100);
    world.step(|tx| crate::sharing::invite_refused(tx, no, ACME, &words));
    assert_eq!(state(&world, "secret", ACME), Some(LinkState::Ended));
    assert!(!world.channel("secret").unwrap().shared);
    let told = ephemeral(&world);
    assert!(told[0].starts_with("Error sending channel invite for ACME: nametaken"));
    assert!(told[0].len() < 300 && !told[0].contains('\u{7}'));
}

#[test]
fn only_an_admin_shares_and_only_what_is_at_home_here() {
    let mut world = World::new();
    let secret = world.channel_no("secret").unwrap();
    let ann = Actor::User(world.user_no("ann").unwrap());
    for actor in [ann, Actor::Anonymous] {
        let before = world.host.tables.clone();
        let refusals = world.step(|tx| {
            let joint = lookup::channel(tx, &id("joint")).unwrap();
            [
                crate::sharing::invite(tx, actor, secret, ACME, false).unwrap_err(),
                crate::sharing::uninvite(tx, actor, joint, ACME).unwrap_err(),
                crate::sharing::unshare(tx, actor, joint).unwrap_err(),
            ]
        });
        assert!(refusals.iter().all(|refusal| refusal.status >= 401));
        assert_eq!(world.host.tables, before);
    }
    let invite = json!({
        "channel_id": id("lounge"), "name": "lounge", "display_name": "L", "type": "O",
    });
    world.message(ACME, "sharedchannel_invite", invite);
    let lounge = world.channel_no("lounge").unwrap();
    let actor = boss(&world);
    let refusal = world
        .step(|tx| crate::sharing::invite(tx, actor, lounge, OTHER, false))
        .unwrap_err();
    assert_eq!(
        refusal.id,
        "api.command_share.channel_invite_not_home.error"
    );
}

#[test]
fn the_last_link_takes_the_sharing_along_and_a_notice_comes_once() {
    let mut world = World::new();
    let actor = boss(&world);
    let no = world.channel_no("joint").unwrap();
    world
        .step(|tx| crate::sharing::uninvite(tx, actor, no, ACME))
        .unwrap();
    assert!(world.channel("joint").unwrap().shared);
    let link = world.host.get::<Link>(&(no, ACME)).unwrap();
    assert_eq!(link.state, LinkState::Ended);
    let refusal = world.step(|tx| crate::sharing::uninvite(tx, actor, no, ACME));
    assert_eq!(refusal.unwrap_err().status, 404);
    let answer = world.answer(ACME, json!({"posts": [post("late", "ann", "late")]}));
    assert!(
        answer["err"]
            .as_str()
            .unwrap()
            .contains("channel is no longer shared")
    );
    let notices = |world: &World| {
        let posts = world.host.prefix::<crate::model::ChannelPost, _>(&no, 99);
        let kinds = posts
            .into_iter()
            .filter_map(|((_, _, post), _)| world.host.get::<Post>(&post));
        kinds.filter(|post| post.kind == "system_generic").count()
    };
    for _ in 0..3 {
        world.step(|tx| crate::sharing::end_link(tx, no, OTHER, LinkEnd::Peer));
    }
    assert_eq!(notices(&world), 1);
    assert!(!world.channel("joint").unwrap().shared);
    assert!(!world.host.has::<SharedChannel>(&no));
    let refusal = world.step(|tx| crate::sharing::unshare(tx, actor, no));
    assert_eq!(refusal.unwrap_err().status, 400);
}

#[test]
fn a_connection_that_ever_shared_a_channel_is_not_attached_to_another_workspace() {
    let mut world = World::new();
    let actor = boss(&world);
    let command = |world: &mut World, command: Command| {
        world.step(|tx| command::carry_out(tx, actor, None, &command))
    };
    command(
        &mut world,
        Command::RemoveConnection(RemoveConnection { connection: ACME }),
    );
    let creator = UserNo(1);
    let used = world.step(|tx| connect(tx, "acme-two", creator));
    let channel = world.channel_no("joint").unwrap();
    let invite = Command::InviteToChannel(InviteToChannel {
        channel,
        connection: used,
        read_only: false,
    });
    command(&mut world, invite);
    let uninvite = Command::UninviteFromChannel(UninviteFromChannel {
        channel,
        connection: used,
    });
    command(&mut world, uninvite);
    let attach = |connection| {
        Command::AttachConnection(AttachConnection {
            connection,
            previous: ACME,
        })
    };
    let reply = command(&mut world, attach(used));
    assert!(matches!(reply, Reply::Refused(refusal) if refusal.status == 400));
    let fresh = world.step(|tx| connect(tx, "acme-three", creator));
    let reply = command(&mut world, attach(fresh));
    assert_eq!(reply, Reply::Object(Object::Connection(fresh)));
    let workspace = |no| world.host.get::<Connection>(&no).unwrap().workspace;
    assert_eq!(workspace(fresh), workspace(ACME));
}

/// Lets the other peer be online and take all that it is sent; gives the frames.
fn sent_to_other(world: &mut World) -> Vec<Value> {
    let answer = PingAnswer {
        sent_at_ms: 0,
        recv_at_ms: 0,
        kind: None,
        incarnation: None,
    };
    world.step(|tx| {
        crate::sharing::connection::ping(tx, OTHER, Some(answer));
        outbound::pump(tx);
    });
    let mut frames = Vec::new();
    while let Some((attempt, frame)) = world.effects.iter().find_map(|effect| match effect {
        Effect::Send { attempt, frame, .. } => Some((*attempt, frame.clone())),
        _ => None,
    }) {
        let json: Value = serde_json::from_slice(&frame).unwrap();
        let payload = json["msg"]["payload"].clone();
        let users = payload["users"].as_object();
        let users: Vec<&String> = users.into_iter().flat_map(|users| users.keys()).collect();
        let taken = json!({"status": "OK", "err": "", "payload": {"users_syncd": users}});
        let receipt = Receipt {
            connection: OTHER,
            attempt,
            outcome: SendOutcome::Answered(taken.to_string().into_bytes()),
        };
        frames.push(payload);
        world.step(|tx| {
            outbound::receipt::receipt(tx, &receipt);
            outbound::pump(tx);
        });
    }
    frames
}

/// When a post was deleted, for each time that it is in the frames.
fn deletions_of(letters: &str, frames: &[Value]) -> Vec<i64> {
    let posts = frames.iter().filter_map(|frame| frame["posts"].as_array());
    let found = posts.flatten().filter(|post| post["id"] == id(letters));
    found
        .map(|post| post["delete_at"].as_i64().unwrap())
        .collect()
}

#[test]
fn what_a_moderator_here_deleted_goes_to_no_other_peer_until_its_origin_deletes_it() {
    let mut world = World::new();
    let actor = boss(&world);
    let post_no = world.post_no("pann").unwrap();
    let delete = Command::DeletePost(DeletePost { post: post_no });
    world.step(|tx| command::carry_out(tx, actor, None, &delete));
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
        let mut world = World::new();
        world.step(|tx| crate::boundary::behaviour::adopt(tx).unwrap());
        if is_restored {
            world.step(crate::sharing::connection::restored);
        }
        sent_to_other(&mut world);
        world.sync(ACME, deletion.clone());
        let expected: &[i64] = if is_restored { &[START + 9] } else { &[] };
        assert_eq!(
            deletions_of("lost", &sent_to_other(&mut world)),
            expected,
            "{is_restored}"
        );
        // A live answer to it is buried here; whether it is gone is not for us to say elsewhere.
        let reply = with(post("reply", "ann", "yes"), json!({"root_id": id("lost")}));
        world.sync(ACME, json!({"posts": [reply]}));
        assert_ne!(world.post("reply").unwrap().delete_at, 0);
        let frames = sent_to_other(&mut world);
        assert!(deletions_of("reply", &frames).is_empty(), "{frames:?}");
    }
}
