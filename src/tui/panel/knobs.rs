//! λ and η: what they are, where they go, what they mean in steps.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::frame;
use super::layers::reach;
use super::norm;
use crate::diagnostics::{Forces, Unknown};
use crate::stream::{DecayMode, Knob, Scope, printable};
use crate::tui::app::dial::Which;
use crate::tui::app::hyper::Chosen;
use crate::tui::app::{App, Panel, Run};
use crate::tui::digits;
use crate::tui::widget::slider::Slider;

/// The panel: both dials with their sliders, the rule's own hyperparameters, the keys.
pub(in crate::tui) fn render(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    let inside =
        frame(app, Panel::Knobs, Panel::Knobs.name(), &format!("{}: λ of {}", app.keys("t"), reach(app)), area, buffer);
    let mut lines = Lines { area: Rect { x: inside.x + 1, width: inside.width.saturating_sub(2), ..inside } };
    // Blank lines go first where there is little room.
    let roomy = inside.height >= 13;
    let foreseen = whole_parts(foresee(app, run), lines.area.width);
    for which in Which::BOTH {
        match (which, foreseen.first()) {
            // What a turn would do stands between the knobs.
            (Which::LearningRate, Some(text)) => lines.write(Line::styled(text.clone(), app.theme.pending), buffer),
            _ if roomy => _ = lines.next(),
            _ => {}
        }
        let chosen = if app.focus == Panel::Knobs && app.chosen == Chosen::Dial(which) { "▸" } else { "" };
        let name = format!("{chosen}{} {}", which.knob().symbol(), which.name());
        let mut line = Line::from(Span::styled(format!("{name:<17}"), style(app, which).patch(app.theme.strong)));
        line.extend(value(app, run, which));
        lines.write(line, buffer);
        if let Some(area) = lines.next() {
            slider(app, run, which).render(area, buffer);
        }
        if which == Which::WeightDecay {
            let line = match coming_overshoot(app, run) {
                Some(product) => {
                    let text = format!("ηλ = {} ≥ 1: weights overshoot", digits::three(product));
                    Line::styled(text, app.theme.warning)
                }
                None => Line::raw(timescale(app, run)),
            };
            lines.write(line, buffer);
        }
    }
    match foreseen.get(1) {
        Some(text) if roomy => lines.write(Line::styled(text.clone(), app.theme.pending), buffer),
        _ if roomy => _ = lines.next(),
        _ => {}
    }
    lines.write(rule(app, run, lines.area.width), buffer);
    if roomy {
        lines.next();
    }
    if app.replays() {
        lines.write(Line::styled("a recording: its knobs do not turn", app.theme.strong), buffer);
        lines.write(Line::styled("wdtop rerun trains it again", app.theme.quiet), buffer);
        return;
    }
    let (fine, coarse, letter, switch) = (app.keys("[ ]"), app.keys("{ }"), app.keys("w"), app.keys("\\"));
    let turning = format!("λ  {fine} fine  {coarse} coarse  {letter} type  {switch} off/on");
    lines.write(Line::styled(turning, app.theme.quiet), buffer);
    lines.write(
        Line::styled(
            format!("η  {} fine  {} coarse  {} type", app.keys(", ."), app.keys("< >"), app.keys("r")),
            app.theme.quiet,
        ),
        buffer,
    );
    if let Some(last) = run.done.last() {
        // Where it leads, in the words of an edit.
        let scope = match &last.scope {
            Scope::All => String::new(),
            scope => format!(" {}", printable(&scope.to_string())),
        };
        let before = last.before.map_or("as all".into(), |before| last.knob.show(before, digits::near));
        let text = format!("{}  undo {}{scope} → {before}", app.keys("z"), last.knob.symbol());
        lines.write(Line::styled(text, app.theme.quiet), buffer);
    }
}

/// Whether the arrows turn it, on a screen without the panel.
fn is_chosen(app: &App, knob: Chosen) -> bool {
    app.focus == Panel::Knobs && !app.zoomed && app.chosen == knob
}

/// What is predicted of the chosen tensor with the values that are being turned to, or why nobody knows; empty while
/// nothing is turned.
pub(super) fn foresee(app: &App, run: &Run) -> Vec<String> {
    if let Some((key, value)) = app.coming_hyper(run) {
        return foresee_hyper(app, run, key, value);
    }
    let told = app.coming(run, app.tensor).map(|forces| match run.predict(app.tensor, &forces) {
        Ok(prediction) if prediction.doubt.is_some() => format!("≈ {}", norm::tell(&prediction)),
        Ok(prediction) => norm::tell(&prediction),
        Err(reason) => format!("no prediction: {reason}"),
    });
    told.into_iter().collect()
}

/// The parts in lines of a width, as many to a line as fit.
fn whole_parts(parts: Vec<String>, width: u16) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if Span::raw(format!("{line}  {part}")).width() <= width.into() => *line += &format!("  {part}"),
            _ => lines.push(part),
        }
    }
    lines
}

