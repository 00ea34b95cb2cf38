//! What a pass keeps from update to update, as plain data.

use thiserror::Error;

use super::Pass;
use crate::kernel::Buffer;
use crate::scalar::Scalar;

/// Weights and the rule's state after some update. A pass that is restored from it goes on with the same bits, given
/// the same gradients and hyperparameters.
#[derive(Debug, Clone, PartialEq)]
pub struct PassState<T> {
    /// Updates made so far.
    pub updates: u64,
    /// The weights, tensor behind tensor.
    pub weights: Vec<T>,
    /// The rule's state tensors by name, each as long as the weights; one that was never needed is missing.
    pub state: Vec<(String, Vec<T>)>,
    /// The numbers that the rule keeps for each tensor by name, each as long as there are tensors.
    pub scalars: Vec<(String, Vec<f64>)>,
}

/// Why a state does not fit a pass.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RestoreError {
    /// Another number of values.
    #[error("{name} has {got} values, but it must have {wanted}")]
    Length {
        /// `weights`, or the name of a part of the state.
        name: String,
        /// Values that there are.
        got: usize,
        /// Values that there must be.
        wanted: usize,
    },
    /// The rule keeps no such thing.
    #[error("the rule keeps no `{0}`: the state is another rule's")]
    Unknown(String),
    /// The rule keeps it, and it is missing.
    #[error("the rule keeps `{0}`, but the state has none: it is another rule's")]
    Missing(&'static str),
}

impl<T: Scalar> Pass<T> {
    /// What it would need to go on from here.
    pub fn save(&self) -> PassState<T> {
        let rule = &self.optimizer.rule;
        let state = rule.state().iter().zip(&self.state).filter(|(_, values)| !values.is_empty());
        let each = rule.scalars().len();
        let of_tensors = |place: usize| self.scalars.iter().skip(place).step_by(each.max(1)).copied().collect();
        PassState {
            updates: self.updates,
            weights: self.weights.to_vec(),
            state: state.map(|(spec, values)| (spec.name.to_owned(), values.to_vec())).collect(),
            scalars: (0..each).map(|place| (rule.scalars()[place].name.to_owned(), of_tensors(place))).collect(),
        }
    }

    /// Goes on from there.
    ///
    /// # Errors
    /// [`RestoreError`]; nothing has changed then.
    pub fn restore(&mut self, saved: PassState<T>) -> Result<(), RestoreError> {
        let (count, tensors) = (self.weights.len(), self.tensors.len());
        let check = |name: &str, got: usize, wanted: usize| {
            let wrong = || RestoreError::Length { name: name.to_owned(), got, wanted };
            if got == wanted { Ok(()) } else { Err(wrong()) }
        };
        check("weights", saved.weights.len(), count)?;
        let (specs, scalars) = (self.optimizer.rule.state(), self.optimizer.rule.scalars());
        let mut state = vec![Buffer::default(); specs.len()];
        for (name, values) in saved.state {
            let place = specs.iter().position(|spec| spec.name == name);
            let place = place.ok_or_else(|| RestoreError::Unknown(name.clone()))?;
            check(&name, values.len(), count)?;
            state[place] = Buffer::from(&values[..]);
        }
        let mut numbers = vec![0.0; tensors * scalars.len()];
        for (place, spec) in scalars.iter().enumerate() {
            let (name, values) =
                saved.scalars.iter().find(|(name, _)| name == spec.name).ok_or(RestoreError::Missing(spec.name))?;
            check(name, values.len(), tensors)?;
            let own = numbers.iter_mut().skip(place).step_by(scalars.len());
            own.zip(values).for_each(|(number, &value)| *number = value);
        }
        (self.updates, self.state, self.scalars) = (saved.updates, state, numbers);
        self.weights = Buffer::from(&saved.weights[..]);
        Ok(())
    }
}
