//! λ and η as they stand, are being turned, and are waited for.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::stream::{Edit, Knob, Scope, Setting, TensorInfo};

/// How long after the last bracket key its preview becomes an edit.
pub const SETTLE: Duration = Duration::from_millis(300);

/// Which of the two dials a key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// λ
    WeightDecay,
    /// η
    LearningRate,
}

impl Which {
    /// Both, as they stand on the screen.
    pub const BOTH: [Which; 2] = [Which::WeightDecay, Which::LearningRate];

    /// The knob it turns.
    pub fn knob(self) -> Knob {
        match self {
            Which::WeightDecay => Knob::WeightDecay,
            Which::LearningRate => Knob::LearningRate,
        }
    }

    /// What it is called in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Which::WeightDecay => "weight decay",
            Which::LearningRate => "learning rate",
        }
    }

    /// The ends of its scale on the screen; keys stop there, typed values may lie beyond.
    pub fn ends(self) -> (f64, f64) {
        match self {
            Which::WeightDecay => (1e-6, 100.0),
            Which::LearningRate => (1e-6, 1.0),
        }
    }
}

/// One hyperparameter: the values in force, and the one being turned to.
#[derive(Debug, Clone, PartialEq)]
pub struct Dial {
    /// Which one.
    pub which: Which,
    /// The value of every tensor that has none of its own.
    pub all: f64,
    /// Values that tensors have of their own.
    pub own: Vec<Option<f64>>,
    /// The tensors whose own value no schedule moves.
    held: BTreeSet<usize>,
    /// The value that keys go to from 0: the last that was not.
    pub remembered: f64,
    /// What the bracket keys have turned it to, not yet asked for.
    pub preview: Option<Preview>,
}

/// A value on its way to becoming an edit.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// Whose value.
    pub scope: Scope,
    /// The value in force.
    pub from: f64,
    /// The value to be.
    pub value: f64,
    /// When it is asked for.
    pub due: Duration,
}

/// An edit that was asked for and not yet confirmed.
#[derive(Debug, Clone, PartialEq)]
pub struct Pending {
    /// What was asked for.
    pub setting: Setting,
    /// What led to it.
    pub cause: Cause,
}

/// What leads to an edit.
#[derive(Debug, Clone, PartialEq)]
pub enum Cause {
    /// A key that turns or a value that was typed.
    Turn,
    /// z, which takes this back.
    Undo(Reversible),
    /// Z, which makes this again.
    Redo(Reversible),
}

/// An edit that can be taken back: the values to send for either direction.
#[derive(Debug, Clone, PartialEq)]
pub struct Reversible {
    /// What was turned.
    pub knob: Knob,
    /// Whose value.
    pub scope: Scope,
    /// The value before; `None` where the scope followed "all".
    pub before: Option<f64>,
    /// The value after.
    pub after: Option<f64>,
}

impl Dial {
    /// A dial at its first value.
    pub fn new(which: Which, value: f64, start: f64, tensors: usize) -> Self {
        let remembered = if value > 0.0 { value } else { start };
        Dial { which, all: value, own: vec![None; tensors], held: BTreeSet::new(), remembered, preview: None }
    }

    /// The value in force for a scope; of a layer, its first tensor's.
    pub fn value(&self, scope: &Scope, tensors: &[TensorInfo]) -> f64 {
        match first_inside(scope, tensors) {
            Some(tensor) if *scope != Scope::All => self.of_tensor(tensor, tensors).unwrap_or(0.0),
            _ => self.all,
        }
    }

    /// The value in force for a tensor; `None` for the λ of one that does not decay.
    pub fn of_tensor(&self, tensor: usize, tensors: &[TensorInfo]) -> Option<f64> {
        let outside = self.which == Which::WeightDecay && !tensors.get(tensor)?.decays;
        self.own.get(tensor).copied().flatten().or((!outside).then_some(self.all))
    }

    /// The value a scope has of its own, as its first tensor tells.
    pub fn own(&self, scope: &Scope, tensors: &[TensorInfo]) -> Option<f64> {
        match scope {
            Scope::All => Some(self.all),
            _ => first_inside(scope, tensors).and_then(|tensor| self.own.get(tensor).copied().flatten()),
        }
    }

    /// Whether every tensor of a scope has this very value, as its own or, for all, as the one for all.
    pub fn stands_at(&self, scope: &Scope, value: f64, tensors: &[TensorInfo]) -> bool {
        match scope {
            Scope::All => self.all == value,
            scope => {
                let mut inside = self.own.iter().zip(tensors).filter(|(_, tensor)| inside(scope, tensor));
                inside.all(|(own, _)| *own == Some(value))
            }
        }
    }

    /// Takes over an edit that is in force.
    pub fn apply(&mut self, edit: &Edit, tensors: &[TensorInfo]) {
        if edit.to > 0.0 {
            self.remembered = edit.to;
        }
        match &edit.scope {
            Scope::All => self.all = edit.to,
            scope => {
                for (at, own) in self.own.iter_mut().enumerate() {
                    if tensors.get(at).is_some_and(|tensor| inside(scope, tensor)) {
                        *own = (!edit.inherits).then_some(edit.to);
                        if edit.constant {
                            self.held.insert(at)
                        } else {
                            self.held.remove(&at)
                        };
                    }
                }
            }
        }
    }

    /// Takes over the value for all that an update was made with, which a schedule may have moved.
    ///
    /// Values of tensors' own move by the same share. Updates do not tell it of them: while the one for all is 0, they
    /// are shown as they were.
    pub fn follow(&mut self, value: f64) {
        let share = value / self.all;
        if share.is_finite() && share != 1.0 {
            for (_, own) in self.own.iter_mut().enumerate().filter(|(at, _)| !self.held.contains(at)) {
                *own = own.map(|value| value * share);
            }
        }
        self.all = value;
    }

