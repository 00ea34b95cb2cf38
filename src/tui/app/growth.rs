//! How fast a recording grows.

use std::collections::VecDeque;
use std::time::Duration;

/// The rate is taken over the last minute.
const WINDOW: Duration = Duration::from_secs(60);
/// And not over less than this: a record batch every second makes the first seconds jump.
const SHORTEST: Duration = Duration::from_secs(5);

/// Sizes of the recording, as they were told.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Growth {
    sizes: VecDeque<(Duration, u64)>,
}

impl Growth {
    /// Takes in the size at a time.
    pub fn push(&mut self, now: Duration, bytes: u64) {
        self.sizes.push_back((now, bytes));
        while self.sizes.len() > 2 && self.sizes.get(1).is_some_and(|(then, _)| now.saturating_sub(*then) >= WINDOW) {
            self.sizes.pop_front();
        }
    }

    /// Bytes an hour; `None` before there is anything to tell from.
    pub fn an_hour(&self) -> Option<u64> {
        let ((then, before), (now, bytes)) = (self.sizes.front()?, self.sizes.back()?);
        let seconds = now.saturating_sub(*then).as_secs_f64();
        (seconds >= SHORTEST.as_secs_f64()).then(|| (bytes.saturating_sub(*before) as f64 * 3600.0 / seconds) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_minute() {
        let mut growth = Growth::default();
        growth.push(Duration::ZERO, 1_000_000);
        assert_eq!(growth.an_hour(), None);
        for second in 1..=200 {
            growth.push(Duration::from_secs(second), 1_000_000 + if second < 100 { 50_000 } else { 10 } * second);
        }
        assert_eq!(growth.an_hour(), Some(36_000));
    }
}
