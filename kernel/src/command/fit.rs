//! Texts that no command may hold: those that other workspaces could not store.

use super::Command;
use crate::boundary::output::Refusal;
use crate::boundary::texts::{HasTexts, Json, Text, TextVisitor};
use crate::wire::portable::is_portable;

/// Refuses a command with a text that cannot be stored and read everywhere. Every text is checked, as none
/// can be declared without its class.
///
/// # Errors
/// States what to leave out.
pub fn check(command: &Command, key: Option<&str>) -> Result<(), Refusal> {
    let mut unfit = Unfit(key.is_some_and(has_nul));
    command.clone().texts(&mut unfit);
    if unfit.0 {
        return Err(Refusal::new(
            400,
            "api.context.invalid_body_param.app_error",
            "A text holds a NUL character, or a number that is too large for a 64-bit float, which not \
             every workspace and client can store and read. Leave it out.",
        ));
    }
    Ok(())
}

struct Unfit(bool);

impl TextVisitor for Unfit {
    fn text(&mut self, _: Text, text: &mut String) {
        self.0 |= has_nul(text);
    }

    fn json(&mut self, _: Json, bytes: &mut Vec<u8>) {
        self.0 |= bytes.contains(&0) || !is_portable(bytes);
    }
}

fn has_nul(text: &str) -> bool {
    text.contains('\0')
}
