//! Charts of a session for a paper: losses over norms, as vector graphics on white.

use std::fmt::Write as _;
use std::io::Write;

use super::unwritten;
use crate::record::curves::Point;
use crate::record::error::Error;
use crate::record::session::Session;
use crate::record::table::{brief, grouped};
use crate::series::Scale;
use crate::stream::Edit;

/// The picture in pixels: a chart's size, and the room around it.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 44.0;

/// Colours that print well and that every common kind of colour vision tells apart (Okabe and Ito, 2008).
const COLOURS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];

/// A decade and more is worth a logarithmic axis.
const LOGARITHMIC_FROM: f64 = 10.0;

/// What is drawn where nothing is asked for.
const USUAL: [&str; 2] = ["loss", "norm"];

/// Writes an SVG picture of the charts asked for, one below the other over the steps, with every edit as a mark; where
/// none is asked for, of the losses and norms.
///
/// A chart is `loss` or `accuracy` (of batches, training and validation), a value that each tensor has (`norm`,
/// `grad_norm`, `rotation`, `budget_decay`, …), or any one curve of the session by its name.
///
/// # Errors
/// Where the session has no such chart or no value in one that was asked for, a step file cannot be opened, or the writer fails.
pub fn to_svg(session: &Session, asked: &[String], out: &mut dyn Write) -> Result<(), Error> {
    let usual = USUAL.map(str::to_owned);
    // Of an imported session nothing is known of tensors: what it has not is left out unless it was asked for.
    let plans = match asked {
        [] => usual.iter().filter_map(|name| plan(session, name).ok()).collect(),
        asked => asked.iter().map(|name| plan(session, name)).collect::<Result<Vec<Plan>, Error>>()?,
    };
    let names: Vec<&str> = plans.iter().flat_map(|plan| &plan.lines).map(|line| line.column.as_str()).collect();
    let mut curves = session.curves(&names)?.into_iter();
    let mut charts: Vec<(&str, Vec<Line>)> = plans
        .iter()
        .map(|Plan { title, lines }| {
            let drawn = lines.iter().zip(curves.by_ref()).map(|(line, points)| {
                let PlannedLine { name, colour, style, .. } = line;
                Line { name, points, colour, style: *style }
            });
            (title.as_str(), drawn.collect::<Vec<Line>>())
        })
        .collect();
    // Nobody would know why a chart that was asked for is not there.
    if let Some((_, name)) = charts.iter().zip(asked).find(|((_, lines), _)| !has_values(lines)) {
        return Err(Error::NoValues { name: name.clone() });
    }
    charts.retain(|(_, lines)| has_values(lines));
    let last = charts.iter().flat_map(|(_, lines)| lines.iter()).filter_map(|line| line.points.last());
    let end = last.map(|point| point.step).max().unwrap_or(0).max(1) as f64;
    let edits: Vec<&Edit> = session.edits().collect();

    let mut svg = String::new();
    let (width, height) = (LEFT + WIDTH + RIGHT, (TOP + HEIGHT + BOTTOM) * charts.len().max(1) as f64);
    put(
        &mut svg,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-size=\"12\" \
             font-family=\"Helvetica, Arial, sans-serif\">\n<title>{}</title>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>",
            escaped(&session.name)
        ),
    );
    if charts.is_empty() {
        put(&mut svg, format_args!("<text x=\"{LEFT}\" y=\"{TOP}\">nothing was recorded that could be drawn</text>"));
    }
    for (at, (title, lines)) in charts.iter().enumerate() {
        let top = TOP + at as f64 * (TOP + HEIGHT + BOTTOM);
        Chart::of(lines, end, top).draw(&mut svg, &escaped(title), lines, &edits);
    }
    svg.push_str("</svg>\n");
    out.write_all(svg.as_bytes()).map_err(unwritten)
}

/// A chart to be: its title and what is drawn in it.
struct Plan {
    title: String,
    lines: Vec<PlannedLine>,
}

struct PlannedLine {
    column: String,
    name: String,
    colour: &'static str,
    style: Style,
}

