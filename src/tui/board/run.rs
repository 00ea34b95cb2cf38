//! The loop of a comparison's screen.

use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded, never, select, unbounded};
use crossterm::event::Event as TerminalEvent;
use ratatui::Frame;

use super::{Begin, Board, Contest, Effect, Msg, Sample, update, view};
use crate::tui::input::{self, Signals};
use crate::tui::terminal::Screen;
use crate::tui::theme::Theme;
use crate::tui::{Ending, Error};

/// Reads the curves of a column, one for each session, or says in one line why it cannot.
pub type Loader = dyn FnMut(&str) -> Result<Vec<Vec<Sample>>, String> + Send;

/// Shows a comparison until the user leaves. Curves are read by `load`, on a thread of its own.
///
/// # Errors
/// [`Error::Terminal`] where the terminal cannot be taken over.
pub fn run(contest: Contest, begin: Begin, theme: Theme, load: Box<Loader>) -> Result<Ending, Error> {
    let signals = Signals::listen()?;
    let (wanted, loaded) = start_loader(contest.columns.clone(), load)?;
    let screen = Screen::enter()?;
    let keys = input::keys()?;
    let (board, first) = Board::new(contest, begin, theme);
    let mut show = Show { board, screen, wanted, ending: None };
    show.perform(first);
    show.run(keys, &signals, &loaded);
    show.screen.leave();
    Ok(show.ending.unwrap_or(Ending::Left))
}

type Answer = (usize, Result<Vec<Vec<Sample>>, String>);

/// A thread that reads what is wanted last: what came before it nobody waits for.
fn start_loader(columns: Vec<String>, mut load: Box<Loader>) -> std::io::Result<(Sender<usize>, Receiver<Answer>)> {
    let (wanted, requests) = unbounded::<usize>();
    let (answers, loaded) = bounded(1);
    thread::Builder::new().name("curves".into()).spawn(move || {
        while let Ok(first) = requests.recv() {
            let column = requests.try_iter().last().unwrap_or(first);
            let Some(name) = columns.get(column) else { continue };
            if answers.send((column, load(name))).is_err() {
                break;
            }
        }
    })?;
    Ok((wanted, loaded))
}

struct Show {
    board: Board,
    screen: Screen,
    wanted: Sender<usize>,
    ending: Option<Ending>,
}

impl Show {
    fn run(&mut self, mut keys: Receiver<TerminalEvent>, signals: &Signals, loaded: &Receiver<Answer>) {
        let mut stale = true;
        while self.ending.is_none() {
            if stale && self.screen.is_idle() {
                stale = false;
                if self.screen.draw(|frame: &mut Frame| view(&self.board, frame)).is_err() {
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
                recv(loaded) -> answer => if let Ok((column, read)) = answer {
                    stale = true;
                    self.take(Msg::Loaded(column, read));
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
                Effect::Load(column) => {
                    // A loader that is gone answers nothing; there is the line that it reads.
                    let _ = self.wanted.send(column);
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
