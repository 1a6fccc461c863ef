//! Replays the backlog from the journals of both sides.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use causeway_engine::DataDirReplay;
use causeway_engine::runtime::{
    ComponentOptions, ComponentSource, KernelSource, NativeSource, Sandbox, cache_dir,
};
use causeway_session::file::format::Selection;
use causeway_session::{
    ExportOptions, KernelChoice, ReplayOptions, SessionFile, export, replay_session,
};

use super::backlog::Backlog;
use crate::line::{Line, line};

/// Number of replays, of which the fastest counts, because a replay is short.
const RUNS: usize = 3;

/// Exports the time of the backlog from a side's journal and replays it.
pub fn run(side: &str, data: &Path, backlog: &Backlog) -> Result<Vec<Line>> {
    let sandbox = Sandbox::new(Some(&cache_dir(data)))?;
    let options = ComponentOptions::default();
    let component: Arc<dyn KernelSource> = Arc::new(ComponentSource::embedded(sandbox, options));
    let path = data.with_extension("session");
    let exported = export_backlog(data, &path, backlog.began_at_ms, &component)?;
    let file = SessionFile::open(&path)?;
    let plain = ReplayOptions::recorded(Arc::clone(&component));
    let all = fastest(&file, &plain)?;
    let one = fastest(
        &file,
        &ReplayOptions {
            threads: 1,
            ..plain.clone()
        },
    )?;
    let native = KernelChoice::Candidate(Arc::new(NativeSource));
    let native = fastest(
        &file,
        &ReplayOptions {
            kernel: native,
            ..plain
        },
    )?;
    let name = |what: &str| format!("{what} of the {side} side");
    let times = |took: Duration| {
        let rate = backlog.posts as f64 / took.as_secs_f64();
        format!("{:.1}x, {rate:.0} posts/s", rate / backlog.posts_per_second)
    };
    Ok(vec![
        line(name("replay"), times(all), "10x"),
        line(name("replay on one thread"), times(one), ""),
        line(name("native replay"), times(native), ""),
        line(
            name("session file"),
            format!("{} KiB, {exported} steps", file.length() >> 10),
            "",
        ),
    ])
}

fn export_backlog(
    data: &Path,
    path: &Path,
    from_ms: i64,
    kernel: &Arc<dyn KernelSource>,
) -> Result<u64> {
    let scratch = tempfile::tempdir_in("target")?;
    let mut source = DataDirReplay::open(data, scratch.path(), Arc::clone(kernel), Some(from_ms))?;
    let options = ExportOptions {
        selection: Selection {
            from_ms: Some(from_ms),
            ..Selection::default()
        },
        mask: None,
        now_ms: from_ms,
    };
    let out = std::io::BufWriter::new(File::create(path)?);
    let (_, exported) = export(&mut source, &options, out, |_| {})?;
    Ok(exported.summary.steps)
}

fn fastest(file: &SessionFile, options: &ReplayOptions) -> Result<Duration> {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let begun = Instant::now();
        let report = replay_session(file, options, |_| {})?;
        times.push(begun.elapsed());
        ensure!(report.is_confirmed, "the replay differs: {report:?}");
    }
    times.into_iter().min().context("at least one run")
}
