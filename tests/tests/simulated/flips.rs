//! Single bits that flip in the engine's real journal and tables.

use std::mem::forget;
use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{Error, Result, anyhow, bail, ensure};
use causeway_engine::testing::{Layout, Tables};
use causeway_sim::dice::Dice;
use causeway_tests::simulated::disk::{FaultDisk, Image};
use causeway_tests::simulated::workspace::{Given, Workspace};

use crate::inputs;
use crate::model::Model;

/// Number of flips.
const FLIPS: u64 = 300;

/// A damaged last group cannot be told from a torn one; any other damage is reported.
#[test]
fn another_bit_than_was_written_to_the_journal_is_never_taken_for_data() -> Result<()> {
    let scene = Scene::new(Checkpoint::Half)?;
    let mut counts = [0; 2];
    for flip in 0..FLIPS {
        // Sometimes in the header of the segment.
        let within = if flip % 4 == 0 { 64 } else { usize::MAX };
        scene.flip(".journal", within);
        let Ok(workspace) = scene.open() else {
            counts[0] += 1;
            continue;
        };
        let seen = scene.model.check(&workspace);
        seen.map_err(|seen| anyhow!("flip {flip}: {seen}"))?;
        ensure!(
            workspace.head().digest != scene.model.acknowledged,
            "flip {flip}: not noticed"
        );
        ensure!(
            workspace.head().seq >= scene.last_group,
            "flip {flip}: it ends with entry {}, before the last group, {}",
            workspace.head().seq,
            scene.last_group
        );
        counts[1] += 1;
    }
    ensure!(counts.iter().all(|count| *count > 0), "{counts:?}");
    Ok(())
}

/// A damaged row is never read. Pages that lead to rows are not checked by
/// reads, but by `causeway replay`.
#[test]
fn another_bit_in_the_tables_is_noticed() -> Result<()> {
    let scene = Scene::new(Checkpoint::End)?;
    let tables = Layout::of(scene.folder.path()).tables();
    let (mut harmless, mut noticed) = (0, 0);
    for flip in 0..FLIPS {
        scene.flip(".redb", usize::MAX);
        let damaged = scene.disk.image();
        // redb may panic on damaged data.
        let read = catch_unwind(AssertUnwindSafe(|| {
            let workspace = scene.open()?;
            workspace.rows()?;
            let rows = scene.model.check_rows(&workspace);
            let whole = scene.model.check_whole(&workspace);
            // redb reads further pages when it closes the file and, if it panics there, panics once more while it
            // unwinds, which ends the process. A service that this happens to finds the damage at its next start.
            forget(workspace);
            Ok::<_, String>((rows, whole))
        }));
        let Ok(Ok((rows, seen))) = read else {
            noticed += 1;
            continue;
        };
        rows.map_err(|seen| anyhow!("flip {flip}: {seen}"))?;
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

/// A workspace whose disk damages its contents.
struct Scene {
    folder: tempfile::TempDir,
    disk: FaultDisk,
    image: Image,
    model: Model,
    /// The last entry before the last group.
    last_group: u64,
}

impl Scene {
    /// Its tables are written after half of the inputs, or after all of them.
    fn new(checkpoint: Checkpoint) -> Result<Scene> {
        let inputs = inputs::of_a_seed(2);
        let folder = tempfile::tempdir()?;
        Layout::of(folder.path()).make()?;
        let disk = FaultDisk::new(0);
        let mut dice = Dice::new(0, "flips");
        let mut model = Model::default();
        let mut last_group = 0;
        let mut workspace = Workspace::open(&disk, folder.path(), u64::MAX).map_err(Error::msg)?;
        let mut work = |workspace: &mut Workspace, inputs: &[Given]| -> Result<(), String> {
            loop {
                let before = workspace.head().seq;
                if !model.work(workspace, inputs, &mut dice)? {
                    return Ok(());
                }
                last_group = before;
            }
        };
        if checkpoint == Checkpoint::Half {
            work(&mut workspace, &inputs[..inputs.len() / 2]).map_err(Error::msg)?;
            workspace.checkpoint();
        }
        work(&mut workspace, &inputs).map_err(Error::msg)?;
        if checkpoint == Checkpoint::End {
            workspace.checkpoint();
        }
        drop(workspace);
        Ok(Scene {
            folder,
            image: disk.image(),
            disk,
            model,
            last_group,
        })
    }

    /// Restores the disk, except for one bit in the first bytes of a file.
    fn flip(&self, suffix: &str, within: usize) {
        self.disk.restore(&self.image);
        self.disk.flip(suffix, within);
    }

    fn open(&self) -> Result<Workspace, String> {
        Workspace::open(&self.disk, self.folder.path(), u64::MAX)
    }
}
