//! What comes out for what goes in.

use std::io::{self, Write};

use crossbeam_channel::unbounded;

use super::*;
use crate::stream::{Author, Edit, Knob, Scope, StepBatch, StepRow, TensorSums, Weights, lossless};

const STARTED: &str = r#"{"event":"started","config":{"recipe":"demo","data":{"source":"fashion-mnist",
    "train_samples":200,"label_noise":0.2,"label_noise_seed":3},"model":"mlp:2-3","init":"torch","optimizer":{"name":"adamw",
    "decay_mode":"decoupled","hyper":{"beta1":0.9}},"lr":0.001,"weight_decay":0.0,"weight_decay_start":1.0,
    "decay":"all","batch":100,"length":{"steps":7},"evaluate_every":3,"seed":1},"options":{"threads":2,"pace":0.0},
    "data":{"title":"Fashion-MNIST\u001b[2J","train":200,"validation":100,"noisy_labels":40,"classes":[],
    "fingerprint":"sha256:00"},"tensors":[{"name":"fc1.weight","layer":"fc1","shape":[3,2],"decays":true}],
    "hyper":[],"steps_per_epoch":2,"total_steps":7,"machine":{"os":"","arch":"","cpu":"","cores":2,"features":[],
    "wdtop":"0.1.0"},"started":"2026-11-23T15:30:37Z","branch":0}"#;

const EVALUATED: &str = r#"{"event":"evaluated","step":4,"epoch":2.0,"seconds":0.5,
    "train":{"loss":1.25,"accuracy":0.5},"validation":{"loss":"NaN","accuracy":0.1},"branch":0}"#;

const FINISHED: &str = r#"{"event":"finished","reason":"completed","steps":7,"epochs":3.5,"seconds":0.75,"samples_per_second":933.0,"train":{"loss":0.25,"accuracy":0.95},"validation":{"loss":0.7,"accuracy":0.8},"tensors":[{"name":"fc1.weight","norm":12.5,"grad_norm":0.1}],"digest":"sha256:ff","branch":0}"#;

fn run_events() -> Vec<Event> {
    let mut batch = StepBatch::new(1);
    for step in 0..5 {
        let loss = if step == 2 { f64::INFINITY } else { 2.0 };
        let row = StepRow { step, epoch: 0.5, seconds: 0.25, loss, accuracy: 0.5, lr: 0.001, ..Default::default() };
        batch.push(row, &[TensorSums { w2: 4.0, g2: 9.0, d2: 1.0, ..Default::default() }]);
    }
    let edit = Edit {
        step: 4,
        seconds: 0.5,
        knob: Knob::WeightDecay,
        scope: Scope::Tensor("fc1.weight".into()),
        from: 0.0,
        to: 3.0,
        inherits: false,
        constant: false,
        by: Author::CommandLine,
    };
    vec![
        serde_json::from_str(STARTED).unwrap(),
        What::Steps(batch).into(),
        serde_json::from_str(EVALUATED).unwrap(),
        What::Edited(edit).into(),
        What::Noted { step: 4, seconds: 0.5, text: "look\x07".into() }.into(),
        What::Recording { bytes: 100, trouble: None }.into(),
        What::Recording { bytes: 100, trouble: Some("disk full".into()) }.into(),
        What::Diverged { step: 7, seconds: 0.7, what: "loss".into(), weights: Weights::Kept }.into(),
        serde_json::from_str(FINISHED).unwrap(),
    ]
}

/// Feeds a printer with the run; commands that it sent come back too.
fn feed(printer: impl Printer) -> (io::Result<Outcome>, Vec<Command>) {
    let (mut source, events) = lossless(100);
    for event in run_events() {
        source.send(event).unwrap();
    }
    drop(source);
    let (commands, sent) = unbounded();
    let outcome = follow(events, &commands, printer);
    (outcome, sent.try_iter().collect())
}

