//! What a run repeats of an earlier one, besides its edits.

/// What a run does by itself before given updates because an earlier one was told to. Edits are no part of it: they
/// are in [`RunConfig`](super::RunConfig).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    /// What is done, in order, each before the update with its 0-based index; an index never falls.
    pub acts: Vec<(u64, Act)>,
    /// Stop before the update with this index.
    pub end: Option<u64>,
}

/// One thing that a run repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Evaluate both data sets, unless that was just done.
    Evaluate,
    /// Keep a snapshot.
    Snapshot,
    /// Go back to the last snapshot, which is of this step.
    Restore(u64),
    /// Leave out the batch of the update.
    Skip,
}
