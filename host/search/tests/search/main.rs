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

use crate::workspace::{ANN, BOB, Workspace};

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
