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

/// The chain after a step.
#[must_use]
pub fn chain(previous: &Digest, context: StepContext, input: &[u8], output: &StepBytes) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(previous);
    hasher.update(&context.now_ms.to_be_bytes());
    hasher.update(&context.seed);
    part(&mut hasher, input);
    part(&mut hasher, &output.reply);
    for write in &output.writes {
        hasher.update(&[write.table.code()]);
        part(&mut hasher, &write.key);
        match &write.value {
            Some(value) => part(&mut hasher, value),
            None => {
                hasher.update(&[0xff]);
            }
        }
    }
    for effect in &output.effects {
        part(&mut hasher, effect);
    }
    *hasher.finalize().as_bytes()
}

fn part(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_be_bytes());
    hasher.update(bytes);
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
