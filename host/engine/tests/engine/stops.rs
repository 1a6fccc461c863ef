//! Stopped steps, changes of the kernel, and policies that change between steps.

use std::borrow::Cow;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use causeway_engine::hold::Hold;
use causeway_engine::policy::{Candidate, ComponentPolicies, OnFailure, PolicyError};
use causeway_engine::runtime::{
    ComponentOptions, ComponentSource, EMBEDDED_KERNEL, KernelError, KernelRunner, KernelSource,
    NativeKernel, StepEnd, StepHost, StopKind,
};
use causeway_engine::{Clock, Engine, EngineOptions, SubmitError};
use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::StepContext;
use causeway_kernel::boundary::input::{DuePart, Input};
use causeway_kernel::boundary::output::Reply;
use causeway_kernel::boundary::policy::Verdict;
use causeway_kernel::model::limits::DUE_PUT_OFF_MS;
use causeway_kernel::model::{QuarantineEntry, Request};
use causeway_kernel::rows::id::ConnectionNo;
use causeway_kernel::rows::tx::Read;

use crate::policies::post as question;
use crate::support::clock::SetClock;
use crate::support::sandbox;
use crate::support::workspace::{all_rows, new_workspace, options, post, replay};

/// The native kernel, but it traps on frames, and if the flag is set also when they are carried out
/// in parts.
struct Traps(bool);

impl KernelRunner for Traps {
    fn digest(&self) -> [u8; 32] {
        NativeKernel.digest()
    }

    fn step(&mut self, host: &mut dyn StepHost, context: StepContext, input: &[u8]) -> StepEnd {
        let is_stopped = match codec::decode_input(input) {
            Ok(Input::Frame { body, .. }) => body == b"{}",
            Ok(Input::FramePart { .. }) => self.0,
            _ => false,
        };
        if is_stopped {
            return StepEnd::Stopped {
                kind: StopKind::Trap,
                detail: "unreachable".into(),
            };
        }
        NativeKernel.step(host, context, input)
    }
}

struct Source(bool);

impl KernelSource for Source {
    fn open(&self) -> Result<Box<dyn KernelRunner>, KernelError> {
        Ok(Box::new(Traps(self.0)))
    }
}

fn frame() -> Input {
    frame_of(9)
}

fn frame_of(connection: u64) -> Input {
    Input::Frame {
        connection: ConnectionNo(connection),
        body: b"{}".to_vec(),
        skip: Vec::new(),
    }
}

async fn with_traps(folder: &Path, source: Source) -> Engine {
    let options = EngineOptions {
        kernel: Arc::new(source),
        ..options(folder)
    };
    new_workspace(options).await.0
}

#[tokio::test]
async fn a_frame_that_stops_is_kept_and_carried_out_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let engine = with_traps(folder.path(), Source(false)).await;
    let before = engine.status();
    let reply = engine.submit(frame()).await.unwrap();
    // The kernel's reply to a frame of an unknown connection: it was carried out.
    assert!(
        matches!(reply, Reply::Http { status: 400, .. }),
        "{reply:?}"
    );
    let after = engine.status();
    assert_eq!(after.stopped_steps - before.stopped_steps, 1);
    assert_eq!(after.seq - before.seq, 2, "the stop, and what came of it");
    post(&engine, "life goes on", None).await;
    // The connection backs off; others do not.
    let refused = engine.submit(frame()).await;
    assert!(
        matches!(refused, Err(SubmitError::Overloaded)),
        "{refused:?}"
    );
    assert!(engine.submit(frame_of(8)).await.is_ok());
    drop(engine);
    // The journal is kept for investigating the cause.
    let hold = Hold::read(folder.path()).unwrap().unwrap();
    assert_eq!(hold.reason, "a step was stopped");
    assert!(hold.until_ms.is_some());
    assert_eq!(replay(folder.path()).difference, None);
}

#[tokio::test]
async fn a_frame_that_always_stops_is_set_aside_whole() {
    let folder = tempfile::tempdir().unwrap();
    let engine = with_traps(folder.path(), Source(true)).await;
    let reply = engine.submit(frame()).await.unwrap();
    assert!(
        matches!(reply, Reply::Http { status: 200, .. }),
        "{reply:?}"
    );
    let aside: QuarantineEntry = engine.snapshot().get(&1).unwrap();
    assert_eq!(aside.bytes, b"{}");
    assert!(aside.reason.contains("trap"), "{}", aside.reason);
    drop(engine);
    assert_eq!(replay(folder.path()).difference, None);
}

