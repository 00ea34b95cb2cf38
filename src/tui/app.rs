//! The state of the screen: plain data, changed by [`update`](super::update()) alone.

pub(super) mod clock;
pub(super) mod dial;
pub(super) mod forecast;
pub(super) mod growth;
pub(super) mod history;
pub(super) mod hyper;
pub(super) mod journal;
pub(super) mod lens;
pub(super) mod table;
pub(super) mod window;

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use tui_input::Input;

use self::dial::{Dial, Pending, Reversible, Which};
use self::growth::Growth;
use self::history::History;
use self::hyper::{Chosen, Turning};
use self::journal::Journal;
use self::lens::Lens;
use self::table::Order;
use self::window::Window;
use super::coach::Coach;
use super::layout;
use super::theme::Theme;
use super::widget::axis::Scale;
use super::{Access, Ending, Options};
use crate::diagnostics::{Forces, Tracks};
use crate::stream::{
    Columns, Command, DecayMode, Description, Schedule, Scope, StepBatch, Summary, TensorInfo, Weights,
};

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
}

/// A run as the screen knows it.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) description: Box<Description>,
    pub(super) history: History,
    pub(super) journal: Journal,
    /// What diagnostics keeps of every tensor.
    pub(super) tracks: Tracks,
    pub(super) coach: Coach,
    pub(super) weight_decay: Dial,
    pub(super) learning_rate: Dial,
    /// The rule's own hyperparameters as they stand.
    pub(super) hyper: Vec<(String, f64)>,
    /// The one that keys are turning.
    pub(super) turning: Option<Turning>,
    /// Edits that were asked for and are not confirmed.
    pub(super) pending: Vec<Pending>,
    /// Edits that `z` takes back, the last one last.
    pub(super) done: Vec<Reversible>,
    /// Edits that `Z` repeats, the next one last.
    pub(super) undone: Vec<Reversible>,
    /// The next update's index.
    pub(super) step: u64,
    /// Wall time of the run, as far as it was told.
    pub(super) seconds: f64,
    /// Updates a second to aim at; 0 is as fast as it goes.
    pub(super) pace: f64,
    /// Paces that were asked for and are not confirmed, in order.
    pub(super) paces: Vec<f64>,
    /// Commands to go on or to stand still that will be answered, in order.
    pub(super) moves: Vec<Command>,
    /// The step of the last snapshot.
    pub(super) snapshot: Option<u64>,
    /// What was not finite and what became of the weights, until that is settled.
    pub(super) trouble: Option<(String, Weights)>,
    /// Bytes recorded.
    pub(super) recorded: Option<u64>,
    /// How fast they become more.
    pub(super) growth: Growth,
    /// Whether updates' columns are recorded.
    pub(super) columns: Columns,
    /// Why recording stopped.
    pub(super) unrecorded: Option<String>,
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
    /// What the focused panel shows is explained.
    Explain,
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

impl Run {
    pub(super) fn new(description: Box<Description>, beta: f64) -> Self {
        let tensors = description.tensors.len();
        let config = &description.config;
        let weight_decay = Dial::new(Which::WeightDecay, config.weight_decay, config.weight_decay_start, tensors);
        let learning_rate = Dial::new(Which::LearningRate, config.lr, 1e-3, tensors);
        Run {
            history: History::new(tensors, beta),
            journal: Journal::default(),
            tracks: Tracks::new(description.tensors.iter().map(TensorInfo::len)),
            coach: Coach::default(),
            weight_decay,
            learning_rate,
            hyper: description.hyper.iter().map(|hyper| (hyper.key.clone(), hyper.value)).collect(),
            turning: None,
            pending: Vec::new(),
            done: Vec::new(),
            undone: Vec::new(),
            step: 0,
            seconds: 0.0,
            pace: description.options.pace,
            paces: Vec::new(),
            moves: Vec::new(),
            snapshot: None,
            trouble: None,
            recorded: None,
            growth: Growth::default(),
            columns: Columns::Kept,
            unrecorded: None,
            description,
        }
    }

    pub(super) fn dial(&self, which: Which) -> &Dial {
        match which {
            Which::WeightDecay => &self.weight_decay,
            Which::LearningRate => &self.learning_rate,
        }
    }

    pub(super) fn dial_mut(&mut self, which: Which) -> &mut Dial {
        match which {
            Which::WeightDecay => &mut self.weight_decay,
            Which::LearningRate => &mut self.learning_rate,
        }
    }

