//! The choice of recordings to compare with.

use std::collections::BTreeSet;

use crate::tui::archive::Recorded;
use crate::tui::board::Detail;

/// What is to be compared with the run on the screen.
#[derive(Debug, Clone, PartialEq)]
pub struct Picker {
    /// How the comparison is to begin.
    pub detail: Detail,
    /// What there is to choose from.
    pub shelf: Shelf,
}

/// The recordings, as far as they are known.
#[derive(Debug, Clone, PartialEq)]
pub enum Shelf {
    /// They are being looked through, or what was chosen is being read.
    Reading,
    /// They are here.
    Here {
        /// The most recent first.
        sessions: Vec<Recorded>,
        /// Where the arrows are.
        at: usize,
        /// Those that are taken.
        chosen: BTreeSet<usize>,
    },
}

impl Picker {
    /// The arrows go up or down.
    pub fn go(&mut self, by: isize) {
        if let Shelf::Here { sessions, at, .. } = &mut self.shelf {
            *at = at.saturating_add_signed(by).min(sessions.len().saturating_sub(1));
        }
    }

    /// Takes the session where the arrows are, or puts it back.
    pub fn toggle(&mut self) {
        if let Shelf::Here { at, chosen, .. } = &mut self.shelf
            && !chosen.remove(at)
        {
            chosen.insert(*at);
        }
    }

    /// The places of those that are taken; where none is, of the one where the arrows are.
    pub fn taken(&self) -> Vec<String> {
        let Shelf::Here { sessions, at, chosen } = &self.shelf else { return Vec::new() };
        let at = chosen.is_empty().then_some(at);
        chosen.iter().chain(at).filter_map(|at| sessions.get(*at)).map(|session| session.place.clone()).collect()
    }
}
