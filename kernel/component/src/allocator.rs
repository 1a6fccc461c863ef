//! The allocator of the component: blocks of a few sizes, a free list for each size, and a full reset when
//! the last block is freed. The kernel keeps nothing between steps, so the reset happens at the end of each,
//! and the next step starts with fresh memory.
//!
//! Blocks are never split or joined: a step that frees many blocks of one size and then needs another size
//! grows the memory, up to the cap set by its host.
#![allow(
    unsafe_code,
    reason = "an allocator hands out raw memory; there is one thread, so nothing is shared"
)]

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32::{memory_grow, memory_size};
use core::cell::UnsafeCell;
use core::ptr::{copy_nonoverlapping, null_mut};

/// Bytes of a WebAssembly memory page.
const PAGE_BYTES: usize = 64 << 10;

/// Minimum number of pages by which the memory grows.
const GROWTH_PAGES: usize = 4;

/// Bytes of the smallest block, and the alignment of all blocks.
const BLOCK_BYTES_MIN: usize = 16;

/// Number of block sizes: two for each power of two, up to the whole memory.
const CLASSES: usize = 56;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator(UnsafeCell::new(Arena::new()));

struct Allocator(UnsafeCell<Arena>);

// SAFETY: the component has no threads.
unsafe impl Sync for Allocator {}

struct Arena {
    /// First address not handed out since the last reset.
    next: usize,
    /// End of the arena's memory; 0 before the first block.
    end: usize,
    start: usize,
    /// Number of blocks in use.
    live: usize,
    /// Freed blocks by class; each holds the address of the next one.
    free: [usize; CLASSES],
}

/// The class of a size, and the bytes of its blocks.
#[inline(always)]
fn class_of(size: usize) -> (usize, usize) {
    if size <= BLOCK_BYTES_MIN {
        return (0, BLOCK_BYTES_MIN);
    }
    // 17..=24 and 25..=32, 33..=48 and 49..=64, …
    let last = size - 1;
    let power = (usize::BITS - 1 - last.leading_zeros()) as usize;
    let upper_half = (last >> (power - 1)) & 1;
    let bytes = (2 + upper_half + 1) << (power - 1);
    (2 * (power - 4) + 1 + upper_half, bytes)
}

impl Arena {
    const fn new() -> Arena {
        Arena {
            next: 0,
            end: 0,
            start: 0,
            live: 0,
            free: [0; CLASSES],
        }
    }

    /// A block of `bytes` bytes from memory not handed out yet; 0 = no memory left.
    fn cut(&mut self, bytes: usize, align: usize) -> usize {
        if self.end == 0 {
            self.start = memory_size(0) * PAGE_BYTES;
            self.next = self.start;
            self.end = self.start;
        }
        let Some(block) = self.next.checked_next_multiple_of(align) else {
            return 0;
        };
        let Some(next) = block.checked_add(bytes) else {
            return 0;
        };
        if next > self.end && !self.grow(next) {
            return 0;
        }
        self.next = next;
        block
    }

    #[cold]
    fn grow(&mut self, until: usize) -> bool {
        let pages = (until - self.end).div_ceil(PAGE_BYTES).max(GROWTH_PAGES);
        if memory_grow(0, pages) == usize::MAX {
            return false;
        }
        self.end += pages * PAGE_BYTES;
        true
    }

    fn reset(&mut self) {
        self.next = self.start;
        self.free = [0; CLASSES];
    }
}

// SAFETY: a block is handed out once until it is freed, has the size and alignment asked for, and keeps its
// content when it is reallocated.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: there is one thread, and nothing below calls back into the allocator.
        let arena = unsafe { &mut *self.0.get() };
        let (class, bytes) = class_of(layout.size());
        let block = if layout.align() > BLOCK_BYTES_MIN {
            arena.cut(bytes, layout.align())
        } else {
            match arena.free.get(class) {
                Some(0) => arena.cut(bytes, BLOCK_BYTES_MIN),
                Some(&block) => {
                    // SAFETY: a freed block begins with the address of the next one.
                    arena.free[class] = unsafe { *(block as *const usize) };
                    block
                }
                None => 0,
            }
        };
        arena.live += usize::from(block != 0);
        block as *mut u8
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as in `alloc`.
        let arena = unsafe { &mut *self.0.get() };
        arena.live -= 1;
        if arena.live == 0 {
            arena.reset();
        } else if layout.align() <= BLOCK_BYTES_MIN {
            let (class, _) = class_of(layout.size());
            // SAFETY: the block is at least as long as an address and no longer in use.
            unsafe { *block.cast::<usize>() = arena.free[class] };
            arena.free[class] = block as usize;
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let (class, bytes) = class_of(layout.size());
        let (new_class, new_bytes) = class_of(size);
        if new_class == class {
            return block;
        }
        // SAFETY: as in `alloc`.
        let arena = unsafe { &mut *self.0.get() };
        let is_last = block as usize + bytes == arena.next;
        if is_last && new_bytes > bytes && arena.cut(new_bytes - bytes, 1) != 0 {
            return block;
        }
        // SAFETY: the caller vouches for size and alignment; the blocks do not overlap.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if new.is_null() {
                return null_mut();
            }
            copy_nonoverlapping(block, new, layout.size().min(size));
            self.dealloc(block, layout);
            new
        }
    }
}
