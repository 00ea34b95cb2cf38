//! Where each norm settles, and when.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{frame, inside, norm, shorten};
use crate::diagnostics::Forces;
use crate::tui::app::forecast::{Basis, Prediction};
use crate::tui::app::{App, Panel, Run};
use crate::tui::digits;

/// Rows that a chart needs beside the list.
const CHART: u16 = 7;
/// Lines below the list where there is room.
const FOOT: u16 = 2;
/// From this width on each tensor is told with what the formula says of it.
const WIDE: u16 = 70;
/// Below this width there is no room for when and by what.
const NARROW: u16 = 34;

/// Where the chart of the chosen tensor lies; `None` where the list leaves no room for it.
pub(super) fn chart_area(app: &App, area: Rect) -> Option<Rect> {
    let tensors = app.run.as_ref().map_or(0, |run| run.description.tensors.len());
    let list = u16::try_from(tensors).unwrap_or(u16::MAX).saturating_add(FOOT);
    let inside = inside(area);
    let height = inside.height.checked_sub(list).filter(|height| *height >= CHART)?;
    Some(Rect { height, ..inside })
}

/// A list of all tensors, the chart of the chosen one above it where there is room.
///
/// ```text
///  fc1.weight  27.7→12.4    840 trend   ‖w‖* 5.80 (not scale-invariant)
/// ```
pub(super) fn render(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    let chart = chart_area(app, area);
    let inside = match chart {
        Some(chart) => {
            norm::draw(app, run, "where ‖w‖ settles", area, buffer);
            let inside = inside(area);
            Rect { y: chart.bottom(), height: inside.height - chart.height, ..inside }
        }
        None => {
            let settings = if area.width > NARROW + 1 { "in steps, by" } else { "" };
            frame(app, Panel::Norm, "where ‖w‖ settles", settings, area, buffer)
        }
    };
    let rows = rows(app, run, usize::from(inside.height.saturating_sub(1)));
    let bottom = inside.y + rows.len() as u16;
    for (y, at) in (inside.y..).zip(rows) {
        row(app, run, at, Rect { y, height: 1, ..inside }, buffer);
    }
    let foot = foot(app, run, inside.width);
    for (y, text) in (bottom..inside.bottom()).zip(foot) {
        buffer.set_stringn(inside.x + 1, y, &text, inside.width.saturating_sub(1).into(), app.theme.quiet);
    }
}

/// As many tensors as there is room for in their order, matrices rather than others, the chosen one always.
fn rows(app: &App, run: &Run, room: usize) -> Vec<usize> {
    let tensors = &run.description.tensors;
    let mut order: Vec<usize> = (0..tensors.len()).collect();
    order.sort_by_key(|at| (*at != app.tensor, tensors[*at].shape.len() < 2));
    order.truncate(room);
    order.sort_unstable();
    order
}

fn row(app: &App, run: &Run, at: usize, area: Rect, buffer: &mut Buffer) {
    let style = if at == app.tensor { app.theme.selected } else { Style::new() };
    let coming = app.coming(run, at);
    let forces = coming.unwrap_or_else(|| run.forces(at));
    let width = if area.width >= WIDE { 16 } else { 10 };
    let name = shorten(run, at, width);
    buffer.set_stringn(area.x, area.y, format!(" {name:<width$}"), area.width.into(), style);
    let (x, room) = (area.x + width as u16 + 1, area.width.saturating_sub(width as u16 + 1));
    let (text, tone) = match run.predict(at, &forces) {
        Ok(prediction) => {
            let tone = match prediction.doubt {
                Some(_) => app.theme.quiet,
                None if coming.is_some() => app.theme.pending,
                None => style,
            };
            (told(run, at, &prediction, area.width), tone)
        }
        Err(reason) => {
            let norm = run.tracks.get(at).and_then(|track| track.norm()).map_or("—".into(), digits::three);
            (format!("{norm:>5} {reason}"), app.theme.quiet)
        }
    };
    buffer.set_stringn(x, area.y, &text, room.into(), tone);
    let formula = run.by_formula(at, &forces).ok().filter(|formula| formula.doubt.is_some());
    if let Some((formula, doubt)) = formula.and_then(|it| Some((it, it.doubt?))).filter(|_| area.width >= WIDE) {
        let x = x + text.chars().count() as u16 + 3;
        let text = format!("{} {} ({doubt})", by(&formula), digits::three(formula.approach.target));
        buffer.set_stringn(x, area.y, &text, area.right().saturating_sub(x).into(), app.theme.quiet);
    }
}

