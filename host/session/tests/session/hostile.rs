//! Malicious session files: whatever one contains, it is read within the limits or refused, nothing
//! panics, and nothing that is shown controls a terminal.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use causeway_engine::journal::Digest;
use causeway_engine::runtime::{NativeSource, StepEnd, StopKind};
use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::policy::{Denial, Verdict};
use causeway_kernel::model::PeerKind;
use causeway_kernel::rows::table::Table;
use causeway_session::file::format::{
    BLOCK_MAGIC, BlockPlace, END_MAGIC, FORMAT_VERSION, INDEX_MAGIC, Index, MAGIC, Piece, Step,
    ZSTD_LEVEL,
};
use causeway_session::file::limits::{PIECE_ITEMS_MAX, ROW_BYTES};
use causeway_session::look::describe::describe;
use causeway_session::look::names::steers;
use causeway_session::look::select::Filter;
use causeway_session::look::state::{self, State};
use causeway_session::look::walk::{Passed, walk};
use causeway_session::look::{as_json, why};
use causeway_session::{KernelChoice, ReplayOptions, SessionError, SessionFile, replay_session};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index as Place;

use crate::look::recorded::{record, write};
use crate::mask::chapters::whole_story;

/// A session with every kind of input, command and row: its header, and its pieces as bytes.
static STORY: LazyLock<(Vec<u8>, Vec<Vec<u8>>)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let story = whole_story(PeerKind::Mattermost11);
    let path = folder.path().join("story");
    record(&path, &story.nodes[0].taken, None);
    let bytes = fs::read(&path).unwrap();
    let length = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    let file = SessionFile::open(&path).unwrap();
    let mut frames = Vec::new();
    for block in &file.index().unwrap().blocks {
        let head = &bytes[block.offset as usize..];
        let number = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().unwrap()) as usize;
        let raw = zstd::bulk::decompress(&head[64..64 + number(8)], number(4)).unwrap();
        frames.extend(taken_apart(&raw));
    }
    (bytes[16..16 + length].to_vec(), frames)
});

fn taken_apart(mut raw: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    while let Some((length, rest)) = raw.split_first_chunk() {
        let (frame, rest) = rest.split_at(u32::from_le_bytes(*length) as usize);
        frames.push(frame.to_vec());
        raw = rest;
    }
    frames
}

/// A file of these pieces with correct checksums and chain, each list in its own block.
fn packed(header: &[u8], blocks: &[Vec<Vec<u8>>]) -> Vec<u8> {
    let number = |bytes: &[u8]| (bytes.len() as u32).to_le_bytes();
    let checked = [&FORMAT_VERSION.to_le_bytes(), &number(header), header].concat();
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&checked);
    out.extend_from_slice(&crc32fast::hash(&checked).to_le_bytes());
    let mut chain = Digest::of(header);
    let mut index = Index::default();
    for frames in blocks {
        let mut raw = Vec::new();
        for frame in frames {
            raw.extend_from_slice(&number(frame));
            raw.extend_from_slice(frame);
            chain = Digest::of(&[&chain.0, frame.as_slice()].concat());
        }
        let stored = zstd::bulk::compress(&raw, ZSTD_LEVEL).unwrap();
        let (offset, first_seq) = (out.len() as u64, 1);
        index.blocks.push(BlockPlace { offset, first_seq });
        let mut head = BLOCK_MAGIC.to_vec();
        head.extend_from_slice(&number(&raw));
        head.extend_from_slice(&number(&stored));
        head.extend_from_slice(&(frames.len() as u32).to_le_bytes());
        head.extend_from_slice(&first_seq.to_le_bytes());
        head.extend_from_slice(&chain.0);
        let checksum = crc32fast::hash(&head);
        out.extend_from_slice(&head);
        out.extend_from_slice(&checksum.to_le_bytes());
        out.extend_from_slice(&crc32fast::hash(&stored).to_le_bytes());
        out.extend_from_slice(&stored);
    }
    let offset = (out.len() as u64).to_le_bytes();
    let index = postcard::to_allocvec(&index).unwrap();
    out.extend_from_slice(&INDEX_MAGIC);
    out.extend_from_slice(&number(&index));
    out.extend_from_slice(&crc32fast::hash(&index).to_le_bytes());
    out.extend_from_slice(&index);
    let trailer = [offset.as_slice(), &chain.0].concat();
    out.extend_from_slice(&trailer);
    out.extend_from_slice(&crc32fast::hash(&trailer).to_le_bytes());
    out.extend_from_slice(&END_MAGIC);
    out
}

