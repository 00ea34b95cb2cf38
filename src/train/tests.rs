//! The sentinel: nothing that is not finite reaches a weight. Alerts over a run that was stopped and goes on.

use crossbeam_channel::{Sender, bounded};
use ndarray::Array2;

use super::watch::Watch;
use super::{COMMANDS_WAITING, Experiment, Sentinel, spawn};
use crate::data::Samples;
use crate::diagnostics::Reader;
use crate::stream::{AlertKind, Command, EventReceiver, StepBatch, StepRow, StopReason, TensorSums, What, lossless};

/// The step whose batch is spoiled.
const STEP: u64 = 100;

const PLAIN: &str = "mlp:784-37-10";
/// Batch normalisation behind the first layer.
const NORMED: &str = "mlp:784-37-10,norm=batch";

/// What is done to the sample at a place of the batch of step 100.
type Spoil<'a> = &'a dyn Fn(usize, &mut [f32]);

/// One value of one sample is not a number.
const NAN: Spoil = &|place, row| {
    if place == 3 {
        row[400] = f32::NAN;
    }
};

/// A run of batches of ten, with the batch of step 100 changed.
fn experiment(model: &str, steps: u64, spoil: Spoil) -> Experiment {
    let steps = steps.to_string();
    let arguments = ["--batch", "10", "--steps", &steps, "--init", "he", "--threads", "2", "--pace", "0"];
    let model = ["--model", model, "--evaluate-every", "1000"];
    let (config, options) = crate::cli::configure("demo", &[&arguments[..], &model].concat()).unwrap();
    let mut experiment = Experiment::prepare(config, options).unwrap();
    let samples = &experiment.data.train;
    let mut rows = Array2::zeros((samples.len(), samples.width()));
    for (index, mut row) in rows.rows_mut().into_iter().enumerate() {
        samples.write(index, row.as_slice_mut().unwrap());
    }
    // 2,000 samples in batches of ten: no sample of step 100 was seen before.
    for (place, &index) in experiment.order.batch(STEP).indices.iter().enumerate() {
        spoil(place, rows.row_mut(index as usize).as_slice_mut().unwrap());
    }
    experiment.data.train = Samples::of_rows(rows, samples.targets().clone());
    experiment
}

fn start(experiment: Experiment) -> (Sender<Command>, EventReceiver) {
    let (commands, obeyed) = bounded(COMMANDS_WAITING);
    let (sender, events) = lossless(64);
    spawn(experiment, obeyed, sender).unwrap();
    (commands, events)
}

/// The first event that is looked for.
fn wait<T>(events: &EventReceiver, find: impl Fn(&What) -> Option<T>) -> T {
    loop {
        if let Some(found) = find(&events.recv().expect("an event").what) {
            return found;
        }
    }
}

fn end(events: &EventReceiver) -> (StopReason, u64, String) {
    wait(events, |what| match what {
        What::Finished(summary) => Some((summary.reason, summary.steps, summary.digest.clone())),
        _ => None,
    })
}

fn diverged(what: &What) -> Option<(u64, String)> {
    match what {
        What::Diverged { step, what, .. } => Some((*step, what.clone())),
        _ => None,
    }
}

#[test]
fn whatever_is_not_finite_leaves_the_weights_of_the_step_before() {
    // One value of 1e38: a sample that is classified right by such a margin has no gradient, so each gets one.
    let large: Spoil = &|_, row| row[400] = 1e38;
    let overflowing: Spoil = &|place, row| {
        if place == 3 {
            row.fill(3e38);
        }
    };
    let spoils: [(&str, &str, Spoil); 6] = [
        (PLAIN, "the input", NAN),
        (PLAIN, "the squared gradient of fc1.weight", large),
        (PLAIN, "the output of fc1", overflowing),
        (NORMED, "the input", NAN),
        (NORMED, "the output of fc1", large),
        (NORMED, "the output of fc1", overflowing),
    ];
    let before = [PLAIN, NORMED].map(|model| end(&start(experiment(model, STEP, &|_, _| {})).1));
    for (model, name, spoil) in spoils {
        let (_commands, events) = start(experiment(model, STEP + 50, spoil));
        let (step, what) = wait(&events, diverged);
        assert_eq!(step, STEP, "{model}: {name}");
        // Of a normalised layer either its output or what it would remember is found first.
        assert!(what == name || model == NORMED && what == "the statistics of bn1", "{model}: {what}, not {name}");
        let (reason, steps, digest) = end(&events);
        assert_eq!((reason, steps), (StopReason::Diverged, STEP));
        assert_eq!(digest, before[usize::from(model == NORMED)].2, "{model}: {name}");
    }
}

