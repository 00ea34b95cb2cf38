//! Commands that are typed: `:set weight_decay@fc1 0.1`.

use super::{Effect, charts, compare, edits, keys, replay, while_it_lasts};
use crate::diagnostics::Reading;
use crate::stream::{Command, DecayMode, Knob, Scope};
use crate::tui::Access;
use crate::tui::app::dial::{Cause, Which};
use crate::tui::app::table::Order;
use crate::tui::app::window::Unit;
use crate::tui::app::{App, Mode, Tone};
use crate::tui::glyphs::Glyphs;
use crate::tui::keymap::Action;
use crate::tui::theme::Theme;

/// Every command, with what comes after it.
const COMMANDS: [(&str, &str); 22] = [
    ("set", "KEY[@LAYER or TENSOR] VALUE"),
    ("pause", ""),
    ("resume", ""),
    ("step", ""),
    ("epoch", ""),
    ("evaluate", ""),
    ("note", "TEXT"),
    ("snapshot", ""),
    ("back", ""),
    ("pace", "STEPS A SECOND, or max"),
    ("undo", ""),
    ("redo", ""),
    ("x", "step, epoch, time or edit"),
    ("sort", "network, norm, since, gradient or update"),
    ("filter", "LETTERS"),
    ("theme", "auto, 256, dark, light, 16 or mono"),
    ("glyphs", "braille, octant or ascii"),
    ("mouse", ""),
    ("export", "csv, jsonl, tensorboard, markdown, or svg and its charts"),
    ("compare", "NAMES OF SESSIONS, or their beginnings"),
    ("help", ""),
    ("quit", ""),
];

/// Those that ask training for something.
const STEERING: [&str; 12] =
    ["set", "pause", "resume", "step", "epoch", "evaluate", "note", "snapshot", "back", "pace", "undo", "redo"];

