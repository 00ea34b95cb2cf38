//! Charts for a paper: those of the screen, as vector graphics on white.

mod marks;
mod paper;
mod plan;

use std::fmt::Write as _;
use std::io::Write;

use self::marks::{marks, notches};
use self::paper::{LETTER, Paper, Pen, sheet};
use self::plan::{Plan, Smoothing, letter, plans};
use super::unwritten;
use crate::chart::{Alignment, Chart, Frame, Join, Mark, Places, Ruler, Scale, Trace, digits, sign};
use crate::record::error::Error;
use crate::record::session::Session;
use crate::record::table::shortened;
use crate::series::{Average, Extent, Points};

/// The picture in points: a chart's size with its axes and labels, its title above, and a line below.
const WIDTH: u16 = 860;
const HEIGHT: u16 = 290;
const TITLE: u16 = 24;
const LINE: u16 = 16;
const MARGIN: u16 = 12;

/// Letters of the labels on the left of every chart, so that all begin at the same place.
const GUTTER: u16 = 8;
/// Letters beside a label: a blank, and a piece of its curve.
const BESIDE: u16 = 5;

/// Letters of a curve's name.
const LONGEST: usize = 28;

/// A decade and more is worth a logarithmic axis.
const LOGARITHMIC_FROM: f32 = 10.0;

/// Values that go through all of their range more often than this cannot be followed.
const ROUGH: f64 = 6.0;

/// Writes an SVG picture of the charts asked for, one below the other, with every edit as a mark.
///
/// Of one session a chart is `loss` or `accuracy` (of batches, training and validation), a value that each tensor has
/// (`norm`, `grad_norm`, `rotation`, `budget_decay`, …), or any one curve of it by its name; where none is asked for,
/// losses and norms. Of several sessions a chart is a curve, over each other; where none is asked for, the validation
/// loss.
///
/// # Errors
/// Where no session has such a chart or a value in one that was asked for, a step file cannot be opened, or the writer
/// fails.
pub fn to_svg(sessions: &[Session], asked: &[String], alignment: Alignment, out: &mut dyn Write) -> Result<(), Error> {
    let plans = plans(sessions, asked)?;
    let edit = |session: usize, number: usize| sessions[session].edits().nth(number - 1).map(|edit| edit.step);
    let places = Places::new(alignment, sessions.len(), edit);
    let mut charts = read(sessions, plans, &places)?;
    // Nobody would know why a chart that was asked for is not there.
    if let Some((_, name)) = charts.iter().zip(asked).find(|(chart, _)| !chart.all.has_values()) {
        return Err(Error::NoValues { name: name.clone() });
    }
    charts.retain(|chart| chart.all.has_values());
    let labels = charts.iter().flat_map(|chart| &chart.curves).map(|curve| curve.label.chars().count() as u16);
    let room = labels.max().unwrap_or(0) + BESIDE;

    let ends = charts.iter().flat_map(|chart| &chart.curves).filter_map(|curve| curve.points.at().last());
    let ruler = places.ruler(0..ends.max().unwrap_or(0).max(1) + 1);
    let (marks, notches) = (marks(sessions, &places), notches(sessions, &places));
    let told = told(sessions, &marks, &places);
    let mut body = String::new();
    let mut y = u32::from(MARGIN);
    for chart in &charts {
        put(&mut body, format_args!("<g transform=\"translate({MARGIN} {y})\">"));
        chart.draw(&ruler, &marks, &notches, room, &mut body);
        body.push_str("</g>\n");
        y += u32::from(TITLE + HEIGHT + LINE);
    }
    if charts.is_empty() {
        put(&mut body, format_args!("<text x=\"{MARGIN}\" y=\"{}\">{NOTHING}</text>", y + u32::from(LINE)));
        y += u32::from(TITLE);
    }
    for line in flow(&told, usize::from(WIDTH / LETTER.0)) {
        put(&mut body, format_args!("<text x=\"{MARGIN}\" y=\"{y}\">{}</text>", escaped(&line)));
        y += u32::from(LINE);
    }
    let names: Vec<String> = sessions.iter().map(|session| escaped(&session.name)).collect();
    let (width, height) = (WIDTH + 2 * MARGIN, y + u32::from(MARGIN));
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-size=\"11\" \
         font-family=\"Helvetica, Arial, DejaVu Sans, sans-serif\">\n<title>{}</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{body}</svg>\n",
        names.join(", ")
    );
    out.write_all(svg.as_bytes()).map_err(unwritten)
}

const NOTHING: &str = "nothing was recorded that could be drawn";

