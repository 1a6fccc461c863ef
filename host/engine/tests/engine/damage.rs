//! Damaged tables are rebuilt from the journal, whenever the damage is found.

use std::fs;
use std::path::{Path, PathBuf};

use causeway_engine::{Engine, OpenError, SubmitError};
use causeway_kernel::boundary::input::Input;
use causeway_kernel::model::Post;
use causeway_kernel::rows::id::PostNo;
use causeway_kernel::rows::tx::Read;

use crate::support::workspace::{AllRows, all_rows, new_workspace, options, post, replay};

/// Page size of the tables.
const PAGE: usize = 4096;
/// Number of posts; enough for the tables to have pages that are not read at startup.
const POSTS: usize = 400;

fn tables(data: &Path) -> PathBuf {
    data.join("tables.redb")
}

/// Creates a workspace, lets its rows be written to the tables and closes it.
async fn written(data: &Path) -> AllRows {
    let (engine, _effects) = new_workspace(options(data)).await;
    for n in 0..POSTS {
        post(&engine, &format!("needle {n} {}", "hay ".repeat(60)), None).await;
    }
    let rows = all_rows(&engine.snapshot());
    engine.shutdown().await;
    rows
}

fn unwound<T>(read: impl FnOnce() -> T) -> std::thread::Result<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(read))
}

fn change(data: &Path, damage: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(tables(data)).unwrap();
    damage(&mut bytes);
    fs::write(tables(data), bytes).unwrap();
}

/// Zeroes the pages that contain a text.
fn zero_pages_with(bytes: &mut [u8], text: &str) {
    let pages = bytes.chunks_mut(PAGE).filter(|page| {
        let mut windows = page.windows(text.len());
        windows.any(|window| window == text.as_bytes())
    });
    let mut count = 0;
    for page in pages {
        page.fill(0);
        count += 1;
    }
    assert!(count > 0, "no page holds {text}");
}

#[tokio::test]
async fn tables_that_are_no_tables_any_more_are_made_again_at_the_start() {
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 6] = [
        ("empty", Vec::clear),
        ("shortened to a page", |bytes| bytes.truncate(PAGE)),
        ("shortened by half", |bytes| bytes.truncate(bytes.len() / 2)),
        ("garbage", |bytes| bytes.fill(0xa5)),
        ("the first page zeroed", |bytes| bytes[..PAGE].fill(0)),
        ("the second half zeroed", |bytes| {
            let half = bytes.len() / 2;
            bytes[half..].fill(0);
        }),
    ];
    for (name, damage) in damages {
        let folder = tempfile::tempdir().unwrap();
        let rows = written(folder.path()).await;
        change(folder.path(), damage);
        let (engine, _effects) = Engine::open(options(folder.path())).expect(name);
        // Damage that is not met at startup is found by a later read; the next start repairs it.
        let read = unwound(|| all_rows(&engine.snapshot()));
        let engine = if read.is_err() {
            engine.closed().await;
            drop(engine);
            Engine::open(options(folder.path())).expect(name).0
        } else {
            engine
        };
        assert_eq!(all_rows(&engine.snapshot()), rows, "{name}");
        assert_eq!(post(&engine, "after", None).await, "after");
        engine.shutdown().await;
        assert_eq!(replay(folder.path()).difference, None, "{name}");
        let leftover = folder.path().join("tables.redb.new");
        assert!(!leftover.exists(), "{name}");
    }
}

#[tokio::test]
async fn tables_that_are_gone_are_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let rows = written(folder.path()).await;
    fs::remove_file(tables(folder.path())).unwrap();
    let (engine, _effects) = Engine::open(options(folder.path())).unwrap();
    assert_eq!(all_rows(&engine.snapshot()), rows);
}

#[tokio::test]
async fn a_damaged_page_that_shows_while_it_runs_ends_the_engine_and_the_next_one_has_all() {
    let folder = tempfile::tempdir().unwrap();
    let rows = written(folder.path()).await;
    change(folder.path(), |bytes| zero_pages_with(bytes, "needle 7 "));
    let (engine, _effects) = Engine::open(options(folder.path())).unwrap();
    assert!(!engine.status().tables_are_damaged, "not read at startup");
    let read = || {
        let snapshot = engine.snapshot();
        unwound(|| snapshot.get::<Post>(&PostNo(8)))
    };
    assert!(read().is_err(), "a damaged row must not be returned");
    let status = engine.status();
    assert!(status.tables_are_damaged && status.read_only.is_some());
    engine.closed().await;
    let refused = engine.submit(Input::Resume).await;
    assert!(matches!(refused, Err(SubmitError::ShuttingDown)));
    assert!(read().is_err());
    drop(engine);
    assert!(!tables(folder.path()).exists());
    assert!(folder.path().join("tables.redb.damaged").exists());
    let (engine, _effects) = Engine::open(options(folder.path())).unwrap();
    assert_eq!(all_rows(&engine.snapshot()), rows);
}

#[tokio::test]
async fn tables_whose_journal_is_not_whole_are_not_made_of_a_part_of_it() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path()).await;
    let journal = fs::read_dir(folder.path().join("journal")).unwrap();
    let segment = journal.map(|entry| entry.unwrap().path()).next().unwrap();
    fs::rename(
        &segment,
        segment.with_file_name("00000000000000000009.journal"),
    )
    .unwrap();
    fs::remove_file(tables(folder.path())).unwrap();
    let refused = Engine::open(options(folder.path())).err();
    assert!(
        matches!(refused, Some(OpenError::Rebuild(_))),
        "{refused:?}"
    );
}
