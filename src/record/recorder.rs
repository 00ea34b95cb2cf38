//! The recorder: a thread in the pipe between a source and a screen.

use std::io;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::RecvTimeoutError;

use super::columns;
use super::error::{Error, shown};
use super::folder::Folder;
use super::log::Log;
use super::snapshot;
use super::steps::StepsWriter;
use super::{EVENTS, Origin};
use crate::stream::{
    Checkpoint, Description, Event, EventReceiver, EventSender, StepBatch, TensorInfo, What, printable,
};

/// Rows wait for a record batch no longer than this.
const LONGEST_WAIT: Duration = Duration::from_millis(900);
/// Nor do more rows than this.
const MOST_WAITING: usize = 8192;
/// The recorder tells how much it has written no more often than this.
const REPORT_EVERY: Duration = Duration::from_secs(1);
/// How long it waits for an event while rows wait for the clock, or events for a slow screen.
const TICK: Duration = Duration::from_millis(50);

/// A session folder that is ready to be written.
#[derive(Debug)]
pub struct Recorder {
    folder: Folder,
}

/// What became of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The session folder. It was removed again if the run never started.
    pub path: PathBuf,
    /// Bytes written.
    pub bytes: u64,
    /// Why recording stopped before the run did, in one line.
    pub trouble: Option<String>,
}

impl Recorder {
    /// Makes the folder, with its parents, and locks it. Where it is dropped before a run started, the folder goes
    /// again.
    ///
    /// # Errors
    /// Where something is there already or the folder cannot be made; nothing is left behind then.
    pub fn create(path: &Path) -> Result<Recorder, Error> {
        Ok(Recorder { folder: Folder::create(path)? })
    }

    /// The session folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Records what comes from `input`, on a thread of its own, until the input ends; every event is passed on to
    /// `output` after it was written.
    ///
    /// A closed output does not stop the recording. A failure to write does; the events pass on, and `Recording`
    /// events tell.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn spawn(self, input: EventReceiver, output: EventSender) -> io::Result<JoinHandle<Recorded>> {
        thread::Builder::new().name("recorder".into()).spawn(move || {
            let mut pipe = Pipe { output: Some(output), input, told: (0, None), told_at: Instant::now() };
            let mut recording = Recording::new(self.folder);
            pipe.follow(&mut recording);
            recording.close()
        })
    }
}

/// The recorder's place between two wires.
struct Pipe {
    input: EventReceiver,
    /// `None` once nobody reads it any more.
    output: Option<EventSender>,
    told: (u64, Option<String>),
    told_at: Instant,
}

