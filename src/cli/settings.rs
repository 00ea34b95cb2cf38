//! What was typed, and what it means: options, environment, recipe and defaults become one validated configuration.
//!
//! Each source is a table of the same keys; a later one overwrites an earlier one: recipe, environment, options,
//! `--set`. What comes out is read into typed settings, and an unknown key is an error.

mod data;

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;

use anyhow::{Result, anyhow};
use clap::{Args, CommandFactory, Parser};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use data::{CompleteData, DataSettings};

use super::{Usage, one_line, optimizers};
use crate::optim::{self, Choice, RULES, schedule};
use crate::stream::{
    Convention, DecayMask, DecayMode, Hook, Init, Knob, LayerConfig, Length, OptimizerConfig, PlannedEdit, RunConfig,
    RunOptions, Schedule, Scope,
};

/// Options that are also the keys of a recipe.
#[derive(Debug, Default, Args, Serialize)]
#[command(next_help_heading = "Settings (each is also a key of a recipe, and a variable: WDTOP_LR for --lr)")]
pub struct Settings {
    #[command(flatten)]
    #[serde(flatten)]
    data: DataSettings,

    /// The network, for example mlp:784-256-128-10
    #[arg(long, value_name = "STRING")]
    model: Option<String>,

    /// The share of a sample's target that is spread over all classes
    #[arg(long, value_name = "SHARE", value_parser = number, allow_negative_numbers = true)]
    label_smoothing: Option<f64>,

    /// How weights and biases start
    #[arg(long, value_name = "NAME", value_parser = ["torch", "lecun", "he", "glorot"])]
    init: Option<String>,

    /// The update rule, for example adamw; `help` lists all with their hyperparameters
    #[arg(long, value_name = "NAME")]
    optimizer: Option<String>,

    /// Whose arithmetic its name means
    #[arg(long, value_name = "NAME", value_parser = ["torch", "chainer"])]
    convention: Option<String>,

    /// What is done to the gradient before the rule, in order: clip_norm,weight_decay
    #[arg(long, value_name = "LIST", value_delimiter = ',',
        value_parser = ["weight_decay", "lasso", "clip_norm", "clip_value", "lars", "noise"])]
    hooks: Option<Vec<String>>,

    /// η, the learning rate
    #[arg(long, value_name = "LR", value_parser = number, allow_negative_numbers = true)]
    lr: Option<f64>,

    /// How η moves by itself: constant, step:every=N,factor=F, cosine[:steps=N,end=SHARE], warmup:steps=N,
    /// one-cycle[:steps=N] or inverse-sqrt:warmup=N
    #[arg(long, value_name = "SCHEDULE")]
    lr_schedule: Option<String>,

    /// λ, the weight decay
    #[arg(long, value_name = "LAMBDA", value_parser = number, allow_negative_numbers = true)]
    weight_decay: Option<f64>,

    /// How λ moves by itself, as for η
    #[arg(long, value_name = "SCHEDULE")]
    weight_decay_schedule: Option<String>,

    /// The λ that the keys switch to from 0
    #[arg(long, value_name = "LAMBDA", value_parser = number, allow_negative_numbers = true)]
    weight_decay_start: Option<f64>,

    /// How λ enters the update: in the gradient, beside it, beside it where the update agrees, by η², or not at all
    #[arg(long, value_name = "MODE",
        value_parser = ["l2", "decoupled", "cautious", "corrected", "none"])]
    decay_mode: Option<String>,

    /// Which tensors decay: weights, all, or a pattern over their names like 'fc1.*'
    #[arg(long, value_name = "weights|all|GLOB")]
    decay: Option<String>,

    /// Samples in a batch
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    batch: Option<i64>,

    /// End after N passes over the training set
    #[arg(long, value_name = "N", value_parser = at_least_one, conflicts_with = "steps")]
    epochs: Option<i64>,

    /// End after N updates
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    steps: Option<i64>,

    /// Evaluate after every N updates; 0 is once an epoch
    #[arg(long, value_name = "N", value_parser = whole)]
    evaluate_every: Option<i64>,

    /// Keep a snapshot after every N updates, in the recording; 0 keeps none but those that are asked for
    #[arg(long, value_name = "N", value_parser = whole)]
    snapshot_every: Option<i64>,

    /// The seed of the initial weights and of the order of the samples
    #[arg(long, value_name = "N", value_parser = whole)]
    seed: Option<i64>,

    /// Threads that compute [default: all cores]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    threads: Option<i64>,

    /// The vector instructions to compute with: portable, avx2 or avx512; they change no bit [default: the widest]
    #[arg(long, value_name = "NAME")]
    instructions: Option<String>,

    /// Updates a second to aim at; 0 is as fast as it goes, which is also what a recipe's pace means without a screen
    #[arg(long, value_name = "STEPS", value_parser = number, allow_negative_numbers = true)]
    pace: Option<f64>,

    /// Set any key of a recipe, the rule's own hyperparameters included: --set beta1=0.8
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Run")]
    #[serde(skip)]
    set: Vec<String>,

    /// Change λ, η or another hyperparameter before the update with this 0-based index, as a key press would:
    /// --edit 1000:weight_decay=3, --edit 1000:decay_mode=l2. A layer or tensor is named with @ (1000:weight_decay@fc1=3)
    #[arg(long, value_name = "STEP:KEY=VALUE", help_heading = "Run")]
    #[serde(skip)]
    edit: Vec<String>,
}

