//! What changes a comparison's screen.

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyEventKind};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use super::curves::{Curves, Loaded};
use super::keys::{self, Action};
use super::{Again, Alignment, Board, Detail, Host, Mode, Order, Table, Zoom, table};
use crate::tui::Ending;
use crate::tui::app::window::Stretch;
use crate::tui::archive::{Answer, Question};

/// Presses that take the crosshair through a chart.
const STRIDES: u64 = 60;

/// What can happen to the screen.
#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    /// A key was pressed.
    Key(KeyEvent),
    /// What came of the last question.
    Found(Result<Answer, String>),
    /// The process was asked to end.
    End(Ending),
}

/// What a change of the state wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Ask this; what was asked before is not waited for any more.
    Ask(Question),
    /// Stop the process as a shell does.
    Suspend,
    /// Paint every cell.
    Repaint,
    /// End the program.
    Leave(Ending),
}

/// Changes the state and says what else is to be done.
pub fn update(board: &mut Board, msg: Msg) -> Vec<Effect> {
    match msg {
        Msg::Key(key) if key.kind == KeyEventKind::Release => Vec::new(),
        Msg::Key(key) => press(board, key),
        Msg::Found(answer) => found(board, answer),
        Msg::End(ending) => vec![Effect::Leave(ending)],
    }
}

/// Takes in what came of the last question.
fn found(board: &mut Board, answer: Result<Answer, String>) -> Vec<Effect> {
    match (answer, &board.again) {
        (Ok(Answer::Curves(curves)), _) => {
            board.curves = Curves::Here(Loaded::new(curves, board.align, &board.contest.entrants));
        }
        // The same sessions in the same order: what was chosen, hidden or made the baseline still is.
        (Ok(Answer::Contest(contest)), _) => {
            let name = board.column_name().to_owned();
            board.again = Again::Idle;
            board.contest = contest;
            board.column = board.contest.columns.iter().position(|its| *its == name).unwrap_or(0);
            return vec![load(board)];
        }
        (Ok(Answer::Sessions(_)), _) => {}
        (Err(reason), Again::Reading) => {
            board.again = Again::Failed(reason);
            // The curves that were still to come when everything was asked for anew.
            return Vec::from_iter(matches!(board.curves, Curves::Loading).then(|| load(board)));
        }
        (Err(reason), _) => board.curves = Curves::Failed(reason),
    }
    Vec::new()
}

/// Goes over to a column's curves.
pub(super) fn show_column(board: &mut Board, column: usize) -> Vec<Effect> {
    if board.contest.columns.is_empty() {
        return Vec::new();
    }
    board.column = column;
    board.curves = Curves::Loading;
    board.again = Again::Idle;
    vec![load(board)]
}

/// Asks for the curves of the column.
fn load(board: &Board) -> Effect {
    Effect::Ask(Question::Curves(board.column_name().to_owned()))
}

fn press(board: &mut Board, key: KeyEvent) -> Vec<Effect> {
    match &mut board.mode {
        Mode::Filtering(input) if keys::action(key) != Some(Action::Quit) || key.code == KeyCode::Char('q') => {
            match key.code {
                KeyCode::Enter => board.mode = Mode::Normal,
                KeyCode::Esc => {
                    board.filter.clear();
                    board.mode = Mode::Normal;
                }
                _ => {
                    input.handle_event(&TerminalEvent::Key(key));
                    board.filter = input.value().trim().to_owned();
                }
            }
            choose_listed(board);
            Vec::new()
        }
        Mode::Help { scrolled } => {
            match keys::action(key) {
                Some(Action::Down) => *scrolled = (*scrolled + 1).min(keys::KEYS.len() as u16),
                Some(Action::Up) => *scrolled = scrolled.saturating_sub(1),
                Some(Action::Help | Action::Back | Action::Quit | Action::Zoom) => board.mode = Mode::Normal,
                _ => {}
            }
            Vec::new()
        }
        _ => keys::action(key).map_or_else(Vec::new, |action| act(board, action)),
    }
}

