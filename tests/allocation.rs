//! What the training loop asks of the allocator: after its first steps, nothing.
//!
//! There is no library under it whose calls would have to be counted apart: products, hooks and rules are wdtop's own.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

use wdtop::stream::{StepRow, TensorSums, What, lossless};
use wdtop::train::{Telemetry, Timing};

/// The system's allocator, and how often any thread has asked it for memory.
struct Counting;

static CALLS: AtomicU64 = AtomicU64::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: all that is done beside counting is done by the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(at, layout, size) }
    }
}

/// Calls of the allocator in some steps of a recipe, after others that have brought all buffers to their size. Of a few
/// such stretches the one with the fewest counts: a worker that the system starts late allocates as it begins.
fn calls_in_steps(recipe: &str, options: &[&str]) -> u64 {
    let options: Vec<&str> = options.iter().copied().chain(["--threads", "2"]).collect();
    let (config, options) = wdtop::cli::configure(recipe, &options).expect("a run");
    let mut timing = Timing::prepare(config, options, Telemetry::Off).expect("a run that begins");
    let (first, then) = if recipe.ends_with("cnn") { (2, 2) } else { (2, 100) };
    timing.run(first).expect("finite numbers");
    let stretches = (0..5).map(|_| {
        let before = CALLS.load(Ordering::Relaxed);
        timing.run(then).expect("finite numbers");
        CALLS.load(Ordering::Relaxed) - before
    });
    stretches.min().unwrap_or(u64::MAX)
}

/// Calls of the allocator while rows go over a wire, after others whose memory has come back.
fn calls_in_rows() -> u64 {
    let (mut sender, received) = lossless(4);
    let sums = [TensorSums::default(); 6];
    let mut round = || {
        let mut batch = sender.spare(sums.len());
        (0..64).for_each(|_| batch.push(StepRow::default(), &sums));
        sender.send(What::Steps(batch).into()).expect("a receiver");
        match received.recv().expect("a sender").what {
            What::Steps(batch) => received.recycle(batch),
            _ => unreachable!("it was sent just before"),
        }
    };
    round();
    let before = CALLS.load(Ordering::Relaxed);
    (0..10).for_each(|_| round());
    CALLS.load(Ordering::Relaxed) - before
}

#[test]
fn steps_allocate_nothing() {
    for recipe in wdtop::cli::recipe_names() {
        assert_eq!(calls_in_steps(recipe, &[]), 0, "{recipe}");
    }
    // Not Muon, whose iteration makes itself matrices to compute in.
    for rule in ["sgd", "adam", "adamw", "lion", "rmsprop"] {
        let options = ["--optimizer", rule, "--decay-mode", if rule == "sgd" { "l2" } else { "none" }];
        let calls = calls_in_steps("demo", &[&options[..], &["--hooks", "clip_norm"]].concat());
        assert_eq!(calls, 0, "{rule} behind a norm clip");
    }
    assert_eq!(calls_in_rows(), 0, "rows on their way to the screen or the recorder");
}
