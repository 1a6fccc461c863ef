//! The encoding of a piece: a byte for its kind, small fields as postcard, and long ones as bytes
//! prefixed with their length.

use causeway_kernel::boundary::output::Write;
use causeway_kernel::rows::table::Table;
use serde::{Deserialize, Serialize};

use super::format::{End, Piece, Step};
use super::limits::{PIECE_ITEMS_MAX, row_bytes};
use causeway_engine::journal::{Digest, InputKind, RecordedVerdict};
use causeway_engine::runtime::{StepEnd, StepOutput, StopKind};

const KERNEL: u8 = 1;
const ROWS: u8 = 2;
const STEP: u8 = 3;
const END: u8 = 4;

/// The small fields of a [`Step`].
#[allow(missing_docs, reason = "each is the field of its name")]
#[derive(Serialize, Deserialize)]
pub struct Head<'f> {
    pub seq: u64,
    pub epoch: u64,
    pub kernel: Digest,
    pub time_ms: i64,
    pub seed: [u8; 16],
    pub kind: InputKind,
    #[serde(borrow)]
    pub verdicts: Vec<VerdictView<'f>>,
    /// Read into [`StepView::end`].
    stopped: Option<(StopKind, String)>,
    pub deviation: Option<String>,
}

/// A [`RecordedVerdict`], borrowed from a block.
#[allow(missing_docs, reason = "each is the field of its name")]
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct VerdictView<'f> {
    pub question: Digest,
    pub verdict: &'f [u8],
}

/// Encodes a piece.
#[must_use]
pub fn encode(piece: &Piece) -> Vec<u8> {
    let mut out = Vec::new();
    match piece {
        Piece::Kernel { digest, component } => {
            out.push(KERNEL);
            out.extend_from_slice(&digest.0);
            put_bytes(&mut out, component);
        }
        Piece::Rows(rows) => {
            out.push(ROWS);
            put_writes(&mut out, rows);
        }
        Piece::Step(step) => {
            out.push(STEP);
            put_step(&mut out, step);
        }
        Piece::End(end) => {
            out.push(END);
            put_plain(&mut out, end);
        }
    }
    out
}

/// Decodes a piece; `None` if the bytes are not one.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<Piece> {
    match view(bytes)? {
        View::Kernel(digest, component) => Some(Piece::Kernel {
            digest,
            component: component.to_vec(),
        }),
        View::Rows(rows) => Some(Piece::Rows(rows.writes())),
        View::Step(_, step) => Some(Piece::Step(Box::new(StepView::of(step)?.step()))),
        View::End(end) => Some(Piece::End(end)),
    }
}

/// A piece, decoded only as far as needed to identify it. A reader that only follows the rows copies
/// nothing.
pub enum View<'f> {
    /// A kernel.
    Kernel(Digest, &'f [u8]),
    /// Rows.
    Rows(Rows<'f>),
    /// A step: its number, and its bytes for [`StepView::of`] and [`Rows::of_step`].
    Step(u64, &'f [u8]),
    /// The end.
    End(End),
}

/// Decodes a piece as far as its kind; `None` if the bytes are not one.
#[must_use]
pub fn view(bytes: &[u8]) -> Option<View<'_>> {
    let (kind, mut rest) = bytes.split_first()?;
    let view = match *kind {
        KERNEL => {
            let (digest, behind) = rest.split_first_chunk()?;
            rest = behind;
            View::Kernel(Digest(*digest), take_slice(&mut rest)?)
        }
        ROWS => View::Rows(Rows::take(&mut rest)?),
        STEP => {
            let step = std::mem::take(&mut rest);
            // The number is the first field of the head.
            let (seq, _) = postcard::take_from_bytes(take_slice(&mut &*step)?).ok()?;
            View::Step(seq, step)
        }
        END => View::End(take_plain(&mut rest)?),
        _ => return None,
    };
    rest.is_empty().then_some(view)
}

/// Rows, borrowed from a block.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'f>(&'f [u8]);

/// A row: table, key and value, if the row is not deleted.
type Row<'f> = (Table, &'f [u8], Option<&'f [u8]>);

impl<'f> Rows<'f> {
    /// The same rows in a copy of [`Rows::bytes`].
    #[must_use]
    pub fn in_copy<'c>(self, bytes: &'c [u8]) -> Rows<'c> {
        debug_assert_eq!(self.0, bytes);
        Rows(bytes)
    }

    /// Their encoding.
    #[must_use]
    pub fn bytes(self) -> &'f [u8] {
        self.0
    }

    /// The writes of the step of [`View::Step`]; `None` if the bytes are not a step.
    #[must_use]
    pub fn of_step(mut step: &'f [u8]) -> Option<Rows<'f>> {
        let (_head, _input) = (take_slice(&mut step)?, take_slice(&mut step)?);
        if step.is_empty() {
            // It was stopped.
            return Some(Rows(&[0]));
        }
        let _reply = take_slice(&mut step)?;
        Rows::take(&mut step)
    }

    /// The memory that they are charged for.
    #[must_use]
    pub fn memory_bytes(self) -> u64 {
        self.iter()
            .map(|(_, key, value)| row_bytes(key, value))
            .sum()
    }

    /// Iterates over them.
    pub fn iter(self) -> impl Iterator<Item = Row<'f>> {
        let mut rest = self.0;
        let count = take_length(&mut rest).unwrap_or_default();
        // All rows are complete, as they were decoded when they were taken off the block.
        (0..count).map_while(move |_| take_row(&mut rest))
    }

    fn take(rest: &mut &'f [u8]) -> Option<Rows<'f>> {
        let from = *rest;
        for _ in 0..take_count(rest)? {
            take_row(rest)?;
        }
        from.get(..from.len() - rest.len()).map(Rows)
    }

    /// The same rows, owned.
    #[must_use]
    pub fn writes(self) -> Vec<Write> {
        let write = |(table, key, value): Row<'_>| Write {
            table,
            key: key.to_vec(),
            value: value.map(<[u8]>::to_vec),
        };
        self.iter().map(write).collect()
    }

    fn are(self, writes: &[Write]) -> bool {
        let written = writes
            .iter()
            .map(|it| (it.table, it.key.as_slice(), it.value.as_deref()));
        self.iter().eq(written)
    }
}

