//! The two lines at the top: what is trained, and how it stands.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::flow;
use crate::stream::{Columns, Convention, DecayMode, Evaluation, printable};
use crate::tui::app::{App, Phase, Run};
use crate::tui::digits;

/// The width from which the speed is told in full.
const ROOMY: u16 = 80;

/// What is trained, and for how long.
pub(in crate::tui) fn title(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    let config = &run.description.config;
    let data = &run.description.data;
    let mut right = recording(app, run);
    right.push_span(Span::raw(format!("   {:>5} ", digits::clock(run.seconds))));
    let room = area.width.saturating_sub(right.width() as u16 + 1);
    let mut set = format!("{} {}", printable(&data.title), digits::thousands(data.train as u64));
    if data.noisy_labels > 0 {
        let noise = 100.0 * config.data.label_noise;
        set += &format!(", {noise:.0} % noisy labels");
    }
    let mode = super::knobs::mode_name(config.optimizer.decay_mode);
    // The same name means different arithmetic.
    let whose = match config.optimizer.convention {
        Convention::Torch => "torch",
        Convention::Chainer => "chainer",
    };
    let parts = vec![
        Line::styled(" wdtop", app.theme.strong),
        Line::raw(printable(&config.recipe).into_owned()),
        Line::raw(set),
        Line::raw(printable(&config.model).replacen(':', " ", 1)),
        Line::raw(format!("{whose} {} {mode}", printable(&config.optimizer.name))),
    ];
    flow(parts, 2, Rect { width: room, ..area }, buffer);
    let x = area.right().saturating_sub(right.width() as u16).max(area.x);
    buffer.set_line(x, area.y, &right, area.width);
}

fn recording<'a>(app: &App, run: &Run) -> Line<'a> {
    if let Some(name) = app.options.recording.as_ref().filter(|_| app.replays()) {
        return Line::styled(format!("▷ {}", printable(name)), app.theme.strong);
    }
    match (&run.unrecorded, run.recorded) {
        (Some(_), _) => Line::styled("not recorded any more", app.theme.warning),
        (None, Some(bytes)) => {
            let growth = run.growth.an_hour().map(|bytes| format!(" +{}/h", digits::bytes(bytes))).unwrap_or_default();
            let sign = match run.columns {
                Columns::Kept => "●",
                Columns::LeftOut => "○ edits only",
            };
            Line::raw(format!("{sign} rec {:>7}{growth}", digits::bytes(bytes)))
        }
        (None, None) if app.options.recording.is_some() => Line::raw(format!("● rec {:>7}", digits::bytes(0))),
        (None, None) => Line::styled("not recorded", app.theme.quiet),
    }
}

/// How it stands, most important first; what does not fit is left out.
pub(in crate::tui) fn status(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    let mut parts = vec![step(app, run)];
    parts.extend(scores(app, run));
    parts.push(speed(app, run));
    parts.extend(penalty(run));
    lay_out(parts, area, buffer);
}

/// The same where there is no title above it: the recording is told here, the speed in short where room is little.
pub(in crate::tui) fn alone(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    let mut parts = vec![step(app, run)];
    parts.extend(scores(app, run));
    parts.push(if area.width < ROOMY { speed_in_short(app, run) } else { speed(app, run) });
    parts.push(match (&run.unrecorded, run.recorded, &app.options.recording) {
        _ if app.replays() => Line::raw("▷ replay"),
        (Some(_), ..) => Line::styled("no rec", app.theme.warning),
        (None, None, None) => Line::styled("no rec", app.theme.quiet),
        (None, bytes, _) => Line::raw(format!("● {}", digits::bytes(bytes.unwrap_or(0)))),
    });
    parts.extend(penalty(run));
    lay_out(parts, area, buffer);
}

fn lay_out(parts: Vec<Line>, area: Rect, buffer: &mut Buffer) {
    flow(parts, 3, Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area }, buffer);
}

fn penalty<'a>(run: &Run) -> Option<Line<'a>> {
    run.history.last.map(|row| {
        let kind = match run.description.config.optimizer.decay_mode {
            DecayMode::L2 => "in the gradient",
            DecayMode::Decoupled | DecayMode::Cautious | DecayMode::Corrected => "virtual",
            DecayMode::None => "not applied",
        };
        Line::raw(format!("penalty {:>6} ({kind})", digits::three(row.penalty)))
    })
}