/// Does what a line says; the error says what could have been said.
pub(super) fn run(app: &mut App, line: &str) -> Result<Vec<Effect>, String> {
    let line = line.trim();
    let (command, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    if command.is_empty() {
        return Ok(Vec::new());
    }
    let Some((_, takes)) = COMMANDS.iter().find(|(name, _)| *name == command) else {
        return Err(format!("no command `{command}`: {}", commands(app).join(", ")));
    };
    if takes.is_empty() && !rest.is_empty() {
        return Err(format!("{command} takes nothing after it, got `{rest}`"));
    }
    // No letters list all tensors again.
    if !takes.is_empty() && rest.is_empty() && command != "filter" {
        return Err(format!("{command} needs {takes}"));
    }
    if STEERING.contains(&command) && app.looks_on() {
        return Err(match app.options.access {
            Access::Replay => replay::REFUSAL.into(),
            _ => "read-only: this would touch training (started with --read-only)".into(),
        });
    }
    let choice = |what: &str| format!("no {what} `{rest}`: {takes}");
    match command {
        "set" => return set(app, rest),
        "pause" | "resume" if (command == "pause") == app.will_pause() && !app.is_over() => {
            app.say(Tone::Plain, if command == "pause" { "it stands still already" } else { "it runs already" });
        }
        "pause" => return Ok(keys::go(app, Command::Pause)),
        "resume" => return Ok(keys::go(app, Command::Resume)),
        "step" => return Ok(keys::act(app, Action::Step)),
        "epoch" => return Ok(keys::act(app, Action::Epoch)),
        "evaluate" => return Ok(keys::act(app, Action::Evaluate)),
        "note" => return Ok(while_it_lasts(app, Command::Note(rest.to_owned()))),
        "snapshot" => return Ok(keys::act(app, Action::Snapshot)),
        "back" => return Ok(keys::act(app, Action::GoBack)),
        "mouse" => return Ok(keys::act(app, Action::Mouse)),
        "pace" => return pace(app, rest),
        "undo" => return Ok(edits::undo(app)),
        "redo" => return Ok(edits::redo(app)),
        "x" => {
            let unit = Unit::ALL.into_iter().find(|unit| unit.name() == rest).ok_or_else(|| choice("unit"))?;
            charts::show_by(app, unit);
        }
        "sort" => app.order = order(rest).ok_or_else(|| choice("order"))?,
        "filter" => {
            app.filter = rest.to_owned();
            app.choose(0);
        }
        "theme" => {
            let theme = Theme::named(rest).ok_or_else(|| choice("theme"))?;
            app.theme = app.options.preferences.painted(theme);
        }
        "glyphs" => app.options.glyphs = rest.parse().map_err(|_| choice("glyphs"))?,
        "export" => return export(app, rest),
        "compare" => return compare::with(app, rest),
        "help" => return Ok(keys::act(app, Action::Help)),
        _ => return Ok(keys::act(app, Action::Quit)),
    }
    Ok(Vec::new())
}

/// What the table can be sorted by, as it is typed.
const ORDERS: [(&str, Order); 5] = [
    ("network", Order::Network),
    ("norm", Order::Norm),
    ("since", Order::Since),
    ("gradient", Order::Gradient),
    ("update", Order::Update),
];

fn order(name: &str) -> Option<Order> {
    ORDERS.into_iter().find(|(its, _)| *its == name).map(|(_, order)| order)
}

/// `KEY[@SCOPE] VALUE`
fn set(app: &mut App, text: &str) -> Result<Vec<Effect>, String> {
    let Some(run) = &app.run else { return Err("still loading".into()) };
    let (target, value) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let (key, scope) =
        target.split_once('@').map_or((target, Scope::All), |(key, scope)| (key, Scope::from(scope.to_owned())));
    let keys = keys_of(app);
    if !keys.iter().any(|its| its == key) {
        return Err(format!("no hyperparameter `{key}`: {}", keys.join(", ")));
    }
    let knob = Knob::from(key.to_owned());
    if scope != Scope::All && knob != Knob::WeightDecay {
        return Err(format!("{key} is one for all tensors; only weight_decay can be set @ a layer or tensor"));
    }
    let scopes = scopes_of(app);
    if scope != Scope::All && !scopes.contains(&scope.to_string()) {
        return Err(format!("no layer or tensor `{scope}`: {}", scopes.join(", ")));
    }
    match knob {
        Knob::WeightDecay => edits::typed(app, Which::WeightDecay, scope, value),
        Knob::LearningRate => edits::typed(app, Which::LearningRate, scope, value),
        Knob::DecayMode => {
            let wrong = || format!("decay_mode must be one of {}, got `{}`", modes_of(app).join(", "), value.trim());
            let known = modes_of(app).into_iter().find(|name| name == value.trim());
            let mode = known.and_then(|name| DecayMode::named(&name)).ok_or_else(wrong)?;
            Ok(edits::ask(app, knob, scope, Some(mode.number()), Cause::Turn))
        }
        Knob::Hyper(_) => {
            let hyper = run.description.hyper.iter().find(|hyper| hyper.key == key);
            let allowed = hyper.map_or("a number", |hyper| hyper.allowed.as_str());
            let number = value.trim().parse::<f64>().ok().filter(|number| number.is_finite());
            // Whether it lies in its range, training says: what is allowed may depend on the other values.
            let number = number.ok_or_else(|| format!("{key} must be {allowed}, got `{}`", value.trim()))?;
            Ok(edits::ask(app, knob, scope, Some(number), Cause::Turn))
        }
    }
}

/// Why there is nothing to write.
const NOT_RECORDED: &str = "nothing to export: this run is not recorded";

/// Opens the line where the format is to be typed.
pub(super) fn ask_for_export(app: &mut App) {
    if app.options.formats.is_empty() {
        return app.say(Tone::Warning, NOT_RECORDED);
    }
    app.mode = Mode::Commanding { input: "export ".to_owned().into(), error: None };
}

/// Values of every tensor that a chart of a picture can have, beside what diagnostics reads.
const CHARTS: [&str; 8] =
    ["loss", "accuracy", "norm", "grad_norm", "update_ratio", "decay", "spectral_norm", "stable_rank"];

/// The format that has charts.
const PICTURE: &str = "svg";

fn export(app: &mut App, wanted: &str) -> Result<Vec<Effect>, String> {
    let formats = &app.options.formats;
    let (format, charts) = wanted.split_once(char::is_whitespace).unwrap_or((wanted, ""));
    if formats.is_empty() {
        return Err(NOT_RECORDED.into());
    }
    if !formats.iter().any(|its| its == format) {
        return Err(format!("no format `{format}`: {}", formats.join(", ")));
    }
    if !charts.is_empty() && format != PICTURE {
        return Err(format!("only {PICTURE} takes charts, got `{}`", charts.trim()));
    }
    app.say(Tone::Plain, format!("writing {wanted} …"));
    Ok(vec![Effect::Export(wanted.to_owned())])
}

fn pace(app: &mut App, text: &str) -> Result<Vec<Effect>, String> {
    let pace = match text {
        "max" => Some(0.0),
        _ => text.parse::<f64>().ok().filter(|pace| (keys::SLOWEST..=keys::FASTEST).contains(pace)),
    };
    let (slowest, fastest) = (keys::SLOWEST, keys::FASTEST);
    let pace = pace.ok_or_else(|| format!("the pace must be from {slowest} to {fastest:e}, or max, got `{text}`"))?;
    Ok(keys::ask_for_pace(app, pace))
}

fn keys_of(app: &App) -> Vec<String> {
    let own = app.run.iter().flat_map(|run| run.hyper.iter().map(|(key, _)| key.clone()));
    ["lr".to_owned(), "weight_decay".into()].into_iter().chain(own).collect()
}

/// The decay modes that the rule knows.
fn modes_of(app: &App) -> Vec<String> {
    let mut all = app.run.iter().flat_map(|run| &run.description.hyper);
    let allowed = all.find(|hyper| hyper.key == Knob::DecayMode.key()).map_or("", |hyper| hyper.allowed.as_str());
    let modes = DecayMode::ALL.into_iter().map(|mode| mode.to_string());
    modes.filter(|name| allowed.contains(&format!("{name} ("))).collect()
}

/// Layers and tensors.
fn scopes_of(app: &App) -> Vec<String> {
    let Some(run) = &app.run else { return Vec::new() };
    let mut names: Vec<String> = Vec::new();
    for tensor in &run.description.tensors {
        if !names.contains(&tensor.layer) {
            names.push(tensor.layer.clone());
        }
        names.push(tensor.name.clone());
    }
    names
}

/// The commands that are not refused, whatever comes after them: a screen that only looks on has none for training.
fn commands(app: &App) -> Vec<&'static str> {
    let names = COMMANDS.iter().map(|(name, _)| *name);
    names.filter(|name| !app.looks_on() || !STEERING.contains(name)).collect()
}

