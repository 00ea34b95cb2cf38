//! The terminal itself: taken over, given back on every way out, and drawn to without ever waiting for it.

use std::cell::RefCell;
use std::io::{self, Write};
use std::panic;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::style::{Attribute, SetAttribute};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{queue, style};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal};

use super::app::Capture;
use super::output::FrameWriter;

/// How long a way out waits for a terminal that takes no output.
const PATIENCE: Duration = Duration::from_millis(500);

/// Has the terminal tell of buttons, the wheel and drags, in numbers of any size. Not of every motion, which would wake
/// the program up for nothing.
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1002l\x1b[?1000l";

/// The terminal while the program has it.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Collector>>,
    frame: Collector,
    output: FrameWriter,
    restorer: Arc<Restorer>,
    mouse: Capture,
}

/// Whether the terminal took what was needed to give it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handback {
    /// The screen is as it was before.
    Restored,
    /// It takes no output: whoever writes to it waits for ever.
    Stuck,
}

impl Screen {
    /// Takes the terminal over: raw mode, alternate screen, no cursor, pastes in brackets.
    ///
    /// # Errors
    /// Where standard output is no terminal.
    pub(super) fn enter() -> io::Result<Self> {
        // crossterm under NO_COLOR wipes bold and reverse with every colour; the theme has no colours then.
        style::force_color_output(true);
        let output = FrameWriter::spawn(standard_output()?)?;
        let frame = Collector::default();
        let terminal = Terminal::new(CrosstermBackend::new(frame.clone()))?;
        let restorer = Arc::new(Restorer { entered: AtomicBool::new(false), writing: output.writing() });
        restore_on_panic(&restorer);
        let mut screen = Screen { terminal, frame, output, restorer, mouse: Capture::Off };
        screen.take_over()?;
        Ok(screen)
    }

    /// Draws a frame and sends it off; does nothing while the last one is still being written.
    pub(super) fn draw(&mut self, view: impl FnOnce(&mut Frame)) -> io::Result<()> {
        let Some(buffer) = self.output.take() else { return Ok(()) };
        // What was collected before (nothing, or a repaint's erasing) goes along.
        let before = self.frame.0.replace(buffer);
        let drawn = self.collect(&before, view);
        let mut frame = self.frame.0.take();
        match drawn {
            Ok(()) => self.output.send(frame),
            // A terminal that is gone has no size to draw for; the writer is idle all the same.
            Err(_) => {
                frame.clear();
                self.output.accept(frame);
            }
        }
        drawn
    }

    fn collect(&mut self, before: &[u8], view: impl FnOnce(&mut Frame)) -> io::Result<()> {
        queue!(self.frame, BeginSynchronizedUpdate)?;
        self.frame.write_all(before)?;
        self.terminal.draw(view)?;
        queue!(self.frame, EndSynchronizedUpdate)
    }

    /// Takes the mouse from the terminal, or gives it back, with the next frame.
    pub(super) fn capture_mouse(&mut self, capture: Capture) -> io::Result<()> {
        self.mouse = capture;
        self.frame.write_all(match capture {
            Capture::On => MOUSE_ON,
            Capture::Off => MOUSE_OFF,
        })
    }

    /// Makes the next frame paint every cell.
    pub(super) fn repaint(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        // Not `clear`, which asks the terminal for the cursor and waits for an answer that the input thread eats.
        self.terminal.resize(Rect::from((ratatui::layout::Position::ORIGIN, size)))
    }

    /// Rings the bell with the next frame.
    pub(super) fn ring(&mut self) -> io::Result<()> {
        self.frame.write_all(b"\x07")
    }

    /// Whether the last frame is out.
    pub(super) fn is_idle(&self) -> bool {
        self.output.is_idle()
    }

    /// Tells when the last frame is out; what it sends goes to [`accept`](Self::accept).
    pub(super) fn written(&self) -> &Receiver<Vec<u8>> {
        self.output.written()
    }

    /// Takes the frame's memory back.
    pub(super) fn accept(&mut self, buffer: Vec<u8>) {
        self.output.accept(buffer);
    }

