//! The worker team: threads that live as long as the run and share out the tasks of each phase of a step.
//!
//! A phase takes tens of microseconds, waking a parked thread as long again: so workers spin between phases, and park
//! only when nothing has come for a while (a pause, a slow pace). Which thread runs a task never matters to a result:
//! tasks are numbered by shapes alone, and each writes to its own place.
//!
//! It matters to the time. What a core wrote lies in its own cache, and another core waits for every line of it. So a
//! thread begins with its own share of a phase's tasks, the same rows of a layer in every phase of every step, and only
//! then takes from the far end of others' shares.
//!
//! This is one of the places of the crate with `unsafe`, the vector instructions and columns of `kernel` and those of
//! `optim` are the others:
//! a library's pool costs 7 µs for each entry from outside, a phase here 0.04 µs, and the tasks need disjoint parts of
//! several slices without a vector of them being built each step.

mod cuts;
mod share;

use std::any::Any;
use std::marker::PhantomData;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

pub use self::cuts::Cuts;
use self::share::Share;
use crate::kernel::{Columns, Matrices};
use crate::nn::{Arena, Crew, Patches};

/// Turns of the waiting loop before a worker parks; the first ones spin, the rest give way to other threads.
const PATIENCE: u32 = 4_000;
/// Turns that spin. Where there are more threads than cores, spinning keeps the one that works from working.
const SPINNING: u32 = 2_000;

/// The largest number of threads of a team.
pub const MOST_THREADS: usize = 1024;

/// The largest number of slices that [`Team::for_each_cut`] takes at once.
pub const MOST_ARENAS: usize = 8;

/// A fixed number of threads, the calling one among them.
#[derive(Debug)]
pub struct Team {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

/// What threads share.
///
/// A phase is open while there may be tasks left: workers that find it open join it, and only those are waited for.
/// A worker that the system gives no time (other programs run too) never joins and holds nobody up.
#[derive(Debug)]
struct Shared {
    /// Number of the phase, whether it is open, and how many workers have joined it, in one word: see [`Phase`].
    phase: AtomicU64,
    job: Mutex<Option<Job>>,
    /// Each thread's share of the phase's tasks.
    shares: Vec<Share>,
    /// Workers that have joined the phase and are through with it.
    through: AtomicU64,
    closing: AtomicBool,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    parked: Mutex<usize>,
    wake: Condvar,
}

/// A phase in one word, so that joining and closing it cannot pass each other by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Phase(u64);

impl Phase {
    const JOINED: u64 = (1 << 16) - 1;
    const OPEN: u64 = 1 << 16;
    const NUMBER_SHIFT: u32 = 17;

    fn number(self) -> u64 {
        self.0 >> Self::NUMBER_SHIFT
    }

    fn is_open(self) -> bool {
        self.0 & Self::OPEN != 0
    }

    fn joined(self) -> u64 {
        self.0 & Self::JOINED
    }

    fn next_open(self) -> Phase {
        Phase((self.number() + 1) << Self::NUMBER_SHIFT | Self::OPEN)
    }
}

/// A phase's work: run task `i` for every `i` below `tasks`.
#[derive(Debug, Clone, Copy)]
struct Job {
    run: Work,
}

/// The borrowed closure of a phase, its lifetime erased.
#[derive(Clone, Copy)]
struct Work(*const (dyn Fn(usize, usize) + Sync));

impl std::fmt::Debug for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Work")
    }
}

// SAFETY: the closure behind the pointer is Sync, so calling it from another thread is sound; that it is alive then
// is the care of `Team::run`, which returns only when no worker will touch it any more.
unsafe impl Send for Work {}

impl Team {
    /// A team of `threads`, the calling one among them. It is smaller where the system gives no more threads: that
    /// takes time, but changes no result.
    ///
    /// # Panics
    /// Where `threads` is 0, or above 1024.
    pub fn new(threads: usize) -> Self {
        assert!((1..=MOST_THREADS).contains(&threads), "a team has from 1 to {MOST_THREADS} threads");
        let shared = Arc::new(Shared {
            phase: AtomicU64::new(0),
            job: Mutex::new(None),
            shares: (0..threads).map(|_| Share::default()).collect(),
            through: AtomicU64::new(0),
            closing: AtomicBool::new(false),
            panic: Mutex::new(None),
            parked: Mutex::new(0),
            wake: Condvar::new(),
        });
        let workers = (1..threads)
            .map_while(|number| {
                let shared = Arc::clone(&shared);
                let name = format!("wdtop-worker-{number}");
                thread::Builder::new().name(name).spawn(move || shared.work(number)).ok()
            })
            .collect();
        Team { shared, workers }
    }

