//! What the focused panel shows: its formula with the numbers put in, what that means, what is healthy, where it is
//! from.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::help::{Sheet, excess_of, wrap};
use super::{norm, spectrum as spectra};
use crate::diagnostics::{Family, measured};
use crate::stream::{Phase, printable};
use crate::tui::app::lens::Lens;
use crate::tui::app::{App, Panel, Run};
use crate::tui::digits::{near, share, thousands, three};

const WIDTH: u16 = 78;

/// An explanation.
struct Text {
    title: &'static str,
    /// One formula or number to a line.
    formula: Vec<String>,
    meaning: &'static str,
    healthy: &'static str,
    source: &'static str,
}

/// Over everything else, scrolled by so many lines as far as there are any.
pub(in crate::tui) fn render(app: &App, run: &Run, scrolled: u16, area: Rect, buffer: &mut Buffer) {
    let text = explain(app, run);
    let lines = lines(app, &text, area);
    let (width, foot) = (area.width.min(WIDTH), app.keyed("`u U` views · `Tab` panel · Esc leaves"));
    let sheet = Sheet { title: text.title, lines, width, foot: &foot, scrolling: &app.keys("j k"), scrolled };
    sheet.render(&app.theme, area, buffer);
}

/// Lines that there are more than this screen has room for.
pub(in crate::tui) fn excess(app: &App, run: &Run, area: Rect) -> u16 {
    excess_of(&lines(app, &explain(app, run), area), area)
}

fn lines(app: &App, text: &Text, area: Rect) -> Vec<Line<'static>> {
    let width = usize::from(area.width.min(WIDTH)).saturating_sub(4);
    let mut lines = Vec::new();
    for formula in &text.formula {
        lines.extend(wrap(formula, width).into_iter().map(|line| Line::styled(format!(" {line}"), app.theme.strong)));
    }
    for (head, body) in [("", text.meaning), ("healthy: ", text.healthy), ("from: ", text.source)] {
        lines.push(Line::default());
        lines.extend(wrap(&format!("{head}{body}"), width).into_iter().map(|line| Line::raw(format!(" {line}"))));
    }
    lines
}

fn explain(app: &App, run: &Run) -> Text {
    match (app.focus, app.lens) {
        (Panel::Losses, _) => losses(run),
        (Panel::Knobs, _) => timescale(app, run),
        (Panel::Layers, _) => layers(app, run),
        (Panel::Events, _) => events(),
        (Panel::Throughput, _) => throughput(run),
        (Panel::Norm, Lens::Norm) => norms(app, run),
        (Panel::Norm, Lens::Weights) => weights(app, run),
        (Panel::Norm, Lens::Budget) => budget(app, run),
        (Panel::Norm, Lens::Rotation) => rotation(app, run),
        (Panel::Norm, Lens::Equilibrium) => equilibrium(app, run),
        (Panel::Norm, Lens::Timescale) => timescale(app, run),
        (Panel::Norm, Lens::Spectrum) => spectrum(app, run),
        (Panel::Norm, Lens::Gap) => gap(app, run),
    }
}

fn name(app: &App, run: &Run) -> String {
    run.description.tensors.get(app.tensor).map_or(String::new(), |tensor| printable(&tensor.name).into_owned())
}

/// ‖w‖ of the chosen tensor.
fn length(app: &App, run: &Run) -> f64 {
    run.tracks.get(app.tensor).and_then(|track| track.norm()).unwrap_or(f64::NAN)
}

fn losses(run: &Run) -> Text {
    let formula = match run.history.evaluations.last() {
        Some(last) => format!(
            "validation {} − training {} = gap {}",
            three(last.validation.loss),
            three(last.train.loss),
            three(measured::gap(last))
        ),
        None => "no evaluation yet".into(),
    };
    Text {
        title: "loss",
        formula: vec![formula],
        meaning: "Both are evaluated at the same step on as many samples; the band behind them is single batches. A \
                  validation loss that rises while training falls means that the network memorises.",
        healthy: "both fall together; the gap grows slowly or not at all",
        source: "D'Angelo et al. 2023, arXiv 2310.04415",
    }
}

fn layers(app: &App, run: &Run) -> Text {
    let ratio = run.history.pulses.get(app.tensor).map_or(f64::NAN, |pulse| pulse.update.value());
    Text {
        title: "layers",
        formula: vec![format!("{}: ‖w'−w‖/‖w‖ = {}, log10 {:.1}", name(app, run), three(ratio), ratio.log10())],
        meaning: "Each row is a tensor: its norm, what the last edit did to it, its gradient and how far one update \
                  moves it as a share of its length. Decay makes weights shorter, and so the same step relatively larger.",
        healthy: "update/weight near 1e-3 while it learns",
        source: "the 1e-3 is folklore; arXiv 2305.17212 derives what it settles at",
    }
}

