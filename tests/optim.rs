//! What holds for every update rule in every decay mode, through the pass that trains.

#![expect(clippy::unwrap_used, reason = "a test fails that way")]

use wdtop::optim::{Block, Choice, Instructions, Knobs, Now, Optimizer, Precision, RULES, Rule, RuleInfo, sweep};
use wdtop::random::normal_at;
use wdtop::scalar::Scalar;
use wdtop::stream::{Author, Convention, DecayMode, Hook, Knob, Schedule, Scope, Setting, TensorInfo, TensorSums};
use wdtop::train::{Pass, PassOptions, PassTensor, RestoreError, Task, Team};

/// A matrix of more rows than columns, a vector, a kernel, a matrix of more columns than rows (each of its rows is more
/// than the pass takes at a time, and not a multiple of that), a single weight.
const SHAPES: [&[usize]; 5] = [&[7, 5], &[9], &[3, 2, 3, 3], &[2, 5, 30], &[1]];

/// A rule, how λ enters, and hooks.
#[derive(Debug, Clone)]
struct Case(Choice);

impl Case {
    fn new(name: &str, convention: Convention, mode: DecayMode, hooks: &[Hook]) -> Self {
        Case(Choice::new(name, convention, mode, hooks).unwrap())
    }

    /// λ so that a step removes some percent, in whatever unit the rule has it.
    fn knobs(&self) -> Knobs {
        let rule = self.0.rule;
        let weight_decay = if self.0.decay_mode == DecayMode::L2 || rule.convention == Convention::Chainer {
            0.03
        } else {
            0.03 / rule.lr
        };
        self.knobs_with(rule.lr, weight_decay)
    }

    fn knobs_with(&self, lr: f64, weight_decay: f64) -> Knobs {
        let tensors = SHAPES.iter().enumerate().map(|(index, shape)| TensorInfo {
            name: format!("t{index}.weight"),
            layer: format!("t{index}"),
            shape: shape.to_vec(),
            decays: true,
        });
        let specs = self.0.hyper();
        let hyper = specs.iter().map(|spec| spec.default).collect();
        Knobs::new(lr, weight_decay, specs, hyper, tensors.collect()).unwrap()
    }

    fn pass<T: Precision>(&self, knobs: &Knobs, options: PassOptions) -> Pass<T> {
        let tensors = SHAPES.map(|shape| PassTensor { shape: shape.to_vec(), block_rows: None });
        let count: usize = SHAPES.iter().map(|shape| shape.iter().product::<usize>()).sum();
        let weights = (0..count as u64).map(|at| T::of(0.3 * normal_at(1, at))).collect();
        Pass::with(options, self.0.build(7), knobs, &tensors, weights)
    }
}

/// Every rule in every decay mode that it has, and the hooks around a plain, a stateful and an adaptive rule.
fn cases() -> Vec<Case> {
    let of_rule =
        |rule: &'static RuleInfo| rule.decay_modes.iter().map(|&mode| Case::new(rule.name, rule.convention, mode, &[]));
    let mut cases: Vec<Case> = RULES.iter().flat_map(of_rule).collect();
    use Hook::{ClipNorm, ClipValue, Lars, Lasso, Noise, WeightDecay};
    for (name, convention) in
        [("sgd", Convention::Torch), ("momentum_sgd", Convention::Chainer), ("adam", Convention::Chainer)]
    {
        for hooks in [
            &[WeightDecay, ClipNorm] as &[Hook],
            &[ClipNorm, WeightDecay],
            &[Lasso, WeightDecay, Lars],
            &[WeightDecay, ClipValue, ClipNorm],
            &[Noise, WeightDecay],
        ] {
            cases.push(Case::new(name, convention, DecayMode::L2, hooks));
        }
    }
    cases.push(Case::new("lion", Convention::Torch, DecayMode::Cautious, &[ClipNorm]));
    cases.push(Case::new("muon", Convention::Torch, DecayMode::Decoupled, &[ClipValue]));
    cases
}

fn small_blocks() -> PassOptions {
    PassOptions { block: 1, ..Default::default() }
}

