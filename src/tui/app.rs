//! The state of the screen: plain data, changed by [`update`](super::update()) alone.

pub(super) mod clock;
pub(super) mod dial;
pub(super) mod effect;
pub(super) mod forecast;
pub(super) mod growth;
pub(super) mod history;
pub(super) mod hyper;
pub(super) mod journal;
pub(super) mod lens;
pub(super) mod picker;
mod run;
pub(super) mod table;
pub(super) mod window;

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use tui_input::Input;

use self::dial::Which;
use self::hyper::Chosen;
use self::lens::Lens;
use self::picker::Picker;
pub(super) use self::run::Run;
use self::table::Order;
use self::window::Window;
use super::board::Board;
use super::layout;
use super::theme::Theme;
use super::{Access, Ending, Options};
use crate::chart::Scale;
use crate::stream::{Command, Scope, Summary};

/// Shares of the past that the smoothed loss keeps, from none to nearly all.
pub(super) const SMOOTHINGS: [f64; 8] = [0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995];

/// Everything the screen shows and every key depends on.
#[derive(Debug)]
pub struct App {
    pub(super) options: Options,
    pub(super) theme: Theme,
    /// The loop's time.
    pub(super) now: Duration,
    /// The run, from its first event on.
    pub(super) run: Option<Run>,
    /// How far the run has come.
    pub(super) phase: Phase,
    /// What the keys mean.
    pub(super) mode: Mode,
    /// The panel that the arrows move in.
    pub(super) focus: Panel,
    /// Whether that panel has the whole screen.
    pub(super) zoomed: bool,
    /// The tensor that the arrows chose.
    pub(super) tensor: usize,
    /// The dial or hyperparameter that the arrows chose.
    pub(super) chosen: Chosen,
    /// Entries of the events panel scrolled past.
    pub(super) scrolled: usize,
    /// How far an edit reaches.
    pub(super) reach: Reach,
    pub(super) scale: Scale,
    /// What the panel of norms looks at.
    pub(super) lens: Lens,
    /// The place in [`SMOOTHINGS`].
    pub(super) smoothing: usize,
    /// The part of the run that all charts show.
    pub(super) window: Window,
    /// The step whose values are read out.
    pub(super) crosshair: Option<u64>,
    /// The tensors whose names have this in them are listed.
    pub(super) filter: String,
    /// How they are put in order.
    pub(super) order: Order,
    /// Panels that were put away.
    pub(super) hidden: BTreeSet<Panel>,
    /// Columns and rows of the screen.
    pub(super) size: (u16, u16),
    /// The charts stop before this step.
    pub(super) frozen: Option<u64>,
    /// Whether the mouse is ours and not the terminal's.
    pub(super) mouse: Capture,
    /// The stretch that the mouse is marking.
    pub(super) drag: Option<Drag>,
    /// A passing line at the foot.
    pub(super) notice: Option<Notice>,
    /// Until when a second ctrl-c ends the program.
    pub(super) interrupted: Option<Duration>,
    /// Questions about recordings that were asked, and given up.
    pub(super) inquiries: u64,
}

/// How far a run has come.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Phase {
    /// Nothing has come yet.
    Loading,
    /// Updates are being made.
    Running,
    /// It waits for the user.
    Paused,
    /// A loss or gradient was not finite: it waits for what to do, or ends.
    Diverged,
    /// It ended.
    Finished(Box<Summary>),
    /// It broke down.
    Failed(String),
}

/// What the keys mean.
#[derive(Debug, Clone)]
pub(super) enum Mode {
    /// Every key has the meaning that the key table gives it.
    Normal,
    /// A value for a knob is being typed.
    Typing { which: Which, scope: Scope, input: Input, error: Option<String> },
    /// A note is being typed.
    Noting { input: Input },
    /// What the tensors' names must contain is being typed.
    Filtering { input: Input },
    /// A command is being typed.
    Commanding { input: Input, error: Option<String> },
    /// A step of a recording is being typed.
    Seeking { input: Input, error: Option<String> },
    /// The list of keys is shown, scrolled by so many lines.
    Help { scrolled: u16 },
    /// What the focused panel shows is explained, scrolled by so many lines.
    Explain { scrolled: u16 },
    /// Recordings are being chosen to compare the run with.
    Choosing(Picker),
    /// The run is compared with them, on a screen of its own.
    Comparing(Box<Board>),
    /// Something was not finite: what to do is asked, and this choice stands out.
    Sentinel { chosen: usize },
    /// Really?
    ConfirmQuit,
    /// The run was asked to stop; the program ends as soon as it has, or when time is up.
    Leaving { ending: Ending, until: Option<Duration>, resend: Option<Duration> },
}

/// A panel that can have the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Panel {
    Losses,
    Knobs,
    Layers,
    Norm,
    Events,
    Throughput,
}

impl Panel {
    /// All, in the order of Tab.
    pub(super) const ALL: [Panel; 6] =
        [Panel::Losses, Panel::Knobs, Panel::Layers, Panel::Norm, Panel::Events, Panel::Throughput];

    /// What it is called, and after its number in its title.
    pub(super) fn name(self) -> &'static str {
        match self {
            Panel::Losses => "loss",
            Panel::Knobs => "knobs",
            Panel::Layers => "layers",
            Panel::Norm => "norm",
            Panel::Events => "events",
            Panel::Throughput => "throughput",
        }
    }

    /// The key that shows it and puts it away.
    pub(super) fn number(self) -> usize {
        Panel::ALL.iter().position(|panel| *panel == self).map_or(0, |at| at + 1)
    }
}