fn norms(app: &App, run: &Run) -> Text {
    let forces = run.forces(app.tensor);
    let d = forces.share().map_or_else(|reason| reason.to_string(), |d| format!("{} of w in each step", three(d)));
    Text {
        title: "norm",
        formula: vec![format!("‖w‖ of {} = {}; decay removes {d}", name(app, run), three(length(app, run)))],
        meaning: "Updates make the weights longer, decay makes them shorter. While λ or η is being turned, the dashed \
                  curve is where the norm would go; dimmed where the prediction's assumption does not hold.",
        healthy: "it moves slowly and settles; a norm that collapses means that λ is too strong",
        source: "arXiv 2305.17212; van Laarhoven 2017, arXiv 1706.05350",
    }
}

fn budget(app: &App, run: &Run) -> Text {
    let formula = match run.tracks.get(app.tensor).and_then(|track| track.budget()) {
        Some(budget) => {
            let w2 = length(app, run).powi(2);
            format!(
                "{}: decay {} + radial {} + growth {} = {}, of ‖w‖² = {}",
                name(app, run),
                three(w2 * budget.decay),
                three(w2 * budget.radial),
                three(w2 * budget.growth),
                three(w2 * budget.sum()),
                three(w2)
            )
        }
        None => "no update yet".into(),
    };
    let pull = run.tracks.get(app.tensor).and_then(|track| track.decay_pull());
    Text {
        title: "budget of ‖w‖²",
        formula: vec![
            "‖w'‖² − ‖w‖² = −(2d−d²)·W2 + 2(1−d)·w·Δ + ‖Δ‖²".into(),
            formula,
            format!("pull of decay = d·‖w‖/‖Δ‖ = {}", pull.map_or("—".into(), three)),
        ],
        meaning: "Three bars say exactly why a norm moves: what decay took, what the update did along the weights, and \
                  what it added across them. Decay hurts that layer most (!) \
                  where it pulls hardest beside the gradient's step; above 1 decay wins.",
        healthy: "decay and growth cancel, the sum is near 0; pulls are below 1",
        source: "exact; it is also the program's test of each of its update rules",
    }
}

fn rotation(app: &App, run: &Run) -> Text {
    let forces = run.forces(app.tensor);
    let d = forces.share().unwrap_or(forces.lr * forces.weight_decay);
    let ideal = forces.equilibrium_rotation();
    let numbers = match (forces.regime.family, ideal) {
        (_, Err(reason)) => format!("no θ*: {reason}"),
        (Family::Adam { beta1 }, Ok(ideal)) => {
            let (d, beta1, ideal) = (three(d), near(beta1), three(ideal.to_degrees()));
            format!("θ* = √(2d·(1−β1)/(1+β1)) = √(2·{d}·(1−{beta1})/(1+{beta1})) = {ideal}°")
        }
        (Family::Sgd(momentum), Ok(ideal)) => {
            let (lr, weight_decay) = (near(forces.lr), near(forces.weight_decay));
            let (mu, ideal) = (near(momentum.momentum), three(ideal.to_degrees()));
            format!("θ* = √(2ηλ/(1+μ)) = √(2·{lr}·{weight_decay}/(1+{mu})) = {ideal}°")
        }
        (_, Ok(ideal)) => format!("θ* = √(π/2)·√(2d)·κ with d = {}: {}°", three(d), three(ideal.to_degrees())),
    };
    let gradient = run.history.pulses.get(app.tensor).map_or(f64::NAN, |pulse| pulse.gradient.value());
    let ratio = forces.equilibrium_gradient_ratio().ok().map(|ideal| {
        let now = three(gradient / length(app, run));
        format!("‖g‖/‖w‖ is {now} and goes to √(2λ(1−μ)/η) = {}", three(ideal))
    });
    let theta =
        run.tracks.get(app.tensor).and_then(|track| track.rotation()).map_or("—".into(), |it| three(it.to_degrees()));
    Text {
        title: "rotation",
        formula: [numbers, format!("θ of {} is {theta}°", name(app, run))].into_iter().chain(ratio).collect(),
        meaning: "Where a normalisation follows a layer, its weights' length is meaningless and learning is turning: θ is \
                  how far one step turns them. Decay sets where it settles, whatever the gradients are.",
        healthy: "θ near θ* after some τ, and about the same in all layers",
        source: "Kosson, Messmer, Jaggi 2024, arXiv 2305.17212",
    }
}

