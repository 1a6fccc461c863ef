//! What cannot be read of a session file.

use std::process::ExitCode;

use causeway_session::SessionError;

use crate::cli::terminal;

/// Names every damage; tells whether there is none.
pub fn tell(damage: &[SessionError]) -> bool {
    for error in damage {
        terminal::error(error);
    }
    damage.is_empty()
}

/// Success, if everything could be read.
pub fn code(damage: &[SessionError]) -> ExitCode {
    if tell(damage) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