/// What a chart of this name has.
fn plan(session: &Session, asked: &str) -> Result<Plan, Error> {
    let line = |column: String, name: &str, colour, style| PlannedLine { column, name: name.to_owned(), colour, style };
    let columns = session.columns();
    let title = if asked == "norm" { "‖w‖" } else { asked }.to_owned();
    if matches!(asked, "loss" | "accuracy") {
        let batches = line(asked.to_owned(), "batch", "#9ecae1", Style::Band);
        let training = line(format!("train/{asked}"), "train", COLOURS[0], Style::Thick);
        let validation = line(format!("validation/{asked}"), "validation", COLOURS[1], Style::Thick);
        // Of an imported session `loss` and `train/loss` may be one column.
        let batches = Some(batches).filter(|_| session.imported().is_none());
        return Ok(Plan { title, lines: batches.into_iter().chain([training, validation]).collect() });
    }
    let of_tensor = |(at, tensor): (usize, &String)| {
        let column = format!("{tensor}/{asked}");
        columns.contains(&column).then(|| line(column, tensor, COLOURS[at % COLOURS.len()], Style::Thin))
    };
    let lines: Vec<PlannedLine> = session.tensors().iter().enumerate().filter_map(of_tensor).collect();
    if !lines.is_empty() {
        return Ok(Plan { title, lines });
    }
    if columns.iter().any(|column| column == asked) {
        return Ok(Plan { title, lines: vec![line(asked.to_owned(), asked, COLOURS[0], Style::Thick)] });
    }
    let values = columns.iter().map(|column| {
        let of_tensor = session
            .tensors()
            .into_iter()
            .find_map(|tensor| column.strip_prefix(&format!("{tensor}/")).map(str::to_owned));
        of_tensor.unwrap_or_else(|| column.clone())
    });
    let mut known: Vec<String> = Vec::new();
    values.for_each(|name| {
        if !known.contains(&name) {
            known.push(name)
        }
    });
    Err(Error::Column { name: asked.to_owned(), known: known.join(", ") })
}

/// A curve.
struct Line<'a> {
    name: &'a str,
    points: Vec<Point>,
    colour: &'static str,
    style: Style,
}

/// How a curve is drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    /// The extent of each pixel column, filled.
    Band,
    Thin,
    Thick,
}

fn has_values(lines: &[Line]) -> bool {
    lines.iter().flat_map(|line| &line.points).any(|point| point.value.is_finite())
}

/// A chart's scales: those of the charts on the screen.
struct Chart {
    /// The last step.
    end: f64,
    top: f64,
    /// The lowest and the highest value that has a place.
    range: (f64, f64),
    scale: Scale,
}

impl Chart {
    fn of(lines: &[Line], end: f64, top: f64) -> Chart {
        let values =
            lines.iter().flat_map(|line| &line.points).map(|point| point.value).filter(|value| value.is_finite());
        let (low, high) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        let (scale, low) = match low > 0.0 && high / low >= LOGARITHMIC_FROM {
            // A few values near nothing must not press all others together.
            true => (Scale::Log, low.max(high * 1e-5)),
            false => (Scale::Linear, low.min(0.0)),
        };
        Chart { end, top, range: scale.round_out(low, high), scale }
    }

    fn x(&self, step: f64) -> f64 {
        LEFT + WIDTH * (step / self.end).clamp(0.0, 1.0)
    }

    fn y(&self, value: f64) -> f64 {
        let share = self.scale.position(value.max(self.range.0), self.range).unwrap_or(0.0);
        self.top + HEIGHT * (1.0 - share.clamp(0.0, 1.0))
    }

    fn draw(&self, svg: &mut String, title: &str, lines: &[Line], edits: &[&Edit]) {
        put(svg, format_args!("<text x=\"{LEFT}\" y=\"{}\" font-weight=\"bold\">{title}</text>", self.top - 16.0));
        self.draw_axes(svg);
        for line in lines {
            match line.style {
                Style::Band => self.draw_band(svg, line),
                Style::Thin => self.draw_line(svg, line, 1.2),
                Style::Thick => self.draw_line(svg, line, 1.8),
            }
        }
        self.draw_edits(svg, edits);
        self.draw_names(svg, lines);
    }

    fn draw_axes(&self, svg: &mut String) {
        let (bottom, right) = (self.top + HEIGHT, LEFT + WIDTH);
        for tick in self.scale.ticks(self.range, 6) {
            let y = self.y(tick);
            put(svg, format_args!("<path d=\"M{LEFT} {y:.1}H{right}\" stroke=\"#e5e5e5\"/>"));
            let label = brief(tick);
            put(
                svg,
                format_args!("<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>", LEFT - 6.0, y + 4.0),
            );
        }
        for tick in Scale::Linear.ticks((0.0, self.end), 8) {
            let (x, label) = (self.x(tick), grouped(tick as u64));
            put(svg, format_args!("<path d=\"M{x:.1} {bottom}v5\" stroke=\"#333333\"/>"));
            put(svg, format_args!("<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{label}</text>", bottom + 19.0));
        }
        put(svg, format_args!("<text x=\"{right}\" y=\"{}\" text-anchor=\"end\">step</text>", bottom + 35.0));
        put(svg, format_args!("<path d=\"M{LEFT} {}V{bottom}H{right}\" fill=\"none\" stroke=\"#333333\"/>", self.top));
    }

