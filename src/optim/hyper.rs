//! What a hyperparameter is called, what it starts from, and what it may be.

/// One of a rule's own hyperparameters, or of a hook's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HyperSpec {
    /// Its key in recipes, options and edits.
    pub key: &'static str,
    /// Its value unless the user says otherwise.
    pub default: f64,
    /// What it may be.
    pub allowed: Allowed,
}

impl HyperSpec {
    /// A row of a rule's table.
    pub const fn new(key: &'static str, default: f64, allowed: Allowed) -> Self {
        HyperSpec { key, default, allowed }
    }

    /// A flag, off unless the user says otherwise.
    pub const fn flag(key: &'static str) -> Self {
        HyperSpec::new(key, 0.0, Allowed::Flag)
    }
}

/// What a hyperparameter may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// Any finite number.
    Finite,
    /// Finite and at least 0.
    NotNegative,
    /// Finite and at most 0.
    NotPositive,
    /// Finite and above 0.
    Positive,
    /// At least 0 and below 1.
    Share,
    /// Finite and at least 1.
    AtLeastOne,
    /// A whole number from 0 to 99.
    Count,
    /// 1 for yes, 0 for no.
    Flag,
    /// The place of a name in this list.
    OneOf(&'static [&'static str]),
    /// 1 and nothing else: the rule has no such hyperparameter.
    Fixed,
}

impl Allowed {
    /// Whether a value is allowed. Training is in f32, so it is judged as f32 sees it.
    pub fn contains(self, value: f64) -> bool {
        let whole = value.fract() == 0.0;
        let single = value as f32;
        match self {
            Allowed::Finite => single.is_finite(),
            Allowed::NotNegative => single.is_finite() && value >= 0.0,
            Allowed::NotPositive => single.is_finite() && value <= 0.0,
            Allowed::Positive => single.is_finite() && single > 0.0,
            Allowed::Share => (0.0..1.0).contains(&value),
            Allowed::AtLeastOne => single.is_finite() && value >= 1.0,
            Allowed::Count => whole && (0.0..=99.0).contains(&value),
            Allowed::Flag => value == 0.0 || value == 1.0,
            Allowed::OneOf(names) => whole && (0.0..names.len() as f64).contains(&value),
            Allowed::Fixed => value == 1.0,
        }
    }

    /// The same in words.
    pub fn words(self) -> String {
        match self {
            Allowed::Finite => "finite".into(),
            Allowed::NotNegative => "finite and at least 0".into(),
            Allowed::NotPositive => "finite and at most 0".into(),
            Allowed::Positive => "finite and above 0".into(),
            Allowed::Share => "at least 0 and below 1".into(),
            Allowed::AtLeastOne => "finite and at least 1".into(),
            Allowed::Count => "a whole number from 0 to 99".into(),
            Allowed::Flag => "true (1) or false (0)".into(),
            Allowed::OneOf(names) => {
                let names: Vec<String> = names.iter().enumerate().map(|(at, name)| format!("{name} ({at})")).collect();
                format!("one of {}", names.join(", "))
            }
            Allowed::Fixed => "1, for the rule has none".into(),
        }
    }

    /// A value as a user writes it.
    pub fn show(self, value: f64) -> String {
        match self {
            Allowed::Flag => (value == 1.0).to_string(),
            Allowed::OneOf(names) => names.get(value as usize).map_or_else(|| value.to_string(), |&name| name.into()),
            _ => {
                let plain = value.to_string();
                if plain.len() <= 6 { plain } else { format!("{value:e}") }
            }
        }
    }

    /// The number that a name or a truth value stands for; `None` where it is no word of this hyperparameter.
    pub fn read(self, word: &str) -> Option<f64> {
        match (self, word) {
            (Allowed::Flag, "true") => Some(1.0),
            (Allowed::Flag, "false") => Some(0.0),
            (Allowed::OneOf(names), _) => names.iter().position(|&name| name == word).map(|at| at as f64),
            _ => None,
        }
    }
}