/// A step whose long fields are borrowed from a block.
pub struct StepView<'f> {
    /// Its small fields.
    pub head: Head<'f>,
    /// The encoded input.
    pub input: &'f [u8],
    /// How it ended.
    pub end: EndView<'f>,
}

/// A [`StepEnd`], borrowed from a block.
#[allow(missing_docs, reason = "each is the field of its name")]
pub enum EndView<'f> {
    /// It returned.
    Done {
        reply: &'f [u8],
        writes: Rows<'f>,
        effects: Vec<&'f [u8]>,
    },
    /// It was stopped.
    Stopped { kind: StopKind, detail: String },
}

impl<'f> StepView<'f> {
    /// Decodes the bytes of [`View::Step`]; `None` if they are not a step.
    #[must_use]
    pub fn of(mut step: &'f [u8]) -> Option<StepView<'f>> {
        let rest = &mut step;
        let mut head: Head<'f> = postcard::from_bytes(take_slice(rest)?).ok()?;
        let input = take_slice(rest)?;
        let end = match head.stopped.take() {
            Some((kind, detail)) => EndView::Stopped { kind, detail },
            None => EndView::Done {
                reply: take_slice(rest)?,
                writes: Rows::take(rest)?,
                effects: take_many(rest, take_slice)?,
            },
        };
        rest.is_empty().then_some(StepView { head, input, end })
    }

    /// The same step, owned.
    #[must_use]
    pub fn step(self) -> Step {
        Step {
            seq: self.head.seq,
            epoch: self.head.epoch,
            kernel: self.head.kernel,
            time_ms: self.head.time_ms,
            seed: self.head.seed,
            kind: self.head.kind,
            input: self.input.to_vec(),
            verdicts: self.head.verdicts.iter().map(recorded).collect(),
            end: self.end.end(),
            deviation: self.head.deviation,
        }
    }
}

impl EndView<'_> {
    /// Whether `found` is exactly this.
    #[must_use]
    pub fn is(&self, found: &StepEnd) -> bool {
        match (self, found) {
            (
                EndView::Done {
                    reply,
                    writes,
                    effects,
                },
                StepEnd::Done(found),
            ) => *reply == found.reply && *effects == found.effects && writes.are(&found.writes),
            (
                EndView::Stopped { kind, detail },
                StepEnd::Stopped {
                    kind: of,
                    detail: why,
                },
            ) => kind == of && detail == why,
            _ => false,
        }
    }

    /// The same end, owned.
    fn end(self) -> StepEnd {
        match self {
            EndView::Done {
                reply,
                writes,
                effects,
            } => StepEnd::Done(StepOutput {
                reply: reply.to_vec(),
                writes: writes.writes(),
                effects: effects.into_iter().map(<[u8]>::to_vec).collect(),
            }),
            EndView::Stopped { kind, detail } => StepEnd::Stopped { kind, detail },
        }
    }
}

fn recorded(view: &VerdictView<'_>) -> RecordedVerdict {
    RecordedVerdict {
        question: view.question,
        verdict: view.verdict.to_vec(),
    }
}

fn view_of(recorded: &RecordedVerdict) -> VerdictView<'_> {
    VerdictView {
        question: recorded.question,
        verdict: &recorded.verdict,
    }
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
        verdicts: step.verdicts.iter().map(view_of).collect(),
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

fn take_row<'f>(rest: &mut &'f [u8]) -> Option<Row<'f>> {
    let ([code, has_value], behind) = rest.split_first_chunk()?;
    *rest = behind;
    let (table, key) = (Table::from_code(*code)?, take_slice(rest)?);
    let value = match has_value {
        0 => None,
        _ => Some(take_slice(rest)?),
    };
    Some((table, key, value))
}

fn take_many<'a, T>(
    rest: &mut &'a [u8],
    mut take: impl FnMut(&mut &'a [u8]) -> Option<T>,
) -> Option<Vec<T>> {
    let count = take_count(rest)?;
    // Each item takes at least a byte: a forged count cannot reserve memory.
    let mut all = Vec::with_capacity(count.min(rest.len()).min(1 << 10));
    for _ in 0..count {
        all.push(take(rest)?);
    }
    Some(all)
}

fn put_plain<T: Serialize>(out: &mut Vec<u8>, value: &T) {
    // Encoding plain data into a vector cannot fail; a reader would reject an empty piece.
    put_bytes(out, &postcard::to_allocvec(value).unwrap_or_default());
}

fn take_plain<T: for<'de> Deserialize<'de>>(rest: &mut &[u8]) -> Option<T> {
    postcard::from_bytes(take_slice(rest)?).ok()
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_length(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn take_slice<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_length(rest)?;
    let (bytes, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(bytes)
}

/// Seven bits per byte, the lowest first; the highest bit says that more follow.
fn put_length(out: &mut Vec<u8>, length: usize) {
    let mut left = length;
    while left >= 0x80 {
        out.push(u8::try_from(left & 0x7f).unwrap_or_default() | 0x80);
        left >>= 7;
    }
    out.push(u8::try_from(left).unwrap_or_default());
}

/// The number of items that follow.
fn take_count(rest: &mut &[u8]) -> Option<usize> {
    take_length(rest).filter(|count| *count <= PIECE_ITEMS_MAX)
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