    /// The smallest and the largest value of each pixel column, so that no spike is lost and a million steps are as
    /// large as a thousand.
    fn draw_band(&self, svg: &mut String, line: &Line) {
        let mut path = String::new();
        for stretch in self.columns(line) {
            let mut corners = stretch.iter().map(|(x, _, high)| (*x, self.y(*high))).collect::<Vec<_>>();
            corners.extend(stretch.iter().rev().map(|(x, low, _)| (*x, self.y(*low) + 0.6)));
            trace(&mut path, corners.into_iter());
            path.push('Z');
        }
        put(svg, format_args!("<path d=\"{path}\" fill=\"{0}\" stroke=\"{0}\" stroke-width=\"0.6\"/>", line.colour));
    }

    fn draw_line(&self, svg: &mut String, line: &Line, width: f64) {
        let mut path = String::new();
        if line.points.len() as f64 > 2.0 * WIDTH {
            for stretch in self.columns(line) {
                // Both ends of each column: what goes up and down within it is drawn as that.
                let both = stretch.iter().flat_map(|(x, low, high)| {
                    let ends = if low == high { vec![*high] } else { vec![*high, *low] };
                    ends.into_iter().map(move |value| (*x, value))
                });
                trace(&mut path, both.map(|(x, value)| (x, self.y(value))));
            }
        } else {
            for stretch in line.points.split(|point| !point.value.is_finite()) {
                trace(&mut path, stretch.iter().map(|point| (self.x(point.step as f64), self.y(point.value))));
            }
        }
        let colour = line.colour;
        put(
            svg,
            format_args!(
                "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" stroke-linejoin=\"round\"/>"
            ),
        );
    }

    /// Stretches of pixel columns with their smallest and largest value. A value that is not finite ends a stretch.
    fn columns(&self, line: &Line) -> Vec<Vec<(f64, f64, f64)>> {
        let mut stretches = vec![Vec::<(f64, f64, f64)>::new()];
        for point in &line.points {
            if !point.value.is_finite() {
                stretches.push(Vec::new());
                continue;
            }
            let (x, value) = (self.x(point.step as f64).floor(), point.value);
            let Some(stretch) = stretches.last_mut() else { continue };
            match stretch.last_mut() {
                Some((its, low, high)) if *its == x => (*low, *high) = (low.min(value), high.max(value)),
                _ => stretch.push((x, value, value)),
            }
        }
        stretches.retain(|stretch| !stretch.is_empty());
        stretches
    }

    fn draw_edits(&self, svg: &mut String, edits: &[&Edit]) {
        let mut free = [f64::NEG_INFINITY; 2];
        for edit in edits {
            let x = self.x(edit.step as f64);
            let (top, bottom) = (self.top, self.top + HEIGHT);
            put(svg, format_args!("<path d=\"M{x:.1} {top}V{bottom}\" stroke=\"#555555\" stroke-dasharray=\"3 3\"/>"));
            // Two rows of labels; where both are taken the line says that there was an edit.
            let text = edit.describe(brief);
            let Some(row) = free.iter().position(|free| *free <= x) else { continue };
            free[row] = x + 6.5 * text.chars().count() as f64 + 6.0;
            let y = top - 3.0 - 12.0 * row as f64;
            put(svg, format_args!("<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"10\">{}</text>", escaped(&text)));
        }
    }

    /// Names at the curves' ends, one below the other.
    fn draw_names(&self, svg: &mut String, lines: &[Line]) {
        let end = |line: &Line| line.points.iter().rev().find(|point| point.value.is_finite()).map(|point| point.value);
        let mut names: Vec<(f64, &Line)> = lines.iter().filter_map(|line| Some((self.y(end(line)?), line))).collect();
        names.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        let mut free = self.top + 4.0;
        for (wanted, line) in names {
            let y = (wanted + 4.0).max(free);
            free = y + 13.0;
            let (x, colour) = (LEFT + WIDTH + 6.0, line.colour);
            put(svg, format_args!("<text x=\"{x}\" y=\"{y:.1}\" fill=\"{colour}\">{}</text>", escaped(line.name)));
        }
    }
}

/// Adds a polyline to a path.
fn trace(path: &mut String, corners: impl Iterator<Item = (f64, f64)>) {
    for (at, (x, y)) in corners.enumerate() {
        let letter = if at == 0 { 'M' } else { 'L' };
        // A string takes everything.
        let _ = write!(path, "{letter}{x:.1} {y:.1}");
    }
}

fn put(svg: &mut String, text: std::fmt::Arguments) {
    // A string takes everything.
    let _ = writeln!(svg, "{text}");
}

/// Text as XML has it; what XML has no place for becomes a sign that it was there.
fn escaped(text: &str) -> String {
    let text = crate::stream::printable(text);
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
