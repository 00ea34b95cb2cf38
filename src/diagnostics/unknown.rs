//! Why there is no prediction.

use thiserror::Error;

/// Why there is no prediction, or why one is not to be believed; in words for a panel.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum Unknown {
    /// Without decay nothing ends the growth of a random walk.
    #[error("no decay: nothing to settle at")]
    NoDecay,
    /// No formula is known to be good for the rule.
    #[error("no formula is known for this rule")]
    NoFormula,
    /// The pull of decay goes through an adaptive step.
    #[error("decay is mixed into an adaptive step (L2)")]
    Mixed,
    /// Cautious decay acts on a part of the weights that changes with every update.
    #[error("cautious decay acts on changing weights")]
    Cautious,
    /// A hook changes gradients before the rule sees them.
    #[error("a hook changes the gradient")]
    Hooked,
    /// One update takes all of a weight and more.
    #[error("decay overshoots: d is 1 or more")]
    Overshoots,
    /// The formula needs an average of measured gradients, and there are none yet.
    #[error("no gradient was measured yet")]
    NotMeasured,
    /// Too few weights to tell scale invariance from chance.
    #[error("fewer than 64 weights")]
    TooSmall,
    /// The updates themselves shrink the weights.
    #[error("the updates shrink the weights too")]
    NoGain,
    /// What updates add was measured with steps of another length.
    #[error("the trend is that of the η in force")]
    OtherSteps,
    /// Scale invariance is tested over a window that is not full yet.
    #[error("not tested yet")]
    Untested,
    /// The gradient points along the weights: their length matters to the loss.
    #[error("not scale-invariant")]
    NotInvariant,
}
