//! When updates were made.

use crate::stream::StepRow;

/// Seconds between two corners that are kept.
const RESOLUTION: f64 = 0.1;

/// Epochs and wall time as lines through corners: as many as a run has tenths of a second, not as it has updates.
#[derive(Debug, Clone, PartialEq)]
pub struct Clock {
    /// (updates made, epochs made)
    pub epochs: Vec<(f64, f64)>,
    /// (updates made, seconds)
    pub seconds: Vec<(f64, f64)>,
}

impl Default for Clock {
    fn default() -> Self {
        Clock { epochs: vec![(0.0, 0.0)], seconds: vec![(0.0, 0.0)] }
    }
}

impl Clock {
    /// An update was made.
    pub fn tick(&mut self, row: &StepRow) {
        self.corner(row.step + 1, row.epoch, row.seconds);
    }

    /// Training stands still, or goes on.
    pub fn stand(&mut self, step: u64, seconds: f64) {
        let epoch = self.epochs.last().map_or(0.0, |(_, epoch)| *epoch);
        self.corner(step, epoch, seconds);
    }

    fn corner(&mut self, made: u64, epoch: f64, seconds: f64) {
        let made = made as f64;
        let falls =
            |last: Option<&(f64, f64)>, at: f64| last.is_some_and(|last| made < last.0 || at.is_nan() || at < last.1);
        if falls(self.seconds.last(), seconds) || falls(self.epochs.last(), epoch) {
            return;
        }
        if self.seconds.iter().rev().nth(1).is_some_and(|before| seconds - before.1 < RESOLUTION) {
            self.seconds.pop();
            self.epochs.pop();
        }
        self.seconds.push((made, seconds));
        self.epochs.push((made, epoch));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_are_as_many_as_there_is_time() {
        let mut clock = Clock::default();
        for step in 0..10_000 {
            let seconds = step as f64 * 1e-3;
            let (loss, accuracy, penalty, lr, weight_decay) = (0.0, 0.0, 0.0, 0.0, 0.0);
            clock.tick(&StepRow { step, epoch: seconds, seconds, loss, accuracy, penalty, lr, weight_decay });
        }
        assert!((90..220).contains(&clock.seconds.len()), "{}", clock.seconds.len());
        clock.stand(10_000, 20.0);
        clock.stand(10_000, 5.0);
        assert_eq!(clock.seconds.last(), Some(&(10_000.0, 20.0)));
    }
}
