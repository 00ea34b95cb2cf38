//! The thread that tells a recording.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use thiserror::Error;

use super::{AtEnd, Playback, check_speed};
use crate::record::{self, Follow, Session};
use crate::stream::{Closed, Command, Event, EventSender, Refusal, StepBatch, TensorSums, What};

/// Between two looks at what is due.
const TICK: Duration = Duration::from_millis(30);
/// Between two looks at what another process may have added.
const LOOK_AFTER: Duration = Duration::from_millis(100);
/// A stretch of the recorded time without any event is cut to this many seconds of ours.
const LONGEST_SILENCE: f64 = 1.0;

/// Plays one session.
pub(super) struct Player {
    path: PathBuf,
    follow: Follow,
    commands: Receiver<Command>,
    events: EventSender,
    end: AtEnd,
    /// Times the recorded speed; 0 is as fast as it goes.
    speed: f64,
    motion: Motion,
    /// Pause before the update with this index.
    pause_before: Option<u64>,
    /// Read and not yet told.
    next: Option<Event>,
    /// Updates that the recording has.
    length: Option<u64>,
    /// The next update's index.
    step: u64,
    /// The recorded wall time of what was told last.
    seconds: f64,
    /// Where the recorded time was at which moment of ours.
    since: (Instant, f64),
    /// The last sums of each tensor that are known.
    known: Vec<TensorSums>,
    ending: Ending,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Motion {
    Playing,
    Paused,
}

/// Whether it was told that there is no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    NotTold,
    Told,
}

