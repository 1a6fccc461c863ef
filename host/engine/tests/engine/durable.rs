//! Everything acknowledged is there after a restart, orderly or not, and the journal replays.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use causeway_engine::disk::RealDisk;
use causeway_engine::journal::{JournalError, Reader};
use causeway_engine::testing::{Layout, MemoryTable, Tables};
use causeway_engine::{Engine, EngineOptions, OpenError, ReplayDirError, Retention, SubmitError};
use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::{Reply, Write};
use causeway_kernel::rows::counters;
use causeway_kernel::rows::table::Table;

use crate::support::disk::FullDisk;
use crate::support::script::{command, create_post};
use crate::support::workspace::{all_rows, copy_folder, new_workspace, options, post, replay};

fn segment(data: &Path) -> std::path::PathBuf {
    let mut all: Vec<_> = fs::read_dir(data.join("journal"))
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    all.sort();
    all.pop().unwrap()
}

/// Offset after the last non-zero byte.
fn end_of(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1
}

#[tokio::test]
async fn a_workspace_is_found_as_it_was_left() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, _effects) = new_workspace(options(folder.path())).await;
    assert_eq!(post(&engine, "hello", None).await, "hello");
    let rows = all_rows(&engine.snapshot());
    engine.shutdown().await;
    assert_eq!(
        engine.submit(Input::Resume).await,
        Err(SubmitError::ShuttingDown)
    );
    let (engine, _effects) = Engine::open(options(folder.path())).unwrap();
    assert_eq!(all_rows(&engine.snapshot()), rows);
    assert_eq!(
        engine.status().steps,
        0,
        "nothing had to be done at startup"
    );
    assert_eq!(post(&engine, "again", None).await, "again");
    drop(engine);
    let report = replay(folder.path());
    assert_eq!(report.difference, None);
    assert_eq!((report.from, report.steps), (0, 10));
}

#[tokio::test]
async fn only_one_process_may_use_a_data_directory() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, _effects) = Engine::open(options(folder.path())).unwrap();
    let second = Engine::open(options(folder.path()));
    assert!(matches!(second, Err(OpenError::InUse)));
    engine.shutdown().await;
    assert!(Engine::open(options(folder.path())).is_ok());
}

#[tokio::test]
async fn what_a_power_cut_leaves_holds_everything_acknowledged() {
    let (folder, cut) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (engine, _effects) = new_workspace(options(folder.path())).await;
    for number in 0..300 {
        post(&engine, &format!("post {number}"), None).await;
    }
    let rows = all_rows(&engine.snapshot());
    copy_folder(folder.path(), cut.path());
    // The copy stands in for the original; as a copy it starts a new incarnation.
    fs::remove_file(cut.path().join("identity")).unwrap();
    let (after, _effects) = Engine::open(options(cut.path())).unwrap();
    let mut found = all_rows(&after.snapshot());
    // Except for the new incarnation.
    let meta = |(table, _): &(causeway_kernel::rows::table::Table, Vec<u8>)| {
        *table != causeway_kernel::rows::table::Table::Meta
    };
    found.retain(|key, _| meta(key));
    let mut expected = rows;
    expected.retain(|key, _| meta(key));
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_torn_write_at_the_end_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, _effects) = new_workspace(options(folder.path())).await;
    let before = all_rows(&engine.snapshot());
    engine.shutdown().await;
    let path = segment(folder.path());
    let mut bytes = fs::read(&path).unwrap();
    let end = end_of(&bytes);
    let copy = bytes[end - 200..end - 20].to_vec();
    bytes.truncate(end);
    bytes.extend(copy);
    fs::write(&path, bytes).unwrap();
    let (engine, _effects) = Engine::open(options(folder.path())).unwrap();
    assert_eq!(all_rows(&engine.snapshot()), before);
    post(&engine, "goes on", None).await;
    drop(engine);
    assert_eq!(replay(folder.path()).difference, None);
}

