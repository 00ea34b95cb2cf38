//! The hyperparameters in force, and what turning one of them means.

use thiserror::Error;

use super::hyper::{Allowed, HyperSpec};
use super::schedule::factor;
use crate::stream::{DecayMode, Dial, Knob, KnobState, Schedule, Scope, Setting, TensorInfo};

/// Why a setting is not taken.
#[derive(Debug, Error, PartialEq)]
pub enum KnobError {
    /// The value is out of range.
    #[error("{name} must be {}, got {}", allowed.words(), in_f32(*value))]
    OutOfRange {
        /// The hyperparameter in words.
        name: String,
        /// What was asked for.
        value: f64,
        /// What is allowed.
        allowed: Allowed,
    },
    /// The rule cannot decay that way.
    #[error("decay mode must be one of {}, got {}", mode_names(allowed), Knob::DecayMode.show(*value, |number| number.to_string()))]
    Mode {
        /// What was asked for.
        value: f64,
        /// The modes that have a meaning.
        allowed: &'static [DecayMode],
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
    /// Whether the value no longer follows its schedule, whose factor is 0 just now.
    pub constant: bool,
}

impl Dial {
    /// One that is `value` now.
    fn set(value: f64, factor: f64) -> Dial {
        if factor == 0.0 { Dial::Constant(value) } else { Dial::Scheduled { value, at: factor } }
    }

    fn value(self, factor: f64) -> f64 {
        match self {
            Dial::Scheduled { value, at } => value * (factor / at),
            Dial::Constant(value) => value,
        }
    }
}

/// The hyperparameters in force.
///
/// λ belongs to each tensor: one inside the decay mask follows the λ of "all" until a scoped edit gives it one of
/// its own; one outside the mask has none until then. η and λ may follow schedules, which multiply them; an edit makes
/// the value the one asked for, and the schedule goes on from there.
#[derive(Debug, Clone)]
pub struct Knobs {
    lr: Dial,
    weight_decay: Dial,
    own: Vec<Option<Dial>>,
    lr_allowed: Allowed,
    schedules: Schedules,
    factors: Factors,
    tensors: Vec<TensorInfo>,
    specs: Vec<HyperSpec>,
    hyper: Vec<f64>,
    /// How λ enters, and how it may; none where that is the optimizer's business alone.
    mode: Option<Mode>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Mode {
    now: DecayMode,
    allowed: &'static [DecayMode],
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Schedules {
    lr: Schedule,
    weight_decay: Schedule,
}

/// The schedules' factors in the next update.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Factors {
    lr: f64,
    weight_decay: f64,
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
        specs: Vec<HyperSpec>,
        hyper: Vec<f64>,
        tensors: Vec<TensorInfo>,
    ) -> Result<Self, KnobError> {
        assert_eq!(specs.len(), hyper.len(), "a value for each hyperparameter");
        check(&Knob::LearningRate, lr, Allowed::NotNegative)?;
        check(&Knob::WeightDecay, weight_decay, Allowed::NotNegative)?;
        for (spec, &value) in specs.iter().zip(&hyper) {
            check(&Knob::Hyper(spec.key.into()), value, spec.allowed)?;
        }
        Ok(Knobs {
            lr: Dial::set(lr, 1.0),
            weight_decay: Dial::set(weight_decay, 1.0),
            own: vec![None; tensors.len()],
            lr_allowed: Allowed::NotNegative,
            schedules: Schedules::default(),
            factors: Factors { lr: 1.0, weight_decay: 1.0 },
            tensors,
            specs,
            hyper,
            mode: None,
        })
    }

    /// The same with another range for η.
    ///
    /// # Errors
    /// [`KnobError::OutOfRange`]
    pub fn with_lr_allowed(mut self, allowed: Allowed) -> Result<Self, KnobError> {
        check(&Knob::LearningRate, self.lr(), allowed)?;
        self.lr_allowed = allowed;
        Ok(self)
    }

    /// The same with a decay mode that can be turned, to one of those that have a meaning for the rule.
    pub fn with_decay_mode(mut self, now: DecayMode, allowed: &'static [DecayMode]) -> Self {
        self.mode = Some(Mode { now, allowed });
        self
    }

    /// The same, moved by schedules whose numbers are complete.
    pub fn with_schedules(mut self, lr: Schedule, weight_decay: Schedule) -> Self {
        self.schedules = Schedules { lr, weight_decay };
        self.move_to(0);
        self
    }

    /// The values in force, without the schedules that move them.
    pub fn save(&self) -> KnobState {
        let Knobs { lr, weight_decay, own, hyper, .. } = self.clone();
        KnobState { lr, weight_decay, own, hyper, decay_mode: self.decay_mode() }
    }

