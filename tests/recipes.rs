//! Every recipe of the program, shortened: it runs, and its weights do not depend on who computes them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use crossbeam_channel::bounded;
use wdtop::cli::{configure, recipe_names};
use wdtop::kernel::Instructions;
use wdtop::stream::{Summary, What, lossless};
use wdtop::train::{self, Experiment};

/// What the end of a run says: losses, norms and the digest of the weights.
fn run(recipe: &str, steps: &str, threads: usize, instructions: &str) -> Box<Summary> {
    let threads = threads.to_string();
    let edit = "1:weight_decay=0.5";
    let options = [
        "--steps",
        steps,
        "--train-samples",
        "200",
        "--edit",
        edit,
        "--threads",
        &threads,
        "--instructions",
        instructions,
    ];
    let (config, options) = configure(recipe, &options).unwrap();
    let (_commands, obeyed) = bounded(train::COMMANDS_WAITING);
    let (sender, events) = lossless(16);
    train::spawn(Experiment::prepare(config, options).unwrap(), obeyed, sender).unwrap();
    loop {
        match events.recv().unwrap().what {
            What::Finished(summary) => return summary,
            What::Failed { message, .. } => panic!("{recipe}: {message}"),
            _ => {}
        }
    }
}

#[test]
fn no_recipe_depends_on_threads_or_instructions() {
    for recipe in recipe_names() {
        let steps = if recipe.ends_with("cnn") { "3" } else { "20" };
        let best = Instructions::best().to_string();
        let wanted = run(recipe, steps, 1, &best);
        assert!(wanted.validation.loss.is_finite(), "{recipe}: {wanted:?}");
        for threads in [2, 3, 16] {
            assert_eq!(run(recipe, steps, threads, &best).digest, wanted.digest, "{recipe} with {threads} threads");
        }
        for instructions in Instructions::all() {
            let digest = run(recipe, steps, 2, &instructions.to_string()).digest;
            assert_eq!(digest, wanted.digest, "{recipe} with {instructions}");
        }
    }
}