#[tokio::test]
async fn a_journal_that_lost_its_end_is_not_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, _effects) = new_workspace(options(folder.path())).await;
    engine.shutdown().await;
    let path = segment(folder.path());
    let mut bytes = fs::read(&path).unwrap();
    let end = end_of(&bytes);
    bytes[end - 30] ^= 1;
    fs::write(&path, bytes).unwrap();
    let opened = Engine::open(options(folder.path()));
    assert!(matches!(opened, Err(OpenError::JournalIsShort { .. })));
}

#[tokio::test]
async fn a_changed_entry_is_found_by_a_replay() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, _effects) = new_workspace(options(folder.path())).await;
    post(&engine, "the text as it was written", None).await;
    post(&engine, "another", None).await;
    engine.shutdown().await;
    let path = segment(folder.path());
    let mut bytes = fs::read(&path).unwrap();
    let text = b"the text as it was written";
    let at = bytes.windows(text.len()).position(|it| it == text).unwrap();
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
    let difference = replay(folder.path()).difference.unwrap();
    assert_eq!(difference.seq, 9);
    assert!(difference.what.contains("damaged"), "{difference}");
}

#[tokio::test]
async fn a_row_that_no_step_wrote_is_found_by_a_replay() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, _effects) = new_workspace(options(folder.path())).await;
    engine.shutdown().await;
    let report = replay(folder.path());
    assert!(report.tables, "they are compared");
    assert_eq!(report.difference, None);

    let tables = Tables::open(&RealDisk, &Layout::of(folder.path()).tables()).unwrap();
    let (_, position) = tables.base().unwrap();
    let rows = MemoryTable::default();
    let write = Write {
        table: Table::Names,
        key: b"another".to_vec(),
        value: Some(b"row".to_vec()),
    };
    rows.apply(position.seq, 0, vec![write]);
    tables.checkpoint(&rows, &position).unwrap();
    drop(tables);
    let difference = replay(folder.path()).difference.unwrap();
    assert!(difference.what.contains("tables"), "{difference}");
}

/// A segment may be dropped while another process reads the journal.
#[tokio::test]
async fn who_reads_a_segment_that_has_gone_does_not_make_it_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, _effects) = new_workspace(options(folder.path())).await;
    engine.shutdown().await;
    let journal = Layout::of(folder.path()).journal();
    let mut reader = Reader::open(Arc::new(RealDisk), &journal, 1).unwrap();
    let path = segment(folder.path());
    fs::remove_file(&path).unwrap();
    let error = reader.next_entry().unwrap_err();
    assert!(matches!(error, JournalError::Dropped(_)), "{error}");
    assert!(!path.exists());
}

#[tokio::test]
async fn a_client_that_repeats_itself_after_a_restart_has_written_once() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, _effects) = new_workspace(options(folder.path())).await;
    post(&engine, "once", Some("1:77")).await;
    let posts = counters::counters(&engine.snapshot()).post;
    engine.shutdown().await;
    let (engine, _effects) = Engine::open(options(folder.path())).unwrap();
    assert_eq!(post(&engine, "once", Some("1:77")).await, "once");
    assert_eq!(counters::counters(&engine.snapshot()).post, posts);
}

#[tokio::test]
async fn a_copy_of_a_data_directory_begins_a_new_incarnation() {
    let (folder, copied) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (engine, _effects) = new_workspace(options(folder.path())).await;
    let before = counters::workspace(&engine.snapshot()).unwrap();
    engine.shutdown().await;
    copy_folder(folder.path(), copied.path());
    let (copy, _effects) = Engine::open(options(copied.path())).unwrap();
    let after = counters::workspace(&copy.snapshot()).unwrap();
    assert_eq!(after.id, before.id);
    assert_eq!(after.incarnation.number, before.incarnation.number + 1);
    assert_ne!(after.incarnation.id, before.incarnation.id);
    copy.shutdown().await;
    let (original, _effects) = Engine::open(options(folder.path())).unwrap();
    let unchanged = counters::workspace(&original.snapshot()).unwrap();
    assert_eq!(unchanged.incarnation, before.incarnation);
    let (copy, _effects) = Engine::open(options(copied.path())).unwrap();
    let again = counters::workspace(&copy.snapshot()).unwrap();
    assert_eq!(again.incarnation, after.incarnation, "once is enough");
    drop(copy);
    assert_eq!(replay(copied.path()).difference, None);
}