#[tokio::test]
async fn an_act_that_stops_is_answered_and_harms_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let cached = sandbox();
    let few = ComponentOptions {
        step_fuel: 40_000_000,
        ..ComponentOptions::default()
    };
    let options = EngineOptions {
        kernel: Arc::new(ComponentSource::embedded(cached, few)),
        ..options(folder.path())
    };
    let (engine, _effects) = new_workspace(options.clone()).await;
    let rows = all_rows(&engine.snapshot());
    let deep = Input::Quarantine {
        connection: ConnectionNo(1),
        body: vec![b'x'; 60 << 20],
        reason: String::new(),
    };
    let stopped = engine.submit(deep).await;
    assert!(
        matches!(stopped, Err(SubmitError::Stopped(_))),
        "{stopped:?}"
    );
    assert_eq!(all_rows(&engine.snapshot()), rows);
    assert_eq!(post(&engine, "hello", None).await, "hello");
    drop(engine);
    let (engine, _effects) = Engine::open(options).unwrap();
    assert_eq!(engine.status().steps, 0);
}

/// The kernel of this build with an empty custom section at its end: different bytes, same code.
fn relabelled() -> Vec<u8> {
    let mut bytes = EMBEDDED_KERNEL.to_vec();
    bytes.extend([0, 5, 4, b'n', b'o', b't', b'e']);
    bytes
}

#[tokio::test]
async fn a_new_kernel_is_an_entry_and_a_replay_finds_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let cached = sandbox();
    let old = ComponentSource::of(
        cached.clone(),
        Cow::Owned(relabelled()),
        ComponentOptions::default(),
    );
    let new = || ComponentSource::embedded(cached.clone(), ComponentOptions::default());
    let with = |kernel: ComponentSource| EngineOptions {
        kernel: Arc::new(kernel),
        ..options(folder.path())
    };
    let (engine, _effects) = new_workspace(with(old)).await;
    post(&engine, "by the old one", None).await;
    let seq = engine.status().seq;
    drop(engine);
    let (engine, _effects) = Engine::open(with(new())).unwrap();
    // The change itself, the gates of the policies, and a look at what is asked about again.
    steps(&engine, seq + 3).await;
    post(&engine, "by the new one", None).await;
    drop(engine);
    let (engine, _effects) = Engine::open(with(new())).unwrap();
    assert_eq!(engine.status().steps, 0);
    drop(engine);
    let scratch = tempfile::tempdir().unwrap();
    let report =
        causeway_engine::replay(folder.path(), scratch.path(), Arc::new(new()), |_| {}).unwrap();
    assert_eq!((report.difference, report.steps), (None, 13));
}

#[tokio::test]
async fn a_policy_is_loaded_swapped_and_found_again() {
    static FILTER: &[u8] = include_bytes!(env!("CAUSEWAY_POLICY_CONTENT_FILTER"));
    let folder = tempfile::tempdir().unwrap();
    let with_policies = || EngineOptions {
        policies: Arc::new(ComponentPolicies::open(sandbox(), folder.path()).unwrap()),
        ..options(folder.path())
    };
    let (engine, _effects) = new_workspace(with_policies()).await;
    let load = |words: &str| {
        engine.put_policy(Candidate::unsigned(
            "filter",
            FILTER,
            words,
            OnFailure::Hold,
        ))
    };
    load("blue").await.unwrap();
    let swapped = load("green").await.unwrap();
    assert_eq!(engine.policies(), std::slice::from_ref(&swapped));
    let wrong = engine.put_policy(Candidate::unsigned("bad", b"no", "", OnFailure::Hold));
    assert!(matches!(wrong.await, Err(PolicyError::Component(_))));
    let seq = engine.status().seq;
    engine.shutdown().await;
    let (engine, _effects) = Engine::open(with_policies()).unwrap();
    assert_eq!(engine.policies(), [swapped]);
    assert_eq!(
        engine.status().seq,
        seq,
        "nothing had to be recorded at startup"
    );
    engine.unload_policy("filter").await.unwrap();
    assert_eq!(engine.policies(), []);
    let again = engine.unload_policy("filter").await;
    assert!(matches!(again, Err(PolicyError::NotFound(_))));
    drop(engine);
    // The journal records changes of the slots.
    assert_eq!(replay(folder.path()).difference, None);
}

/// The native kernel, but the first few steps of a kind trap.
struct TrapsFirst(fn(&Input) -> bool, Arc<AtomicU32>);

impl KernelRunner for TrapsFirst {
    fn digest(&self) -> [u8; 32] {
        NativeKernel.digest()
    }

    fn step(&mut self, host: &mut dyn StepHost, context: StepContext, input: &[u8]) -> StepEnd {
        let is_meant = codec::decode_input(input).is_ok_and(|input| (self.0)(&input));
        let left = &self.1;
        let is_left =
            || left.try_update(Ordering::Relaxed, Ordering::Relaxed, |it| it.checked_sub(1));
        if is_meant && is_left().is_ok() {
            return StepEnd::Stopped {
                kind: StopKind::Trap,
                detail: "unreachable".into(),
            };
        }
        NativeKernel.step(host, context, input)
    }
}

