//! When alerts come, and when they do not come again.

use super::super::Alarms;
use super::*;
use crate::stream::{Alert, AlertKind, Evaluation, Level, Score, StepRow, TensorInfo};

/// A run of one matrix whose numbers a test makes up.
struct Run {
    alarms: Alarms,
    alerts: Vec<Alert>,
    forces: Forces,
}

impl Run {
    fn new(tensors: usize) -> Run {
        let tensor = |at| TensorInfo {
            name: format!("fc{at}.weight"),
            layer: format!("fc{at}"),
            shape: vec![10, 10],
            decays: true,
        };
        let tensors: Vec<TensorInfo> = (1..=tensors).map(tensor).collect();
        // τ = 40 updates, so that T is 10.
        let forces = forces(ADAM, DecayMode::Decoupled, 0.1, 0.25);
        Run { alarms: Alarms::new(&tensors), alerts: Vec::new(), forces }
    }

    fn update(&mut self, step: u64, loss: f64, sums: &[TensorSums]) {
        let row = StepRow { step, loss, ..Default::default() };
        let tensors = sums.iter().map(|sums| (sums, self.forces));
        self.alarms.update(&row, tensors, &mut self.alerts);
    }

    fn evaluate(&mut self, step: u64, train: f64, validation: f64) {
        let score = |loss| Score { loss, accuracy: 0.5 };
        let (train, validation) = (score(train), score(validation));
        let evaluation = Evaluation { step, epoch: 0.0, seconds: 0.0, train, validation, weights: Vec::new() };
        self.alarms.evaluated(&evaluation, &mut self.alerts);
    }

    /// The steps at which an alert of a kind came.
    fn steps(&self, kind: AlertKind) -> Vec<u64> {
        self.alerts.iter().filter(|alert| alert.kind == kind).map(|alert| alert.step).collect()
    }
}

fn still(norm: f64) -> TensorSums {
    TensorSums { decay: 0.025, w2: norm * norm, g2: 1.0, d2: norm * norm, ..Default::default() }
}

#[test]
fn decay_that_wins_for_a_while_is_told_once_until_it_lost() {
    let mut run = Run::new(1);
    let winning = TensorSums { d2: 1e-6, ..still(1.0) };
    for step in 0..100 {
        run.update(step, 1.0, &[if (50..55).contains(&step) { still(1.0) } else { winning }]);
    }
    // After ten updates, and after ten more when it had stopped in between.
    assert_eq!(run.steps(AlertKind::DecayWins), [10, 65]);
    let alert = &run.alerts[0];
    assert_eq!((alert.level, alert.tensor.as_deref(), alert.bound), (Level::Warning, Some("fc1.weight"), 1.0));
    assert!((alert.number - 25.0).abs() < 1e-9 && !alert.hint.is_empty());
    assert_eq!(alert.describe(|value| format!("{value:.1}")), "warning: decay wins at fc1.weight (pull 25.0 > 1.0)");
}

#[test]
fn what_an_edit_was_meant_to_do_is_no_reason_to_turn_back() {
    let hint = |edit: Option<u64>| {
        let mut run = Run::new(1);
        edit.into_iter().for_each(|step| run.alarms.edited(step));
        let winning = TensorSums { d2: 1e-6, ..still(1.0) };
        (100..120).for_each(|step| run.update(step, 1.0, &[winning]));
        run.alerts[0].hint.clone()
    };
    // τ is 40 updates, and the alert comes at 110.
    assert!(hint(Some(90)).contains("since the last edit"), "{}", hint(Some(90)));
    assert_eq!(hint(Some(60)), hint(None));
}

#[test]
fn a_norm_that_halves_is_told_and_one_that_shrinks_slowly_is_not() {
    for (rate, halved, lost) in [(0.9, true, true), (0.95, false, true), (0.999, false, false)] {
        let mut run = Run::new(1);
        (0..200).for_each(|step| run.update(step, 1.0, &[still(f64::powi(rate, step as i32))]));
        assert_eq!(!run.steps(AlertKind::NormHalved).is_empty(), halved, "{rate}");
        assert_eq!(run.steps(AlertKind::NormLost).len(), usize::from(lost), "{rate}");
    }
}

