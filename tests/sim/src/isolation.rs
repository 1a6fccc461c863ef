//! I7: whatever one peer sends, floods or breaks changes nothing in what another connection gets,
//! except delays.
//!
//! A hub shares a channel with a peer, and another one with a neighbour. A run in which the
//! neighbour floods the hub with invalid messages, gives invalid answers, stops answering, crashes and
//! is restored is compared with one in which it does not: the hub must send the peer the same items
//! in the same order, and the peer must send the hub the same.

use causeway_kernel::rows::id::Id;

use crate::faults::Faults;
use crate::kernel::MakeKernel;
use crate::oracle::facts::Facts;
use crate::oracle::ledger::{Ledger, plain};
use crate::oracle::{ISOLATION, broken};
use crate::plan::{HUB, Plan};
use crate::world::{Summary, Watch};
use crate::{Failure, run, watched};

/// The peer that must not be affected.
pub const PEER: usize = 1;
/// The neighbour that makes the noise.
pub const NEIGHBOUR: usize = 2;
/// When the noise begins, in ms: by then, both share their channels.
pub const NOISE_FROM_MS: i64 = 3_000;

/// Runs the plan of a seed with and without its noise.
///
/// # Errors
/// The promise that was broken; I7 if the run without the noise succeeds.
pub fn run_isolated(seed: u64, make_kernel: MakeKernel<'_>) -> Result<Summary, Failure> {
    run_next_to_noise(&Plan::draw_noisy(seed), make_kernel)
}

/// Runs a plan with and without its noise.
///
/// # Errors
/// As [`run_isolated`].
pub fn run_next_to_noise(loud: &Plan, make_kernel: MakeKernel<'_>) -> Result<Summary, Failure> {
    let still = without_noise(loud);
    let calm = watched(&still, make_kernel, None, Watch::Judged);
    let summary = match (run(loud, make_kernel, None), &calm) {
        (Ok(summary), _) => summary,
        (Err(mut failure), Ok(_)) => {
            let seen = format!("only next to a noisy peer: {}", failure.violation);
            failure.violation = broken(ISOLATION, seen);
            return Err(failure);
        }
        (Err(failure), Err(_)) => return Err(failure),
    };
    let calm = calm?;
    if summary.heard == calm.heard {
        return Ok(summary);
    }
    let differs = |(loud, calm): &(&String, &String)| loud != calm;
    let first = summary.heard.iter().zip(&calm.heard).find(differs);
    let seen = format!(
        "next to a noisy peer {} things are heard, else {}; the first that differ: {first:?}",
        summary.heard.len(),
        calm.heard.len()
    );
    let told = watched(loud, make_kernel, None, Watch::Told)?;
    Err(Failure {
        plan: Box::new(loud.clone()),
        violation: broken(ISOLATION, seen),
        story: told.story,
        journals: Vec::new(),
    })
}

fn without_noise(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    plan.items.retain(|item| item.planned.is_act());
    plan.faults = Faults::none();
    plan
}

/// What the peer received from the hub, or the hub from the peer, in a step: visible content, without
/// anything that differs from run to run (ids, times, the names in mentions).
#[must_use]
pub fn heard(node: usize, facts: &Facts, ledger: &Ledger) -> Vec<String> {
    let name = |user: &Id| {
        ledger
            .users
            .get(user)
            .map(|user| user.view.username.as_str())
    };
    let text = |post: &Id| ledger.posts.get(post).map(|post| plain(&post.view.message));
    let is_heard = |origin: Option<usize>| match node {
        PEER => origin == Some(HUB),
        HUB => origin == Some(PEER),
        _ => false,
    };
    let post_origin = |id| ledger.posts.get(id).map(|post| post.origin);
    let posts = facts.posts.iter().map(|(_, new)| new);
    let posts = posts.filter(|post| !post.is_own && is_heard(post_origin(&post.id)));
    let posts = posts.map(|post| {
        format!(
            "at {node} {:?} writes {:?} to {:?}, pinned {}, deleted {}",
            name(&post.author),
            plain(&post.message),
            post.root.map(|root| text(&root)),
            post.is_pinned,
            post.is_deleted
        )
    });
    let reaction_origin = |key| ledger.reactions.get(key).map(|reaction| reaction.origin);
    let reactions = facts.reactions.iter().map(|(_, new)| new);
    let reactions = reactions.filter(|one| !one.is_own && is_heard(reaction_origin(&one.key)));
    let reactions = reactions.map(|reaction| {
        let (post, user, emoji) = &reaction.key;
        let is_live = reaction.is_live;
        format!(
            "at {node} {:?} on {:?}: {emoji} {is_live}",
            name(user),
            text(post)
        )
    });
    posts.chain(reactions).collect()
}
