//! The channels that events travel on.
//!
//! Two kinds, chosen where a pipeline is put together: a [`lossless`] wire makes its sender wait (the recorder must
//! have every row), a [`merging`] one never does (training waits for no screen): what does not fit stays with the
//! sender, where consecutive statistics are joined into one batch. Past a limit they are thinned, and so is what is told
//! again and again: evaluations, spectra, alerts, snapshots, the recorder's reports. A reader that stalls for ever costs
//! no more memory than one that stalls for a minute.

use std::collections::{HashMap, VecDeque};
use std::mem::{Discriminant, discriminant};

use crossbeam_channel::{Receiver, RecvError, Sender, TryRecvError, TrySendError, bounded};
use thiserror::Error;

use super::alert::AlertKind;
use super::event::{Event, What};
use super::stats::StepBatch;

/// Updates that a merging sender holds back before it thins them out.
const MOST_WAITING: usize = 1 << 16;

/// Events that it holds back before it leaves some out: each may hold as much as a distribution for every tensor.
const MOST_EVENTS: usize = 1 << 10;

/// The other end is gone.
#[derive(Debug, Error)]
#[error("the receiver of the events is gone")]
pub struct Closed;

/// The end that a source writes to.
#[derive(Debug)]
pub struct EventSender {
    events: Sender<Event>,
    spare: Receiver<StepBatch>,
    merging: bool,
    waiting: VecDeque<Event>,
}

/// The end that a consumer reads from.
#[derive(Debug)]
pub struct EventReceiver {
    events: Receiver<Event>,
    spare: Sender<StepBatch>,
}

/// A wire whose sender waits while `capacity` events are on it.
pub fn lossless(capacity: usize) -> (EventSender, EventReceiver) {
    wire(capacity, false)
}

/// A wire whose sender never waits.
pub fn merging(capacity: usize) -> (EventSender, EventReceiver) {
    wire(capacity, true)
}

fn wire(capacity: usize, merging: bool) -> (EventSender, EventReceiver) {
    let (events, received) = bounded(capacity);
    let (returned, spare) = bounded(capacity);
    let sender = EventSender { events, spare, merging, waiting: VecDeque::new() };
    (sender, EventReceiver { events: received, spare: returned })
}

impl EventSender {
    /// Sends an event, after all that still wait.
    ///
    /// # Errors
    /// [`Closed`] where the receiver is gone.
    pub fn send(&mut self, event: Event) -> Result<(), Closed> {
        if !self.merging {
            return self.events.send(event).map_err(|_| Closed);
        }
        self.flush()?;
        if self.waiting.is_empty() {
            match self.events.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Full(event)) => self.waiting.push_back(event),
                Err(TrySendError::Disconnected(_)) => return Err(Closed),
            }
        } else {
            self.wait_with(event);
        }
        Ok(())
    }

    /// Sends what waits, as far as there is room for it.
    ///
    /// # Errors
    /// [`Closed`] where the receiver is gone.
    pub fn flush(&mut self) -> Result<(), Closed> {
        while let Some(event) = self.waiting.pop_front() {
            match self.events.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Full(event)) => {
                    self.waiting.push_front(event);
                    break;
                }
                Err(TrySendError::Disconnected(_)) => return Err(Closed),
            }
        }
        Ok(())
    }

    /// Whether something waits for room on the wire.
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Sends what waits, waiting for room; for a source's end.
    ///
    /// # Errors
    /// [`Closed`] where the receiver is gone.
    pub fn drain(&mut self) -> Result<(), Closed> {
        self.waiting.drain(..).try_for_each(|event| self.events.send(event).map_err(|_| Closed))
    }

    /// An empty batch, from memory that a consumer gave back where there is some.
    pub fn spare(&self, tensors: usize) -> StepBatch {
        match self.spare.try_recv() {
            Ok(mut batch) if batch.tensors() == tensors => {
                batch.clear();
                batch
            }
            _ => StepBatch::new(tensors),
        }
    }

    /// Keeps an event for later, statistics joined with those that wait just before.
    fn wait_with(&mut self, event: Event) {
        join(&mut self.waiting, without_weights(event));
        // What is not thinned must not have the rest thinned again with every event.
        if self.waiting.len() > MOST_EVENTS
            && self.waiting.iter().filter(|event| repeats(event)).count() > MOST_EVENTS / 2
        {
            self.waiting = thinned(std::mem::take(&mut self.waiting));
        }
        if self.waiting.iter_mut().filter_map(statistics).map(|batch| batch.len()).sum::<usize>() > MOST_WAITING {
            self.waiting.iter_mut().filter_map(statistics).for_each(StepBatch::thin);
        }
    }
}

/// A checkpoint is for the recorder, who reads a lossless wire; one that waits would hold all weights.
fn without_weights(mut event: Event) -> Event {
    if let What::Snapshot { checkpoint, .. } = &mut event.what {
        *checkpoint = None;
    }
    event
}

/// Whether it is told again and again. All others are as many as somebody asks for.
fn repeats(event: &Event) -> bool {
    matches!(
        event.what,
        What::Evaluated(_) | What::Spectrum(_) | What::Alert(_) | What::Snapshot { .. } | What::Recording { .. }
    )
}

fn statistics(event: &mut Event) -> Option<&mut StepBatch> {
    if let What::Steps(batch) = &mut event.what { Some(batch) } else { None }
}

/// Adds an event at the end, statistics to those that are there already.
fn join(events: &mut VecDeque<Event>, event: Event) {
    match (events.back_mut(), &event.what) {
        (Some(Event { what: What::Steps(before), branch }), What::Steps(later)) if *branch == event.branch => {
            before.append(later);
        }
        _ => events.push_back(event),
    }
}

