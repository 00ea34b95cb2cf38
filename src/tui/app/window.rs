//! Which part of a run the charts show, the same in all of them.

use std::ops::Range;

use crate::chart::{Scale, round_count};

/// The fewest steps that fill a chart.
const SHORTEST: u64 = 10;

/// What the x axis shows, and in which unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Window {
    /// What the axis counts.
    pub unit: Unit,
    /// What it shows.
    pub stretch: Stretch,
    /// How it is spread.
    pub scale: Scale,
}

/// What the x axis counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unit {
    /// Updates.
    #[default]
    Step,
    /// Passes through the training set.
    Epoch,
    /// The run's wall time.
    Time,
    /// Updates since the last edit.
    SinceEdit,
}

impl Unit {
    /// All, in the order of their key.
    pub const ALL: [Unit; 4] = [Unit::Step, Unit::Epoch, Unit::Time, Unit::SinceEdit];

    /// What it is called where it is chosen.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Step => "step",
            Unit::Epoch => "epoch",
            Unit::Time => "time",
            Unit::SinceEdit => "edit",
        }
    }
}

/// A part of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Stretch {
    /// All of it, up to a round number ahead.
    #[default]
    Whole,
    /// So many steps up to the last one, wherever that is.
    Tail(u64),
    /// These, whatever comes.
    Fixed(Range<u64>),
}

/// Which way a zoom goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toward {
    /// Fewer steps.
    Near,
    /// More steps.
    Far,
}

impl Window {
    /// The steps shown while there are `end`; `origin` is the last edit's.
    pub fn steps(&self, end: u64, origin: Option<u64>) -> Range<u64> {
        match (&self.stretch, self.unit, origin) {
            (Stretch::Whole, Unit::SinceEdit, Some(origin)) => {
                let length = round_count(end.saturating_sub(origin).max(100));
                origin.saturating_sub(length / 5)..origin.saturating_add(length).saturating_add(1)
            }
            (Stretch::Whole, ..) => 0..round_count(end.max(100)).saturating_add(1),
            (Stretch::Tail(length), ..) => {
                // It moves on by parts of its length, not with every frame.
                let end = end.max(*length).next_multiple_of((length / 16).max(1));
                end - length..end + 1
            }
            (Stretch::Fixed(range), ..) => range.clone(),
        }
    }

    /// Half as many steps, around one of them or up to the last.
    pub fn zoom_in(&mut self, end: u64, origin: Option<u64>, around: Option<u64>) {
        let shown = self.steps(end, origin);
        let length = shown.end.min(end.max(shown.start + 1)) - shown.start;
        let half = (length / 2).max(SHORTEST);
        self.stretch = match (&self.stretch, around) {
            (_, Some(step)) => fixed(step.saturating_sub(half / 2), half),
            (Stretch::Fixed(range), None) => {
                fixed(range.start + (range.end - range.start).saturating_sub(half) / 2, half)
            }
            (_, None) => Stretch::Tail(half),
        };
    }

    /// Twice as many steps.
    pub fn zoom_out(&mut self, end: u64) {
        self.stretch = match &self.stretch {
            Stretch::Whole => Stretch::Whole,
            Stretch::Tail(length) => tail(length.saturating_mul(2), end),
            Stretch::Fixed(range) => {
                let length = range.end - range.start;
                let start = range.start.saturating_sub(length / 2);
                if start + 2 * length >= end { tail(2 * length, end) } else { fixed(start, 2 * length) }
            }
        };
    }

    /// Half or twice as many steps, the one under the pointer at its place. Where that is the end of the run, it goes
    /// on being followed.
    pub fn zoom_at(&mut self, step: u64, toward: Toward, end: u64, origin: Option<u64>) {
        if toward == Toward::Far && self.stretch == Stretch::Whole {
            return;
        }
        let shown = self.steps(end, origin);
        let known = shown.start..shown.end.min(end.max(shown.start + 1));
        let (length, at) = (known.end - known.start, step.clamp(known.start, known.end));
        // A tail is shown up to a round step: what is there of it may be less than its length.
        let whole = if let Stretch::Tail(length) = self.stretch { length } else { length };
        let wanted = match toward {
            Toward::Near => (whole / 2).max(SHORTEST),
            Toward::Far => whole.saturating_mul(2),
        };
        let follows = !matches!(self.stretch, Stretch::Fixed(_)) && known.end - at <= length / 8;
        let before = (u128::from(at - known.start) * u128::from(wanted) / u128::from(length.max(1))) as u64;
        let start = at.saturating_sub(before);
        self.stretch = match toward {
            _ if follows => tail(wanted, end),
            Toward::Far if start.saturating_add(wanted) >= end => tail(wanted, end),
            _ => fixed(start, wanted),
        };
    }

