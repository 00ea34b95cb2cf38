//! Draws the README's picture: the screen of a real run of the demo, with λ turned from 0 to 3 at step 1,000.
//!
//! `cargo run --release --example picture > assets/screen.svg`

use std::fmt::Write;
use std::time::Duration;

use crossbeam_channel::bounded;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use wdtop::cli;
use wdtop::stream::{RunConfig, RunOptions, StepBatch, What, lossless};
use wdtop::train::{self, Experiment};
use wdtop::tui::{App, Msg, Options, Theme, update, view};

const WIDTH: u16 = 120;
const HEIGHT: u16 = 36;
/// Updates of the run, and how many of them the demo makes in a second.
const STEPS: u64 = 1240;
const PACE: f64 = 50.0;

/// A cell's size in the picture.
const CELL: (f64, f64) = (8.43, 16.4);
const BACKGROUND: &str = "#16181d";
const FOREGROUND: &str = "#d0d4da";

fn main() -> anyhow::Result<()> {
    let arguments = ["--steps", &STEPS.to_string(), "--edit", "1000:weight_decay=3"];
    let (config, options) = cli::configure("demo", &arguments)?;
    print!("{}", svg(&screen_after(config, options)?));
    Ok(())
}

/// The screen after a run, as if it had gone at the demo's pace.
fn screen_after(config: RunConfig, options: RunOptions) -> anyhow::Result<Buffer> {
    let options = RunOptions { pace: 0.0, ..options };
    let (_commands, obeyed) = bounded(1);
    let (sender, events) = lossless(64);
    train::spawn(Experiment::prepare(config, options)?, obeyed, sender)?;
    let mut app = App::new(Options { recording: Some("demo".into()), ..Options::default() }, Theme::many());
    while let Ok(mut event) = events.recv() {
        match &mut event.what {
            What::Finished(_) => break,
            What::Started(description) => {
                description.options.pace = PACE;
                description.total_steps = None;
            }
            What::Steps(batch) => *batch = at_pace(batch),
            What::Evaluated(evaluation) => evaluation.seconds = evaluation.step as f64 / PACE,
            What::Edited(edit) => edit.seconds = edit.step as f64 / PACE,
            _ => {}
        }
        update(&mut app, Msg::Event(event));
    }
    update(&mut app, Msg::Event(What::Recording { bytes: 640_000, trouble: None }.into()));
    update(&mut app, Msg::Tick(Duration::from_secs_f64(STEPS as f64 / PACE)));
    let mut terminal = Terminal::new(TestBackend::new(WIDTH, HEIGHT))?;
    terminal.draw(|frame| view(&app, frame))?;
    Ok(terminal.backend().buffer().clone())
}

/// The same statistics with the wall time they would have had.
fn at_pace(batch: &StepBatch) -> StepBatch {
    let mut paced = StepBatch::new(batch.tensors());
    for (row, sums) in batch.iter() {
        let mut row = *row;
        row.seconds = (row.step + 1) as f64 / PACE;
        paced.push(row, sums);
    }
    paced
}

/// A buffer as SVG: a rectangle for each run of cells with a background, a text for each run of one style.
fn svg(buffer: &Buffer) -> String {
    let (width, height) = (f64::from(buffer.area.width) * CELL.0, f64::from(buffer.area.height) * CELL.1);
    let mut out = String::new();
    let mut line = |text: std::fmt::Arguments| writeln!(out, "{text}").expect("a string takes everything");
    line(format_args!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0} {:.0}\" font-size=\"14\" \
         font-family=\"'DejaVu Sans Mono', Menlo, Consolas, monospace\" xml:space=\"preserve\">",
        width + 16.0,
        height + 16.0
    ));
    line(format_args!("<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>"));
    for y in 0..buffer.area.height {
        let cells: Vec<&Cell> = (0..buffer.area.width).map(|x| &buffer[(x, y)]).collect();
        let mut x = 0;
        for run in cells.chunk_by(|a, b| style(a) == style(b)) {
            let text: String = run.iter().map(|cell| cell.symbol()).collect();
            let (foreground, background, weight) = style(run[0]);
            let left = 8.0 + x as f64 * CELL.0;
            let (top, length) = (8.0 + f64::from(y) * CELL.1, run.len() as f64 * CELL.0);
            if background != BACKGROUND {
                line(format_args!(
                    "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{length:.1}\" height=\"{}\" fill=\"{background}\"/>",
                    CELL.1
                ));
            }
            if !text.trim().is_empty() {
                let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                line(format_args!(
                    "<text x=\"{left:.1}\" y=\"{:.1}\" textLength=\"{length:.1}\" fill=\"{foreground}\"{weight}>{text}</text>",
                    top + 12.9
                ));
            }
            x += run.len();
        }
    }
    line(format_args!("</svg>"));
    out
}

/// Foreground, background and weight of a cell.
fn style(cell: &Cell) -> (String, String, &'static str) {
    let mut colors = [color(cell.fg, FOREGROUND), color(cell.bg, BACKGROUND)];
    if cell.modifier.contains(Modifier::REVERSED) {
        colors.reverse();
    }
    let weight = match cell.modifier {
        modifier if modifier.contains(Modifier::BOLD) => " font-weight=\"bold\"",
        modifier if modifier.contains(Modifier::DIM) => " opacity=\"0.6\"",
        _ => "",
    };
    let [foreground, background] = colors;
    (foreground, background, weight)
}

fn color(color: Color, default: &str) -> String {
    let (r, g, b) = match color {
        Color::Reset => return default.to_owned(),
        Color::Rgb(r, g, b) => (r, g, b),
        Color::Indexed(index @ 16..=231) => {
            // The 6×6×6 cube of a terminal's 256 colours.
            let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
            (level((index - 16) / 36), level((index - 16) / 6 % 6), level((index - 16) % 6))
        }
        Color::Indexed(index @ 232..) => {
            let grey = 8 + 10 * (index - 232);
            (grey, grey, grey)
        }
        Color::Gray => (0xc0, 0xc0, 0xc0),
        Color::DarkGray => (0x80, 0x80, 0x80),
        Color::Red | Color::LightRed => (0xe0, 0x6c, 0x75),
        Color::Green | Color::LightGreen => (0x98, 0xc3, 0x79),
        Color::Yellow | Color::LightYellow => (0xe5, 0xc0, 0x7b),
        Color::Blue | Color::LightBlue => (0x61, 0xaf, 0xef),
        Color::Magenta | Color::LightMagenta => (0xc6, 0x78, 0xdd),
        Color::Cyan | Color::LightCyan => (0x56, 0xb6, 0xc2),
        _ => return default.to_owned(),
    };
    format!("#{r:02x}{g:02x}{b:02x}")
}
