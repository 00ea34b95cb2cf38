//! `wdtop bench`: how fast training is on this machine.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, anyhow};
use clap::ValueEnum;
use serde::Serialize;
use toml::Table;

use super::settings::{Settings, Watched, at_least_one};
use super::{Usage, recipe, write_out};
use crate::stream::{RunConfig, RunOptions};
use crate::train::{Peak, Telemetry, Timing};

/// Time training steps, beside a matrix product on the same threads
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  wdtop bench                                      the demo's network on all cores
  wdtop bench --model mlp:784-100-10 --optimizer sgd --threads 1
  wdtop bench --model article-cnn --json | jq .samples_per_second

Steps are those that training makes, on batches of the data in an epoch's random order. FLOPs are the multiply-adds
that a step needs (forward, the gradient by the weights, and that by the input except in the first layer), twice.
Where a convolution is computed in fewer multiplications than its definition has, those of the definition count.
The peak is a product of two matrices of 1024 x 1024 numbers by the same code, measured between the rounds.

With full telemetry each step's loss, accuracy, penalty and its tensors' sums are made a row and sent to a consumer, as
in training; off leaves rows and sending out. The sums themselves are part of the update and computed in either case.")]
pub struct Args {
    /// mlp:…, cnn:… or the name of a recipe: its network, optimizer and batch, where no option says otherwise.
    #[arg(long, value_name = "STRING|RECIPE")]
    model: Option<String>,

    /// Samples in a batch [default: the recipe's, or 100]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    batch: Option<i64>,

    /// The update rule, with its defaults and a λ that is not 0 [default: the recipe's, or adamw]
    #[arg(long, value_name = "NAME")]
    optimizer: Option<String>,

    /// Threads that compute [default: all cores]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    threads: Option<i64>,

    /// What goes on beside the arithmetic
    #[arg(long, value_name = "MODE", default_value = "full")]
    telemetry: Mode,

    /// Rounds of half a second each
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,

    /// Write one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Full,
    Off,
}

/// What was measured. Rates are those of the fastest round.
#[derive(Debug, Serialize)]
struct Report {
    model: String,
    batch: usize,
    optimizer: String,
    threads: usize,
    telemetry: Mode,
    seconds_per_step: f64,
    median_seconds_per_step: f64,
    steps_per_second: f64,
    samples_per_second: f64,
    gflops: f64,
    peak_gflops: f64,
    #[serde(skip)]
    rounds: u32,
}

/// What is trained where nothing is said.
const MODEL: &str = "mlp:784-256-128-10";

/// A round takes about as long as this, so that neither a clock's grain nor a moment's disturbance matters much.
const ROUND: Duration = Duration::from_millis(500);

/// The fewest steps of a round.
const FEWEST_STEPS: u64 = 5;

/// Products between two rounds.
const PRODUCTS: usize = 3;