/// Without every second event of each kind that is told again and again, the last one always kept, and of alerts the last
/// of each kind at each tensor; statistics that come to stand side by side are joined.
fn thinned(events: VecDeque<Event>) -> VecDeque<Event> {
    type Told = (Discriminant<What>, Option<(AlertKind, Option<String>)>);
    let mut later: HashMap<Told, usize> = HashMap::new();
    let mut kept = VecDeque::new();
    for event in events.into_iter().rev() {
        if repeats(&event) {
            let alert = match &event.what {
                What::Alert(alert) => Some((alert.kind, alert.tensor.clone())),
                _ => None,
            };
            let count = later.entry((discriminant(&event.what), alert)).or_default();
            *count += 1;
            if count.is_multiple_of(2) {
                continue;
            }
        }
        kept.push_front(event);
    }
    let mut joined = VecDeque::with_capacity(kept.len());
    kept.into_iter().for_each(|event| join(&mut joined, event));
    joined
}

impl EventReceiver {
    /// Waits for the next event.
    ///
    /// # Errors
    /// Where all are read and the sender is gone.
    pub fn recv(&self) -> Result<Event, RecvError> {
        self.events.recv()
    }

    /// The next event, if there is one now.
    ///
    /// # Errors
    /// Where there is none now, or never will be.
    pub fn try_recv(&self) -> Result<Event, TryRecvError> {
        self.events.try_recv()
    }

    /// The channel itself, for `select!`.
    pub fn channel(&self) -> &Receiver<Event> {
        &self.events
    }

    /// Gives a batch's memory back to the sender.
    pub fn recycle(&self, batch: StepBatch) {
        // Full or gone: the memory is simply freed.
        let _ = self.spare.try_send(batch);
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{Evaluation, Score};
    use super::super::stats::{StepRow, TensorSums};
    use super::*;

    fn steps(range: std::ops::Range<u64>) -> Event {
        let mut batch = StepBatch::new(1);
        for step in range {
            batch.push(StepRow { step, ..Default::default() }, &[TensorSums::default()]);
        }
        What::Steps(batch).into()
    }

    #[test]
    fn a_full_merging_wire_keeps_order_and_joins_statistics() {
        let (mut sender, receiver) = merging(1);
        sender.send(steps(0..1)).unwrap();
        sender.send(steps(1..2)).unwrap();
        sender.send(steps(2..3)).unwrap();
        sender.send(What::Paused { step: 3, seconds: 0.0 }.into()).unwrap();
        assert_eq!(receiver.recv().unwrap(), steps(0..1));
        sender.flush().unwrap();
        assert_eq!(receiver.recv().unwrap(), steps(1..3));
        sender.flush().unwrap();
        assert!(matches!(receiver.recv().unwrap().what, What::Paused { step: 3, .. }));
    }

    fn evaluation(step: u64) -> Event {
        let score = Score { loss: 0.5, accuracy: 0.8 };
        let (epoch, seconds) = (0.0, 0.0);
        What::Evaluated(Evaluation { step, epoch, seconds, train: score, validation: score, weights: Vec::new() })
            .into()
    }

    fn noted(step: u64) -> Event {
        What::Noted { step, seconds: 0.0, text: "here".into() }.into()
    }

    #[test]
    fn what_waits_for_a_dead_screen_stays_small() {
        // An evaluation behind each update, one behind very many, none at all.
        for every in [1, 5000, u64::MAX] {
            let (mut sender, _receiver) = merging(1);
            for step in 0..(4 * MOST_WAITING as u64) {
                sender.send(steps(step..step + 1)).unwrap();
                if step % every == every - 1 {
                    sender.send(evaluation(step + 1)).unwrap();
                }
            }
            let rows = |event: &Event| if let What::Steps(batch) = &event.what { batch.len() } else { 0 };
            let waiting: usize = sender.waiting.iter().map(rows).sum();
            assert!(waiting > MOST_WAITING / 4 && waiting <= MOST_WAITING, "{waiting} rows wait");
            assert!(sender.waiting.len() <= MOST_EVENTS, "{} events wait", sender.waiting.len());
        }
    }

    #[test]
    fn of_what_is_told_again_and_again_the_last_is_kept_and_of_what_was_asked_for_all() {
        let (mut sender, receiver) = merging(1);
        let end = 10 * MOST_EVENTS as u64;
        for step in 0..end {
            sender.send(steps(step..step + 1)).unwrap();
            sender.send(evaluation(step + 1)).unwrap();
            if step % 1000 == 999 {
                sender.send(noted(step + 1)).unwrap();
            }
        }
        let mut told = Vec::new();
        while let Ok(event) = receiver.try_recv() {
            told.push(event);
            sender.flush().unwrap();
        }
        assert!(told.len() < 2 * MOST_EVENTS, "{} of {} events", told.len(), 2 * end);
        assert_eq!(told.last(), Some(&evaluation(end)));
        let notes = told.iter().filter(|event| matches!(event.what, What::Noted { .. }));
        assert!(notes.eq(&(1..=end / 1000).map(|note| noted(1000 * note)).collect::<Vec<_>>()));
        // All rows are there, and nothing is told out of turn.
        let rows: usize =
            told.iter().map(|event| if let What::Steps(batch) = &event.what { batch.len() } else { 0 }).sum();
        assert_eq!(rows as u64, end);
        assert!(told.is_sorted_by_key(|event| event.what.step()));
    }

    #[test]
    fn a_closed_wire_says_so() {
        let (mut sender, receiver) = merging(1);
        drop(receiver);
        assert!(sender.send(steps(0..1)).is_err());
    }
}
