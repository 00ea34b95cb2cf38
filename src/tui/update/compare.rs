//! Comparing the run on the screen with recordings, while it goes on: a list to choose from, then the screen of a
//! comparison in place of the run's.

use std::collections::BTreeSet;

use crossterm::event::{KeyCode, KeyEvent};

use super::Effect;
use crate::tui::app::picker::{Picker, Shelf};
use crate::tui::app::{App, Mode, Tone};
use crate::tui::archive::{Answer, Finding, Inquiry, Question};
use crate::tui::board::{self, Begin, Board, Detail, Host};
use crate::tui::keymap::Action;

/// Why there is nothing to compare.
const NOT_RECORDED: &str = "nothing to compare: this run is not recorded";
const NO_OTHER: &str = "nothing to compare with: no other session is recorded";

/// Opens the list of recordings.
pub(super) fn choose(app: &mut App, detail: Detail) -> Vec<Effect> {
    match comparable(app) {
        Ok(()) => {
            app.mode = Mode::Choosing(Picker { detail, shelf: Shelf::Reading });
            vec![ask(app, Question::Sessions)]
        }
        Err(reason) => {
            app.say(Tone::Warning, reason);
            Vec::new()
        }
    }
}

/// Goes straight to the comparison with sessions that were named.
pub(super) fn with(app: &mut App, names: &str) -> Result<Vec<Effect>, String> {
    comparable(app)?;
    app.mode = Mode::Choosing(Picker { detail: Detail::All, shelf: Shelf::Reading });
    let names = names.split_whitespace().map(str::to_owned).collect();
    Ok(vec![ask(app, Question::Contest(names))])
}

fn comparable(app: &App) -> Result<(), &'static str> {
    match (&app.options.recording, &app.run) {
        (None, _) => Err(NOT_RECORDED),
        (_, None) => Err("still loading"),
        _ => Ok(()),
    }
}

fn ask(app: &mut App, question: Question) -> Effect {
    app.inquiries += 1;
    Effect::Ask(Inquiry { number: app.inquiries, question })
}

/// Back to the run; what was asked for is not waited for.
fn leave(app: &mut App) -> Vec<Effect> {
    app.inquiries += 1;
    app.mode = Mode::Normal;
    Vec::new()
}

/// What was found of the last question; an answer to another is dropped.
pub(super) fn found(app: &mut App, finding: Finding) -> Vec<Effect> {
    if finding.number != app.inquiries {
        return Vec::new();
    }
    match (&mut app.mode, finding.answer) {
        (Mode::Choosing(_), Ok(Answer::Sessions(sessions))) if sessions.is_empty() => {
            app.say(Tone::Warning, NO_OTHER);
            return leave(app);
        }
        (Mode::Choosing(picker), Ok(Answer::Sessions(sessions))) => {
            picker.shelf = Shelf::Here { sessions, at: 0, chosen: BTreeSet::new() };
        }
        (Mode::Choosing(picker), Ok(Answer::Contest(contest))) => {
            // The differences are those from the run on the screen.
            let baseline = (picker.detail == Detail::Differences).then_some(0);
            let (detail, glyphs) = (picker.detail, app.options.glyphs);
            let begin = Begin { detail, baseline, glyphs, host: Host::Run, ..Begin::default() };
            let (board, effects) = Board::new(contest, begin, app.theme.clone());
            app.mode = Mode::Comparing(Box::new(board));
            return perform(app, effects);
        }
        (Mode::Choosing(_), Err(reason)) => {
            app.say(Tone::Warning, format!("not compared: {reason}"));
            return leave(app);
        }
        (Mode::Comparing(board), answer) => {
            let effects = board::update(board, board::Msg::Found(answer));
            return perform(app, effects);
        }
        _ => {}
    }
    Vec::new()
}

/// A key in the list of recordings.
pub(super) fn press_in_list(app: &mut App, key: KeyEvent, action: Option<Action>) -> Vec<Effect> {
    let Mode::Choosing(picker) = &mut app.mode else { return Vec::new() };
    match (key.code, action) {
        (KeyCode::Char(' '), _) => {
            picker.toggle();
            picker.go(1);
        }
        (KeyCode::Enter, _) => {
            let places = picker.taken();
            if !places.is_empty() {
                picker.shelf = Shelf::Reading;
                return vec![ask(app, Question::Contest(places))];
            }
        }
        (KeyCode::PageUp, _) => picker.go(-10),
        (KeyCode::PageDown, _) => picker.go(10),
        (_, Some(Action::Up)) => picker.go(-1),
        (_, Some(Action::Down)) => picker.go(1),
        (_, Some(Action::Back | Action::Quit | Action::Compare | Action::Differences)) => return leave(app),
        _ => {}
    }
    Vec::new()
}

/// A key on the screen of the comparison.
pub(super) fn press_on_board(app: &mut App, key: KeyEvent) -> Vec<Effect> {
    let Mode::Comparing(board) = &mut app.mode else { return Vec::new() };
    let effects = board::update(board, board::Msg::Key(key));
    perform(app, effects)
}

/// What the comparison wants done, in the words of the run's screen.
fn perform(app: &mut App, effects: Vec<board::Effect>) -> Vec<Effect> {
    let mut wanted = Vec::new();
    for effect in effects {
        match effect {
            board::Effect::Ask(question) => wanted.push(ask(app, question)),
            board::Effect::Suspend => wanted.push(Effect::Suspend),
            board::Effect::Repaint => wanted.push(Effect::Repaint),
            board::Effect::Leave(_) => wanted.extend(leave(app)),
        }
    }
    wanted
}
