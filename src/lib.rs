//! wdtop is `htop` for weight decay: a network trains on the CPU while its user watches loss curves and every tensor's
//! norm, and turns λ (weight decay) and η (learning rate) *while it trains*.
//!
//! This page is the map for those who work on it. What a user needs stands in README.md.
//!
//! # One stream
//!
//! Everything hangs on two small enums in [`stream`]. A *source* produces [`Event`](stream::Event)s and may accept
//! [`Command`](stream::Command)s; a *consumer* reads events. The training thread is a source. The recorder, the
//! terminal program and the headless printer are consumers, and a pipeline is put together in `cli`:
//!
//! ```text
//!            Command                                     lossless wire            merging wire
//!   tui ───────────────────────▶ train ──── Event ────▶ record ──── Event ────▶ tui or headless
//! ```
//!
//! The recorder sits *in* the pipe: it passes an event on after writing it, so that whatever the screen has shown as
//! done is in the session folder. The wire into it is lossless, training waits for it; the wire to a screen merges
//! what it cannot deliver, nothing waits for a screen.
//!
//! # Modules, and what each must not know
//!
//! | module | what | must not know |
//! |---|---|---|
//! | [`stream`] | `Event`, `Command`, statistics, configuration: plain data and the wires it travels on | anything below |
//! | [`scalar`] | the number type: f32 runs, f64 is checked | anything else |
//! | [`kernel`] | products, dot products, transposes, counts and row loops for each instruction set, with the same bits; the memory that they walk over | anything else but `scalar` |
//! | [`random`] | generators by seed and purpose | anything else |
//! | [`optim`] | hyperparameters, schedules, gradient hooks, update rules, decay, the six sums | files, clocks, threads, channels, terminals |
//! | [`nn`] | layers, losses, initialisation; forward and backward on rows | the same |
//! | [`data`] | data sets: formats, split, gaps, scales, label noise, augmentation, batch order | clocks, threads, channels, terminals |
//! | [`diagnostics`] | from sums, hyperparameters and matrices to what decay does and would do; alerts | the same as `optim` |
//! | [`train`] | the trainer's thread, the worker team, commands, evaluation, spectra, snapshots, where the time goes | terminals, session folders |
//! | [`series`] | append-only columns with a min/max pyramid, averages | the same as `optim` |
//! | [`chart`] | where the parts of a chart of series lie, of one run or of several side by side, and in which order they are drawn, on cells or on paper | the same as `optim` |
//! | [`record`] | the session folder: write, read, follow, list, compare; reruns and their check, snapshots; exports, and imports from other tools | terminals, training |
//! | [`replay`] | a recording as a source: play, pause, speed, seek | terminals, training |
//! | [`headless`] | progress line, plain lines, JSON lines | training, session folders |
//! | [`tui`] | state, update, view | training, session folders |
//! | [`cli`] | one file for each subcommand: typed arguments, validated settings, the pipeline, exports for the screen | nothing |
//!
//! `tui` and `train` never import each other: they meet in `stream`. `tests/layers.rs` reads the tree and fails on a
//! wrong direction.
//!
//! # Invariants
//!
//! - **Same bits.** [`RunConfig`](stream::RunConfig) and the edits with their steps determine every weight, for any
//!   number of threads and any instruction set, with or without screen, pace and recording. Work is cut by shapes
//!   alone, each task has one order of arithmetic, partial results are combined in task order; threads only decide who
//!   runs a task. Every instruction set fuses the same products, in the same sixteen lanes.
//! - **Live means next update.** A hyperparameter is an argument of every update, never a field set at construction.
//!   A command is validated, applied between two updates, echoed with the step of the first update that used it, and
//!   recorded as echoed.
//! - **Memory is walked once.** The pass that updates a block of weights also accumulates its six sums.
//! - **Nothing is poisoned.** Before the first weight of a step is written, every gradient of it is known to be
//!   finite; if one is not, the weights of the step before are still there. An update that is not finite all the same
//!   (η near the end of f32's range) ends the run and is told as such.
//! - **A header is a claim.** What a data file says of its size is compared with the bytes that are there; memory grows
//!   with those. Whatever is measured on data (means, scales) is measured on the training samples alone.
//! - **Text from outside** goes through [`stream::printable`] before it reaches a terminal.
//! - A panic is a defect; the training thread catches it at its top and reports it as an event, the terminal is
//!   restored, the recording stays readable.

pub mod chart;
pub mod cli;
pub mod data;
pub mod diagnostics;
pub mod headless;
pub mod kernel;
pub mod nn;
pub mod optim;
pub mod random;
pub mod record;
pub mod replay;
pub mod scalar;
pub mod series;
pub mod stream;
pub mod train;
pub mod tui;
