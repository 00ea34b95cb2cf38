//! The recorder: a thread in the pipe between a source and a screen.

use std::io;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, Sender, TrySendError};

use super::disk::Disk;
use super::error::{Error, shown};
use super::folder::Folder;
use super::log::Log;
use super::snapshot;
use super::steps::StepsWriter;
use super::{EVENTS, Origin};
use crate::stream::{
    Checkpoint, Columns, Command, DecayMode, Description, Event, EventReceiver, EventSender, Knob, StepBatch,
    TensorInfo, What, printable,
};

/// Rows wait for a record batch no longer than this: what a killed run loses is the last second, and a busy machine may
/// let a thread wait for the other half of it.
const LONGEST_WAIT: Duration = Duration::from_millis(500);
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
    /// The tensors' columns are kept of the updates whose index is a multiple of this.
    every: u64,
    /// Where the run is stopped when the recording fails.
    required_by: Option<Sender<Command>>,
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
        Ok(Recorder { folder: Folder::create(path)?, every: 1, required_by: None })
    }

    /// Keeps the tensors' columns only of the updates whose index is a multiple of `every`, at least 1.
    pub fn thinned(self, every: u64) -> Recorder {
        Recorder { every, ..self }
    }

    /// Stops the run through its commands when the recording fails.
    pub fn required(self, commands: Sender<Command>) -> Recorder {
        Recorder { required_by: Some(commands), ..self }
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
            let mut pipe = Pipe {
                output: Some(output),
                input,
                told: (0, None),
                told_at: Instant::now(),
                required_by: self.required_by,
                disk: Disk::new(),
            };
            let mut recording = Recording::new(self.folder, self.every);
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
    /// Where the run is to be stopped, as long as it was not.
    required_by: Option<Sender<Command>>,
    disk: Disk,
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
                self.look_at_disk(recording);
                self.report(recording);
            }
            if recording.trouble.is_some() {
                self.stop_run();
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

    /// That the disk fills up is a note of the session like any other.
    fn look_at_disk(&mut self, recording: &mut Recording) {
        let low = recording.files.as_ref().and_then(|_| self.disk.look(recording.folder.path(), recording.bytes()));
        if let Some(text) = low {
            let note = What::Noted { step: recording.next_step, seconds: recording.seconds, text }.into();
            recording.record(&note);
            self.pass_on(note);
        }
    }

    /// Asked for until there is room for it: waiting here would be waiting for a trainer that waits for us.
    fn stop_run(&mut self) {
        self.required_by.take_if(|commands| !matches!(commands.try_send(Command::Stop), Err(TrySendError::Full(_))));
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
    /// How λ enters: cautious decay has columns of its own.
    mode: DecayMode,
    /// The pair of step files that is written.
    pair: u32,
    waiting: StepBatch,
    branches: Vec<u32>,
    waiting_since: Instant,
    /// Whether updates are kept at all.
    columns: Columns,
    /// The tensors' columns are kept of the updates whose index is a multiple of this.
    every: u64,
    /// Behind the last update that came, and the wall time of the run then.
    next_step: u64,
    seconds: f64,
    trouble: Option<String>,
}

struct Files {
    events: Log,
    steps: StepsWriter,
}

impl Recording {
    fn new(folder: Folder, every: u64) -> Self {
        Recording {
            folder,
            files: None,
            bytes_before: 0,
            tensors: Vec::new(),
            mode: DecayMode::L2,
            pair: 0,
            waiting: StepBatch::new(0),
            branches: Vec::new(),
            waiting_since: Instant::now(),
            columns: Columns::Kept,
            every,
            next_step: 0,
            seconds: 0.0,
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
            What::Edited(edit) if edit.knob == Knob::DecayMode => {
                self.write_rows().and_then(|()| self.write_event(event)).and_then(|()| self.turn_mode(edit.to))
            }
            What::Columns { columns, .. } => {
                let written = self.write_rows().and_then(|()| self.write_event(event));
                self.columns = *columns;
                written
            }
            // Rows first: a session that ends here knows no later step from its events than from its rows, and whoever
            // follows it has the rows before an event when it has the event.
            _ => self.write_rows().and_then(|()| self.write_event(event)),
        };
        self.stop_on_error(result);
    }

    fn start(&mut self, description: &Description) -> io::Result<()> {
        self.waiting = StepBatch::new(description.tensors.len());
        self.tensors = description.tensors.clone();
        self.mode = description.config.optimizer.decay_mode;
        let path = self.folder.path().to_owned();
        self.bytes_before = self.folder.describe(Origin::Run(Box::new(description.clone())))?;
        // Steps before events: where both are there the session can be read whole.
        let steps = self.make_steps()?;
        self.files = Some(Files { steps, events: Log::create(&path.join(EVENTS))? });
        Ok(())
    }

    fn make_steps(&self) -> io::Result<StepsWriter> {
        let tensors: Vec<String> = self.tensors.iter().map(|tensor| tensor.name.clone()).collect();
        StepsWriter::create_for(self.folder.path(), self.pair, &tensors, self.mode, self.every)
    }

    /// Another decay mode from the next row on. Where its columns are others, they go on in files of their own.
    fn turn_mode(&mut self, number: f64) -> io::Result<()> {
        let is_cautious = |mode: DecayMode| mode == DecayMode::Cautious;
        let before = self.mode;
        self.mode = DecayMode::numbered(number).unwrap_or(before);
        if is_cautious(before) != is_cautious(self.mode)
            && let Some(files) = &mut self.files
        {
            files.steps.finish()?;
            self.bytes_before += files.steps.bytes();
            self.pair += 1;
            let steps = self.make_steps()?;
            if let Some(files) = &mut self.files {
                files.steps = steps;
            }
        }
        Ok(())
    }

    fn keep(&mut self, batch: &StepBatch, branch: u32) -> io::Result<()> {
        if batch.tensors() != self.waiting.tensors() {
            let (got, expected) = (batch.tensors(), self.waiting.tensors());
            return Err(io::Error::other(format!("a batch has {got} tensors, the run has {expected}")));
        }
        if let Some(last) = batch.rows().last() {
            (self.next_step, self.seconds) = (last.step + 1, last.seconds);
        }
        if self.columns == Columns::LeftOut {
            return Ok(());
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
        if let Some(files) = self.files.as_mut().filter(|_| !self.waiting.is_empty()) {
            files.steps.write(&self.waiting, &self.branches)?;
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
            // What waits is lost too.
            let step = self.waiting.rows().first().map_or(self.next_step, |row| row.step);
            let text = format!("recording stopped at step {step}: {error}");
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