#[test]
fn a_run_that_goes_on_without_the_batch_has_no_trace_of_it() {
    // The batch that is left out leaves nothing behind: not even what normalisation remembers.
    let without = |spoil: Spoil| start(experiment(NORMED, STEP + 50, spoil).with_sentinel(Sentinel::Asks));
    let (commands, events) = without(NAN);
    wait(&events, diverged);
    wait(&events, |what| matches!(what, What::Paused { step: STEP, .. }).then_some(()));
    // Trying again fails again.
    commands.send(Command::Resume).unwrap();
    assert_eq!(wait(&events, diverged).0, STEP);
    commands.send(Command::SkipBatch).unwrap();
    wait(&events, |what| matches!(what, What::Skipped { step: STEP, .. }).then_some(()));
    let (reason, steps, spoiled) = end(&events);
    assert_eq!((reason, steps), (StopReason::Completed, STEP + 50));

    let (commands, events) = without(&|_, _| {});
    commands.send(Command::RunUntil(STEP)).unwrap();
    wait(&events, |what| matches!(what, What::Paused { step: STEP, .. }).then_some(()));
    commands.send(Command::SkipBatch).unwrap();
    assert_eq!(end(&events).2, spoiled);
}

#[test]
fn stopping_where_it_diverged_is_told_as_such() {
    let spoiled = experiment(PLAIN, STEP + 50, NAN).with_sentinel(Sentinel::Asks);
    let (commands, events) = start(spoiled);
    wait(&events, diverged);
    commands.send(Command::Stop).unwrap();
    assert_eq!(end(&events).0, StopReason::Diverged);
}

#[test]
fn a_run_that_goes_on_does_not_warn_again_of_what_it_had_warned_of() {
    let arguments = ["--weight-decay", "3", "--pace", "0", "--threads", "1"];
    let (config, options) = crate::cli::configure("demo", &arguments).unwrap();
    let experiment = Experiment::prepare(config, options).unwrap();
    let (run, knobs) = (&experiment.description, &experiment.knobs);
    // Decay takes 3e-3 of weights that hardly move otherwise.
    let sums = TensorSums { decay: 3e-3, w2: 100.0, g2: 1.0, d2: 1e-4, ..TensorSums::default() };
    let all = vec![sums; run.tensors.len()];
    let row = |step| StepRow { step, lr: 1e-3, weight_decay: 3.0, loss: 1.0, ..StepRow::default() };
    let mut never_stopped = Watch::new(run, knobs);
    let mut past = StepBatch::new(all.len());
    for step in 0..200 {
        never_stopped.update(&row(step), &all, knobs);
        past.push(row(step), &all);
    }
    assert!(never_stopped.take().iter().any(|alert| alert.kind == AlertKind::DecayWins));
    let mut resumed = Watch::new(run, knobs);
    resumed.relive(&What::Steps(past), &mut Reader::new(run));
    let mut afresh = Watch::new(run, knobs);
    for watch in [&mut never_stopped, &mut resumed, &mut afresh] {
        (200..400).for_each(|step| watch.update(&row(step), &all, knobs));
    }
    assert!(never_stopped.take().is_empty() && resumed.take().is_empty());
    assert!(!afresh.take().is_empty(), "one that knows no past warns again");
}