    /// Number of threads, the calling one among them.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Runs `task(i)` for every `i` below `tasks` on all threads and returns when all are done. A panic in a task is
    /// passed on once the others are done.
    pub fn run(&mut self, tasks: usize, task: impl Fn(usize) + Sync) {
        self.run_on(tasks, |part| (part * tasks as f64).round() as usize, |_, index| task(index));
    }

    /// The same with `task(thread, i)`, where `thread`, below [`Team::threads`], is the number of the one that runs it;
    /// `work` says up to which task a part of the work, from 0 to 1, goes.
    fn run_on(&mut self, tasks: usize, work: impl Fn(f64) -> usize, task: impl Fn(usize, usize) + Sync) {
        assert!(tasks <= u32::MAX as usize, "tasks are numbered in 32 bits");
        if self.workers.is_empty() || tasks < 2 {
            return (0..tasks).for_each(|index| task(0, index));
        }
        let borrowed: *const (dyn Fn(usize, usize) + Sync + '_) = &task;
        // SAFETY: only the lifetime changes. Workers run the closure only in a phase they have joined; the phase is
        // closed below and all who joined are waited for before `task` goes out of scope, even where a task panics:
        // panics are caught.
        let run = Work(unsafe {
            std::mem::transmute::<*const (dyn Fn(usize, usize) + Sync), *const (dyn Fn(usize, usize) + Sync)>(borrowed)
        });
        let (shared, job) = (&self.shared, Job { run });
        *lock(&shared.job) = Some(job);
        let (threads, mut end) = (self.threads(), 0);
        for (share, number) in shared.shares[..threads].iter().zip(1..) {
            let first = end;
            end = if number == threads { tasks } else { work(number as f64 / threads as f64).clamp(first, tasks) };
            share.set(first..end);
        }
        shared.through.store(0, Ordering::Relaxed);
        let before = Phase(shared.phase.load(Ordering::Relaxed));
        // Whoever joins the new phase sees all of the above.
        shared.phase.store(before.next_open().0, Ordering::SeqCst);
        if *lock(&shared.parked) > 0 {
            shared.wake.notify_all();
        }
        shared.take_tasks(job, 0);
        let joined = Phase(shared.phase.fetch_and(!Phase::OPEN, Ordering::AcqRel)).joined();
        let mut turns = 0;
        while shared.through.load(Ordering::Acquire) < joined {
            wait_a_turn(&mut turns);
        }
        *lock(&shared.job) = None;
        if let Some(panic) = lock(&self.shared.panic).take() {
            resume_unwind(panic);
        }
    }

    /// Runs `task(i, &mut items[i])` for every item.
    pub fn for_each<S: Send>(&mut self, items: &mut [S], task: impl Fn(usize, &mut S) + Sync) {
        let items = Slice::of(items);
        self.run(items.len, |index| {
            // SAFETY: `run` gives each index to one task, so no other reference to this item is made.
            task(index, unsafe { items.item(index) });
        });
    }

    /// Runs `task(i, pieces, &mut items[i], &mut scratch[t])` for every cut, where `pieces` yields the cut's range of
    /// each arena, and t is the number of the thread that runs it.
    ///
    /// # Panics
    /// Where there are not as many items as cuts, less scratch than threads, more arenas than `MOST_ARENAS`, or an arena
    /// is too short.
    pub fn for_each_cut_with<T: Send, S: Send, W: Send>(
        &mut self,
        cuts: &Cuts,
        arenas: &mut [&mut [T]],
        items: &mut [S],
        scratch: &mut [W],
        task: impl Fn(usize, Pieces<'_, T>, &mut S, &mut W) + Sync,
    ) {
        assert_eq!(items.len(), cuts.ranges.len(), "an item for each cut");
        assert!(scratch.len() >= self.threads(), "scratch for each thread");
        assert!(arenas.len() <= MOST_ARENAS, "at most {MOST_ARENAS} arenas");
        assert!(arenas.iter().all(|arena| arena.len() >= cuts.end), "every arena reaches to the last cut");
        let count = arenas.len();
        let mut parts: [Slice<'_, T>; MOST_ARENAS] = std::array::from_fn(|_| Slice::of(&mut []));
        parts.iter_mut().zip(arenas).for_each(|(part, arena)| *part = Slice::of(arena));
        let (items, scratch) = (Slice::of(items), Slice::of(scratch));
        self.run_on(
            items.len,
            |part| cuts.turn_at(part),
            |thread, turn| {
                let index = cuts.turns[turn];
                // SAFETY: `run_on` gives each index to one task, so no other reference to this item is made, and a thread
                // runs one task at a time, so none to its scratch.
                let (item, scratch) = unsafe { (items.item(index), scratch.item(thread)) };
                let pieces = Pieces { arenas: &parts[..count], range: cuts.ranges[index].clone() };
                task(index, pieces, item, scratch);
            },
        );
    }

    /// Runs `task(i, pieces, &mut items[i])` for every cut, where `pieces` yields the cut's range of each arena.
    ///
    /// # Panics
    /// Where there are not as many items as cuts, more arenas than `MOST_ARENAS`, or an arena is too short.
    pub fn for_each_cut<T: Send, S: Send>(
        &mut self,
        cuts: &Cuts,
        arenas: &mut [&mut [T]],
        items: &mut [S],
        task: impl Fn(usize, Pieces<'_, T>, &mut S) + Sync,
    ) {
        // A scratch of no size takes no memory.
        let mut none = [(); MOST_THREADS];
        self.for_each_cut_with(cuts, arenas, items, &mut none, |index, pieces, item, ()| task(index, pieces, item));
    }
}

impl Crew for Team {
    fn threads(&self) -> usize {
        Team::threads(self)
    }

    fn share_out<T: Send, const N: usize>(
        &mut self,
        tasks: usize,
        arenas: [Arena<'_, T>; N],
        task: impl Fn(usize, [&mut [T]; N]) + Sync,
    ) {
        let parts = Parts::of(tasks, arenas);
        // SAFETY: `run` gives each index to one task.
        self.run(tasks, |index| task(index, unsafe { parts.of_task(index) }));
    }

    fn share_out_columns<T: Send, const N: usize>(
        &mut self,
        tasks: usize,
        arenas: [Arena<'_, T>; N],
        (values, layout, bounds): (&mut [T], Matrices, &[usize]),
        task: impl Fn(usize, [&mut [T]; N], Columns<'_, T>) + Sync,
    ) {
        let parts = Parts::of(tasks, arenas);
        assert!(bounds.len() == tasks + 1 && bounds.is_sorted(), "ascending bounds around each task's columns");
        let values = Slice::of(values);
        self.run(tasks, |index| {
            // SAFETY: `run` gives each index to one task, and bounds ascend, so tasks have different columns.
            let (pieces, columns) = unsafe {
                let columns = bounds[index]..bounds[index + 1];
                (parts.of_task(index), values.columns(layout, 0..layout.rows, columns))
            };
            task(index, pieces, columns);
        });
    }

    fn share_out_patches<T: Send, S: Send>(
        &mut self,
        scratch: &mut [S],
        patches: Patches<'_, T>,
        task: impl Fn([usize; 2], &mut S, Columns<'_, T>) + Sync,
    ) {
        assert!(scratch.len() >= Team::threads(self), "scratch for each thread");
        let tasks = patches.tasks();
        let Patches { values, layout, rows, columns } = patches;
        assert!(rows.is_sorted() && columns.is_sorted(), "ascending bounds around each part");
        let (values, scratch) = (Slice::of(values), Slice::of(scratch));
        self.run_on(
            tasks,
            |part| (part * tasks as f64).round() as usize,
            |thread, index| {
                let (parts, [rows, columns]) = Patches::<T>::of_task(index, rows, columns);
                // SAFETY: `run_on` gives each index to one task, and bounds ascend, so tasks have different patches; a
                // thread runs one task at a time, so there is no other reference to its scratch.
                let (scratch, patch) = unsafe { (scratch.item(thread), values.columns(layout, rows, columns)) };
                task(parts, scratch, patch);
            },
        );
    }
}

/// Arenas that are shared out to tasks.
struct Parts<'a, T, const N: usize>([(Slice<'a, T>, &'a [usize], usize); N]);

impl<'a, T, const N: usize> Parts<'a, T, N> {
    fn of(tasks: usize, arenas: [Arena<'a, T>; N]) -> Self {
        Parts(arenas.map(|Arena { values, bounds, unit }| {
            assert_eq!(bounds.len(), tasks + 1, "bounds around each task's part");
            assert!(bounds.is_sorted(), "bounds in ascending order");
            (Slice::of(values), bounds, unit)
        }))
    }

    /// # Safety
    /// No two tasks that run at the same time may have the same index.
    unsafe fn of_task(&self, index: usize) -> [&'a mut [T]; N] {
        self.0.each_ref().map(|(slice, bounds, unit)| {
            // SAFETY: bounds ascend, so parts do not overlap.
            unsafe { slice.part(bounds[index] * unit..bounds[index + 1] * unit) }
        })
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::SeqCst);
        let before = Phase(self.shared.phase.load(Ordering::Relaxed));
        self.shared.phase.store(before.next_open().0, Ordering::SeqCst);
        drop(lock(&self.shared.parked));
        self.shared.wake.notify_all();
        for worker in self.workers.drain(..) {
            // A worker catches every panic of a task, there is nothing to pass on.
            let _ = worker.join();
        }
    }
}

impl Shared {
    /// A worker's life: wait for a phase, join it, take tasks until there are none, say so.
    fn work(&self, thread: usize) {
        let mut seen = 0;
        loop {
            let phase = self.wait_for_phase_after(seen);
            seen = phase.number();
            if self.closing.load(Ordering::SeqCst) {
                return;
            }
            if self.join(phase) {
                if let Some(job) = *lock(&self.job) {
                    self.take_tasks(job, thread);
                }
                // Release: what the tasks wrote is seen by the thread that counts.
                self.through.fetch_add(1, Ordering::Release);
            }
        }
    }

    /// Joins a phase if it is still open.
    fn join(&self, mut phase: Phase) -> bool {
        let number = phase.number();
        while phase.is_open() && phase.number() == number {
            let joined = self.phase.compare_exchange(phase.0, phase.0 + 1, Ordering::AcqRel, Ordering::Acquire);
            match joined {
                Ok(_) => return true,
                Err(now) => phase = Phase(now),
            }
        }
        false
    }

    fn take_tasks(&self, job: Job, thread: usize) {
        let others = (1..self.shares.len()).map(|away| &self.shares[(thread + away) % self.shares.len()]);
        let own = std::iter::from_fn(|| self.shares[thread].first());
        let tasks = own.chain(others.flat_map(|share| std::iter::from_fn(|| share.last())));
        // SAFETY: `Team::run` keeps the closure alive until every worker that joined is through.
        let take = || tasks.for_each(|index| unsafe { (*job.run.0)(thread, index) });
        if let Err(panic) = catch_unwind(AssertUnwindSafe(take)) {
            lock(&self.panic).get_or_insert(panic);
        }
    }

    fn wait_for_phase_after(&self, seen: u64) -> Phase {
        let mut turns = 0;
        loop {
            let phase = Phase(self.phase.load(Ordering::Acquire));
            if phase.number() != seen {
                return phase;
            }
            if turns < PATIENCE {
                wait_a_turn(&mut turns);
                continue;
            }
            let mut parked = lock(&self.parked);
            *parked += 1;
            // SeqCst, and under the lock that `run` takes after opening a phase: either this sees the new phase, or
            // `run` sees the parked thread and wakes it.
            while Phase(self.phase.load(Ordering::SeqCst)).number() == seen {
                parked = self.wake.wait(parked).unwrap_or_else(PoisonError::into_inner);
            }
            *parked -= 1;
        }
    }
}

fn wait_a_turn(turns: &mut u32) {
    *turns = turns.saturating_add(1);
    if *turns < SPINNING { std::hint::spin_loop() } else { thread::yield_now() }
}

/// Panics are caught before they could leave a lock poisoned.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One cut's range of each arena in turn.
#[derive(Debug)]
pub struct Pieces<'a, T> {
    arenas: &'a [Slice<'a, T>],
    range: Range<usize>,
}

impl<'a, T> Iterator for Pieces<'a, T> {
    type Item = &'a mut [T];

    fn next(&mut self) -> Option<&'a mut [T]> {
        let (arena, rest) = self.arenas.split_first()?;
        self.arenas = rest;
        // SAFETY: cuts do not overlap, each is given to one task, and its `Pieces` yields each arena once.
        Some(unsafe { arena.part(self.range.clone()) })
    }
}

/// A slice whose parts are handed out to different threads.
#[derive(Debug)]
struct Slice<'a, T> {
    start: *mut T,
    len: usize,
    lives: PhantomData<&'a mut [T]>,
}

// SAFETY: it stands for a `&mut [T]` whose parts go to other threads, which T: Send allows.
unsafe impl<T: Send> Sync for Slice<'_, T> {}

impl<'a, T> Slice<'a, T> {
    fn of(slice: &'a mut [T]) -> Self {
        Slice { start: slice.as_mut_ptr(), len: slice.len(), lives: PhantomData }
    }

    /// # Safety
    /// No two references to one item that are alive at the same time may be asked for.
    unsafe fn item(&self, index: usize) -> &'a mut T {
        // SAFETY: the caller's promise.
        unsafe { &mut self.part(index..index + 1)[0] }
    }

    /// # Safety
    /// Columns that are alive at the same time are of one layout and do not overlap in rows that they share, and no part
    /// is alive meanwhile.
    unsafe fn columns(&self, layout: Matrices, rows: Range<usize>, columns: Range<usize>) -> Columns<'a, T> {
        // SAFETY: within the slice, and by the caller's promise.
        unsafe { Columns::part((self.start, self.len), layout, rows, columns) }
    }

    /// # Safety
    /// No two parts that are alive at the same time may overlap.
    unsafe fn part(&self, range: Range<usize>) -> &'a mut [T] {
        assert!(range.start <= range.end && range.end <= self.len, "a part lies within the slice");
        // SAFETY: within the slice, and disjoint from every other part by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_task_runs_once_for_any_number_of_threads() {
        for threads in [1, 2, 7] {
            let mut team = Team::new(threads);
            assert_eq!(team.threads(), threads);
            for tasks in [0, 1, 2, 5, 100] {
                let mut counts = vec![0; tasks];
                (0..20).for_each(|_| team.for_each(&mut counts, |index, count| *count += index + 1));
                assert!(counts.iter().enumerate().all(|(index, &count)| count == 20 * (index + 1)));
            }
        }
    }

    #[test]
    fn parked_workers_wake_up() {
        let mut team = Team::new(3);
        let mut counts = [0; 64];
        for pause in [0, 30, 0, 30] {
            thread::sleep(Duration::from_millis(pause));
            team.for_each(&mut counts, |_, count| *count += 1);
        }
        assert_eq!(counts, [4; 64]);
    }

    #[test]
    fn a_cut_yields_its_range_of_every_arena() {
        let mut team = Team::new(2);
        let (mut weights, mut state) = (vec![0; 10], vec![0; 10]);
        let cuts = Cuts::new(vec![0..3, 3..4, 6..10]);
        let mut lens = [0; 3];
        team.for_each_cut(&cuts, &mut [&mut weights, &mut state], &mut lens, |index, mut pieces, len| {
            let (weights, state) = (pieces.next().unwrap(), pieces.next().unwrap());
            assert!(pieces.next().is_none());
            *len = weights.len();
            weights.fill(index + 1);
            state.fill(10 * (index + 1));
        });
        assert_eq!(weights, [1, 1, 1, 2, 0, 0, 3, 3, 3, 3]);
        assert_eq!(state, [10, 10, 10, 20, 0, 0, 30, 30, 30, 30]);
        assert_eq!(lens, [3, 1, 4]);
    }

    #[test]
    fn others_take_the_tasks_of_a_thread_that_is_busy() {
        let mut team = Team::new(2);
        let done = AtomicU64::new(0);
        // The thread that has task 0 waits for the rest of its own share, too.
        team.run(6, |index| {
            if index == 0 {
                while done.load(Ordering::SeqCst) < 5 {
                    thread::yield_now();
                }
            }
            done.fetch_add(1, Ordering::SeqCst);
        });
        assert_eq!(done.load(Ordering::SeqCst), 6);
    }

    #[test]
    fn a_panic_in_a_task_is_passed_on_and_the_team_lives() {
        let mut team = Team::new(2);
        let outcome = catch_unwind(AssertUnwindSafe(|| team.run(8, |index| assert_ne!(index, 5, "task five"))));
        assert!(outcome.is_err());
        let mut counts = [0; 8];
        team.for_each(&mut counts, |_, count| *count += 1);
        assert_eq!(counts, [1; 8]);
    }
}