/// The same with every value in place. The keys that are left over are the rule's own hyperparameters.
#[derive(Debug, Deserialize)]
struct Complete {
    model: String,
    #[serde(default)]
    layers: Vec<LayerConfig>,
    label_smoothing: f64,
    init: Init,
    optimizer: String,
    convention: Convention,
    hooks: Vec<Hook>,
    lr: Option<f64>,
    lr_schedule: String,
    weight_decay: Option<f64>,
    weight_decay_schedule: String,
    weight_decay_start: f64,
    decay_mode: Option<DecayMode>,
    decay: DecayMask,
    batch: u64,
    epochs: Option<u64>,
    steps: Option<u64>,
    until_stopped: bool,
    evaluate_every: u64,
    snapshot_every: u64,
    seed: u64,
    threads: Option<u64>,
    pace: f64,
    instructions: Option<String>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

/// What holds where nobody says otherwise.
const DEFAULTS: &str = r#"
model = "mlp:784-256-128-10"
label_smoothing = 0.0
init = "torch"
optimizer = "adamw"
convention = "torch"
hooks = []
lr_schedule = "constant"
weight_decay_schedule = "constant"
weight_decay_start = 1e-2
decay = "weights"
batch = 100
until_stopped = false
evaluate_every = 0
snapshot_every = 0
seed = 1
pace = 0.0
"#;

/// Epochs of a run whose length nobody gave.
const EPOCHS: u64 = 20;

/// More threads than this are taken for a slip.
const MOST_THREADS: u64 = 1024;

/// Where a run shows itself; only a screen has a user who can stop it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watched {
    /// By someone at a terminal.
    OnScreen,
    /// By nobody who could press a key.
    Headless,
}

impl Settings {
    /// These alone, and what the environment says of the others.
    pub fn of(model: Option<String>, optimizer: Option<String>, batch: Option<i64>, threads: Option<i64>) -> Settings {
        Settings { model, optimizer, batch, threads, ..Settings::default() }
    }

    /// Whether the list of rules is asked for in place of a run.
    pub fn asks_for_optimizers(&self) -> bool {
        self.optimizer.as_deref() == Some(optimizers::HELP)
    }

    /// Everything that determines the run, and what does not, from a recipe and these options.
    ///
    /// # Errors
    /// [`Usage`], naming the key, the value and what is allowed.
    pub fn resolve(&self, name: &str, recipe: Table, watched: Watched) -> Result<(RunConfig, RunOptions)> {
        let mut defaults: Table = DEFAULTS.parse()?;
        defaults.extend(data::DEFAULTS.parse::<Table>()?);
        let mut asked = recipe;
        asked.remove("about");
        if watched == Watched::Headless {
            // A recipe's pace gives a user time to react; nobody does here. One that was asked for holds.
            asked.remove("pace");
        }
        for layer in [Settings::from_environment()?.table()?, self.table()?] {
            if layer.contains_key("steps") || layer.contains_key("epochs") {
                // One length takes the place of another.
                asked.retain(|key, _| !matches!(key, "steps" | "epochs" | "until_stopped"));
            }
            if layer.contains_key("model") {
                // A string takes the place of a recipe's layers.
                asked.remove("layers");
            }
            forget_other_rule(&mut asked, &layer, &defaults);
            data::forget_other(&mut asked, &layer, &defaults);
            asked.extend(layer);
        }
        let mut table = defaults;
        table.extend(asked);
        let mut data: CompleteData = read(table)?;
        let complete: Complete = read(std::mem::take(&mut data.rest))?;
        let edits = self.edit.iter().map(|text| parse_edit(text)).collect::<Result<Vec<_>>>()?;
        complete.check(name.to_owned(), data, edits, watched).map_err(Usage::of)
    }

