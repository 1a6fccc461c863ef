//! The index beside a real engine on real files.

// Tests may panic.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod workspace;

use std::fs;
use std::path::Path;

use crate::workspace::{ANN, BOB, DEADLINE, Workspace};

#[tokio::test]
async fn an_index_follows_what_is_written_changed_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let town = Workspace::create(folder.path()).await;
    let first = town.post("Fresh fish at the harbour").await;
    assert_eq!(town.found(ANN, "harbour"), [first]);
    // From now on it is never behind: a search waits for what its snapshot has.
    let second = town.post("明日は東京タワー, Straße").await;
    assert_eq!(town.at_once(BOB, "東京").unwrap(), [second]);
    assert_eq!(town.at_once(BOB, "strasse").unwrap(), [second]);
    town.edit(first, "Smoked eel at the harbour").await;
    assert!(town.at_once(ANN, "fish").unwrap().is_empty());
    assert_eq!(town.at_once(ANN, "eel").unwrap(), [first]);
    town.delete(second).await;
    assert!(town.at_once(ANN, "strasse").unwrap().is_empty());
    town.remove_bob().await;
    assert!(town.at_once(BOB, "harbour").unwrap().is_empty());
    assert_eq!(town.at_once(ANN, "harbour").unwrap(), [first]);
}

type Damage = fn(&Path);

#[tokio::test]
async fn an_index_that_is_lost_or_damaged_is_built_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut town = Workspace::create(folder.path()).await;
    let kept = town.post("anchor chain").await;
    let edited = town.post("anchor rope").await;
    let deleted = town.post("anchor light").await;
    assert_eq!(town.found(ANN, "anchor"), [deleted, edited, kept]);
    town.edit(edited, "mooring line").await;
    town.delete(deleted).await;
    let damages: [(&str, Damage); 6] = [
        ("nothing", |_| {}),
        ("the folder is gone", |it| fs::remove_dir_all(it).unwrap()),
        ("it is a file", |it| {
            fs::remove_dir_all(it).unwrap();
            fs::write(it, "").unwrap();
        }),
        ("all is garbage", |it| damage(it, "")),
        ("its description is garbage", |it| damage(it, "meta.json")),
        ("its terms are garbage", |it| damage(it, ".term")),
    ];
    for (name, change) in damages {
        town = town.again(change).await;
        assert_eq!(town.found(ANN, "anchor"), [kept], "{name}");
        assert_eq!(town.found(ANN, "mooring"), [edited], "{name}");
    }
}

#[tokio::test]
async fn an_index_of_a_later_state_than_the_tables_is_built_again() {
    let folder = tempfile::tempdir().unwrap();
    let town = Workspace::create(folder.path()).await;
    let post = town.post("anchor").await;
    assert_eq!(town.found(ANN, "anchor"), [post]);
    let town = town
        .again(|index| {
            let description = index.join("meta.json");
            let text = fs::read_to_string(&description).unwrap();
            let later = text.replace("\"payload\": \"1 ", "\"payload\": \"1 999");
            assert_ne!(text, later);
            fs::write(description, later).unwrap();
        })
        .await;
    assert_eq!(town.found(ANN, "anchor"), [post]);
    assert_eq!(town.search.current(), Some(town.engine.snapshot().seq()));
}

#[tokio::test]
async fn damaged_tables_are_met_only_by_a_build_which_ends_the_engine_like_any_reader() {
    const POSTS: usize = 300;
    let folder = tempfile::tempdir().unwrap();
    let town = Workspace::create(folder.path()).await;
    for n in 0..POSTS {
        town.post(&format!("crate {n} {}", "hay ".repeat(60))).await;
    }
    assert_eq!(town.found(ANN, "\"crate 7\"").len(), 1);
    let tables = folder.path().join("tables.redb");
    let town = town.again(|_| zero_pages_with(&tables, "crate 7 ")).await;
    // The index is complete: it has no rows to read.
    let seq = town.engine.snapshot().seq();
    assert!(town.search.wait(seq, DEADLINE));
    assert!(!town.engine.status().tables_are_damaged);
    let town = town.again(|index| fs::remove_dir_all(index).unwrap()).await;
    town.engine.closed().await;
    assert!(town.engine.status().tables_are_damaged);
    let town = town.again(|_| {}).await;
    assert_eq!(town.found(ANN, "\"crate 7\"").len(), 1);
}

/// Overwrites the pages that contain a text with zeros.
fn zero_pages_with(file: &Path, text: &str) {
    let mut bytes = fs::read(file).unwrap();
    let mut count = 0;
    for page in bytes.chunks_mut(4096) {
        if page.windows(text.len()).any(|it| it == text.as_bytes()) {
            page.fill(0);
            count += 1;
        }
    }
    assert!(count > 0, "no page holds {text}");
    fs::write(file, bytes).unwrap();
}

/// Fills the files of a folder whose names end in a certain way with garbage.
fn damage(folder: &Path, suffix: &str) {
    let mut count = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.to_string_lossy().ends_with(suffix) {
            fs::write(path, "garbage".repeat(100)).unwrap();
            count += 1;
        }
    }
    assert!(count > 0, "nothing ends in {suffix}");
}
