//! A disk in memory that can lose power between any two calls.
//!
//! Written data is visible at once and durable after a sync. When the power fails, each write
//! that is not covered by a sync survives completely, up to some sector, in any subset of its sectors or
//! pages, or not at all; the same goes for each change of a length, and each name whose folder was not
//! synced. A failed sync makes such a choice final at once, while reads continue to show what was
//! written: this is how Linux behaves.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use causeway_engine::disk::{Disk, DiskFile};
use causeway_sim::dice::Dice;

/// Units in which disks write, and in which operating systems do, in bytes.
const UNITS: [usize; 2] = [512, 4096];

/// Faults of a disk with power, as chances in a thousand calls.
#[derive(Clone, Copy, Debug, Default)]
pub struct Troubles {
    /// A write takes only part of its data, as there is no space for more.
    pub full: u32,
    /// A sync fails.
    pub sync: u32,
}

/// The disk. File names are kept in a real folder, which the engine lists.
#[derive(Clone)]
pub struct FaultDisk(Arc<Mutex<State>>);

struct State {
    dice: Dice,
    files: BTreeMap<PathBuf, Content>,
    /// Calls that change something before the power fails.
    calls_left: u64,
    is_on: bool,
    /// Number of restarts of the machine or the process: handles opened before are closed.
    life: u64,
    troubles: Troubles,
}

/// What is left of a disk after a power failure.
pub struct Image(BTreeMap<PathBuf, Content>);

#[derive(Clone, Default)]
struct Content {
    /// What reads see.
    now: Vec<u8>,
    /// What survives.
    durable: Vec<u8>,
    /// What a sync would make durable, too.
    pending: Vec<Change>,
    /// Whether the name survives.
    is_named: bool,
}

#[derive(Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

impl FaultDisk {
    /// An empty disk, whose faults follow from a seed.
    #[must_use]
    pub fn new(seed: u64) -> FaultDisk {
        FaultDisk(Arc::new(Mutex::new(State {
            dice: Dice::new(seed, "disk"),
            files: BTreeMap::new(),
            calls_left: u64::MAX,
            is_on: true,
            life: 0,
            troubles: Troubles::default(),
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nobody panics with it")
    }

    /// Lets the power fail after so many calls; until then, `troubles` apply.
    pub fn plan(&self, calls_left: u64, troubles: Troubles) {
        let mut state = self.state();
        state.calls_left = calls_left;
        state.troubles = troubles;
    }

    /// Whether it has power.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.state().is_on
    }

    /// Cuts the power, if that has not happened yet, and restores it.
    pub fn cut(&self) {
        let mut state = self.state();
        let State { dice, files, .. } = &mut *state;
        files.retain(|path, content| {
            let is_there = content.is_named || dice.chance(500);
            if is_there {
                content.settle(dice);
                content.now.clone_from(&content.durable);
                content.is_named = true;
            } else {
                fs::remove_file(path).expect("the file is there");
            }
            is_there
        });
        state.begin_life();
    }

    /// The process dies, the machine does not: what was written stays visible.
    pub fn kill(&self) {
        self.state().begin_life();
    }

    /// A copy of all files.
    pub fn image(&self) -> Image {
        Image(self.state().files.clone())
    }

    /// Replaces the contents with a copy, durably.
    ///
    /// # Panics
    /// If the folder of the names cannot be changed.
    pub fn restore(&self, image: &Image) {
        let mut state = self.state();
        for path in state.files.keys().filter(|it| !image.0.contains_key(*it)) {
            fs::remove_file(path).expect("the file is there");
        }
        for path in image.0.keys() {
            fs::File::create(path).expect("the folder is there");
        }
        state.files.clone_from(&image.0);
        for content in state.files.values_mut() {
            content.durable.clone_from(&content.now);
            content.pending.clear();
            content.is_named = true;
        }
        state.begin_life();
    }

    /// Flips a bit somewhere in the first bytes of a file, within the part that is in use.
    pub fn flip(&self, suffix: &str, within: usize) {
        let mut state = self.state();
        let State { dice, files, .. } = &mut *state;
        let found = files
            .iter_mut()
            .find(|(path, _)| path.to_string_lossy().ends_with(suffix));
        let (_, content) = found.unwrap();
        let used = content.durable.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        let at = usize::try_from(dice.below(used.min(within) as u64)).unwrap();
        content.durable[at] ^= 1 << dice.below(8);
        content.now.clone_from(&content.durable);
    }
}

impl State {
    fn begin_life(&mut self) {
        self.life += 1;
        self.is_on = true;
        self.calls_left = u64::MAX;
        self.troubles = Troubles::default();
    }

    fn check(&self, life: u64) -> io::Result<()> {
        if self.is_on && self.life == life {
            Ok(())
        } else {
            Err(io::Error::other("the power is off"))
        }
    }

    /// Counts a call that changes something; the power fails during the last one.
    fn change(&mut self, life: u64) -> io::Result<()> {
        self.check(life)?;
        if self.calls_left == 0 {
            self.is_on = false;
            return self.check(life);
        }
        self.calls_left -= 1;
        Ok(())
    }

    fn content(&mut self, path: &Path) -> &mut Content {
        self.files.get_mut(path).unwrap()
    }
}

impl Content {
    /// Applies a change to what is visible only.
    fn show(&mut self, change: Change) {
        change.apply(&mut self.now);
        self.pending.push(change);
    }

    fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    /// Decides at random which of the unsynced changes survive.
    fn settle(&mut self, dice: &mut Dice) {
        for change in std::mem::take(&mut self.pending) {
            let part = match change {
                Change::Length(_) if dice.chance(500) => change,
                Change::Length(_) => continue,
                Change::Write(offset, data) => {
                    survive(&mut self.durable, dice, offset, &data);
                    continue;
                }
            };
            part.apply(&mut self.durable);
        }
    }
}

/// Applies some of the units of a write.
fn survive(file: &mut Vec<u8>, dice: &mut Dice, offset: usize, data: &[u8]) {
    let unit = UNITS[usize::from(dice.chance(500))];
    let fate = dice.below(4);
    let torn_at = dice.below((data.len() / unit + 2) as u64);
    let mut from = 0;
    for at in 0.. {
        if from == data.len() {
            break;
        }
        // Units are aligned to the file, and the write may begin and end within one.
        let to = (from + unit - (offset + from) % unit).min(data.len());
        let survives = match fate {
            0 => false,
            1 => true,
            2 => at < torn_at,
            _ => dice.chance(500),
        };
        if survives {
            put(file, offset + from, &data[from..to]);
        }
        from = to;
    }
}

impl Change {
    fn apply(&self, file: &mut Vec<u8>) {
        match self {
            Change::Write(offset, data) => put(file, *offset, data),
            Change::Length(length) => file.resize(*length, 0),
        }
    }
}

fn put(file: &mut Vec<u8>, offset: usize, data: &[u8]) {
    let end = offset + data.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    file[offset..end].copy_from_slice(data);
}

impl fmt::Debug for FaultDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultDisk")
    }
}

impl Disk for FaultDisk {
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let state = self.state();
        let life = state.life;
        state.check(life)?;
        if !state.files.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(Arc::new(FaultFile {
            disk: self.clone(),
            path: path.to_path_buf(),
            life,
        }))
    }

