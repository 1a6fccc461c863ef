//! One story, and in it a crash at every point at which a process can die: before a group is
//! durable, before its reply, before and after every effect, on either side.

use causeway_sim::kernel::native;
use causeway_sim::plan::{Act, Plan};
use causeway_sim::run;
use causeway_sim::world::CrashPoint;

const STORY: [(usize, Act); 16] = [
    (0, Act::Post),
    (1, Act::Post),
    (0, Act::Reply),
    (1, Act::React),
    (0, Act::Edit),
    (1, Act::Edit),
    (0, Act::React),
    (1, Act::Reply),
    (0, Act::Rename),
    (0, Act::Post),
    (1, Act::Delete),
    (1, Act::Unreact),
    (0, Act::Delete),
    (0, Act::Uninvite),
    (0, Act::Invite),
    (1, Act::Post),
];

#[test]
fn a_crash_at_any_point_loses_and_doubles_nothing() {
    let plan = Plan::quiet(0, &STORY);
    let calm = run(&plan, &native, None).unwrap();
    assert!(calm.trace.deliveries.frames >= 20, "{:?}", calm.trace);
    for (node, points) in calm.trace.crash_points.iter().enumerate() {
        assert!(*points > 100, "{points}");
        for point in 0..*points {
            if let Err(failure) = run(&plan, &native, Some(CrashPoint { node, point })) {
                panic!("node {node} dies at its point {point}\n{failure}");
            }
        }
    }
}
