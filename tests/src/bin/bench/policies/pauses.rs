//! How long the writer took from step to step, by the times in its journal.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use causeway_engine::disk::RealDisk;
use causeway_engine::journal::{InputKind, Reader};
use causeway_engine::testing::Layout;

use crate::spread::percentile;

/// Times from the beginning of a step to that of the next one, in ms.
pub struct Pauses {
    /// The longest after a step that swapped policies.
    pub after_swaps_ms: u128,
    /// Of all others.
    pub p50_ms: u128,
    pub p99_ms: u128,
    pub longest_ms: u128,
}

/// Those between two times, in ms since the Unix epoch.
pub fn found(data: &Path, [from_ms, to_ms]: [i64; 2]) -> Result<Pauses> {
    let mut reader = Reader::open(Arc::new(RealDisk), &Layout::of(data).journal(), 0)?;
    let (mut swaps, mut others) = (Vec::new(), Vec::new());
    let mut before: Option<(i64, bool)> = None;
    while let Some(recorded) = reader.next_entry()? {
        let now_ms = recorded.entry.time_ms;
        if let Some((then_ms, was_swap)) = before.filter(|(then_ms, _)| *then_ms >= from_ms) {
            let took = Duration::from_millis(u64::try_from(now_ms - then_ms).unwrap_or(0));
            let kind = if was_swap { &mut swaps } else { &mut others };
            kind.push(took);
        }
        if now_ms > to_ms {
            break;
        }
        before = Some((now_ms, recorded.entry.kind == InputKind::PolicyChanged));
    }
    ensure!(!swaps.is_empty(), "nothing was swapped meanwhile");
    swaps.sort();
    others.sort();
    Ok(Pauses {
        after_swaps_ms: percentile(&swaps, 100).as_millis(),
        p50_ms: percentile(&others, 50).as_millis(),
        p99_ms: percentile(&others, 99).as_millis(),
        longest_ms: percentile(&others, 100).as_millis(),
    })
}
