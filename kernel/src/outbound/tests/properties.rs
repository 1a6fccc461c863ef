//! After any sequence of acts and faults, the peer ends with what this workspace shows.

use proptest::prelude::*;

use super::*;
use crate::rows::id::PostNo;

#[derive(Clone, Debug)]
enum Act {
    Write,
    Reply(usize),
    Edit(usize),
    Delete(usize),
    React(usize),
    Unreact(usize),
    Acknowledge(usize),
    Withdraw(usize),
    Deliver,
    LoseAnswer,
    NeverLeave,
    Status(u16),
    Fail,
    Restart,
    Wait,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => Just(Act::Write),
        2 => (0..20_usize).prop_map(Act::Reply),
        2 => (0..20_usize).prop_map(Act::Edit),
        1 => (0..20_usize).prop_map(Act::Delete),
        2 => (0..20_usize).prop_map(Act::React),
        1 => (0..20_usize).prop_map(Act::Unreact),
        2 => (0..20_usize).prop_map(Act::Acknowledge),
        2 => (0..20_usize).prop_map(Act::Withdraw),
        5 => Just(Act::Deliver),
        1 => Just(Act::LoseAnswer),
        1 => Just(Act::NeverLeave),
        1 => prop_oneof![Just(503), Just(401), Just(413)].prop_map(Act::Status),
        1 => Just(Act::Fail),
        1 => Just(Act::Restart),
        2 => Just(Act::Wait),
    ];
    proptest::collection::vec(act, 1..60)
}

fn perform(world: &mut World, posts: &mut Vec<PostNo>, act: &Act) {
    let chosen = |at: &usize| {
        let live = |no: &&PostNo| {
            world
                .host
                .get::<Post>(no)
                .is_some_and(|post| post.delete_at == 0)
        };
        let live: Vec<PostNo> = posts.iter().filter(live).copied().collect();
        (!live.is_empty()).then(|| live[at % live.len()])
    };
    match act {
        Act::Write => posts.push(world.write(ANN, TOWN, &format!("post {}", posts.len()))),
        Act::Reply(at) => {
            if let Some(root) = chosen(at) {
                let root = world.get::<Post>(&root).root.unwrap_or(root);
                posts.push(world.reply(ANN, root, "reply"));
            }
        }
        Act::Edit(at) => {
            if let Some(post) = chosen(at) {
                let text = format!("edited at {}", world.now_ms);
                world.by(ANN, edit(post, &text)).unwrap();
            }
        }
        Act::Delete(at) => {
            if let Some(post) = chosen(at) {
                world.by(ANN, delete(post)).unwrap();
            }
        }
        Act::React(at) => {
            if let Some(post) = chosen(at) {
                world.by(ANN, react(post, "tada")).unwrap();
            }
        }
        Act::Unreact(at) => {
            if let Some(post) = chosen(at) {
                world.by(ANN, take_back(post, ANN, "tada")).unwrap();
            }
        }
        Act::Acknowledge(at) => {
            if let Some(post) = chosen(at) {
                world.by(ANN, acknowledge(post)).unwrap();
            }
        }
        // Refused where there is no acknowledgement, and when it is too late.
        Act::Withdraw(at) => {
            if let Some(post) = chosen(at) {
                let _ = world.by(ANN, withdraw(post));
            }
        }
        Act::Deliver => {
            world.deliver_next();
        }
        Act::Wait => {
            world.now_ms += 3_000;
            world.run(Input::Timer);
        }
        Act::Restart => {
            world.out.clear();
            world.run(Input::Resume);
        }
        Act::LoseAnswer | Act::NeverLeave | Act::Status(_) | Act::Fail => {
            if let Some((attempt, frame)) = world.out.pop() {
                let outcome = match act {
                    Act::LoseAnswer => {
                        world.take(&frame);
                        SendOutcome::Unknown
                    }
                    Act::NeverLeave => SendOutcome::NeverLeft,
                    Act::Status(status) => SendOutcome::Refused(*status),
                    _ => SendOutcome::Answered(encode_fail("no")),
                };
                world.receipt(ACME, attempt, outcome);
            }
        }
    }
}

/// Whatever the peer lacks is said to be outstanding, and listed; what cannot have an earlier version there has
/// none.
fn expect_told(world: &World, posts: &[PostNo]) {
    let listed = world.listed(ANN);
    for no in posts {
        let post = world.get::<Post>(no);
        let there = world.peer.posts.get(post.id.as_str());
        let is_current = match there {
            Some((text, is_deleted)) => {
                (post.delete_at != 0) == *is_deleted && (*is_deleted || *text == post.message)
            }
            None => post.delete_at != 0,
        };
        let told = world.delivery(*no);
        let is_listed = listed.contains(no);
        assert!(is_current || told.is_outstanding(), "{no:?} {told:?}");
        // The deletion of a root stands for those of its replies.
        let root = post.root.map(|root| world.get::<Post>(&root));
        let is_deleted_with_root =
            post.delete_at != 0 && root.is_some_and(|root| root.delete_at == post.delete_at);
        if is_listed || !is_deleted_with_root {
            assert_eq!(told.is_outstanding(), is_listed, "{no:?} {told:?}");
        }
        let may_be_there = told.pending.is_none() || told.may_hold_earlier || is_current;
        assert!(there.is_none() || may_be_there, "{no:?} {told:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn after_any_faults_a_peer_holds_what_we_show(acts in acts()) {
        let mut world = World::shared(PeerKind::Causeway);
        let mut posts = Vec::new();
        for act in &acts {
            perform(&mut world, &mut posts, act);
            expect_told(&world, &posts);
        }
        world.ping(ACME);
        world.settle();
        world.expect_same();
        prop_assert!(world.exceptions().is_empty());
        prop_assert!(world.listed(ANN).is_empty());
    }
}
