//! The rules by name and convention: defaults, ranges, and what goes together.

use thiserror::Error;

use super::Knobs;
use super::adam::{AdaBound, Adamax, BOUND, ChainerAdam, MOMENTS, NADAM, NAdam, RAdam, Squares, TorchAdam};
use super::hooks::{self, Hooks};
use super::hyper::{Allowed, HyperSpec};
use super::rule::Rule;
use super::sgd::{PlainSgd, TorchSgd, Velocity};
use super::{AdaDelta, AdaGrad, Adafactor, Graves, Lion, Msvag, Muon, RmsProp, Smorms3};
use super::{adafactor, adagrad, adam, lion, msvag, muon, rmsprop, sgd};
use crate::kernel::Element;
use crate::scalar::Scalar;
use crate::stream::{Convention, DecayMode, Hook, OptimizerConfig};

/// A rule as it can be named: whose it is, how it decays unless told otherwise, and its table.
#[derive(Debug, Clone, Copy)]
pub struct RuleInfo {
    /// Its name on the command line and in recipes.
    pub name: &'static str,
    /// Whose arithmetic it is.
    pub convention: Convention,
    /// What it is, in a line.
    pub about: &'static str,
    /// The decay modes that have a meaning, the one that holds unless the user says otherwise first.
    pub decay_modes: &'static [DecayMode],
    /// η unless the user says otherwise.
    pub lr: f64,
    /// What η may be.
    pub lr_allowed: Allowed,
    /// λ unless the user says otherwise.
    pub weight_decay: f64,
    /// Its own hyperparameters.
    pub hyper: &'static [HyperSpec],
    kind: Kind,
}

impl RuleInfo {
    /// How λ enters unless the user says otherwise.
    pub fn decay_mode(&self) -> DecayMode {
        self.decay_modes[0]
    }
}

/// What is behind a name.
#[derive(Debug, Clone, Copy)]
enum Kind {
    PlainSgd,
    TorchSgd,
    Velocity(Velocity),
    TorchAdam,
    ChainerAdam(Squares),
    AdaBound(Squares),
    NAdam,
    RAdam,
    Adamax,
    AdaGrad(AdaGrad),
    AdaDelta,
    RmsProp(RmsProp),
    Graves,
    Smorms3,
    Msvag,
    Lion,
    Muon,
    Adafactor,
}

use DecayMode::{Cautious, Corrected, Decoupled, L2, None as NoDecay};

/// PyTorch's, coupled unless told otherwise.
const COUPLED_FIRST: &[DecayMode] = &[L2, Decoupled, Cautious, Corrected, NoDecay];
/// Rules that are defined by their decoupled decay.
const BESIDE: &[DecayMode] = &[Decoupled, Cautious, Corrected, NoDecay];
/// Chainer's with a factor `eta` of their own, which does not follow η: nothing to correct.
const BY_ETA: &[DecayMode] = &[L2, Decoupled, Cautious, NoDecay];
/// The same where the name promises it.
const BY_ETA_FIRST: &[DecayMode] = &[Decoupled, L2, Cautious, NoDecay];
/// Chainer's others: decay is a hook.
const BY_HOOK: &[DecayMode] = &[L2, NoDecay];

const fn torch(name: &'static str, about: &'static str, lr: f64, kind: Kind, hyper: &'static [HyperSpec]) -> RuleInfo {
    RuleInfo {
        name,
        convention: Convention::Torch,
        about,
        decay_modes: COUPLED_FIRST,
        lr,
        lr_allowed: Allowed::NotNegative,
        weight_decay: 0.0,
        hyper,
        kind,
    }
}

const fn chainer(
    name: &'static str,
    about: &'static str,
    lr: f64,
    kind: Kind,
    hyper: &'static [HyperSpec],
) -> RuleInfo {
    RuleInfo { convention: Convention::Chainer, decay_modes: BY_HOOK, ..torch(name, about, lr, kind, hyper) }
}

