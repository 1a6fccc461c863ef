//! Clocks that are set back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use causeway_engine::{Clock, Engine, EngineOptions};
use causeway_kernel::boundary::output::{Object, Reply};
use causeway_kernel::command::{Command, DeletePost};
use causeway_kernel::model::Post;
use causeway_kernel::model::limits::REPLIES_PER_STEP_MAX;
use causeway_kernel::rows::id::PostNo;
use causeway_kernel::rows::tx::Read;

use crate::support::clock::SetClock;
use crate::support::script::{command, create_post};
use crate::support::workspace::{new_workspace, options};

const HOUR_MS: i64 = 3_600_000;
/// How long the job may take; if it depended on the clock that was set back, it would take an hour.
const PATIENCE: Duration = Duration::from_secs(60);

async fn write(engine: &Engine, root: Option<PostNo>, text: &str) -> PostNo {
    let create = create_post(root.map(|no| no.0), text);
    match engine.submit(command(1, create)).await.unwrap() {
        Reply::Object(Object::Post(no)) => no,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_due_at_once_does_not_wait_for_a_clock_that_was_set_back() {
    let folder = tempfile::tempdir().unwrap();
    let clock = SetClock::at(1_700_000_000_000);
    let options = EngineOptions {
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        ..options(folder.path())
    };
    let (engine, _effects) = new_workspace(options).await;
    let root = write(&engine, None, "root").await;
    let mut last = root;
    for number in 0..=REPLIES_PER_STEP_MAX {
        last = write(&engine, Some(root), &format!("reply {number}")).await;
    }
    clock.advance(-HOUR_MS);
    // More than one step deletes: a job handles the rest.
    let delete = Command::DeletePost(DeletePost { post: root });
    engine.submit(command(1, delete)).await.unwrap();
    let begun = Instant::now();
    let is_live = |post: Post| post.delete_at == 0;
    while engine.snapshot().get(&last).is_some_and(is_live) {
        assert!(begun.elapsed() < PATIENCE, "the job waits");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