/// Does everything with a file that the command line does; it must not panic, and no line that is
/// shown may control a terminal.
fn look_everywhere(file: &SessionFile) {
    let mut post = String::new();
    let (_, damage) = walk(file, None, |passed| {
        if let Passed::Step(seen) = passed {
            let description = describe(&seen);
            let shown = [
                vec![description.what.clone()],
                description.verdicts.clone(),
                description.refusals.clone(),
                description.notes.clone(),
                description.effects.clone(),
                description.stopped.clone().into_iter().collect(),
                description.deviation.clone().into_iter().collect(),
            ];
            for line in shown.concat() {
                assert!(!line.chars().any(steers), "{line:?}");
            }
            let filter = Filter {
                channel: Some("lounge".into()),
                user: Some("dora".into()),
                ..Filter::default()
            };
            let _ = filter.fits(&seen);
            let _ = as_json::input(&seen.step.input);
            let _ = as_json::end(&seen.step.end);
            if let Some(change) = seen.changes::<causeway_kernel::model::Post>().first() {
                post = change
                    .new
                    .as_ref()
                    .map(|it| it.id.to_string())
                    .unwrap_or(post.clone());
            }
        }
        ControlFlow::Continue(())
    });
    for error in damage {
        error.to_string();
    }
    let (found, _) = why(file, &post);
    for line in found.facts.iter().map(|it| &it.what).chain(&found.now) {
        assert!(!line.chars().any(steers), "{line:?}");
    }
    let state = State::at(file, None);
    let rows = &state.rows;
    let mut tables = vec![
        state::channels(rows),
        state::connections(rows, state.time_ms.unwrap_or_default()),
        state::links(rows),
        state::counts(rows),
        state::users(rows),
    ];
    if let Some(channel) = state.channel("lounge") {
        tables.push(state::posts(rows, channel, 50));
        tables.push(state::members(rows, channel));
    }
    for table in tables {
        let _ = table.to_json();
        for line in table.to_lines(|ms| ms.to_string()) {
            assert!(!line.chars().any(steers), "{line:?}");
        }
    }
    for table in Table::ALL {
        state.raw(*table).for_each(drop);
    }
    for all in [true, false] {
        if let Ok(report) = replay_session(file, &options(all), |_| {}) {
            for group in report.differences {
                let text = format!("{}\n{}", group.cause, group.first);
                assert!(!text.chars().any(|it| it != '\n' && steers(it)), "{text:?}");
            }
        }
    }
}

fn options(all: bool) -> ReplayOptions {
    ReplayOptions {
        kernel: KernelChoice::Candidate(Arc::new(NativeSource)),
        all,
        threads: 2,
        ..ReplayOptions::recorded(Arc::new(NativeSource))
    }
}

fn opened(path: &Path, bytes: &[u8]) -> Option<SessionFile> {
    fs::write(path, bytes).unwrap();
    Some(SessionFile::open(path).ok()?.keeping(8 << 20))
}

/// A change of bytes: the place, the number removed, and the replacement.
type Edit = (Place, usize, Vec<u8>);

fn edit() -> impl Strategy<Value = Edit> {
    let bytes = prop_oneof![
        vec(any::<u8>(), 0..6),
        // Encodings of maximum lengths and numbers.
        Just(vec![0xff; 5]),
        Just(vec![0xff, 0xff, 0xff, 0xff, 0x0f]),
        Just(vec![
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01
        ]),
        Just("\u{1b}[2J\u{9b}".as_bytes().to_vec()),
    ];
    (any::<Place>(), 0..6_usize, bytes)
}

fn apply(bytes: &mut Vec<u8>, (place, length, put): &Edit) {
    if !bytes.is_empty() {
        let from = place.index(bytes.len());
        let to = bytes.len().min(from + length);
        bytes.splice(from..to, put.iter().copied());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn frames_with_any_bytes_are_read_or_refused(
        edits in vec((any::<Place>(), edit()), 1..12),
        lost in vec(any::<Place>(), 0..3),
    ) {
        let (header, frames) = &*STORY;
        let mut frames = frames.clone();
        for (frame, edit) in &edits {
            let frame = frame.index(frames.len());
            apply(&mut frames[frame], edit);
        }
        for place in &lost {
            frames.remove(place.index(frames.len()));
        }
        let folder = tempfile::tempdir().unwrap();
        let blocks: Vec<_> = frames.chunks(20).map(<[Vec<u8>]>::to_vec).collect();
        let file = opened(&folder.path().join("file"), &packed(header, &blocks));
        look_everywhere(&file.unwrap());
    }

    #[test]
    fn files_with_any_bytes_are_read_or_refused(edits in vec(edit(), 1..6), in_header in vec(edit(), 0..3)) {
        let (header, frames) = &*STORY;
        let mut header = header.clone();
        in_header.iter().for_each(|edit| apply(&mut header, edit));
        let mut bytes = packed(&header, std::slice::from_ref(frames));
        edits.iter().for_each(|edit| apply(&mut bytes, edit));
        let folder = tempfile::tempdir().unwrap();
        if let Some(file) = opened(&folder.path().join("file"), &bytes) {
            look_everywhere(&file);
        }
    }
}

/// A piece of rows with this value.
fn rows(number: usize, value: &[u8]) -> Vec<u8> {
    let mut frame = vec![2];
    put_length(&mut frame, number);
    for at in 0..number {
        frame.extend([Table::Posts.code(), 1]);
        let key = (at as u64).to_be_bytes();
        put_length(&mut frame, key.len());
        frame.extend(key);
        put_length(&mut frame, value.len());
        frame.extend(value);
    }
    frame
}

fn put_length(out: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}

/// The errors of reading too many rows.
fn refusals(bytes: &[u8], limit: u64) -> [Option<String>; 2] {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, bytes).unwrap();
    let file = SessionFile::open(&path).unwrap().keeping(limit);
    let is_too_large = |error: &SessionError| matches!(error, SessionError::TooLarge { .. });
    let (rows, damage) = walk(&file, None, |_| ControlFlow::Continue(()));
    let kept: usize = rows
        .all()
        .map(|(_, key, value)| key.len() + value.len())
        .sum();
    assert!(kept as u64 <= limit);
    let replayed = replay_session(&file, &options(false), |_| {}).err();
    [
        damage
            .iter()
            .find(|it| is_too_large(it))
            .map(ToString::to_string),
        replayed.map(|it| it.to_string()),
    ]
}