/// An update with gradients that the step and the element determine.
fn update<T: Precision>(pass: &mut Pass<T>, team: &mut Team, knobs: &Knobs) {
    let step = pass.updates();
    pass.update(team, knobs, |task: &Task, gradient: &mut [T], _: &[&[T]]| {
        let row_len: usize = SHAPES[task.tensor].iter().skip(1).product();
        let first = task.rows.start * row_len;
        for (at, g) in gradient.iter_mut().enumerate() {
            *g = T::of(normal_at(100 + step, (1000 * task.tensor + first + at) as u64));
        }
    });
}

/// The weights' bits and the sums after each of some updates.
fn run<T: Precision>(case: &Case, options: PassOptions, threads: usize) -> Vec<(Vec<u8>, Vec<TensorSums>)> {
    let knobs = case.knobs();
    let (mut pass, mut team) = (case.pass::<T>(&knobs, options), Team::new(threads));
    (0..8)
        .map(|_| {
            update(&mut pass, &mut team, &knobs);
            (bits(pass.weights()), pass.sums().to_vec())
        })
        .collect()
}

fn bits<T: Precision>(weights: &[T]) -> Vec<u8> {
    let mut bytes = Vec::new();
    weights.iter().for_each(|w| w.write_le(&mut bytes));
    bytes
}

fn set(knobs: &mut Knobs, key: &str, value: f64) {
    let setting = Setting { knob: Knob::from(key.to_owned()), scope: Scope::All, value: Some(value), by: Author::Keys };
    knobs.set(&setting).unwrap();
}

/// The article's optimizer as it is written there, from outside the crate. Coupled decay has made g into g' already.
struct Article;

impl<T: Scalar> Rule<T> for Article {
    fn update(&self, block: Block<'_, T>, now: &Now<'_>) -> TensorSums {
        let eta = T::of(now.lr);
        sweep(block, now, |g, []| -(eta * g))
    }
}

#[test]
fn the_articles_rule_has_the_bits_of_descent_with_l2_and_of_itself_from_outside() {
    let case = |name, convention| Case::new(name, convention, DecayMode::L2, &[]);
    let article = case("article_sgd", Convention::Chainer);
    let own = run::<f32>(&article, small_blocks(), 2);
    assert_eq!(run::<f32>(&case("sgd", Convention::Chainer), small_blocks(), 2), own);
    let weights = |run: Vec<(Vec<u8>, Vec<TensorSums>)>| run.into_iter().map(|(bits, _)| bits).collect::<Vec<_>>();
    let own = weights(own);
    let knobs = article.knobs();
    let torch = case("sgd", Convention::Torch);
    let torch_knobs = torch.knobs_with(knobs.lr(), knobs.weight_decay());
    let tensors = SHAPES.map(|shape| PassTensor { shape: shape.to_vec(), block_rows: None });
    let custom = Optimizer::custom(Box::new(Article), &[], DecayMode::L2);
    let start = article.pass::<f32>(&knobs, small_blocks()).weights().to_vec();
    let mut passes = [
        (Pass::with(small_blocks(), custom, &knobs, &tensors, start), knobs),
        (torch.pass::<f32>(&torch_knobs, small_blocks()), torch_knobs),
    ];
    for (pass, knobs) in &mut passes {
        let mut team = Team::new(1);
        for expected in &own {
            update(pass, &mut team, knobs);
            assert_eq!(&bits(pass.weights()), expected);
        }
    }
}

#[test]
fn threads_do_not_change_bits() {
    for case in cases() {
        let one = run::<f32>(&case, small_blocks(), 1);
        for threads in [2, 5] {
            assert_eq!(run::<f32>(&case, small_blocks(), threads), one, "{case:?} on {threads} threads");
        }
    }
}

#[test]
fn the_cut_does_not_change_weights_unless_a_hook_takes_norms() {
    let takes_norms = |case: &Case| case.0.hooks.iter().any(|hook| matches!(hook, Hook::ClipNorm | Hook::Lars));
    for case in cases().into_iter().filter(|case| !takes_norms(case)) {
        let weights = |block| {
            let steps = run::<f32>(&case, PassOptions { block, ..Default::default() }, 2);
            steps.into_iter().map(|(weights, _)| weights).collect::<Vec<_>>()
        };
        let whole = weights(usize::MAX);
        for block in [1, 10, 16] {
            assert_eq!(weights(block), whole, "{case:?} in blocks of {block}");
        }
    }
}

