//! What a user has chosen for every run, as it stands in a TOML file.

use std::collections::{BTreeMap, BTreeSet};

use ratatui::style::Color;
use thiserror::Error;
use toml::{Table, Value};

use super::app::{Capture, Panel};
use super::glyphs::Glyphs;
use super::keymap::Keys;
use super::theme::Theme;

/// Every key of the file.
const KEYS: [&str; 6] = ["theme", "colours", "glyphs", "panels", "mouse", "keys"];

/// What is chosen; nothing of it leaves the program as it comes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preferences {
    /// The characters that the screen is made of.
    pub glyphs: Option<Glyphs>,
    theme: Option<&'static str>,
    colours: BTreeMap<&'static str, Color>,
    /// Panels that are put away at the start.
    pub(super) hidden: Option<BTreeSet<Panel>>,
    pub(super) mouse: Capture,
    pub(super) keys: Keys,
}

/// A preference that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BadPreference {
    /// No TOML.
    #[error("line {line}: {message}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A key that there is not.
    #[error("no key `{key}`: {allowed}")]
    UnknownKey {
        /// As it stands there, with what it stands in.
        key: String,
        /// The keys that there are.
        allowed: String,
    },
    /// A value that a key does not take.
    #[error("{key} must be {allowed}, got {value}")]
    Value {
        /// The key, with what it stands in.
        key: String,
        /// What it takes.
        allowed: String,
        /// What stands there.
        value: String,
    },
}

impl Preferences {
    /// Reads a file's text.
    ///
    /// # Errors
    /// Where it is no TOML; where a key or a value is none that there is, with those that there are.
    pub fn parse(text: &str) -> Result<Self, BadPreference> {
        let table = table(text)?;
        let mut chosen = Preferences::default();
        for (key, value) in &table {
            let wrong = |allowed: String| bad(key, allowed, value);
            match (key.as_str(), value) {
                ("theme", Value::String(name)) => {
                    let names = || format!("one of {}", Theme::NAMES.join(", "));
                    chosen.theme =
                        Some(Theme::NAMES.into_iter().find(|its| its == name).ok_or_else(|| wrong(names()))?);
                }
                ("theme", _) => return Err(wrong(format!("one of {}", Theme::NAMES.join(", ")))),
                ("glyphs", value) => {
                    let glyphs = value.as_str().and_then(|name| name.parse().ok());
                    chosen.glyphs = Some(glyphs.ok_or_else(|| wrong("one of braille, octant, ascii".into()))?);
                }
                ("mouse", Value::Boolean(true)) => chosen.mouse = Capture::On,
                ("mouse", Value::Boolean(false)) => chosen.mouse = Capture::Off,
                ("mouse", _) => return Err(wrong("true or false".into())),
                ("panels", Value::Array(names)) if !names.is_empty() => chosen.hidden = Some(others(names)?),
                ("panels", _) => return Err(wrong(format!("a list of some of {}", panels().join(", ")))),
                ("colours", Value::Table(colours)) => {
                    chosen.colours = colours.iter().map(colour).collect::<Result<_, _>>()?
                }
                ("colours", _) => return Err(wrong("a table, as [colours]".into())),
                ("keys", Value::Table(keys)) => chosen.keys = remapped(keys)?,
                ("keys", _) => return Err(wrong("a table, as [keys]".into())),
                _ => return Err(BadPreference::UnknownKey { key: key.clone(), allowed: KEYS.join(", ") }),
            }
        }
        Ok(chosen)
    }

    /// Takes over which panels were put away the last time, where nothing is chosen for good. Text that cannot be read
    /// is as good as none.
    pub fn remember(&mut self, text: &str) {
        let hidden = || {
            let table = table(text).ok()?;
            let names = table.get("hidden")?.as_array()?;
            let hidden = |panel: &Panel| names.iter().any(|name| name.as_str() == Some(panel.name()));
            let hidden: BTreeSet<Panel> = Panel::ALL.into_iter().filter(hidden).collect();
            (hidden.len() < Panel::ALL.len()).then_some(hidden)
        };
        if self.hidden.is_none() {
            self.hidden = hidden();
        }
    }

    /// The theme that is chosen, or else that of the environment; NO_COLOR is stronger than both.
    pub fn theme(&self) -> Theme {
        match (Theme::from_environment(), self.theme) {
            (mono, _) if mono == Theme::mono() => mono,
            (found, name) => self.painted(name.and_then(Theme::named).unwrap_or(found)),
        }
    }

    /// A theme with the chosen colours; one without any stays so.
    pub(super) fn painted(&self, mut theme: Theme) -> Theme {
        if theme != Theme::mono() {
            self.colours.iter().for_each(|(meaning, colour)| theme.paint(meaning, *colour));
        }
        theme
    }
}

/// The text that [`Preferences::remember`] reads.
pub(super) fn remembered(hidden: &BTreeSet<Panel>) -> String {
    let names: Vec<String> = hidden.iter().map(|panel| format!("\"{}\"", panel.name())).collect();
    format!("# Panels that were put away when wdtop was last left.\nhidden = [{}]\n", names.join(", "))
}

fn table(text: &str) -> Result<Table, BadPreference> {
    text.parse().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or("");
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        BadPreference::Syntax { line: before.matches('\n').count() + 1, message }
    })
}

