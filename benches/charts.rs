//! Charts of ten million steps: what a picture of them costs, and what they take of memory.
//!
//! ```sh
//! cargo bench --bench charts [STEPS]
//! ```
//!
//! A chart has the whole of a screen of 200×50 here, with the lines around it. Timed is what the program does for each
//! picture: drawing it, and finding and handing on the cells that changed. Before that the terminal is cleared, outside
//! the time, so that no picture is cheap because little changed.

#[expect(dead_code, reason = "a bench plays a run and asks nothing of it")]
#[path = "../tests/screen/source.rs"]
mod source;

use std::hint::black_box;
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use source::Source;
use wdtop::tui::{App, Msg, Options, Theme, update, view};

const STEPS: u64 = 10_000_000;
/// Steps that arrive at once.
const BATCH: u64 = 10_000;
const ROUNDS: usize = 200;
/// Cells of the screen.
const WIDTH: u16 = 200;
const HEIGHT: u16 = 50;

fn main() {
    let steps = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(STEPS);
    let mut app = App::new(Options::default(), Theme::many());
    let mut source = Source::demo();
    let tensors = source.description.tensors.len() as u64;
    update(&mut app, Msg::Event(source.start()));
    let before = resident();
    while source.step < steps {
        for event in source.advance(BATCH.min(steps - source.step)) {
            update(&mut app, Msg::Event(event));
        }
    }
    let values = steps * (2 + 3 * tensors);
    println!(
        "{steps} steps of {tensors} tensors: two losses, and for each tensor norm, gradient and update: {values} values"
    );
    match before.zip(resident()) {
        Some((before, after)) => {
            let bytes = after.saturating_sub(before);
            let each = bytes as f64 / values as f64;
            println!("memory {:.0} MB, {each:.2} bytes a value, evaluations included", bytes as f64 / 1e6);
        }
        None => println!("memory: this system does not tell it"),
    }
    let mut terminal = Terminal::new(TestBackend::new(WIDTH, HEIGHT)).expect("a test terminal never fails");
    press(&mut app, KeyCode::Enter);
    measure("the chart of losses", ROUNDS, || draw(&app, &mut terminal));
    press(&mut app, KeyCode::Char('4'));
    measure("ten charts of norms", ROUNDS / 10, || {
        let keys = [KeyCode::Down; 5].into_iter().chain([KeyCode::Up; 5]);
        keys.map(|key| {
            press(&mut app, key);
            draw(&app, &mut terminal)
        })
        .sum()
    });
    press(&mut app, KeyCode::Enter);
    measure("the whole screen", ROUNDS, || draw(&app, &mut terminal));
    press(&mut app, KeyCode::Char('x'));
    press(&mut app, KeyCode::Char('x'));
    measure("the same by wall time", ROUNDS, || draw(&app, &mut terminal));
}

fn press(app: &mut App, code: KeyCode) {
    update(app, Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)));
}

/// How long it takes to draw on a terminal that shows nothing.
fn draw(app: &App, terminal: &mut Terminal<TestBackend>) -> Duration {
    terminal.clear().expect("a test terminal never fails");
    let start = Instant::now();
    terminal.draw(|frame| view(app, frame)).expect("a test terminal never fails");
    black_box(terminal.backend());
    start.elapsed()
}

/// Tells the fastest and the median of some rounds: the first is the program's, the second also what the machine did
/// beside it.
fn measure(what: &str, rounds: usize, round: impl FnMut() -> Duration) {
    let mut times: Vec<Duration> = std::iter::repeat_with(round).take(rounds).collect();
    times.sort_unstable();
    let [fastest, median] = [0, times.len() / 2].map(|at| times[at].as_secs_f64() * 1e6);
    println!("{what}: {fastest:.0} µs, median {median:.0} µs");
}

/// Bytes of this process in memory, where the system tells.
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
