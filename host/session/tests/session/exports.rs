//! Recorded sessions: exported from a data directory, replayed by three engines, truncated, damaged,
//! and compared with a kernel in which one rule is changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use causeway_engine::runtime::{
    ComponentOptions, ComponentSource, EMBEDDED_KERNEL, KernelSource, NativeSource, Sandbox,
    StepEnd,
};
use causeway_engine::{DataDirReplay, Engine, EngineOptions};
use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::Reply;
use causeway_session::file::format::{Piece, Selection};
use causeway_session::mask::Mask;
use causeway_session::{
    ExportError, ExportOptions, Exported, KernelChoice, ReplayOptions, SessionError, SessionFile,
    SessionReport, export, replay_session,
};

use crate::script::{genesis, script};

/// Texts of the script that a mask has to hide.
const SECRET_WORDS: [&str; 3] = ["Falcon", "Löwe", "acme.example"];

/// A message of the kernel, which is changed in the candidate.
const RULE: &[u8] = b"An account with that username already exists.";

/// A sandbox with a persistent cache: compiling the kernel takes seconds.
fn sandbox() -> Sandbox {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("engine-cache");
    Sandbox::new(Some(&cache)).unwrap()
}

fn component() -> Arc<dyn KernelSource> {
    let options = ComponentOptions::default();
    Arc::new(ComponentSource::embedded(sandbox(), options))
}

fn unoptimised() -> Arc<dyn KernelSource> {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("engine-cache");
    let sandbox = Sandbox::unoptimised(Some(&cache)).unwrap();
    Arc::new(ComponentSource::embedded(
        sandbox,
        ComponentOptions::default(),
    ))
}

/// Runs a workspace with the component and shuts it down.
async fn recorded_workspace(data: &Path) {
    let Input::Genesis(genesis) = genesis() else {
        unreachable!("a genesis")
    };
    let options = EngineOptions {
        data_dir: data.to_path_buf(),
        genesis,
        kernel: component(),
        ..EngineOptions::default()
    };
    let (engine, _effects) = Engine::open(options).unwrap();
    for input in script().into_iter().skip(1) {
        engine.submit(input).await.unwrap();
    }
    engine.shutdown().await;
}

fn export_to(
    data: &Path,
    path: &Path,
    selection: Selection,
    mask: Option<Mask>,
) -> Result<Exported, ExportError> {
    let scratch = tempfile::tempdir().unwrap();
    let mut source =
        DataDirReplay::open(data, scratch.path(), component(), selection.from_ms).unwrap();
    let options = ExportOptions {
        selection,
        mask,
        now_ms: 1,
    };
    let out = fs::File::create(path).unwrap();
    export(&mut source, &options, out, |_| {}).map(|(_, exported)| exported)
}

fn replayed(path: &Path, kernel: KernelChoice) -> SessionReport {
    let options = ReplayOptions {
        kernel,
        threads: 2,
        ..ReplayOptions::recorded(component())
    };
    replay_session(&SessionFile::open(path).unwrap(), &options, |_| {}).unwrap()
}

/// Replays with three engines; all have to confirm the file and give the same chain.
fn three_equal_chains(path: &Path) -> SessionReport {
    let reports = [
        replayed(path, KernelChoice::Recorded(component())),
        replayed(path, KernelChoice::Recorded(unoptimised())),
        replayed(path, KernelChoice::Candidate(Arc::new(NativeSource))),
    ];
    for report in &reports {
        assert_eq!(report.differences, Vec::new());
        assert!(report.is_confirmed);
        assert_eq!(report.outcomes, reports[0].outcomes);
    }
    reports[0].clone()
}

struct Scene {
    _folder: tempfile::TempDir,
    data: PathBuf,
    file: PathBuf,
}

async fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("data"), folder.path().join("a.session"));
    recorded_workspace(&data).await;
    Scene {
        _folder: folder,
        data,
        file,
    }
}

#[tokio::test]
async fn a_session_replays_to_the_same_chain_on_three_engines() {
    let scene = scene().await;
    let exported = export_to(&scene.data, &scene.file, Selection::default(), None).unwrap();
    let report = three_equal_chains(&scene.file);
    assert_eq!(report.steps, exported.summary.steps);
    assert_eq!(report.outcomes, exported.outcomes);
    assert!(report.steps as usize >= script().len());
    assert_eq!(exported.summary.deviations, 0);
}

