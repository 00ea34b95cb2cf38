//! Whole networks: logits, loss, accuracy, penalties, gradients, running statistics, evaluation, trajectories.

use std::collections::BTreeMap;
use std::fs;

use serde::Deserialize;
use serde_json::{Map, Value};
use wdtop::kernel::Instructions;
use wdtop::nn::{Mode, Network, Passage, Purpose, Setting, Shape, Targets};
use wdtop::stream::{Convention, LayerConfig, LossConfig};
use wdtop::train::{Pass, PassTensor, Task, Team};

use super::{Fixture, Param, Tolerance, files, folder};

#[derive(Deserialize)]
struct Model {
    name: String,
    framework: String,
    layers: Vec<Map<String, Value>>,
    loss: Map<String, Value>,
    weight_decay: f64,
    params: Vec<Param>,
    buffers: Vec<Buffer>,
    masks: BTreeMap<String, Mask>,
    batch: Batch,
    expected: Expected,
    trajectories: Vec<Trajectory>,
    tolerance: Tolerance,
}

#[derive(Deserialize)]
struct Buffer {
    init: Vec<f64>,
}

#[derive(Deserialize)]
struct Mask {
    data: Vec<f64>,
}

#[derive(Deserialize)]
struct Batch {
    input_shape: Vec<usize>,
    input: Vec<f64>,
    target: Vec<f64>,
}

#[derive(Deserialize)]
struct Scored {
    loss: f64,
    logits: Vec<f64>,
}

#[derive(Deserialize)]
struct Expected {
    eval_before: Option<Scored>,
    logits: Vec<f64>,
    loss: f64,
    accuracy: Option<f64>,
    l2_penalty: f64,
    l2_penalty_weights: f64,
    l2_penalty_all: f64,
    total_loss: f64,
    grads: BTreeMap<String, Vec<f64>>,
    grad_norm: f64,
    weight_norm: f64,
    buffers_after: Option<BTreeMap<String, Vec<f64>>>,
    eval_after: Option<Scored>,
}

#[derive(Deserialize)]
struct Trajectory {
    optimizer: Map<String, Value>,
    edits: Vec<Map<String, Value>>,
    steps: usize,
    loss: Vec<f64>,
    l2_penalty: Vec<f64>,
    accuracy: Option<Vec<f64>>,
    final_params: BTreeMap<String, Vec<f64>>,
    final_buffers: BTreeMap<String, Vec<f64>>,
    final_eval: Scored,
    tolerance: Tolerance,
}

/// The largest deviation so far, as a share of its tolerance.
struct Check {
    tolerance: Tolerance,
    worst: f64,
    first: Option<String>,
}

impl Check {
    fn new(tolerance: Tolerance) -> Check {
        Check { tolerance, worst: 0.0, first: None }
    }

    fn same(&mut self, what: &str, got: &[f64], wanted: &[f64]) {
        assert_eq!(got.len(), wanted.len(), "{what}");
        for (at, (&got, &wanted)) in got.iter().zip(wanted).enumerate() {
            let share = (got - wanted).abs() / (self.tolerance.atol + self.tolerance.rtol * wanted.abs());
            let share = if share.is_nan() { f64::INFINITY } else { share };
            self.worst = self.worst.max(share);
            if share > 1.0 && self.first.is_none() {
                self.first = Some(format!("{what}[{at}]: {got:e}, not {wanted:e}"));
            }
        }
    }
}

/// A model with everything that runs it.
struct Run<'a> {
    model: &'a Model,
    network: Network,
    loss: LossConfig,
    passage: Passage<f64>,
    masks: Vec<Vec<f64>>,
    team: Team,
    instructions: Instructions,
}