#[test]
fn every_instruction_set_gives_the_same_bits() {
    let [narrowest, wider @ ..] = &Instructions::all()[..] else { unreachable!("there is always one") };
    for case in cases() {
        for instructions in wider {
            // Blocks that end within a vector and beyond one.
            let of = |instructions| PassOptions { block: 20, instructions };
            let (wide, narrow) = (of(*instructions), of(*narrowest));
            assert_eq!(run::<f32>(&case, wide, 1), run::<f32>(&case, narrow, 1), "{case:?} in f32, {instructions:?}");
            assert_eq!(run::<f64>(&case, wide, 1), run::<f64>(&case, narrow, 1), "{case:?} in f64, {instructions:?}");
        }
    }
}

fn check_pure_decay<T: Precision>(case: &Case) {
    let knobs = case.knobs();
    let (mut pass, mut team) = (case.pass::<T>(&knobs, small_blocks()), Team::new(2));
    let specs = case.0.hyper();
    let hyper = |key| specs.iter().find(|spec| spec.key == key).map(|spec| spec.default);
    let factor = |shape: &[usize]| match hyper("adamw_lr") {
        Some(lr) if shape.len() == 1 => lr,
        _ => hyper("eta").unwrap_or(knobs.lr()),
    };
    let keeps = SHAPES.iter().flat_map(|shape| {
        std::iter::repeat_n(T::of(1.0 - factor(shape) * knobs.weight_decay()), shape.iter().product())
    });
    let keeps: Vec<T> = keeps.collect();
    let mut wanted = pass.weights().to_vec();
    for step in 0..20 {
        pass.update(&mut team, &knobs, |_, gradient, _| gradient.fill(T::zero()));
        wanted.iter_mut().zip(&keeps).for_each(|(w, &keep)| *w = keep * *w);
        assert_eq!(bits(pass.weights()), bits(&wanted), "{case:?} at step {step}");
    }
}

#[test]
fn from_a_fresh_state_a_zero_gradient_leaves_repeated_multiplication() {
    let decoupled = |case: &Case| matches!(case.0.decay_mode, DecayMode::Decoupled | DecayMode::Cautious);
    for case in cases().iter().filter(|case| decoupled(case)) {
        check_pure_decay::<f32>(case);
        check_pure_decay::<f64>(case);
    }
}

#[test]
fn without_lambda_adamw_is_adam() {
    let weights = |name, mode| {
        let case = Case::new(name, Convention::Torch, mode, &[]);
        let knobs = case.knobs_with(1e-2, 0.0);
        let (mut pass, mut team) = (case.pass::<f32>(&knobs, small_blocks()), Team::new(1));
        (0..10).for_each(|_| update(&mut pass, &mut team, &knobs));
        bits(pass.weights())
    };
    assert_eq!(weights("adamw", DecayMode::Decoupled), weights("adam", DecayMode::L2));
}

/// The largest gap in some updates between what the sums say of ‖w'‖² − ‖w‖² and what it is, as a share of both.
fn budget_gap<T: Precision>(case: &Case, updates: usize) -> f64 {
    let knobs = case.knobs();
    let (mut pass, mut team) = (case.pass::<T>(&knobs, small_blocks()), Team::new(1));
    let squares = |pass: &Pass<T>| {
        let mut rest = pass.weights();
        SHAPES.map(|shape| {
            let (own, later) = rest.split_at(shape.iter().product());
            rest = later;
            own.iter().map(|w| w.wide() * w.wide()).sum::<f64>()
        })
    };
    let mut gap: f64 = 0.0;
    for _ in 0..updates {
        let before = squares(&pass);
        update(&mut pass, &mut team, &knobs);
        for ((before, after), sums) in before.iter().zip(squares(&pass)).zip(pass.sums()) {
            let told: f64 = sums.budget().iter().sum();
            gap = gap.max((told - (after - before)).abs() / (after + before));
        }
    }
    gap
}

#[test]
fn the_norm_budget_closes_for_every_rule_and_decay_mode() {
    for case in cases() {
        let gap = budget_gap::<f64>(&case, 1000);
        assert!(gap <= 1e-12, "{case:?}: {gap:e} in f64");
        // A weight in f32 is rounded two or three times, each time by up to 6e-8 of itself.
        let gap = budget_gap::<f32>(&case, 20);
        assert!(gap <= 1e-6, "{case:?}: {gap:e} in f32");
    }
}