#[test]
fn rows_that_take_more_memory_than_they_may_are_refused() {
    let (header, frames) = &*STORY;
    let limit = 4 << 20;
    // A few kilobytes of file: the same row repeatedly is one row, and earlier values are freed.
    let same = vec![vec![rows(1, &vec![0; 1 << 20])]; 16];
    let same = packed(header, &[same, vec![frames.clone()]].concat());
    let large: Vec<_> = (0..16)
        .map(|_| vec![rows(8, &vec![0; 256 << 10])])
        .collect();
    let empty: Vec<_> = (0..2)
        .map(|_| vec![rows(limit as usize / ROW_BYTES as usize, &[])])
        .collect();
    for (what, blocks) in [("large", large), ("empty", empty)] {
        let file = packed(header, &[blocks, vec![frames.clone()]].concat());
        assert!(file.len() < 1 << 20, "{what}");
        for said in refusals(&file, limit) {
            let said = said.unwrap_or_else(|| panic!("{what} rows were all taken"));
            assert!(
                said.contains("more than 4 MiB") && said.contains("--memory"),
                "{said}"
            );
        }
        assert!(
            refusals(&file, 1 << 30).iter().all(Option::is_none),
            "{what}"
        );
    }
    assert!(refusals(&same, 64 << 20).iter().all(Option::is_none));
}

#[test]
fn a_piece_of_more_rows_than_a_step_has_cannot_be_decoded() {
    let (header, frames) = &*STORY;
    let mut frame = vec![2];
    put_length(&mut frame, PIECE_ITEMS_MAX + 1);
    // A deleted row without a key.
    frame.extend([Table::Posts.code(), 0, 0].repeat(PIECE_ITEMS_MAX + 1));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, packed(header, &[vec![frame], frames.clone()])).unwrap();
    let file = SessionFile::open(&path).unwrap();
    let (_, damage) = walk(&file, None, |_| ControlFlow::Continue(()));
    let said: Vec<String> = damage.iter().map(ToString::to_string).collect();
    assert!(
        said.len() == 1 && said[0].contains("cannot be decoded"),
        "{said:?}"
    );
    assert!(replay_session(&file, &options(false), |_| {}).is_err());
}

#[test]
fn numbers_at_their_ends_and_words_that_steer_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let story = whole_story(PeerKind::Mattermost11);
    let file = record(&folder.path().join("story"), &story.nodes[0].taken, None);
    let steps: Vec<Step> = file
        .pieces()
        .filter_map(|frame| match frame.unwrap() {
            Piece::Step(step) => Some(*step),
            _ => None,
        })
        .collect();
    const EVIL: &str = "\u{1b}]0;x\u{7}\u{9b}2J\u{202e}\r\n";
    let evil = |step: &Step, time_ms: i64| {
        let mut step = step.clone();
        step.time_ms = time_ms;
        step.deviation = Some(EVIL.into());
        for verdict in &mut step.verdicts {
            verdict.verdict = codec::encode_verdict(&Verdict::Deny(Denial::for_reason(EVIL)));
        }
        step
    };
    for time_ms in [i64::MIN, -1, i64::MAX] {
        let mut changed: Vec<Step> = steps.iter().map(|step| evil(step, time_ms)).collect();
        if let Some(last) = changed.last_mut() {
            last.end = StepEnd::Stopped {
                kind: StopKind::Trap,
                detail: EVIL.into(),
            };
        }
        look_everywhere(&write(&folder.path().join("evil"), changed, true));
    }
}