/// What is in a chart.
struct Figure {
    title: String,
    curves: Vec<Curve>,
    /// Everything between the lowest and the highest value.
    all: Extent,
    /// Where it does not follow from the values.
    scale: Option<Scale>,
    /// Of several sessions differences matter, not how far all are from 0.
    from_zero: FromZero,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FromZero {
    Yes,
    No,
}

/// A series at its places.
struct Curve {
    points: Points,
    smooth: Option<Smooth>,
    label: String,
    colour: u32,
    pen: Pen,
}

/// An average through a series, and the share of the past that it keeps.
struct Smooth {
    points: Points,
    beta: f64,
}

/// Reads all curves; the files of a session once.
fn read(sessions: &[Session], plans: Vec<Plan>, places: &Places) -> Result<Vec<Figure>, Error> {
    let mut curves = Vec::with_capacity(sessions.len());
    for (at, session) in sessions.iter().enumerate() {
        let lines = plans.iter().flat_map(|plan| &plan.lines).filter(|line| line.session == at);
        let names: Vec<&str> = lines.map(|line| line.column.as_str()).collect();
        curves.push(session.curves(&names)?.into_iter());
    }
    let from_zero = if sessions.len() == 1 { FromZero::Yes } else { FromZero::No };
    let mut figures = Vec::with_capacity(plans.len());
    for Plan { title, lines, scale } in plans {
        let mut figure = Figure { title, curves: Vec::new(), all: Extent::EMPTY, scale, from_zero };
        for line in lines {
            let values = places.curve(line.session, &curves[line.session].next().unwrap_or_default());
            let points: Points = values.iter().copied().collect();
            figure.all = figure.all.join(points.values().extent(0..values.len()));
            let smooth = smoothed(&values, line.smoothing);
            let shown = smooth.as_ref().map_or(&points, |smooth| &smooth.points);
            let last = shown.values().iter().filter(|value| value.is_finite()).last();
            let label = format!(
                "{} {}",
                shortened(&line.name, LONGEST),
                last.map_or("—".into(), |last| digits::three(last.into()))
            );
            figure.curves.push(Curve { points, smooth, label, colour: line.colour, pen: line.pen });
        }
        figures.push(figure);
    }
    Ok(figures)
}

/// An average through a series that is to be smoothed, over up to a hundredth of it.
fn smoothed(values: &[(u64, f32)], smoothing: Smoothing) -> Option<Smooth> {
    let wanted = match smoothing {
        Smoothing::Never => false,
        Smoothing::Rough => is_rough(values),
        Smoothing::Always => true,
    };
    let beta = match values.len() {
        _ if !wanted => return None,
        0..3_000 => 0.9,
        3_000..30_000 => 0.99,
        _ => 0.999,
    };
    let mut average = Average::new(beta);
    let points = values.iter().map(|(at, value)| (*at, average.push((*value).into()) as f32)).collect();
    Some(Smooth { points, beta })
}

/// Whether values go up and down by more than a curve can show.
fn is_rough(values: &[(u64, f32)]) -> bool {
    let finite: Vec<f32> = values.iter().map(|(_, value)| *value).filter(|value| value.is_finite()).collect();
    let all = finite.iter().fold(Extent::EMPTY, |all, value| all.join(Extent::of(*value)));
    let jumps: f64 = finite.windows(2).map(|pair| f64::from((pair[1] - pair[0]).abs())).sum();
    jumps > ROUGH * f64::from(all.max - all.min)
}

impl Figure {
    fn draw(&self, ruler: &Ruler, marks: &[Mark<u32>], notches: &[u64], room: u16, svg: &mut String) {
        let all = self.all;
        let decades = all.min > 0.0 && all.max / all.min >= LOGARITHMIC_FROM;
        let scale = self.scale.unwrap_or(if decades { Scale::Log } else { Scale::Linear });
        let range = match (self.from_zero, scale) {
            (FromZero::No, Scale::Linear) => scale.round_out(all.min.into(), all.max.into()),
            _ => scale.range(all),
        };
        put(svg, format_args!("<text x=\"0\" y=\"10\" font-weight=\"bold\">{}</text>", escaped(&self.title)));
        let settings = self.settings(scale);
        put(
            svg,
            format_args!(
                "<text x=\"{}\" y=\"10\" text-anchor=\"end\" fill=\"#{:06x}\">{settings}</text>",
                WIDTH - room * LETTER.0,
                QUIET
            ),
        );
        put(svg, format_args!("<g transform=\"translate(0 {TITLE})\">"));
        let sheet = sheet(WIDTH, HEIGHT, GUTTER * LETTER.0);
        let frame = Frame::new(sheet, ruler, range, scale, room);
        let traces = self.traces(frame.edges());
        let chart = Chart { frame: &frame, traces: &traces, marks, notches, told: None, quiet: QUIET };
        chart.draw(&mut Paper::new(&frame, svg));
        svg.push_str("</g>\n");
    }

    /// What one has to know to read it.
    fn settings(&self, scale: Scale) -> String {
        let gaps = self.all.gaps;
        let gaps = (gaps > 0).then(|| format!("× {} not finite", digits::thousands(gaps.into())));
        let scale = (scale == Scale::Log).then(|| "log y".to_owned());
        let smooth = self.curves.iter().find_map(|curve| curve.smooth.as_ref());
        let smooth = smooth.map(|smooth| format!("smooth {}", smooth.beta));
        let settings: Vec<String> = [gaps, scale, smooth].into_iter().flatten().collect();
        settings.join(" · ")
    }

