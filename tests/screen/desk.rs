//! Somebody in front of the screen.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use wdtop::stream::{Command, Event};
use wdtop::tui::{App, Effect, Msg, Options, Theme, update, view};

use crate::source::Source;

/// The screen, the hands that type and the run that answers.
pub struct Desk {
    pub app: App,
    pub source: Source,
    /// Everything that was asked of the source.
    pub sent: Vec<Command>,
    /// What came of keys and time, apart from commands.
    pub effects: Vec<Effect>,
    now: Duration,
    ears: Ears,
}

/// Whether the source answers.
#[derive(PartialEq)]
enum Ears {
    Open,
    Shut,
}

impl Desk {
    pub fn new(source: Source) -> Self {
        Desk::with(source, Options { recording: Some("demo".into()), ..Options::default() })
    }

    pub fn with(source: Source, options: Options) -> Self {
        let app = App::new(options, Theme::sixteen());
        let mut desk =
            Desk { app, source, sent: Vec::new(), effects: Vec::new(), now: Duration::ZERO, ears: Ears::Open };
        let start = desk.source.start();
        desk.hear(start);
        desk
    }

    /// The source does not answer any more.
    pub fn deafen(&mut self) {
        self.ears = Ears::Shut;
    }

    /// Lets so many updates be made.
    pub fn train(&mut self, steps: u64) {
        for event in self.source.advance(steps) {
            self.hear(event);
        }
    }

    pub fn hear(&mut self, event: impl Into<Event>) {
        self.send(Msg::Event(event.into()));
    }

    /// The terminal has another size; without this it is a large one.
    pub fn resize(&mut self, width: u16, height: u16) {
        self.send(Msg::Resized(width, height));
    }

    pub fn wait(&mut self, milliseconds: u64) {
        self.now += Duration::from_millis(milliseconds);
        self.send(Msg::Tick(self.now));
    }

    /// Presses keys: characters one by one, others by name between angle brackets: `w3<Enter>`.
    pub fn press(&mut self, keys: &str) {
        let mut rest = keys;
        while !rest.is_empty() {
            let named = rest.strip_prefix('<').and_then(|rest| rest.split_once('>')).filter(|(name, _)| name.len() > 1);
            let (key, after) = match named {
                Some((name, after)) => (key(name), after),
                None => {
                    let c = rest.chars().next().expect("not empty");
                    (KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE), &rest[c.len_utf8()..])
                }
            };
            rest = after;
            self.send(Msg::Key(key));
        }
    }

    pub fn send(&mut self, msg: Msg) {
        for effect in update(&mut self.app, msg) {
            match effect {
                Effect::Send(command) => {
                    self.sent.push(command.clone());
                    if self.ears == Ears::Open {
                        for event in self.source.obey(&command) {
                            self.hear(event);
                        }
                    }
                }
                Effect::Recycle(_) => {}
                other => self.effects.push(other),
            }
        }
    }

    /// Answers what was asked since then, as a source does that was busy.
    pub fn answer(&mut self, from: usize) {
        let asked = self.sent[from..].to_vec();
        for command in &asked {
            for event in self.source.obey(command) {
                self.hear(event);
            }
        }
    }

    /// What the screen shows, as text.
    pub fn look(&self, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a test terminal never fails");
        terminal.draw(|frame| view(&self.app, frame)).expect("a test terminal never fails");
        let text = terminal.backend().to_string();
        let lines = text.lines().map(|line| line.trim_matches('"').trim_end());
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn key(name: &str) -> KeyEvent {
    let code = match name {
        "Enter" => KeyCode::Enter,
        "Esc" => KeyCode::Esc,
        "Tab" => KeyCode::Tab,
        "Up" => KeyCode::Up,
        "Down" => KeyCode::Down,
        "Left" => KeyCode::Left,
        "Right" => KeyCode::Right,
        "S-Tab" => KeyCode::BackTab,
        "ctrl-c" => return KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL),
        "ctrl-z" => return KeyEvent::new(KeyCode::Char('z'), KeyModifiers::CONTROL),
        "ctrl-l" => return KeyEvent::new(KeyCode::Char('l'), KeyModifiers::CONTROL),
        "ctrl-s" => return KeyEvent::new(KeyCode::Char('s'), KeyModifiers::CONTROL),
        other => panic!("no key {other}"),
    };
    KeyEvent::new(code, KeyModifiers::NONE)
}
