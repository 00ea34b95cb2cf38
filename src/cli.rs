//! The command line: one file for each subcommand, each from typed arguments to validated settings to a run.

mod bench;
mod compare;
mod comparisons;
mod completions;
mod export;
mod exports;
mod import;
mod list;
mod man;
mod note;
mod optimizers;
mod pipeline;
mod preferences;
mod recipe;
mod recipes;
mod replay;
mod rerun;
mod resume;
mod rm;
mod settings;
mod signals;
mod train;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Result;
use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, Parser, Subcommand};
use thiserror::Error;

use crate::stream::{RunConfig, RunOptions, printable};

/// Everything went as asked.
const DONE: u8 = 0;
/// The run failed or diverged, or a recording could not be read or written.
const FAILED: u8 = 1;
/// The command line, a recipe, a setting or the data is wrong.
const USAGE: u8 = 2;

/// htop for weight decay: train a network in the terminal and turn λ and η while it learns
///
/// Without a subcommand it trains the `demo` recipe on the screen and records it.
#[derive(Debug, Parser)]
#[command(
    name = "wdtop",
    version,
    after_help = after_help()
)]
struct Cli {
    #[command(subcommand)]
    subcommand: Option<Sub>,
}

/// Examples, and where the screen's preferences stand.
fn after_help() -> String {
    let examples = "Examples:
  wdtop                                        watch the demo, turn λ with [ and ]
  wdtop train demo --weight-decay 3            start it with λ = 3
  wdtop train article-mlp --headless           no screen, a line for each evaluation
  wdtop recipes                                what else there is to train
  wdtop list                                   what was recorded
  wdtop compare demo-20260102-1 demo-20260102-2";
    format!("{examples}\n\n{}", preferences::told())
}

#[derive(Debug, Subcommand)]
enum Sub {
    Train(Box<train::Args>),
    List(list::Args),
    Compare(compare::Args),
    Replay(replay::Args),
    Rerun(rerun::Args),
    Resume(resume::Args),
    Recipes(recipes::Args),
    Export(export::Args),
    Import(import::Args),
    Note(note::Args),
    Name(note::NameArgs),
    Rm(rm::Args),
    Bench(bench::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// A command line, recipe, setting or data that cannot be meant: exit code 2.
#[derive(Debug, Error)]
#[error(transparent)]
struct Usage(anyhow::Error);

impl Usage {
    fn of(error: impl Into<anyhow::Error>) -> anyhow::Error {
        Usage(error.into()).into()
    }
}

/// Parses the command line and runs the subcommand. Every error becomes one line on stderr.
pub fn main() -> ExitCode {
    run(std::env::args_os().collect()).unwrap_or_else(|error| {
        let line = one_line_of(&error);
        // A closed stderr leaves nobody to tell.
        let _ = writeln!(io::stderr(), "wdtop: {}", printable(&line));
        ExitCode::from(if error.is::<Usage>() { USAGE } else { FAILED })
    })
}

/// The configuration that `wdtop train RECIPE --headless OPTIONS…` would run, for examples, benches and tests.
///
/// # Errors
/// What that command would say.
pub fn configure(recipe: &str, options: &[&str]) -> Result<(RunConfig, RunOptions)> {
    let arguments = ["wdtop", "train", recipe, "--headless"].into_iter().chain(options.iter().copied());
    match Cli::try_parse_from(arguments)?.subcommand {
        Some(Sub::Train(args)) => args.configure(),
        _ => Err(anyhow::anyhow!("`wdtop train` is another subcommand")),
    }
}

/// The names of the program's own recipes.
pub fn recipe_names() -> impl Iterator<Item = &'static str> {
    recipe::BUILT_IN.iter().map(|(name, _)| *name)
}

fn run(arguments: Vec<OsString>) -> Result<ExitCode> {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) if !error.use_stderr() => {
            // Help and version are no errors; a closed pipe behind them is none either.
            let _ = error.print();
            return Ok(ExitCode::from(DONE));
        }
        Err(error) => return Err(Usage::of(anyhow::anyhow!(one_line(&error)))),
    };
    match cli.subcommand {
        None => train::Args::default().run(),
        Some(Sub::Train(args)) => args.run(),
        Some(Sub::List(args)) => args.run(),
        Some(Sub::Compare(args)) => args.run(),
        Some(Sub::Replay(args)) => args.run(),
        Some(Sub::Rerun(args)) => args.run(),
        Some(Sub::Resume(args)) => args.run(),
        Some(Sub::Recipes(args)) => args.run(),
        Some(Sub::Export(args)) => args.run(),
        Some(Sub::Import(args)) => args.run(),
        Some(Sub::Note(args)) => args.run(),
        Some(Sub::Name(args)) => args.run(),
        Some(Sub::Rm(args)) => args.run(),
        Some(Sub::Bench(args)) => args.run(),
        Some(Sub::Completions(args)) => args.run(&mut Cli::command()),
        Some(Sub::Man(args)) => args.run(Cli::command()),
    }
}