    /// All curves, and behind them as they are those that are smoothed.
    fn traces(&self, edges: &[u64]) -> Vec<Trace<Pen, u32>> {
        let trace = |points: &Points, curve: &Curve, pen, label| Trace {
            columns: points.between(edges).collect(),
            pen,
            style: curve.colour,
            label,
            join: Join::Line,
        };
        let bands = self.curves.iter().filter(|curve| curve.smooth.is_some());
        let bands = bands.map(|curve| trace(&curve.points, curve, BAND, None));
        let lines = self.curves.iter().map(|curve| {
            let points = curve.smooth.as_ref().map_or(&curve.points, |smooth| &smooth.points);
            trace(points, curve, curve.pen, Some(curve.label.clone()))
        });
        bands.chain(lines).collect()
    }
}

/// Axes and words.
const QUIET: u32 = 0x333333;

/// What is smoothed, as it is.
const BAND: Pen = Pen { dashes: "", width: 1.0, opacity: 0.3 };

/// What the signs mean: the sessions by their letters, each edit and note, and once what else is marked.
fn told(sessions: &[Session], marks: &[Mark<u32>], places: &Places) -> Vec<String> {
    let names = sessions.iter().enumerate().map(|(at, session)| format!("{} {}", letter(at), session.name));
    let mut told: Vec<String> = if sessions.len() > 1 { names.collect() } else { Vec::new() };
    for mark in marks {
        let text = match sign::meaning(&mark.sign) {
            Some(meaning) => format!("{} {meaning}", mark.sign),
            None => format!("{} {}: {}", mark.sign, places.told(mark.at), mark.text),
        };
        if !told.contains(&text) {
            told.push(text);
        }
    }
    told
}

/// As many texts in a line as it has room for.
fn flow(texts: &[String], letters: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for text in texts {
        match lines.last_mut().filter(|line| line.chars().count() + BLANK.len() + text.chars().count() <= letters) {
            Some(line) => line.extend([BLANK, text.as_str()]),
            None => lines.push(text.clone()),
        }
    }
    lines
}

/// Between two texts in a line; more than one blank XML has no place for.
const BLANK: &str = " · ";

fn put(svg: &mut String, text: std::fmt::Arguments) {
    // A string takes everything.
    let _ = writeln!(svg, "{text}");
}

/// Text as XML has it; what XML has no place for becomes a sign that it was there.
fn escaped(text: &str) -> String {
    let text = crate::stream::printable(text);
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(values: impl Iterator<Item = f32>) -> Figure {
        let points: Points = (0..).zip(values).collect();
        let all = points.values().extent(0..points.at().len());
        let pen = Pen { dashes: "", width: 1.0, opacity: 1.0 };
        let curve = Curve { points, smooth: None, label: "it".into(), colour: 0, pen };
        Figure { title: "it".into(), curves: vec![curve], all, scale: None, from_zero: FromZero::Yes }
    }

    fn draw(figure: &Figure) -> String {
        let ends = figure.curves.iter().filter_map(|curve| curve.points.at().last());
        let ruler = Places::default().ruler(0..ends.max().unwrap_or(0) + 1);
        let mut svg = String::new();
        figure.draw(&ruler, &[], &[], 10, &mut svg);
        svg
    }

    /// The path of the curve, in words of one place each.
    fn path(svg: &str) -> &str {
        let line = svg.lines().find(|line| line.contains("#000000")).unwrap_or_default();
        line.split('"').nth(1).unwrap_or_default()
    }

    #[test]
    fn a_spike_of_a_single_step_reaches_the_top_at_any_length() {
        for length in [10, 1_000, 300_000] {
            let svg = draw(&figure((0..length).map(|at| if at == length / 3 { 10.0 } else { 1.0 })));
            // The plot begins eleven points below its sheet.
            assert!(path(&svg).contains(" 11.1") || path(&svg).contains("V11.1"), "{length}: {svg}");
            assert!(svg.len() < 20_000, "{} bytes for {length} steps", svg.len());
        }
    }

    #[test]
    fn values_that_are_not_finite_break_the_curve() {
        let with = |gap: f32| draw(&figure((0..100).map(|at| if at == 50 { gap } else { 2.0 })));
        assert_eq!(path(&with(2.0)).matches('M').count(), 1);
        for gap in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let svg = with(gap);
            assert_eq!(path(&svg).matches('M').count(), 2, "{svg}");
            assert!(svg.contains(">×</text>") && svg.contains("× 1 not finite"), "{svg}");
        }
    }

    #[test]
    fn only_what_jumps_is_smoothed() {
        let values = |jump: f32| -> Vec<(u64, f32)> {
            (0..500).map(|at| (at, at as f32 / 500.0 + jump * (at % 2) as f32)).collect()
        };
        assert!(
            smoothed(&values(0.0), Smoothing::Rough).is_none() && smoothed(&values(0.3), Smoothing::Rough).is_some()
        );
        assert!(
            smoothed(&values(0.3), Smoothing::Never).is_none() && smoothed(&values(0.0), Smoothing::Always).is_some()
        );
    }
}