impl<'a> Run<'a> {
    fn new(model: &'a Model, threads: usize, instructions: Instructions) -> Run<'a> {
        let layers: Vec<LayerConfig> = model.layers.iter().map(layer).collect();
        let shape = match model.batch.input_shape[1..] {
            [values] => Shape::row(values),
            [channels, height, width] => Shape { channels, height, width },
            ref other => panic!("{}: samples of shape {other:?}", model.name),
        };
        let convention = if model.framework == "chainer" { Convention::Chainer } else { Convention::Torch };
        let network = Network::new(shape, &layers, convention).unwrap();
        let names: Vec<&str> = network.tensors().iter().map(|tensor| tensor.name.as_str()).collect();
        let wanted: Vec<&str> = model.params.iter().map(|param| param.name.as_str()).collect();
        assert_eq!(names, wanted, "{}", model.name);
        let loss = match model.loss["kind"].as_str().unwrap() {
            "mse" => LossConfig::Mse,
            _ => LossConfig::SoftmaxCrossEntropy { label_smoothing: model.loss["label_smoothing"].as_f64().unwrap() },
        };
        let dropouts = model.layers.iter().filter(|layer| layer["type"] == "dropout");
        let masks = dropouts.map(|layer| model.masks[layer["mask"].as_str().unwrap()].data.clone()).collect();
        let mut passage = Passage::new(&network, model.batch.input_shape[0], Purpose::Training);
        let buffers: Vec<Vec<f64>> = model.buffers.iter().map(|buffer| buffer.init.clone()).collect();
        passage.set_buffers(&network, &buffers);
        Run { model, network, loss, passage, masks, team: Team::new(threads), instructions }
    }

    fn weights(&self) -> Vec<f64> {
        self.model.params.iter().flat_map(|param| param.init.iter().copied()).collect()
    }

    /// Forward, and backward in training: loss, accuracy and outputs.
    fn pass(&mut self, weights: &[f64], evaluate: bool) -> (f64, f64, Vec<f64>) {
        let Run { model, network, loss, passage, masks, team, instructions } = self;
        let setting = Setting { network, weights, instructions: *instructions };
        let (batch, width) = (&model.batch, network.input().values());
        *passage.targets() = match loss {
            LossConfig::Mse => Targets::Values(batch.target.clone()),
            _ => Targets::Classes(batch.target.iter().map(|&class| class as u32).collect()),
        };
        passage.fill(team, setting, |at, row| row.copy_from_slice(&batch.input[at * width..(at + 1) * width]));
        let mode = if evaluate { Mode::Evaluation } else { Mode::Masked(masks) };
        passage.forward(team, setting, mode);
        passage.judge(setting, *loss);
        if !evaluate {
            passage.backward(team, setting);
            assert!(passage.gradients_are_bounded(setting));
        }
        let samples = batch.input_shape[0] as f64;
        let accuracy = passage.correct().map_or(f64::NAN, |correct| correct as f64 / samples);
        (passage.loss(setting) / samples, accuracy, passage.outputs(setting))
    }

    fn buffers(&self) -> BTreeMap<String, Vec<f64>> {
        let names = self.network.buffers().into_iter().map(|(name, _)| name);
        names.zip(self.passage.buffers(&self.network)).collect()
    }

    fn check_once(&mut self) -> Check {
        let (model, weights) = (self.model, self.weights());
        let expected = &model.expected;
        let mut check = Check::new(model.tolerance);
        if let Some(before) = &expected.eval_before {
            let (loss, _, logits) = self.pass(&weights, true);
            check.same("evaluation before", &[loss], &[before.loss]);
            check.same("logits before", &logits, &before.logits);
        }
        let (loss, accuracy, logits) = self.pass(&weights, false);
        check.same("loss", &[loss], &[expected.loss]);
        check.same("logits", &logits, &expected.logits);
        if let Some(wanted) = expected.accuracy {
            check.same("accuracy", &[accuracy], &[wanted]);
        }
        let mut all = Vec::new();
        for tensor in self.network.tensors() {
            let mut gradient = vec![0.0; tensor.place.len()];
            let setting = Setting { network: &self.network, weights: &weights, instructions: self.instructions };
            self.passage.gradient(setting, tensor, 0..tensor.shape[0], &mut gradient, &[]);
            check.same(&tensor.name, &gradient, &expected.grads[&tensor.name]);
            all.extend(gradient);
        }
        let norm = |values: &[f64]| values.iter().map(|x| x * x).sum::<f64>().sqrt();
        check.same("gradient norm", &[norm(&all)], &[expected.grad_norm]);
        check.same("weight norm", &[norm(&weights)], &[expected.weight_norm]);
        let penalty = |counts: &dyn Fn(&Param) -> bool| {
            let decayed = model.params.iter().filter(|param| counts(param));
            0.5 * model.weight_decay * decayed.flat_map(|param| &param.init).map(|w| w * w).sum::<f64>()
        };
        let decayed = penalty(&|param| param.decay);
        check.same("penalty", &[decayed], &[expected.l2_penalty]);
        check.same("penalty of weights", &[penalty(&|p| p.name.ends_with(".weight"))], &[expected.l2_penalty_weights]);
        check.same("penalty of all", &[penalty(&|_| true)], &[expected.l2_penalty_all]);
        check.same("total loss", &[loss + decayed], &[expected.total_loss]);
        if let Some(wanted) = &expected.buffers_after {
            let got = self.buffers();
            wanted.iter().for_each(|(name, wanted)| check.same(name, &got[name], wanted));
        }
        if let Some(after) = &expected.eval_after {
            let (loss, _, logits) = self.pass(&weights, true);
            check.same("evaluation after", &[loss], &[after.loss]);
            check.same("logits after", &logits, &after.logits);
        }
        check
    }

    fn check_trajectory(&mut self, trajectory: &Trajectory) -> Check {
        let rule = Fixture {
            name: self.model.name.clone(),
            optimizer: trajectory.optimizer.clone(),
            params: self.model.params.clone(),
            edits: Vec::new(),
            grads: BTreeMap::new(),
            expected: BTreeMap::new(),
            tolerance: trajectory.tolerance,
        };
        let choice = rule.choice();
        let mut knobs = rule.knobs(&choice);
        let rows =
            |tensor: &wdtop::nn::Tensor| Some(self.network.rows_in_task(tensor, self.model.batch.input_shape[0]));
        let tensors: Vec<PassTensor> = self
            .network
            .tensors()
            .iter()
            .map(|tensor| PassTensor { shape: tensor.shape.clone(), block_rows: rows(tensor) })
            .collect();
        let mut pass = Pass::new(choice.build(0), &knobs, &tensors, self.weights());
        let mut team = Team::new(2);
        let mut check = Check::new(trajectory.tolerance);
        for step in 0..trajectory.steps {
            for edit in trajectory.edits.iter().filter(|edit| edit["before_step"] == step) {
                for (key, value) in edit.iter().filter(|(key, _)| *key != "before_step") {
                    rule.set(&mut knobs, key, value);
                }
            }
            let weights = pass.weights().to_vec();
            let (loss, accuracy, _) = self.pass(&weights, false);
            check.same(&format!("loss at {step}"), &[loss], &[trajectory.loss[step]]);
            if let Some(wanted) = &trajectory.accuracy {
                check.same(&format!("accuracy at {step}"), &[accuracy], &[wanted[step]]);
            }
            let penalty: f64 = self
                .network
                .tensors()
                .iter()
                .enumerate()
                .map(|(index, tensor)| {
                    let squares: f64 = weights[tensor.place.clone()].iter().map(|w| w * w).sum();
                    0.5 * knobs.tensor_decay(index) * squares
                })
                .sum();
            check.same(&format!("penalty at {step}"), &[penalty], &[trajectory.l2_penalty[step]]);
            let (network, passage, instructions) = (&self.network, &self.passage, self.instructions);
            pass.update(&mut team, &knobs, |task: &Task, gradient: &mut [f64], next: &[&[f64]]| {
                let setting = Setting { network, weights: &[], instructions };
                passage.gradient(setting, &network.tensors()[task.tensor], task.rows.clone(), gradient, next);
            });
        }
        for tensor in self.network.tensors() {
            check.same(&tensor.name, &pass.weights()[tensor.place.clone()], &trajectory.final_params[&tensor.name]);
        }
        let buffers = self.buffers();
        trajectory.final_buffers.iter().for_each(|(name, wanted)| check.same(name, &buffers[name], wanted));
        let (loss, _, logits) = self.pass(pass.weights(), true);
        check.same("final evaluation", &[loss], &[trajectory.final_eval.loss]);
        check.same("final logits", &logits, &trajectory.final_eval.logits);
        check
    }
}

/// A fixture's layer as a recipe would have it.
fn layer(given: &Map<String, Value>) -> LayerConfig {
    let mut layer = given.clone();
    for told in ["in", "size", "running_var", "approximate", "mask"] {
        layer.remove(told);
    }
    serde_json::from_value(Value::Object(layer)).unwrap_or_else(|error| panic!("{given:?}: {error}"))
}

#[test]
fn every_model_in_f64_is_that_of_the_library() {
    let paths = files("models");
    if paths.is_empty() {
        println!("no model fixtures in {}: this half is skipped", folder().display());
    }
    let mut failures = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let model: Model = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let best = Instructions::best();
        let mut checks = vec![("expected".to_owned(), Run::new(&model, 3, best).check_once())];
        for trajectory in &model.trajectories {
            let rule = format!("{} {}", trajectory.optimizer["kind"], trajectory.optimizer["decay_mode"]);
            checks.push((rule, Run::new(&model, 2, best).check_trajectory(trajectory)));
        }
        for (part, check) in checks {
            println!("{:28} {part:28} {:6.2} % of its tolerance", model.name, 100.0 * check.worst);
            failures.extend(check.first.map(|first| format!("{}, {part}: {first}", model.name)));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
