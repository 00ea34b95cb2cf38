//! The rule's own hyperparameters, turned by keys as λ and η are; each is one for all tensors.

use std::time::Duration;

use super::dial::{SETTLE, Which, nearest_tenth, tidy};
use super::{App, Mode, Run};
use crate::stream::{Knob, Scope};

/// What the arrows turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    /// λ or η.
    Dial(Which),
    /// The hyperparameter at this place of the rule's list.
    Hyper(usize),
}

/// A hyperparameter on its way to an edit.
#[derive(Debug, Clone, PartialEq)]
pub struct Turning {
    /// Its place in the rule's list.
    pub hyper: usize,
    /// The value in force.
    pub from: f64,
    /// Keys since then.
    tenths: i32,
    /// The value to be.
    pub value: f64,
    /// When it is asked for.
    pub due: Duration,
}

impl Run {
    /// Turns a hyperparameter by so many tenths of a decade, of its distance to 1 where it is a share.
    pub fn turn_hyper(&mut self, hyper: usize, tenths: i32, now: Duration) {
        let Some((key, value)) = self.hyper.get(hyper) else { return };
        let knob = Knob::from(key.clone());
        let asked = self.pending.iter().rev().find(|pending| pending.setting.knob == knob);
        let (from, before) = match &self.turning {
            Some(turning) if turning.hyper == hyper => (turning.from, turning.tenths),
            _ => (asked.and_then(|pending| pending.setting.value).unwrap_or(*value), 0),
        };
        let mut tenths = before + tenths;
        let allowed = self.description.hyper.iter().find(|its| its.key == *key).map_or("", |its| its.allowed.as_str());
        let value = turned(from, tenths, allowed);
        // A press at the end of what is allowed does not have to be taken back first.
        if value == turned(from, before, allowed) {
            tenths = before;
        }
        self.turning = (value != from).then_some(Turning { hyper, from, tenths, value, due: now + SETTLE });
    }
}

impl App {
    /// The hyperparameter that is being turned or typed, and what it would be.
    pub(in crate::tui) fn coming_hyper<'a>(&'a self, run: &'a Run) -> Option<(&'a str, f64)> {
        if let Some(turning) = &run.turning {
            return run.hyper.get(turning.hyper).map(|(key, _)| (key.as_str(), turning.value));
        }
        let (key, _, value) = self.commanded()?;
        let (key, _) = run.hyper.iter().find(|(its, _)| its == key)?;
        Some((key, value.parse().ok().filter(|value: &f64| value.is_finite())?))
    }

    /// Whether a knob is being turned that no panel on the screen shows.
    pub(in crate::tui) fn turns_unseen(&self) -> bool {
        let area = ratatui::layout::Rect::new(0, 0, self.size.0, self.size.1);
        self.run.as_ref().is_some_and(|run| {
            let dials = [&run.weight_decay, &run.learning_rate].iter().any(|dial| dial.preview.is_some());
            (dials || run.turning.is_some()) && crate::tui::layout::places(self, area).dials.is_some()
        })
    }

    /// What a typed `set KEY[@SCOPE] VALUE` is about, as far as it is one.
    pub(in crate::tui) fn commanded(&self) -> Option<(&str, Scope, &str)> {
        let Mode::Commanding { input, .. } = &self.mode else { return None };
        let (target, value) = input.value().trim().strip_prefix("set ")?.trim().split_once(' ')?;
        let (key, scope) =
            target.split_once('@').map_or((target, Scope::All), |(key, scope)| (key, Scope::from(scope.to_owned())));
        Some((key, scope, value.trim()))
    }
}

