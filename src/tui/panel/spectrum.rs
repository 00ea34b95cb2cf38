//! How far each matrix can stretch what goes into it, as it was measured at evaluations.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{chart, frame, horizon, readout, ruler, shorten};
use crate::chart::{Frame, Join, Scale};
use crate::series::{Extent, Points};
use crate::stream::{Spectra, TensorSpectrum};
use crate::tui::app::{App, Panel, Run};
use crate::tui::digits;
use crate::tui::widget::dots::Pen;
use crate::tui::widget::plot::Trace;

/// Rows that a chart needs beside the list.
const CHART: u16 = 7;
/// The head of the list, and the line below it.
const AROUND: u16 = 2;

/// σ₁ and stable rank of each matrix, what the last edit did to σ₁, and σ₁ of the chosen tensor as a chart where there is
/// room.
///
/// ```text
///  tensor        σ₁    stable rank since ①
///  fc1.weight  6.94   3.11 of 256    −58 %
/// ```
pub(super) fn render(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    let settings = if area.width < 36 { "" } else { "at evaluations" };
    let inside = frame(app, Panel::Norm, "spectrum", settings, area, buffer);
    let Some(last) = at(run, readout(app)) else {
        let text = if app.replays() { "not in this recording" } else { "no evaluation yet" };
        buffer.set_stringn(inside.x + 1, inside.y, text, inside.width.into(), app.theme.quiet);
        return;
    };
    let matrices: Vec<usize> = (0..run.description.tensors.len())
        .filter(|tensor| last.of(&run.description.tensors[*tensor].name).is_some())
        .collect();
    let list = (matrices.len() as u16).saturating_add(AROUND);
    let height = inside.height.checked_sub(list).filter(|height| *height >= CHART).unwrap_or(0);
    if height > 0 {
        draw(app, run, Rect { height, ..inside }, buffer);
    }
    let place = Rect { y: inside.y + height, height: inside.height - height, ..inside };
    let wide = inside.width >= 60;
    let name: usize = if wide { 16 } else { 10 };
    let edit = run.journal.last_edit().filter(|(_, edit)| edit.step < last.step);
    let since = edit.map_or(String::new(), |(number, _)| format!("since {}", app.options.glyphs.edit(number)));
    let rank = if wide { "stable rank" } else { "rank" };
    let columns = if wide { 12 } else { 6 };
    let head = format!(" {:<name$} {:>6} {rank:>columns$} {since:>8}", "tensor", "σ₁");
    buffer.set_stringn(place.x, place.y, &head, place.width.into(), app.theme.quiet);
    for (y, tensor) in (place.y + 1..place.bottom()).zip(&matrices) {
        let info = &run.description.tensors[*tensor];
        let Some(TensorSpectrum { norm, stable_rank, .. }) = last.of(&info.name) else { continue };
        let most = info.shape[0].min(info.len() / info.shape[0].max(1));
        let mut rank = digits::three(*stable_rank);
        if wide {
            rank += &format!(" of {most}");
        }
        let before = edit.and_then(|(_, edit)| at(run, edit.step)?.of(&info.name));
        let change = before.map_or(String::new(), |before| digits::change(norm / before.norm));
        let text =
            format!(" {:<name$} {:>6} {rank:>columns$} {change:>8}", shorten(run, *tensor, name), digits::three(*norm));
        let style = if *tensor == app.tensor { app.theme.selected } else { Style::new() };
        buffer.set_stringn(place.x, y, &text, place.width.into(), style);
    }
    let y = place.y + 1 + matrices.len() as u16;
    if y < place.bottom() {
        let step = digits::thousands(last.step);
        let text = if wide {
            format!(
                " at step {step}: σ₁ is how far a layer can stretch its input, the rank how many directions carry it"
            )
        } else {
            format!(" measured at step {step}")
        };
        buffer.set_stringn(place.x, y, &text, place.width.into(), app.theme.quiet);
    }
}

/// The last one before the update with this index.
pub(super) fn at(run: &Run, step: u64) -> Option<&Spectra> {
    let all = &run.history.spectra;
    all[..all.partition_point(|spectra| spectra.step <= step)].last()
}

/// σ₁ of the chosen tensor.
fn draw(app: &App, run: &Run, place: Rect, buffer: &mut Buffer) {
    let Some(name) = run.description.tensors.get(app.tensor).map(|tensor| tensor.name.as_str()) else { return };
    let mut points = Points::default();
    for spectra in &run.history.spectra {
        if let Some(spectrum) = spectra.of(name) {
            points.push(spectra.step, spectrum.norm as f32);
        }
    }
    let x = ruler(app, run);
    let extent = points.extent(x.steps.start..x.steps.end.saturating_add(1).min(horizon(app)));
    if !extent.has_values() {
        return;
    }
    let y = Scale::Linear.round_out(0.0, extent.max.into());
    let plot = Frame::new(place, &x, y, Scale::Linear, 9);
    let columns: Vec<Extent> = points.between(plot.edges()).take(plot.columns_before(horizon(app))).collect();
    let label =
        points.last_before(readout(app).saturating_add(1)).map(|norm| format!("σ₁ {}", digits::three(norm.into())));
    let pen = Pen::among(app.options.glyphs, Some('s'));
    chart(app, run, plot, &[Trace { columns, pen, style: Style::new(), label, join: Join::Line }], place, buffer);
}
