//! The compiler's flags behind every branch, and the addresses of the branches.
//!
//! With its pass `sancov-module`, LLVM keeps one byte for each branch, which becomes 1 when the
//! branch is taken, and a table of the branches' addresses. It passes both to two functions that the
//! program has to define, and that are called before `main`.

#![allow(
    unsafe_code,
    reason = "the compiler hands over both tables as raw pointers; nothing else does"
)]

use std::slice;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

static FLAGS: OnceLock<&'static [AtomicU8]> = OnceLock::new();
static ADDRESSES: OnceLock<&'static [[usize; 2]]> = OnceLock::new();

/// Receives the flags. The linker puts those of all crates into one table, and each crate passes the
/// whole table.
///
/// # Safety
/// Called only by compiler-generated code, with the two ends of a table of bytes that lives as long
/// as the program and is written to only by single-byte stores.
#[unsafe(no_mangle)]
unsafe extern "C" fn __sanitizer_cov_bool_flag_init(begin: *const AtomicU8, end: *const AtomicU8) {
    // SAFETY: as above; AtomicU8 has the layout of a byte.
    FLAGS.get_or_init(|| unsafe { slice::from_raw_parts(begin, end.offset_from_unsigned(begin)) });
}

/// Receives the addresses.
///
/// # Safety
/// As above, for a table of pairs of an address and a word that is not read here.
#[unsafe(no_mangle)]
unsafe extern "C" fn __sanitizer_cov_pcs_init(begin: *const [usize; 2], end: *const [usize; 2]) {
    // SAFETY: as above.
    ADDRESSES
        .get_or_init(|| unsafe { slice::from_raw_parts(begin, end.offset_from_unsigned(begin)) });
}

/// The branches of this program.
pub struct Probe {
    flags: &'static [AtomicU8],
    addresses: &'static [[usize; 2]],
}

impl Probe {
    /// `None` if the program was built without flags.
    pub fn take() -> Option<Probe> {
        let probe = Probe {
            flags: FLAGS.get()?,
            addresses: ADDRESSES.get()?,
        };
        (probe.flags.len() == probe.addresses.len()).then_some(probe)
    }

    /// Every branch's address, and whether the branch has been taken so far.
    pub fn branches(&self) -> impl Iterator<Item = (u64, bool)> {
        let flags = self.flags.iter().map(|it| it.load(Ordering::Relaxed) != 0);
        let addresses = self.addresses.iter().map(|[address, _]| *address as u64);
        addresses.zip(flags)
    }
}
