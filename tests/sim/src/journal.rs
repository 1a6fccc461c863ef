//! A node's journal: everything that a replay needs, and a chain over the result of each step.

use std::hash::{BuildHasher, Hash, Hasher};

use causeway_kernel::boundary::env::StepContext;
use causeway_kernel::boundary::policy::Verdict;
use foldhash::quality::FixedState;

use crate::kernel::{MakeKernel, Release, StepBytes};
use crate::policies::{Source, StepHost};
use causeway_kernel::rows::memory::Tables;

/// A digest of the chain. It is compared only with others of the same process, and forgery is not a
/// concern: a short and fast one will do.
pub type Digest = u64;

/// One step.
#[derive(Clone)]
pub struct Entry {
    /// The kernel that executed it.
    pub release: Release,
    /// Its time and seed.
    pub context: StepContext,
    /// Its input.
    pub input: Vec<u8>,
    /// Its verdicts, in the order of its questions.
    pub verdicts: Vec<Verdict>,
    /// Whether it was stopped: then it had no effect, and a replay does not execute it.
    pub is_stopped: bool,
    /// The chain up to and including this step.
    pub chain: Digest,
}

/// The chain after a step; a stopped step returned nothing.
#[must_use]
pub fn chain(
    previous: Digest,
    context: StepContext,
    input: &[u8],
    output: Option<&StepBytes>,
) -> Digest {
    let mut hasher = FixedState::default().build_hasher();
    previous.hash(&mut hasher);
    context.now_ms.hash(&mut hasher);
    context.seed.hash(&mut hasher);
    input.hash(&mut hasher);
    let Some(output) = output else {
        return hasher.finish();
    };
    output.reply.hash(&mut hasher);
    for write in &output.writes {
        (write.table, &write.key, &write.value).hash(&mut hasher);
    }
    output.effects.hash(&mut hasher);
    hasher.finish()
}

/// A step with its output.
#[derive(Clone)]
pub struct Recorded {
    /// The input, and what executed it.
    pub entry: Entry,
    /// The output, unless it was stopped.
    pub output: Option<StepBytes>,
}

/// The steps of a journal with their outputs, from a replay. If a step differs in the replay, it is
/// the last one returned: that failure has a name of its own.
#[must_use]
pub fn recorded(make_kernel: MakeKernel<'_>, entries: &[Entry]) -> Vec<Recorded> {
    let mut steps = Vec::new();
    let _ = follow(make_kernel, entries, &mut |entry, output| {
        steps.push(Recorded {
            entry: entry.clone(),
            output: output.cloned(),
        });
    });
    steps
}

/// Executes a journal in an empty store, each entry with the kernel that executed it originally;
/// returns the rows.
///
/// # Errors
/// The first entry whose digest differs, and what is known about it.
pub fn replay(make_kernel: MakeKernel<'_>, entries: &[Entry]) -> Result<Tables, String> {
    follow(make_kernel, entries, &mut |_, _| {})
}

/// See [`replay`]; `see` is called with every step.
fn follow(
    make_kernel: MakeKernel<'_>,
    entries: &[Entry],
    see: &mut dyn FnMut(&Entry, Option<&StepBytes>),
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
        let output = if entry.is_stopped {
            None
        } else {
            let host = StepHost::new(&rows, Source::Recorded(entry.verdicts.clone()));
            let ran = kernel.step(&host, entry.context, &entry.input);
            Some(ran.map_err(|error| format!("entry {at} was stopped in the replay: {error}"))?)
        };
        see(entry, output.as_ref());
        previous = chain(previous, entry.context, &entry.input, output.as_ref());
        if previous != entry.chain {
            let input = causeway_kernel::boundary::codec::decode_input(&entry.input);
            return Err(format!(
                "entry {at} differs in the replay; its input was {input:?}"
            ));
        }
        if let Some(output) = output {
            rows.apply(&output.writes);
        }
    }
    Ok(rows)
}
