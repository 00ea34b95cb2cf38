//! What the time of a run goes into.

/// A part of the time that training takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// A batch's samples are put together.
    Data,
    /// From the samples to the outputs.
    Forward,
    /// Loss and accuracy of the outputs, and what the loss asks of them.
    Loss,
    /// From there back to the gradients, and the update of the weights.
    Backward,
    /// Both data sets are evaluated.
    Evaluation,
    /// The recorder has not written yet what it was sent.
    Recorder,
    /// The next update is not due yet.
    Pace,
    /// Everything else: statistics, alerts, commands.
    Rest,
}

impl Phase {
    /// All, as an update meets them.
    pub const ALL: [Phase; 8] = [
        Phase::Data,
        Phase::Forward,
        Phase::Loss,
        Phase::Backward,
        Phase::Evaluation,
        Phase::Recorder,
        Phase::Pace,
        Phase::Rest,
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Data => "data",
            Phase::Forward => "forward",
            Phase::Loss => "loss",
            Phase::Backward => "backward + update",
            Phase::Evaluation => "evaluation",
            Phase::Recorder => "waiting for recorder",
            Phase::Pace => "waiting for pace",
            Phase::Rest => "rest",
        }
    }
}

/// Seconds that went into each phase. They are of a machine and a moment, no part of what a run is: nothing records
/// them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spending([f64; Phase::ALL.len()]);

impl Spending {
    /// Counts seconds for a phase.
    pub fn add(&mut self, phase: Phase, seconds: f64) {
        self.0[phase as usize] += seconds;
    }

    /// Seconds of a phase.
    pub fn of(&self, phase: Phase) -> f64 {
        self.0[phase as usize]
    }

    /// Seconds of all phases.
    pub fn total(&self) -> f64 {
        self.0.iter().sum()
    }

    /// These and those.
    pub fn plus(self, other: Spending) -> Spending {
        Spending(std::array::from_fn(|at| self.0[at] + other.0[at]))
    }

    /// So many times each.
    pub fn times(self, factor: f64) -> Spending {
        Spending(self.0.map(|seconds| seconds * factor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phase_has_a_place_of_its_own() {
        let mut spending = Spending::default();
        for (seconds, phase) in (1..).zip(Phase::ALL) {
            spending.add(phase, f64::from(seconds));
        }
        for (seconds, phase) in (1..).zip(Phase::ALL) {
            assert_eq!(spending.of(phase), f64::from(seconds), "{}", phase.name());
        }
        assert_eq!(spending.total(), 36.0);
        assert_eq!(spending.plus(spending), spending.times(2.0));
    }
}
