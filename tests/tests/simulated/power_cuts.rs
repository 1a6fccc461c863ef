//! Power cuts between any two calls of the disk, on the engine's real journal and tables.

use anyhow::{Result, anyhow, bail, ensure};
use causeway_engine::testing::Layout;
use causeway_sim::dice::Dice;
use causeway_tests::simulated::disk::{FaultDisk, Troubles};
use causeway_tests::simulated::workspace::{Given, Workspace};

use crate::inputs;
use crate::model::Model;

const SEEDS: u64 = 24;

/// Calls of the disk between two cuts at most.
const CALLS_MAX: u64 = 90;

/// Small segments, so that cuts often occur at the beginning of one.
const SEGMENT_BYTES: u64 = 24 << 10;

#[derive(Debug, Default)]
struct Counts {
    cuts: u64,
    kills: u64,
}

#[test]
fn a_power_cut_at_any_call_loses_nothing_that_was_acknowledged() -> Result<()> {
    run(Troubles::default())
}

#[test]
fn nor_does_one_of_a_disk_that_is_full_now_and_then() -> Result<()> {
    run(Troubles { full: 80, sync: 0 })
}

#[test]
fn nor_does_one_of_a_disk_whose_syncs_fail() -> Result<()> {
    run(Troubles { full: 0, sync: 80 })
}

fn run(troubles: Troubles) -> Result<()> {
    let inputs = inputs::of_a_seed(1);
    let mut counts = Counts::default();
    for seed in 0..SEEDS {
        let folder = tempfile::tempdir()?;
        Layout::of(folder.path()).make()?;
        let disk = FaultDisk::new(seed);
        let mut dice = Dice::new(seed, "cuts");
        let mut model = Model::default();
        let mut life = 0;
        while model.acknowledged_seq() < inputs.len() as u64 {
            let opened = Workspace::open_or_rebuild(&disk, folder.path(), SEGMENT_BYTES);
            let mut workspace =
                opened.map_err(|error| anyhow!("seed {seed}, life {life}: {error}"))?;
            if let Err(seen) = model.check_whole(&workspace) {
                bail!("seed {seed}, life {life}: {seen}");
            }
            model.accept(&workspace);
            disk.plan(dice.below(CALLS_MAX), troubles);
            live(&mut workspace, &inputs, &mut dice, &mut model)
                .or_else(|error| if disk.is_on() { Err(error) } else { Ok(()) })
                .map_err(|error| anyhow!("seed {seed}, life {life}: {error}"))?;
            if disk.is_on() || dice.chance(700) {
                drop(workspace);
                disk.cut();
                counts.cuts += 1;
            } else {
                disk.kill();
                drop(workspace);
                counts.kills += 1;
            }
            life += 1;
        }
    }
    ensure!(
        counts.cuts > 4 * SEEDS && counts.kills > SEEDS,
        "{counts:?}"
    );
    Ok(())
}

/// Works until the power fails, the tables are closed or nothing is left to do.
fn live(
    workspace: &mut Workspace,
    inputs: &[Given],
    dice: &mut Dice,
    model: &mut Model,
) -> Result<(), String> {
    while workspace.can_work() && model.work(workspace, inputs, dice)? {
        if dice.chance(250) {
            workspace.checkpoint();
        }
    }
    Ok(())
}
