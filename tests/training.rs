//! The trainer from outside: its thread, its events, its commands.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::time::Duration;

use crossbeam_channel::{Sender, bounded};
use wdtop::diagnostics::Reader;
use wdtop::optim;
use wdtop::stream::{
    Author, Command, Convention, DataConfig, DecayMask, Distribution, EventReceiver, Init, Knob, Length,
    OptimizerConfig, Phase, PlannedEdit, RunConfig, RunOptions, Schedule, Scope, Setting, Spending, StepRow,
    StopReason, Summary, TensorSums, What, lossless, merging,
};
use wdtop::train::{self, Experiment};

/// A small run: the first 500 images in batches of 64, so that the last batch of an epoch is smaller.
fn small(optimizer: &str) -> RunConfig {
    let rule = optim::find(optimizer, Convention::Torch).unwrap();
    RunConfig {
        recipe: "test".into(),
        data: DataConfig {
            train_samples: Some(500),
            label_noise: 0.2,
            label_noise_seed: 3,
            ..DataConfig::new("fashion-mnist-12k")
        },
        model: "mlp:784-37-10".into(),
        layers: Vec::new(),
        label_smoothing: 0.0,
        init: Init::Torch,
        optimizer: OptimizerConfig {
            name: optimizer.into(),
            convention: Convention::Torch,
            decay_mode: rule.decay_mode(),
            hooks: Vec::new(),
            hyper: rule.hyper.iter().map(|spec| (spec.key.to_owned(), spec.default)).collect::<BTreeMap<_, _>>(),
        },
        lr: 1e-3,
        weight_decay: 0.1,
        weight_decay_start: 0.1,
        lr_schedule: Schedule::Constant,
        weight_decay_schedule: Schedule::Constant,
        decay: DecayMask::Weights,
        batch: 64,
        length: Length::Steps(40),
        evaluate_every: 10,
        seed: 3,
        edits: Vec::new(),
    }
}

fn free(threads: usize) -> RunOptions {
    RunOptions { threads, pace: 0.0, instructions: None, snapshot_every: 0 }
}

fn edit(step: u64, key: &str, scope: &str, value: f64) -> PlannedEdit {
    PlannedEdit { step, knob: Knob::from(key.to_owned()), scope: scope.parse().unwrap(), value: Some(value) }
}

fn start(config: RunConfig, options: RunOptions) -> (Sender<Command>, EventReceiver) {
    let (commands, obeyed) = bounded(train::COMMANDS_WAITING);
    let (sender, events) = lossless(16);
    train::spawn(Experiment::prepare(config, options).unwrap(), obeyed, sender).unwrap();
    (commands, events)
}

/// Everything a run said, by kind.
#[derive(Default)]
struct Told {
    rows: Vec<StepRow>,
    sums: Vec<Vec<TensorSums>>,
    others: Vec<What>,
}

impl Told {
    fn summary(&self) -> &Summary {
        match self.others.last() {
            Some(What::Finished(summary)) => summary,
            other => panic!("the last event is {other:?}"),
        }
    }

    fn take(&mut self, what: What) {
        match what {
            What::Steps(batch) => {
                self.rows.extend_from_slice(batch.rows());
                self.sums.extend((0..batch.len()).map(|row| batch.sums(row).to_vec()));
            }
            other => self.others.push(other),
        }
    }
}

fn listen(events: &EventReceiver) -> Told {
    let mut told = Told::default();
    while let Ok(event) = events.recv() {
        told.take(event.what);
    }
    told
}

fn run(config: RunConfig, threads: usize) -> Told {
    let (_commands, events) = start(config, free(threads));
    listen(&events)
}

