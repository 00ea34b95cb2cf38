//! The hyperparameters in force, and what turning one of them means.

use thiserror::Error;

use crate::stream::{Knob, Scope, Setting, TensorInfo};

/// One of a rule's own hyperparameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HyperSpec {
    /// Its key in recipes, options and edits.
    pub key: &'static str,
    /// Its value unless the user says otherwise.
    pub default: f64,
    /// What it may be.
    pub allowed: Allowed,
}

/// What a hyperparameter may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// Finite and at least 0.
    NotNegative,
    /// At least 0 and below 1.
    Share,
}

impl Allowed {
    /// Whether a value is allowed.
    pub fn contains(self, value: f64) -> bool {
        match self {
            Allowed::NotNegative => value.is_finite() && value >= 0.0,
            Allowed::Share => (0.0..1.0).contains(&value),
        }
    }

    /// The same in words.
    pub fn words(self) -> &'static str {
        match self {
            Allowed::NotNegative => "finite and at least 0",
            Allowed::Share => "at least 0 and below 1",
        }
    }
}

/// Why a setting is not taken.
#[derive(Debug, Error, PartialEq)]
pub enum KnobError {
    /// The value is out of range.
    #[error("{name} must be {}, got {value}", allowed.words())]
    OutOfRange {
        /// The hyperparameter in words.
        name: String,
        /// What was asked for.
        value: f64,
        /// What is allowed.
        allowed: Allowed,
    },
    /// The rule has no such hyperparameter.
    #[error("unknown key `{key}`: {} can be set", keys.join(", "))]
    UnknownKey {
        /// What was asked for.
        key: String,
        /// What there is.
        keys: Vec<String>,
    },
    /// No layer or tensor has that name.
    #[error("no layer or tensor is called `{scope}`: there are {}", names.join(", "))]
    UnknownScope {
        /// What was asked for.
        scope: String,
        /// What there is.
        names: Vec<String>,
    },
    /// Only λ can differ between tensors.
    #[error("{name} is one for all tensors: its scope must be all, got {scope}")]
    NotScoped {
        /// The hyperparameter in words.
        name: String,
        /// What was asked for.
        scope: String,
    },
    /// "all" has nothing to follow.
    #[error("{name} of all tensors needs a value")]
    NothingToFollow {
        /// The hyperparameter in words.
        name: String,
    },
}

/// What a setting did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// The value before.
    pub from: f64,
    /// The value from now on.
    pub to: f64,
    /// Whether the scope follows "all" again.
    pub inherits: bool,
}

/// The hyperparameters in force.
///
/// λ belongs to each tensor: one inside the decay mask follows the λ of "all" until a scoped edit gives it one of
/// its own; one outside the mask has none until then.
#[derive(Debug, Clone)]
pub struct Knobs {
    /// η
    pub lr: f64,
    /// λ of "all"
    pub weight_decay: f64,
    tensors: Vec<TensorInfo>,
    own: Vec<Option<f64>>,
    specs: &'static [HyperSpec],
    hyper: Vec<f64>,
}

impl Knobs {
    /// Checked values at the start of a run. `hyper` is in the order of `specs`.
    ///
    /// # Errors
    /// [`KnobError::OutOfRange`]
    ///
    /// # Panics
    /// Where `hyper` and `specs` differ in length.
    pub fn new(
        lr: f64,
        weight_decay: f64,
        specs: &'static [HyperSpec],
        hyper: Vec<f64>,
        tensors: Vec<TensorInfo>,
    ) -> Result<Self, KnobError> {
        assert_eq!(specs.len(), hyper.len(), "a value for each of the rule's hyperparameters");
        check(&Knob::LearningRate, lr, Allowed::NotNegative)?;
        check(&Knob::WeightDecay, weight_decay, Allowed::NotNegative)?;
        for (spec, &value) in specs.iter().zip(&hyper) {
            check(&Knob::Hyper(spec.key.into()), value, spec.allowed)?;
        }
        Ok(Knobs { lr, weight_decay, own: vec![None; tensors.len()], tensors, specs, hyper })
    }

    /// The rule's own, in the order of its table.
    pub fn hyper(&self) -> &[f64] {
        &self.hyper
    }

    /// λ of the tensor at `index`.
    pub fn tensor_decay(&self, index: usize) -> f64 {
        match self.own[index] {
            Some(own) => own,
            None if self.tensors[index].decays => self.weight_decay,
            None => 0.0,
        }
    }

    /// Changes a hyperparameter for the next update.
    ///
    /// # Errors
    /// [`KnobError`]; nothing has changed then.
    pub fn set(&mut self, setting: &Setting) -> Result<Change, KnobError> {
        let Setting { knob, scope, value, .. } = setting;
        if let Some(value) = *value {
            check(knob, value, self.allowed(knob)?)?;
        }
        if *knob == Knob::WeightDecay && *scope != Scope::All {
            return self.set_own(scope, *value);
        }
        let name = name(knob);
        if *scope != Scope::All {
            return Err(KnobError::NotScoped { name, scope: scope.to_string() });
        }
        let to = value.ok_or(KnobError::NothingToFollow { name })?;
        let place = match knob {
            Knob::LearningRate => &mut self.lr,
            Knob::WeightDecay => &mut self.weight_decay,
            Knob::Hyper(key) => {
                let keys = keys(self.specs);
                let at = self.specs.iter().position(|spec| spec.key == key);
                let at = at.ok_or_else(|| KnobError::UnknownKey { key: key.clone(), keys })?;
                &mut self.hyper[at]
            }
        };
        let from = std::mem::replace(place, to);
        Ok(Change { from, to, inherits: false })
    }

