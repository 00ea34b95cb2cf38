//! A run that costs nothing: curves of the right shape by formula, and the answers a trainer gives.

use std::collections::BTreeMap;

use wdtop::optim::schedule::factor;
use wdtop::stream::{
    BINS, Command, Convention, DataConfig, DataInfo, DecayMask, DecayMode, Description, Distribution, Edit, Evaluation,
    Event, FinalNorm, Hyper, Init, Knob, Length, Machine, OptimizerConfig, Phase, Refusal, RunConfig, RunOptions,
    Schedule, Scope, Score, Spectra, Spending, StepBatch, StepRow, StopReason, Summary, TensorInfo, TensorSpectrum,
    TensorSums, What,
};

/// Updates between two evaluations.
const EVALUATE_EVERY: u64 = 20;

/// Plays a run of the `demo` recipe.
pub struct Source {
    pub description: Description,
    pub step: u64,
    /// λ and η, but for what schedules multiply them with.
    lambda: f64,
    lr: f64,
    norms: Vec<f64>,
    overfit: f64,
    /// The cosine between weights and gradients; where it is 0 the weights' length does not matter to the loss.
    pub along: f64,
    /// Batch losses are not finite from this update to the next one given.
    pub broken: std::ops::Range<u64>,
    /// No whole number where the last batch of an epoch is smaller.
    pub steps_per_epoch: f64,
}

impl Source {
    pub fn demo() -> Self {
        Source::with(DecayMode::Decoupled, "adamw")
    }

    pub fn with(decay_mode: DecayMode, rule: &str) -> Self {
        let shapes = [("fc1", 256, 784), ("fc2", 128, 256), ("fc3", 10, 128)];
        let tensors: Vec<TensorInfo> = shapes
            .iter()
            .flat_map(|(layer, out, inputs)| {
                let tensor = |role: &str, shape: Vec<usize>, decays| TensorInfo {
                    name: format!("{layer}.{role}"),
                    layer: layer.to_string(),
                    shape,
                    decays,
                };
                [tensor("weight", vec![*out, *inputs], true), tensor("bias", vec![*out], *layer != "fc3")]
            })
            .collect();
        let hyper = [("beta1", 0.9), ("beta2", 0.999), ("eps", 1e-8)];
        let config = RunConfig {
            recipe: "demo".into(),
            data: DataConfig {
                train_samples: Some(2000),
                label_noise: 0.2,
                label_noise_seed: 3,
                ..DataConfig::new("fashion-mnist")
            },
            model: "mlp:784-256-128-10".into(),
            layers: Vec::new(),
            label_smoothing: 0.0,
            init: Init::Torch,
            optimizer: OptimizerConfig {
                name: rule.into(),
                convention: Convention::Torch,
                decay_mode,
                hooks: Vec::new(),
                hyper: hyper.iter().map(|(key, value)| (key.to_string(), *value)).collect::<BTreeMap<_, _>>(),
            },
            lr: 1e-3,
            weight_decay: 0.0,
            weight_decay_start: 1.0,
            lr_schedule: Schedule::Constant,
            weight_decay_schedule: Schedule::Constant,
            decay: DecayMask::All,
            batch: 100,
            length: Length::Unbounded,
            evaluate_every: EVALUATE_EVERY,
            seed: 1,
            edits: Vec::new(),
        };
        let description = Description {
            config,
            options: RunOptions { threads: 2, pace: 50.0, instructions: None, snapshot_every: 0 },
            data: DataInfo {
                title: "Fashion-MNIST".into(),
                train: 2000,
                validation: 2000,
                noisy_labels: 361,
                classes: (0..10).map(|class| class.to_string()).collect(),
                outputs: 10,
                shape: vec![1, 28, 28],
                left_out: 0,
                fingerprint: "sha256:00".into(),
            },
            tensors,
            hyper: hyper
                .iter()
                .map(|(key, value)| {
                    let allowed = if *key == "eps" { "finite and at least 0" } else { "at least 0 and below 1" };
                    Hyper { key: key.to_string(), value: *value, allowed: allowed.into() }
                })
                .collect(),
            steps_per_epoch: 20,
            total_steps: None,
            machine: Machine {
                os: "linux".into(),
                arch: "x86_64".into(),
                cpu: "a processor".into(),
                cores: 2,
                features: Vec::new(),
                wdtop: "0.1.0".into(),
            },
            started: "2026-01-01T00:00:00Z".into(),
        };
        let norms = vec![9.2, 1.0, 6.6, 0.8, 1.8, 0.17];
        Source {
            description,
            step: 0,
            lambda: 0.0,
            lr: 1e-3,
            norms,
            overfit: 0.0,
            along: 0.0,
            broken: 0..0,
            steps_per_epoch: 20.0,
        }
    }