#[test]
fn coupled_decay_of_plain_descent_is_told_apart_even_through_a_norm_clip() {
    let hooks = [Hook::WeightDecay, Hook::ClipNorm];
    let case = Case::new("sgd", Convention::Chainer, DecayMode::L2, &hooks);
    let knobs = case.knobs_with(0.5, 0.2);
    let (mut pass, mut team) = (case.pass::<f64>(&knobs, small_blocks()), Team::new(1));
    let before = pass.weights().to_vec();
    let gradient = |at: usize| normal_at(3, at as u64);
    let norm = before.iter().enumerate().map(|(at, w)| (gradient(at) + 0.2 * w).powi(2)).sum::<f64>().sqrt();
    let starts = SHAPES.iter().scan(0, |end, shape| {
        let start = *end;
        *end += shape.iter().product::<usize>();
        Some(start)
    });
    let starts: Vec<usize> = starts.collect();
    pass.update(&mut team, &knobs, |task, g, _| {
        let row_len: usize = SHAPES[task.tensor].iter().skip(1).product();
        let first = starts[task.tensor] + task.rows.start * row_len;
        g.iter_mut().enumerate().for_each(|(at, g)| *g = gradient(first + at));
    });
    let scale = 1.0 / norm;
    assert!(scale < 1.0);
    for (sums, start) in pass.sums().iter().zip(&starts) {
        assert!((sums.decay - 0.5 * 0.2 * scale).abs() < 1e-15);
        // A single weight's sums are its own values.
        if *start == starts[4] {
            assert!((sums.wd + 0.5 * scale * gradient(*start) * before[*start]).abs() < 1e-15);
        }
    }
}

#[test]
fn cautious_decay_spares_the_weights_that_the_update_pushes_away_from_zero() {
    let [with, without] = [1.0, 0.0].map(|lambda| {
        let case = Case::new("adamw", Convention::Torch, DecayMode::Cautious, &[]);
        let knobs = case.knobs_with(0.1, lambda);
        let (mut pass, mut team) = (case.pass::<f64>(&knobs, small_blocks()), Team::new(1));
        let before = pass.weights().to_vec();
        update(&mut pass, &mut team, &knobs);
        (before, pass.weights().to_vec(), pass.sums().to_vec())
    });
    let (mut spared, mut decayed) = (0, 0);
    for ((&w, &new), &free) in with.0.iter().zip(&with.1).zip(&without.1) {
        let delta = free - w;
        let share = if w * delta <= 0.0 { 0.1 } else { 0.0 };
        if share == 0.0 {
            spared += 1
        } else {
            decayed += 1
        }
        assert!((new - ((1.0 - share) * w + delta)).abs() < 1e-14);
    }
    assert!(spared > 10 && decayed > 10);
    let decayed_w2: f64 = with.2.iter().map(|sums| sums.decayed_w2).sum();
    let wanted: f64 =
        with.0.iter().zip(&without.1).filter(|&(w, free)| w * (free - w) <= 0.0).map(|(w, _)| w * w).sum();
    assert!((decayed_w2 - wanted).abs() < 1e-12);
}

#[test]
fn corrected_decay_is_eta_squared_times_lambda_by_the_largest_eta() {
    let case = Case::new("adamw", Convention::Torch, DecayMode::Corrected, &[]);
    let cosine = Schedule::Cosine { steps: Some(20), end: 0.1 };
    let mut knobs = case.knobs_with(0.1, 2.0).with_schedules(cosine, Schedule::Constant);
    let (mut pass, mut team) = (case.pass::<f64>(&knobs, small_blocks()), Team::new(1));
    let mut largest = 0.1;
    for step in 0..20 {
        knobs.move_to(step);
        if step == 10 {
            // The schedule's largest is rescaled with the edit.
            largest *= 3.0;
            let lr = knobs.lr();
            set(&mut knobs, "lr", 3.0 * lr);
        }
        update(&mut pass, &mut team, &knobs);
        let wanted = knobs.lr().powi(2) * 2.0 / largest;
        assert!((pass.sums()[0].decay - wanted).abs() < 1e-14, "step {step}");
    }
}

