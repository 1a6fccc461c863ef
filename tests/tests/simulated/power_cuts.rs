//! Power cuts between any two calls of the disk, on the engine's real journal and tables.

use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{Error, Result, anyhow, bail, ensure};
use causeway_engine::parts::{Layout, Tables};
use causeway_kernel::env::StepContext;
use causeway_sim::dice::Dice;

use crate::disk::{FaultDisk, Image, Troubles};
use crate::inputs;
use crate::node::{Model, Node};

const SEEDS: u64 = 24;

/// Calls of the disk between two cuts at most.
const CALLS_MAX: u64 = 90;

/// Small ones, so that cuts meet the beginnings of segments.
const SEGMENT_BYTES: u64 = 24 << 10;

/// Flips of a bit.
const FLIPS: u64 = 300;

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

/// A group that nothing follows cannot be told from a torn one; any other damage is named.
#[test]
fn another_bit_than_was_written_to_the_journal_is_never_taken_for_data() -> Result<()> {
    let scene = Scene::new(Checkpoint::Half)?;
    let mut counts = [0; 2];
    for flip in 0..FLIPS {
        // Now and then in the header of the segment.
        let within = if flip % 4 == 0 { 64 } else { usize::MAX };
        scene.flip(".journal", within);
        let Ok(node) = scene.open() else {
            counts[0] += 1;
            continue;
        };
        let seen = scene.model.check(&node);
        seen.map_err(|seen| anyhow!("flip {flip}: {seen}"))?;
        ensure!(
            node.head.digest != scene.model.acknowledged,
            "flip {flip}: not noticed"
        );
        ensure!(
            node.head.seq >= scene.last_group,
            "flip {flip}: it ends with entry {}, before the last group, {}",
            node.head.seq,
            scene.last_group
        );
        counts[1] += 1;
    }
    ensure!(counts.iter().all(|count| *count > 0), "{counts:?}");
    Ok(())
}

/// A row that is not what was written is never read. A page that leads to rows is not checked by
/// reads, but by `causeway replay`.
#[test]
fn nor_is_one_in_the_tables() -> Result<()> {
    let scene = Scene::new(Checkpoint::End)?;
    let tables = Layout::of(scene.folder.path()).tables();
    let (mut harmless, mut noticed) = (0, 0);
    for flip in 0..FLIPS {
        scene.flip(".redb", usize::MAX);
        let damaged = scene.disk.image();
        // redb may panic when it is led astray.
        let read = catch_unwind(AssertUnwindSafe(|| {
            let node = scene.open()?;
            node.rows()?;
            Ok::<_, String>(scene.model.check_whole(&node))
        }));
        let Ok(Ok(seen)) = read else {
            noticed += 1;
            continue;
        };
        harmless += u64::from(seen.is_ok());
        scene.disk.restore(&damaged);
        let checked = Tables::open_checked(&scene.disk, &tables);
        if let (Err(seen), Ok(_)) = (seen, checked) {
            bail!("flip {flip}: nothing notices that {seen}");
        }
    }
    ensure!(harmless > 0 && noticed > 0, "{harmless} {noticed}");
    Ok(())
}

/// When the tables are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Checkpoint {
    Half,
    End,
}

/// A workspace whose disk damages what it holds.
struct Scene {
    folder: tempfile::TempDir,
    disk: FaultDisk,
    image: Image,
    model: Model,
    /// The last entry before the last group.
    last_group: u64,
}

impl Scene {
    /// Its tables are written when half of the inputs are done, or all of them.
    fn new(checkpoint: Checkpoint) -> Result<Scene> {
        let inputs = inputs::of_a_seed(2);
        let folder = tempfile::tempdir()?;
        Layout::of(folder.path()).make()?;
        let disk = FaultDisk::new(0);
        let mut dice = Dice::new(0, "flips");
        let mut model = Model::default();
        let mut last_group = 0;
        let mut node = Node::open(&disk, folder.path(), u64::MAX).map_err(Error::msg)?;
        let mut work = |node: &mut Node<'_>, inputs: &[_]| -> Result<(), String> {
            loop {
                let before = node.head.seq;
                if !node.work(inputs, &mut dice, &mut model)? {
                    return Ok(());
                }
                last_group = before;
            }
        };
        if checkpoint == Checkpoint::Half {
            work(&mut node, &inputs[..inputs.len() / 2]).map_err(Error::msg)?;
            node.checkpoint();
        }
        work(&mut node, &inputs).map_err(Error::msg)?;
        if checkpoint == Checkpoint::End {
            node.checkpoint();
        }
        drop(node);
        Ok(Scene {
            folder,
            image: disk.image(),
            disk,
            model,
            last_group,
        })
    }

    /// The disk as it was, but for one bit in the first bytes of a file.
    fn flip(&self, suffix: &str, within: usize) {
        self.disk.restore(&self.image);
        self.disk.flip(suffix, within);
    }

    fn open(&self) -> Result<Node<'_>, String> {
        Node::open(&self.disk, self.folder.path(), u64::MAX)
    }
}