#[test]
fn threads_do_not_change_bits() {
    for optimizer in ["sgd", "adam", "adamw"] {
        let mut config = small(optimizer);
        config.edits = vec![edit(20, "weight_decay", "all", 3.0), edit(25, "lr", "all", 1e-2)];
        let one = run(config.clone(), 1);
        for threads in [2, 7] {
            let many = run(config.clone(), threads);
            assert_eq!(many.summary().digest, one.summary().digest, "{optimizer} on {threads} threads");
            assert_eq!(many.sums, one.sums, "{optimizer} on {threads} threads");
            let losses = |told: &Told| told.rows.iter().map(|row| (row.loss, row.penalty)).collect::<Vec<_>>();
            assert_eq!(losses(&many), losses(&one), "{optimizer} on {threads} threads");
        }
    }
}

#[test]
fn the_time_of_a_run_and_the_places_of_its_weights_are_told() {
    let (_commands, events) = start(small("adamw"), RunOptions { pace: 200.0, ..free(2) });
    let (mut spent, mut distributions, mut summary) = (Spending::default(), Vec::new(), None);
    while let Ok(event) = events.recv() {
        match event.what {
            What::Steps(batch) => spent = spent.plus(batch.spent()),
            What::Evaluated(evaluation) => distributions.push(evaluation.weights),
            What::Finished(end) => summary = Some(end),
            _ => {}
        }
    }
    for phase in [Phase::Data, Phase::Forward, Phase::Loss, Phase::Backward, Phase::Evaluation, Phase::Pace] {
        assert!(spent.of(phase) > 0.0, "{}: {spent:?}", phase.name());
    }
    let summary = summary.unwrap();
    // 40 updates at 200 a second; what is spent after the last statistics nobody hears of.
    assert!((0.1..=summary.seconds).contains(&spent.total()), "{} of {}", spent.total(), summary.seconds);
    let totals = |weights: &Vec<Distribution>| weights.iter().map(Distribution::total).collect::<Vec<_>>();
    assert_eq!(distributions.len(), 5);
    assert!(distributions.iter().all(|weights| totals(weights) == [784 * 37, 37, 370, 10]));
    let norm = |weights: &Distribution| weights.highest.max(-weights.lowest);
    assert!(norm(&distributions[4][0]) < summary.tensors[0].norm && norm(&distributions[4][0]) > 0.0);
    // Neither the clock nor the counting changes a weight.
    assert_eq!(summary.digest, run(small("adamw"), 1).summary().digest);
}

#[test]
fn every_update_is_told_once_and_in_order() {
    let told = run(small("adamw"), 2);
    assert_eq!(told.rows.iter().map(|row| row.step).collect::<Vec<_>>(), (0..40).collect::<Vec<_>>());
    assert!(matches!(told.others[0], What::Started(_)));
    let evaluated: Vec<u64> = told
        .others
        .iter()
        .filter_map(|what| if let What::Evaluated(evaluation) = what { Some(evaluation.step) } else { None })
        .collect();
    assert_eq!(evaluated, [0, 10, 20, 30, 40]);
    let summary = told.summary();
    assert_eq!((summary.reason, summary.steps), (StopReason::Completed, 40));
    // 500 samples in batches of 64 are 8 updates an epoch, the last with 52 samples.
    assert_eq!((summary.epochs, told.rows[7].epoch, told.rows[8].epoch), (5.0, 1.0, 564.0 / 500.0));
}

#[test]
fn a_live_edit_equals_a_planned_one() {
    let mut planned = small("adamw");
    planned.edits = vec![edit(13, "weight_decay", "all", 2.5), edit(13, "beta1", "all", 0.5)];
    let planned = run(planned, 2);

    let (commands, events) =
        start(small("adamw"), RunOptions { threads: 2, pace: 1e-3, instructions: None, snapshot_every: 0 });
    // At this pace the first update is the last for a long time: everything below happens before the second.
    commands.send(Command::RunUntil(13)).unwrap();
    commands.send(Command::Pace(0.0)).unwrap();
    let mut told = Told::default();
    loop {
        let what = events.recv().unwrap().what;
        let paused = matches!(what, What::Paused { .. });
        told.take(what);
        if paused {
            break;
        }
    }
    for (knob, value) in [(Knob::WeightDecay, 2.5), (Knob::Hyper("beta1".into()), 0.5)] {
        let setting = Setting { knob, scope: Scope::All, value: Some(value), by: Author::Keys };
        commands.send(Command::Set(setting)).unwrap();
    }
    commands.send(Command::Resume).unwrap();
    while let Ok(event) = events.recv() {
        told.take(event.what);
    }
    assert_eq!(told.summary().digest, planned.summary().digest);
    let edits: Vec<_> = told
        .others
        .iter()
        .filter_map(|what| if let What::Edited(edit) = what { Some((edit.step, edit.from, edit.to)) } else { None })
        .collect();
    assert_eq!(edits, [(13, 0.1, 2.5), (13, 0.9, 0.5)]);
}

