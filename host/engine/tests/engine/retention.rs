//! Retention of the journal: by size, by age, and while a hold is in force.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use causeway_engine::RecordingStatus;
use causeway_engine::hold::Hold;
use causeway_engine::runtime::{
    KernelError, KernelRunner, KernelSource, NativeKernel, StepEnd, StepHost,
};
use causeway_engine::{Clock, Engine, EngineOptions, Retention};
use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::StepContext;
use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::Effect;
use causeway_kernel::rows::id::ConnectionNo;

use crate::support::clock::SetClock;
use crate::support::workspace::{new_workspace, options, post, replay};

/// A day, in ms.
const DAY_MS: i64 = 24 * 3_600_000;
/// How long the engine may take to drop segments.
const PATIENCE: Duration = Duration::from_secs(60);
/// Checkpoints after which a segment that still exists is kept: the engine checks after each one.
const CHECKPOINTS: u64 = 3;

fn small_segments(data: &Path, clock: &Arc<SetClock>, retention: Retention) -> EngineOptions {
    EngineOptions {
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        retention: Retention {
            segment_bytes: 2_000,
            ..retention
        },
        ..options(data)
    }
}

/// Writes posts until the oldest entry of the journal has been dropped.
async fn oldest_goes(engine: &Engine, data: &Path) {
    write_until(engine, || RecordingStatus::of(data).unwrap().first_seq > 1).await;
}

/// Writes posts for some checkpoints; the oldest entry of the journal must be kept.
async fn oldest_stays(engine: &Engine, data: &Path) {
    let enough = engine.status().checkpoints + CHECKPOINTS;
    write_until(engine, || engine.status().checkpoints >= enough).await;
    assert_eq!(engine.status().snapshots, 0);
    assert_eq!(RecordingStatus::of(data).unwrap().first_seq, 1);
}

/// Writes posts, as there are only checkpoints when there is something to write.
async fn write_until(engine: &Engine, done: impl Fn() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < PATIENCE, "it never happened");
        post(engine, "one more", None).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn entries_go_when_they_are_too_old_and_what_is_left_replays() {
    let folder = tempfile::tempdir().unwrap();
    let clock = SetClock::at(1_800_000_000_000);
    let retention = Retention {
        journal_age_ms: Some(30 * DAY_MS),
        ..Retention::default()
    };
    let options = small_segments(folder.path(), &clock, retention);
    let (engine, _effects) = new_workspace(options).await;
    for number in 0..30 {
        post(&engine, &format!("post {number}"), None).await;
    }
    oldest_stays(&engine, folder.path()).await;
    clock.advance(31 * DAY_MS);
    oldest_goes(&engine, folder.path()).await;
    engine.shutdown().await;
    let status = RecordingStatus::of(folder.path()).unwrap();
    assert_eq!(status.replayable_from, status.snapshots[0] + 1);
    let report = replay(folder.path());
    assert_eq!(report.difference, None);
    assert_eq!(report.from + 1, status.replayable_from);
}

#[tokio::test]
async fn a_held_journal_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let clock = SetClock::at(1_800_000_000_000);
    let retention = Retention {
        journal_bytes: 4_000,
        ..Retention::default()
    };
    let hold = Hold {
        reason: "a test looks at it".into(),
        until_ms: None,
        bytes_max: None,
    };
    std::fs::create_dir_all(folder.path()).unwrap();
    hold.set(folder.path()).unwrap();
    let options = small_segments(folder.path(), &clock, retention);
    let (engine, _effects) = new_workspace(options).await;
    for number in 0..60 {
        post(&engine, &format!("post {number}"), None).await;
    }
    oldest_stays(&engine, folder.path()).await;
    assert_eq!(RecordingStatus::of(folder.path()).unwrap().hold, Some(hold));
    assert!(Hold::release(folder.path()).unwrap());
    oldest_goes(&engine, folder.path()).await;
    engine.submit(Input::Timer).await.unwrap();
    engine.shutdown().await;
}

