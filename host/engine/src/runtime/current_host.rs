//! The host of the step that is running on this thread, for the imports of its component.
//!
//! A store owns its data for as long as it lives, but the host of a step is borrowed for the step
//! only. This module bridges the two: for the duration of one call, code below it on the same thread
//! can reach the host.

use std::cell::Cell;
use std::ptr::NonNull;

use super::StepHost;

thread_local! {
    /// The host of the innermost step on this thread, unless it is in use.
    static CURRENT: Cell<Option<NonNull<dyn StepHost>>> = const { Cell::new(None) };
}

/// Restores the slot's content, also on a panic.
struct Restore(Option<NonNull<dyn StepHost>>);

impl Drop for Restore {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

/// Makes `host` reachable by [`with`] while `call` runs.
#[allow(unsafe_code, reason = "a lifetime that no type can express: see below")]
pub fn set_during<R>(host: &mut dyn StepHost, call: impl FnOnce() -> R) -> R {
    let host: NonNull<dyn StepHost + '_> = NonNull::from(host);
    // SAFETY: only the lifetime changes. The pointer is removed from the slot when this function
    // returns or unwinds, and `host` is borrowed until then.
    let host: NonNull<dyn StepHost + 'static> = unsafe { std::mem::transmute(host) };
    let _restore = Restore(CURRENT.replace(Some(host)));
    call()
}

/// Uses the host of the step that is running on this thread; `None` if there is none, or if it is
/// in use further up the stack.
#[allow(unsafe_code, reason = "reads what `set_during` put into the slot")]
pub fn with<R>(act: impl FnOnce(&mut dyn StepHost) -> R) -> Option<R> {
    // The slot is empty while the host is in use: there is never a second reference to it.
    let restore = Restore(CURRENT.take());
    let mut host = restore.0?;
    // SAFETY: `set_during` is further up on this thread's stack and holds the only other borrow, which
    // it does not use until it returns.
    Some(act(unsafe { host.as_mut() }))
}