    /// Begins the run as its description has it.
    pub fn start(&mut self) -> Event {
        (self.lambda, self.lr) = (self.description.config.weight_decay, self.description.config.lr);
        What::Started(Box::new(self.description.clone())).into()
    }

    pub fn seconds(&self) -> f64 {
        self.step as f64 / 50.0
    }

    /// Makes so many updates, with the evaluations that fall among them.
    pub fn advance(&mut self, steps: u64) -> Vec<Event> {
        let mut events = Vec::new();
        let mut batch = StepBatch::new(self.norms.len());
        batch.tell_spent(spent(steps));
        for _ in 0..steps {
            if self.step.is_multiple_of(EVALUATE_EVERY) {
                events.push(What::Steps(std::mem::replace(&mut batch, StepBatch::new(self.norms.len()))).into());
                events.push(self.evaluation());
                events.push(self.spectrum());
            }
            let (row, sums) = self.update();
            batch.push(row, &sums);
        }
        events.push(What::Steps(batch).into());
        events
    }

    /// What a trainer says to a command.
    pub fn obey(&mut self, command: &Command) -> Vec<Event> {
        let (step, seconds) = (self.step, self.seconds());
        match command {
            Command::Set(setting) => {
                let config = &self.description.config;
                let value = setting.value.unwrap_or(self.lambda);
                if value > 1e6 {
                    let reason = format!("weight decay must be at most 1e6, got {value}");
                    return vec![What::Refused(Refusal { step, knob: Some(setting.knob.clone()), reason }).into()];
                }
                let (base, schedule) = match setting.knob {
                    Knob::LearningRate => (&mut self.lr, config.lr_schedule),
                    _ => (&mut self.lambda, config.weight_decay_schedule),
                };
                let factor = factor(schedule, step);
                let from = *base * factor;
                if setting.scope == Scope::All {
                    *base = value / factor;
                }
                let edit = Edit {
                    step,
                    seconds,
                    knob: setting.knob.clone(),
                    scope: setting.scope.clone(),
                    from,
                    to: value,
                    inherits: setting.value.is_none(),
                    constant: false,
                    by: setting.by,
                };
                vec![What::Edited(edit).into()]
            }
            Command::Pause => vec![What::Paused { step, seconds }.into()],
            Command::Resume => vec![What::Resumed { step, seconds }.into()],
            Command::StepOnce => {
                let mut events = self.advance(1);
                events.push(What::Paused { step: self.step, seconds }.into());
                events
            }
            Command::RunUntil(end) => {
                let mut events = vec![What::Resumed { step, seconds }.into()];
                events.extend(self.advance(end.saturating_sub(step)));
                events.push(What::Paused { step: self.step, seconds: self.seconds() }.into());
                events
            }
            Command::Evaluate => vec![self.evaluation()],
            Command::Note(text) => vec![What::Noted { step, seconds, text: text.clone() }.into()],
            Command::Snapshot => vec![What::Snapshot { step, seconds, checkpoint: None }.into()],
            Command::Seek(_) | Command::NextEdit => Vec::new(),
            Command::Columns(columns) => vec![What::Columns { step, seconds, columns: *columns }.into()],
            Command::Restore(to) => vec![What::Restored { step, seconds, to: *to }.into()],
            Command::SkipBatch => {
                self.step += 1;
                vec![What::Resumed { step, seconds }.into(), What::Skipped { step, seconds }.into()]
            }
            Command::Pace(pace) => vec![What::Paced { step, seconds, pace: *pace }.into()],
            Command::Stop => vec![self.finish(StopReason::Stopped)],
        }
    }

    pub fn finish(&self, reason: StopReason) -> Event {
        let (train, validation) = self.scores();
        let norm =
            |(tensor, norm): (&TensorInfo, &f64)| FinalNorm { name: tensor.name.clone(), norm: *norm, grad_norm: 0.1 };
        let summary = Summary {
            reason,
            steps: self.step,
            epochs: self.step as f64 / 20.0,
            seconds: self.seconds(),
            samples_per_second: 5000.0,
            train,
            validation,
            tensors: self.description.tensors.iter().zip(&self.norms).map(norm).collect(),
            digest: "sha256:00".into(),
        };
        What::Finished(Box::new(summary)).into()
    }