/// Why playing stops.
#[derive(Debug, Error)]
enum Halt {
    #[error(transparent)]
    Closed(#[from] Closed),
    #[error(transparent)]
    Unreadable(#[from] record::Error),
}

/// What there is to do next.
enum Due {
    /// Something was told; there may be more at once.
    Now,
    /// Nothing before this much time has passed.
    In(Duration),
    /// Nothing before a command comes.
    Never,
    /// Nothing any more.
    Over,
}

impl Player {
    pub(super) fn open(
        path: &Path,
        playback: Playback,
        commands: Receiver<Command>,
        events: EventSender,
    ) -> Result<Player, record::Error> {
        let mut player = Player {
            path: path.to_owned(),
            follow: Follow::open(path)?,
            commands,
            events,
            end: playback.end,
            speed: playback.speed,
            motion: Motion::Playing,
            pause_before: None,
            next: None,
            length: None,
            step: 0,
            seconds: 0.0,
            since: (Instant::now(), 0.0),
            known: Vec::new(),
            ending: Ending::NotTold,
        };
        let session = Session::open(path)?;
        if !player.follow.is_live() {
            let last = session.last_update()?.0.map(|last| last.row.step + 1);
            player.length = session.summary().map(|summary| summary.steps).or(last);
        }
        Ok(player)
    }

    /// To the end, whichever comes first.
    pub(super) fn run(&mut self) {
        let halt = self.play();
        if let Err(Halt::Unreadable(error)) = halt {
            let failed = What::Failed { step: self.step, message: error.to_string() };
            // Nobody left to tell is the only thing that can go wrong here.
            let _ = self.events.send(failed.into()).and_then(|()| self.events.drain());
        }
    }

    fn play(&mut self) -> Result<(), Halt> {
        loop {
            let command = match self.tell_what_is_due()? {
                Due::Now => self.commands.try_recv().map_err(|error| match error {
                    crossbeam_channel::TryRecvError::Empty => RecvTimeoutError::Timeout,
                    crossbeam_channel::TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
                }),
                Due::In(wait) => self.commands.recv_timeout(wait),
                Due::Never => self.commands.recv().map_err(RecvTimeoutError::from),
                Due::Over => return Ok(self.events.drain()?),
            };
            match command {
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => return Ok(self.events.drain()?),
                Ok(command) => self.obey(command)?,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// The next event where it is time for it, no more of it than it is time for.
    fn tell_what_is_due(&mut self) -> Result<Due, Halt> {
        if self.motion == Motion::Paused {
            return Ok(Due::Never);
        }
        if self.pause_before.is_some_and(|step| step <= self.step) {
            self.pause()?;
            return Ok(Due::Now);
        }
        let Some(event) = self.take_next()? else { return self.at_end() };
        let now = self.now();
        let at = event.what.seconds().unwrap_or(self.seconds);
        if at > now {
            let silence = (at - self.seconds) / self.speed;
            if silence > LONGEST_SILENCE && at - now > self.speed * LONGEST_SILENCE {
                // Nothing happened for a while: that is not worth waiting for.
                self.since = (Instant::now(), at - self.speed * LONGEST_SILENCE);
            }
            self.next = Some(event);
            let wait = Duration::try_from_secs_f64((at - self.now()) / self.speed).unwrap_or(LOOK_AFTER);
            return Ok(Due::In(wait.clamp(Duration::from_millis(1), TICK)));
        }
        let until = self.pause_before.unwrap_or(u64::MAX);
        self.tell_part(event, |row_step, row_seconds| row_step < until && row_seconds <= now)?;
        Ok(Due::Now)
    }

    /// The recorded time that it is.
    fn now(&self) -> f64 {
        let (moment, seconds) = self.since;
        if self.speed == 0.0 { f64::INFINITY } else { seconds + moment.elapsed().as_secs_f64() * self.speed }
    }

    fn at_end(&mut self) -> Result<Due, Halt> {
        if self.follow.is_live() {
            self.events.flush()?;
            return Ok(Due::In(LOOK_AFTER));
        }
        if self.ending == Ending::NotTold {
            self.ending = Ending::Told;
            // What came between the last look and the writer's end.
            if let Some(event) = self.take_next()? {
                self.next = Some(event);
                self.ending = Ending::NotTold;
                return Ok(Due::Now);
            }
            for text in self.follow.dropped() {
                self.note(text)?;
            }
            if Session::open(&self.path)?.summary().is_none() {
                self.note("the recording ends here, without an end of the run".into())?;
                if self.end != AtEnd::Leave {
                    self.pause()?;
                }
            }
        }
        Ok(if self.end == AtEnd::Wait { Due::Never } else { Due::Over })
    }

    fn note(&mut self, text: String) -> Result<(), Halt> {
        let (step, seconds) = (self.step, self.seconds);
        Ok(self.events.send(What::Noted { step, seconds, text }.into())?)
    }

    fn take_next(&mut self) -> Result<Option<Event>, Halt> {
        match self.next.take() {
            Some(event) => Ok(Some(event)),
            None => Ok(self.follow.next()?),
        }
    }

    /// Tells an event, of updates those that `wanted` has, by index and seconds, up to the first that it has not.
    fn tell_part(&mut self, mut event: Event, wanted: impl Fn(u64, f64) -> bool) -> Result<(), Halt> {
        if let What::Steps(batch) = &mut event.what {
            let count = batch.rows().iter().take_while(|row| wanted(row.step, row.seconds)).count();
            let rest = batch.split_off(count);
            if !rest.is_empty() {
                self.next = Some(Event { what: What::Steps(rest), branch: event.branch });
            }
            if count == 0 {
                return Ok(());
            }
        }
        self.tell(event)
    }

    /// Tells an event as what it is in a replay.
    fn tell(&mut self, mut event: Event) -> Result<(), Halt> {
        if let Some(step) = event.what.step() {
            self.step = self.step.max(step);
        }
        if let Some(seconds) = event.what.seconds() {
            self.seconds = seconds;
        }
        match &mut event.what {
            What::Started(run) => {
                self.known = vec![TensorSums::default(); run.tensors.len()];
                if self.length.is_some() {
                    run.total_steps = self.length;
                }
                self.events.send(event)?;
                if self.end == AtEnd::Wait {
                    self.tell_speed()?;
                }
                return Ok(());
            }
            What::Steps(batch) => {
                if let Some(last) = batch.rows().last() {
                    (self.step, self.seconds) = (last.step + 1, last.seconds);
                }
                fill_in(batch, &mut self.known);
            }
            // When it stood still and how fast it ran is in the times; here the pauses and the speed are the replay's.
            What::Paused { .. } | What::Resumed { .. } | What::Paced { .. } => return Ok(()),
            _ => {}
        }
        Ok(self.events.send(event)?)
    }

    fn tell_speed(&mut self) -> Result<(), Closed> {
        let (step, seconds) = (self.step, self.seconds);
        self.events.send(What::Paced { step, seconds, pace: self.speed }.into())
    }

    fn obey(&mut self, command: Command) -> Result<(), Halt> {
        match command {
            Command::Pause => self.pause()?,
            Command::Resume => self.resume()?,
            Command::StepOnce => {
                self.go_to(self.step + 1)?;
                self.pause()?;
            }
            Command::RunUntil(step) if step <= self.step => self.pause()?,
            Command::RunUntil(step) => {
                self.resume()?;
                self.pause_before = Some(step);
            }
            Command::Pace(speed) => match check_speed(speed) {
                Ok(()) => {
                    self.speed = speed;
                    self.since = (Instant::now(), self.seconds);
                    self.tell_speed()?;
                }
                Err(reason) => self.refuse(reason)?,
            },
            Command::Seek(step) => self.seek(step)?,
            Command::NextEdit => {
                let session = Session::open(&self.path)?;
                match session.edits().map(|edit| edit.step).find(|step| *step > self.step) {
                    Some(step) => self.seek(step)?,
                    None => self.refuse("there is no edit after this step".into())?,
                }
            }
            _ => self.refuse("a recording takes no such command".into())?,
        }
        Ok(())
    }

    fn refuse(&mut self, reason: String) -> Result<(), Closed> {
        self.events.send(What::Refused(Refusal { step: self.step, knob: None, reason }).into())
    }

    fn pause(&mut self) -> Result<(), Closed> {
        self.motion = Motion::Paused;
        self.pause_before = None;
        let (step, seconds) = (self.step, self.seconds);
        self.events.send(What::Paused { step, seconds }.into())
    }

    fn resume(&mut self) -> Result<(), Closed> {
        self.motion = Motion::Playing;
        self.pause_before = None;
        self.since = (Instant::now(), self.seconds);
        let (step, seconds) = (self.step, self.seconds);
        self.events.send(What::Resumed { step, seconds }.into())
    }

    /// Stands before the update with this index, having told all before it and nothing after.
    fn seek(&mut self, target: u64) -> Result<(), Halt> {
        let target = self.length.map_or(target, |length| target.min(length));
        // Who goes back from the end wants to look at what is there, not to be taken to the end again.
        if self.ending == Ending::Told && self.length.is_some_and(|length| target < length) {
            self.motion = Motion::Paused;
        }
        if target < self.step || self.ending == Ending::Told {
            self.follow = Follow::open(&self.path)?;
            (self.next, self.step, self.seconds, self.ending) = (None, 0, 0.0, Ending::NotTold);
            self.pause_before = None;
        }
        self.go_to(target)?;
        self.since = (Instant::now(), self.seconds);
        if self.motion == Motion::Paused {
            self.pause()?;
        }
        Ok(())
    }

    /// Tells everything before the update with this index, and the events right before it.
    fn go_to(&mut self, target: u64) -> Result<(), Halt> {
        while let Some(event) = self.take_next()? {
            let before = match &event.what {
                What::Steps(batch) => batch.rows().first().is_some_and(|row| row.step < target),
                what => what.step().is_none_or(|step| step <= target),
            };
            if !before {
                self.next = Some(event);
                break;
            }
            self.tell_part(event, |step, _| step < target)?;
        }
        Ok(())
    }
}

/// Where a recording kept the tensors' columns of some updates only, they stand at the last that it kept.
fn fill_in(batch: &mut StepBatch, known: &mut [TensorSums]) {
    let is_unknown = |sums: &TensorSums| sums.decay.is_nan();
    let mut filled = StepBatch::new(batch.tensors());
    for (row, sums) in batch.iter() {
        for (known, sums) in known.iter_mut().zip(sums).filter(|(_, sums)| !is_unknown(sums)) {
            *known = *sums;
        }
        filled.push(*row, known);
    }
    *batch = filled;
}
