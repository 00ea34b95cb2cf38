//! What the source says.

use super::{Effect, edits, keys};
use crate::stream::{Command, Event, Level, What};
use crate::tui::app::journal::Happening;
use crate::tui::app::{App, Mode, Phase, Run, SMOOTHINGS, Tone};
use crate::tui::coach::{Hint, Turn};
use crate::tui::{Access, OnAlert};

/// Takes an event into the state.
pub(super) fn take(app: &mut App, event: Event) -> Vec<Effect> {
    match (event.what, &mut app.run) {
        (What::Started(description), run) => {
            *run = Some(Run::new(description, SMOOTHINGS[app.smoothing]));
            app.phase = Phase::Running;
        }
        (What::Steps(batch), Some(run)) => {
            run.extend(&batch);
            return vec![Effect::Recycle(batch)];
        }
        (What::Evaluated(evaluation), Some(run)) => {
            run.seconds = evaluation.seconds;
            let step = evaluation.step;
            run.history.evaluate(evaluation);
            match run.coach.look(&run.history.evaluations) {
                Some(Turn::Rise(rise)) => {
                    let hint = Hint::Overfitting { rise, remedy: run.remedy() };
                    run.journal.hinted(step, hint);
                }
                Some(Turn::Fall) => run.journal.fell(),
                None => {}
            }
        }
        (What::Spectrum(spectra), Some(run)) => run.history.measure(spectra),
        (What::Edited(edit), Some(run)) => edits::confirm(run, edit),
        (What::Refused(refusal), _) => edits::refuse(app, refusal),
        (What::Paced { pace, .. }, Some(run)) => {
            run.pace = pace;
            if let Some(at) = run.paces.iter().position(|asked| *asked == pace) {
                run.paces.drain(..=at);
            }
            run.history.forget_speed();
        }
        (What::Paused { step, seconds }, Some(run)) => {
            run.stand(step, seconds);
            run.moved(|asked| matches!(asked, Command::Pause | Command::StepOnce));
            // A single step pauses again: that is no news.
            if !matches!(app.phase, Phase::Paused | Phase::Diverged) && app.options.access != Access::Replay {
                run.journal.add(step, Happening::Paused);
            }
            if app.phase != Phase::Diverged {
                app.phase = Phase::Paused;
            } else if matches!(app.mode, Mode::Normal | Mode::Help { .. } | Mode::ConfirmQuit) && !app.looks_on() {
                // What is being typed is not taken for an answer; the next key that would go on asks.
                app.mode = Mode::Sentinel { chosen: 0 };
            }
        }
        (What::Resumed { step, seconds }, Some(run)) => {
            run.stand(step, seconds);
            run.moved(|asked| matches!(asked, Command::Resume | Command::RunUntil(_)));
            run.history.forget_speed();
            run.trouble = None;
            if app.options.access != Access::Replay {
                run.journal.add(step, Happening::Resumed);
            }
            app.phase = Phase::Running;
        }
        (What::Noted { step, text, .. }, Some(run)) => run.journal.noted(step, text),
        (What::Snapshot { step, .. }, Some(run)) => {
            run.snapshot = Some(step);
            run.journal.add(step, Happening::Snapshot);
        }
        (What::Restored { step, to, .. }, Some(run)) => {
            run.journal.add(step, Happening::Restored(to));
            run.trouble = None;
            run.tracks.restored();
            run.courses.restored();
            if app.phase == Phase::Diverged {
                app.phase = Phase::Paused;
                app.say_keyed(
                    Tone::Plain,
                    "the snapshot's weights are back: turn η down if it was too large; `Space` goes on",
                );
            }
        }
        (What::Skipped { step, seconds }, Some(run)) => {
            run.stand(step + 1, seconds);
            run.journal.add(step, Happening::Skipped);
        }
        (What::Alert(alert), Some(run)) => {
            let level = alert.level;
            run.journal.warned(alert);
            return heed(app, level);
        }
        (What::Diverged { step, seconds, what, weights }, Some(run)) => {
            run.stand(step, seconds);
            run.moves.clear();
            run.trouble = Some((what.clone(), weights));
            run.journal.add(step, Happening::Diverged(what, weights));
            app.phase = Phase::Diverged;
        }
        (What::Columns { step, columns, .. }, Some(run)) => {
            run.columns = columns;
            run.journal.add(step, Happening::Columns(columns));
        }
        (What::Recording { bytes, trouble }, Some(run)) => {
            run.recorded = Some(bytes);
            run.growth.push(app.now, bytes);
            if let Some(trouble) = trouble.filter(|_| run.unrecorded.is_none()) {
                run.journal.add(run.step, Happening::Unrecorded(trouble.clone()));
                run.unrecorded = Some(trouble.clone());
                app.say(Tone::Warning, format!("recording stopped: {trouble}"));
            }
        }
        (What::Finished(summary), run) => {
            if let Some(run) = run {
                run.seconds = summary.seconds;
                run.step = summary.steps;
                run.journal.add(summary.steps, Happening::Finished(summary.clone()));
            }
            return over(app, Phase::Finished(summary));
        }
        (What::Failed { message, .. }, _) => return fail(app, message),
        // The first event is Started; what comes before it belongs to nothing.
        (_, None) => {}
    }
    Vec::new()
}

/// What an alert does beside its line.
fn heed(app: &mut App, level: Level) -> Vec<Effect> {
    let pauses = app.options.on_alert == OnAlert::Pause && level > Level::Info;
    let mut effects = if app.options.on_alert == OnAlert::Show { Vec::new() } else { vec![Effect::Ring] };
    if pauses && !app.looks_on() && app.phase == Phase::Running && !app.will_pause() {
        app.say_keyed(Tone::Warning, "paused by an alert: `Space` goes on");
        effects.extend(keys::go(app, Command::Pause));
    }
    effects
}

/// The source broke down.
pub(super) fn fail(app: &mut App, message: String) -> Vec<Effect> {
    if let Some(run) = &mut app.run {
        run.journal.add(run.step, Happening::Failed(message.clone()));
    }
    over(app, Phase::Failed(message))
}

/// Nothing more will come: what was waited for will not, and whoever wanted to leave can.
fn over(app: &mut App, phase: Phase) -> Vec<Effect> {
    app.phase = phase;
    if let Some(run) = &mut app.run {
        run.pending.clear();
        run.paces.clear();
        run.moves.clear();
        run.weight_decay.preview = None;
        run.learning_rate.preview = None;
        run.turning = None;
    }
    match app.mode {
        Mode::Leaving { ending, .. } => vec![Effect::Leave(ending)],
        Mode::ConfirmQuit | Mode::Sentinel { .. } => {
            app.mode = Mode::Normal;
            Vec::new()
        }
        _ => Vec::new(),
    }
}

impl Run {
    /// Training stands before this update.
    fn stand(&mut self, step: u64, seconds: f64) {
        self.history.clock.stand(step, seconds);
        self.step = step;
        self.seconds = seconds;
    }

    /// Training did what was asked for by a command of this kind; what was asked before it is answered by that too.
    fn moved(&mut self, kind: impl Fn(&Command) -> bool) {
        if let Some(at) = self.moves.iter().position(kind) {
            self.moves.drain(..=at);
        }
    }

    /// A command never reached training.
    pub(super) fn never_mind(&mut self, command: &Command) {
        if let Some(at) = self.moves.iter().rposition(|asked| asked == command) {
            self.moves.remove(at);
        }
        if let Some(at) = self.paces.iter().rposition(|asked| Command::Pace(*asked) == *command) {
            self.paces.remove(at);
        }
    }
}