#[tokio::test]
async fn a_masked_session_holds_no_word_of_it_and_decides_alike() {
    let scene = scene().await;
    let plain = scene.file.with_extension("plain");
    export_to(&scene.data, &plain, Selection::default(), None).unwrap();
    assert_eq!(words_of(&plain), SECRET_WORDS.map(|_| true));
    let mask = Some(Mask::new([7; 32]));
    let exported = export_to(&scene.data, &scene.file, Selection::default(), mask).unwrap();
    assert_eq!(words_of(&scene.file), SECRET_WORDS.map(|_| false));
    assert_eq!(exported.summary.deviations, 0);
    three_equal_chains(&scene.file);
    assert_eq!(refusals(&plain), refusals(&scene.file));
    assert!(!refusals(&plain).is_empty());
}

/// Which of the secret words a file contains.
fn words_of(path: &Path) -> [bool; 3] {
    let file = SessionFile::open(path).unwrap();
    let mut bytes = serde_json::to_vec(file.header()).unwrap();
    for frame in file.pieces() {
        match frame.unwrap() {
            Piece::Rows(rows) => {
                for row in rows {
                    bytes.extend(row.key);
                    bytes.extend(row.value.unwrap_or_default());
                }
            }
            Piece::Step(step) => {
                bytes.extend(&step.input);
                if let StepEnd::Done(output) = &step.end {
                    bytes.extend(&output.reply);
                    for write in &output.writes {
                        bytes.extend(&write.key);
                        bytes.extend(write.value.as_deref().unwrap_or_default());
                    }
                    bytes.extend(output.effects.concat());
                }
            }
            Piece::Kernel { .. } | Piece::End(_) => {}
        }
    }
    SECRET_WORDS.map(|word| {
        bytes
            .windows(word.len())
            .any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
    })
}

/// The refusals of a session: number of the entry and id.
fn refusals(path: &Path) -> Vec<(u64, String)> {
    let file = SessionFile::open(path).unwrap();
    let steps = file.pieces().filter_map(|frame| match frame.unwrap() {
        Piece::Step(step) => Some(step),
        _ => None,
    });
    let refused = steps.filter_map(|step| match &step.end {
        StepEnd::Done(output) => match codec::decode_reply(&output.reply).unwrap() {
            Reply::Refused(refusal) => Some((step.seq, refusal.id)),
            _ => None,
        },
        StepEnd::Stopped { .. } => None,
    });
    refused.collect()
}

#[tokio::test]
async fn a_part_brings_along_the_rows_that_its_steps_read() {
    let scene = scene().await;
    export_to(&scene.data, &scene.file, Selection::default(), None).unwrap();
    let channel = channel_of(&scene.file);
    let whole = fs::metadata(&scene.file).unwrap().len();
    let of_channel = Selection {
        channel: Some(channel),
        ..Selection::default()
    };
    for mask in [None, Some(Mask::new([9; 32]))] {
        let exported = export_to(&scene.data, &scene.file, of_channel.clone(), mask).unwrap();
        assert!(exported.summary.left_out > 3, "{exported:?}");
        assert!(exported.summary.steps > 20, "{exported:?}");
        let report = three_equal_chains(&scene.file);
        assert_eq!(report.steps, exported.summary.steps);
        assert!(fs::metadata(&scene.file).unwrap().len() < whole);
    }
    let of_nobody = Selection {
        channel: Some("x".repeat(26)),
        ..Selection::default()
    };
    let refused = export_to(&scene.data, &scene.file, of_nobody, None);
    assert!(
        matches!(refused, Err(ExportError::Nothing(_))),
        "{refused:?}"
    );
}

/// Id of the script's channel.
fn channel_of(path: &Path) -> String {
    let file = SessionFile::open(path).unwrap();
    let found = file.pieces().find_map(|frame| match frame.unwrap() {
        Piece::Step(step) => match &step.end {
            StepEnd::Done(output) => output.writes.iter().find_map(|write| {
                let (key, row) = causeway_session::look::as_json::row(
                    write.table,
                    &write.key,
                    write.value.as_deref()?,
                );
                let is_it =
                    write.table == causeway_kernel::rows::table::Table::Channels && key == "3";
                is_it.then(|| row["id"].as_str().unwrap().to_string())
            }),
            StepEnd::Stopped { .. } => None,
        },
        _ => None,
    });
    found.unwrap()
}

