//! How long this disk takes to make an append durable, in the way the journal does.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::spread::percentile;

const APPENDS: usize = 300;
const APPEND_BYTES: usize = 30_000;

/// Durations of a sync.
pub struct SyncTimes {
    pub p50: Duration,
    pub p99: Duration,
}

/// Overwrites blocks that the file already has, and syncs.
pub fn sync_times(folder: &Path) -> Result<SyncTimes> {
    let file = File::create(folder.join("sync"))?;
    file.write_all_at(&vec![0; APPENDS * APPEND_BYTES], 0)?;
    file.sync_all()?;
    let append = vec![1; APPEND_BYTES];
    let mut times = Vec::new();
    for number in 0..APPENDS {
        let begun = Instant::now();
        file.write_all_at(&append, (number * APPEND_BYTES) as u64)?;
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    times.sort();
    Ok(SyncTimes {
        p50: percentile(&times, 50),
        p99: percentile(&times, 99),
    })
}
