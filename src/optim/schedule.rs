//! Schedules: the factor that η or λ is multiplied with in each update.

use std::f64::consts::PI;

use thiserror::Error;

use crate::stream::Schedule;

/// What can be wrong with a schedule.
#[derive(Debug, Error, PartialEq)]
pub enum ScheduleError {
    /// No schedule has that name.
    #[error("unknown schedule `{0}`: choose one of constant, step, cosine, warmup, one-cycle, inverse-sqrt")]
    Unknown(String),
    /// The schedule has no such setting, or it is none.
    #[error("schedule `{text}`: {part}; it is written as {form}")]
    Form {
        /// The whole text.
        text: String,
        /// What is wrong.
        part: String,
        /// How it is written.
        form: &'static str,
    },
    /// A number of updates that is none.
    #[error("schedule {kind} needs at least 1 in `{key}`, got 0")]
    NoSteps {
        /// Its name.
        kind: &'static str,
        /// The setting.
        key: &'static str,
    },
    /// A share outside its range.
    #[error("schedule {kind}: {key} must be from 0 to 1, got {value}")]
    NotShare {
        /// Its name.
        kind: &'static str,
        /// The setting.
        key: &'static str,
        /// What was asked for.
        value: f64,
    },
    /// It follows the run's length, which is not known.
    #[error("schedule {0} follows the length of the run, which runs until it is stopped: give {0}:steps=N")]
    NoLength(&'static str),
}

/// A schedule from its name and settings: `cosine`, `cosine:steps=2000,end=0.1`, `step:every=500,factor=0.1`,
/// `warmup:steps=100`, `one-cycle:steps=2000`, `inverse-sqrt:warmup=100`.
///
/// # Errors
/// [`ScheduleError`]
pub fn parse(text: &str) -> Result<Schedule, ScheduleError> {
    let (name, settings) = text.split_once(':').unwrap_or((text, ""));
    let (form, keys): (_, &[&str]) = match name {
        "constant" => ("constant", &[]),
        "step" => ("step:every=N,factor=F", &["every", "factor"]),
        "cosine" => ("cosine[:steps=N,end=SHARE]", &["steps", "end"]),
        "warmup" => ("warmup:steps=N", &["steps"]),
        "one-cycle" => ("one-cycle[:steps=N]", &["steps"]),
        "inverse-sqrt" => ("inverse-sqrt:warmup=N", &["warmup"]),
        _ => return Err(ScheduleError::Unknown(name.to_owned())),
    };
    let wrong = |part: String| ScheduleError::Form { text: text.to_owned(), part, form };
    let mut pairs = Vec::new();
    for setting in settings.split(',').filter(|setting| !setting.is_empty()) {
        let (key, value) = setting.split_once('=').ok_or_else(|| wrong(format!("`{setting}` has no =")))?;
        if !keys.contains(&key) {
            return Err(wrong(format!("`{key}` is no setting of it")));
        }
        pairs.push((key, value));
    }
    let find = |key: &str| pairs.iter().rev().find(|(its, _)| *its == key).map(|(_, value)| *value);
    let number = |key: &str, text: &str| text.parse::<f64>().map_err(|_| wrong(format!("{key} must be a number")));
    let count = |key: &str, text: &str| text.parse::<u64>().map_err(|_| wrong(format!("{key} must be a whole number")));
    let given = |key: &'static str| find(key).ok_or_else(|| wrong(format!("{key} is missing")));
    let schedule = match name {
        "step" => Schedule::Step {
            every: count("every", given("every")?)?,
            factor: number("factor", find("factor").unwrap_or("0.1"))?,
        },
        "cosine" => Schedule::Cosine {
            steps: find("steps").map(|text| count("steps", text)).transpose()?,
            end: number("end", find("end").unwrap_or("0"))?,
        },
        "warmup" => Schedule::Warmup { steps: count("steps", given("steps")?)? },
        "one-cycle" => Schedule::OneCycle { steps: find("steps").map(|text| count("steps", text)).transpose()? },
        "inverse-sqrt" => Schedule::InverseSqrt { warmup: count("warmup", given("warmup")?)? },
        _ => Schedule::Constant,
    };
    check(schedule)
}

/// The same schedule with every number in place: where it follows the run, `total` is its length.
///
/// # Errors
/// [`ScheduleError`]
pub fn complete(schedule: Schedule, total: Option<u64>) -> Result<Schedule, ScheduleError> {
    let fill = |steps: Option<u64>, kind| steps.or(total).ok_or(ScheduleError::NoLength(kind)).map(Some);
    check(match schedule {
        Schedule::Cosine { steps, end } => Schedule::Cosine { steps: fill(steps, "cosine")?, end },
        Schedule::OneCycle { steps } => Schedule::OneCycle { steps: fill(steps, "one-cycle")? },
        other => other,
    })
}

fn check(schedule: Schedule) -> Result<Schedule, ScheduleError> {
    let steps = match schedule {
        Schedule::Step { every, .. } => Some(("step", "every", every)),
        Schedule::Cosine { steps: Some(steps), .. } => Some(("cosine", "steps", steps)),
        Schedule::Warmup { steps } => Some(("warmup", "steps", steps)),
        Schedule::OneCycle { steps: Some(steps) } => Some(("one-cycle", "steps", steps)),
        Schedule::InverseSqrt { warmup } => Some(("inverse-sqrt", "warmup", warmup)),
        Schedule::Constant | Schedule::Cosine { .. } | Schedule::OneCycle { .. } => None,
    };
    let share = match schedule {
        Schedule::Step { factor, .. } => Some(("step", "factor", factor)),
        Schedule::Cosine { end, .. } => Some(("cosine", "end", end)),
        _ => None,
    };
    match (steps, share) {
        (Some((kind, key, 0)), _) => Err(ScheduleError::NoSteps { kind, key }),
        (_, Some((kind, key, value))) if !(0.0..=1.0).contains(&value) => {
            Err(ScheduleError::NotShare { kind, key, value })
        }
        _ => Ok(schedule),
    }
}

/// The factor in the update with this 0-based index, from 0 to 1; the largest of every schedule is 1. Past its end a
/// schedule stays where it ended.
///
/// ```text
/// step          factor^floor(t/every)
/// cosine        end + (1-end)/2*(1 + cos(pi*t/T))
/// warmup        min(1, t/W)
/// one-cycle     from 1/25 up to 1 over the first 30 %, then down to 1/250000, each half a cosine
/// inverse-sqrt  min(t/W, sqrt(W/t))
/// ```
pub fn factor(schedule: Schedule, step: u64) -> f64 {
    let t = step as f64;
    match schedule {
        Schedule::Constant | Schedule::Cosine { steps: None, .. } | Schedule::OneCycle { steps: None } => 1.0,
        Schedule::Step { every, factor } => libm::pow(factor, (step / every) as f64),
        Schedule::Cosine { steps: Some(steps), end } => between(1.0, end, t / steps as f64),
        Schedule::Warmup { steps } => (t / steps as f64).min(1.0),
        Schedule::OneCycle { steps: Some(steps) } => {
            const UP: f64 = 0.3;
            let share = t / steps as f64;
            if share < UP { between(0.04, 1.0, share / UP) } else { between(1.0, 4e-6, (share - UP) / (1.0 - UP)) }
        }
        Schedule::InverseSqrt { warmup } if step < warmup => t / warmup as f64,
        Schedule::InverseSqrt { warmup } => (warmup as f64 / t).sqrt(),
    }
}

/// Half a cosine from one value to another, as `share` goes from 0 to 1.
fn between(from: f64, to: f64, share: f64) -> f64 {
    if share >= 1.0 { to } else { to + 0.5 * (from - to) * (1.0 + libm::cos(PI * share)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_those_of_the_formulas() {
        let cases = [
            ("constant", 7, 1.0),
            ("step:every=10,factor=0.5", 9, 1.0),
            ("step:every=10,factor=0.5", 30, 0.125),
            ("cosine:steps=100,end=0.1", 0, 1.0),
            ("cosine:steps=100,end=0.1", 50, 0.55),
            ("cosine:steps=100,end=0.1", 1000, 0.1),
            ("cosine:steps=100", 100, 0.0),
            ("warmup:steps=4", 0, 0.0),
            ("warmup:steps=4", 3, 0.75),
            ("warmup:steps=4", 9, 1.0),
            ("one-cycle:steps=100", 0, 0.04),
            ("one-cycle:steps=100", 15, 0.52),
            ("one-cycle:steps=100", 30, 1.0),
            ("one-cycle:steps=100", 65, 0.500002),
            ("one-cycle:steps=100", 100, 4e-6),
            ("inverse-sqrt:warmup=4", 0, 0.0),
            ("inverse-sqrt:warmup=4", 2, 0.5),
            ("inverse-sqrt:warmup=4", 4, 1.0),
            ("inverse-sqrt:warmup=4", 16, 0.5),
        ];
        for (text, step, wanted) in cases {
            let got = factor(parse(text).unwrap(), step);
            assert!((got - wanted).abs() < 1e-15, "{text} at {step}: {got}, not {wanted}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_in_words() {
        let cases = [
            ("linear", "unknown schedule `linear`: choose one of constant, step, cosine"),
            ("cosine:stps=3", "`stps` is no setting of it; it is written as cosine[:steps=N,end=SHARE]"),
            ("warmup", "schedule `warmup`: steps is missing"),
            ("warmup:steps=0", "schedule warmup needs at least 1 in `steps`, got 0"),
            ("step:every=3,factor=2", "schedule step: factor must be from 0 to 1, got 2"),
        ];
        for (text, part) in cases {
            let message = parse(text).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
        assert_eq!(complete(parse("cosine").unwrap(), None), Err(ScheduleError::NoLength("cosine")));
        assert_eq!(complete(parse("cosine").unwrap(), Some(9)), parse("cosine:steps=9"));
    }
}