    fn update(&mut self) -> (StepRow, Vec<TensorSums>) {
        let config = &self.description.config;
        let [lr, lambda] = [(self.lr, config.lr_schedule), (self.lambda, config.weight_decay_schedule)]
            .map(|(value, schedule)| value * factor(schedule, self.step));
        let decay = lr * lambda;
        let noise = wobble(self.step);
        let (train, _) = self.scores();
        let loss = if self.broken.contains(&self.step) { f64::NAN } else { train.loss * (1.0 + 0.3 * noise) };
        let sums = self.norms.iter().zip(&self.description.tensors).map(|(norm, tensor)| TensorSums {
            decay: if tensor.decays { decay } else { 0.0 },
            w2: norm * norm,
            g2: 0.09 * (1.0 + 0.1 * noise),
            wg: self.along * norm * 0.3,
            d2: (3e-3 * norm).powi(2),
            decayed_w2: norm * norm,
            ..TensorSums::default()
        });
        let sums: Vec<_> = sums.collect();
        let row = StepRow {
            step: self.step,
            epoch: (self.step + 1) as f64 / self.steps_per_epoch,
            seconds: (self.step + 1) as f64 / 50.0,
            loss,
            accuracy: train.accuracy,
            penalty: 0.5 * lambda * self.norms.iter().map(|norm| norm * norm).sum::<f64>(),
            lr,
            weight_decay: lambda,
        };
        for (norm, tensor) in self.norms.iter_mut().zip(&self.description.tensors) {
            let decay = if tensor.decays { decay } else { 0.0 };
            *norm += 0.0016 * *norm / (1.0 + self.step as f64 / 500.0) - decay * *norm;
        }
        self.overfit += if self.lambda < 0.5 { (1.0 - self.overfit) * 0.001 } else { -0.005 * self.overfit };
        self.step += 1;
        (row, sums)
    }

    fn scores(&self) -> (Score, Score) {
        let fit = (-(self.step as f64) / 150.0).exp();
        let train = 0.5 + 1.8 * fit - 0.45 * self.overfit;
        let validation = 0.62 + 1.7 * fit + 0.8 * self.overfit;
        (
            Score { loss: train, accuracy: 0.85 - 0.7 * fit + 0.12 * self.overfit },
            Score { loss: validation, accuracy: 0.81 - 0.7 * fit - 0.1 * self.overfit },
        )
    }

    fn spectrum(&self) -> Event {
        let matrices = self.description.tensors.iter().zip(&self.norms).filter(|(tensor, _)| tensor.shape.len() > 1);
        let measured = |(tensor, norm): (&TensorInfo, &f64)| TensorSpectrum {
            name: tensor.name.clone(),
            norm: norm / 2.0,
            stable_rank: 4.0,
        };
        let (step, epoch, seconds) = (self.step, self.step as f64 / 20.0, self.seconds());
        What::Spectrum(Spectra { step, epoch, seconds, tensors: matrices.map(measured).collect() }).into()
    }

    fn evaluation(&self) -> Event {
        let (train, validation) = self.scores();
        What::Evaluated(Evaluation {
            step: self.step,
            epoch: self.step as f64 / 20.0,
            seconds: self.seconds(),
            train,
            validation,
            weights: self.norms.iter().zip(&self.description.tensors).map(distribution).collect(),
        })
        .into()
    }
}

/// A hill of a tensor's weights whose width goes with their norm.
fn distribution((norm, tensor): (&f64, &TensorInfo)) -> Distribution {
    let reach = 6.0 * norm / (tensor.len() as f64).sqrt();
    let side = BINS as i32 / 2;
    let counts = (-side..side).map(|bin| (1e3 * (-f64::from(bin * bin) / 12.0).exp()) as u64).collect();
    Distribution { lowest: -reach, highest: reach, counts }
}

/// Where a paced run's time goes, as far as so many updates need it.
fn spent(steps: u64) -> Spending {
    let parts = [(Phase::Data, 0.2), (Phase::Forward, 1.1), (Phase::Backward, 2.3), (Phase::Evaluation, 1.0)];
    let mut spent = Spending::default();
    for (phase, milliseconds) in parts.into_iter().chain([(Phase::Pace, 15.4)]) {
        spent.add(phase, steps as f64 * milliseconds / 1e3);
    }
    spent
}

/// Something between −1 and 1 that looks random and is the same everywhere.
fn wobble(step: u64) -> f64 {
    let mixed = (step + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed >> 40) as f64 / (1u64 << 23) as f64 - 1.0
}