    /// Makes them those that were saved.
    ///
    /// # Panics
    /// Where they are of another number of tensors or hyperparameters.
    pub fn restore(&mut self, saved: KnobState) {
        assert_eq!((saved.own.len(), saved.hyper.len()), (self.own.len(), self.hyper.len()), "of the same run");
        let KnobState { lr, weight_decay, own, hyper, decay_mode } = saved;
        if let (Some(mode), Some(now)) = (&mut self.mode, decay_mode) {
            mode.now = now;
        }
        (self.lr, self.weight_decay, self.own, self.hyper) = (lr, weight_decay, own, hyper);
    }

    /// Makes the update with this 0-based index the next one: schedules have their factors for it.
    pub fn move_to(&mut self, step: u64) {
        let Schedules { lr, weight_decay } = self.schedules;
        self.factors = Factors { lr: factor(lr, step), weight_decay: factor(weight_decay, step) };
    }

    /// η
    pub fn lr(&self) -> f64 {
        self.lr.value(self.factors.lr)
    }

    /// What η's schedule multiplies: the largest η that it gives.
    pub fn base_lr(&self) -> f64 {
        self.lr.value(1.0)
    }

    /// The factor of η's schedule that is in η.
    pub fn lr_factor(&self) -> f64 {
        match self.lr {
            Dial::Scheduled { .. } => self.factors.lr,
            Dial::Constant(_) => 1.0,
        }
    }

    /// λ of "all"
    pub fn weight_decay(&self) -> f64 {
        self.weight_decay.value(self.factors.weight_decay)
    }

    /// Every hyperparameter besides η and λ, in the order of the table.
    pub fn hyper(&self) -> &[f64] {
        &self.hyper
    }

    /// How λ enters; none where no edit can change it and the optimizer knows.
    pub fn decay_mode(&self) -> Option<DecayMode> {
        self.mode.map(|mode| mode.now)
    }

    /// λ of the tensor at `index`.
    pub fn tensor_decay(&self, index: usize) -> f64 {
        match self.own[index] {
            Some(own) => own.value(self.factors.weight_decay),
            None if self.tensors[index].decays => self.weight_decay(),
            None => 0.0,
        }
    }

    /// Changes a hyperparameter for the next update.
    ///
    /// # Errors
    /// [`KnobError`]; nothing has changed then.
    pub fn set(&mut self, setting: &Setting) -> Result<Change, KnobError> {
        let Setting { knob, scope, value, .. } = setting;
        match *value {
            Some(value) if *knob == Knob::DecayMode => drop(self.mode_of(value)?),
            Some(value) => check(knob, value, self.allowed(knob)?)?,
            None => {}
        }
        if *knob == Knob::WeightDecay && *scope != Scope::All {
            return self.set_own(scope, *value);
        }
        let name = name(knob);
        if *scope != Scope::All {
            return Err(KnobError::NotScoped { name, scope: scope.to_string() });
        }
        let to = value.ok_or(KnobError::NothingToFollow { name })?;
        let Factors { lr, weight_decay } = self.factors;
        let (from, constant) = match knob {
            Knob::LearningRate => (replace(&mut self.lr, to, lr), lr == 0.0),
            Knob::WeightDecay => (replace(&mut self.weight_decay, to, weight_decay), weight_decay == 0.0),
            Knob::DecayMode => {
                let now = self.mode_of(to)?;
                let before = self.mode.replace(Mode { now, allowed: self.mode.map_or(&[], |mode| mode.allowed) });
                (before.map_or(to, |mode| mode.now.number()), false)
            }
            Knob::Hyper(key) => (std::mem::replace(&mut self.hyper[place(&self.specs, key)?], to), false),
        };
        Ok(Change { from, to, inherits: false, constant })
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
        let factor = self.factors.weight_decay;
        let from = self.tensor_decay(first);
        indices.iter().for_each(|&index| self.own[index] = value.map(|value| Dial::set(value, factor)));
        let inherits = value.is_none();
        Ok(Change { from, to: self.tensor_decay(first), inherits, constant: !inherits && factor == 0.0 })
    }

    /// The mode that a number asks for.
    fn mode_of(&self, number: f64) -> Result<DecayMode, KnobError> {
        let allowed = self.mode.map_or(&[] as &[DecayMode], |mode| mode.allowed);
        let mode = DecayMode::numbered(number).filter(|mode| allowed.contains(mode));
        mode.ok_or(KnobError::Mode { value: number, allowed })
    }

