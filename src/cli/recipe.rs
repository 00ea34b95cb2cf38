//! Recipes: TOML files whose keys are the options of `wdtop train`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use toml::Table;

use super::Usage;

/// The recipe that is trained where none is named.
pub const DEFAULT: &str = "demo";

macro_rules! recipe {
    ($name:literal) => {
        ($name, include_str!(concat!("../../assets/recipes/", $name, ".toml")))
    };
}

/// The recipes that are part of the program, by name.
pub const BUILT_IN: &[(&str, &str)] = &[
    recipe!("demo"),
    recipe!("article-mlp"),
    recipe!("article-cnn"),
    recipe!("article-custom"),
    recipe!("forecast"),
    recipe!("fashion-cnn"),
];

/// What to call a recipe: its name, or that of its file without folder and ending.
pub fn title(name: &str) -> String {
    match Path::new(name).file_stem() {
        Some(stem) => stem.to_string_lossy().into_owned(),
        None => name.to_owned(),
    }
}

/// The text of one of the program's own recipes.
///
/// # Errors
/// [`Usage`], listing those there are.
pub fn built_in(name: &str) -> Result<&'static str> {
    match BUILT_IN.iter().find(|(its, _)| *its == name) {
        Some((_, text)) => Ok(text),
        None => Err(Usage::of(unknown(name))),
    }
}

fn unknown(name: &str) -> anyhow::Error {
    let names: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
    anyhow::anyhow!("unknown recipe `{name}`: choose one of {}", names.join(", "))
}

/// Reads a recipe: one of the program's own by its name, or a TOML file by its path.
pub fn read(name: &str) -> Result<Table> {
    let text = match BUILT_IN.iter().find(|(its, _)| *its == name) {
        Some((_, text)) => (*text).to_owned(),
        None if Path::new(name).extension().is_some_and(|extension| extension == "toml") => {
            fs::read_to_string(name).with_context(|| format!("cannot read recipe {name}"))?
        }
        None => {
            return Err(Usage::of(anyhow::anyhow!("{}, or give the path of a .toml file", unknown(name))));
        }
    };
    match text.parse() {
        Ok(table) => Ok(table),
        Err(error) => {
            let error: toml::de::Error = error;
            let line = text[..error.span().map_or(0, |span| span.start)].lines().count().max(1);
            Err(Usage::of(anyhow::anyhow!("recipe {name}, line {line}: {}", error.message().replace('\n', ", "))))
        }
    }
}
