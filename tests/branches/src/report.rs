//! Which source lines the branches belong to.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::fmt::Write as _;
use std::{fs, io};

use addr2line::Context;
use gimli::{Dwarf, EndianSlice, LittleEndian, SectionId};
use object::{File, Object as _, ObjectSection as _};

use crate::probe::Probe;

/// Path of the kernel's sources.
const KERNEL: &str = "kernel/src/";

type Lines<'d> = Context<EndianSlice<'d, LittleEndian>>;

/// Line and column of a branch.
type Place = (u32, u32);

/// The kernel's branches by file. Copies of a branch made by the compiler count as one branch.
pub struct Report(BTreeMap<String, BTreeMap<Place, bool>>);

impl Report {
    /// The branches reached so far.
    ///
    /// # Errors
    /// If this program's debug information cannot be read.
    pub fn of(probe: &Probe) -> io::Result<Report> {
        let program = fs::read(std::env::current_exe()?)?;
        let lines = lines(&program).map_err(io::Error::other)?;
        let mut files: BTreeMap<String, BTreeMap<Place, bool>> = BTreeMap::new();
        for (address, is_reached) in probe.branches() {
            if let Some((file, place)) = place(&lines, address)? {
                *files.entry(file).or_default().entry(place).or_default() |= is_reached;
            }
        }
        if files.is_empty() {
            return Err(io::Error::other("no branch has a line of the kernel's"));
        }
        Ok(Report(files))
    }

    /// The lines with a branch that was not reached, by file.
    pub fn unreached(&self) -> String {
        let mut text = String::new();
        for (file, branches) in &self.0 {
            let mut lines: Vec<u32> = branches
                .iter()
                .filter(|(_, is_reached)| !**is_reached)
                .map(|((line, _), _)| *line)
                .collect();
            lines.dedup();
            for line in lines {
                // Writing to a `String` cannot fail.
                let _ = writeln!(text, "{file}:{line}");
            }
        }
        text
    }
}

/// Reads a program's debug information.
fn lines(program: &[u8]) -> Result<Lines<'_>, Box<dyn Error + Send + Sync>> {
    let program = File::parse(program)?;
    let section = |id: SectionId| -> Result<_, object::Error> {
        let found = program.section_by_name(id.name());
        let bytes = found.map_or(Ok(&[][..]), |section| section.data())?;
        Ok(EndianSlice::new(bytes, LittleEndian))
    };
    Ok(Context::from_dwarf(Dwarf::load(section)?)?)
}

/// The place in the kernel's sources that an address belongs to. Code inlined from elsewhere counts at
/// the place of the call.
fn place(lines: &Lines<'_>, address: u64) -> io::Result<Option<(String, Place)>> {
    let frames = lines.find_frames(address).skip_all_loads();
    let mut frames = frames.map_err(io::Error::other)?;
    while let Some(frame) = frames.next().map_err(io::Error::other)? {
        let Some(location) = frame.location else {
            continue;
        };
        let file = location.file.and_then(|file| file.split_once(KERNEL));
        if let (Some((_, file)), Some(line)) = (file, location.line) {
            let place = (line, location.column.unwrap_or(0));
            return Ok(Some((format!("{KERNEL}{file}"), place)));
        }
    }
    Ok(None)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "branches reached")?;
        let (mut reached, mut all) = (0, 0);
        for (file, branches) in &self.0 {
            let here = branches.values().filter(|it| **it).count();
            writeln!(f, "{here:>6} of {:>5}  {file}", branches.len())?;
            reached += here;
            all += branches.len();
        }
        write!(
            f,
            "{reached:>6} of {all:>5}  in all, {} %",
            100 * reached / all.max(1)
        )
    }
}
