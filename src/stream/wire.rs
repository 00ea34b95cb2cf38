//! The channels that events travel on.
//!
//! Two kinds, chosen where a pipeline is put together: a [`lossless`] wire makes its sender wait (the recorder must
//! have every row), a [`merging`] one never does (training waits for no screen): what does not fit stays with the
//! sender, where consecutive statistics are joined into one batch and, past a limit, thinned.

use std::collections::VecDeque;

use crossbeam_channel::{Receiver, RecvError, Sender, TryRecvError, TrySendError, bounded};
use thiserror::Error;

use super::event::{Event, What};
use super::stats::StepBatch;

/// Updates that a merging sender holds back before it thins them out.
const MOST_WAITING: usize = 1 << 16;

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
        let branch = event.branch;
        match (self.waiting.back_mut(), event) {
            (Some(Event { what: What::Steps(before), branch: its }), Event { what: What::Steps(later), .. })
                if *its == branch =>
            {
                before.append(&later);
                if before.len() > MOST_WAITING {
                    before.thin();
                }
            }
            (_, event) => self.waiting.push_back(event),
        }
    }
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

    #[test]
    fn what_waits_for_a_dead_screen_stays_small() {
        let (mut sender, _receiver) = merging(1);
        for step in 0..(4 * MOST_WAITING as u64) {
            sender.send(steps(step..step + 1)).unwrap();
        }
        let waiting: usize =
            sender.waiting.iter().map(|event| if let What::Steps(batch) = &event.what { batch.len() } else { 0 }).sum();
        assert!(waiting <= MOST_WAITING, "{waiting} rows wait");
    }

    #[test]
    fn a_closed_wire_says_so() {
        let (mut sender, receiver) = merging(1);
        drop(receiver);
        assert!(sender.send(steps(0..1)).is_err());
    }
}
