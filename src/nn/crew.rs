//! Who runs the tasks of a phase.

use crate::kernel::{Columns, Matrices};

/// Runs tasks, in any order, on any thread, and returns when all are done.
pub trait Crew {
    /// How many threads there are.
    fn threads(&self) -> usize;

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

    /// Runs `task(row part, column part, scratch, patch)` for each part of rows with each part of columns of the same
    /// matrices; `scratch` is the running thread's own.
    ///
    /// # Panics
    /// Where there is less scratch than threads, or as [`Columns::in_rows`].
    fn share_out_patches<T: Send, S: Send>(
        &mut self,
        scratch: &mut [S],
        patches: Patches<'_, T>,
        task: impl Fn([usize; 2], &mut S, Columns<'_, T>) + Sync,
    );
}

/// Matrices whose rows and columns are cut into parts.
#[derive(Debug)]
pub struct Patches<'a, T> {
    /// All of their values.
    pub values: &'a mut [T],
    /// How they lie in it.
    pub layout: Matrices,
    /// Ascending, one more than there are parts: part i is from bound i to bound i + 1.
    pub rows: &'a [usize],
    /// The same of the columns.
    pub columns: &'a [usize],
}

impl<T> Patches<'_, T> {
    /// A task for each part of rows with each part of columns.
    pub fn tasks(&self) -> usize {
        self.rows.len().saturating_sub(1) * self.columns.len().saturating_sub(1)
    }

    /// Which parts a task has, and the rows and columns that they are.
    pub fn of_task(task: usize, rows: &[usize], columns: &[usize]) -> ([usize; 2], [std::ops::Range<usize>; 2]) {
        let parts = [task / (columns.len() - 1), task % (columns.len() - 1)];
        (parts, [rows[parts[0]]..rows[parts[0] + 1], columns[parts[1]]..columns[parts[1] + 1]])
    }
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
    fn threads(&self) -> usize {
        1
    }

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

    fn share_out_patches<T: Send, S: Send>(
        &mut self,
        scratch: &mut [S],
        patches: Patches<'_, T>,
        task: impl Fn([usize; 2], &mut S, Columns<'_, T>) + Sync,
    ) {
        for index in 0..patches.tasks() {
            let (parts, [rows, columns]) = Patches::<T>::of_task(index, patches.rows, patches.columns);
            task(parts, &mut scratch[0], Columns::in_rows(patches.values, patches.layout, rows, columns));
        }
    }
}

impl<T> Arena<'_, T> {
    fn part(&mut self, task: usize) -> &mut [T] {
        &mut self.values[self.bounds[task] * self.unit..self.bounds[task + 1] * self.unit]
    }
}
