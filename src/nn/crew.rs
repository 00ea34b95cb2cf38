//! Who runs the tasks of a phase.

/// Runs tasks, in any order, on any thread, and returns when all are done.
pub trait Crew {
    /// Runs `task(i, pieces)` for every `i` below `tasks`, where `pieces` are that task's parts of the arenas.
    ///
    /// # Panics
    /// Where an arena has other bounds than `tasks`, or does not reach to its last one.
    fn share_out<T: Send, const N: usize>(
        &mut self,
        tasks: usize,
        arenas: [Arena<'_, T>; N],
        task: impl Fn(usize, [&mut [T]; N]) + Sync,
    );
}

/// Memory that is cut into one part for each task.
#[derive(Debug)]
pub struct Arena<'a, T> {
    /// All of it.
    pub values: &'a mut [T],
    /// Ascending, one more than there are tasks: part i is from bound i to bound i + 1.
    pub bounds: &'a [usize],
    /// What a bound counts.
    pub unit: usize,
}

/// The thread that asks.
#[derive(Debug, Clone, Copy)]
pub struct Alone;

impl Crew for Alone {
    fn share_out<T: Send, const N: usize>(
        &mut self,
        tasks: usize,
        arenas: [Arena<'_, T>; N],
        task: impl Fn(usize, [&mut [T]; N]) + Sync,
    ) {
        let mut arenas = arenas;
        for index in 0..tasks {
            let pieces = arenas.each_mut().map(|arena| {
                let part = arena.bounds[index] * arena.unit..arena.bounds[index + 1] * arena.unit;
                &mut arena.values[part]
            });
            task(index, pieces);
        }
    }
}
