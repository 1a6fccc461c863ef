//! Segments of a journal after a power cut, or on a bad disk: damage is reported, never followed.

use std::cell::OnceCell;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use causeway_engine::disk::RealDisk;
use causeway_engine::journal::Reader;
use tempfile::TempDir;

use super::Target;
use crate::seeds::path;

pub const TARGET: Target = Target {
    name: "journals",
    run,
    seeds,
    cases: 400,
};

const SEGMENT: &str = "00000000000000000001.journal";

thread_local! {
    static FOLDER: OnceCell<(TempDir, PathBuf)> = const { OnceCell::new() };
}

fn run(bytes: &[u8]) {
    FOLDER.with(|folder| {
        let (_, segment) = folder.get_or_init(segment);
        fs::write(segment, bytes).expect("room for a file");
        let folder = segment.parent().expect("a segment stands in a folder");
        let Ok(mut reader) = Reader::open(Arc::new(RealDisk), folder, 0) else {
            return;
        };
        let mut next = None;
        while let Ok(Some(recorded)) = reader.next_entry() {
            let seq = recorded.entry.seq;
            assert!(next.is_none_or(|next| next == seq), "{seq} after {next:?}");
            next = seq.checked_add(1);
        }
    });
}

/// A file with the name of the recorded segment.
fn segment() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(SEGMENT);
    (folder, file)
}

/// The segment of the data directory fixture.
fn seeds() -> Vec<Vec<u8>> {
    let packed = path("fixtures/data/0.1/journal").join(format!("{SEGMENT}.zst"));
    let packed = fs::File::open(packed).expect("the fixture is there");
    vec![zstd::decode_all(packed).expect("the fixture can be unpacked")]
}
