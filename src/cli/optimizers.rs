//! What `--optimizer help` prints: every rule with its hyperparameters and defaults.

use std::fmt::Write;

use crate::optim::{HOOKS, HyperSpec, RULES, RuleInfo, about_hook, hook_table};
use crate::stream::{Convention, DecayMode};

/// The word that asks for the list.
pub const HELP: &str = "help";

/// Rules and hooks by convention.
pub fn list() -> String {
    let mut text = String::from(
        "Update rules for --optimizer NAME, by --convention. The first decay mode is the one unless --decay-mode says\n\
         otherwise; hyperparameters are set with --set KEY=VALUE and edited like η and λ while the run goes on.\n",
    );
    for convention in [Convention::Torch, Convention::Chainer] {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "\n--convention {convention}");
        RULES.iter().filter(|rule| rule.convention == convention).for_each(|rule| describe(rule, &mut text));
        let _ = writeln!(text, "\n  Hooks for --hooks LIST, in the order of the list:");
        for hook in HOOKS {
            let _ = writeln!(text, "  {:23} {}", hook.to_string(), about_hook(hook, convention));
            rows(hook_table(hook, convention), &mut text);
        }
    }
    text
}

fn describe(rule: &RuleInfo, text: &mut String) {
    let modes: Vec<String> = rule.decay_modes.iter().map(DecayMode::to_string).collect();
    let _ = writeln!(text, "  {:23} {}", rule.name, rule.about);
    let rates = [
        HyperSpec::new("lr", rule.lr, rule.lr_allowed),
        HyperSpec::new("weight_decay", rule.weight_decay, crate::optim::Allowed::NotNegative),
    ];
    rows(&rates, text);
    rows(rule.hyper, text);
    let _ = writeln!(text, "    {:29} {}", "decay mode", modes.join(", "));
}

fn rows(specs: &[HyperSpec], text: &mut String) {
    for spec in specs {
        let default = spec.allowed.show(spec.default);
        let _ = writeln!(text, "    {:21} {default:18} {}", spec.key, spec.allowed.words());
    }
}
