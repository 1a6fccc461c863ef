//! Every recording replays: byte for byte with its own kernel, with accepted differences on the current one.

use anyhow::Result;
use causeway_tests::recordings;

#[test]
fn the_recordings_of_earlier_releases_replay() -> Result<()> {
    let names = recordings::names()?;
    assert!(!names.is_empty(), "there are no recordings");
    for name in names {
        recordings::check(&name)?;
    }
    Ok(())
}