    /// Gives the terminal back, stops the process as the shell's ctrl-z does, and takes the terminal over again when
    /// the process goes on. While it is stopped, training is stopped too.
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        if self.output.wait(PATIENCE) {
            self.restorer.restore();
            #[cfg(unix)]
            signal_hook::low_level::raise(signal_hook::consts::SIGTSTP)?;
            self.take_over()?;
        }
        Ok(())
    }

    /// Takes the terminal over once more, after somebody else had it.
    pub(super) fn resume(&mut self) -> io::Result<()> {
        if self.output.wait(PATIENCE) {
            // Leaves raw mode first: entering it twice would keep what the shell has set meanwhile.
            disable_raw_mode()?;
            self.take_over()?;
        }
        Ok(())
    }

    /// Gives the terminal back.
    pub(super) fn leave(mut self) -> Handback {
        if self.output.wait(PATIENCE) {
            self.restorer.restore();
            Handback::Restored
        } else {
            // The writer is stuck in the middle of a frame; settings can be put back, bytes cannot.
            self.restorer.entered.store(false, Ordering::SeqCst);
            let _ = disable_raw_mode();
            Handback::Stuck
        }
    }

    fn take_over(&mut self) -> io::Result<()> {
        enable_raw_mode()?;
        self.restorer.entered.store(true, Ordering::SeqCst);
        let mut bytes = Vec::new();
        queue!(bytes, EnterAlternateScreen, Hide, EnableBracketedPaste)?;
        if self.mouse == Capture::On {
            bytes.extend_from_slice(MOUSE_ON);
        }
        let mut out = standard_output()?;
        out.write_all(&bytes)?;
        out.flush()?;
        self.repaint()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.restorer.restore();
    }
}

/// Puts the terminal back, once, from whichever thread comes first.
struct Restorer {
    entered: AtomicBool,
    writing: Arc<Mutex<()>>,
}

impl Restorer {
    /// Does nothing where the terminal was not taken or is back already.
    fn restore(&self) {
        if !self.entered.swap(false, Ordering::SeqCst) {
            return;
        }
        // Raw mode first: if nothing else can be done, the shell at least understands its keys. Errors have no way
        // out that would be any better than going on.
        let _ = disable_raw_mode();
        let since = Instant::now();
        while self.writing.try_lock().is_err() {
            if since.elapsed() > PATIENCE {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let mut bytes = MOUSE_OFF.to_vec();
        let _ = queue!(
            bytes,
            EndSynchronizedUpdate,
            SetAttribute(Attribute::Reset),
            DisableBracketedPaste,
            LeaveAlternateScreen,
            Show
        );
        let _ = standard_output().and_then(|mut out| out.write_all(&bytes).and_then(|()| out.flush()));
    }
}

/// Has a panic of this thread put the terminal back before it is reported.
///
/// A panic of another thread while the screen is up is not reported here, it would scribble over the picture: the
/// training thread's arrives as an event, and the threads of the screen are missed by their channels.
fn restore_on_panic(restorer: &Arc<Restorer>) {
    let screen = thread::current().id();
    let restorer = Arc::downgrade(restorer);
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let up = restorer.upgrade().filter(|restorer| restorer.entered.load(Ordering::SeqCst));
        match up {
            Some(restorer) if thread::current().id() == screen => {
                restorer.restore();
                before(info);
            }
            Some(_) => {}
            None => before(info),
        }
    }));
}

/// Bytes of a frame under way, shared between the backend that makes them and the screen that sends them off.
#[derive(Debug, Clone, Default)]
struct Collector(Rc<RefCell<Vec<u8>>>);

impl Write for Collector {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Standard output without the standard library's line buffer and lock: a frame is one write.
#[cfg(unix)]
fn standard_output() -> io::Result<std::fs::File> {
    use std::os::fd::AsFd;
    io::stdout().as_fd().try_clone_to_owned().map(std::fs::File::from)
}

/// Standard output.
#[cfg(not(unix))]
fn standard_output() -> io::Result<io::Stdout> {
    Ok(io::stdout())
}