#[tokio::test]
async fn a_snapshot_replaces_the_segments_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(folder.path());
    options.retention = Retention {
        journal_bytes: 20_000,
        segment_bytes: 10_000,
        ..Retention::default()
    };
    let (engine, _effects) = new_workspace(options.clone()).await;
    let mut number = 0;
    while engine.status().dropped_segments == 0 {
        assert!(number < 10_000, "no segment was dropped");
        post(&engine, &format!("post {number}"), None).await;
        number += 1;
        if number % 100 == 0 {
            // A checkpoint comes a second after the first row.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    // While the engine is running.
    let report = replay(folder.path());
    assert_eq!(report.difference, None);
    assert!(report.from > 0, "{report:?}");
    let rows = all_rows(&engine.snapshot());
    drop(engine);
    let (engine, _effects) = Engine::open(options).unwrap();
    assert_eq!(all_rows(&engine.snapshot()), rows);
}

#[tokio::test]
async fn many_at_once_share_syncs_and_each_gets_its_answer() {
    let folder = tempfile::tempdir().unwrap();
    let disk = FullDisk::new(".journal");
    let options = EngineOptions {
        disk: Arc::new(disk.clone()),
        ..options(folder.path())
    };
    let (engine, _effects) = new_workspace(options).await;
    let before = engine.status();
    disk.hold_syncs(true);
    let mut all = Vec::new();
    let begun = Arc::new(AtomicUsize::new(0));
    for number in 0..500 {
        let (engine, begun) = (engine.clone(), Arc::clone(&begun));
        all.push(tokio::spawn(async move {
            let text = format!("post {number}");
            begun.fetch_add(1, Ordering::Relaxed);
            assert_eq!(post(&engine, &text, None).await, text);
        }));
    }
    // On a single-threaded runtime, every task that has started is now waiting for its reply.
    while begun.load(Ordering::Relaxed) < 500 {
        tokio::task::yield_now().await;
    }
    disk.hold_syncs(false);
    for one in all {
        one.await.unwrap();
    }
    let after = engine.status();
    assert_eq!(after.steps - before.steps, 500);
    // The held group, and those queued after it.
    assert!(after.groups - before.groups < 10, "{after:?}");
}

#[test]
fn a_folder_without_a_journal_has_nothing_to_replay() {
    let (folder, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let kernel = std::sync::Arc::new(causeway_engine::runtime::NativeSource);
    let report = causeway_engine::replay(folder.path(), scratch.path(), kernel, |_| {});
    assert!(matches!(report, Err(ReplayDirError::Empty)));
}

#[tokio::test]
async fn a_refused_act_is_an_answer_and_an_entry() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, _effects) = new_workspace(options(folder.path())).await;
    let input = command(2, create_post(None, &"x".repeat(16_384)));
    let reply = engine.submit(input).await.unwrap();
    assert!(matches!(reply, Reply::Refused(_)), "{reply:?}");
    assert_eq!(engine.status().seq, 9);
}

#[tokio::test]
async fn a_segment_that_was_only_begun_is_no_loss() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, _effects) = new_workspace(options(folder.path())).await;
    post(&engine, "before the cut", None).await;
    engine.shutdown().await;
    let segment = std::fs::read_dir(folder.path().join("journal"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .max()
        .unwrap();
    let last = replay(folder.path()).end.seq;
    // The tables reach up to the last entry, and a power cut hits the header of the next segment.
    let begun = segment.with_file_name(format!("{:020}", last + 1));
    let begun = begun.with_extension(segment.extension().unwrap());
    std::fs::write(begun, [0; 20]).unwrap();
    let (engine, _effects) = Engine::open(options(folder.path())).unwrap();
    post(&engine, "behind the cut", None).await;
    engine.shutdown().await;
    let report = replay(folder.path());
    assert_eq!(report.difference, None);
    assert!(report.end.seq > last);
}
