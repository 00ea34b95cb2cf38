//! Training steps against the clock, and the product that they are measured by.
//!
//! What is timed is what trains: [`Learner::step`](super::Learner::step) on batches in an epoch's random order, and, where telemetry is
//! wanted, the rows that the trainer makes of it, sent over a wire to a consumer that gives their memory back.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::experiment::{Experiment, PrepareError};
use super::learner::NotFinite;
use super::pass::Census;
use super::spectrometer::Spectrometer;
use super::team::{Cuts, Team};
use super::trainer::{LONGEST_DELAY, MOST_ROWS, Place, row_of};
use super::watch::Watch;
use crate::kernel::{Factor, Instructions, Product, Start, Terms, product};
use crate::stream::{self, EventSender, RunConfig, RunOptions, StepBatch, What};

/// What goes on beside the arithmetic of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telemetry {
    /// A row for each step, sent to a consumer as the trainer sends it, and watched for alerts.
    Full,
    /// None. The six sums are part of the update and computed all the same.
    Off,
}

/// Training steps to be timed.
pub struct Timing {
    experiment: Experiment,
    step: u64,
    start: Instant,
    watch: Watch,
    wire: Option<Wire>,
    spectrometer: Spectrometer<f32>,
}

/// Where rows go.
struct Wire {
    events: EventSender,
    batch: StepBatch,
    sent: Instant,
    consumer: Option<JoinHandle<()>>,
}

impl Timing {
    /// Loads the data and makes network, weights and optimizer.
    ///
    /// # Errors
    /// [`PrepareError`]
    pub fn prepare(config: RunConfig, options: RunOptions, telemetry: Telemetry) -> Result<Timing, PrepareError> {
        let experiment = Experiment::prepare(config, options)?;
        let tensors = experiment.description.tensors.len();
        let wire = (telemetry == Telemetry::Full).then(|| Wire::new(tensors));
        let watch = Watch::new(&experiment.description, &experiment.knobs);
        let spectrometer = Spectrometer::default();
        Ok(Timing { experiment, step: 0, start: Instant::now(), watch, wire, spectrometer })
    }

    /// Multiply-adds that a step needs for each sample.
    pub fn multiply_adds(&self) -> usize {
        self.experiment.learner.multiply_adds()
    }

    /// Makes so many steps of full batches. Returns how long they took.
    ///
    /// # Errors
    /// [`NotFinite`] where training diverged.
    pub fn run(&mut self, steps: u64) -> Result<Duration, NotFinite> {
        let Experiment { description, data, learner, knobs, order, .. } = &mut self.experiment;
        let full = description.config.batch.min(data.train.len());
        let mode = description.config.optimizer.decay_mode;
        let start = Instant::now();
        for _ in 0..steps {
            // The last batch of an epoch may be smaller: another work than the one that is timed.
            if order.batch(self.step).indices.len() < full {
                self.step += 1;
            }
            let progress = learner.step(&data.train, order.batch(self.step), knobs)?;
            if let Some(wire) = &mut self.wire {
                let place = Place {
                    step: self.step,
                    epoch: order.samples_after(self.step + 1) as f64 / data.train.len() as f64,
                    seconds: self.start.elapsed().as_secs_f64(),
                };
                let row = row_of(place, progress, learner.sums(), knobs, mode);
                wire.batch.push(row, learner.sums());
                self.watch.update(&row, learner.sums(), knobs);
                self.watch.take();
                wire.send_if_due();
            }
            self.step += 1;
            knobs.move_to(self.step);
        }
        Ok(start.elapsed())
    }

    /// Counts how the weights lie, as an evaluation does, and how long that took.
    pub fn census(&mut self) -> (Census, Duration) {
        let start = Instant::now();
        (self.experiment.learner.census(), start.elapsed())
    }

    /// Measures the spectra, as an evaluation does after a census. Returns how long that took.
    pub fn spectra(&mut self, census: &Census) -> Duration {
        let Experiment { description, learner, .. } = &mut self.experiment;
        let start = Instant::now();
        learner.spectra(&mut self.spectrometer, self.step, &description.tensors, &census.squares);
        start.elapsed()
    }
}

