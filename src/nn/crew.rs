//! Who runs the tasks of a phase.

use crate::kernel::{Columns, Matrices};

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

    /// The same with some columns of matrices for each task, where the bounds count columns.
    ///
    /// # Panics
    /// As [`Crew::share_out`] and [`Columns::of`].
    fn share_out_columns<T: Send, const N: usize>(
        &mut self,
        tasks: usize,
        arenas: [Arena<'_, T>; N],
        matrices: (&mut [T], Matrices, &[usize]),
        task: impl Fn(usize, [&mut [T]; N], Columns<'_, T>) + Sync,
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
        mut arenas: [Arena<'_, T>; N],
        task: impl Fn(usize, [&mut [T]; N]) + Sync,
    ) {
        (0..tasks).for_each(|index| task(index, arenas.each_mut().map(|arena| arena.part(index))));
    }

    fn share_out_columns<T: Send, const N: usize>(
        &mut self,
        tasks: usize,
        mut arenas: [Arena<'_, T>; N],
        matrices: (&mut [T], Matrices, &[usize]),
        task: impl Fn(usize, [&mut [T]; N], Columns<'_, T>) + Sync,
    ) {
        let (values, layout, bounds) = matrices;
        for index in 0..tasks {
            let columns = Columns::of(values, layout, bounds[index]..bounds[index + 1]);
            task(index, arenas.each_mut().map(|arena| arena.part(index)), columns);
        }
    }
}

impl<T> Arena<'_, T> {
    fn part(&mut self, task: usize) -> &mut [T] {
        &mut self.values[self.bounds[task] * self.unit..self.bounds[task + 1] * self.unit]
    }
}
