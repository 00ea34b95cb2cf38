//! Charts of ten million steps: what a picture of them costs, and what they take of memory.
//!
//! ```sh
//! cargo bench --bench charts [STEPS]
//! ```
//!
//! A chart has the whole of a screen of 200×50 here, with the lines around it. The last picture of each is thrown away
//! before the next, so that none is cheap because little changed.

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
    press(&mut app, KeyCode::Enter);
    measure("the chart of losses", ROUNDS, || draw(&app));
    press(&mut app, KeyCode::BackTab);
    press(&mut app, KeyCode::BackTab);
    measure("ten charts of norms", ROUNDS / 10, || {
        for at in 0..10 {
            let key = if at < 5 { KeyCode::Down } else { KeyCode::Up };
            press(&mut app, key);
            draw(&app);
        }
    });
    press(&mut app, KeyCode::Enter);
    measure("the whole screen", ROUNDS, || draw(&app));
    press(&mut app, KeyCode::Char('x'));
    press(&mut app, KeyCode::Char('x'));
    measure("the same by wall time", ROUNDS, || draw(&app));
}

fn press(app: &mut App, code: KeyCode) {
    update(app, Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)));
}

fn draw(app: &App) {
    let mut terminal = Terminal::new(TestBackend::new(200, 50)).expect("a test terminal never fails");
    terminal.draw(|frame| view(app, frame)).expect("a test terminal never fails");
    black_box(terminal.backend());
}

/// Tells the fastest and the median of some rounds: the first is the program's, the second also what the machine did
/// beside it.
fn measure(what: &str, rounds: usize, mut work: impl FnMut()) {
    let mut times: Vec<Duration> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
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
