//! Whether AdamW's steps are short behind an edit of λ because v still remembers gradients from before it.

use wdtop::stream::TensorSums;

use super::{DECLARED, EDIT, FACTOR, SETTINGS, TAU, train};

/// β1 of the rule, by default.
const BETA1: f64 = 0.9;
/// Stretches of τ updates that are told of, by how many τ after the edit they begin.
const STRETCHES: [i64; 6] = [-1, 0, 1, 2, 3, 5];

/// AdamW's steps in the declared setting, through the edit and longer, with memories of v of 1,000 updates and of 100.
pub fn tell() -> anyhow::Result<()> {
    println!("AdamW's steps in multiples of a walk's, and in brackets √(E[g²]/E[v]), by updates since the edit");
    let spans = STRETCHES.map(|start| format!("{} to {}", start * TAU as i64, (start + 1) * TAU as i64));
    println!("β2      tensor      {}", spans.map(|span| format!("{span:>16}")).concat());
    for beta2 in [0.999, 0.99] {
        for (name, stretches) in measure(beta2)? {
            let told = stretches.map(|it| format!("{:>16}", format!("×{:.3} (×{:.3})", it.step(), it.lag())));
            println!("{beta2:<7} {name:<12}{}", told.concat());
        }
    }
    Ok(())
}

/// Sums over a stretch of updates.
#[derive(Clone, Copy, Default)]
struct Stretch {
    /// Of ‖Δ‖², in multiples of a walk's.
    steps: f64,
    updates: f64,
    /// Of ‖g‖², and of all that is in v: an average of the same with β2.
    gradients: f64,
    remembered: f64,
}

impl Stretch {
    fn step(&self) -> f64 {
        (self.steps / self.updates).sqrt()
    }

    fn lag(&self) -> f64 {
        (self.gradients / self.remembered).sqrt()
    }
}

/// Of both scale-invariant layers.
fn measure(beta2: f64) -> anyhow::Result<Vec<(String, [Stretch; STRETCHES.len()])>> {
    let [adamw, ..] = &SETTINGS;
    let edit = format!("{EDIT}:weight_decay={}", FACTOR * adamw.weight_decay);
    let beta2_option = format!("beta2={beta2}");
    let options = ["--model", DECLARED.network, "--edit", &edit, "--set", &beta2_option];
    let mut told = ["fc1.weight", "fc2.weight"].map(|name| (name.to_string(), [Stretch::default(); STRETCHES.len()]));
    let mut v = [0.0; 2];
    train(
        adamw.rule,
        adamw.lr,
        adamw.weight_decay,
        EDIT + 6 * TAU,
        &[DECLARED.data, &options].concat(),
        |run, step, sums| {
            for ((name, stretches), v) in told.iter_mut().zip(&mut v) {
                let mut tensors = run.tensors.iter().zip(sums);
                let Some((tensor, TensorSums { g2, d2, .. })) = tensors.find(|(tensor, _)| tensor.name == *name) else {
                    continue;
                };
                *v = beta2 * *v + (1.0 - beta2) * g2;
                let behind = (step as i64 - EDIT as i64).div_euclid(TAU as i64);
                let Some(at) = STRETCHES.iter().position(|start| *start == behind) else { continue };
                // E[m²]/E[g²] of gradients without correlation.
                let walk = adamw.lr.powi(2) * tensor.len() as f64 * (1.0 - BETA1) / (1.0 + BETA1);
                let stretch = &mut stretches[at];
                stretch.steps += d2 / walk;
                stretch.updates += 1.0;
                stretch.gradients += g2;
                stretch.remembered += *v;
            }
        },
    )?;
    Ok(told.into())
}
