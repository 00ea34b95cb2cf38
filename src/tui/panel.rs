//! One file for each part of the screen.

mod budget;
mod equilibrium;
pub(super) mod events;
pub(super) mod explain;
pub(super) mod footer;
mod gap;
pub(super) mod help;
pub(super) mod knobs;
pub(super) mod layers;
pub(super) mod losses;
pub(super) mod norm;
mod rotation;
pub(super) mod sentinel;
pub(super) mod sessions;
mod spectrum;
pub(super) mod status;
mod tensor;
pub(super) mod throughput;
mod timescale;
mod weights;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Widget};
use unicode_width::UnicodeWidthStr;

use super::app::lens::Lens;
use super::app::window::Unit;
use super::app::{App, Drag, Panel, Run};
use super::digits;
use super::widget::plot::{Grid, Guide, Mark, Plot, Trace};
use crate::chart::{Frame, Ruler, Scale, Spread, sign};
use crate::series::Extent;
use crate::stream::{Knob, Level, printable};

/// The border of a panel with its name on the left and its settings on the right; returns what is inside.
fn frame(app: &App, panel: Panel, title: &str, settings: &str, area: Rect, buffer: &mut Buffer) -> Rect {
    let style = if app.focus == panel { app.theme.focus } else { app.theme.quiet };
    let mut block = Block::bordered().border_type(BorderType::Rounded).border_style(style);
    let title = Span::styled(format!(" {} {title} ", panel.number()), app.theme.strong);
    // That there is more to see than this is told where nothing else wants the room.
    let views = format!("{}: {} of {}", app.keys("u"), app.lens.number(), Lens::ALL.len());
    let room = usize::from(area.width).saturating_sub(title.width() + 5);
    let settings = if panel == Panel::Norm && settings.is_empty() && views.width() <= room { &views } else { settings };
    block = block.title(title);
    if !settings.is_empty() {
        block = block.title(Line::styled(format!(" {settings} "), app.theme.quiet).right_aligned());
    }
    let inside = block.inner(area);
    block.render(area, buffer);
    inside
}

/// The x axis of every chart.
fn ruler<'a>(app: &App, run: &'a Run) -> Ruler<'a> {
    let clock = &run.history.clock;
    let (spread, names) = match (app.window.unit, app.origin()) {
        (Unit::Epoch, _) => (Spread::Numbers(&clock.epochs), ["epoch", "log epoch"]),
        (Unit::Time, _) => (Spread::Seconds(&clock.seconds), ["time", "log time"]),
        (Unit::SinceEdit, Some(origin)) => (Spread::Even(origin), ["since edit", "log since edit"]),
        _ => (Spread::Even(0), ["step", "log step"]),
    };
    let scale = app.window.scale;
    Ruler { steps: app.shown_steps(), spread, scale, name: names[usize::from(scale == Scale::Log)] }
}

/// The step before which values are read out: behind the crosshair, or the end of the charts.
fn readout(app: &App) -> u64 {
    app.crosshair.map_or_else(|| horizon(app), |step| step.saturating_add(1))
}

/// Values that are not finite, as they are counted in a chart's title.
fn gaps(all: Extent) -> String {
    if all.gaps == 0 { String::new() } else { format!("× {} not finite · ", digits::thousands(all.gaps.into())) }
}

/// Draws a chart with everything that belongs to all of them.
fn chart(app: &App, run: &Run, frame: Frame, traces: &[Trace], area: Rect, buffer: &mut Buffer) {
    let all = &run.history.evaluations;
    let place = |edge: Option<&u64>| edge.map_or(0, |edge| all.partition_point(|evaluation| evaluation.step < *edge));
    let shown = &all[place(frame.edges().first())..place(frame.edges().last())];
    // More than there are columns nobody can tell apart.
    let told = if shown.len() < frame.edges().len() { shown } else { &[] };
    let notches: Vec<u64> = told.iter().map(|evaluation| evaluation.step).collect();
    let marks = marks(app, run);
    let theme = &app.theme;
    let plot = Plot {
        frame,
        traces,
        marks: &marks,
        notches: &notches,
        grid: Grid::among(app.options.glyphs),
        crosshair: app.crosshair,
        marked: app.drag.as_ref().map(Drag::steps),
        quiet: theme.quiet,
        strong: theme.strong,
        warning: theme.warning,
    };
    plot.render(area, buffer);
}