fn told(run: &Run, at: usize, prediction: &Prediction, width: u16) -> String {
    let approach = &prediction.approach;
    let now = run.tracks.get(at).and_then(|track| track.norm()).unwrap_or(approach.from);
    let way = format!("{:>5}→{:<5}", digits::three(now), digits::three(approach.target));
    if width < NARROW {
        return way;
    }
    let (time, by) = (time(prediction), by(prediction));
    let error = match prediction.doubt {
        None if width >= WIDE => format!(" ±{:.0} %", 100.0 * approach.error),
        _ => String::new(),
    };
    format!("{way}{time:>6} {by}{error}")
}

/// In how many updates it is there.
fn time(prediction: &Prediction) -> String {
    match prediction.approach.time() {
        0.0 => "there".into(),
        time if time < 1e5 => digits::thousands(time.round() as u64),
        time => digits::three(time),
    }
}

fn by(prediction: &Prediction) -> &'static str {
    match prediction.basis {
        Basis::Formula | Basis::Gradients => "‖w‖*",
        Basis::Memory => "√m‖w‖*",
        Basis::Trend => "trend",
    }
}

/// That the band has moved since the last edit because the loss became flatter or steeper under it; `None` where it has
/// not.
fn moved(app: &App, run: &Run, width: u16) -> Option<String> {
    let (course, track) = (run.course(app.tensor)?, run.tracks.get(app.tensor)?);
    let times = digits::three(course.steepened(track)?);
    let edit = app.options.glyphs.edit(run.journal.last_edit()?.0);
    let then = digits::three(course.foretold().target);
    if width < WIDE {
        return Some(format!("‖w‖* {then} at {edit}, ‖g‖²‖w‖² ×{times}"));
    }
    let (low, high) = course.band();
    let norm = track.norm()?;
    let place = if norm < low {
        "below"
    } else if norm > high {
        "above"
    } else {
        "within"
    };
    Some(format!("‖w‖* was {then} at {edit}, E[‖g‖²‖w‖²] is ×{times} since; ‖w‖ is {place} the band that follows it"))
}

/// ‖w‖* and what Lion's updates were measured to remember; `None` before they were.
fn remembered(run: &Run, tensor: usize, forces: &Forces) -> Option<String> {
    let track = run.tracks.get(tensor)?;
    let (memory, ideal) = (track.memory_of_updates()?, forces.equilibrium_norm(track.weights(), None).ok()?);
    Some(format!("‖w‖* {} times √m, m {} as updates remember", digits::three(ideal), digits::three(memory)))
}

/// What is behind the chosen tensor's numbers.
fn foot(app: &App, run: &Run, width: u16) -> Vec<String> {
    let coming = app.coming(run, app.tensor);
    let forces = coming.unwrap_or_else(|| run.forces(app.tensor));
    let moved = if coming.is_none() { moved(app, run, width) } else { None };
    let formula = match (run.by_formula(app.tensor, &forces), moved) {
        (Err(reason), _) => format!("‖w‖*: {reason}"),
        (Ok(formula @ Prediction { doubt: Some(doubt), .. }), _) => {
            format!("{} {}: {doubt}", by(&formula), digits::three(formula.approach.target))
        }
        (Ok(_), Some(moved)) => moved,
        (Ok(Prediction { basis: Basis::Gradients, .. }), None) => "‖w‖*: holds if ‖g‖·‖w‖ stays".into(),
        (Ok(Prediction { basis: Basis::Memory, .. }), None) => remembered(run, app.tensor, &forces).unwrap_or_default(),
        (Ok(_), None) => "‖w‖*: the formula holds".into(),
    };
    // Beside a formula that holds, what the budget says: where updates remember more or less than a walk's, it knows.
    let trend = match run.by_trend(app.tensor, &forces) {
        Ok(trend) => format!("trend: →{} if the norm's budget goes on as it is", digits::three(trend.approach.target)),
        Err(_) => "trend: if the norm's budget goes on as it is".into(),
    };
    match width {
        WIDE.. => vec![format!("{trend}; ‖w‖*: the formula, for layers before a normalisation"), formula],
        NARROW.. => vec![formula, trend],
        // What the list has no room for.
        _ => match run.predict(app.tensor, &forces) {
            Ok(prediction) => vec![match time(&prediction).as_str() {
                "there" => format!("there, by {}", by(&prediction)),
                time => format!("in {time} steps by {}", by(&prediction)),
            }],
            Err(_) => Vec::new(),
        },
    }
}