/// Every rule, by convention.
pub const RULES: &[RuleInfo] = &[
    torch("sgd", "gradient descent, with momentum where it is not 0", 1e-3, Kind::TorchSgd, sgd::TORCH),
    torch("adam", "Adam (Kingma & Ba 2015); its decay is coupled L2", 1e-3, Kind::TorchAdam, adam::TORCH),
    RuleInfo {
        decay_modes: BESIDE,
        weight_decay: 1e-2,
        ..torch("adamw", "Adam with decoupled decay (Loshchilov & Hutter 2019)", 1e-3, Kind::TorchAdam, adam::TORCH)
    },
    torch("nadam", "Adam with Nesterov's momentum (Dozat 2016)", 2e-3, Kind::NAdam, NADAM),
    torch("radam", "rectified Adam (Liu et al. 2020)", 1e-3, Kind::RAdam, MOMENTS),
    torch("adamax", "Adam with the largest gradient for a scale (Kingma & Ba 2015)", 2e-3, Kind::Adamax, MOMENTS),
    torch("adagrad", "Duchi, Hazan, Singer 2011", 1e-2, Kind::AdaGrad(AdaGrad::Torch), adagrad::TORCH_ADAGRAD),
    torch("adadelta", "Zeiler 2012", 1.0, Kind::AdaDelta, adagrad::TORCH_ADADELTA),
    torch(
        "rmsprop",
        "Tieleman & Hinton 2012; eps outside the root",
        1e-2,
        Kind::RmsProp(RmsProp::Torch),
        rmsprop::TORCH,
    ),
    RuleInfo {
        decay_modes: BESIDE,
        ..torch("lion", "signs of momentum (Chen et al. 2023)", 1e-4, Kind::Lion, lion::HYPER)
    },
    RuleInfo {
        decay_modes: BESIDE,
        weight_decay: 0.1,
        ..torch("muon", "orthogonal steps for matrices, AdamW for the rest", 1e-3, Kind::Muon, muon::HYPER)
    },
    RuleInfo {
        decay_modes: BESIDE,
        ..torch("adafactor", "Shazeer & Stern 2018", 1e-2, Kind::Adafactor, adafactor::HYPER)
    },
    chainer("sgd", "plain gradient descent", 1e-2, Kind::PlainSgd, &[]),
    // What a user writes who follows the article: the same arithmetic, and the same code, under its name.
    chainer("article_sgd", "the article's own: g' = g + wd*w, w -= lr*g'", 1e-2, Kind::PlainSgd, &[]),
    chainer("momentum_sgd", "momentum with lr inside it", 1e-2, Kind::Velocity(Velocity::Momentum), sgd::MOMENTUM),
    chainer(
        "corrected_momentum_sgd",
        "momentum with lr outside, as torch's sgd",
        1e-2,
        Kind::Velocity(Velocity::Corrected),
        sgd::MOMENTUM,
    ),
    chainer(
        "nesterov_ag",
        "Nesterov's momentum with the new velocity",
        1e-2,
        Kind::Velocity(Velocity::Nesterov),
        sgd::MOMENTUM,
    ),
    RuleInfo {
        decay_modes: BY_ETA,
        ..chainer("adam", "Adam, eps beside the uncorrected root", 1e-3, ADAM, adam::CHAINER)
    },
    RuleInfo {
        decay_modes: BY_ETA_FIRST,
        ..chainer("adamw", "the same, with decoupled decay eta*wd", 1e-3, ADAM, adam::CHAINER)
    },
    RuleInfo {
        decay_modes: BY_ETA,
        ..chainer("amsgrad", "Adam with the largest v", 1e-3, Kind::ChainerAdam(Squares::Largest), adam::CHAINER)
    },
    RuleInfo {
        decay_modes: BY_ETA,
        ..chainer("adabound", "Adam within bounds (Luo et al. 2019)", 1e-3, Kind::AdaBound(Squares::Current), BOUND)
    },
    RuleInfo {
        decay_modes: BY_ETA,
        ..chainer("amsbound", "AMSGrad within bounds", 1e-3, Kind::AdaBound(Squares::Largest), BOUND)
    },
    chainer("adagrad", "AdaGrad from 0", 1e-3, Kind::AdaGrad(AdaGrad::Chainer), adagrad::CHAINER_ADAGRAD),
    RuleInfo {
        lr_allowed: Allowed::Fixed,
        ..chainer("adadelta", "AdaDelta without lr", 1.0, Kind::AdaDelta, adagrad::CHAINER_ADADELTA)
    },
    chainer("rmsprop", "eps outside the root or inside", 1e-2, Kind::RmsProp(RmsProp::Chainer), rmsprop::CHAINER),
    chainer("rmsprop_graves", "centered, with momentum (Graves 2013)", 1e-4, Kind::Graves, rmsprop::GRAVES),
    chainer("smorms3", "a memory for each weight (Funk 2015)", 1e-3, Kind::Smorms3, rmsprop::SMORMS3),
    RuleInfo { decay_modes: BY_ETA, ..chainer("msvag", "Balles & Hennig 2018", 0.1, Kind::Msvag, msvag::HYPER) },
];

