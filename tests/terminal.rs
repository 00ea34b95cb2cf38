//! The real program in a pseudo terminal.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a terminal is sent to get its ordinary screen, its cursor and plain pastes back.
const RESTORED: [&str; 3] = ["\x1b[?1049l", "\x1b[?25h", "\x1b[?2004l"];

/// A terminal with the program in it.
struct Window {
    line: Option<Line>,
    screen: Arc<Mutex<Screen>>,
    child: Box<dyn Child + Send + Sync>,
    /// The folders of the user's preferences: none of those who run the tests.
    home: tempfile::TempDir,
}

/// Our end of the terminal; without it the other end is hung up.
struct Line {
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    reader: JoinHandle<()>,
    hung_up: Arc<AtomicBool>,
    stalled: Arc<AtomicBool>,
}

struct Screen {
    parser: vt100::Parser,
    bytes: Vec<u8>,
}

impl Window {
    fn open(environment: &[(&str, &str)]) -> Self {
        Window::with(&["train", "demo", "--no-record"], environment)
    }

    fn with(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Window::at_home(tempfile::tempdir().unwrap(), arguments, environment)
    }

    fn at_home(home: tempfile::TempDir, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Window::run(env!("CARGO_BIN_EXE_wdtop"), home, arguments, environment)
    }

    fn run(program: &str, home: tempfile::TempDir, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let size = PtySize { rows: 36, cols: 120, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env("TERM", "xterm-256color");
        command.env("XDG_CONFIG_HOME", home.path().join("config"));
        command.env("XDG_STATE_HOME", home.path().join("state"));
        environment.iter().for_each(|(name, value)| command.env(name, value));
        let child = pair.slave.spawn_command(command).unwrap();
        let parser = vt100::Parser::new(cells(size.rows), cells(size.cols), 0);
        let screen = Arc::new(Mutex::new(Screen { parser, bytes: Vec::new() }));
        let mut output = pair.master.try_clone_reader().unwrap();
        let shown = Arc::clone(&screen);
        let hung_up = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&hung_up);
        let stalled = Arc::new(AtomicBool::new(false));
        let stalls = Arc::clone(&stalled);
        let reader = thread::spawn(move || {
            let mut buffer = [0; 1 << 14];
            while !ended.load(Ordering::SeqCst)
                && let Ok(count @ 1..) = output.read(&mut buffer)
            {
                let mut screen = shown.lock().unwrap();
                screen.parser.process(&buffer[..count]);
                screen.bytes.extend_from_slice(&buffer[..count]);
                drop(screen);
                while stalls.load(Ordering::SeqCst) {
                    thread::sleep(Duration::from_millis(10));
                }
            }
        });
        let keyboard = pair.master.take_writer().unwrap();
        let line = Line { master: pair.master, keyboard, reader, hung_up, stalled };
        Window { line: Some(line), screen, child, home }
    }

    fn press(&mut self, keys: &str) {
        let keyboard = &mut self.line.as_mut().unwrap().keyboard;
        keyboard.write_all(keys.as_bytes()).unwrap();
        keyboard.flush().unwrap();
    }

    fn resize(&self, cols: u16, rows: u16) {
        self.screen.lock().unwrap().parser.screen_mut().set_size(cells(rows), cells(cols));
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        self.line.as_ref().unwrap().master.resize(size).unwrap();
    }

    /// Closes the window: every handle of our end, while the program is writing to the other.
    fn hang_up(&mut self) {
        let Line { master, keyboard, reader, hung_up, .. } = self.line.take().unwrap();
        hung_up.store(true, Ordering::SeqCst);
        // The program draws all the time, so that the reader looks up.
        reader.join().unwrap();
        drop((keyboard, master));
    }

    /// From now on the terminal takes no output.
    fn stall(&self) {
        self.line.as_ref().unwrap().stalled.store(true, Ordering::SeqCst);
    }

    /// It takes it again.
    fn go_on(&self) {
        self.line.as_ref().unwrap().stalled.store(false, Ordering::SeqCst);
    }

    fn look(&self) -> String {
        self.screen.lock().unwrap().parser.screen().contents()
    }

