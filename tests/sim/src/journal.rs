//! A node's journal: what a replay needs, and a chain over what each step returned.

use causeway_kernel::env::StepContext;
use causeway_kernel::policy::Verdict;

use crate::kernel::{MakeKernel, Release, StepBytes};
use crate::policies::{Source, StepHost};
use crate::rows::Tables;

/// A digest of the chain.
pub type Digest = [u8; 32];

/// One step.
#[derive(Clone)]
pub struct Entry {
    /// The kernel that carried it out.
    pub release: Release,
    /// Its time and seed.
    pub context: StepContext,
    /// Its input.
    pub input: Vec<u8>,
    /// The verdicts that it got, in the order of its questions.
    pub verdicts: Vec<Verdict>,
    /// The chain up to and with this step.
    pub chain: Digest,
}

/// Bytes of an ordinary step in the chain; what is longer grows.
const CHAINED_BYTES: usize = 16 << 10;

/// The chain after a step.
#[must_use]
pub fn chain(previous: &Digest, context: StepContext, input: &[u8], output: &StepBytes) -> Digest {
    // In one piece: short ones are hashed several times slower.
    let mut bytes = Vec::with_capacity(CHAINED_BYTES);
    bytes.extend_from_slice(previous);
    bytes.extend_from_slice(&context.now_ms.to_be_bytes());
    bytes.extend_from_slice(&context.seed);
    put(&mut bytes, input);
    put(&mut bytes, &output.reply);
    for write in &output.writes {
        bytes.push(write.table.code());
        put(&mut bytes, &write.key);
        match &write.value {
            Some(value) => put(&mut bytes, value),
            None => bytes.push(0xff),
        }
    }
    for effect in &output.effects {
        put(&mut bytes, effect);
    }
    *blake3::hash(&bytes).as_bytes()
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
    out.extend_from_slice(bytes);
}

/// One step with what it returned.
#[derive(Clone)]
pub struct Recorded {
    /// What went in, and by whom it was carried out.
    pub entry: Entry,
    /// What came out.
    pub output: StepBytes,
}

/// The steps of a journal with what each returned, as a replay gives it. One that differs in the
/// replay is the last: that is a failure with a name of its own.
#[must_use]
pub fn recorded(make_kernel: MakeKernel<'_>, entries: &[Entry]) -> Vec<Recorded> {
    let mut steps = Vec::new();
    let _ = follow(make_kernel, entries, &mut |entry, output| {
        steps.push(Recorded {
            entry: entry.clone(),
            output: output.clone(),
        });
    });
    steps
}

/// Carries out a journal in a fresh store, each entry by the kernel that carried it out then;
/// returns the rows.
///
/// # Errors
/// The first entry whose digest differs, and what is known about it.
pub fn replay(make_kernel: MakeKernel<'_>, entries: &[Entry]) -> Result<Tables, String> {
    follow(make_kernel, entries, &mut |_, _| {})
}

/// See [`replay`]; `see` is shown every step.
fn follow(
    make_kernel: MakeKernel<'_>,
    entries: &[Entry],
    see: &mut dyn FnMut(&Entry, &StepBytes),
) -> Result<Tables, String> {
    let mut rows = Tables::default();
    let mut release = Release::default();
    let mut kernel = make_kernel(release);
    let mut previous = Digest::default();
    for (at, entry) in entries.iter().enumerate() {
        if entry.release != release {
            release = entry.release;
            kernel = make_kernel(release);
        }
        let host = StepHost::new(&rows, Source::Recorded(entry.verdicts.clone()));
        let output = kernel
            .step(&host, entry.context, &entry.input)
            .map_err(|error| format!("entry {at} was stopped in the replay: {error}"))?;
        see(entry, &output);
        previous = chain(&previous, entry.context, &entry.input, &output);
        if previous != entry.chain {
            let input = causeway_kernel::codec::decode_input(&entry.input);
            return Err(format!(
                "entry {at} differs in the replay; its input was {input:?}"
            ));
        }
        rows.apply(&output.writes);
    }
    Ok(rows)
}
