//! The bytes of a frame: a byte for its kind, small things as postcard, and whatever may be long
//! in one piece behind its length.

use causeway_kernel::output::Write;
use causeway_kernel::table::Table;
use serde::{Deserialize, Serialize};

use super::format::{End, Frame, Step};
use crate::journal::{Digest, Kind, RecordedVerdict};
use crate::runtime::{StepEnd, StepOutput, StopKind};

const KERNEL: u8 = 1;
const ROWS: u8 = 2;
const STEP: u8 = 3;
const END: u8 = 4;

/// What is small of a step.
#[derive(Serialize, Deserialize)]
struct Head {
    seq: u64,
    epoch: u64,
    kernel: Digest,
    time_ms: i64,
    seed: [u8; 16],
    kind: Kind,
    verdicts: Vec<RecordedVerdict>,
    stopped: Option<(StopKind, String)>,
    deviation: Option<String>,
}

/// The bytes of a frame.
#[must_use]
pub fn encode(frame: &Frame) -> Vec<u8> {
    let mut out = Vec::new();
    match frame {
        Frame::Kernel { digest, component } => {
            out.push(KERNEL);
            out.extend_from_slice(&digest.0);
            put_bytes(&mut out, component);
        }
        Frame::Rows(rows) => {
            out.push(ROWS);
            put_writes(&mut out, rows);
        }
        Frame::Step(step) => {
            out.push(STEP);
            put_step(&mut out, step);
        }
        Frame::End(end) => {
            out.push(END);
            put_plain(&mut out, end);
        }
    }
    out
}

/// The frame of the bytes; `None` when they are none.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<Frame> {
    match view(bytes)? {
        View::Kernel(digest, component) => Some(Frame::Kernel {
            digest,
            component: component.to_vec(),
        }),
        View::Rows(mut rest) => {
            let rows = take_writes(&mut rest)?;
            rest.is_empty().then_some(Frame::Rows(rows))
        }
        View::Step(_, step) => decode_step(step).map(|step| Frame::Step(Box::new(step))),
        View::End(end) => Some(Frame::End(end)),
    }
}

