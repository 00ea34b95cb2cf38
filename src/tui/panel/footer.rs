//! The line at the foot: what is being typed, asked or said, otherwise the most useful keys.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};
use tui_input::Input;

use super::flow;
use super::help::wrap;
use super::norm;
use crate::stream::{Scope, StopReason, Summary, printable};
use crate::tui::app::dial::Which;
use crate::tui::app::{App, Mode, Phase, Tone};
use crate::tui::digits;
use crate::tui::update::candidates;

/// The keys that are worth a place, most useful first.
const KEYS: [(&str, &str); 18] = [
    ("[ ]", "λ"),
    ("w", "set λ"),
    (", .", "η"),
    ("Space", "pause"),
    (PANELS, "panels"),
    ("?", "help"),
    ("q", "quit"),
    ("u", "views"),
    ("e", "explain"),
    ("z", "undo"),
    ("v", "compare"),
    ("t", "scope"),
    (":", "command"),
    ("Tab", "panel"),
    ("Enter", "zoom"),
    ("+ -", "charts"),
    ("i", "values"),
    ("( )", "pace"),
];

/// The first and the last of the panels' keys.
const PANELS: &str = "1 6";

/// Those of the crosshair.
const KEYS_OF_THE_CROSSHAIR: [(&str, &str); 5] =
    [("h l", "another step"), ("+ -", "nearer, further"), ("=", "last step"), ("Esc", "leaves"), ("?", "help")];

/// Those that do something when the run is over.
const KEYS_OF_THE_END: [(&str, &str); 5] =
    [("q", "leaves"), ("Tab", "panel"), ("Enter", "zoom"), ("y", "axis"), ("?", "help")];

/// Those of a recording.
const KEYS_OF_A_REPLAY: [(&str, &str); 12] = [
    ("Space", "pause"),
    ("( )", "speed"),
    ("Left Right", "seek"),
    ("q", "leaves"),
    ("?", "help"),
    ("g", "step"),
    ("'", "next edit"),
    ("u", "views"),
    ("v", "compare"),
    ("i", "values"),
    ("Tab", "panel"),
    ("Enter", "zoom"),
];

/// Those that do something at its end.
const KEYS_OF_A_REPLAYS_END: [(&str, &str); 6] =
    [("q", "leaves"), ("Left", "back"), ("g", "step"), ("i", "values"), ("Tab", "panel"), ("?", "help")];

/// One line; what is asked comes before what is said, and that before the keys.
pub(in crate::tui) fn render(app: &App, area: Rect, buffer: &mut Buffer) {
    let theme = &app.theme;
    let line = match (&app.mode, &app.notice) {
        _ if app.interrupted.is_some() => Line::styled("ctrl-c again to quit at once", theme.warning),
        (
            Mode::Typing { error: Some(error), .. }
            | Mode::Commanding { error: Some(error), .. }
            | Mode::Seeking { error: Some(error), .. },
            _,
        ) => {
            return whole(app, &printable(error), area, buffer);
        }
        (Mode::Typing { which, scope, input, .. }, _) => {
            let whose = match scope {
                Scope::All => "all tensors".into(),
                scope => printable(&scope.to_string()).into_owned(),
            };
            let prompt = format!("{} for {whose}: ", which.knob().symbol());
            let taken = Span::raw(format!("{prompt}{}", input.value())).width() + 6;
            let room = usize::from(area.width).saturating_sub(taken);
            if let Some(units) = units(app, *which, scope, input.value(), room) {
                let line = typing(app, prompt, input, units);
                buffer.set_line(area.x + 1, area.y, &line, area.width.saturating_sub(2));
                return;
            }
            let follow = if *scope == Scope::All { "" } else { "all: as all others   " };
            typing(app, prompt, input, format!("{follow}Enter sets it   Esc leaves it"))
        }
        (Mode::Noting { input }, _) => typing(app, "note: ".into(), input, "Enter keeps it   Esc leaves it".into()),
        (Mode::Seeking { input, .. }, _) => {
            typing(app, "step: ".into(), input, "Enter goes there   Esc leaves it".into())
        }
        (Mode::Filtering { input }, _) => {
            typing(app, "tensors with: ".into(), input, "Enter keeps it   Esc lists all".into())
        }
        (Mode::Commanding { input, .. }, _) => {
            let end = match foreseen(app) {
                nothing if nothing.is_empty() => candidates(app, input.value()).join("  "),
                foreseen => foreseen,
            };
            typing(app, ":".into(), input, printable(&end).into_owned())
        }
        (Mode::ConfirmQuit, _) => {
            let record = if app.options.recording.is_some() { " (the recording is kept)" } else { "" };
            Line::styled(format!("stop training and quit?{record}   y yes   any other key: no"), theme.strong)
        }
        (Mode::Leaving { .. }, _) => {
            Line::styled("stopping: one last evaluation …   ctrl-c twice to quit at once", theme.strong)
        }
        (_, notice)
            if notice.as_ref().is_none_or(|notice| notice.tone == Tone::Plain)
                && app.turns_unseen()
                && !foreseen(app).is_empty() =>
        {
            Line::styled(foreseen(app), theme.pending)
        }
        (_, Some(notice)) => {
            let style = match notice.tone {
                Tone::Plain => theme.strong,
                Tone::Warning => theme.warning,
            };
            Line::styled(printable(&notice.text).into_owned(), style)
        }
        _ => match &app.phase {
            _ if app.crosshair.is_some() => {
                let area = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
                return flow(KEYS_OF_THE_CROSSHAIR.map(|of| key(app, of)).into(), 3, area, buffer);
            }
            Phase::Finished(summary) => return over(app, finished(app, summary), area, buffer),
            Phase::Failed(message) => {
                let line = Line::styled(format!("training failed: {}", printable(message)), theme.warning);
                return over(app, line, area, buffer);
            }
            Phase::Diverged => Line::styled(app.keyed("diverged: `Space` asks what to do, `q` stops"), theme.warning),
            _ => return keys(app, area, buffer),
        },
    };
    buffer.set_line(area.x + 1, area.y, &line, area.width.saturating_sub(2));
}

