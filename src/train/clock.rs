//! Where the trainer's time goes, at a price that nobody notices.
//!
//! What is long and rare (an evaluation, a wait) is timed each time. Of the updates between two batches of statistics
//! one is timed phase by phase, and its shares are taken for those of all: batches leave at most a hundred times a
//! second, so that the clock is read some hundred times a second, however short an update is.

use std::time::{Duration, Instant};

use crate::stream::{Phase, Spending};

/// The phases of one update.
#[derive(Debug, Default)]
pub(super) struct Laps {
    /// Where the last phase ended; none while nobody wants to know.
    last: Option<Instant>,
    spent: Spending,
}

impl Laps {
    /// Times an update that begins now.
    pub(super) fn start(&mut self) {
        *self = Laps { last: Some(Instant::now()), spent: Spending::default() };
    }

    /// A phase ends here.
    pub(super) fn end(&mut self, phase: Phase) {
        if let Some(last) = &mut self.last {
            let now = Instant::now();
            self.spent.add(phase, (now - *last).as_secs_f64());
            *last = now;
        }
    }

    /// The update is over: what it took, if it was timed.
    pub(super) fn stop(&mut self) -> Option<Spending> {
        self.end(Phase::Rest);
        self.last.take().map(|_| self.spent)
    }
}

/// The trainer's time between two batches of statistics.
#[derive(Debug)]
pub(super) struct Clock {
    since: Instant,
    /// What was timed for itself.
    known: Spending,
    /// In pauses nothing is spent.
    paused: Duration,
    /// The update that was timed.
    update: Option<Spending>,
}

impl Clock {
    pub(super) fn start() -> Clock {
        Clock { since: Instant::now(), known: Spending::default(), paused: Duration::ZERO, update: None }
    }

    /// Something that began then has just ended.
    pub(super) fn spent(&mut self, phase: Phase, begun: Instant) {
        self.known.add(phase, begun.elapsed().as_secs_f64());
    }

    /// A pause that began then has just ended.
    pub(super) fn stood_still(&mut self, begun: Instant) {
        self.paused += begun.elapsed();
    }

    /// Whether the next update is to be timed.
    pub(super) fn wants_laps(&self) -> bool {
        self.update.is_none()
    }

    /// Takes over the phases of an update.
    pub(super) fn timed(&mut self, update: Option<Spending>) {
        self.update = self.update.or(update);
    }

    /// What was spent since the last time.
    pub(super) fn settle(&mut self) -> Spending {
        let Clock { since, known, paused, update } = std::mem::replace(self, Clock::start());
        let all = self.since.duration_since(since).saturating_sub(paused).as_secs_f64();
        split(all - known.total(), update).plus(known)
    }
}

/// Time that nothing else took, in the shares of an update.
fn split(seconds: f64, update: Option<Spending>) -> Spending {
    let mut rest = Spending::default();
    rest.add(Phase::Rest, seconds.max(0.0));
    match update {
        Some(update) if update.total() > 0.0 => update.times(seconds.max(0.0) / update.total()),
        _ => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nothing_else_took_is_split_as_an_update_was() {
        let mut update = Spending::default();
        update.add(Phase::Forward, 1e-3);
        update.add(Phase::Backward, 3e-3);
        let split = split(2.0, Some(update));
        assert!((split.of(Phase::Forward) - 0.5).abs() < 1e-12 && (split.of(Phase::Backward) - 1.5).abs() < 1e-12);
        assert_eq!(super::split(2.0, None).of(Phase::Rest), 2.0);
        assert_eq!(super::split(-1e-9, Some(update)).total(), 0.0);
    }

    #[test]
    fn an_update_that_nobody_times_reads_no_clock() {
        let mut laps = Laps::default();
        laps.end(Phase::Data);
        assert_eq!(laps.stop(), None);
        laps.start();
        laps.end(Phase::Data);
        let spent = laps.stop().unwrap();
        assert!(spent.of(Phase::Data) > 0.0 && spent.of(Phase::Forward) == 0.0);
        assert_eq!(laps.stop(), None);
    }

    #[test]
    fn all_the_time_is_told_and_no_pause_of_it() {
        let (before, mut clock) = (Instant::now(), Clock::start());
        let pause = Instant::now();
        std::thread::sleep(Duration::from_millis(20));
        clock.stood_still(pause);
        let wait = Instant::now();
        std::thread::sleep(Duration::from_millis(5));
        clock.spent(Phase::Pace, wait);
        let spent = clock.settle();
        assert!(spent.of(Phase::Pace) >= 5e-3, "{spent:?}");
        assert!(spent.total() <= before.elapsed().as_secs_f64() - 0.02 + 1e-9, "{spent:?}");
    }
}