impl Args {
    /// Measures and reports.
    ///
    /// # Errors
    /// [`Usage`] where a setting is wrong; others where training diverged.
    pub fn run(self) -> Result<ExitCode> {
        let (config, options) = self.configure()?;
        let threads = options.threads;
        let telemetry = match self.telemetry {
            Mode::Full => Telemetry::Full,
            Mode::Off => Telemetry::Off,
        };
        let batch = config.batch;
        let optimizer = config.optimizer.name.clone();
        let mut timing = Timing::prepare(config, options, telemetry).map_err(Usage::of)?;
        let mut peak = Peak::new(threads);
        timing.run(FEWEST_STEPS)?;
        let one = timing.run(FEWEST_STEPS)?.as_secs_f64() / FEWEST_STEPS as f64;
        let steps = FEWEST_STEPS.max((ROUND.as_secs_f64() / one) as u64);
        let (mut seconds, mut products) = (Vec::new(), Vec::new());
        for _ in 0..self.rounds {
            seconds.push(timing.run(steps)?.as_secs_f64() / steps as f64);
            products.extend((0..PRODUCTS).map(|_| peak.run().as_secs_f64()));
        }
        seconds.sort_by(f64::total_cmp);
        let (fastest, median) = (seconds[0], median(&seconds));
        let product = products.into_iter().fold(f64::INFINITY, f64::min);
        let samples = batch as f64;
        let report = Report {
            model: self.model.unwrap_or_else(|| MODEL.to_owned()),
            batch,
            optimizer,
            threads,
            telemetry: self.telemetry,
            seconds_per_step: fastest,
            median_seconds_per_step: median,
            steps_per_second: 1.0 / fastest,
            samples_per_second: samples / fastest,
            gflops: 2e-9 * timing.multiply_adds() as f64 * samples / fastest,
            peak_gflops: 1e-9 * Peak::OPERATIONS / product,
            rounds: self.rounds,
        };
        let text = if self.json { serde_json::to_string(&report)? + "\n" } else { report.to_text() };
        write_out(text.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }

    /// What to train, and on how many threads.
    fn configure(&self) -> Result<(RunConfig, RunOptions)> {
        let asked = self.model.as_deref().unwrap_or(MODEL);
        // A string is an option, so that no environment variable replaces it.
        let (table, model) = if asked.contains(':') {
            (Table::new(), Some(asked.to_owned()))
        } else {
            (recipe::read(asked).map_err(|error| Usage::of(anyhow!("{error}; or a network like {MODEL}")))?, None)
        };
        let settings = Settings::of(model, self.optimizer.clone(), self.batch, self.threads);
        if settings.asks_for_optimizers() {
            return Err(Usage::of(anyhow!("wdtop train --optimizer help lists the update rules")));
        }
        let (mut config, options) = settings.resolve("bench", table, Watched::Headless)?;
        if config.weight_decay == 0.0 {
            // Decay is a part of the update that this program is about, and of what is timed.
            config.weight_decay = 1e-3;
        }
        Ok((config, options))
    }
}

impl Report {
    fn to_text(&self) -> String {
        let Report { model, batch, optimizer, threads, .. } = self;
        let mode = match self.telemetry {
            Mode::Full => "full",
            Mode::Off => "off",
        };
        let threads = if *threads == 1 { "1 thread".to_owned() } else { format!("{threads} threads") };
        let micro = |seconds: f64| 1e6 * seconds;
        format!(
            "{model}, batch {batch}, {optimizer}, {threads}, telemetry {mode}\n\
             step       {:.1} µs in the fastest of {} rounds, {:.1} µs in the median\n\
             steps/s    {:.0}\n\
             samples/s  {:.0}\n\
             GFLOP/s    {:.1}, {:.0} % of the {:.1} of a matrix product\n",
            micro(self.seconds_per_step),
            self.rounds,
            micro(self.median_seconds_per_step),
            self.steps_per_second,
            self.samples_per_second,
            self.gflops,
            100.0 * self.gflops / self.peak_gflops,
            self.peak_gflops,
        )
    }
}

/// Of ascending numbers; the mean of the middle two where their number is even.
fn median(ascending: &[f64]) -> f64 {
    let (low, high) = ((ascending.len() - 1) / 2, ascending.len() / 2);
    (ascending[low] + ascending[high]) / 2.0
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Parser)]
    struct Whole {
        #[command(flatten)]
        args: Args,
    }

    fn configure(arguments: &[&str]) -> Result<(RunConfig, RunOptions)> {
        Whole::try_parse_from(["bench"].iter().chain(arguments))?.args.configure()
    }

    #[test]
    fn a_recipe_says_what_no_option_does() {
        Whole::command().debug_assert();
        let (config, _) = configure(&["--model", "article-cnn"]).unwrap();
        assert_eq!((config.layers.len(), config.batch, config.data.repeat_channels), (10, 64, 3));
        assert_eq!((config.optimizer.name.as_str(), config.weight_decay), ("adam", 1e-4));
        let (config, options) = configure(&["--model", "article-mlp", "--batch", "7", "--threads", "3"]).unwrap();
        assert_eq!((config.model.as_str(), config.batch, options.threads), ("mlp:784-100-10", 7, 3));
        let (config, _) = configure(&["--model", "article-mlp", "--optimizer", "adamw"]).unwrap();
        assert_eq!((config.optimizer.name.as_str(), config.weight_decay), ("adamw", 1e-3));
        let (config, _) = configure(&["--optimizer", "adam"]).unwrap();
        assert_eq!((config.model.as_str(), config.batch, config.weight_decay), (MODEL, 100, 1e-3));
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[1.0]), 1.0);
        assert_eq!(median(&[1.0, 2.0, 9.0]), 2.0);
        assert_eq!(median(&[1.0, 2.0, 4.0, 9.0]), 3.0);
    }
}