fn equilibrium(app: &App, run: &Run) -> Text {
    let forces = run.forces(app.tensor);
    let weights = run.description.tensors.get(app.tensor).map_or(0, crate::stream::TensorInfo::len);
    let track = run.tracks.get(app.tensor);
    let pressure = track.and_then(|track| track.pressure());
    let general = match forces.regime.family {
        Family::Adam { .. } => {
            let d = forces.share().map_or("—".into(), three);
            format!("‖w‖* = s·√(C/2d) with s = {}, C = {}, d = {d}", near(forces.scale()), thousands(weights as u64))
        }
        Family::Sgd(_) => {
            let pressure = pressure.map_or("—".into(), three);
            let (lr, weight_decay) = (near(forces.lr), near(forces.weight_decay));
            format!("‖w‖* = (η·E[‖g‖²‖w‖²]/(2λ(1−μ)))^¼ with η = {lr}, λ = {weight_decay}, E = {pressure}")
        }
        Family::Lion { .. } => {
            format!("‖w‖* = s·√C/(√(πd)·κ) with s = {}, C = {}", near(forces.scale()), thousands(weights as u64))
        }
        Family::Other => "no formula is known for this rule".into(),
    };
    let told = match run.predict(app.tensor, &forces) {
        Ok(prediction) => norm::tell(&prediction),
        Err(reason) => format!("none: {reason}"),
    };
    let formula = match run.by_formula(app.tensor, &forces) {
        Ok(formula) => {
            let doubt = formula.doubt.map_or("which holds".into(), |doubt| doubt.to_string());
            let ideal = forces.equilibrium_norm(weights, pressure).map_or("—".into(), three);
            let end = three(formula.approach.target);
            let remembered = track
                .and_then(|track| track.memory_of_updates())
                .map(|memory| format!("; m = R/(s²C)·πκ²/2 = {} of some 500 steps, √m‖w‖* = {end}", three(memory)));
            format!("{general}: {ideal}{}, {doubt}", remembered.unwrap_or_default())
        }
        Err(reason) => format!("{general}: {reason}"),
    };
    let gain = track.and_then(|track| track.gain()).map_or("—".into(), three);
    let trend = format!("trend: (R·√‖w‖/(2d−d²))^(2/5), R = {gain} what updates add to ‖w‖² in a step");
    let followed = run.course(app.tensor).map(|course| {
        let (low, high) = course.band();
        let then = three(course.foretold().target);
        let end = if course.memory().is_some() { "√m‖w‖*" } else { "‖w‖*" };
        format!("since the last edit: {end} was {then} then; the band has come to {} to {}", three(low), three(high))
    });
    let told = format!("{}: {told}", name(app, run));
    Text {
        title: "equilibrium",
        formula: [formula, trend, told].into_iter().chain(followed).collect(),
        meaning: match forces.regime.family {
            Family::Sgd(_) => {
                "Growth by updates and shrinking by decay balance where the norm settles. SGD's formula takes ‖g‖·‖w‖ to \
                 stay as it is; it changes as the network follows an edit, and ‖w‖* with its root. So the band ahead \
                 moves, and the dots since the edit follow each step's own. Layers whose length matters to the loss \
                 are foretold by trend."
            }
            Family::Lion { .. } => {
                "Growth by updates and shrinking by decay balance where the norm settles. How far Lion's updates go on in \
                 the direction of those before depends on how gradients follow each other: after 1,000 steps √m‖w‖* has \
                 what they were measured to add, m of a random walk's. It is taken to stay as it is, whatever λ becomes. \
                 Layers whose length matters to the loss are foretold by trend."
            }
            _ => {
                "Growth by updates and shrinking by decay balance where the norm settles. The formula knows that place \
                 for layers whose length does not matter to the loss, and is dimmed for others: those are foretold by \
                 trend, from what updates add now, more the shorter the weights are."
            }
        },
        healthy: "the norm settles well before the run ends",
        source: "‖w‖* from arXiv 2305.17212 (15 %); the trend is wdtop's own extrapolation (20 % in most runs tried)",
    }
}

fn timescale(app: &App, run: &Run) -> Text {
    let forces = run.forces(app.tensor);
    let formula = match forces.timescale() {
        Ok(timescale) => {
            let epochs = timescale.epochs(run.description.steps_per_epoch.max(1));
            let how = match forces.share() {
                Ok(d) => format!("1/d = 1/{}", three(d)),
                Err(_) => "(1−μ)/(ηλ)".into(),
            };
            format!("τ = {how} = {} steps = {} epochs", three(timescale.steps), three(epochs))
        }
        Err(reason) => format!("no τ: {reason}"),
    };
    let left = run.tracks.get(app.tensor).map_or(f64::NAN, |track| track.memory_of_start());
    Text {
        title: "timescale",
        formula: vec![formula, format!("of the weights at the start {} is left", share(left))],
        meaning: "With decay the weights are an average over the last τ updates, older ones fade. So τ is how long an edit \
                  takes to show in the weights.",
        healthy: "τ from one epoch to about the run's length; above that the run has practically no decay",
        source: "Wang & Aitchison 2024, arXiv 2405.13698",
    }
}

