//! Data directories of earlier releases, packed as fixtures.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Unpacks the data directory of a release from `tests/fixtures/data/` into a new folder.
///
/// # Errors
/// If there is no such fixture, or one of its files cannot be unpacked.
pub fn unpack(release: &str, to: &Path) -> Result<()> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/data");
    let from = fixtures.join(release);
    unpack_folder(&from, to).with_context(|| format!("unpacking {}", from.display()))
}

fn unpack_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let name = path.file_stem().context("a file has a name")?;
        if path.is_dir() {
            unpack_folder(&path, &to.join(name))?;
            continue;
        }
        let bytes = zstd::decode_all(fs::File::open(&path)?)?;
        fs::write(to.join(name), bytes)?;
    }
    Ok(())
}
