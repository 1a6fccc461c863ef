//! A seed that broke a promise: its shrunk story and plan, and its journals as session files.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use causeway_sim::journal::Entry;
use causeway_sim::node::NAMES;
use causeway_sim::plan::Plan;
use causeway_sim::shrink::explain;
use causeway_sim::{Failure, run_plan};
use causeway_tests::simulated::write_session;

use crate::arguments::Engine;
use crate::seeds::Run;

/// The report of a failure; writes its plan and its sessions into a folder.
pub fn told(failure: Failure, run: &Run<'_>, folder: &Path) -> String {
    let seed = failure.plan.seed;
    let sessions = sessions(&failure, run, folder);
    let judge = |plan: &Plan| run_plan(plan, run.kernel(seed));
    let mut text = explain(failure, &judge, folder);
    text.push('\n');
    if run.engine(seed) == Engine::Component {
        text.push_str("with --engine component\n");
    }
    text + &sessions
}

/// Writes the sessions of a failure into a folder; how each is replayed.
pub fn sessions(failure: &Failure, run: &Run<'_>, folder: &Path) -> String {
    let mut text = String::new();
    let seed = failure.plan.seed;
    for (name, journal) in NAMES.iter().zip(&failure.journals) {
        let entries: Vec<Entry> = journal.iter().map(|step| step.entry.clone()).collect();
        let path = folder.join(format!("{seed}-{name}.session"));
        let write = |path: &PathBuf| -> io::Result<()> {
            fs::create_dir_all(folder)?;
            let out = io::BufWriter::new(File::create(path)?);
            write_session(out, name, &entries, run.kernel(seed))?;
            Ok(())
        };
        let path_text = path.display();
        // Writing to a `String` cannot fail.
        let _ = match write(&path) {
            Ok(()) => writeln!(text, "replay: causeway replay {path_text} --engine native"),
            Err(error) => writeln!(text, "the session {path_text} is not whole: {error}"),
        };
    }
    text
}