/// Whose the mouse is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Capture {
    /// The terminal's, for its own selection of text.
    #[default]
    Off,
    /// The program's.
    On,
}

/// A stretch of a chart that the mouse is marking, from one step to another on either side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Drag {
    pub(super) panel: Panel,
    pub(super) from: u64,
    pub(super) to: u64,
}

impl Drag {
    /// The steps between both ends.
    pub(super) fn steps(&self) -> Range<u64> {
        self.from.min(self.to)..self.from.max(self.to).saturating_add(1)
    }
}

/// How far an edit reaches from the chosen tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    All,
    Layer,
    Tensor,
}

/// A passing line at the foot of the screen.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Notice {
    pub(super) text: String,
    pub(super) tone: Tone,
    pub(super) until: Duration,
}

/// How a line is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Warning,
}

impl App {
    /// The state before the first event.
    pub fn new(options: Options, theme: Theme) -> Self {
        App {
            theme,
            now: Duration::ZERO,
            run: None,
            phase: Phase::Loading,
            mode: Mode::Normal,
            focus: Panel::Losses,
            zoomed: false,
            tensor: 0,
            chosen: Chosen::Dial(Which::WeightDecay),
            scrolled: 0,
            reach: Reach::All,
            scale: Scale::Log,
            lens: Lens::default(),
            smoothing: 3,
            window: Window::default(),
            crosshair: None,
            filter: String::new(),
            order: Order::default(),
            hidden: options.preferences.hidden.clone().unwrap_or_default(),
            size: layout::FULL,
            frozen: None,
            mouse: options.preferences.mouse,
            drag: None,
            notice: None,
            interrupted: None,
            inquiries: 0,
            options,
        }
    }

    /// Keys of the table, with blanks between them, by the names that they have now.
    pub(super) fn keys(&self, keys: &str) -> String {
        self.options.preferences.keys.shown(keys)
    }

    /// A text with the keys of the table that stand in it between backticks by the names that they have now.
    pub(super) fn keyed(&self, text: &str) -> String {
        let parts = text.split('`').enumerate();
        parts.map(|(at, part)| if at % 2 == 1 { self.keys(part) } else { part.to_owned() }).collect()
    }

    /// The time at which something changes without a key or an event; there is no need to wake up before.
    pub fn deadline(&self) -> Option<Duration> {
        let previews = self.run.iter().flat_map(|run| {
            let dials = [&run.weight_decay, &run.learning_rate].into_iter();
            let dials = dials.filter_map(|dial| Some(dial.preview.as_ref()?.due));
            dials.chain(run.turning.as_ref().map(|turning| turning.due))
        });
        let leaving = match &self.mode {
            Mode::Leaving { until, resend, .. } => [*until, *resend],
            _ => [None, None],
        };
        let notice = self.notice.as_ref().map(|notice| notice.until);
        previews.chain(leaving.into_iter().flatten()).chain(notice).chain(self.interrupted).min()
    }

    /// How the run ended, if it did by itself or was stopped.
    pub fn summary(&self) -> Option<&Summary> {
        match &self.phase {
            Phase::Finished(summary) => Some(summary),
            _ => None,
        }
    }

    /// Why the run broke down, if it did.
    pub fn failure(&self) -> Option<&str> {
        match &self.phase {
            Phase::Failed(message) => Some(message),
            _ => None,
        }
    }

    /// Whether nothing will come of the run any more.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Finished(_) | Phase::Failed(_))
    }

    /// Whether it stands still, or will when everything that was asked for has happened.
    pub(super) fn will_pause(&self) -> bool {
        let asked = self.run.as_ref().and_then(|run| run.moves.last());
        asked.map_or(self.phase == Phase::Paused, |asked| matches!(asked, Command::Pause | Command::StepOnce))
    }

    /// Whether the screen may only look on.
    pub(super) fn looks_on(&self) -> bool {
        self.options.access != Access::Full
    }

    /// The first step that is not in the charts.
    pub(super) fn chart_end(&self) -> u64 {
        let step = self.run.as_ref().map_or(0, |run| run.step);
        self.frozen.unwrap_or(step)
    }

    /// The last edit's step.
    pub(super) fn origin(&self) -> Option<u64> {
        self.run.as_ref().and_then(|run| run.journal.last_edit()).map(|(_, edit)| edit.step)
    }

    /// The steps that charts show.
    pub(super) fn shown_steps(&self) -> Range<u64> {
        self.window.steps(self.chart_end(), self.origin())
    }

    /// Whose value the keys turn. η is one for all tensors.
    pub(super) fn scope(&self, which: Which) -> Scope {
        if which == Which::LearningRate {
            return Scope::All;
        }
        let tensor = self.run.as_ref().and_then(|run| run.description.tensors.get(self.tensor));
        match (self.reach, tensor) {
            (Reach::All, _) | (_, None) => Scope::All,
            (Reach::Layer, Some(tensor)) => Scope::Layer(tensor.layer.clone()),
            (Reach::Tensor, Some(tensor)) => Scope::Tensor(tensor.name.clone()),
        }
    }

    pub(super) fn say(&mut self, tone: Tone, text: impl Into<String>) {
        let seconds = if tone == Tone::Warning { 8 } else { 4 };
        self.notice = Some(Notice { text: text.into(), tone, until: self.now + Duration::from_secs(seconds) });
    }

    /// The same with keys between backticks.
    pub(super) fn say_keyed(&mut self, tone: Tone, text: &str) {
        let text = self.keyed(text);
        self.say(tone, text);
    }
}
