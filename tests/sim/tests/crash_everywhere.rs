//! Two stories, each with a crash at every point at which a process can die: before a group is
//! durable, before its reply, before and after every effect, on every side; and for each of these,
//! with every prefix of the steps that were not durable surviving.

use causeway_sim::acts::Act;
use causeway_sim::kernel::native;
use causeway_sim::plan::{Item, Plan, Planned, Trouble};
use causeway_sim::policies::DENIED_WORD;
use causeway_sim::runner::{cores, run_seeds};
use causeway_sim::world::{CrashPoint, Summary, Watch};
use causeway_sim::{Failure, run, watched};

const STORY: [(usize, Act); 16] = [
    (0, Act::Post),
    (1, Act::Post),
    (0, Act::Reply),
    (1, Act::React),
    (0, Act::Edit),
    (1, Act::Edit),
    (0, Act::React),
    (1, Act::Reply),
    (0, Act::Profile),
    (0, Act::Post),
    (1, Act::Delete),
    (1, Act::Unreact),
    (0, Act::Delete),
    (0, Act::Uninvite),
    (0, Act::Invite),
    (1, Act::Post),
];

const STORY_OF_THREE: [(usize, Act); 15] = [
    (0, Act::Post),
    (1, Act::Post),
    (2, Act::Post),
    (1, Act::Reply),
    (2, Act::React),
    (1, Act::Edit),
    (2, Act::Reply),
    (0, Act::React),
    (1, Act::Post),
    (0, Act::Reply),
    (2, Act::Post),
    (1, Act::Delete),
    (0, Act::Uninvite),
    (0, Act::Invite),
    (2, Act::Post),
];

/// Frames of a story, at least.
const FRAMES_MIN: u64 = 20;

/// Runs a plan with a crash at every point; returns the number of crashes.
fn crash_everywhere(plan: &Plan) -> usize {
    let calm = run(plan, &native, None).unwrap();
    let frames = calm.trace.deliveries.frames;
    assert!(frames >= FRAMES_MIN, "{frames}");
    let points = calm.trace.crash_points.iter().enumerate();
    let crashes: Vec<(usize, u64)> = points
        .flat_map(|(node, points)| (0..*points).map(move |point| (node, point)))
        .collect();
    assert!(crashes.len() > 200, "{}", crashes.len());
    let judge = |number: u64| {
        let (node, point) = crashes[number as usize];
        every_prefix(plan, node, point)
    };
    let done = run_seeds(0..crashes.len() as u64, cores(), &judge, &|_| {});
    if let Err(failure) = done {
        panic!("{failure}");
    }
    crashes.len()
}

fn every_prefix(plan: &Plan, node: usize, point: u64) -> Result<Summary, Failure> {
    let with = |survivors| {
        let crash = CrashPoint {
            node,
            point,
            survivors,
        };
        run(plan, &native, Some(crash)).map_err(|mut failure| {
            let seen = &failure.violation.seen;
            let told = format!("{seen} (node {node} dies at its point {point}, {survivors} left)");
            failure.violation.seen = told;
            failure
        })
    };
    let none = with(0)?;
    let unsynced = none.unsynced_at_crash.expect("the run comes to its crash");
    for survivors in 1..=unsynced {
        with(survivors)?;
    }
    Ok(none)
}

#[test]
fn a_crash_at_any_point_loses_and_doubles_nothing() {
    crash_everywhere(&Plan::quiet(0, &STORY));
}

/// The story of three workspaces, in which the hub loads a filter that denies one of its texts.
fn denied(seed: u64) -> Option<Plan> {
    let mut plan = Plan::quiet_among(seed, 3, &STORY_OF_THREE);
    let planned = Planned::Trouble(Trouble::PolicySwap(0));
    let number = plan.items.len();
    let at_ms = 2_500;
    plan.items.push(Item {
        at_ms,
        number,
        planned,
    });
    let told = watched(&plan, &native, None, Watch::Told).ok()?;
    let story = told.story.to_string();
    let is_meant = story.contains("loads other policies: content-filter")
        && story.contains(DENIED_WORD)
        && told.trace.deliveries.frames >= FRAMES_MIN;
    is_meant.then_some(plan)
}

#[test]
fn nor_does_one_among_three_with_a_policy_and_an_end_of_sharing() {
    let plan = (0..1_000).find_map(denied).expect("a seed has all of it");
    crash_everywhere(&plan);
}