    /// Turns by so many tenths of a decade from the value in force, or from the preview.
    pub fn turn(&mut self, tenths: i32, scope: Scope, from: f64, now: Duration) {
        let start = self.preview.as_ref().map_or(from, |preview| preview.value);
        let mut value = self.turned(start, tenths);
        // There and back again is the value itself, also where that is not a tidy one.
        if from > 0.0 && value > 0.0 && nearest_tenth(value) == nearest_tenth(from) {
            value = from;
        }
        self.preview = (value != from).then_some(Preview { scope, from, value, due: now + SETTLE });
    }

    /// Where so many tenths of a decade lead from a value.
    pub fn turned(&self, value: f64, tenths: i32) -> f64 {
        let (low, high) = self.which.ends();
        if value <= 0.0 {
            return if tenths > 0 { self.remembered } else { 0.0 };
        }
        let tenth = nearest_tenth(value) + tenths;
        if tenth < nearest_tenth(low) {
            // Below its scale λ is off. An η of 0 is for those who type it.
            return match self.which {
                Which::WeightDecay => 0.0,
                Which::LearningRate => value.min(low),
            };
        }
        if tenth > nearest_tenth(high) { value.max(high) } else { tidy(tenth) }
    }
}

/// The tensors of a scope begin with this one.
fn first_inside(scope: &Scope, tensors: &[TensorInfo]) -> Option<usize> {
    tensors.iter().position(|tensor| inside(scope, tensor))
}

fn inside(scope: &Scope, tensor: &TensorInfo) -> bool {
    match scope {
        Scope::All => true,
        Scope::Layer(layer) => tensor.layer == *layer,
        Scope::Tensor(name) => tensor.name == *name,
    }
}

/// 10^(k/10) with three significant digits.
pub(super) fn tidy(tenth: i32) -> f64 {
    let exact = 10f64.powf(f64::from(tenth) / 10.0);
    format!("{exact:.2e}").parse().unwrap_or(exact)
}

pub(super) fn nearest_tenth(value: f64) -> i32 {
    (10.0 * value.log10()).round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Author;

    fn dial(value: f64) -> Dial {
        Dial::new(Which::WeightDecay, value, 1.0, 0)
    }

    fn turned(value: f64, keys: &[i32]) -> Option<f64> {
        let mut dial = dial(value);
        keys.iter().for_each(|tenths| dial.turn(*tenths, Scope::All, value, Duration::ZERO));
        dial.preview.map(|preview| preview.value)
    }

    #[test]
    fn own_values_follow_a_schedule_unless_they_are_held() {
        let tensors = ["fc1", "fc2", "fc3"].map(|layer| TensorInfo {
            name: format!("{layer}.weight"),
            layer: layer.into(),
            shape: vec![1],
            decays: true,
        });
        let mut dial = Dial::new(Which::WeightDecay, 2.0, 1.0, tensors.len());
        for (layer, to, constant) in [("fc1", 4.0, false), ("fc2", 4.0, true)] {
            let scope = Scope::Layer(layer.into());
            let knob = Knob::WeightDecay;
            let (step, seconds, from, inherits, by) = (0, 0.0, 2.0, false, Author::Keys);
            dial.apply(&Edit { step, seconds, knob, scope, from, to, inherits, constant, by }, &tensors);
        }
        dial.follow(1.0);
        assert_eq!([0, 1, 2].map(|at| dial.of_tensor(at, &tensors)), [Some(2.0), Some(4.0), Some(1.0)]);
        dial.follow(0.0);
        dial.follow(0.0);
        assert_eq!([0, 1, 2].map(|at| dial.of_tensor(at, &tensors)), [Some(0.0), Some(4.0), Some(0.0)]);
    }

    #[test]
    fn there_and_back_again_is_the_same_value() {
        for value in [1.0, 3.0, 1e-4, 0.000_123_4, 0.1 + 0.2, 30.0] {
            for (there, back) in [(1, -1), (5, -5), (-1, 1)] {
                assert_eq!(turned(value, &[there, back]), None, "{value}");
            }
        }
        // Also over two edits, from a tidy value.
        for tenth in -59..20 {
            let up = turned(tidy(tenth), &[1]).unwrap();
            assert_eq!(turned(up, &[-1]), Some(tidy(tenth)));
        }
    }

    #[test]
    fn values_are_tidy_decades() {
        assert_eq!(turned(1.0, &[1]), Some(1.26));
        assert_eq!(turned(1.0, &[5]), Some(3.16));
        assert_eq!(turned(1.0, &[5, 5]), Some(10.0));
        assert_eq!(turned(1e-3, &[-1]), Some(7.94e-4));
    }

    #[test]
    fn from_zero_the_keys_go_to_the_remembered_value() {
        assert_eq!(turned(0.0, &[1]), Some(1.0));
        assert_eq!(turned(0.0, &[5, 1]), Some(1.26));
        assert_eq!(turned(0.0, &[-1]), None);
    }

    #[test]
    fn weight_decay_ends_in_zero_and_learning_rate_does_not() {
        assert_eq!(turned(1e-6, &[-1]), Some(0.0));
        assert_eq!(turned(100.0, &[1]), None);
        let mut rate = Dial::new(Which::LearningRate, 1e-6, 1e-3, 0);
        rate.turn(-1, Scope::All, 1e-6, Duration::ZERO);
        assert_eq!(rate.preview, None);
    }
}
