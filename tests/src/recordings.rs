//! Recorded sessions as regression tests, one line for each session.
//!
//! A session in `tests/recordings/` is replayed with the kernel that it contains, which has to produce
//! the recorded results on every engine that can run it; and with the kernel of this build, whose
//! differences have to be those listed in `<name>.accepted`.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use causeway_engine::runtime::{
    ComponentOptions, ComponentSource, EMBEDDED_KERNEL, KernelSource, NativeSource, Sandbox,
};
use causeway_session::{KernelChoice, ReplayOptions, SessionFile, SessionReport, replay_session};

use crate::process::binary;

/// The folder of the recordings.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings")
}

/// The names of all recordings.
///
/// # Errors
/// If the folder cannot be read.
pub fn names() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_suffix(".session").map(str::to_string));
    }
    names.sort();
    Ok(names)
}

/// Checks a recording; the error describes the difference.
///
/// # Errors
/// If its own kernel produces something other than the recorded results, or the kernel of this build a
/// difference that has not been accepted.
pub fn check(name: &str) -> Result<()> {
    let file = SessionFile::open(&folder().join(format!("{name}.session")))?;
    let own = replay(
        &file,
        KernelChoice::Recorded(component(Level::Optimised)?),
        false,
    )?;
    expect_equal(name, &own)?;
    let unoptimised = KernelChoice::Recorded(component(Level::Unoptimised)?);
    let unoptimised = replay(&file, unoptimised, false)?;
    expect_equal(name, &unoptimised)?;
    ensure!(
        own.outcomes == unoptimised.outcomes,
        "{name}: the chains differ"
    );

    let present = replay(
        &file,
        KernelChoice::Candidate(component(Level::Optimised)?),
        true,
    )?;
    let native = replay(&file, KernelChoice::Candidate(Arc::new(NativeSource)), true)?;
    ensure!(
        present.outcomes == native.outcomes,
        "{name}: the kernel of this build gives something else natively than as a component"
    );
    compare_accepted(name, &differences(&present))
}

fn expect_equal(name: &str, report: &SessionReport) -> Result<()> {
    if let Some(group) = report.differences.first() {
        bail!("{name}, by the kernel that recorded it: {}", group.first);
    }
    ensure!(report.is_confirmed, "{name}: its end does not confirm it");
    Ok(())
}

/// The differences in a report in the form in which they are reviewed: every cause, its count, and the first
/// occurrence.
fn differences(report: &SessionReport) -> String {
    let mut text = String::new();
    for group in &report.differences {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "{} × {}\n{}\n", group.steps, group.cause, group.first);
    }
    text
}

fn compare_accepted(name: &str, found: &str) -> Result<()> {
    let path = folder().join(format!("{name}.accepted"));
    let accepted = std::fs::read_to_string(&path).unwrap_or_default();
    if accepted == found {
        return Ok(());
    }
    let seen = scratch()?.join(format!("{name}.accepted"));
    std::fs::write(&seen, found)?;
    bail!(
        "{name}: the kernel of this build decides otherwise than was accepted.\n{found}\n\
         If that is meant, give the change a number of its own (kernel/src/boundary/behaviour.rs), review \
         {seen} and put it in the place of {path}.",
        seen = seen.display(),
        path = path.display()
    )
}

fn replay(file: &SessionFile, kernel: KernelChoice, all: bool) -> Result<SessionReport> {
    let options = ReplayOptions {
        kernel,
        all,
        ..ReplayOptions::recorded(Arc::new(NativeSource))
    };
    replay_session(file, &options, |_| {}).context("replaying it")
}

/// A folder for temporary files of tests.
fn scratch() -> Result<PathBuf> {
    let binary = binary()?;
    let target = binary.ancestors().nth(2);
    let folder = target
        .context("the binary stands in target/release")?
        .join("tmp");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

#[derive(Clone, Copy)]
enum Level {
    Optimised,
    Unoptimised,
}

fn component(level: Level) -> Result<Arc<dyn KernelSource>> {
    let cache = scratch()?.join("kernels");
    let sandbox = match level {
        Level::Optimised => Sandbox::new(Some(&cache))?,
        Level::Unoptimised => Sandbox::unoptimised(Some(&cache))?,
    };
    let kernel = Cow::Borrowed(EMBEDDED_KERNEL);
    let options = ComponentOptions::default();
    Ok(Arc::new(ComponentSource::of(sandbox, kernel, options)))
}
