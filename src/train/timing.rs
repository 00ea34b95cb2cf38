//! Training steps against the clock, and the product that they are measured by.
//!
//! What is timed is what trains: [`Learner::step`] on batches in an epoch's random order, and, where telemetry is
//! wanted, the rows that the trainer makes of it, sent over a wire to a consumer that gives their memory back.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ndarray::Array2;

use super::experiment::{PrepareError, describe_tensors, knobs_of};
use super::learner::{Learner, LearnerOptions, NotFinite};
use super::team::{Cuts, Team};
use super::trainer::{LONGEST_DELAY, MOST_ROWS, Place, row_of};
use crate::data::{BatchOrder, Dataset, Samples};
use crate::kernel::{Factor, Instructions, Product, Start, Terms, product};
use crate::nn::{Needs, Network, Shape};
use crate::optim::{Choice, Knobs};
use crate::stream::{self, EventSender, LossConfig, RunConfig, StepBatch, What};

/// What goes on beside the arithmetic of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telemetry {
    /// A row for each step, sent to a consumer as the trainer sends it.
    Full,
    /// None. The six sums are part of the update and computed all the same.
    Off,
}

/// Training steps to be timed.
pub struct Timing {
    learner: Learner<f32>,
    knobs: Knobs,
    samples: Samples,
    order: BatchOrder,
    config: RunConfig,
    multiply_adds: usize,
    step: u64,
    start: Instant,
    wire: Option<Wire>,
}

/// Where rows go.
struct Wire {
    events: EventSender,
    batch: StepBatch,
    sent: Instant,
    consumer: Option<JoinHandle<()>>,
}

impl Timing {
    /// Loads the data and makes network, weights and optimizer. `channels` is how often the grey images of the data
    /// are repeated for networks of images.
    ///
    /// # Errors
    /// [`PrepareError`]
    pub fn prepare(
        config: RunConfig,
        threads: usize,
        channels: usize,
        telemetry: Telemetry,
    ) -> Result<Timing, PrepareError> {
        let choice = Choice::of(&config.optimizer)?;
        let data = Dataset::load(&config.data)?;
        let side = data.train.width().isqrt();
        let input = Some(Shape { channels, height: side, width: side }).filter(|_| side * side == data.train.width());
        let network = Network::parse_for(&config.model, input, config.optimizer.convention)?;
        let samples =
            if network.input() == Shape::row(data.train.width()) { data.train } else { repeat(&data.train, channels) };
        network.check_fit(&config.model, samples.width(), Needs::Classes(data.info.classes.len()))?;
        let tensors = describe_tensors(&network, &config.decay)?;
        let knobs = knobs_of(&config, &choice, tensors)?;
        let options = LearnerOptions {
            init: config.init,
            seed: config.seed,
            loss: LossConfig::default(),
            batch: config.batch.min(samples.len()),
            threads,
            instructions: Instructions::best(),
        };
        let wire = (telemetry == Telemetry::Full).then(|| Wire::new(network.tensors().len()));
        Ok(Timing {
            multiply_adds: network.multiply_adds(),
            learner: Learner::new(network, options, choice.build(config.seed), &knobs),
            order: BatchOrder::new(samples.len(), config.batch, config.seed),
            knobs,
            samples,
            config,
            step: 0,
            start: Instant::now(),
            wire,
        })
    }

    /// Multiply-adds that a step needs for each sample.
    pub fn multiply_adds(&self) -> usize {
        self.multiply_adds
    }

    /// Makes so many steps of full batches. Returns how long they took.
    ///
    /// # Errors
    /// [`NotFinite`] where training diverged.
    pub fn run(&mut self, steps: u64) -> Result<Duration, NotFinite> {
        let start = Instant::now();
        for _ in 0..steps {
            // The last batch of an epoch may be smaller: another work than the one that is timed.
            if self.order.batch(self.step).len() < self.config.batch.min(self.samples.len()) {
                self.step += 1;
            }
            let progress = self.learner.step(&self.samples, self.order.batch(self.step), &self.knobs)?;
            if let Some(wire) = &mut self.wire {
                let place = Place {
                    step: self.step,
                    epoch: self.order.samples_after(self.step + 1) as f64 / self.samples.len() as f64,
                    seconds: self.start.elapsed().as_secs_f64(),
                };
                let mode = self.config.optimizer.decay_mode;
                let row = row_of(place, progress, self.learner.sums(), &self.knobs, mode);
                wire.batch.push(row, self.learner.sums());
                wire.send_if_due();
            }
            self.step += 1;
            self.knobs.move_to(self.step);
        }
        Ok(start.elapsed())
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

/// Each grey image `channels` times, channel behind channel.
fn repeat(samples: &Samples, channels: usize) -> Samples {
    let width = samples.width();
    let mut row = vec![0.0f64; width];
    let mut pixels = Array2::zeros((samples.len(), channels * width));
    for (index, mut images) in pixels.rows_mut().into_iter().enumerate() {
        samples.write(index, &mut row);
        let bytes = row.iter().map(|value| (value * 255.0).round() as u8).cycle();
        images.iter_mut().zip(bytes).for_each(|(to, byte)| *to = byte);
    }
    Samples::new(pixels, samples.labels().to_vec())
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

impl Peak {
    /// On so many threads, the calling one among them.
    pub fn new(threads: usize) -> Peak {
        let values = |turn: usize| (0..SIDE * SIDE).map(|at| ((at * 7 + turn) % 13) as f32 * 0.1).collect();
        Peak { team: Team::new(threads), a: values(0), b: values(5), c: vec![0.0; SIDE * SIDE] }
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
                let terms = Terms::Even { runs: 1, run_step: [0, 0], terms: SIDE, step: [1, SIDE] };
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
            let terms = (0..SIDE).map(|k| f64::from(peak.a[row * SIDE + k]) * f64::from(peak.b[k * SIDE + column]));
            let (sum, got): (f64, _) = (terms.sum(), f64::from(peak.c[row * SIDE + column]));
            assert!((got / sum - 1.0).abs() < 1e-5, "{row}, {column}: {got}, not {sum}");
        }
    }

    #[test]
    fn repeated_images_are_channels_of_one_sample() {
        let pixels = Array2::from_shape_vec((2, 2), vec![0, 255, 17, 3]).unwrap();
        let samples = repeat(&Samples::new(pixels, vec![4, 5]), 3);
        let mut row = [0.0f64; 6];
        samples.write(1, &mut row);
        let [a, b] = [17.0 / 255.0, 3.0 / 255.0];
        assert_eq!((row, samples.labels()), ([a, b, a, b, a, b], &[4u8, 5][..]));
    }
}
