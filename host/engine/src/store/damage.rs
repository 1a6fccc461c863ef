//! Damaged table files: redb verifies pages when it repairs, not when it reads, so any read may
//! report damage or panic because of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::TablesError;

/// Whether a file is known to be damaged. Shared by all its readers: once one of them has found
/// damage, all further reads fail.
#[derive(Clone, Debug, Default)]
pub(super) struct Damage(Arc<AtomicBool>);

impl Damage {
    /// Calls redb unless the file is known to be damaged, and notes damage that the call reveals.
    pub(super) fn guard<T>(
        &self,
        call: impl FnOnce() -> Result<T, TablesError>,
    ) -> Result<T, TablesError> {
        if self.is_known() {
            return Err(TablesError::damage(
                "a part of the file is not what was written",
            ));
        }
        let result = guarded(call);
        if let Err(error) = &result
            && error.is_damage()
            && !self.note()
        {
            tracing::error!(%error, "the tables are damaged");
        }
        result
    }

    /// Notes damage; returns whether it was known before.
    pub(super) fn note(&self) -> bool {
        self.0.swap(true, Ordering::AcqRel)
    }

    /// Whether damage was found.
    pub(super) fn is_known(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Calls redb and turns a panic into an error.
pub(super) fn guarded<T>(call: impl FnOnce() -> Result<T, TablesError>) -> Result<T, TablesError> {
    // Unwind-safe, because the tables are not used any more after a panic.
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|_| Err(TablesError::damage("a page is not what was written")))
}
