//! A full disk makes the workspace read-only, without corruption, and it recovers automatically.

use std::sync::Arc;
use std::time::{Duration, Instant};

use causeway_engine::{Engine, EngineOptions, SubmitError};
use causeway_kernel::boundary::input::Input;
use causeway_kernel::rows::tx::Read;

use crate::support::disk::FullDisk;
use crate::support::script::{command, create_post};
use crate::support::workspace::{all_rows, new_workspace, options, post, replay};

/// How long the engine may take; it retries the disk every second.
const PATIENCE: Duration = Duration::from_secs(60);

fn with_disk(folder: &std::path::Path, disk: &FullDisk) -> EngineOptions {
    EngineOptions {
        disk: Arc::new(disk.clone()),
        ..options(folder)
    }
}

async fn until(engine: &Engine, what: &str, ready: impl Fn(&Engine) -> bool) {
    let begun = Instant::now();
    while !ready(engine) {
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_journal_that_cannot_be_written_refuses_acts_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let disk = FullDisk::new(".journal");
    let (engine, _effects) = new_workspace(with_disk(folder.path(), &disk)).await;
    post(&engine, "before", None).await;
    let rows = all_rows(&engine.snapshot());
    disk.fill(true);
    let input = || command(1, create_post(None, "lost"));
    let refused = engine.submit(input()).await;
    assert!(
        matches!(refused, Err(SubmitError::ReadOnly(_))),
        "{refused:?}"
    );
    // At once, without another attempt.
    let refused = engine.submit(input()).await;
    assert!(
        matches!(refused, Err(SubmitError::ReadOnly(_))),
        "{refused:?}"
    );
    assert!(engine.status().read_only.is_some());
    assert_eq!(all_rows(&engine.snapshot()), rows, "reads go on, unchanged");
    disk.fill(false);
    until(&engine, "the disk to take something", |it| {
        it.status().read_only.is_none()
    })
    .await;
    assert_eq!(post(&engine, "after", None).await, "after");
    let rows = all_rows(&engine.snapshot());
    drop(engine);
    assert_eq!(replay(folder.path()).difference, None);
    let (engine, _effects) = Engine::open(options(folder.path())).unwrap();
    assert_eq!(all_rows(&engine.snapshot()), rows);
}

#[tokio::test]
async fn tables_that_cannot_be_written_refuse_acts_and_recover() {
    let folder = tempfile::tempdir().unwrap();
    let disk = FullDisk::new("tables.redb");
    let (engine, _effects) = new_workspace(with_disk(folder.path(), &disk)).await;
    disk.fill(true);
    // Acknowledged: the journal has it.
    post(&engine, "before", None).await;
    let rows = all_rows(&engine.snapshot());
    until(&engine, "the checkpoint to fail", |it| {
        it.status().read_only.is_some()
    })
    .await;
    let refused = engine.submit(Input::Resume).await;
    assert!(
        matches!(refused, Err(SubmitError::ReadOnly(_))),
        "{refused:?}"
    );
    assert_eq!(all_rows(&engine.snapshot()), rows, "reads go on, unchanged");
    disk.fill(false);
    until(&engine, "the checkpoint to succeed", |it| {
        it.status().read_only.is_none()
    })
    .await;
    assert_eq!(all_rows(&engine.snapshot()), rows);
    assert_eq!(post(&engine, "after", None).await, "after");
    let rows = all_rows(&engine.snapshot());
    drop(engine);
    let (engine, _effects) = Engine::open(options(folder.path())).unwrap();
    assert_eq!(all_rows(&engine.snapshot()), rows);
    assert!(
        engine
            .snapshot()
            .has::<causeway_kernel::model::User>(&causeway_kernel::rows::id::UserNo(1))
    );
}
