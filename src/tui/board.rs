//! The screen of a comparison: recorded curves over each other, and what the sessions came to below.
//!
//! Like the screen of a run it is state, update and view: [`Board`] is plain data, [`update`] alone changes it, [`view`]
//! draws. What is compared comes in as [`Contest`]; curves are asked for one column at a time ([`Effect::Ask`]) and
//! come as [`Point`]s, so that of long recordings no more is read than is looked at.

mod chart;
mod curves;
mod keys;
mod run;
mod table;
#[cfg(test)]
mod tests;
mod update;
mod view;

use std::collections::BTreeSet;

use tui_input::Input;

use self::curves::Curves;
use super::app::window::Window;
use super::glyphs::Glyphs;
use super::theme::Theme;
use crate::chart::Scale;
use crate::stream::Edit;

pub use self::keys::markdown as comparison_keys_as_markdown;
pub use self::run::run;
pub use self::update::{Effect, Msg, update};
pub use self::view::view;
pub use crate::chart::{Alignment, Point};

/// What is compared.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Contest {
    /// The sessions, in the order given.
    pub entrants: Vec<Entrant>,
    /// The names of all curves that any of them has.
    pub columns: Vec<String>,
    /// Settings that are not the same in all of them: key, and each session's value.
    pub settings: Vec<(String, Vec<Option<String>>)>,
    /// Edits by step: of each session the first at that step, or the second and so on.
    pub edits: Vec<(u64, Vec<Option<Edit>>)>,
}

/// A session and what it came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entrant {
    /// Its name.
    pub name: String,
    /// Whether it runs, or how it ended.
    pub state: String,
    /// Whether it is being recorded: there will be more of it.
    pub live: bool,
    /// Updates made.
    pub steps: u64,
    /// The lowest validation loss and the step of it.
    pub best_loss: Option<(f64, u64)>,
    /// The highest validation accuracy and the step of it.
    pub best_accuracy: Option<(f64, u64)>,
    /// Validation loss at the end.
    pub loss: Option<f64>,
    /// Validation accuracy at the end.
    pub accuracy: Option<f64>,
    /// The penalty at the end.
    pub penalty: Option<f64>,
    /// Its edits, in order.
    pub edits: Vec<Edit>,
    /// What was dropped of it, a line each.
    pub notes: Vec<String>,
}

/// What the screen begins with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Begin {
    /// How much of the sessions is shown.
    pub detail: Detail,
    /// Where it was opened.
    pub host: Host,
    /// The curve.
    pub column: Option<String>,
    /// The alignment.
    pub align: Alignment,
    /// The session from which differences are told.
    pub baseline: Option<usize>,
    /// The characters that it is made of.
    pub glyphs: Glyphs,
}

/// How much of the sessions is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Detail {
    /// All of it.
    #[default]
    All,
    /// What is not the same: curves less the baseline's, and of settings, edits and final values those that differ.
    Differences,
}

/// Where the screen was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Host {
    /// It is the program.
    #[default]
    Program,
    /// From the screen of a run, to which it leads back.
    Run,
}

/// Everything the screen shows and every key depends on.
#[derive(Debug, Clone)]
pub struct Board {
    contest: Contest,
    theme: Theme,
    glyphs: Glyphs,
    /// The place of the curve among the columns.
    column: usize,
    curves: Curves,
    align: Alignment,
    /// The y axis of losses, and of everything else.
    loss_scale: Scale,
    scale: Scale,
    /// Which places the charts show.
    window: Window,
    /// The place whose values are read out, where not the last.
    crosshair: Option<u64>,
    baseline: Option<usize>,
    detail: Detail,
    host: Host,
    order: Order,
    /// Sessions whose curves are not drawn.
    hidden: BTreeSet<usize>,
    /// Letters that a session's name must have to be listed and drawn.
    filter: String,
    /// The chosen session, by its place in the contest.
    chosen: usize,
    /// The table under that of the sessions, and how far it is scrolled.
    table: Table,
    scrolled: usize,
    /// Whether the chart has the screen for itself.
    zoom: Zoom,
    again: Again,
    mode: Mode,
}

/// Whether the sessions are being read once more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Again {
    /// They are not.
    #[default]
    Idle,
    /// They are; what is shown is what there was before.
    Reading,
    /// It did not work, for this reason.
    Failed(String),
}

/// How sessions are sorted; the best come first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Order {
    #[default]
    Given,
    Name,
    BestLoss,
    BestAccuracy,
    FinalLoss,
    Steps,
}

impl Order {
    const ALL: [Order; 6] =
        [Order::Given, Order::Name, Order::BestLoss, Order::BestAccuracy, Order::FinalLoss, Order::Steps];

