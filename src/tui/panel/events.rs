//! What happened, the last thing first; but above all what the last edit did.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::frame;
use crate::stream::{Alert, AlertKind, Author, Columns, Edit, Knob, Level, StopReason, printable};
use crate::tui::Access;
use crate::tui::app::effect::{Effect, Shift};
use crate::tui::app::journal::{Entry, Happening};
use crate::tui::app::{App, Panel, Run};
use crate::tui::coach::Hint;
use crate::tui::digits;

/// The panel.
pub(in crate::tui) fn render(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    let inside = frame(app, Panel::Events, Panel::Events.name(), "", area, buffer);
    if run.journal.entries.is_empty() {
        let keys = if run.weight_decay.all > 0.0 { "[ ]" } else { "]" };
        let text = match app.options.access {
            Access::Full => {
                format!("nothing yet: turn λ with {} and see what happens", app.keys(keys).replace(' ', " or "))
            }
            Access::Replay => app.keyed("nothing yet: `'` goes to the next edit"),
            Access::ReadOnly => "nothing yet".into(),
        };
        buffer.set_stringn(inside.x + 1, inside.y, &text, inside.width.into(), app.theme.quiet);
    }
    let width = inside.width.saturating_sub(2);
    // What came after an edit must not hide what it did.
    let is_last_edit = |entry: &&Entry| {
        let Happening::Edited(number) = entry.what else { return false };
        number == run.journal.edits.len()
    };
    let hero = run.journal.entries.iter().rev().find(is_last_edit);
    let others = run.journal.entries.iter().rev().filter(|entry| !is_last_edit(entry));
    let entries = hero.into_iter().chain(others).skip(app.scrolled);
    let lines = entries.flat_map(|entry| wrap(line(app, run, entry, width, Stamp::Step), width));
    for (y, line) in (inside.y..inside.bottom()).zip(lines) {
        buffer.set_line(inside.x + 1, y, &line, width);
    }
}

/// The last event alone.
pub(in crate::tui) fn last(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    if let Some(entry) = run.journal.entries.last() {
        let width = area.width.saturating_sub(2);
        buffer.set_line(area.x + 1, area.y, &told(app, line(app, run, entry, width, Stamp::Step), width), width);
    }
}

/// The last event in the foot of a panel's border, where nothing else tells it.
pub(in crate::tui) fn in_border(app: &App, run: &Run, panel: Rect, buffer: &mut Buffer) {
    if let Some(entry) = run.journal.entries.last().filter(|_| panel.height > 1) {
        let width = panel.width.saturating_sub(6);
        let line = told(app, line(app, run, entry, width, Stamp::Left), width);
        let (x, y, width) = (panel.x + 2, panel.bottom() - 1, line.width() as u16);
        buffer.set_stringn(x, y, " ".repeat(usize::from(width) + 2), usize::from(panel.right() - x), Style::new());
        buffer.set_line(x + 1, y, &line, width);
    }
}

/// Whether a line says when.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stamp {
    Step,
    /// There is no room for it.
    Left,
}

impl Stamp {
    fn of<'a>(self, app: &App, step: u64) -> Span<'a> {
        match self {
            Stamp::Step => Span::styled(format!("step {:>7}  ", digits::thousands(step)), app.theme.quiet),
            Stamp::Left => Span::raw(""),
        }
    }
}