const ADAM: Kind = Kind::ChainerAdam(Squares::Current);

/// What can be wrong with the choice of a rule.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum OptimError {
    /// No rule has that name.
    #[error("unknown optimizer `{name}`: choose one of {} ({convention}); --optimizer help lists all", names(*convention).join(", "))]
    UnknownRule {
        /// What was asked for.
        name: String,
        /// In which convention.
        convention: Convention,
    },
    /// The name has a meaning in the other convention only.
    #[error("optimizer {name} is none of {convention}'s: it needs --convention {}", other(*convention))]
    OtherConvention {
        /// The rule.
        name: String,
        /// The convention that does not have it.
        convention: Convention,
    },
    /// The rule cannot decay that way.
    #[error(
        "decay mode {mode} has no meaning for {convention}'s {name}, {reason}: choose one of {}",
        modes.iter().map(DecayMode::to_string).collect::<Vec<_>>().join(", ")
    )]
    DecayMode {
        /// The mode.
        mode: DecayMode,
        /// The rule.
        name: &'static str,
        /// Its convention.
        convention: Convention,
        /// Why not.
        reason: &'static str,
        /// Those that have one.
        modes: &'static [DecayMode],
    },
    /// A hook twice.
    #[error("hook {0} stands in the list twice: each has one place")]
    TwoHooks(Hook),
    /// The place of coupled decay, where decay is not coupled.
    #[error("hook weight_decay is the place of coupled decay: it needs decay mode l2, got {0}")]
    NothingToHook(DecayMode),
}

fn names(convention: Convention) -> Vec<&'static str> {
    RULES.iter().filter(|rule| rule.convention == convention).map(|rule| rule.name).collect()
}

fn other(convention: Convention) -> Convention {
    match convention {
        Convention::Torch => Convention::Chainer,
        Convention::Chainer => Convention::Torch,
    }
}

/// Looks a rule up.
///
/// # Errors
/// [`OptimError::UnknownRule`], listing those there are; [`OptimError::OtherConvention`].
pub fn find(name: &str, convention: Convention) -> Result<&'static RuleInfo, OptimError> {
    let called = |convention| RULES.iter().find(|rule| rule.name == name && rule.convention == convention);
    called(convention).ok_or_else(|| match called(other(convention)) {
        Some(_) => OptimError::OtherConvention { name: name.to_owned(), convention },
        None => OptimError::UnknownRule { name: name.to_owned(), convention },
    })
}

/// A rule, the way it decays and its hooks, checked to go together.
#[derive(Debug, Clone)]
pub struct Choice {
    /// The rule.
    pub rule: &'static RuleInfo,
    /// How λ enters.
    pub decay_mode: DecayMode,
    /// The hooks in their order; coupled decay has its place among them.
    pub hooks: Vec<Hook>,
}

