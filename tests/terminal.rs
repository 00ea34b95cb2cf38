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
}

/// Our end of the terminal; without it the other end is hung up.
struct Line {
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    reader: JoinHandle<()>,
    hung_up: Arc<AtomicBool>,
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
        let size = PtySize { rows: 36, cols: 120, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_wdtop"));
        command.args(arguments);
        command.env("TERM", "xterm-256color");
        environment.iter().for_each(|(name, value)| command.env(name, value));
        let child = pair.slave.spawn_command(command).unwrap();
        let parser = vt100::Parser::new(cells(size.rows), cells(size.cols), 0);
        let screen = Arc::new(Mutex::new(Screen { parser, bytes: Vec::new() }));
        let mut output = pair.master.try_clone_reader().unwrap();
        let shown = Arc::clone(&screen);
        let hung_up = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&hung_up);
        let reader = thread::spawn(move || {
            let mut buffer = [0; 1 << 14];
            while !ended.load(Ordering::SeqCst)
                && let Ok(count @ 1..) = output.read(&mut buffer)
            {
                let mut screen = shown.lock().unwrap();
                screen.parser.process(&buffer[..count]);
                screen.bytes.extend_from_slice(&buffer[..count]);
            }
        });
        let keyboard = pair.master.take_writer().unwrap();
        let line = Line { master: pair.master, keyboard, reader, hung_up };
        Window { line: Some(line), screen, child }
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
        let Line { master, keyboard, reader, hung_up } = self.line.take().unwrap();
        hung_up.store(true, Ordering::SeqCst);
        // The program draws all the time, so that the reader looks up.
        reader.join().unwrap();
        drop((keyboard, master));
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
    let mut window = Window::open(&[]);
    window.wait_for("running");
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