    fn sent(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap().bytes).into_owned()
    }

    /// Waits until the screen shows a text.
    fn wait_for(&self, text: &str) {
        let begin = Instant::now();
        while !self.look().contains(text) {
            assert!(begin.elapsed() < PATIENCE, "no {text:?} on\n{}", self.look());
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn wait_until_gone(&self, text: &str) {
        let begin = Instant::now();
        while self.look().contains(text) {
            assert!(begin.elapsed() < PATIENCE, "still {text:?} on\n{}", self.look());
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.process_id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Waits until the program has ended and all it wrote has arrived.
    fn wait_for_the_end(&mut self) -> ExitStatus {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                thread::sleep(Duration::from_millis(200));
                return status;
            }
            if begin.elapsed() > PATIENCE {
                self.child.kill().unwrap();
                panic!("still there:\n{}", self.look());
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn assert_restored(&self) {
        let sent = self.sent();
        let taken = sent.rfind("\x1b[?1049h").expect("the screen was taken");
        for sequence in RESTORED {
            assert!(sent[taken..].contains(sequence), "{sequence:?} was not sent");
        }
    }
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).expect("a terminal has cells")
}

impl Drop for Window {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

#[test]
fn a_session_at_the_keyboard() {
    let mut window = Window::open(&[]);
    window.wait_for("running");
    window.wait_for("val");
    window.press("w0.30000000000000004\r");
    window.wait_for("λ 0 → 0.30000000000000004");
    window.press("]");
    window.wait_for("in 0.3 s");
    window.wait_for("②");
    window.press(" ");
    window.wait_for("PAUSED");
    window.resize(80, 24);
    window.wait_for("3 of 6 ↓");
    window.press("?");
    window.wait_for("type a value for λ");
    window.press("\x1b");
    // Keys and resizes wait for each other here: one that comes with the other can be held back until the next key.
    window.wait_until_gone("type a value for λ");
    window.resize(40, 10);
    window.wait_for("wdtop needs 60×16, this is 40×10");
    window.resize(120, 36);
    window.wait_for("fc3.bias");
    window.press("q");
    window.wait_for("stop training and quit?");
    window.press("y");
    assert!(window.wait_for_the_end().success());
    window.assert_restored();
    // The normal screen keeps how it ended, and where the recording is.
    let sent = window.sent();
    let told = &sent[sent.rfind("\x1b[?1049l").unwrap()..];
    assert!(told.contains("stopped after ") && told.contains("validation loss "), "{told}");
}

#[test]
fn a_signal_ends_it_in_order() {
    for name in ["TERM", "INT", "HUP"] {
        let mut window = Window::open(&[]);
        window.wait_for("running");
        window.signal(name);
        window.wait_for_the_end();
        window.assert_restored();
    }
}

#[test]
fn a_closed_window_does_not_cost_the_end_of_the_recording() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.wdtop");
    let mut window = Window::with(&["train", "demo", "--record", path.to_str().unwrap()], &[]);
    window.wait_for("val");
    window.hang_up();
    assert!(!window.wait_for_the_end().success());
    let events = std::fs::read_to_string(path.join("events.jsonl")).unwrap();
    assert!(events.lines().any(|line| line.contains("\"finished\"")), "{events}");
}

#[test]
fn who_leaves_at_once_is_told_where_the_recording_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.wdtop");
    let mut window = Window::with(&["train", "demo", "--record", path.to_str().unwrap()], &[]);
    window.wait_for("running");
    window.press("\x03\x03");
    window.wait_for_the_end();
    let told = format!("left at once; recording so far is in {} (no end)", path.display());
    assert!(window.sent().contains(&told), "{}", window.look());
}

#[test]
fn a_frame_is_one_write_between_its_marks() {
    let mut window = Window::with(&["train", "demo", "--pace", "0", "--no-record"], &[("COLORTERM", "truecolor")]);
    window.resize(200, 50);
    window.wait_for("6 throughput");
    // Every cell anew, twice, and all that changes meanwhile.
    let (begin, before) = (Instant::now(), window.sent().len());
    for _ in 0..2 {
        window.press("\x0c");
        thread::sleep(Duration::from_millis(500));
    }
    let (sent, seconds) = (window.sent(), begin.elapsed().as_secs_f64());
    let frames: Vec<usize> = sent[before..].split("\x1b[?2026h").skip(1).map(str::len).collect();
    let most = frames.iter().copied().max().unwrap_or(0);
    assert!((4_000..=64 << 10).contains(&most), "the largest of {} frames has {most} bytes", frames.len());
    assert!(frames.len() as f64 <= 30.0 * seconds + 1.0, "{} frames in {seconds} s", frames.len());
    window.press("\x03\x03");
    window.wait_for_the_end();
    let sent = window.sent();
    let (begin, end) = (sent.matches("\x1b[?2026h").count(), sent.matches("\x1b[?2026l").count());
    // The way out ends a frame that may have been cut short.
    assert_eq!(begin + 1, end);
    window.assert_restored();
}

#[cfg(debug_assertions)]
#[test]
fn a_panic_gives_the_terminal_back_before_it_is_reported() {
    let mut window = Window::open(&[("WDTOP_TEST_PANIC", "draw")]);
    assert!(!window.wait_for_the_end().success());
    window.assert_restored();
    let sent = window.sent();
    let restored = sent.rfind("\x1b[?1049l").unwrap();
    assert!(sent[restored..].contains("asked to by WDTOP_TEST_PANIC"), "{}", window.look());
}

/// A figure that the system tells of a process.
#[cfg(target_os = "linux")]
fn process(window: &Window, file: &str) -> String {
    std::fs::read_to_string(format!("/proc/{}/{file}", window.child.process_id().unwrap())).unwrap()
}

/// Memory in kB.
#[cfg(target_os = "linux")]
fn resident(window: &Window) -> u64 {
    let status = process(window, "status");
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Processor time in hundredths of a second.
#[cfg(target_os = "linux")]
fn worked(window: &Window) -> u64 {
    let stat = process(window, "stat");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// The last step that a recording tells of, by its evaluations.
#[cfg(target_os = "linux")]
fn recorded(path: &std::path::Path) -> u64 {
    let events = std::fs::read_to_string(path.join("events.jsonl")).unwrap_or_default();
    let lines = events.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    lines.filter_map(|line| line["step"].as_u64()).max().unwrap_or(0)
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_that_takes_no_output_holds_nothing_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.wdtop");
    let mut window = Window::with(&["train", "demo", "--pace", "0", "--record", path.to_str().unwrap()], &[]);
    window.wait_for("val");
    window.stall();
    // Until its buffers are full and the program's next frame is stuck.
    thread::sleep(Duration::from_secs(2));
    let (step, memory) = (recorded(&path), resident(&window));
    let begin = Instant::now();
    while recorded(&path) < step + 400 {
        assert!(begin.elapsed() < PATIENCE, "at step {} still, from {step}", recorded(&path));
        thread::sleep(Duration::from_millis(50));
    }
    let grown = resident(&window).saturating_sub(memory);
    assert!(grown < 32 << 10, "{grown} kB more after {} steps", recorded(&path) - step);
    window.go_on();
    // What it missed is merged into one picture.
    window.press("qy");
    assert!(window.wait_for_the_end().success());
    window.assert_restored();
}

#[test]
fn a_storm_of_resizes_ends_in_the_right_picture() {
    let mut window = Window::open(&[]);
    window.wait_for("val");
    for round in 0..200u16 {
        window.resize(20 + round * 37 % 180, 5 + round * 13 % 60);
    }
    window.resize(120, 36);
    window.wait_for("fc3.bias");
    window.wait_for("q quit");
    window.press("\x03\x03");
    window.wait_for_the_end();
    window.assert_restored();
}

#[test]
fn who_is_suspended_gives_the_terminal_back_and_takes_it_again() {
    // A process that no shell looks after cannot be stopped.
    let program = env!("CARGO_BIN_EXE_wdtop");
    let script = format!("set -m; {program} train demo --no-record; echo stopped; read answer; fg; echo over");
    let mut window = Window::run("sh", tempfile::tempdir().unwrap(), &["-c", &script], &[]);
    window.wait_for("val");
    window.press("M");
    window.wait_for("mouse on");
    window.press("\x1a");
    window.wait_for("stopped");
    window.assert_restored();
    assert!(window.sent().contains("\x1b[?1002l"), "the mouse is given back too");
    let before = window.sent().len();
    window.press("go on\n");
    window.wait_for("running");
    let after = window.sent().split_off(before);
    assert!(after.contains("\x1b[?1049h") && after.contains("\x1b[?1002h"), "taken again, with the mouse");
    window.press(" ");
    window.wait_for("PAUSED");
    window.press("qy");
    window.wait_for("over");
    window.wait_for_the_end();
    window.assert_restored();
}

#[cfg(target_os = "linux")]
#[test]
fn idle_and_paused_it_costs_nothing() {
    let mut window = Window::open(&[]);
    window.wait_for("val");
    window.press(" ");
    window.wait_for("PAUSED");
    // Notices go, workers fall asleep.
    thread::sleep(Duration::from_secs(5));
    let (before, begin) = (worked(&window), Instant::now());
    thread::sleep(Duration::from_secs(4));
    let share = (worked(&window) - before) as f64 / 100.0 / begin.elapsed().as_secs_f64();
    assert!(share < 0.01, "{:.1} % of a core", 100.0 * share);
    window.press("\x03\x03");
    window.wait_for_the_end();
}

#[test]
fn preferences_are_obeyed_remembered_and_refused_in_a_line() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("config/wdtop");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.toml"), "[keys]\nX = \"q\"\n").unwrap();
    let mut window = Window::at_home(home, &["train", "demo", "--no-record"], &[]);
    window.wait_for("5 events");
    window.press("5");
    window.wait_until_gone("5 events");
    window.press("X");
    window.wait_for("stop training and quit?");
    window.press("y");
    assert!(window.wait_for_the_end().success());
    let home = std::mem::replace(&mut window.home, tempfile::tempdir().unwrap());
    let mut window = Window::at_home(home, &["train", "demo", "--no-record"], &[]);
    window.wait_for("val");
    assert!(!window.look().contains("5 events") && window.look().contains("3 layers"), "{}", window.look());
    window.press("\x03\x03");
    window.wait_for_the_end();
    let home = std::mem::replace(&mut window.home, tempfile::tempdir().unwrap());
    std::fs::write(home.path().join("config/wdtop/config.toml"), "glyphs = 7\n").unwrap();
    let mut window = Window::at_home(home, &["train", "demo", "--no-record"], &[]);
    assert_eq!(window.wait_for_the_end().exit_code(), 2);
    let sent = window.sent();
    assert!(sent.contains("config.toml: glyphs must be one of braille, octant, ascii, got 7"), "{sent}");
    assert!(!sent.contains("\x1b[?1049h"), "nothing was started");
}