/// Where the chart of a panel lies and what its columns stand for; `None` where there is no chart.
pub(super) fn plot_frame(app: &App, run: &Run, panel: Panel, area: Rect) -> Option<Frame> {
    match panel {
        Panel::Losses => losses::plot_frame(app, run, area),
        Panel::Norm => norm::plot_frame(app, run, area),
        _ => None,
    }
}

/// The tensor that the table in this area shows in a row of the screen.
pub(super) fn tensor_at(app: &App, area: Rect, y: u16) -> Option<usize> {
    let rows = app.rows();
    // Below the border and the heads.
    let at = usize::from(y.checked_sub(area.y + 2)?);
    let shown = layers::shown(app, &rows, area);
    (y + 1 < area.bottom()).then(|| rows[shown].get(at).copied()).flatten()
}

/// What is inside the border of a panel.
fn inside(area: Rect) -> Rect {
    Block::bordered().inner(area)
}

/// The end of what charts show.
fn horizon(app: &App) -> u64 {
    app.frozen.unwrap_or(u64::MAX)
}

/// Edits, notes, snapshots and alerts as marks on a chart, in the order of their steps.
fn marks(app: &App, run: &Run) -> Vec<Mark> {
    let glyphs = app.options.glyphs;
    let edit = |(number, edit): (usize, &crate::stream::Edit)| {
        let style = match edit.knob {
            Knob::WeightDecay | Knob::DecayMode => app.theme.weight_decay,
            Knob::LearningRate => app.theme.learning_rate,
            Knob::Hyper(_) => app.theme.quiet,
        };
        let text = printable(&edit.describe(digits::near)).into_owned();
        Mark { at: edit.step, sign: glyphs.edit(number), text, style, guide: Guide::Line }
    };
    let note = |(at, number, text): (u64, usize, &str)| Mark {
        at,
        sign: glyphs.note(number),
        text: printable(text).into_owned(),
        style: app.theme.quiet,
        guide: Guide::Line,
    };
    let shown = app.shown_steps();
    let mut marks: Vec<Mark> = (1..).zip(&run.journal.edits).map(edit).collect();
    marks.extend(run.journal.notes().map(note));
    marks.extend(run.journal.snapshots().map(|(at, sign)| Mark {
        at,
        sign: sign.into(),
        text: String::new(),
        style: app.theme.quiet,
        guide: Guide::Line,
    }));
    let alert = |(at, level): (u64, Level)| Mark {
        at,
        sign: sign::ALERT.into(),
        text: String::new(),
        style: if level == Level::Info { app.theme.quiet } else { app.theme.warning },
        // Of a long run they are many: lines are for what somebody did.
        guide: Guide::None,
    };
    marks.extend(run.journal.alerts().map(alert));
    marks.retain(|mark| mark.at < horizon(app) && shown.contains(&mark.at));
    marks.sort_by_key(|mark| mark.at);
    marks
}

/// A tensor's name in so many columns.
fn shorten(run: &Run, tensor: usize, width: usize) -> String {
    let name = run.description.tensors.get(tensor).map_or("", |tensor| tensor.name.as_str());
    let name = printable(name);
    if name.chars().count() <= width {
        return name.into_owned();
    }
    name.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// Writes as many parts as fit into lines of a width, whole parts only.
pub(super) fn flow<'a>(parts: Vec<Line<'a>>, gap: u16, area: Rect, buffer: &mut Buffer) {
    let (mut x, mut y) = (area.x, area.y);
    for part in parts {
        let width = part.width() as u16;
        if x > area.x && x + width > area.right() {
            (x, y) = (area.x, y + 1);
        }
        if y >= area.bottom() {
            return;
        }
        buffer.set_line(x, y, &part, area.right() - x);
        x = (x + width + gap).min(area.right());
    }
}
