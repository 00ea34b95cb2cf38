//! A small run, as its source would tell it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::record::{Recorded, Recorder};
use crate::stream::*;

/// A run of two tensors.
pub fn description() -> Description {
    Description {
        config: RunConfig {
            recipe: "demo".into(),
            data: DataConfig {
                train_samples: Some(200),
                label_noise: 0.2,
                label_noise_seed: 3,
                ..DataConfig::new("fashion-mnist")
            },
            model: "mlp:2-3".into(),
            layers: Vec::new(),
            label_smoothing: 0.0,
            init: Init::Torch,
            optimizer: OptimizerConfig {
                name: "adamw".into(),
                convention: Convention::Torch,
                decay_mode: DecayMode::Decoupled,
                hooks: Vec::new(),
                hyper: BTreeMap::from([("beta1".into(), 0.9), ("eps".into(), 1e-8)]),
            },
            lr: 1e-3,
            weight_decay: 0.0,
            weight_decay_start: 1.0,
            lr_schedule: Schedule::Constant,
            weight_decay_schedule: Schedule::Constant,
            decay: DecayMask::All,
            batch: 100,
            length: Length::Steps(7),
            evaluate_every: 3,
            seed: 1,
            edits: Vec::new(),
        },
        options: RunOptions { threads: 2, pace: 0.0, instructions: None, snapshot_every: 0 },
        data: DataInfo {
            title: "Fashion-MNIST".into(),
            train: 200,
            validation: 100,
            noisy_labels: 40,
            classes: vec!["shirt".into(), "boot".into()],
            outputs: 2,
            shape: vec![2],
            left_out: 0,
            fingerprint: "sha256:0123456789abcdef0123".into(),
        },
        tensors: vec![
            TensorInfo { name: "fc1.weight".into(), layer: "fc1".into(), shape: vec![3, 2], decays: true },
            TensorInfo { name: "fc1.bias".into(), layer: "fc1".into(), shape: vec![3], decays: true },
        ],
        hyper: vec![Hyper { key: "beta1".into(), value: 0.9, allowed: "at least 0 and below 1".into() }],
        steps_per_epoch: 2,
        total_steps: Some(7),
        machine: Machine {
            os: "linux".into(),
            arch: "x86_64".into(),
            cpu: "none".into(),
            cores: 2,
            features: vec![],
            wdtop: "0.1.0".into(),
        },
        started: "2020-11-23T15:30:37Z".into(),
    }
}

/// Updates with values that f32 cannot hold, and with a loss that is no number at step 4.
pub fn steps(range: std::ops::Range<u64>) -> Event {
    let mut batch = StepBatch::new(2);
    for step in range {
        let x = step as f64 + 1.0 / 3.0;
        let row = StepRow {
            step,
            epoch: (step + 1) as f64 / 2.0,
            seconds: 0.1 * x,
            loss: if step == 4 { f64::NAN } else { 2.3 / x },
            accuracy: x / 10.0,
            penalty: 1.7 * x,
            lr: 0.1 / 3.0,
            weight_decay: 1e-3 / 7.0,
        };
        let sums = [1.0, -1.0].map(|sign| TensorSums {
            decay: 1e-4 * x,
            w2: 9.1 * x,
            g2: 0.3 * x,
            d2: 0.01 * x,
            wd: sign * x,
            wg: -sign * x,
            agree: step as f64,
            decayed_w2: 9.1 * x,
            decayed_wd: sign * x,
        });
        batch.push(row, &sums);
    }
    What::Steps(batch).into()
}

pub fn edit(step: u64, scope: &str, from: f64, to: f64) -> Event {
    What::Edited(Edit {
        step,
        seconds: 0.1 * step as f64,
        knob: Knob::WeightDecay,
        scope: Scope::from(scope.to_owned()),
        from,
        to,
        inherits: false,
        constant: false,
        by: Author::Keys,
    })
    .into()
}

