//! Why a session file cannot be read, and where in it that was found.

use std::io;

use super::format::FORMAT_VERSION;

/// Why a session file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The operating system says so.
    #[error("the session file cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is something else.
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
    /// Bytes are not what was written.
    #[error("the session file is damaged at offset {offset}: {what}")]
    Damaged {
        /// Where in the file, in bytes.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// It asks for more memory than it may have.
    #[error(
        "the rows of the session take more than {mib} MiB of memory; if you trust whoever made the \
         file, --memory allows more"
    )]
    TooLarge {
        /// The limit, in MiB.
        mib: u64,
    },
    /// Its kernels are larger than all that were ever built.
    #[error("the kernels in the session file are larger than {mib} MiB in all")]
    Kernels {
        /// The limit, in MiB.
        mib: u64,
    },
    /// It ends too early.
    #[error(
        "the session file is cut short: it ends at offset {offset}, {what}; what is before it can \
         be read"
    )]
    Truncated {
        /// Where it ends, in bytes.
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
