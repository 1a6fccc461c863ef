//! A workspace on disk with a team, a channel and two users.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use causeway_engine::{Engine, EngineOptions, ReplayReport, Snapshot};
use causeway_kernel::boundary::env::{Range, Rows};
use causeway_kernel::boundary::input::{Actor, Input};
use causeway_kernel::boundary::output::{Effect, Object, Reply};
use causeway_kernel::model::Post;
use causeway_kernel::rows::id::UserNo;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::Read;
use tokio::sync::mpsc::UnboundedReceiver;

use super::script::{create_post, genesis, script};

/// Every row, to compare workspaces.
pub type AllRows = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

pub fn options(data_dir: &Path) -> EngineOptions {
    let Input::Genesis(genesis) = genesis() else {
        unreachable!("a genesis")
    };
    EngineOptions {
        data_dir: data_dir.to_path_buf(),
        genesis,
        ..EngineOptions::default()
    }
}

/// Opens a new workspace and runs the script up to its posts.
pub async fn new_workspace(options: EngineOptions) -> (Engine, UnboundedReceiver<Effect>) {
    let (engine, effects) = Engine::open(options).unwrap();
    for input in script().into_iter().skip(1).take(7) {
        engine.submit(input).await.unwrap();
    }
    (engine, effects)
}

/// Writes a post and returns its stored text.
pub async fn post(engine: &Engine, text: &str, key: Option<&str>) -> String {
    let input = Input::Command {
        actor: Actor::User(UserNo(1)),
        key: key.map(str::to_string),
        command: create_post(None, text),
    };
    match engine.submit(input).await.unwrap() {
        Reply::Object(Object::Post(post)) => {
            let row: Post = engine.snapshot().get(&post).unwrap();
            row.message
        }
        other => panic!("{other:?}"),
    }
}

pub fn all_rows(snapshot: &Snapshot) -> AllRows {
    let mut all = AllRows::new();
    for table in Table::ALL {
        let range = Range {
            from: Vec::new(),
            to: Vec::new(),
            reverse: false,
            rows_max: u32::MAX,
            bytes_max: u32::MAX,
        };
        let scan = snapshot.scan(*table, &range);
        assert!(!scan.more);
        all.extend(
            scan.rows
                .into_iter()
                .map(|(key, value)| ((*table, key), value)),
        );
    }
    all
}

pub fn replay(data_dir: &Path) -> ReplayReport {
    let scratch = tempfile::tempdir().unwrap();
    let kernel = Arc::new(causeway_engine::runtime::NativeSource);
    causeway_engine::replay(data_dir, scratch.path(), kernel, |_| {}).unwrap()
}

/// Copies all files, as a power cut at this moment would leave them.
pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
