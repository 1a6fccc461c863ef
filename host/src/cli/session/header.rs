//! What a session file says of itself.

use causeway_session::SessionFile;
use causeway_session::file::format::{Header, Selection};
use causeway_session::look::walk::{Passed, walk};

use super::{damage, times};

/// Prints header, summary and kernels; tells whether all of the file can be read.
pub fn show(file: &SessionFile) -> bool {
    let header = file.header();
    println!("workspace   {}", header.workspace.escape_debug());
    println!(
        "exported    {} by causeway {}",
        times::show(header.exported_at_ms),
        header.causeway.escape_debug()
    );
    println!(
        "texts       {}",
        if header.is_masked {
            "masked"
        } else {
            "READABLE"
        }
    );
    println!("selection   {}", selection(&header.selection));
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
        println!("kernel      {digest}, {} KiB", bytes >> 10);
    }
    println!("file        {} KiB", file.length() >> 10);
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
            .map(|it| format!("connection {}", it.escape_debug())),
        selection
            .channel
            .as_ref()
            .map(|it| format!("channel {}", it.escape_debug())),
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
    println!(
        "begins      behind entry {}, journal {}",
        start.seq, start.journal
    );
    println!("            last kernel {}", start.kernel);
    println!("            policies {}", start.policies.escape_debug());
    println!("behaviours  {:?}", header.behaviours);
    let engine = &header.engine;
    println!(
        "engine      {} fuel and {} MiB for a step",
        engine.step_fuel,
        engine.step_memory_max >> 20
    );
}

fn contents(file: &SessionFile) {
    let Some(index) = file.index() else {
        println!("contents    not known: the end of the file is damaged or missing");
        return;
    };
    let summary = &index.summary;
    println!(
        "contents    {} steps, entries {} to {}, {} left out, {} deviations, {} blocks",
        summary.steps,
        summary.first_seq,
        summary.last_seq,
        summary.left_out,
        summary.deviations,
        index.blocks.len()
    );
    println!(
        "            from {} to {}",
        times::show(summary.first_ms),
        times::show(summary.last_ms)
    );
    println!(
        "            {} users, {} channels, {} connections",
        summary.users, summary.channels, summary.connections
    );
}
