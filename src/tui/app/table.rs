//! The rows of the table of tensors: which of them, and in what order.

use super::{App, Run};

/// How the tensors are put in order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// As the network has them.
    #[default]
    Network,
    /// The largest ‖w‖ first.
    Norm,
    /// What lost the largest share of its norm since the last edit first.
    Since,
    /// The largest ‖g‖ first.
    Gradient,
    /// The largest ‖w' − w‖/‖w‖ first.
    Update,
}

impl Order {
    /// All, in the order of their key.
    pub const ALL: [Order; 5] = [Order::Network, Order::Norm, Order::Since, Order::Gradient, Order::Update];

    /// The column of the table that it is about.
    pub fn column(self) -> Option<usize> {
        match self {
            Order::Network => None,
            Order::Norm => Some(2),
            Order::Since => Some(3),
            Order::Gradient => Some(5),
            Order::Update => Some(6),
        }
    }

    /// The next one.
    pub fn next(self) -> Self {
        let at = Order::ALL.iter().position(|order| *order == self).unwrap_or(0);
        Order::ALL[(at + 1) % Order::ALL.len()]
    }

    /// What comes first is smallest by this.
    fn rank(self, run: &Run, tensor: usize) -> f64 {
        let history = &run.history;
        let rank = match self {
            Order::Network => 0.0,
            Order::Norm => -history.norm(tensor).unwrap_or(f64::NAN),
            Order::Since => {
                run.journal.last_edit().and_then(|(_, edit)| history.norm_since(tensor, edit)).unwrap_or(f64::NAN)
            }
            Order::Gradient => -history.pulses[tensor].gradient.value(),
            Order::Update => -history.pulses[tensor].update.value(),
        };
        // What is not known comes last.
        if rank.is_nan() { f64::INFINITY } else { rank }
    }
}

impl App {
    /// The tensors listed, in their order.
    pub(in crate::tui) fn rows(&self) -> Vec<usize> {
        let Some(run) = &self.run else { return Vec::new() };
        let wanted = self.filter.to_lowercase();
        let tensors = run.description.tensors.iter().enumerate();
        let mut rows: Vec<usize> =
            tensors.filter(|(_, tensor)| tensor.name.to_lowercase().contains(&wanted)).map(|(at, _)| at).collect();
        rows.sort_by(|a, b| self.order.rank(run, *a).total_cmp(&self.order.rank(run, *b)));
        rows
    }

    /// Chooses the tensor so many rows further down, or the first where the chosen one is not listed.
    pub(in crate::tui) fn choose(&mut self, by: isize) {
        let rows = self.rows();
        let Some(last) = rows.len().checked_sub(1) else { return };
        let at = rows.iter().position(|row| *row == self.tensor);
        self.tensor = rows[at.map_or(0, |at| at.saturating_add_signed(by).min(last))];
    }
}
