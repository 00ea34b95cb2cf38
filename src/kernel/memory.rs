//! Memory of what every step walks over.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// A line of the caches: a vector that begins with one is never read in two pieces.
const LINE: usize = 64;
/// A large page.
const PAGE: usize = 2 << 20;
/// Bytes from which on a buffer is worth large pages: a walk across its rows would come to more pages than a processor
/// knows the addresses of by heart.
const LARGE: usize = 128 << 10;

/// Numbers whose length does not change, from the beginning of a line on, and in large pages where they are many and the
/// system has some to give. A walk across a matrix's rows comes to a new page every few steps; with pages of 4 KiB it
/// waits for their addresses rather than for their contents.
pub struct Buffer<T> {
    start: NonNull<T>,
    len: usize,
}

// SAFETY: it owns its numbers as a `Vec` does.
unsafe impl<T: Send> Send for Buffer<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Buffer<T> {}

impl<T: Copy> Buffer<T> {
    /// `len` times the same.
    ///
    /// # Panics
    /// Where they are more than can be addressed.
    pub fn filled(len: usize, value: T) -> Self {
        Buffer::with(len, |_| value)
    }
}

impl<T> Buffer<T> {
    /// Whoever calls it knows that numbers need no drop.
    fn with(len: usize, value: impl Fn(usize) -> T) -> Self {
        let layout = layout::<T>(len);
        if layout.size() == 0 {
            return Buffer { start: NonNull::dangling(), len };
        }
        // SAFETY: the layout has a size.
        let bytes = unsafe { alloc(layout) };
        let Some(start) = NonNull::new(bytes.cast::<T>()) else { handle_alloc_error(layout) };
        if layout.align() == PAGE {
            ask_for_large_pages(bytes, layout.size());
        }
        for at in 0..len {
            // SAFETY: there is room for `len` numbers.
            unsafe { start.add(at).write(value(at)) };
        }
        Buffer { start, len }
    }
}

fn layout<T>(len: usize) -> Layout {
    let numbers = Layout::array::<T>(len).expect("numbers that can be addressed");
    // Whole pages, or the last one would be small ones.
    let aligned = if numbers.size() < LARGE { LINE } else { PAGE };
    numbers.align_to(aligned).expect("a power of two").pad_to_align()
}

/// Has to come before the first touch, which decides on the page.
fn ask_for_large_pages(start: *mut u8, len: usize) {
    #[cfg(target_os = "linux")]
    {
        use rustix::mm::{Advice, madvise};
        // SAFETY: the range has just been allocated, and the advice changes what backs it, never what it holds. Where it
        // is not taken, pages are as they were.
        let _ = unsafe { madvise(start.cast(), len, Advice::LinuxHugepage) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (start, len);
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        let layout = layout::<T>(self.len);
        if layout.size() > 0 {
            // SAFETY: `with` allocated it with this layout; numbers need no drop.
            unsafe { dealloc(self.start.as_ptr().cast(), layout) };
        }
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: `with` wrote all of them.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl<T> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above, and they are ours alone.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl<T: Copy> From<&[T]> for Buffer<T> {
    fn from(values: &[T]) -> Self {
        Buffer::with(values.len(), |at| values[at])
    }
}

impl<T: Copy> Default for Buffer<T> {
    fn default() -> Self {
        Buffer::from(&[][..])
    }
}

// What a derived `Clone` asks for; no buffer was ever made of anything but `Copy`.
impl<T: Clone> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        Buffer::with(self.len, |at| self[at].clone())
    }
}

impl<T: fmt::Debug> fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_there_whatever_backs_them() {
        for len in [0, 1, 1000, (LARGE / 8) - 1, LARGE / 8, PAGE / 8 + 1] {
            let mut values = Buffer::filled(len, 0.5f64);
            assert!(values.len() == len && values.iter().all(|&value| value == 0.5), "{len}");
            assert_eq!(values.as_ptr().align_offset(if len == 0 { 8 } else { LINE }), 0);
            values.iter_mut().enumerate().for_each(|(at, value)| *value = at as f64);
            let copy = values.clone();
            drop(values);
            assert!(copy.iter().enumerate().all(|(at, &value)| value == at as f64), "{len}");
        }
    }
}