    /// What variables like `WDTOP_LR` say, read as if they were options.
    fn from_environment() -> Result<Settings> {
        #[derive(Parser)]
        struct Environment {
            #[command(flatten)]
            settings: Settings,
        }

        let mut options = vec![OsString::from("environment")];
        for argument in Environment::command().get_arguments().filter_map(clap::Arg::get_long) {
            let variable = format!("WDTOP_{}", argument.replace('-', "_").to_uppercase());
            if let Some(value) = env::var_os(variable) {
                let mut option = OsString::from(format!("--{argument}="));
                option.push(value);
                options.push(option);
            }
        }
        match Environment::try_parse_from(options) {
            Ok(Environment { settings }) => Ok(settings),
            Err(error) => Err(Usage::of(anyhow!("in the environment: {}", one_line(&error)))),
        }
    }

    /// The options that were given, by key.
    fn table(&self) -> Result<Table> {
        let mut table = Table::try_from(self)?;
        for assignment in &self.set {
            let (key, value) = assignment
                .split_once('=')
                .ok_or_else(|| Usage::of(anyhow!("--set takes KEY=VALUE, got `{assignment}`")))?;
            // A bare word is a string: --set init=he
            let parsed = format!("value = {value}").parse::<Table>().ok().and_then(|mut table| table.remove("value"));
            table.insert(key.trim().to_owned(), parsed.unwrap_or_else(|| Value::String(value.trim().to_owned())));
        }
        Ok(table)
    }
}

impl Complete {
    fn check(
        self,
        recipe: String,
        data: CompleteData,
        mut edits: Vec<PlannedEdit>,
        watched: Watched,
    ) -> Result<(RunConfig, RunOptions)> {
        let rule = optim::find(&self.optimizer, self.convention)?;
        let decay_mode = self.decay_mode.unwrap_or(rule.decay_mode());
        let choice = Choice::new(&self.optimizer, self.convention, decay_mode, &self.hooks)?;
        let hyper = read_hyper(&choice, self.rest)?;
        if !(0.0..1.0).contains(&self.label_smoothing) {
            return Err(anyhow!("label-smoothing must be at least 0 and below 1, got {}", self.label_smoothing));
        }
        RunOptions::check_pace(self.pace)?;
        for (key, value) in
            [("batch", Some(self.batch)), ("threads", self.threads), ("steps", self.steps), ("epochs", self.epochs)]
        {
            if value == Some(0) {
                return Err(anyhow!("{key} must be at least 1, got 0"));
            }
        }
        let length = match (self.epochs, self.steps) {
            _ if self.until_stopped && watched == Watched::OnScreen => Length::Unbounded,
            (Some(_), Some(_)) => return Err(anyhow!("a run has steps or epochs, not both")),
            (_, Some(steps)) => Length::Steps(steps),
            (epochs, None) => Length::Epochs(epochs.unwrap_or(EPOCHS)),
        };
        if self.threads.is_some_and(|threads| threads > MOST_THREADS) {
            return Err(anyhow!("threads must be from 1 to {MOST_THREADS}, got {}", self.threads.unwrap_or(0)));
        }
        edits.sort_by_key(|edit| edit.step);
        let threads = match self.threads {
            Some(threads) => threads as usize,
            None => std::thread::available_parallelism().map_or(1, usize::from),
        };
        let config = RunConfig {
            recipe,
            data: data.check()?,
            model: if self.layers.is_empty() { self.model } else { name_of(&self.layers) },
            layers: self.layers,
            label_smoothing: self.label_smoothing,
            init: self.init,
            optimizer: OptimizerConfig {
                name: self.optimizer,
                convention: self.convention,
                decay_mode,
                hooks: choice.hooks,
                hyper,
            },
            lr: self.lr.unwrap_or(rule.lr),
            weight_decay: self.weight_decay.unwrap_or(rule.weight_decay),
            weight_decay_start: self.weight_decay_start,
            lr_schedule: read_schedule(&self.lr_schedule)?,
            weight_decay_schedule: read_schedule(&self.weight_decay_schedule)?,
            decay: self.decay,
            batch: self.batch as usize,
            length,
            evaluate_every: self.evaluate_every,
            seed: self.seed,
            edits,
        };
        let options = RunOptions {
            threads,
            pace: self.pace,
            instructions: self.instructions,
            snapshot_every: self.snapshot_every,
        };
        Ok((config, options))
    }
}

