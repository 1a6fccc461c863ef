//! What members are told of a peer that cannot be reached.

use super::*;
use crate::boundary::input::Actor;
use crate::boundary::output::Reply;
use crate::model::Channel;
use crate::sharing::notice::POST_TYPE;
use crate::testing::acts::configure_sharing;

const MINUTE_MS: i64 = 60_000;

/// The states that messages in the channel report, in their order.
fn told(world: &World) -> Vec<String> {
    let posts = world.host.prefix::<Post, ()>(&(), 10_000);
    let ours = posts.into_iter().filter(|(_, post)| post.kind == POST_TYPE);
    let state = |post: &Post| {
        let props: serde_json::Value = serde_json::from_str(&post.props).unwrap();
        assert_eq!(props["workspace_name"], "ACME");
        props["shared_channel_state"].as_str().unwrap().to_string()
    };
    ours.map(|(_, post)| state(&post)).collect()
}

impl World {
    fn pass_minutes(&mut self, minutes: i64) {
        for _ in 0..minutes * 2 {
            self.now_ms += MINUTE_MS / 2;
            self.run_due();
        }
    }
}

#[test]
fn members_are_told_of_a_silence_and_of_its_end_once_each() {
    let mut world = World::shared(PeerKind::Mattermost11);
    world.pass_minutes(4);
    assert_eq!(told(&world), [""; 0]);
    world.ping(ACME);
    world.pass_minutes(4);
    assert_eq!(told(&world), [""; 0], "there was contact");
    world.pass_minutes(2);
    assert_eq!(told(&world), ["interrupted"]);
    world.write(ANN, TOWN, "into the silence");
    world.pass_minutes(60);
    assert_eq!(told(&world), ["interrupted"]);
    world.ping(ACME);
    world.run_due();
    assert_eq!(told(&world), ["interrupted", "restored"]);
    world.settle();
    // The peer has the post, and neither message.
    world.expect_same();
    assert_eq!(world.peer.posts.len(), 1);
    world.pass_minutes(6);
    assert_eq!(told(&world), ["interrupted", "restored", "interrupted"]);
}

#[test]
fn nobody_is_told_in_an_archived_channel() {
    let mut world = World::shared(PeerKind::Mattermost11);
    world.alter::<Channel>(&TOWN, |row| row.delete_at = 1);
    world.pass_minutes(6);
    assert_eq!(told(&world), [""; 0]);
}

#[test]
fn the_silence_of_a_service_that_did_not_run_does_not_count() {
    let mut world = World::shared(PeerKind::Mattermost11);
    world.now_ms += 60 * MINUTE_MS;
    world.run(Input::Resume);
    world.run_due();
    world.pass_minutes(4);
    assert_eq!(told(&world), [""; 0]);
    world.pass_minutes(2);
    assert_eq!(told(&world), ["interrupted"]);
    // Once told, a restart changes nothing.
    world.run(Input::Resume);
    world.pass_minutes(10);
    world.ping(ACME);
    world.run_due();
    assert_eq!(told(&world), ["interrupted", "restored"]);
}

#[test]
fn the_time_can_be_changed_and_removed_connections_are_silent() {
    let mut world = World::shared(PeerKind::Mattermost11);
    let command = configure_sharing(|it| it.interruption_ms = MINUTE_MS);
    assert_eq!(
        world.output(Actor::System, None, command).reply,
        Reply::Done
    );
    world.pass_minutes(1);
    assert_eq!(told(&world), ["interrupted"]);
    let mut world = World::shared(PeerKind::Mattermost11);
    world.by(ADMIN, remove_connection(ACME)).unwrap();
    world.pass_minutes(10);
    assert_eq!(told(&world), [""; 0]);
    assert!(!world.host.has::<crate::model::Interruption>(&ACME));
}