fn spectrum(app: &App, run: &Run) -> Text {
    let name = name(app, run);
    let found = spectra::at(run, u64::MAX).and_then(|last| Some((last.step, last.of(&name)?)));
    let formula = match found {
        Some((step, spectrum)) => vec![
            format!("{name} at step {}: σ₁ = max ‖W·x‖/‖x‖ = {}", thousands(step), three(spectrum.norm)),
            format!(
                "stable rank = ‖W‖²/σ₁² = {}/{}² = {}",
                three(spectrum.stable_rank * spectrum.norm * spectrum.norm),
                three(spectrum.norm),
                three(spectrum.stable_rank)
            ),
        ],
        None => vec!["no spectrum: none was measured yet, or the tensor is no matrix".into()],
    };
    Text {
        title: "spectrum",
        formula,
        meaning: "σ₁ is how far the layer can stretch its input, the stable rank how many directions carry its weights. \
                  Decay shrinks all directions alike, gradients rebuild those that the data need: so the rank falls. \
                  Measured at evaluations by power iteration that goes on from the last one.",
        healthy: "σ₁ that stops growing; a rank well above 1",
        source: "Miyato et al. 2018, arXiv 1802.05957 (power iteration); Rudelson & Vershynin 2007 (stable rank)",
    }
}

fn gap(app: &App, run: &Run) -> Text {
    let norm = length(app, run);
    let effective = run.forces(app.tensor).effective_lr(norm * norm);
    let formula = match run.history.evaluations.last() {
        Some(last) => format!(
            "gap = {} − {} = {}",
            three(last.validation.loss),
            three(last.train.loss),
            three(measured::gap(last))
        ),
        None => "no evaluation yet".into(),
    };
    Text {
        title: "generalisation gap",
        formula: vec![formula, format!("effective η of {} is {}", name(app, run), three(effective))],
        meaning: "Decay hardly acts as a penalty: it keeps weights short, which makes the same step turn them further. So \
                  the gap is shown beside the effective learning rate.",
        healthy: "a gap that no longer grows while the training loss still falls",
        source: "D'Angelo et al. 2023, arXiv 2310.04415; van Laarhoven 2017, arXiv 1706.05350",
    }
}

fn weights(app: &App, run: &Run) -> Text {
    let formula = match run.history.weights.get(app.tensor) {
        Some(weights) => {
            let count = thousands(weights.total());
            let (low, high) = (three(weights.lowest), three(weights.highest));
            format!("{}: {count} weights from {low} to {high}, {} bins", name(app, run), weights.counts.len())
        }
        None => "no evaluation yet".into(),
    };
    Text {
        title: "weights",
        formula: vec![formula],
        meaning: "Each evaluation counts the weights in bins of equal width between the lowest and the highest. Decay \
                  draws all of them towards 0 by the same share, so that the hill gets narrower; what the data asks \
                  for stays behind as tails.",
        healthy: "one hill around 0 with tails that grow slowly; a needle at 0 means that λ is too strong",
        source: "counted exactly; shares of the weights are read off the bins (≈)",
    }
}

fn throughput(run: &Run) -> Text {
    let waits = run.history.spent.of(Phase::Recorder) / run.history.spent.total();
    Text {
        title: "throughput",
        formula: vec![format!("waiting for the recorder: {} of the time", share(waits))],
        meaning: "Where the trainer's time of the last seconds went. Of the updates some hundred a second are timed \
                  phase by phase and stand for the others; evaluations and waits are timed each time. Pauses do not count.",
        healthy: "the pace waits (there is time to watch), or forward and backward take nearly all of it",
        source: "the clock of this machine; it is neither recorded nor does it change a weight",
    }
}

fn events() -> Text {
    Text {
        title: "events",
        formula: vec!["▲ alert: level, what, the number and its bound, what to do".into()],
        meaning: "Edits come with what they did since: the mean of the last five evaluations less that of the five before. \
                  It is noise where the jumps from one evaluation to the next are large enough to make it. Alerts come \
                  with the number that raised them, never more than one of a kind for a tensor within a quarter of τ.",
        healthy: "no alert",
        source: "the rules stand in the README",
    }
}