fn line<'a>(app: &App, run: &Run, entry: &'a Entry, width: u16, stamp: Stamp) -> Line<'a> {
    let theme = &app.theme;
    let plain = Style::new();
    let letter;
    let (sign, style, text) = match &entry.what {
        Happening::Edited(number) => return edited(app, run, *number, width, stamp),
        Happening::Refused(reason) => ("!", theme.warning, printable(reason)),
        Happening::Noted(number, text) => {
            letter = app.options.glyphs.note(*number);
            (letter.as_str(), plain, printable(text))
        }
        Happening::Snapshot => ("▣", plain, app.keyed("snapshot: `B` goes back to it").into()),
        Happening::Restored(to) => {
            ("↶", theme.strong, format!("back to the snapshot of step {}", digits::thousands(*to)).into())
        }
        Happening::Skipped => ("↷", theme.strong, "the batch of this step was left out".into()),
        Happening::Alert(alert, others) => {
            let style = if alert.level == Level::Info { theme.strong } else { theme.warning };
            let more = match others {
                0 => String::new(),
                1 => " and 1 other".into(),
                others => format!(" and {others} others"),
            };
            let told = format!("{}{more}", alert.describe(digits::three));
            let text = format!("{}: {}", with_key(app, run, alert, told), alert.hint);
            ("▲", style, printable(&text).into_owned().into())
        }
        Happening::Paused => ("‖", theme.quiet, app.keyed("paused: `Space` goes on, `n` makes one step").into()),
        Happening::Resumed => ("▸", theme.quiet, "resumed".into()),
        Happening::Hint(hint) => ("!", theme.strong, advice(app, hint).into()),
        Happening::Diverged(what, weights) => {
            let text = format!("diverged: {} was not finite; {weights}", printable(what));
            ("×", theme.warning, text.into())
        }
        Happening::Columns(Columns::Kept) => ("●", plain, "columns are recorded again, from a snapshot on".into()),
        Happening::Columns(Columns::LeftOut) => {
            ("○", theme.strong, app.keyed("edits and evaluations alone are recorded: `R` records all again").into())
        }
        Happening::Unrecorded(reason) => {
            ("!", theme.warning, format!("recording stopped: {}", printable(reason)).into())
        }
        Happening::Finished(summary) => {
            let style = if summary.reason == StopReason::Diverged { theme.warning } else { theme.strong };
            let text = format!(
                "{}: training {} {}, validation {} {}",
                summary.reason,
                digits::three(summary.train.loss),
                digits::share(summary.train.accuracy),
                digits::three(summary.validation.loss),
                digits::share(summary.validation.accuracy)
            );
            ("■", style, text.into())
        }
        Happening::Failed(message) => ("×", theme.warning, format!("training failed: {}", printable(message)).into()),
    };
    Line::from(vec![Span::styled(format!("{sign:<2}"), style), stamp.of(app, entry.step), Span::styled(text, style)])
}

/// An alert that tells of overfitting has the key that would help before its numbers: where there is one line for it,
/// that is what must not be cut. What was done since has answered it.
fn with_key(app: &App, run: &Run, alert: &Alert, told: String) -> String {
    let open = run.journal.edits.last().is_none_or(|edit| edit.step < alert.step);
    let remedy = run.remedy().filter(|_| open && alert.kind == AlertKind::Overfitting && !app.looks_on());
    match (remedy, told.split_once(" (")) {
        (Some((key, value)), Some((head, numbers))) => {
            format!("{head}: press {} for λ {} ({numbers}", app.keys(&key.to_string()), digits::exact(value))
        }
        _ => told,
    }
}

/// What was noticed, with its numbers and what may help.
fn advice(app: &App, hint: &Hint) -> String {
    let Hint::Overfitting { rise, remedy } = hint;
    let noticed = format!("overfitting: val {} → {}", digits::three(rise.from), digits::three(rise.to));
    match remedy {
        Some((key, value)) => {
            let key = app.keys(&key.to_string());
            format!("{noticed}; press {key} for λ {}", digits::exact(*value))
        }
        None => noticed,
    }
}

/// An edit with what it did: the last one what changed since, others what changed until the next one.
fn edited<'a>(app: &App, run: &Run, number: usize, width: u16, stamp: Stamp) -> Line<'a> {
    let Some(edit) = run.journal.edits.get(number - 1) else { return Line::default() };
    let style = match edit.knob {
        Knob::WeightDecay | Knob::DecayMode => app.theme.weight_decay,
        Knob::LearningRate => app.theme.learning_rate,
        Knob::Hyper(_) => Style::new(),
    };
    let by = match edit.by {
        Author::Keys => "",
        Author::CommandLine => "  by --edit",
    };
    let mut line = Line::from(vec![
        Span::styled(format!("{:<2}", app.options.glyphs.edit(number)), style),
        stamp.of(app, edit.step),
        Span::styled(printable(&edit.describe(digits::exact)).into_owned(), style.patch(app.theme.strong)),
        Span::styled(by, app.theme.quiet),
    ]);
    let effects = match run.journal.edits.get(number) {
        None => since(app, run, number, edit),
        Some(next) => until(app, run, edit, (number + 1, next)),
    };
    let rescue =
        run.journal.rescues.contains(&number).then(|| Span::styled("   overfitting stopped", app.theme.strong));
    let mut effects = effects;
    // Of the last edit right behind what it did to the loss, of others behind all that they did.
    let last = run.journal.edits.len() == number;
    rescue
        .into_iter()
        .for_each(|rescue| effects.insert(if last { effects.len().min(1) } else { effects.len() }, rescue));
    // Whole parts only: half a number is a wrong number.
    for part in effects {
        if line.width() + part.width() > width.into() {
            break;
        }
        line.push_span(part);
    }
    line
}