impl Pipe {
    fn follow(&mut self, recording: &mut Recording) {
        loop {
            match self.input.channel().recv_timeout(self.patience(recording)) {
                Ok(event) => {
                    recording.record(&event);
                    if matches!(event.what, What::Finished(_) | What::Failed { .. }) {
                        recording.finish();
                        self.report(recording);
                    }
                    self.pass_on(event);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            recording.write_due_rows();
            if self.told_at.elapsed() >= REPORT_EVERY || recording.trouble != self.told.1 {
                recording.look_for_folder();
                self.report(recording);
            }
            self.use_output(EventSender::flush);
        }
        recording.finish();
        self.report(recording);
        self.use_output(EventSender::drain);
    }

    /// How long to wait for the next event before looking at the clock and at the output.
    fn patience(&self, recording: &Recording) -> Duration {
        let output_is_behind = self.output.as_ref().is_some_and(EventSender::is_waiting);
        if output_is_behind || !recording.waiting.is_empty() { TICK } else { REPORT_EVERY }
    }

    fn pass_on(&mut self, event: Event) {
        match (event, &self.output) {
            (Event { what: What::Steps(batch), .. }, None) => self.input.recycle(batch),
            // The screen has no use for it, and may be slow to let go of it.
            (Event { what: What::Snapshot { step, seconds, .. }, branch }, Some(_)) => {
                let event = Event { what: What::Snapshot { step, seconds, checkpoint: None }, branch };
                self.use_output(|output| output.send(event));
            }
            (event, Some(output)) => {
                if let What::Steps(batch) = &event.what {
                    // The batch goes on to the screen; one that came back from there takes its place.
                    self.input.recycle(output.spare(batch.tensors()));
                }
                self.use_output(|output| output.send(event));
            }
            (_, None) => {}
        }
    }

    fn report(&mut self, recording: &Recording) {
        self.told_at = Instant::now();
        let news = (recording.bytes(), recording.trouble.clone());
        if news != self.told {
            self.told = news.clone();
            self.use_output(|output| output.send(What::Recording { bytes: news.0, trouble: news.1 }.into()));
        }
    }

    fn use_output<E>(&mut self, action: impl FnOnce(&mut EventSender) -> Result<(), E>) {
        if self.output.as_mut().is_some_and(|output| action(output).is_err()) {
            self.output = None;
        }
    }
}

/// The session as it is written.
struct Recording {
    folder: Folder,
    /// `None` before the run started and after trouble.
    files: Option<Files>,
    /// Bytes of files that are closed.
    bytes_before: u64,
    tensors: Vec<TensorInfo>,
    waiting: StepBatch,
    branches: Vec<u32>,
    waiting_since: Instant,
    next_step: u64,
    trouble: Option<String>,
}

struct Files {
    events: Log,
    steps: StepsWriter,
}

impl Recording {
    fn new(folder: Folder) -> Self {
        Recording {
            folder,
            files: None,
            bytes_before: 0,
            tensors: Vec::new(),
            waiting: StepBatch::new(0),
            branches: Vec::new(),
            waiting_since: Instant::now(),
            next_step: 0,
            trouble: None,
        }
    }

    fn bytes(&self) -> u64 {
        self.bytes_before + self.files.as_ref().map_or(0, |files| files.events.bytes() + files.steps.bytes())
    }

    /// Writes an event, or keeps its rows for the next record batch.
    fn record(&mut self, event: &Event) {
        if self.trouble.is_some() {
            return;
        }
        let result = match &event.what {
            What::Started(description) => self.start(description),
            What::Recording { .. } => Ok(()),
            What::Steps(batch) => self.keep(batch, event.branch),
            What::Snapshot { checkpoint: Some(checkpoint), .. } => {
                self.write_rows().and_then(|()| self.write_snapshot(checkpoint)).and_then(|()| self.write_event(event))
            }
            // Rows first: a session that ends here knows no later step from its events than from its rows, and whoever
            // follows it has the rows before an event when it has the event.
            _ => self.write_rows().and_then(|()| self.write_event(event)),
        };
        self.stop_on_error(result);
    }

    fn start(&mut self, description: &Description) -> io::Result<()> {
        let tensors: Vec<String> = description.tensors.iter().map(|tensor| tensor.name.clone()).collect();
        self.waiting = StepBatch::new(tensors.len());
        self.tensors = description.tensors.clone();
        let path = self.folder.path().to_owned();
        self.bytes_before = self.folder.describe(Origin::Run(Box::new(description.clone())))?;
        // Steps before events: where both are there the session can be read whole.
        let steps = StepsWriter::create(&path, 0, columns::schema(&tensors, description.config.optimizer.decay_mode))?;
        self.files = Some(Files { steps, events: Log::create(&path.join(EVENTS))? });
        Ok(())
    }

    fn keep(&mut self, batch: &StepBatch, branch: u32) -> io::Result<()> {
        if batch.tensors() != self.waiting.tensors() {
            let (got, expected) = (batch.tensors(), self.waiting.tensors());
            return Err(io::Error::other(format!("a batch has {got} tensors, the run has {expected}")));
        }
        if self.waiting.is_empty() {
            self.waiting_since = Instant::now();
        }
        self.waiting.append(batch);
        self.branches.resize(self.waiting.len(), branch);
        if self.waiting.len() >= MOST_WAITING { self.write_rows() } else { Ok(()) }
    }

    fn write_due_rows(&mut self) {
        if !self.waiting.is_empty() && self.waiting_since.elapsed() >= LONGEST_WAIT {
            let result = self.write_rows();
            self.stop_on_error(result);
        }
    }

    fn write_rows(&mut self) -> io::Result<()> {
        if let (Some(files), Some(last)) = (&mut self.files, self.waiting.rows().last()) {
            files.steps.write(&self.waiting, &self.branches)?;
            self.next_step = last.step + 1;
            self.waiting.clear();
            self.branches.clear();
        }
        Ok(())
    }

    fn write_event(&mut self, event: &Event) -> io::Result<()> {
        let Some(files) = &mut self.files else { return Ok(()) };
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        files.events.append(&line)
    }

    /// Before its event: what is told to be there is there.
    fn write_snapshot(&mut self, checkpoint: &Checkpoint) -> io::Result<()> {
        self.bytes_before += snapshot::write(self.folder.path(), &self.tensors, checkpoint)?;
        Ok(())
    }

    /// Writes what waits and the stream's end; nothing is recorded after it.
    fn finish(&mut self) {
        let result = self.write_rows().and_then(|()| match &mut self.files {
            Some(files) => files.steps.finish().and_then(|()| files.events.sync()),
            None => Ok(()),
        });
        self.stop_on_error(result);
        self.bytes_before = self.bytes();
        self.files = None;
    }

    /// On Unix a removed file can be written for ever; only a look at the folder tells that nobody will find it.
    fn look_for_folder(&mut self) {
        if self.files.is_some() && !self.folder.exists() {
            let gone = io::Error::other(format!("the folder {} is gone", shown(self.folder.path())));
            self.stop_on_error(Err(gone));
        }
    }

    fn stop_on_error(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            let text = format!("recording stopped at step {}: {error}", self.next_step);
            self.trouble = Some(printable(&text).into_owned());
            self.bytes_before = self.bytes();
            self.files = None;
            self.waiting.clear();
        }
    }

    fn close(self) -> Recorded {
        Recorded { bytes: self.bytes(), path: self.folder.path().to_owned(), trouble: self.trouble }
    }
}