fn step<'a>(app: &App, run: &Run) -> Line<'a> {
    let (word, style) = match &app.phase {
        Phase::Loading => ("loading", app.theme.quiet),
        Phase::Running if app.will_pause() => ("pausing", app.theme.pending),
        Phase::Running => ("running", Style::new()),
        Phase::Paused if !app.will_pause() => ("resuming", app.theme.pending),
        Phase::Paused => ("PAUSED", app.theme.pending),
        Phase::Diverged => ("DIVERGED", app.theme.warning),
        Phase::Finished(_) => ("ended", app.theme.strong),
        Phase::Failed(_) => ("FAILED", app.theme.warning),
    };
    let epoch = run.history.epoch();
    let end = run.description.total_steps.map(|total| format!(" of {}", digits::thousands(total))).unwrap_or_default();
    Line::from(vec![
        Span::styled(word, style),
        Span::raw(format!(" step {:>6}{end}  epoch {epoch:>5.1}", digits::thousands(run.step))),
    ])
}

fn speed<'a>(app: &App, run: &Run) -> Line<'a> {
    let name = |pace: f64| match pace {
        0.0 => "max".to_owned(),
        pace if app.replays() => format!("{}×", times(pace)),
        pace => format!("{}/s", digits::three(pace)),
    };
    let what = if app.replays() { "replayed" } else { "pace" };
    let mut pace = name(run.pace);
    if !run.paces.is_empty() {
        pace += &format!(" → {}", name(run.asked_pace()));
    }
    match run.history.speed().filter(|_| app.phase == Phase::Running) {
        Some(speed) => {
            let samples = run
                .history
                .epochs_a_second()
                .map_or("—".into(), |epochs| rate(epochs * run.description.data.train as f64));
            Line::raw(format!("{:>5} steps/s ({what} {pace})  {samples:>7} samples/s", rate(speed)))
        }
        None => Line::raw(format!("    — steps/s ({what} {pace})  {:>7} samples/s", "—")),
    }
}

fn speed_in_short<'a>(app: &App, run: &Run) -> Line<'a> {
    let speed = run.history.speed().filter(|_| app.phase == Phase::Running);
    Line::raw(format!("{} steps/s", speed.map_or("—".into(), rate)))
}

/// How many times as fast: a whole number, or a part of one.
fn times(speed: f64) -> String {
    if speed >= 1.0 { digits::thousands(speed.round() as u64) } else { format!("1/{:.0}", 1.0 / speed) }
}

/// Whole numbers where they say enough.
pub(super) fn rate(value: f64) -> String {
    if value < 9.95 { format!("{value:.1}") } else { digits::thousands(value.round() as u64) }
}

fn scores<'a>(app: &App, run: &Run) -> Vec<Line<'a>> {
    let Some(last) = run.history.evaluations.last() else {
        // Until the first evaluation there are the batches.
        let loss = run.history.smooth.last().map_or("—".into(), |loss| digits::three(loss.into()));
        return vec![Line::styled(format!("batch loss {loss:>6}"), app.theme.smoothed)];
    };
    let before = run.history.evaluations.iter().rev().nth(1);
    let trend = |score: fn(&Evaluation) -> f64| match before.map(score) {
        Some(before) if score(last) > before => "▲",
        Some(before) if score(last) < before => "▼",
        _ => " ",
    };
    let score = |name: &str, style, loss: f64, accuracy: f64, trend: &str| {
        let text = format!("{name} {:>6} {trend} {:>6}", digits::three(loss), digits::share(accuracy));
        Line::styled(text, style)
    };
    let (training, validation) = (last.train, last.validation);
    let gap = validation.loss - training.loss;
    vec![
        score("train", app.theme.training, training.loss, training.accuracy, trend(|at| at.train.loss)),
        score("val", app.theme.validation, validation.loss, validation.accuracy, trend(|at| at.validation.loss)),
        // A gap that is shown as none goes nowhere.
        Line::raw(match digits::signed(gap) {
            shown if digits::arrow(&shown, gap).is_empty() => format!("gap {shown}  "),
            shown => format!("gap {shown} {}", trend(|at| at.validation.loss - at.train.loss)),
        }),
    ]
}
