//! Session files: whatever a file holds, reading and describing it at worst ends with an error.

use std::cell::OnceCell;
use std::fs;
use std::ops::ControlFlow;

use causeway_session::look::describe::describe;
use causeway_session::look::walk::{Passed, walk};
use causeway_session::{SessionError, SessionFile};
use tempfile::TempDir;

use super::Target;
use crate::seeds::{SESSIONS, path};

pub const TARGET: Target = Target {
    name: "session-files",
    run,
    seeds,
    cases: 60,
};

thread_local! {
    static FOLDER: OnceCell<TempDir> = const { OnceCell::new() };
}

fn run(bytes: &[u8]) {
    FOLDER.with(|folder| {
        let folder = folder.get_or_init(|| tempfile::tempdir().expect("a folder"));
        let file = folder.path().join("a.session");
        fs::write(&file, bytes).expect("room for a file");
        // An error is fine, whatever it says: it must not be a panic.
        let _: Result<(), SessionError> = SessionFile::open(&file).map(|file| look(&file));
    });
}

fn look(file: &SessionFile) {
    walk(file, None, |passed| {
        if let Passed::Step(seen) = passed {
            let description = describe(&seen);
            assert!(!description.kind.is_empty());
        }
        ControlFlow::Continue(())
    });
}

/// A complete recording, and the beginning of one, so that changes hit its header.
fn seeds() -> Vec<Vec<u8>> {
    let whole = fs::read(path(SESSIONS[1])).expect("the recording is there");
    let beginning = whole.get(..4 << 10).unwrap_or(&whole).to_vec();
    vec![whole, beginning]
}