#[tokio::test]
async fn a_session_may_begin_and_end_in_the_middle() {
    let scene = scene().await;
    export_to(&scene.data, &scene.file, Selection::default(), None).unwrap();
    let times: Vec<i64> = SessionFile::open(&scene.file)
        .unwrap()
        .pieces()
        .filter_map(|frame| match frame.unwrap() {
            Piece::Step(step) => Some(step.time_ms),
            _ => None,
        })
        .collect();
    let (from_ms, to_ms) = (times[times.len() / 3], times[times.len() - 1]);
    let selection = Selection {
        from_ms: Some(from_ms),
        to_ms: Some(to_ms),
        ..Selection::default()
    };
    let exported = export_to(&scene.data, &scene.file, selection, None).unwrap();
    let wanted = times.iter().filter(|at| (from_ms..to_ms).contains(at));
    assert_eq!(exported.summary.steps, wanted.count() as u64);
    if exported.summary.steps > 0 {
        three_equal_chains(&scene.file);
    }
    let nothing = Selection {
        from_ms: Some(to_ms + 1),
        ..Selection::default()
    };
    let refused = export_to(&scene.data, &scene.file, nothing, None);
    assert!(matches!(refused, Err(ExportError::Empty)), "{refused:?}");
}

#[tokio::test]
async fn another_kernel_differs_in_the_sessions_that_its_rule_changes_and_in_no_other() {
    let scene = scene().await;
    export_to(&scene.data, &scene.file, Selection::default(), None).unwrap();
    let at = find(EMBEDDED_KERNEL, RULE);
    let mut wasm = EMBEDDED_KERNEL.to_vec();
    wasm[at] = b'a';
    let options = ComponentOptions::default();
    let candidate: Arc<dyn KernelSource> =
        Arc::new(ComponentSource::of(sandbox(), wasm.into(), options));
    let options = ReplayOptions {
        kernel: KernelChoice::Candidate(Arc::clone(&candidate)),
        all: true,
        ..ReplayOptions::recorded(component())
    };
    let file = SessionFile::open(&scene.file).unwrap();
    let report = replay_session(&file, &options, |_| {}).unwrap();
    // One step of the script tries to create an account whose name is taken.
    assert_eq!(report.differences.len(), 1, "{:?}", report.differences);
    let group = &report.differences[0];
    assert_eq!(group.steps, 1);
    assert_eq!(group.cause, "Command: reply.Refused.message");
    let field = &group.first.fields[0];
    assert!(field.recorded.as_ref().unwrap().contains("\"An account"));
    assert!(field.found.as_ref().unwrap().contains("\"an account"));
    assert!(group.first.to_string().contains("recorded  "));

    let channel = channel_of(&scene.file);
    let selection = Selection {
        channel: Some(channel),
        ..Selection::default()
    };
    export_to(&scene.data, &scene.file, selection, None).unwrap();
    let file = SessionFile::open(&scene.file).unwrap();
    let report = replay_session(&file, &options, |_| {}).unwrap();
    assert_eq!(report.differences, Vec::new());
    assert!(report.is_confirmed);
}

fn find(bytes: &[u8], part: &[u8]) -> usize {
    bytes
        .windows(part.len())
        .position(|window| window == part)
        .expect("the kernel contains the message")
}

#[tokio::test]
async fn a_changed_outcome_is_named_field_by_field() {
    let scene = scene().await;
    export_to(&scene.data, &scene.file, Selection::default(), None).unwrap();
    let file = SessionFile::open(&scene.file).unwrap();
    // The same session, but the recorded text of one write is changed.
    let forged = scene.file.with_extension("forged");
    let out = fs::File::create(&forged).unwrap();
    let mut writer = causeway_session::Writer::new(out, file.header()).unwrap();
    let mut changed = None;
    for frame in file.pieces() {
        let mut frame = frame.unwrap();
        if let (None, Piece::Step(step)) = (changed, &mut frame)
            && let StepEnd::Done(output) = &mut step.end
            && let Some(value) = output.writes.iter_mut().find_map(|write| {
                let is_post = write.table == causeway_kernel::rows::table::Table::Posts;
                let value = write.value.as_mut().filter(|_| is_post)?;
                value
                    .windows(4)
                    .any(|part| part == b"post")
                    .then_some(value)
            })
        {
            let at = find(value, b"post");
            value[at] = b'P';
            changed = Some(step.seq);
        }
        writer.piece(&frame).unwrap();
    }
    writer
        .finish(file.index().unwrap().summary.clone())
        .unwrap();
    for threads in [1, 2, 5] {
        let options = ReplayOptions {
            threads,
            ..ReplayOptions::recorded(component())
        };
        let file = SessionFile::open(&forged).unwrap();
        let report = replay_session(&file, &options, |_| {}).unwrap();
        let first = &report.differences[0].first;
        assert_eq!(Some(first.seq), changed);
        assert_eq!(first.fields.len(), 1, "{first}");
        assert!(first.fields[0].path.ends_with(".message"), "{first}");
        assert!(!report.is_confirmed);
    }
}