/// A frame as far as it has to be read to tell what it is. Whoever only follows the rows copies
/// nothing.
pub enum View<'f> {
    /// A kernel.
    Kernel(Digest, &'f [u8]),
    /// Rows, for [`see_rows`].
    Rows(&'f [u8]),
    /// A step: its number, and its bytes for [`decode_step`] and [`see_writes_of`].
    Step(u64, &'f [u8]),
    /// The end.
    End(End),
}

/// What the bytes of a frame are; `None` when they are none.
#[must_use]
pub fn view(bytes: &[u8]) -> Option<View<'_>> {
    let (kind, mut rest) = bytes.split_first()?;
    let view = match *kind {
        KERNEL => {
            let (digest, behind) = rest.split_first_chunk()?;
            rest = behind;
            View::Kernel(Digest(*digest), take_slice(&mut rest)?)
        }
        ROWS => View::Rows(std::mem::take(&mut rest)),
        STEP => {
            let step = std::mem::take(&mut rest);
            // The number is the first thing of the head.
            let (seq, _) = postcard::take_from_bytes(take_slice(&mut &*step)?).ok()?;
            View::Step(seq, step)
        }
        END => View::End(take_plain(&mut rest)?),
        _ => return None,
    };
    rest.is_empty().then_some(view)
}

/// The step of [`View::Step`]; `None` when the bytes are none.
#[must_use]
pub fn decode_step(mut step: &[u8]) -> Option<Step> {
    let decoded = take_step(&mut step)?;
    step.is_empty().then_some(decoded)
}

/// Hears of rows: table, key and value, if the row is not deleted.
pub type SeeRow<'s> = dyn FnMut(Table, &[u8], Option<&[u8]>) + 's;

/// Shows the rows of [`View::Rows`]; `None` when they are none.
pub fn see_rows(mut rows: &[u8], see: &mut SeeRow<'_>) -> Option<()> {
    see_writes(&mut rows, see)?;
    rows.is_empty().then_some(())
}

/// Shows what the step of [`View::Step`] wrote; `None` when the bytes are no step.
pub fn see_writes_of(mut step: &[u8], see: &mut SeeRow<'_>) -> Option<()> {
    let (_head, _input) = (take_slice(&mut step)?, take_slice(&mut step)?);
    if step.is_empty() {
        // It was stopped.
        return Some(());
    }
    let _reply = take_slice(&mut step)?;
    see_writes(&mut step, see)
}

fn put_step(out: &mut Vec<u8>, step: &Step) {
    let stopped = match &step.end {
        StepEnd::Done(_) => None,
        StepEnd::Stopped { kind, detail } => Some((*kind, detail.clone())),
    };
    let head = Head {
        seq: step.seq,
        epoch: step.epoch,
        kernel: step.kernel,
        time_ms: step.time_ms,
        seed: step.seed,
        kind: step.kind,
        verdicts: step.verdicts.clone(),
        stopped,
        deviation: step.deviation.clone(),
    };
    put_plain(out, &head);
    put_bytes(out, &step.input);
    if let StepEnd::Done(output) = &step.end {
        put_bytes(out, &output.reply);
        put_writes(out, &output.writes);
        put_length(out, output.effects.len());
        for effect in &output.effects {
            put_bytes(out, effect);
        }
    }
}

fn take_step(rest: &mut &[u8]) -> Option<Step> {
    let head: Head = take_plain(rest)?;
    let input = take_bytes(rest)?;
    let end = match head.stopped {
        Some((kind, detail)) => StepEnd::Stopped { kind, detail },
        None => StepEnd::Done(StepOutput {
            reply: take_bytes(rest)?,
            writes: take_writes(rest)?,
            effects: take_many(rest, take_bytes)?,
        }),
    };
    Some(Step {
        seq: head.seq,
        epoch: head.epoch,
        kernel: head.kernel,
        time_ms: head.time_ms,
        seed: head.seed,
        kind: head.kind,
        input,
        verdicts: head.verdicts,
        end,
        deviation: head.deviation,
    })
}

fn put_writes(out: &mut Vec<u8>, writes: &[Write]) {
    put_length(out, writes.len());
    for Write { table, key, value } in writes {
        out.push(table.code());
        out.push(u8::from(value.is_some()));
        put_bytes(out, key);
        if let Some(value) = value {
            put_bytes(out, value);
        }
    }
}

fn take_writes(rest: &mut &[u8]) -> Option<Vec<Write>> {
    let mut all = Vec::new();
    see_writes(rest, &mut |table, key, value| {
        all.push(Write {
            table,
            key: key.to_vec(),
            value: value.map(<[u8]>::to_vec),
        });
    })?;
    Some(all)
}

fn see_writes(rest: &mut &[u8], see: &mut SeeRow<'_>) -> Option<()> {
    for _ in 0..take_length(rest)? {
        let ([code, has_value], behind) = rest.split_first_chunk()?;
        *rest = behind;
        let (table, key) = (Table::from_code(*code)?, take_slice(rest)?);
        let value = match has_value {
            0 => None,
            _ => Some(take_slice(rest)?),
        };
        see(table, key, value);
    }
    Some(())
}

fn take_many<T>(rest: &mut &[u8], mut take: impl FnMut(&mut &[u8]) -> Option<T>) -> Option<Vec<T>> {
    let count = take_length(rest)?;
    // Each takes a byte at least: a count that lies reserves nothing.
    let mut all = Vec::with_capacity(count.min(rest.len()).min(1 << 10));
    for _ in 0..count {
        all.push(take(rest)?);
    }
    Some(all)
}

fn put_plain<T: Serialize>(out: &mut Vec<u8>, value: &T) {
    // Plain data into a vector cannot fail; an empty piece would be found by reading.
    put_bytes(out, &postcard::to_allocvec(value).unwrap_or_default());
}

fn take_plain<T: for<'de> Deserialize<'de>>(rest: &mut &[u8]) -> Option<T> {
    postcard::from_bytes(take_slice(rest)?).ok()
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_length(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn take_bytes(rest: &mut &[u8]) -> Option<Vec<u8>> {
    take_slice(rest).map(<[u8]>::to_vec)
}

fn take_slice<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_length(rest)?;
    let (bytes, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(bytes)
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn put_length(out: &mut Vec<u8>, length: usize) {
    let mut left = length;
    while left >= 0x80 {
        out.push(u8::try_from(left & 0x7f).unwrap_or_default() | 0x80);
        left >>= 7;
    }
    out.push(u8::try_from(left).unwrap_or_default());
}

fn take_length(rest: &mut &[u8]) -> Option<usize> {
    let mut length = 0_usize;
    for shift in (0..35).step_by(7) {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        length |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(length);
        }
    }
    None
}
