//! Memory of large buffers.

#[cfg(target_os = "linux")]
use std::mem::MaybeUninit;

/// `len` times the same value, in large pages where the system has them to give. A walk across a matrix's rows comes to a
/// new page every few steps; with pages of 4 KiB it waits for their addresses rather than for their contents.
pub fn filled<T: Copy>(len: usize, value: T) -> Vec<T> {
    let mut values = Vec::with_capacity(len);
    #[cfg(target_os = "linux")]
    ask_for_large_pages(values.spare_capacity_mut());
    values.resize(len, value);
    values
}

/// Has to come before the first touch, which decides on the page.
#[cfg(target_os = "linux")]
fn ask_for_large_pages<T>(room: &mut [MaybeUninit<T>]) {
    use rustix::mm::{Advice, madvise};

    /// What a system gives at once.
    const LARGE: usize = 2 << 20;
    let (start, len) = (room.as_mut_ptr().cast::<u8>(), size_of_val(room));
    let offset = start.align_offset(rustix::param::page_size());
    if len >= offset.saturating_add(LARGE) {
        // SAFETY: the range is within `room`, and the advice changes what backs it, never what it holds. Where it is not
        // taken, pages are as they were.
        let _ = unsafe { madvise(start.add(offset).cast(), len - offset, Advice::LinuxHugepage) };
    }
}

#[cfg(test)]
mod tests {
    use super::filled;

    #[test]
    fn values_are_there_whatever_backs_them() {
        for len in [0, 1, 1000, 3 << 18] {
            let values = filled(len, 0.5f64);
            assert!(values.len() == len && values.iter().all(|&value| value == 0.5), "{len}");
        }
    }
}