#[tokio::test]
async fn damage_is_named_with_its_place_and_the_rest_stays_readable() {
    let scene = scene().await;
    export_to(&scene.data, &scene.file, Selection::default(), None).unwrap();
    let good = fs::read(&scene.file).unwrap();
    fs::write(scene.file.with_extension("whole"), &good).unwrap();
    let steps = |path: &Path| -> (usize, Vec<SessionError>) {
        let file = SessionFile::open(path).unwrap();
        let mut counts = (0, Vec::new());
        for block in file.blocks() {
            match block {
                Ok(block) => {
                    let is_step = |frame: &Result<Piece, _>| matches!(frame, Ok(Piece::Step(_)));
                    counts.0 += block.pieces().filter(is_step).count();
                }
                Err(error) => counts.1.push(error),
            }
        }
        counts
    };
    let (all, none) = steps(&scene.file);
    assert!(none.is_empty() && all > 20, "{none:?}");
    let first_block = SessionFile::open(&scene.file)
        .unwrap()
        .index()
        .unwrap()
        .blocks[0]
        .offset;

    // In the first block, which contains the kernel and no steps.
    let mut damaged = good.clone();
    damaged[first_block as usize + 100] ^= 1;
    fs::write(&scene.file, &damaged).unwrap();
    let (left, errors) = steps(&scene.file);
    assert_eq!(left, all);
    let SessionError::Damaged { offset, .. } = &errors[0] else {
        panic!("{errors:?}");
    };
    assert_eq!(*offset, first_block);
    assert_eq!(errors.len(), 1);
    let options = ReplayOptions::recorded(component());
    let file = SessionFile::open(&scene.file).unwrap();
    let refused = replay_session(&file, &options, |_| {}).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains(&format!("offset {first_block}"))
    );

    // Wherever the file is truncated, that is reported, and there are never more steps than before.
    for length in (0..good.len()).step_by(good.len() / 97) {
        fs::write(&scene.file, &good[..length]).unwrap();
        match SessionFile::open(&scene.file) {
            Ok(_) => {
                let (left, errors) = steps(&scene.file);
                assert!(left <= all && !errors.is_empty(), "cut at {length}");
            }
            Err(SessionError::Foreign | SessionError::Truncated { .. }) => {}
            Err(other) => panic!("cut at {length}: {other}"),
        }
    }

    // Every flipped byte is noticed.
    for at in (8..good.len()).step_by(good.len() / 211) {
        let mut flipped = good.clone();
        flipped[at] ^= 0x10;
        fs::write(&scene.file, &flipped).unwrap();
        if SessionFile::open(&scene.file).is_ok() {
            assert!(!steps(&scene.file).1.is_empty(), "byte {at}");
        }
    }

    // Removing a block breaks the chain, though every remaining block is intact.
    let blocks = SessionFile::open(&scene.file.with_extension("whole"));
    let second = blocks.unwrap().index().unwrap().blocks[1].offset;
    let without = [&good[..first_block as usize], &good[second as usize..]].concat();
    fs::write(&scene.file, without).unwrap();
    let errors = steps(&scene.file).1;
    assert!(errors[0].to_string().contains("the chain"), "{errors:?}");

    fs::write(&scene.file, b"PK\x03\x04 something else").unwrap();
    let foreign = SessionFile::open(&scene.file).unwrap_err();
    assert!(matches!(foreign, SessionError::Foreign), "{foreign}");
    let mut newer = good.clone();
    newer[8] = 9;
    fs::write(&scene.file, &newer).unwrap();
    let newer = SessionFile::open(&scene.file).unwrap_err();
    assert!(matches!(newer, SessionError::Newer { found: 9 }), "{newer}");
}