#[test]
fn rotation_out_of_equilibrium_is_told_of_qualified_tensors_once_settled() {
    // θ* is √(2·0.025·0.1/1.9) = 0.0513.
    for (rotation, kind) in [(0.3, AlertKind::RotationFast), (0.01, AlertKind::RotationSlow)] {
        let mut run = Run::new(1);
        let sums = TensorSums { d2: rotation * rotation, ..still(1.0) };
        (0..300).for_each(|step| run.update(step, 1.0, &[sums]));
        // Three times τ are over after 120 updates.
        assert_eq!(run.steps(kind), [121], "{kind:?}");
        let mut run = Run::new(1);
        (0..300).for_each(|step| run.update(step, 1.0, &[TensorSums { wg: 0.5, ..sums }]));
        assert!(run.steps(kind).is_empty(), "not scale-invariant");
    }
}

#[test]
fn layers_that_turn_at_different_speeds_are_told() {
    let mut run = Run::new(2);
    let fast = TensorSums { d2: 0.3, ..still(1.0) };
    (0..50).for_each(|step| run.update(step, 1.0, &[fast, TensorSums { d2: 1e-4, ..fast }]));
    assert_eq!(run.steps(AlertKind::Imbalance), [1]);
}

#[test]
fn a_spike_is_measured_by_the_median_of_two_hundred() {
    let mut run = Run::new(1);
    for step in 0..400 {
        let loss = if matches!(step, 100 | 250 | 255 | 300) { 3.1 } else { 1.0 };
        run.update(step, loss, &[still(1.0)]);
    }
    // 100 is too early, 255 within a quarter of τ.
    assert_eq!(run.steps(AlertKind::LossSpike), [251, 301]);
}

#[test]
fn five_rises_while_training_falls_are_overfitting() {
    let mut run = Run::new(1);
    for (at, validation) in [1.0, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6].iter().enumerate() {
        run.evaluate(at as u64 * 20, 1.0 - 0.1 * at as f64, *validation);
    }
    assert_eq!(run.steps(AlertKind::Overfitting), [120]);
    let mut run = Run::new(1);
    (0..9).for_each(|at| run.evaluate(at, 1.0 + at as f64, 1.0 + at as f64));
    assert_eq!(run.alerts, []);
    run.evaluate(9, 1.0, f64::NAN);
    assert_eq!((run.alerts[0].level, run.alerts[0].kind), (Level::Critical, AlertKind::NotFinite));
}

#[test]
fn what_evaluations_warn_of_comes_once_until_it_is_gone_and_not_within_a_quarter_of_tau() {
    // T is 10 updates.
    let mut run = Run::new(1);
    run.update(0, 1.0, &[still(1.0)]);
    let validation = |at: u64| match at {
        // It rises for long, falls once and rises; and again, which would be seven updates after the second warning.
        0..20 => 1.0 + at as f64,
        20..27 => 1.0 + (at - 20) as f64,
        27.. => 1.0 + (at - 27) as f64,
    };
    (0..40).for_each(|at| run.evaluate(at, 1.0 - 0.01 * at as f64, validation(at)));
    assert_eq!(run.steps(AlertKind::Overfitting), [5, 25, 35]);
    let mut run = Run::new(1);
    run.update(0, 1.0, &[still(1.0)]);
    let broken = |at: u64| if [3, 4, 5, 7, 10].contains(&at) { f64::NAN } else { 1.0 };
    (0..12).for_each(|at| run.evaluate(2 * at, 1.0, broken(at)));
    // 14 is too soon after 6; 20 is not.
    assert_eq!(run.steps(AlertKind::NotFinite), [6, 20]);
}

#[test]
fn going_back_to_a_snapshot_is_no_collapse() {
    let mut run = Run::new(1);
    (0..20).for_each(|step| run.update(step, 1.0, &[still(1.0)]));
    run.alarms.restored(20);
    (20..40).for_each(|step| run.update(step, 1.0, &[still(0.3)]));
    assert_eq!(run.alerts, []);
}