/// Writes text to standard output; a reader that has seen enough is no error.
fn write_out(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// An error and its causes in one line, a cause that its error has already told left out.
fn one_line_of(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |line, cause| match line.as_str() {
        "" => cause,
        told if told.contains(&cause) => line,
        told => format!("{told}: {cause}"),
    })
}

/// clap's message without its usage block, in one line.
fn one_line(error: &clap::Error) -> String {
    if let Some(line) = no_subcommand(error) {
        return line;
    }
    let text = error.render().to_string();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines = lines.take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"));
    let text = lines.collect::<Vec<_>>().join(" ").replace(" tip: ", "; ");
    format!("{} (see wdtop --help)", text.trim_start_matches("error: "))
}

/// What a word that is no subcommand may have meant: a recipe, otherwise what clap proposes, otherwise any of them.
fn no_subcommand(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else { return None };
    let told = format!("unrecognized subcommand '{word}'");
    if recipe_names().any(|name| name == word) || word.ends_with(".toml") {
        return Some(format!("{told}: a recipe is trained by `wdtop train {word}`"));
    }
    let command = Cli::command();
    let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    let proposed = error.get(ContextKind::SuggestedSubcommand).is_some();
    (!proposed).then(|| format!("{told}: there are {} (see wdtop --help)", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_usage_error_is_one_line_with_what_is_allowed() {
        let message = |arguments: &[&str]| {
            let arguments = std::iter::once("wdtop").chain(arguments.iter().copied()).map(OsString::from).collect();
            run(arguments).unwrap_err().to_string()
        };
        for (arguments, parts) in [
            (&["trian"] as &[_], ["unrecognized subcommand 'trian'", "'train'"]),
            (&["demo", "--headless"], ["unrecognized subcommand 'demo'", "`wdtop train demo`"]),
            (&["mine.toml"], ["'mine.toml'", "`wdtop train mine.toml`"]),
            (&["zebra"], ["unrecognized subcommand 'zebra'", "train, list, compare"]),
            (&["train", "--batch", "0"], ["'0' for '--batch", "at least 1"]),
            (&["train", "--bacth", "3"], ["'--bacth'", "'--batch'"]),
            (&["train", "--decay-mode", "some"], ["'some' for '--decay-mode", "l2, decoupled"]),
            (&["train", "--optimizer", "amsgrad"], ["none of torch's", "--convention chainer"]),
            (&["train", "--optimizer", "adamw", "--decay-mode", "l2"], ["no meaning for torch's adamw", "cautious"]),
            (&["train", "--optimizer", "sgd", "--set", "nesterov=maybe"], ["true (1) or false (0)", "maybe"]),
            (&["train", "--hooks", "clip_norm,clip_norm"], ["hook clip_norm", "twice"]),
            (&["train", "--decay", "conv*", "--headless", "--no-record"], ["`conv*`", "fc1.weight"]),
            (&["train", "--lr-schedule", "linear", "--headless"], ["unknown schedule `linear`", "inverse-sqrt"]),
        ] {
            let line = message(arguments);
            assert!(!line.contains('\n') && parts.iter().all(|part| line.contains(part)), "{line}");
        }
    }
}