#[test]
fn an_edit_changes_nothing_before_its_step_and_all_from_it_on() {
    const STEP: usize = 4;
    for case in cases() {
        for key in ["lr", "weight_decay"] {
            let idle = match key {
                "lr" => !case.0.rule.lr_allowed.contains(0.5),
                _ => case.0.decay_mode == DecayMode::None,
            };
            if idle {
                continue;
            }
            let run = |edited: Option<f64>| {
                let mut knobs = case.knobs();
                let (mut pass, mut team) = (case.pass::<f64>(&knobs, small_blocks()), Team::new(1));
                let mut steps = Vec::new();
                for step in 0..8 {
                    if let (STEP, Some(factor)) = (step, edited) {
                        let value = if key == "lr" { knobs.lr() } else { knobs.weight_decay() };
                        set(&mut knobs, key, factor * value);
                    }
                    update(&mut pass, &mut team, &knobs);
                    steps.push(pass.weights().to_vec());
                }
                steps
            };
            let (plain, edited) = (run(None), run(Some(0.5)));
            assert_eq!(plain[..STEP], edited[..STEP], "{case:?}, {key}");
            for step in STEP..8 {
                assert_ne!(plain[step], edited[step], "{case:?}, {key}, step {step}");
            }
        }
    }
}

#[test]
fn a_restored_state_goes_on_with_the_same_bits() {
    for case in cases() {
        let knobs = case.knobs();
        let mut team = Team::new(2);
        let mut whole = case.pass::<f32>(&knobs, small_blocks());
        for step in 0..6 {
            let saved = whole.save();
            let mut restored = case.pass::<f32>(&knobs, small_blocks());
            restored.restore(saved.clone()).unwrap();
            assert_eq!(restored.save(), saved, "{case:?} at step {step}");
            update(&mut whole, &mut team, &knobs);
            update(&mut restored, &mut team, &knobs);
            assert_eq!(restored.save(), whole.save(), "{case:?} from step {step}");
        }
    }
}

#[test]
fn a_state_of_another_rule_is_refused() {
    let adam = Case::new("adam", Convention::Torch, DecayMode::L2, &[]);
    let lion = Case::new("lion", Convention::Torch, DecayMode::Decoupled, &[]);
    let (knobs, mut team) = (adam.knobs(), Team::new(1));
    let mut pass = adam.pass::<f32>(&knobs, small_blocks());
    update(&mut pass, &mut team, &knobs);
    let error = lion.pass::<f32>(&lion.knobs(), small_blocks()).restore(pass.save());
    assert_eq!(error, Err(RestoreError::Unknown("exp_avg_sq".into())));
}

#[test]
fn a_flag_can_be_turned_while_it_runs_and_its_state_waits() {
    let case = Case::new("adam", Convention::Torch, DecayMode::L2, &[]);
    let mut knobs = case.knobs();
    let (mut pass, mut team) = (case.pass::<f32>(&knobs, small_blocks()), Team::new(1));
    let names = |pass: &Pass<f32>| pass.save().state.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    update(&mut pass, &mut team, &knobs);
    assert_eq!(names(&pass), ["exp_avg", "exp_avg_sq"]);
    set(&mut knobs, "amsgrad", 1.0);
    update(&mut pass, &mut team, &knobs);
    assert_eq!(names(&pass), ["exp_avg", "exp_avg_sq", "max_exp_avg_sq"]);
    let largest = pass.save().state.pop();
    set(&mut knobs, "amsgrad", 0.0);
    update(&mut pass, &mut team, &knobs);
    assert_eq!(pass.save().state.pop(), largest);
}

#[test]
fn what_decays_towards_zero_arrives_there_in_f32() {
    let case = Case::new("adamw", Convention::Torch, DecayMode::Decoupled, &[]);
    let knobs = case.knobs_with(0.5, 1.0);
    let (mut pass, mut team) = (case.pass::<f32>(&knobs, small_blocks()), Team::new(1));
    for _ in 0..200 {
        pass.update(&mut team, &knobs, |_, gradient, _| gradient.fill(0.0));
        assert!(pass.weights().iter().all(|w| *w == 0.0 || w.abs() >= f32::MIN_POSITIVE));
    }
    assert!(pass.weights().iter().all(|&w| w == 0.0));
}
