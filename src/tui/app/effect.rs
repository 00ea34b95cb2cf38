//! What an edit did to the validation, as soon as that can be told from chance.

use crate::stream::Evaluation;

/// Evaluations that are averaged on either side of an edit: one alone jumps by more than most edits move it.
const AVERAGED: usize = 5;

/// What an edit did, or how long nobody knows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Effect {
    /// It takes so many evaluations more to tell.
    Settling(usize),
    /// From the evaluations before it to the last ones of its time.
    Told {
        /// Of the validation loss.
        loss: Shift,
        /// Of the validation accuracy, a share.
        accuracy: Shift,
    },
}

/// How far an average moved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// So far.
    pub by: f64,
    /// Twice the standard error of that.
    pub chance: f64,
}

impl Shift {
    /// Whether two averages of the same value would often differ as much.
    pub fn is_noise(self) -> bool {
        self.by.abs() < self.chance
    }
}

impl Effect {
    /// Of an edit at the step `at`, from the evaluations since the edit before it, at `since`, and those up to the next
    /// one, at `until`. An evaluation at the step of an edit is of the weights before it. None where there is none.
    pub fn of(evaluations: &[Evaluation], since: u64, at: u64, until: u64) -> Option<Effect> {
        let place = |step: u64| evaluations.partition_point(|evaluation| evaluation.step <= step);
        let (begin, edit, end) = (place(since), place(at), place(until));
        // Of two edits behind the same evaluation both came after it.
        let before = &evaluations[begin.min(edit.checked_sub(1)?)..edit];
        let after = &evaluations[edit..end.max(edit)];
        if after.len() < AVERAGED {
            return Some(Effect::Settling(AVERAGED - after.len()));
        }
        let [before, after] = [before, after].map(|part| &part[part.len().saturating_sub(AVERAGED)..]);
        Some(Effect::Told {
            loss: shift(before, after, |evaluation| evaluation.validation.loss),
            accuracy: shift(before, after, |evaluation| evaluation.validation.accuracy),
        })
    }
}

/// Between the averages of two stretches.
///
/// ```text
/// s² = mean of (x[i+1] − x[i])² / 2      the variance of one value around a trend, on both sides
/// chance = 2·s·√(1/m + 1/n)
/// ```
fn shift(before: &[Evaluation], after: &[Evaluation], value: impl Fn(&Evaluation) -> f64) -> Shift {
    let mean = |part: &[Evaluation]| part.iter().map(&value).sum::<f64>() / part.len() as f64;
    let jump = |pair: &[Evaluation]| (value(&pair[1]) - value(&pair[0])).powi(2);
    let jumps = || [before, after].into_iter().flat_map(|part| part.windows(2)).map(jump);
    let variance = jumps().sum::<f64>() / (2 * jumps().count().max(1)) as f64;
    let weight = 1.0 / before.len() as f64 + 1.0 / after.len() as f64;
    Shift { by: mean(after) - mean(before), chance: 2.0 * (variance * weight).sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Score;

    fn evaluations(losses: impl IntoIterator<Item = f64>) -> Vec<Evaluation> {
        let evaluation = |(at, loss): (usize, f64)| {
            let score = Score { loss, accuracy: f64::NAN };
            let (step, epoch, seconds) = (10 * at as u64, 0.0, 0.0);
            Evaluation { step, epoch, seconds, train: score, validation: score, weights: Vec::new() }
        };
        losses.into_iter().enumerate().map(evaluation).collect()
    }

    fn loss(effect: Option<Effect>) -> Shift {
        match effect {
            Some(Effect::Told { loss, accuracy }) if accuracy.by.is_nan() && !accuracy.is_noise() => loss,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn nothing_is_told_of_fewer_evaluations_than_it_takes() {
        let all = evaluations([1.0; 20]);
        for (at, until, more) in [(100, u64::MAX, None), (100, 140, Some(1)), (105, 109, Some(5)), (190, 500, Some(5))]
        {
            let effect = Effect::of(&all, 0, at, until);
            match more {
                Some(more) => assert_eq!(effect, Some(Effect::Settling(more)), "at {at}"),
                None => assert_eq!(loss(effect).by, 0.0),
            }
        }
        assert_eq!(Effect::of(&[], 0, 0, u64::MAX), None);
    }

    #[test]
    fn averages_are_those_of_the_time_between_two_edits() {
        // Steps 0 to 90 at 9, 100 to 190 at 1, then 2.
        let all = evaluations((0..30).map(|at| [9.0, 1.0, 2.0][at / 10]));
        assert_eq!(loss(Effect::of(&all, 0, 95, 195)), Shift { by: -8.0, chance: 0.0 });
        assert_eq!(loss(Effect::of(&all, 95, 195, u64::MAX)), Shift { by: 1.0, chance: 0.0 });
        // Three evaluations after an edit: those before it are none of the next one's time.
        assert_eq!(loss(Effect::of(&all, 165, 195, u64::MAX)).by, 1.0);
        // Two edits at once, and one before anything was evaluated twice.
        assert_eq!(loss(Effect::of(&all, 195, 195, u64::MAX)).by, 1.0);
        assert_eq!(loss(Effect::of(&all, 0, 0, 60)).by, 0.0);
    }

    #[test]
    fn what_is_no_more_than_the_jumps_between_evaluations_is_noise() {
        // Up and down by 0.1, also around a slope, then lower by a little and by a lot.
        let jump = |at: usize| if at.is_multiple_of(2) { 0.1 } else { 0.0 };
        for (step, noise) in [(0.0, true), (0.05, true), (0.5, false)] {
            let all = evaluations((0..20).map(|at| 1.0 + jump(at) - if at >= 10 { step } else { 0.0 }));
            let found = loss(Effect::of(&all, 0, 95, u64::MAX));
            assert_eq!(found.is_noise(), noise, "{step}: {found:?}");
            assert!((found.by + step).abs() < 0.021, "{step}: {found:?}");
        }
        let fall = evaluations((0..20).map(|at| 2.0 - 0.05 * at as f64));
        assert!(!loss(Effect::of(&fall, 0, 95, u64::MAX)).is_noise());
    }
}
