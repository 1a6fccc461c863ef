//! To the host a panic is a trap, and a trap has no text: the text is logged before.

use std::panic::PanicHookInfo;
use std::sync::Once;

use causeway_kernel::boundary::env::PANIC_PREFIX;

use crate::bindings::causeway::kernel::log;

/// Maximum number of characters of a panic message that are logged.
const TEXT_CHARS_MAX: usize = 200;

/// Sends panic messages to the `log` import from now on.
pub fn install_hook() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            log::write(log::Level::Warn, &describe(info))
        }));
    });
}

fn describe(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no text");
    // std's messages quote strings from the program between backticks; these may be users' words.
    let text = text.split('`').next().unwrap_or_default();
    let text: String = text.chars().take(TEXT_CHARS_MAX).collect();
    match info.location() {
        Some(at) => format!("{PANIC_PREFIX}{}:{}: {text}", at.file(), at.line()),
        None => format!("{PANIC_PREFIX}{text}"),
    }
}