impl Wire {
    fn new(tensors: usize) -> Wire {
        let (events, received) = stream::lossless(64);
        let consume = move || {
            while let Ok(event) = received.recv() {
                if let What::Steps(batch) = event.what {
                    received.recycle(batch);
                }
            }
        };
        let consumer = std::thread::Builder::new().name("wdtop-consumer".into()).spawn(consume).ok();
        Wire { batch: events.spare(tensors), events, sent: Instant::now(), consumer }
    }

    /// As often as the trainer does.
    fn send_if_due(&mut self) {
        if self.batch.len() < MOST_ROWS && self.sent.elapsed() < LONGEST_DELAY {
            return;
        }
        self.sent = Instant::now();
        let empty = self.events.spare(self.batch.tensors());
        let full = std::mem::replace(&mut self.batch, empty);
        // Without a consumer (the system gave no thread) nobody is there to miss them.
        let _ = self.events.send(What::Steps(full).into());
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        // The consumer ends when nobody can send any more.
        let (closed, _) = stream::lossless(1);
        self.events = closed;
        if let Some(consumer) = self.consumer.take() {
            // It has nothing that could panic, and nothing to pass on.
            let _ = consumer.join();
        }
    }
}

/// A product of two matrices of 1024 × 1024 numbers, which a team computes as fast as this program can.
pub struct Peak {
    team: Team,
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
}

/// Rows, columns and terms.
const SIDE: usize = 1024;
/// Rows of a task: whole tiles of every instruction set, and some tasks for each thread.
const ROWS: usize = 48;
/// Columns of a task's part, whose rows of B stay in the second cache.
const COLUMNS: usize = 96;
/// From one row of B to the next. Rows 4096 bytes apart would want the same few places of a cache.
const B_ROW: usize = SIDE + 16;

impl Peak {
    /// On so many threads, the calling one among them.
    pub fn new(threads: usize) -> Peak {
        let values = |len: usize, turn: usize| (0..len).map(|at| ((at * 7 + turn) % 11) as f32 * 0.1).collect();
        Peak {
            team: Team::new(threads),
            a: values(SIDE * SIDE, 0),
            b: values(SIDE * B_ROW, 5),
            c: vec![0.0; SIDE * SIDE],
        }
    }

    /// Floating-point operations of a product: a multiplication and an addition for each term of each element.
    pub const OPERATIONS: f64 = 2.0 * (SIDE * SIDE * SIDE) as f64;

    /// Computes the product once. Returns how long it took.
    pub fn run(&mut self) -> Duration {
        let ranges = (0..SIDE).step_by(ROWS).map(|row| row * SIDE..SIDE.min(row + ROWS) * SIDE).collect();
        let cuts = Cuts::new(ranges);
        let mut done = vec![(); cuts.ranges().len()];
        let (a, b) = (&self.a, &self.b);
        let instructions = Instructions::best();
        let start = Instant::now();
        self.team.for_each_cut(&cuts, &mut [&mut self.c[..]], &mut done, |index, mut pieces, ()| {
            let c = pieces.next().unwrap_or_default();
            let rows = c.len() / SIDE;
            for column in (0..SIDE).step_by(COLUMNS) {
                let factor = Factor { values: &a[index * ROWS * SIDE..], row: SIDE };
                let terms = Terms::Even { runs: 1, run_step: [0, 0], terms: SIDE, step: [1, B_ROW] };
                let columns = COLUMNS.min(SIDE - column);
                let (b, c, start) = (&b[column..], &mut c[column..], Start::Zero);
                product(instructions, Product { a: factor, b, terms, c, c_row: SIDE, rows, columns, start });
            }
        });
        start.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_that_of_a_true_product() {
        let mut peak = Peak::new(2);
        assert!(peak.run() > Duration::ZERO);
        for (row, column) in [(0, 0), (47, 95), (48, 96), (1023, 1023), (517, 3)] {
            let terms = (0..SIDE).map(|k| f64::from(peak.a[row * SIDE + k]) * f64::from(peak.b[k * B_ROW + column]));
            let (sum, got): (f64, _) = (terms.sum(), f64::from(peak.c[row * SIDE + column]));
            assert!((got / sum - 1.0).abs() < 1e-5, "{row}, {column}: {got}, not {sum}");
        }
    }
}