/// What another value of one of the rule's own hyperparameters would change: of what is predicted, the angle of a step
/// depends on some that the norm does not.
fn foresee_hyper(app: &App, run: &Run, key: &str, value: f64) -> Vec<String> {
    let now = run.forces(app.tensor);
    let then = Forces { regime: run.regime_with(Some((key, value))), ..now };
    if then.regime == now.regime {
        return vec![format!("no prediction: no formula has {} in it", Knob::from(key.to_owned()).symbol())];
    }
    let degrees = |forces: &Forces| forces.equilibrium_rotation().map(|angle| digits::three(angle.to_degrees()));
    let turning = match (degrees(&now), degrees(&then)) {
        (Ok(before), Ok(after)) if before != after => Some(format!("θ* {before}° → {after}°")),
        _ => None,
    };
    let [before, after] = [now, then].map(|forces| run.predict(app.tensor, &forces).map(|it| norm::tell(&it)));
    let length = match after {
        Err(reason) => format!("no prediction: {reason}"),
        Ok(after) if before.as_ref() == Ok(&after) => "‖w‖ as before".into(),
        Ok(after) => after,
    };
    [length].into_iter().chain(turning).collect()
}

/// Both dials, one line each.
pub(in crate::tui) fn lines(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    let mut lines = Lines { area: Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area } };
    for which in Which::BOTH {
        let Some(area) = lines.next() else { return };
        let mut line = Line::from(Span::styled(which.knob().symbol().to_owned(), style(app, which)));
        // The one that the arrows turn.
        line.push_span(if is_chosen(app, Chosen::Dial(which)) { "▸" } else { " " });
        line.extend(value(app, run, which));
        let (end, tone) = match which {
            Which::WeightDecay => match coming_overshoot(app, run) {
                Some(product) => (format!("ηλ {} ≥ 1: overshoot", digits::three(product)), app.theme.warning),
                None => (half_life(app, run), app.theme.quiet),
            },
            Which::LearningRate => match app.chosen {
                Chosen::Hyper(at) if is_chosen(app, app.chosen) => (format!("▸{}", hyper(run, at)), app.theme.strong),
                _ => (format!("{}: λ of {}", app.keys("t"), reach(app)), app.theme.quiet),
            },
        };
        buffer.set_line(area.x, area.y, &line, area.width);
        // The ends have a fixed place, the slider has what is left.
        let end_x = area.right().saturating_sub(22);
        let from = area.x + (line.width() as u16 + 2).max(16);
        if from > end_x {
            continue;
        }
        buffer.set_stringn(end_x, area.y, &end, 22, tone);
        let width = end_x.saturating_sub(from + 2).min(40);
        slider(app, run, which).render(Rect { x: end_x - 2 - width, width, ..area }, buffer);
    }
}

/// The value, and where it is going.
fn value<'a>(app: &App, run: &Run, which: Which) -> Vec<Span<'a>> {
    let dial = run.dial(which);
    let scope = dial.preview.as_ref().map_or_else(|| app.scope(which), |preview| preview.scope.clone());
    let now = dial.value(&scope, &run.description.tensors);
    let wanted = run.asked(which, &scope);
    let mut spans = vec![Span::styled(digits::near(now), style(app, which).patch(app.theme.strong))];
    if let Some(preview) = &dial.preview {
        spans.push(Span::styled(format!(" → {} in 0.3 s", digits::near(preview.value)), app.theme.pending));
    } else if run.pending.iter().any(|pending| pending.setting.knob == which.knob()) {
        spans.push(Span::styled(format!(" → {} pending", digits::near(wanted)), app.theme.pending));
    }
    spans
}

fn slider(app: &App, run: &Run, which: Which) -> Slider {
    let dial = run.dial(which);
    let value = dial.value(&app.scope(which), &run.description.tensors);
    Slider {
        ends: which.ends(),
        value,
        wanted: dial.preview.as_ref().map(|preview| preview.value),
        quiet: app.theme.quiet,
        style: style(app, which),
    }
}

fn style(app: &App, which: Which) -> Style {
    match which {
        Which::WeightDecay => app.theme.weight_decay,
        Which::LearningRate => app.theme.learning_rate,
    }
}

/// How long decay alone would take: half of a weight in (ln 2)/(ηλ) steps, 1/e of it in τ = 1/(ηλ).
fn timescale(app: &App, run: &Run) -> String {
    match coming_rate(app, run) {
        Ok(rate) if rate > 0.0 => {
            let epochs = 1.0 / rate / run.description.steps_per_epoch.max(1) as f64;
            format!("{}  τ {} = {} epochs", half_life(app, run), count(1.0 / rate), digits::three(epochs))
        }
        Ok(_) => "half-life: never (no decay)".into(),
        Err(Unknown::NoDecay) => "λ does nothing: decay mode none".into(),
        // In the width of the panel.
        Err(Unknown::Mixed) => "no half-life: L2 mixes with adaptive steps".into(),
        Err(Unknown::Cautious) => "no half-life: cautious decay spares weights".into(),
        Err(Unknown::Hooked) => "no half-life: a hook changes the gradient".into(),
        Err(_) => "no half-life: no formula for this rule".into(),
    }
}

