//! What the program would point out to somebody looking over its shoulder.

use crate::stream::Evaluation;

/// Evaluations in a row that make a trend.
const TREND: usize = 5;

/// Something worth saying, with the number it rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Hint {
    /// Validation loss rose at each of the last so many evaluations while training loss fell.
    Overfitting {
        /// How many in a row.
        rises: usize,
    },
}

impl std::fmt::Display for Hint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Hint::Overfitting { rises } => write!(
                f,
                "validation loss rose {rises} times in a row while training loss fell: overfitting. More λ: press ]"
            ),
        }
    }
}

/// Looks at all evaluations so far and says something at the one that completes a trend, and not again while it lasts.
pub fn look(evaluations: &[Evaluation]) -> Option<Hint> {
    let rises = evaluations
        .windows(2)
        .rev()
        .take_while(|pair| pair[1].validation.loss > pair[0].validation.loss && pair[1].step > pair[0].step)
        .count();
    let last = evaluations.last()?;
    let first = evaluations.get(evaluations.len().checked_sub(TREND + 1)?)?;
    (rises == TREND && last.train.loss < first.train.loss).then_some(Hint::Overfitting { rises })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Score;

    fn evaluations(validation: &[f64], training: impl Fn(usize) -> f64) -> Vec<Evaluation> {
        let score = |loss| Score { loss, accuracy: 0.5 };
        let evaluation = |(at, loss): (usize, &f64)| Evaluation {
            step: 20 * at as u64,
            epoch: at as f64,
            seconds: 0.0,
            train: score(training(at)),
            validation: score(*loss),
        };
        validation.iter().enumerate().map(evaluation).collect()
    }

    #[test]
    fn five_rises_while_training_falls_are_overfitting() {
        let rising = [0.9, 0.8, 0.81, 0.82, 0.83, 0.84, 0.85];
        assert_eq!(look(&evaluations(&rising, |at| 1.0 / (at + 1) as f64)), Some(Hint::Overfitting { rises: 5 }));
        assert_eq!(look(&evaluations(&rising, |at| at as f64)), None, "both rise: something else is wrong");
        assert_eq!(look(&evaluations(&rising[..6], |at| 1.0 / (at + 1) as f64)), None);
    }

    #[test]
    fn it_is_said_once_in_a_trend() {
        let rising: Vec<f64> = (0..20).map(f64::from).collect();
        let all = evaluations(&rising, |at| -(at as f64));
        let said = (0..=all.len()).filter(|count| look(&all[..*count]).is_some()).count();
        assert_eq!(said, 1);
    }

    #[test]
    fn nan_is_no_trend() {
        assert_eq!(look(&evaluations(&[f64::NAN; 10], |_| f64::NAN)), None);
        assert_eq!(look(&[]), None);
    }
}