impl Choice {
    /// Coupled decay stands behind the hooks where it is not named among them.
    ///
    /// # Errors
    /// [`OptimError`]
    pub fn new(name: &str, convention: Convention, mode: DecayMode, hooks: &[Hook]) -> Result<Choice, OptimError> {
        let rule = find(name, convention)?;
        if !rule.decay_modes.contains(&mode) {
            let (name, modes) = (rule.name, rule.decay_modes);
            return Err(OptimError::DecayMode { mode, name, convention, reason: reason(rule, mode), modes });
        }
        if let Some(twice) = hooks.iter().enumerate().find(|(at, hook)| hooks[..*at].contains(hook)) {
            return Err(OptimError::TwoHooks(*twice.1));
        }
        let mut hooks = hooks.to_vec();
        match (mode, hooks.contains(&Hook::WeightDecay)) {
            (DecayMode::L2, false) => hooks.push(Hook::WeightDecay),
            (DecayMode::L2, true) | (_, false) => {}
            (_, true) => return Err(OptimError::NothingToHook(mode)),
        }
        Ok(Choice { rule, decay_mode: mode, hooks })
    }

    /// The choice that a configuration makes.
    ///
    /// # Errors
    /// [`OptimError`]
    pub fn of(config: &OptimizerConfig) -> Result<Choice, OptimError> {
        Choice::new(&config.name, config.convention, config.decay_mode, &config.hooks)
    }

    /// Every hyperparameter besides η and λ: the rule's, then each hook's.
    pub fn hyper(&self) -> Vec<HyperSpec> {
        let of_hooks = self.hooks.iter().flat_map(|&hook| hooks::table(hook, self.rule.convention));
        self.rule.hyper.iter().chain(of_hooks).copied().collect()
    }

    /// Ready to run; `seed` determines the noise.
    pub fn build<T: Precision>(&self, seed: u64) -> Optimizer<T> {
        let mut hooks = self.hooks.clone();
        // Decay can become coupled while it trains: until then its place adds nothing.
        if self.rule.decay_modes.contains(&DecayMode::L2) && !hooks.contains(&Hook::WeightDecay) {
            hooks.push(Hook::WeightDecay);
        }
        let hooks = Hooks::new(&hooks, self.rule.convention, self.rule.hyper.len(), seed);
        Optimizer { rule: T::rule(self.rule), own: self.rule.hyper.len(), decay_mode: self.decay_mode, hooks }
    }
}

/// Why a mode has no meaning for a rule.
fn reason(rule: &RuleInfo, mode: DecayMode) -> &'static str {
    match (rule.convention, mode) {
        (Convention::Torch, _) => "whose decay stands beside the gradient",
        (Convention::Chainer, DecayMode::Corrected) => "whose decay does not follow η",
        (Convention::Chainer, _) => "which decays through its gradient alone",
    }
}

/// A number type that every rule is compiled for, here and once: as a generic function they would be compiled again in
/// each crate that builds one.
pub trait Precision: Element {
    /// The rule, ready to run.
    fn rule(info: &RuleInfo) -> Box<dyn Rule<Self>>;
}

impl Precision for f32 {
    fn rule(info: &RuleInfo) -> Box<dyn Rule<f32>> {
        build(info.kind)
    }
}

impl Precision for f64 {
    fn rule(info: &RuleInfo) -> Box<dyn Rule<f64>> {
        build(info.kind)
    }
}