/// The half-life alone, in 22 columns.
fn half_life(app: &App, run: &Run) -> String {
    match coming_rate(app, run) {
        Ok(rate) if rate > 0.0 => {
            let steps = count(std::f64::consts::LN_2 / rate);
            // The unit goes where the number leaves no room for it.
            let unit = if steps.len() <= 6 { " steps" } else { "" };
            format!("half-life {steps}{unit}")
        }
        Ok(_) => "half-life: never".into(),
        Err(_) => "no half-life".into(),
    }
}

/// The rate of decay with the values that are being turned to, so that one sees what they mean before they are in
/// force.
fn coming_rate(app: &App, run: &Run) -> Result<f64, Unknown> {
    run.decay_rate(coming(app, run, Which::LearningRate), coming(app, run, Which::WeightDecay))
}

/// ηλ with those values where it throws the weights past zero.
fn coming_overshoot(app: &App, run: &Run) -> Option<f64> {
    run.overshoot(coming(app, run, Which::LearningRate), coming(app, run, Which::WeightDecay))
}

fn coming(app: &App, run: &Run, which: Which) -> f64 {
    let dial = run.dial(which);
    let value = || dial.value(&app.scope(which), &run.description.tensors);
    dial.preview.as_ref().map_or_else(value, |preview| preview.value)
}

/// Steps, as whole numbers while those say enough.
fn count(steps: f64) -> String {
    if (9.5..999_999.0).contains(&steps) { digits::thousands(steps.round() as u64) } else { digits::three(steps) }
}

/// How λ enters the update, in a word.
pub(super) fn mode_name(mode: DecayMode) -> &'static str {
    match mode {
        DecayMode::L2 => "L2",
        DecayMode::Decoupled => "decoupled",
        DecayMode::Cautious => "cautious",
        DecayMode::Corrected => "corrected",
        DecayMode::None => "no decay",
    }
}

/// The rule's own hyperparameters, as many as there is room for, from the chosen one on.
fn rule<'a>(app: &App, run: &Run, width: u16) -> Line<'a> {
    let mode = mode_name(run.description.config.optimizer.decay_mode);
    let chosen = match app.chosen {
        Chosen::Hyper(at) if app.focus == Panel::Knobs => Some(at),
        _ => None,
    };
    let name = format!("{} {mode}", printable(&run.description.config.optimizer.name));
    let mut line = Line::styled(if chosen > Some(0) { "…".into() } else { name }, app.theme.quiet);
    let mut places = (chosen.unwrap_or(0)..run.hyper.len()).peekable();
    while let Some(at) = places.next() {
        let (mark, style) = match (chosen == Some(at), &run.turning) {
            (true, Some(_)) => ("▸", app.theme.pending),
            (true, None) => ("▸", app.theme.strong),
            (false, _) => ("", app.theme.quiet),
        };
        let part = Span::styled(format!("  {mark}{}", hyper(run, at)), style);
        // All but the last leave room for the sign that more would follow.
        let sign = if places.peek().is_some() { 3 } else { 0 };
        if line.width() + part.width() + sign > usize::from(width) {
            line.push_span(Span::styled("  …", app.theme.quiet));
            break;
        }
        line.push_span(part);
    }
    line
}

/// A hyperparameter with its value, and where it is going: `β1 0.9 → 0.921`.
fn hyper(run: &Run, at: usize) -> String {
    let Some((key, value)) = run.hyper.get(at) else { return String::new() };
    let knob = Knob::from(key.clone());
    let turned = run.turning.as_ref().filter(|turning| turning.hyper == at).map(|turning| turning.value);
    let pending = run.pending.iter().rev().find(|pending| pending.setting.knob == knob);
    let then = turned.or(pending.and_then(|pending| pending.setting.value));
    let then = then.map(|then| format!(" → {}", knob.show(then, plain))).unwrap_or_default();
    format!("{} {}{then}", knob.symbol(), knob.show(*value, plain))
}

/// As people write them: 0.999, 1e-8.
fn plain(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-3 { format!("{value:e}") } else { value.to_string() }
}

/// An area that is filled line by line.
struct Lines {
    area: Rect,
}

impl Lines {
    fn next(&mut self) -> Option<Rect> {
        let line = Rect { height: 1, ..self.area };
        let rest = self.area.height.checked_sub(1)?;
        self.area = Rect { y: self.area.y + 1, height: rest, ..self.area };
        Some(line)
    }

    fn write(&mut self, line: Line, buffer: &mut Buffer) {
        if let Some(area) = self.next() {
            buffer.set_line(area.x, area.y, &line, area.width);
        }
    }
}
