//! Every recipe of the program, shortened: it runs, and its weights do not depend on who computes them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::Path;

use crossbeam_channel::bounded;
use wdtop::cli::{configure, recipe_names};
use wdtop::kernel::Instructions;
use wdtop::stream::{Summary, What, lossless};
use wdtop::train::{self, Experiment};

/// So many images to validate with: the embedded 2,000 would take most of the time of so short a run.
const VALIDATE: u32 = 80;

/// Grey images of 28×28 in ten classes, as IDX files.
fn write_images(folder: &Path) {
    let head = |dims: &[u32]| {
        let kind = [0, 0, 8, dims.len() as u8];
        kind.into_iter().chain(dims.iter().flat_map(|dim| dim.to_be_bytes())).collect::<Vec<u8>>()
    };
    let images = (0..VALIDATE * 28 * 28).map(|at| (at * at / 7 % 251) as u8);
    let labels = (0..VALIDATE).map(|at| (at % 10) as u8);
    let write = |name, head: Vec<u8>, values: Vec<u8>| fs::write(folder.join(name), [head, values].concat()).unwrap();
    write("train-images-idx3-ubyte", head(&[VALIDATE, 28, 28]), images.collect());
    write("train-labels-idx1-ubyte", head(&[VALIDATE]), labels.collect());
}

/// What the end of a run says: losses, norms and the digest of the weights.
fn run(recipe: &str, steps: &str, threads: usize, instructions: &str, images: &Path) -> Box<Summary> {
    let threads = threads.to_string();
    let edit = "1:weight_decay=0.5";
    let images = images.to_str().unwrap();
    let validation = if recipe == "forecast" { [].as_slice() } else { &["--validation", images] };
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
    let (config, options) = configure(recipe, &[&options, validation].concat()).unwrap();
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
    let folder = tempfile::tempdir().unwrap();
    write_images(folder.path());
    let run = |recipe, steps, threads, instructions: &str| run(recipe, steps, threads, instructions, folder.path());
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
