//! What to do when something was not finite.

use crossterm::event::{KeyCode, KeyEvent};

use super::{Effect, edits};
use crate::stream::{Command, Knob, Scope, Weights};
use crate::tui::app::dial::{Cause, Which};
use crate::tui::app::{App, Mode, Run};

/// A way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tui) enum Choice {
    /// Go on without the batch.
    Skip,
    /// The same with a tenth of η. With the same weights the same batch would fail again whatever η is.
    LowerRate,
    /// The weights of the last snapshot.
    GoBack,
    /// The run ends.
    Stop,
}

/// The ways out that there are, in their order on the screen.
pub(in crate::tui) fn choices(run: &Run) -> Vec<Choice> {
    let kept = run.trouble.as_ref().is_none_or(|(_, weights)| *weights == Weights::Kept);
    let ways = [
        (Choice::Skip, kept),
        (Choice::LowerRate, kept),
        (Choice::GoBack, run.snapshot.is_some()),
        (Choice::Stop, true),
    ];
    ways.into_iter().filter(|(_, open)| *open).map(|(choice, _)| choice).collect()
}

/// A key while it is asked: arrows and Enter, or a way's number; Esc leaves the run as it stands.
pub(super) fn press(app: &mut App, key: KeyEvent) -> Vec<Effect> {
    let (Mode::Sentinel { chosen }, Some(run)) = (&mut app.mode, &app.run) else { return Vec::new() };
    let ways = choices(run);
    match key.code {
        KeyCode::Up | KeyCode::Char('k') => *chosen = chosen.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => *chosen = (*chosen + 1).min(ways.len() - 1),
        KeyCode::Esc => app.mode = Mode::Normal,
        KeyCode::Enter => {
            let way = ways[(*chosen).min(ways.len() - 1)];
            return take(app, way);
        }
        KeyCode::Char(digit) => {
            let number = digit.to_digit(10).and_then(|number| number.checked_sub(1));
            if let Some(way) = number.and_then(|number| ways.get(number as usize)) {
                return take(app, *way);
            }
        }
        _ => {}
    }
    Vec::new()
}

fn take(app: &mut App, way: Choice) -> Vec<Effect> {
    app.mode = Mode::Normal;
    edits::drop_previews(app);
    let Some(run) = &app.run else { return Vec::new() };
    match way {
        Choice::Skip => vec![Effect::Send(Command::SkipBatch)],
        Choice::LowerRate => {
            let lr = run.asked(Which::LearningRate, &Scope::All) / 10.0;
            let mut effects = edits::ask(app, Knob::LearningRate, Scope::All, Some(lr), Cause::Turn);
            effects.push(Effect::Send(Command::SkipBatch));
            effects
        }
        Choice::GoBack => run.snapshot.map(|step| Effect::Send(Command::Restore(step))).into_iter().collect(),
        Choice::Stop => vec![Effect::Send(Command::Stop)],
    }
}