/// What the word at the end of a line can become.
pub(in crate::tui) fn candidates(app: &App, line: &str) -> Vec<String> {
    let (before, word) = line.rsplit_once(' ').map_or(("", line), |(before, word)| (before.trim(), word));
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let all = match before {
        "" => words(&commands(app)),
        "set" if word.starts_with("weight_decay@") => {
            scopes_of(app).into_iter().map(|scope| format!("weight_decay@{scope}")).collect()
        }
        "set" => keys_of(app),
        "set decay_mode" => modes_of(app),
        "x" => Unit::ALL.map(|unit| unit.name().to_owned()).to_vec(),
        "sort" => ORDERS.map(|(name, _)| name.to_owned()).to_vec(),
        "theme" => words(&Theme::NAMES),
        "glyphs" => Glyphs::ALL.map(|glyphs| glyphs.to_string()).to_vec(),
        "pace" => words(&["max"]),
        "export" => app.options.formats.clone(),
        _ if before.strip_prefix("export ").is_some_and(|wanted| wanted.starts_with(PICTURE)) => {
            words(&CHARTS).into_iter().chain(Reading::ALL.map(|(name, _)| name.to_owned())).collect()
        }
        _ => Vec::new(),
    };
    all.into_iter().filter(|candidate| candidate.starts_with(word)).collect()
}

/// Completes the last word as far as it is certain.
pub(super) fn complete(app: &mut App) {
    let Mode::Commanding { input, .. } = &app.mode else { return };
    let line = input.value().to_owned();
    let found = candidates(app, &line);
    let Some(first) = found.first() else { return };
    let common = found.iter().fold(first.as_str(), |common, other| {
        let same = common.char_indices().zip(other.chars()).take_while(|((_, a), b)| a == b);
        &common[..same.last().map_or(0, |((at, c), _)| at + c.len_utf8())]
    });
    let end = if found.len() == 1 { " " } else { "" };
    let start = line.rfind(' ').map_or(0, |at| at + 1);
    let completed = format!("{}{common}{end}", &line[..start]);
    app.mode = Mode::Commanding { input: completed.into(), error: None };
}