    /// Back to the last step; from there, to all of the run.
    pub fn follow(&mut self) {
        self.stretch = match &self.stretch {
            Stretch::Fixed(range) => Stretch::Tail(range.end - range.start),
            _ => Stretch::Whole,
        };
    }

    /// Moves by quarters of what is shown. What arrives at the last step follows it.
    pub fn pan(&mut self, quarters: i64, end: u64, origin: Option<u64>) {
        if matches!(self.stretch, Stretch::Whole | Stretch::Tail(_)) && quarters > 0 {
            return;
        }
        let shown = self.steps(end, origin);
        let length = shown.end - shown.start - u64::from(!matches!(self.stretch, Stretch::Fixed(_)));
        let by = quarters.unsigned_abs().saturating_mul((length / 4).max(1));
        let start = if quarters < 0 { shown.start.saturating_sub(by) } else { shown.start.saturating_add(by) };
        self.stretch = if start + length >= end && quarters > 0 { tail(length, end) } else { fixed(start, length) };
    }

    /// Moves as little as it takes to show a step.
    pub fn reveal(&mut self, step: u64, end: u64, origin: Option<u64>) {
        let shown = self.steps(end, origin);
        if !shown.contains(&step) {
            let length = shown.end - shown.start;
            let start = if step < shown.start { step } else { (step + 1).saturating_sub(length) };
            self.stretch = fixed(start, length);
        }
    }
}

fn fixed(start: u64, length: u64) -> Stretch {
    Stretch::Fixed(start..start.saturating_add(length))
}

fn tail(length: u64, end: u64) -> Stretch {
    if length >= end { Stretch::Whole } else { Stretch::Tail(length) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(act: impl Fn(&mut Window)) -> Range<u64> {
        let mut window = Window::default();
        act(&mut window);
        window.steps(1000, None)
    }

    #[test]
    fn zooming_in_keeps_the_tail_and_out_again_shows_all() {
        assert_eq!(shown(|_| {}), 0..1001);
        assert_eq!(shown(|window| window.zoom_in(1000, None, None)), 523..1024);
        assert_eq!(
            shown(|window| {
                window.zoom_in(1000, None, None);
                window.zoom_out(1000);
            }),
            0..1001
        );
        let deep = shown(|window| (0..99).for_each(|_| window.zoom_in(1000, None, None)));
        assert_eq!(deep, 990..1001);
    }

    #[test]
    fn what_is_panned_away_stays_and_returns_to_the_tail() {
        let mut window = Window { stretch: Stretch::Tail(400), ..Window::default() };
        window.pan(-1, 1000, None);
        assert_eq!((window.steps(1000, None), window.steps(5000, None)), (500..900, 500..900));
        window.pan(1, 1000, None);
        assert_eq!(window.stretch, Stretch::Tail(400));
        window.pan(-9, 1000, None);
        assert_eq!(window.steps(1000, None).start, 0);
    }

    #[test]
    fn the_step_under_the_pointer_stays_where_it_is() {
        let mut window = Window { stretch: Stretch::Fixed(0..1000), ..Window::default() };
        window.zoom_at(250, Toward::Near, 5000, None);
        assert_eq!(window.stretch, Stretch::Fixed(125..625));
        window.zoom_at(250, Toward::Far, 5000, None);
        assert_eq!(window.stretch, Stretch::Fixed(0..1000));
        let mut window = Window::default();
        window.zoom_at(990, Toward::Near, 1000, None);
        assert_eq!(window.stretch, Stretch::Tail(500), "the end of the run is followed");
        window.zoom_at(900, Toward::Far, 1000, None);
        assert_eq!(window.stretch, Stretch::Whole);
        window.zoom_at(100, Toward::Near, 1000, None);
        assert_eq!(window.stretch, Stretch::Fixed(50..550));
    }

    #[test]
    fn no_zoom_and_no_pan_overflows_or_turns_round() {
        for end in [0, 1, 9, 1000, u64::MAX / 4] {
            for stretch in [Stretch::Whole, Stretch::Tail(10), fixed(0, 10), fixed(end, 20)] {
                let mut window = Window { stretch, ..Window::default() };
                for act in 0..40 {
                    match act % 7 {
                        0 => window.zoom_in(end, None, None),
                        1 => window.pan(-1, end, None),
                        2 => window.zoom_in(end, None, Some(end)),
                        3 => window.zoom_out(end),
                        4 => window.zoom_at(end / 3, Toward::Near, end, None),
                        5 => window.zoom_at(end, Toward::Far, end, None),
                        _ => window.pan(1, end, None),
                    }
                    let steps = window.steps(end, None);
                    assert!(steps.start < steps.end, "{end} {window:?}");
                }
            }
        }
    }

    #[test]
    fn since_an_edit_all_is_what_came_after_it() {
        let window = Window { unit: Unit::SinceEdit, ..Window::default() };
        assert_eq!(window.steps(1240, Some(1000)), 950..1251);
    }
}
