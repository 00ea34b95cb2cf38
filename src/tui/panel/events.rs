//! What happened, the last thing first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::frame;
use crate::stream::{Author, Edit, Knob, StopReason, printable};
use crate::tui::app::journal::{Entry, Happening};
use crate::tui::app::{App, Panel, Run};
use crate::tui::coach::Hint;
use crate::tui::digits;

/// The panel.
pub(in crate::tui) fn render(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    let inside = frame(app, Panel::Events, "events", "", area, buffer);
    if run.journal.entries.is_empty() {
        let text = "nothing yet: turn λ with ] and see what happens";
        buffer.set_stringn(inside.x + 1, inside.y, text, inside.width.into(), app.theme.quiet);
    }
    let entries = run.journal.entries.iter().rev().skip(app.scrolled);
    for (y, entry) in (inside.y..inside.bottom()).zip(entries) {
        buffer.set_line(inside.x + 1, y, &line(app, run, entry), inside.width.saturating_sub(2));
    }
}

/// The last event alone.
pub(in crate::tui) fn last(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    if let Some(entry) = run.journal.entries.last() {
        buffer.set_line(area.x + 1, area.y, &line(app, run, entry), area.width.saturating_sub(2));
    }
}

fn line<'a>(app: &App, run: &Run, entry: &'a Entry) -> Line<'a> {
    let theme = &app.theme;
    let plain = Style::new();
    let (sign, style, text) = match &entry.what {
        Happening::Edited(number) => return edited(app, run, *number),
        Happening::Refused(reason) => ("!", theme.warning, printable(reason)),
        Happening::Noted(text) => ("✎", plain, printable(text)),
        Happening::Paused => ("‖", theme.quiet, "paused: Space goes on, n makes one step".into()),
        Happening::Resumed => ("▸", theme.quiet, "resumed".into()),
        Happening::Hint(hint) => ("!", theme.strong, advice(hint).into()),
        Happening::Diverged(what, weights) => {
            let text = format!("diverged: {} was not finite; {weights}", printable(what));
            ("×", theme.warning, text.into())
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
    Line::from(vec![
        Span::styled(format!("{sign:<2}"), style),
        Span::styled(format!("step {:>7}  ", digits::thousands(entry.step)), theme.quiet),
        Span::styled(text, style),
    ])
}

/// What was noticed, with its numbers and what may help.
fn advice(hint: &Hint) -> String {
    let Hint::Overfitting { rise, remedy } = hint;
    let noticed = format!("overfitting: val {} → {}", digits::three(rise.from), digits::three(rise.to));
    match remedy {
        Some((key, value)) => format!("{noticed}; press {key} for λ {}", digits::exact(*value)),
        None => noticed,
    }
}

/// An edit; the last one with what changed since.
fn edited<'a>(app: &App, run: &Run, number: usize) -> Line<'a> {
    let Some(edit) = run.journal.edits.get(number - 1) else { return Line::default() };
    let style = match edit.knob {
        Knob::WeightDecay => app.theme.weight_decay,
        Knob::LearningRate => app.theme.learning_rate,
        Knob::Hyper(_) => Style::new(),
    };
    let by = match edit.by {
        Author::Keys => "",
        Author::CommandLine => "  by --edit",
    };
    let mut line = Line::from(vec![
        Span::styled(format!("{:<2}", digits::mark(number)), style),
        Span::styled(format!("step {:>7}  ", digits::thousands(edit.step)), app.theme.quiet),
        Span::styled(printable(&describe(edit)).into_owned(), style.patch(app.theme.strong)),
        Span::styled(by, app.theme.quiet),
    ]);
    if number == run.journal.edits.len() {
        line.push_span(Span::styled("   since then: ", app.theme.quiet));
        match run.history.around(edit) {
            Some((before, after)) => {
                let loss = after.validation.loss - before.validation.loss;
                let accuracy = 100.0 * (after.validation.accuracy - before.validation.accuracy);
                let arrow = |change: f64| if change > 0.0 { "▲" } else { "▼" };
                line.push_span(Span::styled(
                    format!(
                        "val {} {}   accuracy {} {}",
                        digits::signed(loss),
                        arrow(loss),
                        digits::points(accuracy),
                        arrow(accuracy)
                    ),
                    app.theme.validation,
                ));
            }
            None => line.push_span(Span::styled("no evaluation yet", app.theme.quiet)),
        }
        if let Some((tensor, change)) =
            run.description.tensors.get(app.tensor).zip(run.history.norm_since(app.tensor, edit))
        {
            line.push_span(format!("   {} {}", printable(&tensor.name), digits::change(change)));
        }
    }
    line
}

/// An edit in a few words: `λ 0 → 3.00 (all)`.
fn describe(edit: &Edit) -> String {
    let follows = if edit.inherits { " as all others" } else { "" };
    let (from, to) = (digits::exact(edit.from), digits::exact(edit.to));
    format!("{} {from} → {to}{follows} ({})", edit.knob.symbol(), edit.scope)
}