#[test]
fn an_edit_changes_nothing_before_its_step_and_everything_from_it_on() {
    let plain = run(small("adamw"), 2);
    let mut config = small("adamw");
    config.edits = vec![edit(20, "weight_decay", "fc1", 5.0)];
    let edited = run(config, 2);
    assert_eq!(edited.sums[..20], plain.sums[..20]);
    // The share that decay removes in the very update, of fc1 alone; of fc1.bias too, for it was named.
    let shares: Vec<f64> = edited.sums[20].iter().map(|sums| sums.decay).collect();
    let close = |share: f64, wanted: f64| (share - wanted).abs() < 1e-7;
    assert!(
        close(shares[0], 5e-3) && close(shares[1], 5e-3) && close(shares[2], 1e-4) && shares[3] == 0.0,
        "{shares:?}"
    );
    assert_ne!(edited.sums[21][0].w2, plain.sums[21][0].w2);
    assert_ne!(edited.summary().digest, plain.summary().digest);
}

#[test]
fn a_refused_setting_says_why_and_changes_nothing() {
    let (commands, events) =
        start(small("sgd"), RunOptions { threads: 1, pace: 1e-3, instructions: None, snapshot_every: 0 });
    let setting = Setting { knob: Knob::LearningRate, scope: Scope::All, value: Some(f64::NAN), by: Author::Keys };
    commands.send(Command::Set(setting)).unwrap();
    commands.send(Command::Pace(-1.0)).unwrap();
    commands.send(Command::Pace(0.0)).unwrap();
    let told = listen(&events);
    let reasons: Vec<_> = told
        .others
        .iter()
        .filter_map(|what| if let What::Refused(refusal) = what { Some(refusal.reason.as_str()) } else { None })
        .collect();
    assert_eq!(
        reasons,
        [
            "learning rate must be finite and at least 0, got NaN",
            "pace must be 0 (as fast as it goes) or from 0.001 to 1000000 steps a second, got -1"
        ]
    );
    assert_eq!(told.summary().digest, run(small("sgd"), 1).summary().digest);
}

#[test]
fn pausing_stepping_and_stopping_do_as_they_say() {
    let mut config = small("sgd");
    config.length = Length::Unbounded;
    let (commands, events) =
        start(config, RunOptions { threads: 1, pace: 1e-3, instructions: None, snapshot_every: 0 });
    commands.send(Command::RunUntil(5)).unwrap();
    commands.send(Command::Pace(0.0)).unwrap();
    commands.send(Command::Note("half-way".into())).unwrap();
    let next = |kind: fn(&What) -> Option<u64>| loop {
        if let Some(step) = kind(&events.recv_timeout()) {
            return step;
        }
    };
    let paused: fn(&What) -> Option<u64> = |what| if let What::Paused { step, .. } = what { Some(*step) } else { None };
    assert_eq!(next(paused), 5);
    // Typed faster than a step takes, each key still does its own.
    (0..4).for_each(|_| commands.send(Command::StepOnce).unwrap());
    let setting = Setting { knob: Knob::LearningRate, scope: Scope::All, value: Some(0.5), by: Author::Keys };
    commands.send(Command::Set(setting)).unwrap();
    assert_eq!([next(paused), next(paused), next(paused), next(paused)], [6, 7, 8, 9]);
    let edited: fn(&What) -> Option<u64> = |what| if let What::Edited(edit) = what { Some(edit.step) } else { None };
    assert_eq!(next(edited), 9);
    commands.send(Command::Stop).unwrap();
    let told = listen(&events);
    assert_eq!((told.summary().reason, told.summary().steps), (StopReason::Stopped, 9));
}

