//! A comparison as text, Markdown or CSV.

use super::align::{Aligned, AlignedRow};
use super::compare::{Best, Comparison, Difference, EditRow, Number, Outline, Standing, short_hash};
use super::table::{Cell, Mark, Side, Table, brief, plain, shortened, significant};
use crate::chart::digits::thousands;
use crate::stream::{Edit, printable};

/// Columns that a session's name, setting or edit may take on the screen: two sessions fit into 80.
const WIDEST: usize = 26;

/// Which of two values is better.
#[derive(Clone, Copy)]
enum Better {
    Lower,
    Higher,
}

impl Comparison {
    /// Aligned tables, for people.
    pub fn to_text(&self) -> String {
        self.join(Table::to_text, |title| format!("\n{title}\n"), |note| format!("\n{note}\n"))
    }

    /// Tables for a document.
    pub fn to_markdown(&self) -> String {
        self.join(Table::to_markdown, |title| format!("\n### {title}\n\n"), |note| format!("\n{note}\n"))
    }

    /// One table with the full values, a column for each session: for other programs.
    pub fn to_csv(&self) -> String {
        let mut table = self.values();
        let curves =
            self.curves.iter().map(|curve| (format!("{} at {} ", curve.column, curve.align), self.curve_table(curve)));
        let settings = [("setting ".to_owned(), self.setting_table())];
        let parts = settings.into_iter().chain(curves).chain([("edit at step ".to_owned(), self.edit_table())]);
        for (prefix, part) in parts {
            table.rows.extend(part.rows.into_iter().skip(1).map(|mut row| {
                row[0] = row[0].prefixed(&prefix);
                row
            }));
        }
        table.to_csv()
    }

    fn join(&self, write: fn(&Table) -> String, title: fn(&str) -> String, note: fn(&str) -> String) -> String {
        let mut text = write(&self.values());
        let differ = if self.settings.is_empty() { "Settings: all the same" } else { "Settings that differ" };
        text.push_str(&title(differ));
        if !self.settings.is_empty() {
            text.push_str(&write(&self.setting_table()));
        }
        for curve in &self.curves {
            text.push_str(&title(&format!("{} by {}", printable(&curve.column), curve.align)));
            text.push_str(&write(&self.curve_table(curve)));
        }
        text.push_str(&title(if self.edits.is_empty() { "Edits: none" } else { "Edits" }));
        if !self.edits.is_empty() {
            text.push_str(&write(&self.edit_table()));
        }
        for session in &self.sessions {
            let name = printable(&session.name);
            if session.standing == Standing::SoFar {
                let state = &session.state;
                text.push_str(&note(&format!(
                    "{name} ({state}) has no end: its final values are of its last evaluation and last recorded update"
                )));
            }
            for dropped in &session.notes {
                text.push_str(&note(&format!("{name}: {}", printable(dropped))));
            }
        }
        text
    }

    pub(super) fn values(&self) -> Table {
        let mut table = self.empty_table("session", Side::Right);
        let mut row = |label: Cell, cell: &dyn Fn(&Outline) -> Cell| {
            let cells = self.sessions.iter().map(cell);
            table.rows.push(std::iter::once(label).chain(cells).collect());
        };
        row(Cell::text("state"), &|session| Cell::text(session.state.clone()));
        row(Cell::text("steps"), &|session| Cell::value(thousands(session.steps), session.steps));
        row(Cell::text("epochs"), &|session| fixed(session.epochs, 2));
        row(Cell::text("seconds"), &|session| fixed(session.seconds, 1));
        row(Cell::text("samples/s"), &|session| fixed(session.samples_per_second, 0));

        let baseline = self.baseline.and_then(|at| self.sessions.get(at));
        let mut measure = |label: &str, better, show: fn(f64) -> String, value: &dyn Fn(&Outline) -> Option<f64>| {
            let best = self.best(better, value);
            row(Cell::text(label), &|session| match value(session) {
                Some(value) if Some(value) == best => Cell::value(show(value), value).marked(Mark::Best),
                Some(value) => Cell::value(show(value), value),
                None => Cell::missing(),
            });
            if let Some(baseline) = baseline {
                let less = |session: &Outline| {
                    Some(value(session)? - value(baseline)?).filter(|_| !std::ptr::eq(session, baseline))
                };
                let label = Cell::value("  less baseline".into(), format!("{label} less baseline"));
                row(label, &|session| less(session).map_or_else(Cell::missing, |less| difference(less, show)));
            }
        };
        let loss = |value| significant(value, 4);
        let share = |value: f64| format!("{:.2} %", 100.0 * value);
        let best = |best: Option<Best>| best.map(|best| best.value);
        let value = |number: Option<Number>| number.map(|number| number.0);
        measure("best validation loss", Better::Lower, loss, &|session| best(session.best_loss));
        measure("best validation accuracy", Better::Higher, share, &|session| best(session.best_accuracy));
        measure("final validation loss", Better::Lower, loss, &|session| value(session.validation.loss));
        measure("final validation accuracy", Better::Higher, share, &|session| value(session.validation.accuracy));
        measure("final training loss", Better::Lower, loss, &|session| value(session.train.loss));
        measure("final training accuracy", Better::Higher, share, &|session| value(session.train.accuracy));

        let step =
            |best: Option<Best>| best.map_or_else(Cell::missing, |best| Cell::value(thousands(best.step), best.step));
        let number = |number: Option<Number>| {
            number.map_or_else(Cell::missing, |number| Cell::value(significant(number.0, 4), number.0))
        };
        row(Cell::text("step of best loss"), &|session| step(session.best_loss));
        row(Cell::text("step of best accuracy"), &|session| step(session.best_accuracy));
        row(Cell::text("penalty"), &|session| number(session.penalty));
        let mut tensors: Vec<&str> = Vec::new();
        for tensor in self.sessions.iter().flat_map(|session| &session.norms) {
            if !tensors.contains(&tensor.name.as_str()) {
                tensors.push(&tensor.name);
            }
        }
        for tensor in tensors {
            let norm = |session: &Outline| {
                let found = session.norms.iter().find(|norm| norm.name == tensor);
                found.map(|found| Number(found.norm))
            };
            row(Cell::text(format!("‖{tensor}‖")), &|session| number(norm(session)));
        }
        row(Cell::text("weights' digest"), &|session| {
            let digest = session.digest.as_deref();
            digest.map_or_else(Cell::missing, |digest| Cell::value(printable(&short_hash(digest)).into_owned(), digest))
        });
        table
    }