/// What is predicted of the values that are being turned to.
fn foreseen(app: &App) -> String {
    app.run.as_ref().map_or(String::new(), |run| super::knobs::foresee(app, run).join("  "))
}

/// Where the chosen tensor's norm would go, and what is typed for λ in every unit, as many as there is room for.
fn units(app: &App, which: Which, scope: &Scope, text: &str, room: usize) -> Option<String> {
    let run = app.run.as_ref()?;
    let mut parts = Vec::new();
    if which == Which::WeightDecay {
        let weight_decay = run.weight_decay_of(scope, text).ok()?;
        parts = run.exchange(app.tensor).describe(weight_decay, digits::near);
    }
    let coming = app.coming(run, app.tensor)?;
    let told = run.predict(app.tensor, &coming).ok().map(|prediction| norm::tell(&prediction));
    told.into_iter().for_each(|told| parts.insert(parts.len().min(1), told));
    let mut line = String::from("=");
    for part in parts {
        if Span::raw(format!("{line}  {part}")).width() > room {
            break;
        }
        line += &format!("{}{part}", if line == "=" { " " } else { "  " });
    }
    Some(line)
}

/// An error with everything that it says is allowed, over as many lines above as it takes.
fn whole(app: &App, text: &str, area: Rect, buffer: &mut Buffer) {
    let lines = wrap(text, area.width.saturating_sub(2).into());
    let above = (lines.len() as u16).saturating_sub(1).min(area.y);
    let area = Rect { y: area.y - above, height: above + 1, ..area };
    Clear.render(area, buffer);
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        buffer.set_stringn(area.x + 1, y, &line, area.width.saturating_sub(2).into(), app.theme.warning);
    }
}

fn keys(app: &App, area: Rect, buffer: &mut Buffer) {
    let pause = if app.phase == Phase::Paused { "go on" } else { "pause" };
    let keys: &[(&str, &str)] = if app.replays() { &KEYS_OF_A_REPLAY } else { &KEYS };
    let keys = keys.iter().map(|(name, what)| (*name, if *what == "pause" { pause } else { *what }));
    let area = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    // Where there is room for one panel, the way to the others is worth more than a second way to λ, and one of two ways
    // to them is enough.
    let narrow = area.width <= 60;
    let keys = keys.filter(|(name, _)| !narrow || !(*name == "w" || *name == PANELS && app.zoomed));
    // Who is in a panel first wants to know the way back.
    let out = ("Esc", if narrow { "panels" } else { "all panels" });
    let keys = app.zoomed.then_some(out).into_iter().chain(keys);
    flow(keys.map(|of| key(app, of)).collect(), 3, area, buffer);
}

fn key<'a>(app: &App, (name, what): (&'static str, &'static str)) -> Line<'a> {
    let name = match app.keys(name) {
        keys if name == PANELS => keys.replace(' ', "–"),
        keys => keys.replace("Left", "←").replace("Right", "→"),
    };
    Line::from(vec![Span::styled(name, app.theme.strong), Span::raw(" "), Span::styled(what, app.theme.quiet)])
}

/// How it ended, and the keys that still do something. That there is a way out is told however long the rest is.
fn over(app: &App, end: Line, area: Rect, buffer: &mut Buffer) {
    let area = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    let keys: &[(&str, &str)] = if app.replays() { &KEYS_OF_A_REPLAYS_END } else { &KEYS_OF_THE_END };
    let keys: Vec<Line> = keys.iter().map(|of| key(app, *of)).collect();
    let way_out = keys[0].width() as u16 + 3;
    let width = (end.width() as u16).min(area.width.saturating_sub(way_out));
    buffer.set_line(area.x, area.y, &end, width);
    let taken = if width == 0 { 0 } else { width + 3 };
    flow(keys, 3, Rect { x: area.x + taken, width: area.width.saturating_sub(taken), ..area }, buffer);
}

fn finished<'a>(app: &App, summary: &Summary) -> Line<'a> {
    let steps = digits::thousands(summary.steps);
    match summary.reason {
        StopReason::Diverged => {
            let text = format!("diverged after {steps} steps: try a smaller η or λ");
            Line::styled(text, app.theme.warning)
        }
        reason => {
            let (loss, accuracy) = (digits::three(summary.validation.loss), digits::share(summary.validation.accuracy));
            let text = format!("{reason} after {steps} steps: validation {loss}, {accuracy}");
            Line::styled(text, app.theme.strong)
        }
    }
}

/// A line that is being typed, its cursor, and what ends it.
fn typing<'a>(app: &App, prompt: String, input: &Input, end: String) -> Line<'a> {
    let text = printable(input.value()).into_owned();
    let mut after = text.chars();
    let before: String = after.by_ref().take(input.cursor()).collect();
    let cursor = after.next().unwrap_or(' ').to_string();
    Line::from(vec![
        Span::styled(prompt, app.theme.strong),
        Span::raw(before),
        Span::styled(cursor, Style::new().add_modifier(Modifier::REVERSED)),
        Span::raw(after.collect::<String>()),
        Span::styled("   ", app.theme.quiet),
        Span::styled(end, app.theme.quiet),
    ])
}