    /// Gives the tensors of a scope a λ of their own, or takes it from them.
    fn set_own(&mut self, scope: &Scope, value: Option<f64>) -> Result<Change, KnobError> {
        let inside = |tensor: &TensorInfo| match scope {
            Scope::All => true,
            Scope::Layer(layer) => tensor.layer == *layer,
            Scope::Tensor(name) => tensor.name == *name,
        };
        let indices: Vec<usize> = (0..self.tensors.len()).filter(|&index| inside(&self.tensors[index])).collect();
        let Some(&first) = indices.first() else {
            let mut names: Vec<String> = Vec::new();
            for tensor in &self.tensors {
                if !names.contains(&tensor.layer) {
                    names.push(tensor.layer.clone());
                }
                names.push(tensor.name.clone());
            }
            return Err(KnobError::UnknownScope { scope: scope.to_string(), names });
        };
        let from = self.tensor_decay(first);
        indices.iter().for_each(|&index| self.own[index] = value);
        Ok(Change { from, to: self.tensor_decay(first), inherits: value.is_none() })
    }

    fn allowed(&self, knob: &Knob) -> Result<Allowed, KnobError> {
        match knob {
            Knob::LearningRate | Knob::WeightDecay => Ok(Allowed::NotNegative),
            Knob::Hyper(key) => match self.specs.iter().find(|spec| spec.key == key) {
                Some(spec) => Ok(spec.allowed),
                None => Err(KnobError::UnknownKey { key: key.clone(), keys: keys(self.specs) }),
            },
        }
    }
}

/// Every key that can be set, for messages.
fn keys(specs: &[HyperSpec]) -> Vec<String> {
    ["lr", "weight_decay"].into_iter().chain(specs.iter().map(|spec| spec.key)).map(str::to_owned).collect()
}

/// A hyperparameter in words.
fn name(knob: &Knob) -> String {
    match knob {
        Knob::LearningRate => "learning rate".into(),
        Knob::WeightDecay => "weight decay".into(),
        Knob::Hyper(key) => key.clone(),
    }
}

fn check(knob: &Knob, value: f64, allowed: Allowed) -> Result<(), KnobError> {
    if allowed.contains(value) { Ok(()) } else { Err(KnobError::OutOfRange { name: name(knob), value, allowed }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Author;

    fn tensor(layer: &str, role: &str, decays: bool) -> TensorInfo {
        TensorInfo { name: format!("{layer}.{role}"), layer: layer.into(), shape: vec![2], decays }
    }

    fn knobs() -> Knobs {
        let tensors = ["fc1", "fc2"].map(|layer| [tensor(layer, "weight", true), tensor(layer, "bias", false)]);
        Knobs::new(1e-3, 0.5, super::super::adam::HYPER, vec![0.9, 0.999, 1e-8], tensors.concat()).unwrap()
    }

    fn set(knobs: &mut Knobs, key: &str, scope: &str, value: Option<f64>) -> Result<Change, String> {
        let setting =
            Setting { knob: Knob::from(key.to_owned()), scope: scope.parse().unwrap(), value, by: Author::Keys };
        knobs.set(&setting).map_err(|error| error.to_string())
    }

    fn decays(knobs: &Knobs) -> [f64; 4] {
        std::array::from_fn(|index| knobs.tensor_decay(index))
    }

    #[test]
    fn all_reaches_the_mask_and_leaves_alone_what_has_a_value_of_its_own() {
        let mut knobs = knobs();
        assert_eq!(decays(&knobs), [0.5, 0.0, 0.5, 0.0]);
        assert_eq!(set(&mut knobs, "weight_decay", "fc1", Some(2.0)).unwrap().from, 0.5);
        assert_eq!(decays(&knobs), [2.0, 2.0, 0.5, 0.0]);
        set(&mut knobs, "weight_decay", "all", Some(1.0)).unwrap();
        assert_eq!(decays(&knobs), [2.0, 2.0, 1.0, 0.0]);
        let change = set(&mut knobs, "weight_decay", "fc1.bias", None).unwrap();
        assert_eq!(change, Change { from: 2.0, to: 0.0, inherits: true });
        assert_eq!(decays(&knobs), [2.0, 0.0, 1.0, 0.0]);
    }

    #[test]
    fn zero_is_legal_and_what_is_not_is_refused_in_words() {
        let mut knobs = knobs();
        assert!(set(&mut knobs, "lr", "all", Some(0.0)).is_ok());
        assert!(set(&mut knobs, "weight_decay", "all", Some(0.0)).is_ok());
        let cases = [
            ("lr", "all", Some(-1e-3), "learning rate must be finite and at least 0, got -0.001"),
            ("weight_decay", "all", Some(f64::NAN), "weight decay must be finite and at least 0, got NaN"),
            ("weight_decay", "fc1", Some(f64::INFINITY), "weight decay must be finite and at least 0, got inf"),
            ("beta1", "all", Some(1.0), "beta1 must be at least 0 and below 1, got 1"),
            ("gamma", "all", Some(1.0), "unknown key `gamma`: lr, weight_decay, beta1, beta2, eps can be set"),
            ("lr", "fc1", Some(1.0), "learning rate is one for all tensors: its scope must be all, got fc1"),
            (
                "weight_decay",
                "fc9",
                Some(1.0),
                "no layer or tensor is called `fc9`: there are fc1, fc1.weight, fc1.bias, fc2, fc2.weight, fc2.bias",
            ),
            ("weight_decay", "all", None, "weight decay of all tensors needs a value"),
        ];
        for (key, scope, value, message) in cases {
            assert_eq!(set(&mut knobs, key, scope, value).unwrap_err(), message);
        }
        assert_eq!((knobs.lr, decays(&knobs)), (0.0, [0.0; 4]));
    }
}