fn bad(key: impl Into<String>, allowed: impl Into<String>, value: &Value) -> BadPreference {
    BadPreference::Value { key: key.into(), allowed: allowed.into(), value: value.to_string().replace('\n', " ") }
}

fn panels() -> Vec<&'static str> {
    Panel::ALL.into_iter().map(Panel::name).collect()
}

/// The panels that are not named.
fn others(names: &[Value]) -> Result<BTreeSet<Panel>, BadPreference> {
    let mut hidden = BTreeSet::from(Panel::ALL);
    for value in names {
        let panel = Panel::ALL.into_iter().find(|panel| value.as_str() == Some(panel.name()));
        let wrong = || bad("panels", format!("a list of some of {}", panels().join(", ")), value);
        hidden.remove(&panel.ok_or_else(wrong)?);
    }
    Ok(hidden)
}

fn colour((key, value): (&String, &Value)) -> Result<(&'static str, Color), BadPreference> {
    let meaning = Theme::MEANINGS.into_iter().find(|meaning| meaning == key).ok_or_else(|| {
        BadPreference::UnknownKey { key: format!("colours.{key}"), allowed: Theme::MEANINGS.join(", ") }
    })?;
    let colour = match value {
        Value::Integer(number) => u8::try_from(*number).ok().map(Color::Indexed),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    let allowed = "\"#rrggbb\", a name as \"lightblue\", or a number from 0 to 255";
    colour.map(|colour| (meaning, colour)).ok_or_else(|| bad(format!("colours.{key}"), allowed, value))
}

fn remapped(table: &Table) -> Result<Keys, BadPreference> {
    let mut keys = Keys::default();
    for (key, value) in table {
        let named = format!("keys.\"{key}\"");
        let meaning = value.as_str().ok_or_else(|| bad(&named, "a key of the README's list, or \"\"", value))?;
        keys.remap(key, meaning).map_err(|allowed| bad(&named, allowed, value))?;
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_chosen_is_read() {
        let text = "theme = \"light\"\nglyphs = \"ascii\"\nmouse = true\npanels = [\"loss\", \"knobs\"]\n\
                    [colours]\ntraining = \"#0072b2\"\nvalidation = 208\n[keys]\nx = \"]\"\nq = \"\"\n";
        let chosen = Preferences::parse(text).unwrap();
        assert_eq!((chosen.glyphs, chosen.theme, chosen.mouse), (Some(Glyphs::Ascii), Some("light"), Capture::On));
        assert_eq!(chosen.hidden.as_ref().map(BTreeSet::len), Some(Panel::ALL.len() - 2));
        let theme = chosen.painted(Theme::light());
        assert_eq!(
            (theme.training.fg, theme.validation.fg),
            (Some(Color::Rgb(0, 0x72, 0xb2)), Some(Color::Indexed(208)))
        );
        assert_eq!(chosen.painted(Theme::mono()), Theme::mono());
        assert_eq!(Preferences::parse(""), Ok(Preferences::default()));
    }

    #[test]
    fn what_is_wrong_is_told_with_key_value_and_what_is_allowed() {
        for (text, line) in [
            ("theme = \"pink\"", "theme must be one of auto, 256, dark, light, 16, mono, got \"pink\""),
            ("them = 1", "no key `them`: theme, colours, glyphs, panels, mouse, keys"),
            ("glyphs = 3", "glyphs must be one of braille, octant, ascii, got 3"),
            ("mouse = \"yes\"", "mouse must be true or false, got \"yes\""),
            ("[colours]\ntraining = \"blau\"", "colours.training must be \"#rrggbb\", a name as"),
            ("[colours]\nnoise = 3", "no key `colours.noise`: training, batches,"),
            ("panels = []", "panels must be a list of some of loss, knobs, layers"),
            ("panels = [\"losses\"]", "got \"losses\""),
            (
                "[keys]\nX = \"ctrl-y\"",
                "keys.\"X\" must be a key of the README's list, or \"\" for none, got \"ctrl-y\"",
            ),
            ("[keys]\nctrl-c = \"\"", "keys.\"ctrl-c\" must be left as it is, got \"\""),
            ("[keys]\nalt-x = \"q\"", "keys.\"alt-x\" must be named as a character"),
            ("\ntheme = ", "line 2: "),
        ] {
            let error = Preferences::parse(text).unwrap_err().to_string();
            assert!(error.contains(line) && !error.contains('\n'), "{text}: {error}");
        }
    }

    #[test]
    fn panels_come_back_as_they_were_left() {
        let hidden = BTreeSet::from([Panel::Norm, Panel::Events]);
        let mut chosen = Preferences::default();
        chosen.remember(&remembered(&hidden));
        assert_eq!(chosen.hidden, Some(hidden.clone()));
        for text in ["", "hidden = 3", "}", &remembered(&BTreeSet::from(Panel::ALL))] {
            let mut chosen = Preferences::default();
            chosen.remember(text);
            assert_eq!(chosen.hidden, None, "{text}");
        }
        let mut chosen = Preferences::parse("panels = [\"loss\"]").unwrap();
        let before = chosen.clone();
        chosen.remember(&remembered(&hidden));
        assert_eq!(chosen, before, "what is chosen for good is stronger");
    }
}
