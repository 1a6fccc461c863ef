//! What a policy could try to carry from one question to another: words that it hides wherever it can write,
//! and looks for in every byte of its memory.

use std::cell::RefCell;
use std::collections::BTreeSet;

/// How a word begins that is carried; digits follow.
const MARK: &str = "carry-";

/// Maximum digits of such a word.
const DIGITS_MAX: usize = 8;

/// Pages that a question takes which says `swell`; others take one.
const SWOLLEN_PAGES: usize = 128;

thread_local! {
    static KEPT: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Hides the words of a text and returns those that other texts left.
pub fn carry(text: &str) -> String {
    let own = words(text.as_bytes());
    let mut found = words(memory());
    found.retain(|word| !own.contains(word));
    for word in &own {
        KEPT.with_borrow_mut(|kept| kept.push(word.clone()));
        Box::leak(word.clone().into_boxed_str());
        hide(
            word,
            if text.contains("swell") {
                SWOLLEN_PAGES
            } else {
                1
            },
        );
    }
    assert!(!text.contains("trap"), "as the question says");
    while text.contains("spin") {
        std::hint::black_box(text);
    }
    found.into_iter().collect::<Vec<_>>().join(",")
}

/// The marked words in some bytes.
fn words(bytes: &[u8]) -> BTreeSet<String> {
    let mark = MARK.as_bytes();
    let mut found = BTreeSet::new();
    for at in 0..bytes.len() {
        if bytes[at] != mark[0] || !bytes[at..].starts_with(mark) {
            continue;
        }
        let rest = &bytes[at + mark.len()..];
        let digits = rest.iter().take(DIGITS_MAX);
        let digits: String = digits
            .take_while(|it| it.is_ascii_digit())
            .map(|it| char::from(*it))
            .collect();
        if !digits.is_empty() {
            found.insert(format!("{MARK}{digits}"));
        }
    }
    found
}

#[cfg(target_arch = "wasm32")]
mod raw {
    #![allow(
        unsafe_code,
        reason = "a policy may do to its memory what it likes; the tests need one that does"
    )]

    use core::arch::wasm32::{memory_grow, memory_size};

    const PAGE_BYTES: usize = 1 << 16;

    /// The deep end of the stack, which nothing else uses.
    const STACK_END: usize = 64;

    pub fn memory() -> &'static [u8] {
        let bytes = memory_size::<0>() * PAGE_BYTES - 1;
        // SAFETY: all of a module's memory can be read; nothing else runs meanwhile.
        unsafe { core::slice::from_raw_parts(1 as *const u8, bytes) }
    }

    pub fn hide(word: &str, pages: usize) {
        let first = memory_grow::<0>(pages);
        let fresh = (0..pages).map(|page| (first + page) * PAGE_BYTES);
        for at in fresh.chain([STACK_END]) {
            // SAFETY: nobody else owns the grown pages, nor the deep end of the stack.
            unsafe { core::ptr::copy_nonoverlapping(word.as_ptr(), at as *mut u8, word.len()) }
        }
    }
}

#[cfg(target_arch = "wasm32")]
use raw::{hide, memory};

/// Natively there is no memory of its own to look at.
#[cfg(not(target_arch = "wasm32"))]
fn memory() -> &'static [u8] {
    &[]
}

#[cfg(not(target_arch = "wasm32"))]
fn hide(_word: &str, _pages: usize) {}
