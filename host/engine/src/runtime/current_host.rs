//! The host of the step that runs on this thread, for the imports of its component.
//!
//! A store owns its data for as long as it lives, and the host of a step is borrowed for the step
//! only. The two meet here: for the length of one call, and on its thread, the host can be
//! reached by whoever runs below that call.

use std::cell::Cell;
use std::ptr::NonNull;

use super::StepHost;

thread_local! {
    /// The host of the innermost step on this thread that is not in use at this moment.
    static CURRENT: Cell<Option<NonNull<dyn StepHost>>> = const { Cell::new(None) };
}

/// Puts back what the slot held, also when a panic passes.
struct Restore(Option<NonNull<dyn StepHost>>);

impl Drop for Restore {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

/// Makes `host` reachable by [`with`] while `call` runs.
#[allow(
    unsafe_code,
    reason = "a lifetime ends where no type can say it: see below"
)]
pub fn set_during<R>(host: &mut dyn StepHost, call: impl FnOnce() -> R) -> R {
    let host: NonNull<dyn StepHost + '_> = NonNull::from(host);
    // SAFETY: only the lifetime changes. The pointer is gone from the slot when this function
    // returns or unwinds, and `host` is borrowed for all of that time.
    let host: NonNull<dyn StepHost + 'static> = unsafe { std::mem::transmute(host) };
    let _restore = Restore(CURRENT.replace(Some(host)));
    call()
}

/// Uses the host of the step that runs on this thread; `None` when there is none, or when it is
/// in use further up.
#[allow(unsafe_code, reason = "reaches what `set_during` put into the slot")]
pub fn with<R>(act: impl FnOnce(&mut dyn StepHost) -> R) -> Option<R> {
    // The slot is empty while the host is in use: there is never a second reference to it.
    let restore = Restore(CURRENT.take());
    let mut host = restore.0?;
    // SAFETY: `set_during` is further up on this thread's stack and holds the only other borrow, which
    // it does not use before it returns.
    Some(act(unsafe { host.as_mut() }))
}