/// Waiting for an event that never comes must fail a test, not hang it.
trait RecvTimeout {
    fn recv_timeout(&self) -> What;
}

impl RecvTimeout for EventReceiver {
    fn recv_timeout(&self) -> What {
        self.channel().recv_timeout(Duration::from_secs(30)).expect("an event").what
    }
}

#[test]
fn a_learning_rate_that_blows_up_ends_the_run_with_finite_weights() {
    let mut config = small("sgd");
    config.lr = 1e30;
    let told = run(config, 2);
    let diverged = told.others.iter().find_map(|what| match what {
        What::Diverged { step, what, .. } => Some((*step, what.clone())),
        _ => None,
    });
    let (step, what) = diverged.expect("it diverges");
    assert!(what.contains("output") || what.contains("gradient"), "{what}");
    let summary = told.summary();
    assert_eq!((summary.reason, summary.steps), (StopReason::Diverged, step));
    assert!(summary.tensors.iter().all(|tensor| tensor.norm.is_finite()), "{:?}", summary.tensors);
}

#[test]
fn a_screen_that_reads_nothing_does_not_hold_training_up() {
    let mut config = small("sgd");
    config.length = Length::Steps(1000);
    let reference = run(config.clone(), 2);
    let (_commands, obeyed) = bounded(1);
    let (sender, events) = merging(2);
    let trainer = train::spawn(Experiment::prepare(config, free(2)).unwrap(), obeyed, sender).unwrap();
    let wait = 1.0 + 5.0 * reference.summary().seconds;
    std::thread::sleep(Duration::from_secs_f64(wait));
    let told = listen(&events);
    trainer.join().unwrap();
    assert_eq!(told.rows.len(), 1000);
    assert_eq!(told.summary().digest, reference.summary().digest);
    // It was done long before anyone listened, so what it told at its end is older than the wait.
    assert!(told.rows[999].seconds < wait, "the last update was made at {} s of {wait}", told.rows[999].seconds);
}

#[test]
fn every_rule_trains_by_its_name_and_is_told_in_the_list() {
    let list = wdtop::cli::configure("demo", &["--optimizer", "help"]);
    assert!(list.is_err(), "help is no rule");
    for rule in optim::RULES {
        let convention = rule.convention.to_string();
        let options = ["--optimizer", rule.name, "--convention", &convention, "--steps", "4", "--threads", "2"];
        let (mut config, options) = wdtop::cli::configure("demo", &options).unwrap();
        config.model = "mlp:784-12-10".into();
        config.data.train_samples = Some(400);
        assert_eq!((config.lr, config.optimizer.decay_mode), (rule.lr, rule.decay_mode()), "{}", rule.name);
        let (_commands, events) = start(config, options);
        let summary = listen(&events).summary().clone();
        assert_eq!((summary.reason, summary.steps), (StopReason::Completed, 4), "{} {convention}", rule.name);
    }
}

#[test]
fn an_edit_under_a_schedule_holds_from_its_step_and_the_schedule_goes_on() {
    let mut config = small("adamw");
    config.lr_schedule = Schedule::Cosine { steps: None, end: 0.0 };
    config.weight_decay_schedule = Schedule::Warmup { steps: 10 };
    config.edits = vec![edit(0, "weight_decay", "all", 2.0), edit(20, "lr", "all", 1e-2)];
    let told = run(config, 2);
    let cosine = |step: f64| 0.5 * (1.0 + (std::f64::consts::PI * step / 40.0).cos());
    for row in &told.rows {
        let base = if row.step < 20 { 1e-3 } else { 1e-2 / cosine(20.0) };
        assert!((row.lr - base * cosine(row.step as f64)).abs() < 1e-12, "step {}", row.step);
        // λ's factor is 0 in the first update: the value that was asked for there stays.
        assert_eq!(row.weight_decay, 2.0);
    }
    assert_eq!(told.rows[20].lr, 1e-2);
    let constant: Vec<bool> = told
        .others
        .iter()
        .filter_map(|what| if let What::Edited(edit) = what { Some(edit.constant) } else { None })
        .collect();
    assert_eq!(constant, [true, false]);
}