    fn setting_table(&self) -> Table {
        let mut table = self.empty_table("setting", Side::Right);
        for Difference { key, values } in &self.settings {
            let cell = |value: &Option<String>| {
                let Some(value) = value else { return Cell::missing() };
                Cell::value(shortened(&printable(value), WIDEST), value)
            };
            table.rows.push(std::iter::once(Cell::text(key.clone())).chain(values.iter().map(cell)).collect());
        }
        table
    }

    pub(super) fn edit_table(&self) -> Table {
        let mut table = self.empty_table("step", Side::Left);
        table.sides[0] = Side::Right;
        for EditRow { step, edits } in &self.edits {
            let cell = |edit: &Option<Edit>| edit.as_ref().map_or_else(Cell::missing, described);
            let step = Cell::value(thousands(*step), step);
            table.rows.push(std::iter::once(step).chain(edits.iter().map(cell)).collect());
        }
        table
    }

    /// A curve's values, and with a baseline a row of differences after each.
    fn curve_table(&self, curve: &Aligned) -> Table {
        let mut table = self.empty_table(&curve.align, Side::Right);
        table.sides[0] = Side::Right;
        let cell = |value: f64| Cell::value(significant(value, 4), value);
        for AlignedRow { at, values } in &curve.rows {
            let whole = (0.0..1e15).contains(&at.0) && at.0.fract() == 0.0;
            let place = Cell::value(if whole { thousands(at.0 as u64) } else { brief(at.0) }, at.0);
            let cells = values.iter().map(|value| value.map_or_else(Cell::missing, |value| cell(value.0)));
            table.rows.push(std::iter::once(place).chain(cells).collect());
            let Some((baseline, before)) = self.baseline.and_then(|at| Some((at, values.get(at)?.as_ref()?))) else {
                continue;
            };
            let less = values.iter().enumerate().map(|(at, value)| match value {
                Some(value) if at != baseline => difference(value.0 - before.0, |value| significant(value, 4)),
                _ => Cell::missing(),
            });
            let label = Cell::value("less baseline".into(), format!("{} less baseline", at.0));
            table.rows.push(std::iter::once(label).chain(less).collect());
        }
        table
    }

    /// A table with a column for labels and one for each session, named in the header.
    fn empty_table(&self, corner: &str, side: Side) -> Table {
        let name = |session: &Outline| Cell::value(shortened(&printable(&session.name), WIDEST), &session.name);
        let header = std::iter::once(Cell::text(corner)).chain(self.sessions.iter().map(name)).collect();
        let sides = std::iter::once(Side::Left).chain(self.sessions.iter().map(|_| side)).collect();
        Table { sides, rows: vec![header] }
    }

    /// The best value, unless all are equal.
    fn best(&self, better: Better, value: &dyn Fn(&Outline) -> Option<f64>) -> Option<f64> {
        let values = || self.sessions.iter().filter_map(value).filter(|value| !value.is_nan());
        let best = values().reduce(match better {
            Better::Lower => f64::min,
            Better::Higher => f64::max,
        })?;
        values().any(|value| value != best).then_some(best)
    }
}

/// A difference with its sign.
fn difference(less: f64, show: fn(f64) -> String) -> Cell {
    let sign = if less > 0.0 { "+" } else { "" };
    Cell::value(format!("{sign}{}", show(less)), less)
}

fn fixed(number: Option<Number>, decimals: usize) -> Cell {
    let Some(number) = number else { return Cell::missing() };
    let shown = match decimals {
        0 if number.0.is_finite() && number.0 >= 0.0 => thousands(number.0.round() as u64),
        _ => format!("{:.decimals$}", number.0),
    };
    Cell::value(shown, number.0)
}

/// An edit as `λ 0 → 3`, with its scope unless that is all.
fn described(edit: &Edit) -> Cell {
    Cell::value(printable(&edit.describe(brief)).into_owned(), edit.describe(plain))
}