fn act(board: &mut Board, action: Action) -> Vec<Effect> {
    let columns = board.contest.columns.len();
    match action {
        Action::Quit => return vec![Effect::Leave(Ending::Left)],
        Action::Repaint => return vec![Effect::Repaint],
        Action::Suspend => return vec![Effect::Suspend],
        Action::Help => board.mode = Mode::Help { scrolled: 0 },
        Action::Back if board.crosshair.is_some() => board.crosshair = None,
        Action::Back if board.zoom == Zoom::Chart => board.zoom = Zoom::Off,
        Action::Back if !board.filter.is_empty() => {
            board.filter.clear();
            choose_listed(board);
        }
        Action::Back if board.host == Host::Run => return vec![Effect::Leave(Ending::Left)],
        Action::Back if board.only_differences().is_some() => board.detail = Detail::All,
        Action::Back => board.baseline = None,
        Action::Return if board.host == Host::Run => return vec![Effect::Leave(Ending::Left)],
        Action::Return => {}
        Action::Up => choose(board, -1),
        Action::Down => choose(board, 1),
        Action::Left | Action::Right => return sideways(board, action),
        Action::ZoomIn => {
            let crosshair = board.crosshair;
            board.window.zoom_in(end(board), None, crosshair);
        }
        Action::ZoomOut => board.window.zoom_out(end(board)),
        Action::Follow => {
            board.window.follow();
            board.crosshair = board.crosshair.map(|_| end(board).saturating_sub(1));
        }
        Action::Crosshair if board.crosshair.is_some() => board.crosshair = None,
        Action::Crosshair => {
            let end = end(board);
            let shown = board.window.steps(end, None);
            board.crosshair = end.checked_sub(1).map(|last| last.min(shown.end - 1));
        }
        Action::PreviousColumn => return show_column(board, (board.column + columns.max(1) - 1) % columns.max(1)),
        Action::NextColumn => return show_column(board, (board.column + 1) % columns.max(1)),
        Action::Column(name) => {
            if let Some(column) = board.contest.columns.iter().position(|its| its == name) {
                return show_column(board, column);
            }
        }
        Action::Norm => {
            let is_norm = |at: &usize| board.contest.columns[*at].ends_with("/norm");
            let norms: Vec<usize> = (0..columns).filter(is_norm).collect();
            let next = norms.iter().find(|at| **at > board.column && is_norm(&board.column)).or(norms.first());
            if let Some(column) = next {
                return show_column(board, *column);
            }
        }
        Action::Align => align(board),
        Action::Order => {
            let at = Order::ALL.iter().position(|order| *order == board.order).unwrap_or(0);
            board.order = Order::ALL[(at + 1) % Order::ALL.len()];
        }
        Action::Baseline => {
            board.baseline = Some(board.chosen).filter(|_| board.baseline != Some(board.chosen));
            if board.baseline.is_none() {
                board.detail = Detail::All;
            }
        }
        Action::Differences => {
            board.detail = match board.only_differences() {
                Some(_) => Detail::All,
                None => {
                    board.baseline.get_or_insert(board.chosen);
                    Detail::Differences
                }
            };
            board.scrolled = 0;
        }
        Action::Hide => {
            if !board.hidden.remove(&board.chosen) {
                board.hidden.insert(board.chosen);
            }
        }
        Action::Filter => board.mode = Mode::Filtering(Input::from(board.filter.clone())),
        Action::Table => {
            board.scrolled = 0;
            board.table = match board.table {
                Table::Settings => Table::Edits,
                Table::Edits => Table::Settings,
            }
        }
        Action::PageUp => board.scrolled = board.scrolled.saturating_sub(5),
        Action::PageDown => {
            let rows = table::rows(board).len();
            board.scrolled = (board.scrolled + 5).min(rows.saturating_sub(1));
        }
        Action::Scale => board.turn_scale(),
        Action::Again => {
            board.again = Again::Reading;
            return vec![Effect::Ask(Question::Again)];
        }
        Action::Zoom => {
            board.zoom = match board.zoom {
                Zoom::Off => Zoom::Chart,
                Zoom::Chart => Zoom::Off,
            }
        }
    }
    Vec::new()
}

/// One behind the last place of the curves; 0 where there are none.
fn end(board: &Board) -> u64 {
    match &board.curves {
        Curves::Here(loaded) => loaded.end().saturating_add(1),
        _ => 0,
    }
}

/// The crosshair or the stretch that is shown to the left or right; where all is shown, another curve.
fn sideways(board: &mut Board, action: Action) -> Vec<Effect> {
    let end = end(board);
    let by: i64 = if action == Action::Left { -1 } else { 1 };
    if let Some(at) = board.crosshair {
        let shown = board.window.steps(end, None);
        let stride = ((shown.end - shown.start) / STRIDES).max(1) as i64;
        let at = at.saturating_add_signed(by * stride).min(end.saturating_sub(1));
        board.crosshair = Some(at);
        board.window.reveal(at, end, None);
    } else if board.window.stretch != Stretch::Whole {
        board.window.pan(by, end, None);
    } else {
        return act(board, if by < 0 { Action::PreviousColumn } else { Action::NextColumn });
    }
    Vec::new()
}

/// The next alignment; of edits there are as many as any session has.
fn align(board: &mut Board) {
    let most = board.contest.entrants.iter().map(|entrant| entrant.edits.len()).max().unwrap_or(0);
    board.align = match board.align {
        Alignment::Step => Alignment::Epoch,
        Alignment::Epoch => Alignment::Time,
        Alignment::Time if most > 0 => Alignment::Edit(1),
        Alignment::Edit(number) if number < most => Alignment::Edit(number + 1),
        Alignment::Time | Alignment::Edit(_) => Alignment::Step,
    };
    // Places are others now.
    (board.window.stretch, board.crosshair) = (Stretch::Whole, None);
    if let Curves::Here(loaded) = &mut board.curves {
        loaded.align(board.align, &board.contest.entrants);
    }
}

fn choose(board: &mut Board, by: isize) {
    let listed = board.listed();
    let at = listed.iter().position(|at| *at == board.chosen).unwrap_or(0);
    let last = listed.len().saturating_sub(1);
    if let Some(chosen) = listed.get(at.saturating_add_signed(by).min(last)) {
        board.chosen = *chosen;
    }
}

/// The choice goes where it can be seen.
fn choose_listed(board: &mut Board) {
    let listed = board.listed();
    if !listed.contains(&board.chosen)
        && let Some(first) = listed.first()
    {
        board.chosen = *first;
    }
}
