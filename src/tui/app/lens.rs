//! What the panel of norms looks at.

use crate::tui::app::{App, Panel};
use crate::tui::layout;

impl App {
    /// The view so many places further, with the focus on it; where the panel is put away, it comes back.
    pub(in crate::tui) fn look_through(&mut self, by: usize) {
        // So that the next key can give it the whole screen, or explain it.
        self.focus = Panel::Norm;
        self.hidden.remove(&Panel::Norm);
        // Where there is no room for it beside the others it has the screen.
        self.zoomed |= !layout::reachable(self).contains(&Panel::Norm);
        self.lens = self.lens.turned(by);
    }
}

/// A view of what decay does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lens {
    /// ‖w‖ of the chosen tensor.
    #[default]
    Norm,
    /// What makes each norm change.
    Budget,
    /// How fast each tensor turns.
    Rotation,
    /// Where the chosen tensor's norm settles, and when.
    Equilibrium,
    /// How long the weights remember.
    Timescale,
    /// How far each matrix can stretch its input.
    Spectrum,
    /// Validation against training.
    Gap,
}

impl Lens {
    /// All, in the order of their key.
    pub const ALL: [Lens; 7] =
        [Lens::Norm, Lens::Budget, Lens::Rotation, Lens::Equilibrium, Lens::Timescale, Lens::Spectrum, Lens::Gap];

    /// The one so many places further.
    pub fn turned(self, by: usize) -> Lens {
        let at = Lens::ALL.iter().position(|lens| *lens == self).unwrap_or(0);
        Lens::ALL[(at + by) % Lens::ALL.len()]
    }
}
