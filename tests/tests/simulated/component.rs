//! The component in the simulator: its decisions equal those of the native kernel, byte for byte.

use anyhow::{Result, anyhow, ensure};
use causeway_engine::runtime::{ComponentSource, NativeSource};
use causeway_session::{KernelChoice, ReplayOptions, SessionFile, replay_session};
use causeway_sim::acts::Act;
use causeway_sim::kernel::{MakeKernel, Release, native};
use causeway_sim::node::Node;
use causeway_sim::plan::Plan;
use causeway_sim::run;
use causeway_sim::world::{CrashPoint, Trace};
use causeway_tests::simulated::{component, runners, write_session};

use crate::inputs;

const SEEDS: u64 = 6;

/// Only every n-th point of the sweep is run; the native kernel dies at each.
const STRIDE: usize = 29;

const STORY: [(usize, Act); 6] = [
    (0, Act::Post),
    (1, Act::Reply),
    (0, Act::Edit),
    (1, Act::React),
    (0, Act::Delete),
    (1, Act::Post),
];

fn source() -> Result<ComponentSource> {
    let cache = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("kernels");
    Ok(component(&cache)?)
}

fn trace(plan: &Plan, kernel: MakeKernel<'_>, crash_at: Option<CrashPoint>) -> Result<Trace> {
    let summary = run(plan, kernel, crash_at).map_err(|failure| anyhow!("{failure}"))?;
    Ok(summary.trace)
}

#[test]
fn the_component_decides_as_the_native_kernel_does() -> Result<()> {
    let component = runners(source()?);
    let runner = runners(NativeSource);
    for seed in 0..SEEDS {
        let plan = Plan::draw(seed, 2 + usize::from(seed % 3 == 2));
        let expected = trace(&plan, &native, None)?;
        ensure!(expected.steps > 50, "seed {seed}: {} steps", expected.steps);
        assert_eq!(trace(&plan, &component, None)?, expected, "seed {seed}");
        assert_eq!(trace(&plan, &runner, None)?, expected, "seed {seed}");
    }
    Ok(())
}

#[test]
fn the_component_survives_crashes_as_the_native_kernel_does() -> Result<()> {
    let component = runners(source()?);
    let plan = Plan::quiet(0, &STORY);
    let calm = trace(&plan, &native, None)?;
    for (node, points) in calm.crash_points.iter().enumerate() {
        ensure!(*points > 2 * STRIDE as u64, "{points} points");
        for point in (0..*points).step_by(STRIDE) {
            let crash_at = Some(CrashPoint {
                node,
                point,
                survivors: 0,
            });
            let expected = trace(&plan, &native, crash_at)?;
            let found = trace(&plan, &component, crash_at)?;
            assert_eq!(found, expected, "node {node} dies at its point {point}");
        }
    }
    Ok(())
}

#[test]
fn a_journal_of_the_simulator_replays_as_a_session() -> Result<()> {
    let mut node: Node<()> = Node::new(0, 1, native(Release::default()));
    for (at_ms, given) in (0..).step_by(1_000).zip(inputs::of_a_seed(1)) {
        let input = causeway_kernel::boundary::codec::decode_input(&given.input)?;
        let carried = node
            .carry_out(at_ms, &input)
            .map_err(|error| anyhow!(error))?;
        node.keep(carried.entry, carried.writes, carried.old, ());
    }
    node.begin_sync();
    node.end_sync().map_err(|error| anyhow!(error))?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("acme.session");
    let out = std::fs::File::create(&path)?;
    write_session(out, "acme", &node.journal, &native)?;

    let file = SessionFile::open(&path)?;
    for kernel in [
        KernelChoice::Candidate(std::sync::Arc::new(NativeSource)),
        KernelChoice::Candidate(std::sync::Arc::new(source()?)),
    ] {
        let options = ReplayOptions {
            kernel,
            ..ReplayOptions::recorded(std::sync::Arc::new(NativeSource))
        };
        let report = replay_session(&file, &options, |_| {})?;
        assert!(report.differences.is_empty(), "{:?}", report.differences);
        assert!(report.is_confirmed);
        assert_eq!(report.steps, node.journal.len() as u64);
    }
    Ok(())
}