    pub(super) fn extend(&mut self, batch: &StepBatch) {
        let before = self.history.last.map(|row| row.step);
        self.track(batch, before);
        self.history.extend(batch);
        if let Some(row) = self.history.last.filter(|row| Some(row.step) != before) {
            self.step = self.step.max(row.step + 1);
            self.seconds = row.seconds;
            // Edits come between the updates: the last one was made with what is in force.
            self.weight_decay.follow(row.weight_decay);
            self.learning_rate.follow(row.lr);
        }
    }

    /// Shows every update to diagnostics; rows that do not come after all others are passed over.
    fn track(&mut self, batch: &StepBatch, mut before: Option<u64>) {
        if batch.tensors() != self.description.tensors.len() {
            return;
        }
        let forces: Vec<Forces> = (0..batch.tensors()).map(|tensor| self.forces(tensor)).collect();
        for (row, sums) in batch.iter() {
            if before.is_none_or(|before| row.step > before) {
                before = Some(row.step);
                self.tracks.update(row.step, sums.iter().zip(forces.iter().copied()));
            }
        }
    }

    /// The pace that was last asked for.
    pub(super) fn asked_pace(&self) -> f64 {
        self.paces.last().copied().unwrap_or(self.pace)
    }

    /// The value in force, or the one that was last asked for and is about to be.
    pub(super) fn asked(&self, which: Which, scope: &Scope) -> f64 {
        let knob = which.knob();
        let pending = self.pending.iter().rev().map(|pending| &pending.setting);
        let mut same = pending.filter(|setting| setting.knob == knob && setting.scope == *scope);
        same.find_map(|setting| setting.value)
            .unwrap_or_else(|| self.dial(which).value(scope, &self.description.tensors))
    }

    /// Whether a value is in force already and nothing else was asked for. Where a schedule moves the value, setting it
    /// is an edit all the same: it holds it.
    pub(super) fn stands_at(&self, which: Which, scope: &Scope, value: f64) -> bool {
        let config = &self.description.config;
        let schedule = match which {
            Which::WeightDecay => &config.weight_decay_schedule,
            Which::LearningRate => &config.lr_schedule,
        };
        let knob = which.knob();
        *schedule == Schedule::Constant
            && !self.pending.iter().any(|pending| pending.setting.knob == knob)
            && self.dial(which).stands_at(scope, value, &self.description.tensors)
    }

    /// ηλ with a dial at this value, where it is so large that each update throws the weights past zero.
    pub(super) fn overshoot_at(&self, which: Which, value: f64, scope: &Scope) -> Option<f64> {
        match which {
            Which::WeightDecay => self.overshoot(self.asked(Which::LearningRate, &Scope::All), value),
            Which::LearningRate => self.overshoot(value, self.asked(Which::WeightDecay, scope)),
        }
    }

    /// ηλ where one update takes all of a weight and more. With momentum no such product tells it.
    pub(super) fn overshoot(&self, lr: f64, weight_decay: f64) -> Option<f64> {
        let optimizer = &self.description.config.optimizer;
        let momentum = self.hyper.iter().any(|(key, value)| key == "momentum" && *value != 0.0);
        if optimizer.decay_mode == DecayMode::L2 && momentum {
            return None;
        }
        self.decay_rate(lr, weight_decay).filter(|product| *product >= 1.0)
    }

    /// The key that turns λ up by what can be seen, and where it leads; `None` where λ does nothing.
    pub(super) fn remedy(&self) -> Option<(char, f64)> {
        let now = self.asked(Which::WeightDecay, &Scope::All);
        // From 0 any key leads to the remembered value.
        let (key, tenths) = if now == 0.0 { (']', 1) } else { ('}', 5) };
        let then = self.weight_decay.turned(now, tenths);
        (self.description.config.optimizer.decay_mode != DecayMode::None && then > now).then_some((key, then))
    }

    /// The rate 1/τ, for each update, at which decay alone shrinks the weights; `None` where the update rule mixes
    /// decay with the gradient so that there is no such rate.
    pub(super) fn decay_rate(&self, lr: f64, weight_decay: f64) -> Option<f64> {
        let regime = self.regime();
        let forces = Forces { regime, lr, lr_factor: 1.0, weight_decay };
        let timescale = forces.timescale().ok().filter(|_| regime.decay_mode != DecayMode::None)?;
        Some(1.0 / timescale.steps)
    }
}