/// A table as typed settings.
fn read<T: DeserializeOwned>(table: Table) -> Result<T> {
    let told = |error: toml::de::Error| Usage::of(anyhow!("{}", error.to_string().trim().replace('\n', ", ")));
    Value::Table(table).try_into().map_err(told)
}

/// What to call a network of these layers: their types, in order.
fn name_of(layers: &[LayerConfig]) -> String {
    let types = layers.iter().map(|layer| match serde_json::to_value(layer) {
        Ok(value) => value["type"].as_str().unwrap_or_default().to_owned(),
        Err(_) => String::new(),
    });
    format!("layers:{}", types.collect::<Vec<_>>().join("-"))
}

/// What a recipe says of its own rule means something else, or nothing, for another one that was asked for.
fn forget_other_rule(recipe: &mut Table, flags: &Table, defaults: &Table) {
    let differs = |key| flags.get(key).is_some_and(|asked| Some(asked) != recipe.get(key).or(defaults.get(key)));
    if differs("optimizer") || differs("convention") {
        let of_rule = |key: &str| {
            matches!(key, "lr" | "decay_mode") || RULES.iter().any(|rule| rule.hyper.iter().any(|spec| spec.key == key))
        };
        recipe.retain(|key, _| !of_rule(key));
    }
}

/// The hyperparameters of the rule and the hooks: their defaults, and what the keys that are left over say.
fn read_hyper(choice: &Choice, rest: BTreeMap<String, Value>) -> Result<BTreeMap<String, f64>> {
    let specs = choice.hyper();
    let mut values: BTreeMap<String, f64> = specs.iter().map(|spec| (spec.key.to_owned(), spec.default)).collect();
    for (key, value) in rest {
        let Some(spec) = specs.iter().find(|spec| spec.key == key) else {
            let own: Vec<&str> = specs.iter().map(|spec| spec.key).collect();
            let own = if own.is_empty() { "none of its own".to_owned() } else { own.join(", ") };
            return Err(anyhow!(
                "unknown key `{key}`: it is no option of wdtop train, and {} with its hooks has {own}",
                choice.rule.name
            ));
        };
        let number = match &value {
            Value::Float(number) => Some(*number),
            Value::Integer(number) => Some(*number as f64),
            Value::Boolean(flag) => spec.allowed.read(&flag.to_string()),
            Value::String(word) => spec.allowed.read(word),
            _ => None,
        };
        let number = number.ok_or_else(|| anyhow!("{key} must be {}, got {value}", spec.allowed.words()))?;
        values.insert(key, number);
    }
    Ok(values)
}

fn read_schedule(text: &str) -> Result<Schedule> {
    Ok(schedule::parse(text)?)
}

/// `STEP:KEY=VALUE` or `STEP:KEY@SCOPE=VALUE`.
fn parse_edit(text: &str) -> Result<PlannedEdit> {
    let wrong =
        |part: &str| Usage::of(anyhow!("--edit takes STEP:KEY=VALUE like 1000:weight_decay=3, got `{text}`: {part}"));
    let (step, rest) = text.split_once(':').ok_or_else(|| wrong("there is no colon"))?;
    let (key, value) = rest.split_once('=').ok_or_else(|| wrong("there is no ="))?;
    let step = step.trim().parse().map_err(|_| wrong("the step is not a whole number of at least 0"))?;
    let (key, scope) = key.trim().split_once('@').unwrap_or((key.trim(), "all"));
    let knob = Knob::from(key.to_owned());
    let value = match value.trim() {
        "inherit" => None,
        word if knob == Knob::DecayMode => {
            let mode = DecayMode::named(word);
            Some(mode.ok_or_else(|| wrong("the value is no decay mode, as decoupled or l2"))?.number())
        }
        number => Some(number.parse().map_err(|_| wrong("the value is not a number"))?),
    };
    Ok(PlannedEdit { step, knob, scope: Scope::from(scope.to_owned()), value })
}

pub(super) fn at_least_one(text: &str) -> Result<i64, String> {
    text.parse().ok().filter(|&number| number >= 1).ok_or_else(|| "it must be a whole number of at least 1".into())
}

fn whole(text: &str) -> Result<i64, String> {
    text.parse().ok().filter(|&number| number >= 0).ok_or_else(|| "it must be a whole number of at least 0".into())
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| "it must be a number".into())
}