#[test]
fn the_penalty_is_told_and_never_part_of_the_loss() {
    let losses = |lambda| {
        let mut config = small("sgd");
        config.lr = 0.0;
        config.weight_decay = lambda;
        let told = run(config, 1);
        let penalties: Vec<f64> = told.rows.iter().map(|row| row.penalty).collect();
        (told.rows.iter().map(|row| row.loss).collect::<Vec<_>>(), penalties)
    };
    let ((plain, none), (with, some)) = (losses(0.0), losses(3.0));
    assert_eq!(plain, with);
    assert!(none.iter().all(|&penalty| penalty == 0.0) && some.iter().all(|&penalty| penalty > 0.0));
}

#[test]
fn a_norm_settles_near_where_its_trend_says() {
    let mut config = small("adamw");
    (config.data.train_samples, config.model, config.batch) = (Some(1000), "mlp:784-64-10".into(), 100);
    (config.weight_decay, config.length, config.evaluate_every) = (0.0, Length::Steps(1500), 1500);
    config.edits = vec![edit(500, "weight_decay", "all", 3.0)];
    let told = run(config, 2);
    let Some(What::Started(description)) = told.others.first() else { panic!("no beginning") };
    let mut reader = Reader::new(description);
    let mut trends = Vec::new();
    for (row, sums) in told.rows.iter().zip(&told.sums) {
        for what in told.others.iter().filter(|what| matches!(what, What::Edited(_)) && what.step() == Some(row.step)) {
            reader.take(what);
        }
        let readings = reader.read(row, sums);
        if [510, 550, 600].contains(&row.step) {
            trends.push((row.step, readings));
        }
    }
    for tensor in [0, 2] {
        let last = told.sums[1300..].iter().map(|sums| sums[tensor].norm()).sum::<f64>() / 200.0;
        for (step, readings) in &trends {
            let trend = readings[tensor].trend_norm;
            assert!((trend / last - 1.0).abs() < 0.25, "tensor {tensor} at {step}: {trend}, in the end {last}");
        }
        // The formula for scale-invariant weights would not do here.
        let formula = trends[0].1[tensor].equilibrium_norm;
        assert!((formula / last - 1.0).abs() > 0.25 && trends[0].1[tensor].scale_invariant != 1.0, "{formula}, {last}");
    }
}

#[test]
fn every_evaluation_comes_with_the_spectrum_of_each_matrix() {
    let told = run(small("adamw"), 2);
    let spectra: Vec<_> = told
        .others
        .iter()
        .filter_map(|what| if let What::Spectrum(spectra) = what { Some(spectra) } else { None })
        .collect();
    assert_eq!(spectra.iter().map(|spectra| spectra.step).collect::<Vec<_>>(), [0, 10, 20, 30, 40]);
    for (spectra, sums) in spectra.iter().zip([0, 10, 20, 30].map(|step| &told.sums[step])) {
        assert_eq!(spectra.tensors.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["fc1.weight", "fc2.weight"]);
        for (spectrum, sums) in spectra.tensors.iter().zip([&sums[0], &sums[2]]) {
            // ‖W‖_F² is that of the next update's sums.
            let square = spectrum.stable_rank * spectrum.norm * spectrum.norm;
            assert!((square / sums.w2 - 1.0).abs() < 1e-5, "{spectrum:?}, {}", sums.w2);
            assert!(spectrum.stable_rank >= 1.0 && spectrum.stable_rank <= 37.0, "{spectrum:?}");
        }
    }
}
