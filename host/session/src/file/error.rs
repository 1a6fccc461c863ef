//! Why a session file cannot be read, and at which offset.

use std::io;

use super::format::FORMAT_VERSION;

/// Why a session file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The operating system reported an error.
    #[error("the session file cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is not a session file.
    #[error("this is not a session file (offset 0)")]
    Foreign,
    /// It was written by a later release.
    #[error(
        "the session file has format {found}, this release reads format {FORMAT_VERSION}: use the \
         release that wrote it, or a later one"
    )]
    Newer {
        /// Its format.
        found: u32,
    },
    /// The bytes are not what was written.
    #[error("the session file is damaged at offset {offset}: {what}")]
    Damaged {
        /// Offset in the file, in bytes.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// It needs more memory than allowed.
    #[error(
        "the rows of the session take more than {mib} MiB of memory; if you trust whoever made the \
         file, --memory allows more"
    )]
    TooLarge {
        /// The limit, in MiB.
        mib: u64,
    },
    /// Its kernels exceed the limit.
    #[error("the kernels in the session file are larger than {mib} MiB in total")]
    Kernels {
        /// The limit, in MiB.
        mib: u64,
    },
    /// It ends too early.
    #[error(
        "the session file is truncated: it ends at offset {offset}, {what}; everything before that \
         can be read"
    )]
    Truncated {
        /// Its length, in bytes.
        offset: u64,
        /// What is missing.
        what: &'static str,
    },
}

pub(super) fn damaged(offset: u64, what: impl Into<String>) -> SessionError {
    SessionError::Damaged {
        offset,
        what: what.into(),
    }
}

pub(super) fn truncated(offset: u64, what: &'static str) -> SessionError {
    SessionError::Truncated { offset, what }
}