#[test]
fn every_json_line_is_an_object_and_the_last_is_the_end() {
    let mut out = Vec::new();
    let (outcome, commands) = feed(json::Json::new(&mut out, 2));
    let text = String::from_utf8(out).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let names: Vec<String> = lines
        .iter()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["event"].as_str().unwrap().to_owned())
        .collect();
    let expected = "started step step step evaluated edited noted recording diverged finished";
    assert_eq!(names.join(" "), expected);
    assert_eq!(
        lines[2],
        r#"{"event":"step","step":2,"epoch":0.5,"seconds":0.25,"loss":"Infinity","accuracy":0.5,"penalty":0.0,"lr":0.001,"weight_decay":0.0,"tensors":[{"name":"fc1.weight","norm":2.0,"grad_norm":3.0,"update_ratio":0.5,"diagnostics":{"rotation":0.4636476090008061,"decay_pull":0.0,"budget_decay":0.0,"budget_radial":0.0,"budget_growth":1.0,"timescale":"Infinity","memory_of_start":1.0,"effective_lr":0.0005,"gradient_ratio":1.5,"agreement":0.0}}],"branch":0}"#
    );
    assert_eq!(lines.last(), Some(&FINISHED));
    let outcome = outcome.unwrap();
    assert!(matches!(outcome.ending, Ending::Finished(_)));
    assert_eq!(outcome.divergence, Some("loss is not finite at step 7; the weights are those before it".into()));
    assert_eq!((outcome.trouble.as_deref(), outcome.output), (Some("disk full"), Output::Written));
    assert!(commands.is_empty());
}

#[test]
fn no_step_is_a_json_line_when_none_is_asked_for() {
    let mut out = Vec::new();
    feed(json::Json::new(&mut out, 0)).0.unwrap();
    assert!(!String::from_utf8(out).unwrap().contains(r#""event":"step""#));
}

#[test]
fn plain_lines_tell_the_run() {
    let (mut out, mut warnings) = (Vec::new(), Vec::new());
    feed(lines::Lines::new(&mut out, &mut warnings)).0.unwrap();
    let expected = "\
demo: mlp:2-3 (6 parameters) on Fashion-MNIST\u{FFFD}[2J (200 training and 100 validation samples, 40 labels redrawn)
adamw (torch), η 0.001, λ 0 (decoupled, decays all), batch 100, seed 1, threads 2
step       4   epoch    2.00   train 1.2500  50.00 %   validation NaN  10.00 %   8.0 steps/s
step       4   λ fc1.weight 0 → 3
step       4   note: look\u{FFFD}
step       7   diverged: loss is not finite; the weights are those before it
completed after 7 steps, 3.50 epochs, 0.8 s, 933 samples/s
train       0.2500  95.00 %
validation  0.7000  80.00 %
norms       fc1.weight 12.5000
weights     sha256:ff
";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
    assert_eq!(String::from_utf8(warnings).unwrap(), "warning: disk full\n");
}

/// Fails after so many bytes.
struct Failing(usize, io::ErrorKind);

impl Write for Failing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(self.1)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_goes_away_stops_the_run_quietly() {
    let printers: [fn(Failing) -> Box<dyn Printer>; 3] = [
        |out| Box::new(json::Json::new(out, 1)),
        |out| Box::new(lines::Lines::new(out, io::sink())),
        |out| Box::new(progress::Progress::new(out)),
    ];
    for printer in printers {
        let (outcome, commands) = feed(printer(Failing(300, io::ErrorKind::BrokenPipe)));
        let outcome = outcome.unwrap();
        assert_eq!(outcome.output, Output::Closed);
        assert!(matches!(outcome.ending, Ending::Finished(_)), "the end is read though nobody sees it");
        assert_eq!(commands, [Command::Stop]);

        let (outcome, commands) = feed(printer(Failing(300, io::ErrorKind::StorageFull)));
        assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(commands, [Command::Stop]);
    }
}

impl Printer for Box<dyn Printer> {
    fn print(&mut self, event: &Event) -> io::Result<()> {
        (**self).print(event)
    }
}