struct First(fn(&Input) -> bool, Arc<AtomicU32>);

impl KernelSource for First {
    fn open(&self) -> Result<Box<dyn KernelRunner>, KernelError> {
        Ok(Box::new(TrapsFirst(self.0, Arc::clone(&self.1))))
    }
}

/// Waits for an idle workspace to reach a step.
async fn steps(engine: &Engine, seq: u64) {
    let until = Instant::now() + Duration::from_secs(60);
    while engine.status().seq < seq && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(engine.status().seq, seq);
}

#[tokio::test]
async fn what_is_due_goes_on_row_by_row_after_a_stop_and_what_stops_again_is_put_off() {
    let folder = tempfile::tempdir().unwrap();
    let clock = SetClock::at(1_700_000_000_000);
    let is_timer = |input: &Input| matches!(input, Input::Timer | Input::DuePart(DuePart::Rows(_)));
    let stops = Arc::new(AtomicU32::new(0));
    let options = EngineOptions {
        kernel: Arc::new(First(is_timer, Arc::clone(&stops))),
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        ..options(folder.path())
    };
    let (engine, _effects) = new_workspace(options).await;
    // Its key is to be deleted when it expires.
    post(&engine, "hello", Some("key")).await;
    let seq = engine.status().seq;
    let is_kept = || !engine.snapshot().prefix::<Request, ()>(&(), 1).is_empty();
    stops.store(2, Ordering::Relaxed);
    clock.advance(7 * 86_400_000);
    steps(&engine, seq + 3).await;
    assert_eq!(engine.status().stopped_steps, 2);
    assert!(is_kept(), "the only row is put off");
    stops.store(1, Ordering::Relaxed);
    clock.advance(DUE_PUT_OFF_MS);
    steps(&engine, seq + 5).await;
    assert!(!is_kept(), "the row was carried out alone");
    engine.shutdown().await;
    assert_eq!(replay(folder.path()).difference, None);
}

/// Traps at the first change of the policies, and asks them about a word on every timer.
struct Asks(First, Arc<Mutex<Vec<Verdict>>>);

impl KernelSource for Asks {
    fn open(&self) -> Result<Box<dyn KernelRunner>, KernelError> {
        Ok(Box::new(Asking(self.0.open()?, Arc::clone(&self.1))))
    }
}

struct Asking(Box<dyn KernelRunner>, Arc<Mutex<Vec<Verdict>>>);

impl KernelRunner for Asking {
    fn digest(&self) -> [u8; 32] {
        self.0.digest()
    }

    fn step(&mut self, host: &mut dyn StepHost, context: StepContext, input: &[u8]) -> StepEnd {
        if codec::decode_input(input) == Ok(Input::Timer) {
            // A question without a gate in this build does not affect the other questions.
            let unknown = vec![200, 1, 2];
            let said = host.ask(vec![unknown, codec::encode_question(&question("blue"))]);
            let said = said.iter().map(|it| codec::decode_verdict(it).unwrap());
            self.1.lock().unwrap().extend(said);
        }
        self.0.step(host, context, input)
    }
}

#[tokio::test]
async fn a_change_of_policies_that_stops_is_none() {
    static FILTER: &[u8] = include_bytes!(env!("CAUSEWAY_POLICY_CONTENT_FILTER"));
    let folder = tempfile::tempdir().unwrap();
    let heard = Arc::<Mutex<Vec<Verdict>>>::default();
    let is_change = |input: &Input| matches!(input, Input::PolicyChanged { what, .. } if what.contains("filter"));
    let with_policies = || EngineOptions {
        policies: Arc::new(ComponentPolicies::open(sandbox(), folder.path()).unwrap()),
        kernel: Arc::new(Asks(
            First(is_change, Arc::new(AtomicU32::new(1))),
            Arc::clone(&heard),
        )),
        ..options(folder.path())
    };
    let (engine, _effects) = new_workspace(with_policies()).await;
    let load = engine.put_policy(Candidate::unsigned(
        "filter",
        FILTER,
        "blue",
        OnFailure::Hold,
    ));
    assert!(load.await.is_err());
    assert_eq!(engine.policies(), []);
    heard.lock().unwrap().clear();
    engine.submit(Input::Timer).await.unwrap();
    let last = heard.lock().unwrap().pop();
    assert_eq!(last, Some(Verdict::Allow), "the filter is in force");
    let unknown = heard.lock().unwrap().pop();
    assert!(matches!(unknown, Some(Verdict::Failed(_))), "{unknown:?}");
    let seq = engine.status().seq;
    engine.shutdown().await;
    let (engine, _effects) = Engine::open(with_policies()).unwrap();
    assert_eq!(
        engine.status().seq,
        seq,
        "nothing had to be recorded at startup"
    );
    drop(engine);
    assert_eq!(replay(folder.path()).difference, None);
}
