//! The loop of a comparison's screen.

use crossbeam_channel::{Receiver, never, select};
use crossterm::event::Event as TerminalEvent;
use ratatui::Frame;

use super::{Begin, Board, Contest, Effect, Msg, update, view};
use crate::tui::archive::{Archive, Inquiry};
use crate::tui::input::{self, Signals};
use crate::tui::terminal::Screen;
use crate::tui::theme::Theme;
use crate::tui::{Ending, Error};

/// Shows a comparison until the user leaves. Curves are read by the archive, on a thread of its own.
///
/// # Errors
/// [`Error::Terminal`] where the terminal cannot be taken over.
pub fn run(contest: Contest, begin: Begin, theme: Theme, archive: Archive) -> Result<Ending, Error> {
    let signals = Signals::listen()?;
    let screen = Screen::enter()?;
    let keys = input::keys()?;
    let (board, first) = Board::new(contest, begin, theme);
    let mut show = Show { board, screen, archive, asked: 0, ending: None };
    show.perform(first);
    show.run(keys, &signals);
    show.screen.leave();
    Ok(show.ending.unwrap_or(Ending::Left))
}

struct Show {
    board: Board,
    screen: Screen,
    archive: Archive,
    /// Questions that were asked.
    asked: u64,
    ending: Option<Ending>,
}

impl Show {
    fn run(&mut self, mut keys: Receiver<TerminalEvent>, signals: &Signals) {
        let mut stale = true;
        let mut found = self.archive.found.clone();
        while self.ending.is_none() {
            if stale && self.screen.is_idle() {
                stale = false;
                if self.screen.draw(|frame: &mut Frame| view(&self.board, None, frame)).is_err() {
                    self.ending = Some(Ending::TerminalLost);
                    break;
                }
            }
            select! {
                recv(keys) -> event => {
                    stale = true;
                    match event {
                        Ok(TerminalEvent::Key(key)) => self.take(Msg::Key(key)),
                        Ok(_) => {}
                        Err(_) => {
                            keys = never();
                            self.take(Msg::End(Ending::TerminalLost));
                        }
                    }
                },
                recv(found) -> finding => match finding {
                    Ok(finding) if finding.number == self.asked => {
                        stale = true;
                        self.take(Msg::Found(finding.answer));
                    }
                    // What was asked before the last question comes too late.
                    Ok(_) => {}
                    Err(_) => found = never(),
                },
                recv(signals.channel()) -> signal => match signal {
                    Ok(Signals::CONTINUE) => {
                        stale = true;
                        self.with_screen(Screen::resume);
                    }
                    Ok(signal) => self.take(Msg::End(Ending::Signal(signal))),
                    Err(_) => {}
                },
                recv(self.screen.written()) -> buffer => if let Ok(buffer) = buffer {
                    self.screen.accept(buffer);
                },
            }
        }
    }

    fn take(&mut self, msg: Msg) {
        let effects = update(&mut self.board, msg);
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Ask(question) => {
                    self.asked += 1;
                    // An archive that is gone answers nothing; there is the line that it reads.
                    let _ = self.archive.asked.send(Inquiry { number: self.asked, question });
                }
                Effect::Suspend => self.with_screen(Screen::suspend),
                Effect::Repaint => self.with_screen(Screen::repaint),
                Effect::Leave(ending) => self.ending = Some(ending),
            }
        }
    }

    fn with_screen(&mut self, act: impl FnOnce(&mut Screen) -> std::io::Result<()>) {
        if act(&mut self.screen).is_err() {
            self.ending = Some(Ending::TerminalLost);
        }
    }
}
