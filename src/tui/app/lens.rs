//! What the panel of norms looks at.

use ratatui::layout::Rect;

use crate::tui::app::{App, Mode, Panel, Phase, Tone};
use crate::tui::layout;

impl App {
    /// The view so many places further, with the focus on it; where the panel is put away, it comes back.
    pub(in crate::tui) fn look_through(&mut self, by: usize) {
        self.hidden.remove(&Panel::Norm);
        self.lens = self.lens.turned(by);
        // So that the keys for the focused panel mean what is looked at.
        self.focus = Panel::Norm;
        let area = Rect::new(0, 0, self.size.0, self.size.1);
        if !layout::places(self, area).panels.iter().any(|(panel, _)| *panel == Panel::Norm) {
            self.zoomed = true;
        }
        if !matches!(self.mode, Mode::Explain { .. }) && self.phase != Phase::Diverged {
            let (number, name, views) = (self.lens.number(), self.lens.name(), Lens::ALL.len());
            let way = if self.zoomed { "Esc: all panels" } else { "`Enter`: the whole screen" };
            self.say_keyed(Tone::Plain, &format!("view {number} of {views}: {name}   {way}   `e` explains it"));
        }
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
    /// How the chosen tensor's weights lie.
    Weights,
}

impl Lens {
    /// All, in the order of their key.
    pub const ALL: [Lens; 8] = [
        Lens::Norm,
        Lens::Budget,
        Lens::Rotation,
        Lens::Equilibrium,
        Lens::Timescale,
        Lens::Spectrum,
        Lens::Gap,
        Lens::Weights,
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Lens::Norm => "norm",
            Lens::Budget => "budget",
            Lens::Rotation => "rotation",
            Lens::Equilibrium => "equilibrium",
            Lens::Timescale => "timescale",
            Lens::Spectrum => "spectrum",
            Lens::Gap => "gap",
            Lens::Weights => "weights",
        }
    }

    /// Its place, counted from 1.
    pub fn number(self) -> usize {
        Lens::ALL.iter().position(|lens| *lens == self).map_or(1, |at| at + 1)
    }

    /// The one so many places further.
    pub fn turned(self, by: usize) -> Lens {
        Lens::ALL[(self.number() - 1 + by) % Lens::ALL.len()]
    }
}
