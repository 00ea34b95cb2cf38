//! A thread's share of a phase's tasks.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// The tasks of a thread's share that nobody has taken yet, first and end in one word. A cache line holds one share, or
/// threads would wait for each other's.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Share(AtomicU64);

impl Share {
    pub(super) fn set(&self, tasks: Range<usize>) {
        self.0.store((tasks.start as u64) << 32 | tasks.end as u64, Ordering::Relaxed);
    }

    /// Its owner's next task.
    pub(super) fn first(&self) -> Option<usize> {
        self.take(|first, end| (first, (first + 1) << 32 | end))
    }

    /// A task for another thread, the last that the owner would come to.
    pub(super) fn last(&self) -> Option<usize> {
        self.take(|first, end| (end - 1, first << 32 | (end - 1)))
    }

    fn take(&self, split: impl Fn(u64, u64) -> (u64, u64)) -> Option<usize> {
        let mut now = self.0.load(Ordering::Relaxed);
        loop {
            let (first, end) = (now >> 32, now & u64::from(u32::MAX));
            if first >= end {
                return None;
            }
            let (task, rest) = split(first, end);
            match self.0.compare_exchange_weak(now, rest, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Some(task as usize),
                Err(other) => now = other,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_taken_from_both_ends_until_nothing_is_left() {
        let share = Share::default();
        assert_eq!(share.first(), None);
        share.set(3..6);
        assert_eq!([share.first(), share.last(), share.first(), share.last()], [Some(3), Some(5), Some(4), None]);
    }
}