fn build<T: Element>(kind: Kind) -> Box<dyn Rule<T>> {
    match kind {
        Kind::PlainSgd => Box::new(PlainSgd),
        Kind::TorchSgd => Box::new(TorchSgd),
        Kind::Velocity(rule) => Box::new(rule),
        Kind::TorchAdam => Box::new(TorchAdam),
        Kind::ChainerAdam(squares) => Box::new(ChainerAdam(squares)),
        Kind::AdaBound(squares) => Box::new(AdaBound(squares)),
        Kind::NAdam => Box::new(NAdam),
        Kind::RAdam => Box::new(RAdam),
        Kind::Adamax => Box::new(Adamax),
        Kind::AdaGrad(rule) => Box::new(rule),
        Kind::AdaDelta => Box::new(AdaDelta),
        Kind::RmsProp(rule) => Box::new(rule),
        Kind::Graves => Box::new(Graves),
        Kind::Smorms3 => Box::new(Smorms3),
        Kind::Msvag => Box::new(Msvag),
        Kind::Lion => Box::new(Lion),
        Kind::Muon => Box::new(Muon),
        Kind::Adafactor => Box::new(Adafactor),
    }
}

/// A rule ready to run, with how λ enters and what is done to its gradient.
pub struct Optimizer<T> {
    pub(crate) rule: Box<dyn Rule<T>>,
    /// Number of the rule's own hyperparameters; those of the hooks follow.
    pub(crate) own: usize,
    pub(crate) decay_mode: DecayMode,
    pub(crate) hooks: Hooks,
}

impl<T: Scalar> Optimizer<T> {
    /// How λ enters with these hyperparameters.
    pub(crate) fn mode(&self, knobs: &Knobs) -> DecayMode {
        knobs.decay_mode().unwrap_or(self.decay_mode)
    }

    /// A rule from outside, with as many hyperparameters of its own as `hyper` has; without hooks but coupled decay.
    pub fn custom(rule: Box<dyn Rule<T>>, hyper: &[HyperSpec], decay_mode: DecayMode) -> Self {
        let hooks: &[Hook] = if decay_mode == DecayMode::L2 { &[Hook::WeightDecay] } else { &[] };
        Optimizer { rule, own: hyper.len(), decay_mode, hooks: Hooks::new(hooks, Convention::Torch, hyper.len(), 0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_meaning_is_refused_in_words() {
        let cases = [
            (("adamx", Convention::Torch, L2, &[] as &[Hook]), "unknown optimizer `adamx`: choose one of sgd, adam"),
            (("amsgrad", Convention::Torch, L2, &[]), "amsgrad is none of torch's: it needs --convention chainer"),
            (("lion", Convention::Chainer, L2, &[]), "lion is none of chainer's: it needs --convention torch"),
            (("adamw", Convention::Torch, L2, &[]), "decay mode l2 has no meaning for torch's adamw"),
            (
                ("smorms3", Convention::Chainer, Decoupled, &[]),
                "which decays through its gradient alone: choose one of l2, none",
            ),
            (("adam", Convention::Chainer, Corrected, &[]), "whose decay does not follow η"),
            (("adamw", Convention::Torch, Decoupled, &[Hook::WeightDecay]), "it needs decay mode l2, got decoupled"),
            (("sgd", Convention::Torch, L2, &[Hook::Lasso, Hook::Lasso]), "hook lasso stands in the list twice"),
        ];
        for ((name, convention, mode, hooks), part) in cases {
            let message = Choice::new(name, convention, mode, hooks).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn every_default_is_within_its_range_and_every_key_its_own() {
        for rule in RULES {
            let choice = Choice::new(rule.name, rule.convention, rule.decay_mode(), &hooks::HOOKS);
            let choice =
                choice.or_else(|_| Choice::new(rule.name, rule.convention, rule.decay_mode(), &hooks::HOOKS[1..]));
            let specs = choice.unwrap().hyper();
            assert!(rule.lr_allowed.contains(rule.lr));
            for (at, spec) in specs.iter().enumerate() {
                assert!(spec.allowed.contains(spec.default), "{} of {}", spec.key, rule.name);
                assert!(specs[..at].iter().all(|other| other.key != spec.key), "{} of {}", spec.key, rule.name);
            }
        }
    }
}