/// The native kernel, but every step reports refused items of a peer.
struct Refuses(&'static str);

impl KernelRunner for Refuses {
    fn digest(&self) -> [u8; 32] {
        NativeKernel.digest()
    }

    fn step(&mut self, host: &mut dyn StepHost, context: StepContext, input: &[u8]) -> StepEnd {
        let mut end = NativeKernel.step(host, context, input);
        if let StepEnd::Done(output) = &mut end {
            output.effects.push(codec::encode_effect(&Effect::Refused {
                connection: ConnectionNo(1),
                reason: self.0.into(),
                items: 400,
            }));
        }
        end
    }
}

impl KernelSource for Refuses {
    fn open(&self) -> Result<Box<dyn KernelRunner>, KernelError> {
        Ok(Box::new(Refuses(self.0)))
    }
}

/// The hold in force after some steps, each with refused items.
async fn hold_after_refusals(reason: &'static str) -> Option<Hold> {
    let folder = tempfile::tempdir().unwrap();
    let options = EngineOptions {
        kernel: Arc::new(Refuses(reason)),
        ..options(folder.path())
    };
    let journal_bytes = options.retention.journal_bytes;
    let (engine, _effects) = new_workspace(options).await;
    post(&engine, "one more", None).await;
    let steps = engine.status().steps;
    let counted = if reason == "not_newer" {
        0
    } else {
        400 * steps
    };
    assert_eq!(engine.status().refused_items, counted);
    // A shutdown writes a checkpoint, after which the counters are checked.
    engine.shutdown().await;
    let hold = Hold::read(folder.path()).unwrap();
    if let Some(hold) = &hold {
        assert_eq!(hold.bytes_max, Some(4 * journal_bytes));
    }
    hold
}

#[tokio::test]
async fn a_storm_of_refusals_holds_the_journal() {
    let hold = hold_after_refusals("bad_id").await.unwrap();
    assert!(hold.reason.contains("refused"), "{hold}");
    assert!(hold.until_ms.is_some());
    assert_eq!(hold_after_refusals("not_newer").await, None);
}

#[test]
fn a_hold_gives_way_to_a_longer_one_only() {
    let folder = tempfile::tempdir().unwrap();
    let hold = |until_ms| Hold {
        reason: format!("until {until_ms:?}"),
        until_ms,
        bytes_max: Some(100),
    };
    for (set, left) in [
        (Some(5), Some(5)),
        (Some(3), Some(5)),
        (None, None),
        (Some(9), None),
    ] {
        hold(set).set(folder.path()).unwrap();
        assert_eq!(Hold::read(folder.path()).unwrap().unwrap().until_ms, left);
    }
    assert!(hold(Some(5)).is_in_force(4, 100));
    assert!(!hold(Some(5)).is_in_force(5, 100));
    assert!(!hold(Some(5)).is_in_force(4, 101));
}

#[tokio::test]
async fn a_start_goes_on_in_a_new_segment_when_the_last_one_is_old() {
    let folder = tempfile::tempdir().unwrap();
    let clock = SetClock::at(1_800_000_000_000);
    let options = EngineOptions {
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        retention: Retention {
            journal_age_ms: Some(30 * DAY_MS),
            ..Retention::default()
        },
        ..options(folder.path())
    };
    let (engine, _effects) = new_workspace(options.clone()).await;
    engine.shutdown().await;
    for (days, segments) in [(1, 1), (4, 2)] {
        clock.advance(days * DAY_MS);
        let (engine, _effects) = Engine::open(options.clone()).unwrap();
        post(&engine, "a day later", None).await;
        engine.shutdown().await;
        assert_eq!(
            RecordingStatus::of(folder.path()).unwrap().segments,
            segments,
            "{days}"
        );
    }
    assert_eq!(replay(folder.path()).difference, None);
}
