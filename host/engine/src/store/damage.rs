//! Files of the tables that are not what was written: redb checks a page when it repairs, not when
//! it reads, so it may report damage, or panic over it, at any read.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::TablesError;

/// Whether a file is known to be damaged. Shared by all who read it: once one of them has found
/// damage, none of them gets anything out of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Damage(Arc<AtomicBool>);

impl Damage {
    /// Calls redb, unless the file is known to be damaged, and takes note if it turns out to be.
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

    /// Takes note of damage; gives whether it was known before.
    pub(super) fn note(&self) -> bool {
        self.0.swap(true, Ordering::AcqRel)
    }

    /// Whether damage was found.
    pub(super) fn is_known(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Calls redb and makes an error of a panic.
pub(super) fn guarded<T>(call: impl FnOnce() -> Result<T, TablesError>) -> Result<T, TablesError> {
    // Nobody goes on with what a panic left behind: the tables are not used any more.
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|_| Err(TablesError::damage("a page is not what was written")))
}