pub fn evaluation(step: u64, loss: f64, accuracy: f64) -> Event {
    What::Evaluated(Evaluation {
        step,
        epoch: step as f64 / 2.0,
        seconds: 0.1 * step as f64,
        train: Score { loss: loss / 2.0, accuracy: 0.9 },
        validation: Score { loss, accuracy },
        weights: Vec::new(),
    })
    .into()
}

pub fn spectrum(step: u64, norm: f64) -> Event {
    let tensors = vec![TensorSpectrum { name: "fc1.weight".into(), norm, stable_rank: 1.5 }];
    What::Spectrum(Spectra { step, epoch: step as f64 / 2.0, seconds: 0.1 * step as f64, tensors }).into()
}

pub fn finished(steps: u64) -> Event {
    What::Finished(Box::new(Summary {
        reason: StopReason::Completed,
        steps,
        epochs: steps as f64 / 2.0,
        seconds: 0.75,
        samples_per_second: 1234.5,
        train: Score { loss: 0.25, accuracy: 0.95 },
        validation: Score { loss: 0.7, accuracy: 0.81 },
        tensors: vec![
            FinalNorm { name: "fc1.weight".into(), norm: 12.5, grad_norm: 0.1 },
            FinalNorm { name: "fc1.bias".into(), norm: 0.0125, grad_norm: f64::INFINITY },
        ],
        digest: "sha256:fedcba9876543210ffff".into(),
    }))
    .into()
}

/// Every kind of event.
pub fn run() -> Vec<Event> {
    vec![
        What::Started(Box::new(description())).into(),
        steps(0..2),
        steps(2..3),
        evaluation(3, 1.5, 0.5),
        spectrum(3, 2.25),
        edit(3, "all", 0.0, 3.0),
        steps(3..6),
        What::Paused { step: 6, seconds: 0.6 }.into(),
        What::Noted { step: 6, seconds: 0.6, text: "two\nlines, \"λ\"".into() }.into(),
        What::Paced { step: 6, seconds: 0.6, pace: 50.0 }.into(),
        What::Refused(Refusal { step: 6, knob: Some(Knob::LearningRate), reason: "no".into() }).into(),
        edit(6, "fc1.weight", 3.0, 0.1 + 0.2),
        edit(6, "fc1.bias", 3.0, 0.0),
        What::Resumed { step: 6, seconds: 0.9 }.into(),
        steps(6..7),
        What::Diverged { step: 7, seconds: 1.0, what: "fc1.weight".into(), weights: Weights::Kept }.into(),
        evaluation(7, f64::NAN, 0.1),
        finished(7),
    ]
}

/// Records events; what was passed on comes back with what became of the recording.
pub fn record(path: &Path, events: Vec<Event>) -> (Vec<Event>, Recorded) {
    record_with(Recorder::create(path).unwrap(), events)
}

/// The same with a recorder that is there already.
pub fn record_with(recorder: Recorder, events: Vec<Event>) -> (Vec<Event>, Recorded) {
    let (mut source, input) = lossless(2);
    let (output, screen) = merging(1000);
    let thread = recorder.spawn(input, output).unwrap();
    for event in events {
        source.send(event).unwrap();
    }
    drop(source);
    let passed = std::iter::from_fn(|| screen.recv().ok()).collect();
    (passed, thread.join().unwrap())
}

/// The rows of events, as they are after f32 columns; with their branches.
pub fn narrowed(events: &[Event]) -> Vec<(u32, StepRow, Vec<TensorSums>)> {
    let f = |x: f64| f64::from(x as f32);
    let mut rows = Vec::new();
    for event in events {
        let What::Steps(batch) = &event.what else { continue };
        for (row, sums) in batch.iter() {
            let row = StepRow { loss: f(row.loss), accuracy: f(row.accuracy), penalty: f(row.penalty), ..*row };
            let sums = sums.iter().map(|sums| TensorSums {
                g2: f(sums.g2),
                d2: f(sums.d2),
                wd: f(sums.wd),
                wg: f(sums.wg),
                agree: f(sums.agree),
                decayed_wd: f(sums.decayed_wd),
                ..*sums
            });
            rows.push((event.branch, row, sums.collect()));
        }
    }
    rows
}
