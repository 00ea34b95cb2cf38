//! Where the screen's preferences live: a file that the user writes, and one that remembers.

use std::fs;
use std::io;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use etcetera::BaseStrategy;

use super::Usage;
use crate::tui::Preferences;

/// What the user wrote, and which panels were left.
///
/// # Errors
/// [`Usage`] where what is written cannot be read or meant. What is only remembered is no reason not to start.
pub fn load() -> Result<Preferences> {
    let Some(path) = file() else { return Ok(Preferences::default()) };
    let mut preferences = match fs::read_to_string(&path) {
        Ok(text) => Preferences::parse(&text).map_err(|error| Usage::of(anyhow!("{}: {error}", path.display())))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Preferences::default(),
        Err(error) => return Err(Usage::of(error)).with_context(|| format!("cannot read {}", path.display())),
    };
    if let Some(text) = memory().and_then(|path| fs::read_to_string(path).ok()) {
        preferences.remember(&text);
    }
    Ok(preferences)
}

/// Writes down what is to be remembered; where that cannot be done, the next run starts as if for the first time.
pub fn remember(text: &str) {
    if let Some(path) = memory() {
        let _ = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
    }
}

/// The help's line about the file.
pub fn told() -> String {
    // A manual page that somebody makes of it holds for everybody.
    let short =
        |path: PathBuf| match etcetera::home_dir().ok().and_then(|home| Some(path.strip_prefix(home).ok()?.to_owned()))
        {
            Some(rest) => PathBuf::from("~").join(rest),
            None => path,
        };
    let path = file().map_or_else(|| "no home folder, no file".into(), |path| short(path).display().to_string());
    format!("Keys, theme, glyphs and panels of the screen: {path}")
}

/// The file that the user writes; `None` without a home folder.
fn file() -> Option<PathBuf> {
    Some(etcetera::choose_base_strategy().ok()?.config_dir().join("wdtop").join("config.toml"))
}

fn memory() -> Option<PathBuf> {
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.state_dir().unwrap_or_else(|| base.data_dir()).join("wdtop").join("panels.toml"))
}