    fn name(self) -> &'static str {
        match self {
            Order::Given => "as given",
            Order::Name => "by name",
            Order::BestLoss => "by best loss",
            Order::BestAccuracy => "by best accuracy",
            Order::FinalLoss => "by final loss",
            Order::Steps => "by steps",
        }
    }
}

/// What is shown under the sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    Settings,
    Edits,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Zoom {
    #[default]
    Off,
    Chart,
}

/// What the keys mean.
#[derive(Debug, Clone, Default)]
enum Mode {
    #[default]
    Normal,
    /// Letters of names are being typed.
    Filtering(Input),
    /// The list of keys, scrolled by so many lines.
    Help { scrolled: u16 },
}

impl Board {
    /// The screen before any curve came, and what it wants first.
    pub fn new(contest: Contest, begin: Begin, theme: Theme) -> (Board, Vec<Effect>) {
        let named = |name: &str| contest.columns.iter().position(|column| column == name);
        let asked = begin.column.as_deref().and_then(named);
        let column = asked.or_else(|| named("validation/loss")).unwrap_or(0);
        // What sets them apart, where that is edits alone.
        let table = match contest.settings.is_empty() && !contest.edits.is_empty() {
            true => Table::Edits,
            false => Table::Settings,
        };
        let mut board = Board {
            contest,
            theme,
            glyphs: begin.glyphs,
            column,
            curves: Curves::default(),
            align: begin.align,
            loss_scale: Scale::Log,
            scale: Scale::Linear,
            window: Window::default(),
            crosshair: None,
            baseline: begin.baseline,
            detail: begin.detail,
            host: begin.host,
            order: Order::default(),
            hidden: BTreeSet::new(),
            filter: String::new(),
            chosen: 0,
            table,
            scrolled: 0,
            zoom: Zoom::default(),
            again: Again::default(),
            mode: Mode::default(),
        };
        let effects = update::show_column(&mut board, column);
        (board, effects)
    }

    /// The sessions that are listed, in their order.
    fn listed(&self) -> Vec<usize> {
        let letters = self.filter.to_lowercase();
        let fits = |at: &usize| self.contest.entrants[*at].name.to_lowercase().contains(&letters);
        let mut listed: Vec<usize> = (0..self.contest.entrants.len()).filter(fits).collect();
        // What has no such value comes last.
        let low = |value: Option<f64>| value.filter(|value| !value.is_nan()).unwrap_or(f64::INFINITY);
        let of = |at: &usize| &self.contest.entrants[*at];
        match self.order {
            Order::Given => {}
            Order::Name => listed.sort_by(|a, b| of(a).name.cmp(&of(b).name)),
            Order::Steps => listed.sort_by_key(|at| std::cmp::Reverse(of(at).steps)),
            order => {
                let key = |at: &usize| match order {
                    Order::BestLoss => low(of(at).best_loss.map(|best| best.0)),
                    Order::BestAccuracy => low(of(at).best_accuracy.map(|best| -best.0)),
                    _ => low(of(at).loss),
                };
                listed.sort_by(|a, b| key(a).total_cmp(&key(b)));
            }
        }
        listed
    }

    /// The sessions whose curves are drawn, the chosen one last: on top.
    fn drawn(&self) -> Vec<usize> {
        let mut drawn: Vec<usize> = self.listed().into_iter().filter(|at| !self.hidden.contains(at)).collect();
        drawn.sort_by_key(|at| *at == self.chosen);
        drawn
    }

    /// The letter that a session is known by.
    fn letter(at: usize) -> char {
        char::from(b'a' + (at % 26) as u8)
    }

    /// The baseline, where nothing else is shown than what differs from it.
    fn only_differences(&self) -> Option<usize> {
        self.baseline.filter(|_| self.detail == Detail::Differences)
    }

    /// The name of the curve.
    fn column_name(&self) -> &str {
        self.contest.columns.get(self.column).map_or("", String::as_str)
    }

    /// The y axis of the curve: as on the screen of a run, losses begin with a logarithmic one.
    fn scale(&self) -> Scale {
        if is_loss(self.column_name()) { self.loss_scale } else { self.scale }
    }

    /// The other axis for the curve, and for all of its kind.
    fn turn_scale(&mut self) {
        let scale = if is_loss(self.column_name()) { &mut self.loss_scale } else { &mut self.scale };
        *scale = scale.switched();
    }

    /// Of the session in the first place: how much of it is shown, where there will be more.
    pub(super) fn first_until(&self) -> Option<u64> {
        self.contest.entrants.first().filter(|entrant| entrant.live).map(|entrant| entrant.steps)
    }
}

/// Whether a curve is one of losses: `validation/loss`, and `val_loss` of an imported session.
fn is_loss(column: &str) -> bool {
    column.ends_with("loss")
}
