//! How fast each tensor turns, beside where that settles.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{frame, shorten};
use crate::diagnostics::measured;
use crate::tui::app::{App, Panel, Run};
use crate::tui::digits;

/// θ in degrees of each tensor, θ*, and their ratio; below them the balance over the layers.
pub(super) fn render(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    let inside = frame(app, Panel::Norm, "rotation", "°/step", area, buffer);
    let wide = inside.width >= 70;
    let name: u16 = if wide { 16 } else { 10 };
    // What does not fit whole is left out.
    let narrow = inside.width < 34;
    let ideal_head = if narrow { String::new() } else { format!(" {:>7}", "θ*") };
    let head = format!(" {:<width$} {:>7}{ideal_head}  θ/θ*", "tensor", "θ", width = usize::from(name));
    buffer.set_stringn(inside.x, inside.y, &head, inside.width.into(), app.theme.quiet);
    // The reason goes first where there is little room; with `Enter` there is.
    let tensors = u16::try_from(run.description.tensors.len()).unwrap_or(u16::MAX);
    let foot = if inside.height >= tensors.saturating_add(3) || inside.height < 5 { 2 } else { 1 };
    let room = usize::from(inside.height.saturating_sub(1 + foot));
    for (y, (at, track)) in (inside.y + 1..).zip(run.tracks.iter().enumerate().take(room)) {
        let style = if at == app.tensor { app.theme.selected } else { Style::new() };
        let theta = track.rotation();
        let ideal = run.forces(at).equilibrium_rotation();
        let doubt = ideal.err().or(track.invariance().doubt());
        let shown = |value: Option<f64>| value.map_or("—".into(), |value| digits::three(value.to_degrees()));
        let left = format!(" {:<width$} {:>7}", shorten(run, at, name.into()), shown(theta), width = usize::from(name));
        buffer.set_stringn(inside.x, y, &left, inside.width.into(), style);
        let mut right = if narrow { String::new() } else { format!(" {:>7}", shown(ideal.ok())) };
        if let (Some(theta), Ok(ideal)) = (theta, ideal) {
            right += &format!("  {}", digits::three(theta / ideal));
        }
        // What does not hold is dimmed, and says why where there is room.
        let tone = if doubt.is_some() { app.theme.quiet } else { style };
        if let Some(doubt) = doubt.filter(|_| wide) {
            right += &format!("   {doubt}");
        }
        let x = inside.x + name + 9;
        buffer.set_stringn(x, y, &right, inside.right().saturating_sub(x).into(), tone);
    }
    let matrices = run.tracks.iter().zip(&run.description.tensors).enumerate();
    let decayed = matrices.filter(|(at, (_, tensor))| tensor.shape.len() > 1 && run.forces(*at).weight_decay > 0.0);
    let balance = measured::balance(decayed.filter_map(|(_, (track, _))| track.rotation()));
    let text = match balance {
        Some(balance) if balance > 10.0 => format!(" balance max/min {}: above 10", digits::three(balance)),
        Some(balance) if narrow => format!(" balance {} (1 is even)", digits::three(balance)),
        Some(balance) => format!(" balance max/min {} (1 is even)", digits::three(balance)),
        None => " balance: needs two decayed matrices".into(),
    };
    let tone = if balance.is_some_and(|balance| balance > 10.0) { app.theme.warning } else { Style::new() };
    if inside.height > foot {
        buffer.set_stringn(inside.x, inside.bottom() - foot, &text, inside.width.into(), tone);
        let why = match run.tracks.get(app.tensor).and_then(|track| track.invariance().doubt()) {
            Some(doubt) if narrow => format!(" {doubt}"),
            Some(doubt) => format!(" dimmed: {doubt}"),
            None => " θ* holds for the chosen tensor".into(),
        };
        if foot > 1 {
            buffer.set_stringn(inside.x, inside.bottom() - 1, &why, inside.width.into(), app.theme.quiet);
        }
    }
}