    fn open_or_create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        let life = state.life;
        state.check(life)?;
        if !state.files.contains_key(path) {
            state.change(life)?;
            fs::File::create(path)?;
            state.files.insert(path.to_path_buf(), Content::default());
        }
        drop(state);
        self.open(path)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.state();
        let life = state.life;
        state.change(life)?;
        for (path, content) in &mut state.files {
            content.is_named |= path.parent() == Some(folder);
        }
        Ok(())
    }
}

struct FaultFile {
    disk: FaultDisk,
    path: PathBuf,
    life: u64,
}

impl fmt::Debug for FaultFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultFile")
    }
}

impl DiskFile for FaultFile {
    fn length(&self) -> io::Result<u64> {
        let mut state = self.disk.state();
        state.check(self.life)?;
        Ok(state.content(&self.path).now.len() as u64)
    }

    fn read_exact_at(&self, out: &mut [u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.check(self.life)?;
        let from = usize::try_from(offset).unwrap();
        let bytes = state.content(&self.path).now.get(from..from + out.len());
        let bytes = bytes.ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn write_all_at(&self, data: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.check(self.life)?;
        let offset = usize::try_from(offset).unwrap();
        let is_last = state.calls_left == 0;
        let full = state.troubles.full;
        let taken = if !is_last && state.dice.chance(full) {
            usize::try_from(state.dice.below(data.len() as u64)).unwrap()
        } else {
            data.len()
        };
        let write = Change::Write(offset, data[..taken].to_vec());
        state.content(&self.path).show(write);
        state.change(self.life)?;
        if taken < data.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.check(self.life)?;
        let length = usize::try_from(len).unwrap();
        let grows = length > state.content(&self.path).now.len();
        let full = state.troubles.full;
        if grows && state.dice.chance(full) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.content(&self.path).show(Change::Length(length));
        state.change(self.life)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        state.change(self.life)?;
        let sync = state.troubles.sync;
        let fails = state.dice.chance(sync);
        let State { dice, files, .. } = &mut *state;
        let content = files.get_mut(&self.path).unwrap();
        if fails {
            content.settle(dice);
            return Err(io::Error::other("the disk does not answer"));
        }
        content.sync();
        Ok(())
    }
}