/// Where so many keys lead from a value. What it may be is known in words alone: whoever trains has the last word.
fn turned(value: f64, tenths: i32, allowed: &str) -> f64 {
    let counted = |most: f64| (value + f64::from(tenths)).clamp(0.0, most);
    match allowed {
        _ if allowed.contains("true (1)") => f64::from(u8::from(tenths > 0)),
        _ if allowed.starts_with("one of") => among(allowed, value, tenths),
        _ if allowed.starts_with("a whole number") => counted(99.0),
        _ if allowed.starts_with("1,") => value,
        _ if allowed.contains("below 1") => share(value, tenths),
        _ if value < 0.0 || (value == 0.0 && allowed.contains("at most 0")) => -scaled(-value, -tenths, 0.0),
        _ if allowed.contains("at least 1") => scaled(value, tenths, 1.0).max(1.0),
        _ if allowed.contains("above 0") => scaled(value, tenths, value),
        _ => scaled(value, tenths, 0.0),
    }
}

/// So many names further in a list as `one of l2 (0), none (4)`.
fn among(allowed: &str, value: f64, tenths: i32) -> f64 {
    let number = |name: &str| name.rsplit_once('(')?.1.strip_suffix(')')?.parse().ok();
    let numbers: Vec<f64> = allowed.split(", ").filter_map(number).collect();
    let at = numbers.iter().position(|its| *its == value).unwrap_or(0);
    let to = at.saturating_add_signed(tenths as isize).min(numbers.len().saturating_sub(1));
    numbers.get(to).copied().unwrap_or(value)
}

/// 0.9, 0.921, 0.937 …: what is forgotten shrinks by tenths of a decade.
fn share(value: f64, tenths: i32) -> f64 {
    let tenth = (nearest_tenth(1.0 - value) - tenths).clamp(-60, 0);
    let decimals = (2 - tenth.div_euclid(10)) as usize;
    let share = 1.0 - tidy(tenth);
    format!("{share:.decimals$}").parse().unwrap_or(share)
}

/// By tenths of a decade; from 0 to a thousandth, and below any use to the lowest.
fn scaled(value: f64, tenths: i32, lowest: f64) -> f64 {
    if value <= 0.0 {
        return if tenths > 0 { tidy(tenths - 31) } else { value };
    }
    let tenth = nearest_tenth(value) + tenths;
    if tenth < -150 { lowest } else { tidy(tenth.min(60)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::Allowed;

    #[test]
    fn every_kind_of_hyperparameter_is_turned_within_what_it_may_be() {
        let kinds = [
            Allowed::Finite,
            Allowed::NotNegative,
            Allowed::NotPositive,
            Allowed::Positive,
            Allowed::Share,
            Allowed::AtLeastOne,
            Allowed::Count,
            Allowed::Flag,
            Allowed::OneOf(&["a", "b", "c"]),
            Allowed::Fixed,
        ];
        for allowed in kinds {
            for value in
                [-0.8, 0.0, 1e-8, 0.1, 0.9, 0.999, 1.0, 2.0, 5.0].into_iter().filter(|it| allowed.contains(*it))
            {
                for tenths in [-200, -5, -1, 1, 5, 200] {
                    let then = turned(value, tenths, &allowed.words());
                    assert!(allowed.contains(then), "{allowed:?}: {value} by {tenths} is {then}");
                    assert!((then - value) * f64::from(tenths) >= 0.0, "{allowed:?}: {value} by {tenths} is {then}");
                }
            }
        }
    }

    #[test]
    fn names_are_gone_through_as_they_are_listed() {
        let beside = "one of decoupled (1), cautious (2), none (4)";
        assert_eq!([-1, 0, 1, 2, 9].map(|tenths| turned(1.0, tenths, beside)), [1.0, 1.0, 2.0, 4.0, 4.0]);
    }

    #[test]
    fn shares_come_nearer_to_one_and_back() {
        let words = Allowed::Share.words();
        assert_eq!([1, 2, 10, 0].map(|tenths| turned(0.9, tenths, &words)), [0.9206, 0.9369, 0.99, 0.9]);
        assert_eq!(turned(0.9206, -1, &words), 0.9);
        assert_eq!([1, -1].map(|tenths| turned(0.0, tenths, &words)), [0.206, 0.0]);
        assert_eq!([1, -1].map(|tenths| turned(1e-8, tenths, &Allowed::NotNegative.words())), [1.26e-8, 7.94e-9]);
        assert_eq!(turned(0.0, 1, &Allowed::NotNegative.words()), 1e-3);
    }
}
