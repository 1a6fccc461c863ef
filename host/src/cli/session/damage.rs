//! Damage in a session file.

use std::process::ExitCode;

use causeway_session::SessionError;

use crate::cli::terminal;

/// Prints all damage; returns whether there is none.
pub fn tell(damage: &[SessionError]) -> bool {
    for error in damage {
        terminal::error(error);
    }
    damage.is_empty()
}

/// Success if everything could be read.
pub fn code(damage: &[SessionError]) -> ExitCode {
    if tell(damage) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
