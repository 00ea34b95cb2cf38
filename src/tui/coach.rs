//! What the program would point out to somebody looking over its shoulder.

use crate::stream::Evaluation;

/// Evaluations that are averaged: one alone jumps by more than a trend of ten.
const AVERAGED: usize = 5;

/// How far the averaged validation loss must be above its lowest value to have turned. Of the demo, runs with λ = 0
/// are a tenth above it from step 540 to 740, by seed; runs with λ = 3 never come further than 6 %.
const TURNED: f64 = 1.1;

/// Something worth saying, with the numbers it rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Hint {
    /// Validation loss rises while training loss falls.
    Overfitting {
        /// How far.
        rise: Rise,
        /// A key and the λ it leads to.
        remedy: Option<(char, f64)>,
    },
}

/// Two averages of the validation loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rise {
    /// The lowest.
    pub from: f64,
    /// The last.
    pub to: f64,
}

/// What the validation loss has turned to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Turn {
    /// It rises while training falls.
    Rise(Rise),
    /// It falls again after a rise that was told.
    Fall,
}

/// Follows the validation loss and tells a rise once.
///
/// Five rises in a row would be the obvious sign and never come: a run that overfits for everybody to see has one
/// evaluation in three that is better than the one before. What is followed instead is the average of the last few,
/// from one turning point to the next.
#[derive(Debug, Clone, PartialEq)]
pub enum Coach {
    /// On its way down, or level: this is the lowest average so far.
    Falling { lowest: f64 },
    /// On its way up, which was told: this is the highest average so far.
    Rising { highest: f64 },
}

impl Default for Coach {
    fn default() -> Self {
        Coach::Falling { lowest: f64::INFINITY }
    }
}

impl Coach {
    /// Looks at all evaluations so far, the last of which is new.
    pub fn look(&mut self, evaluations: &[Evaluation]) -> Option<Turn> {
        let (before, last) = evaluations.split_at(evaluations.len().checked_sub(AVERAGED)?);
        let now = mean(last, |evaluation| evaluation.validation.loss);
        match *self {
            Coach::Falling { lowest } if now > TURNED * lowest && fits_better(before, last) => {
                *self = Coach::Rising { highest: now };
                return Some(Turn::Rise(Rise { from: lowest, to: now }));
            }
            // The minimum and the maximum pass over NaN.
            Coach::Falling { lowest } => *self = Coach::Falling { lowest: lowest.min(now) },
            Coach::Rising { highest } if now < highest / TURNED => {
                *self = Coach::Falling { lowest: now };
                return Some(Turn::Fall);
            }
            Coach::Rising { highest } => *self = Coach::Rising { highest: highest.max(now) },
        }
        None
    }
}

/// Whether training loss fell; where both losses rise, something else is wrong.
fn fits_better(before: &[Evaluation], last: &[Evaluation]) -> bool {
    let loss = |evaluation: &Evaluation| evaluation.train.loss;
    let before = &before[before.len().saturating_sub(AVERAGED)..];
    mean(last, loss) < mean(before, loss)
}

fn mean(evaluations: &[Evaluation], value: impl Fn(&Evaluation) -> f64) -> f64 {
    evaluations.iter().map(value).sum::<f64>() / evaluations.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Score;

    /// Thousandths of the losses that the demo had at every 20th step.
    const DEMO: [(u32, u32); 42] = [
        (2307, 2305),
        (1566, 1222),
        (1417, 1052),
        (1358, 940),
        (1258, 869),
        (1216, 788),
        (1166, 780),
        (1142, 781),
        (1095, 720),
        (1078, 714),
        (1034, 734),
        (1027, 726),
        (1022, 756),
        (953, 721),
        (935, 720),
        (920, 723),
        (856, 692),
        (833, 723),
        (848, 737),
        (832, 743),
        (761, 678),
        (743, 724),
        (702, 666),
        (706, 725),
        (658, 705),
        (634, 753),
        (603, 716),
        (589, 731),
        (556, 777),
        (525, 743),
        (554, 810),
        (509, 794),
        (489, 812),
        (454, 800),
        (473, 837),
        (406, 828),
        (378, 816),
        (376, 771),
        (350, 864),
        (364, 859),
        (341, 890),
        (339, 860),
    ];

    fn evaluations(losses: impl IntoIterator<Item = (f64, f64)>) -> Vec<Evaluation> {
        let score = |loss| Score { loss, accuracy: 0.5 };
        let evaluation = |(at, (train, validation)): (usize, (f64, f64))| Evaluation {
            weights: Vec::new(),
            step: 20 * at as u64,
            epoch: at as f64,
            seconds: 0.0,
            train: score(train),
            validation: score(validation),
        };
        losses.into_iter().enumerate().map(evaluation).collect()
    }

    /// The steps at which something is said, and what.
    fn said(evaluations: &[Evaluation]) -> Vec<(u64, Rise)> {
        let mut coach = Coach::default();
        let look = |count: usize| match coach.look(&evaluations[..count])? {
            Turn::Rise(rise) => Some((evaluations[count - 1].step, rise)),
            Turn::Fall => None,
        };
        (1..=evaluations.len()).filter_map(look).collect()
    }

    #[test]
    fn the_demo_is_told_once_that_it_overfits() {
        let demo = evaluations(DEMO.map(|(train, validation)| (f64::from(train) / 1e3, f64::from(validation) / 1e3)));
        let said = said(&demo);
        assert_eq!(said.len(), 1, "{said:?}");
        let (step, rise) = said[0];
        assert!((500..800).contains(&step) && rise.from < 0.72 && rise.to > 1.1 * rise.from, "{said:?}");
    }

    #[test]
    fn noise_alone_is_no_rise() {
        let noisy = |at: u32| if at.is_multiple_of(3) { 0.83 } else { 0.74 };
        assert_eq!(said(&evaluations((0..100).map(|at| (1.0 / f64::from(at + 1), noisy(at))))), []);
    }

    #[test]
    fn where_both_losses_rise_something_else_is_wrong() {
        assert_eq!(said(&evaluations((1..40).map(|at| (f64::from(at), f64::from(at))))), []);
    }

    #[test]
    fn each_rise_is_told_once() {
        let wave = |at: u32| 1.0 + 0.5 * (f64::from(at) / 10.0).cos();
        let waves = evaluations((0..189).map(|at| (-f64::from(at), wave(at))));
        assert_eq!(said(&waves).len(), 3, "three times up after a fall: {:?}", said(&waves));
        let mut coach = Coach::default();
        let turns: Vec<Turn> = (1..=waves.len()).filter_map(|count| coach.look(&waves[..count])).collect();
        assert!(
            matches!(turns[..], [Turn::Rise(_), Turn::Fall, Turn::Rise(_), Turn::Fall, Turn::Rise(_)]),
            "{turns:?}"
        );
    }

    #[test]
    fn nan_is_no_rise() {
        assert_eq!(said(&evaluations([(f64::NAN, f64::NAN); 20])), []);
        assert_eq!(Coach::default().look(&[]), None);
    }
}
