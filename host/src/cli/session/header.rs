//! The header of a session file.

use causeway_session::SessionFile;
use causeway_session::file::format::{Header, Selection};
use causeway_session::look::walk::{Passed, walk};

use super::{damage, times};
use crate::cli::terminal;

/// Prints header, summary and kernels; returns whether the whole file can be read.
pub fn show(file: &SessionFile) -> bool {
    let header = file.header();
    terminal::line(format_args!("workspace   {}", header.workspace));
    terminal::line(format_args!(
        "exported    {} by causeway {}",
        times::show(header.exported_at_ms),
        header.causeway
    ));
    terminal::line(format_args!(
        "texts       {}",
        if header.is_masked {
            "masked"
        } else {
            "READABLE"
        }
    ));
    terminal::line(format_args!("selection   {}", selection(&header.selection)));
    begin(header);
    contents(file);
    let mut kernels = Vec::new();
    let (_, broken) = walk(file, None, |passed| {
        if let Passed::Kernel(digest, bytes) = passed {
            kernels.push((digest, bytes));
        }
        std::ops::ControlFlow::Continue(())
    });
    for (digest, bytes) in kernels {
        terminal::line(format_args!("kernel      {digest}, {} KiB", bytes >> 10));
    }
    terminal::line(format_args!("file        {} KiB", file.length() >> 10));
    damage::tell(&broken)
}

fn selection(selection: &Selection) -> String {
    let time = |ms: &Option<i64>| ms.map(times::show);
    let parts = [
        time(&selection.from_ms).map(|it| format!("from {it}")),
        time(&selection.to_ms).map(|it| format!("to {it}")),
        selection
            .connection
            .as_ref()
            .map(|it| format!("connection {}", it)),
        selection
            .channel
            .as_ref()
            .map(|it| format!("channel {}", it)),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        "everything".into()
    } else {
        parts.join(", ")
    }
}

fn begin(header: &Header) {
    let start = &header.start;
    terminal::line(format_args!(
        "begins      after entry {}, journal {}",
        start.seq, start.journal
    ));
    terminal::line(format_args!("            last kernel {}", start.kernel));
    terminal::line(format_args!("            policies {}", start.policies));
    terminal::line(format_args!("behaviours  {:?}", header.behaviours));
    let engine = &header.engine;
    terminal::line(format_args!(
        "engine      {} fuel and {} MiB per step",
        engine.step_fuel,
        engine.step_memory_max >> 20
    ));
}

fn contents(file: &SessionFile) {
    let Some(index) = file.index() else {
        terminal::line("contents    unknown: the end of the file is damaged or missing");
        return;
    };
    let summary = &index.summary;
    terminal::line(format_args!(
        "contents    {} steps, entries {} to {}, {} left out, {} deviations, {} blocks",
        summary.steps,
        summary.first_seq,
        summary.last_seq,
        summary.left_out,
        summary.deviations,
        index.blocks.len()
    ));
    terminal::line(format_args!(
        "            from {} to {}",
        times::show(summary.first_ms),
        times::show(summary.last_ms)
    ));
    terminal::line(format_args!(
        "            {} users, {} channels, {} connections",
        summary.users, summary.channels, summary.connections
    ));
}
