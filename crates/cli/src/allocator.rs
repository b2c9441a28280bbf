//! The allocator of the process; see `docs/decisions/0003-allocator.md`.

#![expect(unsafe_code, reason = "an allocator is made of pointers")]

use std::alloc::{GlobalAlloc, Layout};

use mimalloc::MiMalloc;

/// mimalloc, which is asked for an alignment only where not every block of its has it. Asked for one,
/// it takes more memory than it was asked for wherever that is more than 1 KiB and no power of two, and
/// goes a longer way to do so.
pub(crate) struct Allocator;

/// What every block is aligned to: enough for a pointer, as by any `malloc`.
const ALWAYS: usize = align_of::<usize>();

// SAFETY: all blocks are mimalloc's, whichever function they come from; they are as large and as aligned
// as asked for.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: both take any size; the layout is the caller's affair.
        unsafe {
            if layout.align() <= ALWAYS {
                libmimalloc_sys::mi_malloc(layout.size()).cast()
            } else {
                MiMalloc.alloc(layout)
            }
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as for the caller.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as for the caller.
        unsafe { MiMalloc.dealloc(block, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as for the caller.
        unsafe { MiMalloc.realloc(block, layout, size) }
    }
}
