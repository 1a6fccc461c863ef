//! Comparison of bytes in words. The compiler's own implementation for WebAssembly goes byte by byte, and
//! every look-up in a map of keys or texts needs several comparisons.
//!
//! A crate of its own because the functions of the C library must not take part in link-time optimisation:
//! the compiler assumes their meaning and has been seen to miscompile them when it also sees their bodies.
#![no_std]
#![no_builtins]
#![cfg(target_arch = "wasm32")]
#![allow(
    unsafe_code,
    reason = "these are the functions of the C library that compiled code calls; they take pointers"
)]

use core::ffi::c_int;

const WORD: usize = size_of::<u64>();

/// Whether bytes differ: 0 = equal.
///
/// # Safety
/// `n` bytes can be read at both addresses.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, n: usize) -> c_int {
    // SAFETY: the caller vouches for the range, and only bytes inside it are read.
    unsafe { memcmp(a, b, n) }
}

/// Order of bytes: negative, 0 or positive.
///
/// # Safety
/// `n` bytes can be read at both addresses.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(mut a: *const u8, mut b: *const u8, n: usize) -> c_int {
    let mut left = n;
    // SAFETY: the caller vouches for the range; every read ends at `n` or before. Sums wrap only in the type:
    // checked sums would need the standard library's panics, which are not linked here.
    unsafe {
        while left >= WORD {
            let x = a.cast::<u64>().read_unaligned();
            let y = b.cast::<u64>().read_unaligned();
            if x != y {
                return order(x, y);
            }
            (a, b) = (a.add(WORD), b.add(WORD));
            left = left.wrapping_sub(WORD);
        }
        while left > 0 {
            let (x, y) = (*a, *b);
            if x != y {
                return if x < y { -1 } else { 1 };
            }
            (a, b) = (a.add(1), b.add(1));
            left = left.wrapping_sub(1);
        }
    }
    0
}

/// The order of two different words, by the first differing byte in memory.
fn order(x: u64, y: u64) -> c_int {
    if x.swap_bytes() < y.swap_bytes() {
        -1
    } else {
        1
    }
}