/// What changed since the last edit, most important first.
fn since<'a>(app: &App, run: &Run, number: usize, edit: &Edit) -> Vec<Span<'a>> {
    let mut parts = match run.effect(number) {
        Some(Effect::Told { loss, accuracy }) => {
            let points = 100.0 * accuracy.by;
            let (shown_loss, shown_accuracy) = (digits::signed(loss.by), digits::points(points));
            let unit = if shown_accuracy == "—" { "" } else { " pts" };
            let loss = format!("   since then: val {shown_loss}{}", tail(loss, &shown_loss));
            let accuracy = format!("   accuracy {shown_accuracy}{unit}{}", tail(accuracy, &shown_accuracy));
            [loss, accuracy].map(|text| Span::styled(text, app.theme.validation)).into()
        }
        _ if app.is_over() => vec![Span::styled("   too short to tell", app.theme.quiet)],
        Some(Effect::Settling(more)) => {
            let steps = digits::thousands(run.steps_until(more));
            vec![Span::styled(format!("   settling: tells in {steps} steps"), app.theme.quiet)]
        }
        None => vec![Span::styled("   since then: no evaluation yet", app.theme.quiet)],
    };
    let tensor = run.description.tensors.get(app.tensor).zip(run.history.norm_since(app.tensor, edit));
    parts.extend(
        tensor.map(|(tensor, ratio)| Span::raw(format!("   {} {}", printable(&tensor.name), digits::change(ratio)))),
    );
    parts
}

/// Which way a change goes, or that it is none to speak of.
fn tail(shift: Shift, shown: &str) -> &'static str {
    if shift.is_noise() { " (noise)" } else { digits::arrow(shown, shift.by) }
}

/// What changed between an edit and the next one, where that one left it the time.
fn until<'a>(app: &App, run: &Run, edit: &Edit, (number, next): (usize, &Edit)) -> Vec<Span<'a>> {
    let history = &run.history;
    let loss = match run.effect(number - 1) {
        Some(Effect::Told { loss, .. }) => {
            let shown = digits::signed(loss.by);
            Some(format!("val {shown}{}", tail(loss, &shown)))
        }
        _ => None,
    };
    let norm = |step| history.norm_before(app.tensor, step);
    let ratio = norm(edit.step).zip(norm(next.step)).filter(|_| next.step > edit.step);
    let norm = run
        .description
        .tensors
        .get(app.tensor)
        .zip(ratio)
        .map(|(tensor, (before, after))| format!("{} {}", printable(&tensor.name), digits::change(after / before)));
    let mut lead = format!("   until {}: ", app.options.glyphs.edit(number));
    let told = loss.into_iter().chain(norm);
    told.map(|part| Span::styled(std::mem::replace(&mut lead, ", ".into()) + &part, app.theme.quiet)).collect()
}

/// The last event where there is one line for it: where that cuts it, the key of the panel that tells all of it.
fn told<'a>(app: &App, line: Line<'a>, width: u16) -> Line<'a> {
    if line.width() <= width.into() {
        return line;
    }
    let more = format!(" {}: all", app.keys(&Panel::Events.number().to_string()));
    let mut line = fit(line, width.saturating_sub(Span::raw(more.as_str()).width() as u16));
    line.push_span(Span::styled(more, app.theme.quiet));
    line
}

/// A line over as many as it takes, the text below itself.
fn wrap(line: Line, width: u16) -> Vec<Line> {
    let Some(last) = line.spans.last().filter(|_| line.width() > width.into()).cloned() else { return vec![line] };
    let mut head = Line::from(line.spans[..line.spans.len() - 1].to_vec());
    let indent = head.width();
    let texts = super::help::wrap(&last.content, usize::from(width).saturating_sub(indent).max(1));
    let texts = texts.into_iter().map(|text| {
        let mut line = std::mem::replace(&mut head, Line::raw(" ".repeat(indent)));
        line.push_span(Span::styled(text, last.style));
        line
    });
    texts.collect()
}

/// A line that shows where it had to be cut.
fn fit(line: Line, width: u16) -> Line {
    if line.width() <= width.into() {
        return line;
    }
    let mut room = usize::from(width).saturating_sub(1);
    let mut cut = Line::default();
    for span in line.spans {
        let text: String = span
            .content
            .chars()
            .take_while(|c| {
                let fits = Span::raw(c.to_string()).width() <= room;
                room = if fits { room - Span::raw(c.to_string()).width() } else { 0 };
                fits
            })
            .collect();
        cut.push_span(Span::styled(text, span.style));
    }
    cut.push_span("…");
    cut
}
