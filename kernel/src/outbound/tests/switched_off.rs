//! Shared channels that are switched off and on again.

use super::*;
use crate::boundary::input::Actor;
use crate::boundary::output::Reply;
use crate::testing::acts::configure_sharing;

fn switch(world: &mut World, on: bool) {
    let command = configure_sharing(|it| it.channels = on);
    let output = world.output(Actor::System, None, command);
    assert_eq!(output.reply, Reply::Done);
}

#[test]
fn what_was_written_while_channels_were_switched_off_is_sent_afterwards() {
    let mut world = World::shared(PeerKind::Mattermost11);
    world.write(ANN, TOWN, "before");
    world.settle();
    switch(&mut world, false);
    let post = world.write(ANN, TOWN, "meanwhile");
    world.by(ANN, react(post, "tada")).unwrap();
    world.ping(ACME);
    world.run(Input::Timer);
    assert!(world.out.is_empty());
    let refused = world.refusal(ADMIN, invite(TOWN, ACME));
    assert_eq!(
        refused,
        (503, "api.shared_channel.disabled.app_error".into())
    );
    switch(&mut world, true);
    assert!(!world.out.is_empty(), "at once");
    world.settle();
    world.expect_same();
    assert_eq!(world.peer.posts.len(), 2);
}

#[test]
fn what_was_on_its_way_when_channels_were_switched_off_counts_as_delivered() {
    let mut world = World::shared(PeerKind::Mattermost11);
    world.write(ANN, TOWN, "on its way");
    assert!(!world.out.is_empty());
    switch(&mut world, false);
    while world.deliver_next() {}
    switch(&mut world, true);
    world.settle();
    world.expect_same();
    assert_eq!(world.peer.posts.len(), 1);
}
