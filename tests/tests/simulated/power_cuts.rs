//! Power cuts between any two calls of the disk, on the engine's real journal and tables.

use anyhow::{Error, Result, anyhow, bail, ensure};
use causeway_engine::parts::Layout;
use causeway_kernel::env::StepContext;
use causeway_sim::dice::Dice;

use crate::disk::{FaultDisk, Troubles};
use crate::inputs;
use crate::node::{Model, Node};

const SEEDS: u64 = 24;

/// Calls of the disk between two cuts at most.
const CALLS_MAX: u64 = 90;

/// Small ones, so that cuts meet the beginnings of segments.
const SEGMENT_BYTES: u64 = 24 << 10;

/// Flips of a bit.
const FLIPS: u64 = 60;

#[derive(Debug, Default)]
struct Counts {
    cuts: u64,
    kills: u64,
    steps: u64,
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
            let node = Node::open(&disk, folder.path(), SEGMENT_BYTES);
            let mut node = node.map_err(|error| anyhow!("seed {seed}, life {life}: {error}"))?;
            if let Err(seen) = model.check_whole(&node) {
                bail!("seed {seed}, life {life}: {seen}");
            }
            model.accept(&node);
            disk.plan(dice.below(CALLS_MAX), troubles);
            live(&mut node, &inputs, &mut dice, &mut model)
                .or_else(|error| if disk.is_on() { Err(error) } else { Ok(()) })
                .map_err(|error| anyhow!("seed {seed}, life {life}: {error}"))?;
            if disk.is_on() || dice.chance(700) {
                drop(node);
                disk.cut();
                counts.cuts += 1;
            } else {
                disk.kill();
                drop(node);
                counts.kills += 1;
            }
            life += 1;
        }
        counts.steps += model.acknowledged_seq();
    }
    ensure!(
        counts.cuts > 4 * SEEDS && counts.kills > SEEDS,
        "{counts:?}"
    );
    Ok(())
}

/// Works until the power is off, the tables are closed or nothing is left to do.
fn live(
    node: &mut Node<'_>,
    inputs: &[(StepContext, Vec<u8>)],
    dice: &mut Dice,
    model: &mut Model,
) -> Result<(), String> {
    while node.can_work() && node.work(inputs, dice, model)? {
        if dice.chance(250) {
            node.checkpoint();
        }
    }
    Ok(())
}

/// The bytes of a damaged entry cannot be told from those of a torn write: the workspace may open
/// without it and those behind it, but never behind the tables, and never with anything else.
#[test]
fn another_bit_than_was_written_to_the_journal_is_never_taken_for_data() -> Result<()> {
    let inputs = inputs::of_a_seed(2);
    let folder = tempfile::tempdir()?;
    Layout::of(folder.path()).make()?;
    let disk = FaultDisk::new(0);
    let mut dice = Dice::new(0, "flips");
    let mut model = Model::default();
    let mut node = Node::open(&disk, folder.path(), u64::MAX).map_err(Error::msg)?;
    for end in [inputs.len() / 2, inputs.len()] {
        while node
            .work(&inputs[..end], &mut dice, &mut model)
            .map_err(Error::msg)?
        {}
        if end < inputs.len() {
            node.checkpoint();
        }
    }
    drop(node);
    let image = disk.image();
    let (mut refused, mut shorter) = (0, 0);
    for flip in 0..FLIPS {
        disk.restore(&image);
        disk.flip(".journal");
        match Node::open(&disk, folder.path(), u64::MAX) {
            Err(_) => refused += 1,
            Ok(node) => {
                let seen = model.check(&node);
                seen.map_err(|seen| anyhow!("flip {flip}: {seen}"))?;
                ensure!(
                    node.head.seq >= (inputs.len() / 2) as u64,
                    "flip {flip}: shorter than the tables"
                );
                ensure!(
                    node.head.digest != model.acknowledged,
                    "flip {flip}: not noticed"
                );
                shorter += 1;
            }
        }
    }
    ensure!(refused > 0 && shorter > 0, "{refused} {shorter}");
    Ok(())
}