    fn allowed(&self, knob: &Knob) -> Result<Allowed, KnobError> {
        match knob {
            Knob::LearningRate => Ok(self.lr_allowed),
            Knob::WeightDecay | Knob::DecayMode => Ok(Allowed::NotNegative),
            Knob::Hyper(key) => Ok(self.specs[place(&self.specs, key)?].allowed),
        }
    }
}

/// Sets a dial to a value and returns the one before.
fn replace(dial: &mut Dial, value: f64, factor: f64) -> f64 {
    std::mem::replace(dial, Dial::set(value, factor)).value(factor)
}

/// Where a key stands in the table.
fn place(specs: &[HyperSpec], key: &str) -> Result<usize, KnobError> {
    specs.iter().position(|spec| spec.key == key).ok_or_else(|| KnobError::UnknownKey {
        key: key.to_owned(),
        keys: ["lr", "weight_decay"].into_iter().chain(specs.iter().map(|spec| spec.key)).map(str::to_owned).collect(),
    })
}

/// A hyperparameter in words.
fn name(knob: &Knob) -> String {
    match knob {
        Knob::LearningRate => "learning rate".into(),
        Knob::WeightDecay => "weight decay".into(),
        Knob::DecayMode => "decay mode".into(),
        Knob::Hyper(key) => key.clone(),
    }
}

fn check(knob: &Knob, value: f64, allowed: Allowed) -> Result<(), KnobError> {
    if allowed.contains(value) { Ok(()) } else { Err(KnobError::OutOfRange { name: name(knob), value, allowed }) }
}

fn mode_names(modes: &[DecayMode]) -> String {
    modes.iter().map(DecayMode::to_string).collect::<Vec<_>>().join(", ")
}

/// A value for a message, with what f32 makes of it where that is why it is refused.
fn in_f32(value: f64) -> String {
    match value as f32 {
        single if single.is_infinite() && value.is_finite() => format!("{value:e}, which f32 cannot hold"),
        0.0 if value > 0.0 => format!("{value:e}, which is 0 in f32"),
        _ => value.to_string(),
    }
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
        Knobs::new(1e-3, 0.5, crate::optim::adam::MOMENTS.to_vec(), vec![0.9, 0.999, 1e-8], tensors.concat()).unwrap()
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
        assert_eq!(change, Change { from: 2.0, to: 0.0, inherits: true, constant: false });
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
        assert_eq!((knobs.lr(), decays(&knobs)), (0.0, [0.0; 4]));
    }

    #[test]
    fn a_decay_mode_is_one_that_the_rule_knows() {
        let beside: &[DecayMode] = &[DecayMode::Decoupled, DecayMode::None];
        let mut knobs = knobs().with_decay_mode(DecayMode::Decoupled, beside);
        let change = set(&mut knobs, "decay_mode", "all", Some(DecayMode::None.number())).unwrap();
        assert_eq!((change.from, change.to, knobs.decay_mode()), (1.0, 4.0, Some(DecayMode::None)));
        for (value, got) in [(0.0, "l2"), (2.5, "2.5")] {
            let message = format!("decay mode must be one of decoupled, none, got {got}");
            assert_eq!(set(&mut knobs, "decay_mode", "all", Some(value)).unwrap_err(), message);
        }
        let scoped = set(&mut knobs, "decay_mode", "fc1", Some(1.0)).unwrap_err();
        assert_eq!(scoped, "decay mode is one for all tensors: its scope must be all, got fc1");
        let saved = knobs.save();
        set(&mut knobs, "decay_mode", "all", Some(1.0)).unwrap();
        knobs.restore(saved);
        assert_eq!(knobs.decay_mode(), Some(DecayMode::None));
    }

    #[test]
    fn an_edit_under_a_schedule_gives_the_value_asked_for_and_the_schedule_goes_on() {
        let warmup = Schedule::Warmup { steps: 3 };
        let mut knobs = knobs().with_schedules(Schedule::Cosine { steps: Some(10), end: 0.0 }, warmup);
        assert_eq!((knobs.lr(), knobs.weight_decay()), (1e-3, 0.0));
        knobs.move_to(5);
        assert!((knobs.lr() - 5e-4).abs() < 1e-18 && knobs.weight_decay() == 0.5);
        set(&mut knobs, "lr", "all", Some(0.3)).unwrap();
        assert_eq!(knobs.lr(), 0.3);
        assert!((knobs.base_lr() - 0.6).abs() < 1e-15);
        knobs.move_to(10);
        assert_eq!(knobs.lr(), 0.0);
        // No base value gives 0.1 here: it stays 0.1, and the change says so.
        assert!(set(&mut knobs, "lr", "all", Some(0.1)).unwrap().constant);
        knobs.move_to(2);
        assert_eq!((knobs.lr(), knobs.lr_factor()), (0.1, 1.0));
    }
}
