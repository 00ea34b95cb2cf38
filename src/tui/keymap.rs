//! The one table of keys: what they do, how the help says it, what the README prints.

use std::collections::BTreeMap;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::app::Panel;
use super::app::dial::Which;

/// What a key can mean while nothing is being typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Quit,
    Interrupt,
    Help,
    Back,
    NextPanel,
    PreviousPanel,
    Zoom,
    Up,
    Down,
    Left,
    Right,
    Freeze,
    Mouse,
    Repaint,
    Suspend,
    PauseOrResume,
    Step,
    Epoch,
    Evaluate,
    Note,
    Snapshot,
    GoBack,
    Columns,
    Slower,
    Faster,
    /// By so many tenths of a decade.
    Turn(Which, i32),
    Type(Which),
    SwitchDecay,
    Reach,
    Undo,
    Redo,
    Scale,
    StepScale,
    SmoothLess,
    SmoothMore,
    ZoomIn,
    ZoomOut,
    Follow,
    Unit,
    Crosshair,
    Filter,
    Order,
    Palette,
    Export,
    Compare,
    Differences,
    GoTo,
    NextEdit,
    NextLens,
    PreviousLens,
    Explain,
    Toggle(Panel),
}

impl Action {
    /// Whether it asks training for something.
    pub(super) fn steers(self) -> bool {
        use Action as A;
        matches!(
            self,
            A::PauseOrResume
                | A::Step
                | A::Epoch
                | A::Evaluate
                | A::Note
                | A::Snapshot
                | A::GoBack
                | A::Columns
                | A::Slower
                | A::Faster
                | A::Turn(..)
                | A::Type(_)
                | A::SwitchDecay
                | A::Undo
                | A::Redo
        )
    }
}

/// The headings of the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    Hyperparameters,
    Training,
    View,
    Replay,
    Program,
}

impl Group {
    pub(super) const ALL: [Group; 5] =
        [Group::Hyperparameters, Group::Training, Group::View, Group::Replay, Group::Program];

    pub(super) fn title(self) -> &'static str {
        match self {
            Group::Hyperparameters => "Hyperparameters, while it trains",
            Group::Training => "Training",
            Group::View => "View",
            Group::Replay => "In a replay",
            Group::Program => "Program",
        }
    }
}

/// Some keys and what they do; the keys of one line belong together, each has an action.
#[derive(Debug)]
pub(super) struct Binding {
    pub(super) group: Group,
    pub(super) keys: &'static [(&'static str, Action)],
    pub(super) help: &'static str,
}

const fn bind(group: Group, keys: &'static [(&'static str, Action)], help: &'static str) -> Binding {
    Binding { group, keys, help }
}

/// Every key there is. `b` is kept free for forking.
pub(super) static BINDINGS: &[Binding] = {
    use Action as A;
    use Group::{Hyperparameters, Program, Replay, Training, View};
    use Which::{LearningRate as Eta, WeightDecay as Lambda};
    &[
        bind(
            Hyperparameters,
            &[("[", A::Turn(Lambda, -1)), ("]", A::Turn(Lambda, 1))],
            "λ less, more: a tenth of a decade",
        ),
        bind(Hyperparameters, &[("{", A::Turn(Lambda, -5)), ("}", A::Turn(Lambda, 5))], "λ less, more: half a decade"),
        bind(Hyperparameters, &[("w", A::Type(Lambda))], "type a value for λ"),
        bind(Hyperparameters, &[("\\", A::SwitchDecay)], "λ off and on again"),
        bind(Hyperparameters, &[(",", A::Turn(Eta, -1)), (".", A::Turn(Eta, 1))], "η less, more: a tenth of a decade"),
        bind(Hyperparameters, &[("<", A::Turn(Eta, -5)), (">", A::Turn(Eta, 5))], "η less, more: half a decade"),
        bind(Hyperparameters, &[("r", A::Type(Eta))], "type a value for η"),
        bind(
            Hyperparameters,
            &[("t", A::Reach)],
            "whose λ is turned: of all tensors, the chosen layer, the chosen tensor",
        ),
        bind(Hyperparameters, &[("z", A::Undo), ("Z", A::Redo)], "take the last edit back, make it again"),
        bind(Training, &[("Space", A::PauseOrResume)], "pause, resume"),
        bind(Training, &[("n", A::Step), ("N", A::Epoch)], "one step, one epoch, then pause"),
        bind(Training, &[("E", A::Evaluate)], "evaluate now"),
        bind(Training, &[("m", A::Note)], "write a note at this step"),
        bind(Training, &[("c", A::Snapshot), ("B", A::GoBack)], "keep a snapshot; go back to the last one"),
        bind(Training, &[("R", A::Columns)], "record each step, or no more than edits and evaluations"),
        bind(
            Training,
            &[("(", A::Slower), (")", A::Faster)],
            "pace halved, doubled; past what the machine can do it is max",
        ),
        bind(View, &[("Tab", A::NextPanel), ("S-Tab", A::PreviousPanel)], "next, previous panel"),
        bind(View, &[("Enter", A::Zoom)], "the panel on the whole screen, and back"),
        bind(
            View,
            &[
                ("1", A::Toggle(Panel::Losses)),
                ("2", A::Toggle(Panel::Knobs)),
                ("3", A::Toggle(Panel::Layers)),
                ("4", A::Toggle(Panel::Norm)),
                ("5", A::Toggle(Panel::Events)),
                ("6", A::Toggle(Panel::Throughput)),
            ],
            "the panel on and off; without room for it, on the whole screen",
        ),
        bind(
            View,
            &[
                ("Up", A::Up),
                ("Down", A::Down),
                ("Left", A::Left),
                ("Right", A::Right),
                ("k", A::Up),
                ("j", A::Down),
                ("h", A::Left),
                ("l", A::Right),
            ],
            "choose a tensor or a knob, turn the knob, scroll; sideways in a chart",
        ),
        bind(
            View,
            &[("+", A::ZoomIn), ("-", A::ZoomOut), ("=", A::Follow)],
            "charts nearer, further; back to the last step, then to all of the run",
        ),
        bind(View, &[("x", A::Unit)], "charts by step, epoch, wall time, steps since the last edit"),
        bind(View, &[("i", A::Crosshair)], "read values out at a step, which moves sideways"),
        bind(View, &[("y", A::Scale), ("Y", A::StepScale)], "loss, steps on a linear or a logarithmic axis"),
        bind(View, &[("s", A::SmoothLess), ("S", A::SmoothMore)], "smooth the training loss less, more"),
        bind(View, &[("/", A::Filter)], "list the tensors with these letters in their name"),
        bind(View, &[("o", A::Order)], "order of the tensors: the network's, by ‖w‖, change, ‖g‖, upd/w"),
        bind(
            View,
            &[("u", A::NextLens), ("U", A::PreviousLens)],
            "panel 4: norm, budget, rotation, equilibrium, timescale, spectrum, gap, weights",
        ),
        bind(View, &[("e", A::Explain)], "explain the focused panel with its numbers"),
        bind(
            View,
            &[("v", A::Compare), ("d", A::Differences)],
            "compare with recorded sessions; no more of them than what differs",
        ),
        bind(View, &[("f", A::Freeze)], "freeze the charts, and follow again"),
        bind(Program, &[("ctrl-s", A::Export)], "write the recording as csv, jsonl, tensorboard, markdown or svg"),
        bind(Program, &[(":", A::Palette)], "type a command, as set weight_decay@fc1 0.1; Tab completes it"),
        bind(Replay, &[("g", A::GoTo)], "go to a step; sideways goes back and forth by a fiftieth"),
        bind(Replay, &[("'", A::NextEdit)], "go to the next edit"),
        bind(Program, &[("q", A::Quit)], "quit; asks while training"),
        bind(Program, &[("ctrl-c", A::Interrupt)], "twice: quit at once"),
        bind(Program, &[("?", A::Help), ("F1", A::Help)], "this list"),
        bind(Program, &[("Esc", A::Back)], "one layer out; never quits"),
        bind(
            Program,
            &[("M", A::Mouse)],
            "the mouse on and off: wheel, click, drag in a chart; off, the terminal selects",
        ),
        bind(Program, &[("ctrl-l", A::Repaint)], "paint the screen anew"),
        bind(Program, &[("ctrl-z", A::Suspend)], "suspend; training stands still until fg"),
    ]
};

/// The keys as somebody wants them: some do what another does in the table, or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Keys {
    meanings: BTreeMap<String, String>,
}

/// Keys that are a way out; they stay where everybody looks for them.
const FIXED: [&str; 2] = ["ctrl-c", "Esc"];

impl Keys {
    /// Has a key do what another does in the table, or nothing where that is empty. The error is what would be taken.
    pub(super) fn remap(&mut self, key: &str, meaning: &str) -> Result<(), String> {
        if FIXED.contains(&key) {
            return Err("left as it is".into());
        }
        if !is_name(key) {
            let named = NAMED.join(", ");
            return Err(format!("named as a character, ctrl- and a letter, F1 to F12, {named}"));
        }
        if !meaning.is_empty() && !all().any(|(its, _)| *its == meaning) {
            return Err("a key of the README's list, or \"\" for none".into());
        }
        self.meanings.insert(key.to_owned(), meaning.to_owned());
        Ok(())
    }

    /// What a key means while nothing is being typed.
    pub(super) fn action(&self, key: KeyEvent) -> Option<Action> {
        let name = name(key)?;
        let meaning = self.meanings.get(&name).unwrap_or(&name);
        all().find(|(its, _)| its == meaning).map(|(_, action)| *action)
    }

    /// The keys that do what one does in the table: itself, unless it does something else now, and others.
    pub(super) fn names<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        let itself = (!self.meanings.contains_key(key)).then_some(key);
        let others = self.meanings.iter().filter(move |(_, meaning)| *meaning == key);
        itself.into_iter().chain(others.map(|(name, _)| name.as_str()))
    }

    /// Keys of the table, with blanks between them, by the names that they have now.
    pub(super) fn shown(&self, keys: &str) -> String {
        let names: Vec<&str> = keys.split(' ').map(|key| self.names(key).next().unwrap_or("—")).collect();
        names.join(" ")
    }

    /// A binding's keys in a row: `[ ]`.
    pub(super) fn of(&self, binding: &Binding) -> String {
        let names: Vec<&str> = binding.keys.iter().flat_map(|(key, _)| self.names(key)).collect();
        names.join(" ")
    }
}

/// Keys that have a name of more than one letter.
const NAMED: [&str; 17] = [
    "Space",
    "Enter",
    "Tab",
    "S-Tab",
    "Up",
    "Down",
    "Left",
    "Right",
    "PageUp",
    "PageDown",
    "Home",
    "End",
    "Insert",
    "Delete",
    "Backspace",
    "Esc",
    "ctrl-Space",
];

fn is_name(key: &str) -> bool {
    let mut letters = key.strip_prefix("ctrl-").unwrap_or(key).chars();
    let one = matches!((letters.next(), letters.next()), (Some(letter), None) if !letter.is_whitespace());
    let function = key.strip_prefix('F').and_then(|number| number.parse().ok());
    one || NAMED.contains(&key) || function.is_some_and(|number: u8| (1..=12).contains(&number))
}

/// Every key with its action.
fn all() -> impl Iterator<Item = &'static (&'static str, Action)> {
    BINDINGS.iter().flat_map(|binding| binding.keys)
}

/// The list of keys as Markdown, for the README.
pub fn markdown() -> String {
    let mut text = String::new();
    for group in Group::ALL {
        text += &format!("| {} | |\n|---|---|\n", group.title());
        for binding in BINDINGS.iter().filter(|binding| binding.group == group) {
            let keys: Vec<String> = binding.keys.iter().map(|(name, _)| format!("`{name}`")).collect();
            text += &format!("| {} | {} |\n", keys.join(" "), binding.help);
        }
        text.push('\n');
    }
    text
}

/// The name of a key as the table has it; the shift of a character is in the character.
pub(super) fn name(key: KeyEvent) -> Option<String> {
    let named = match key.code {
        KeyCode::Char(' ') => "Space".into(),
        KeyCode::Char(c) => c.to_string(),
        KeyCode::Enter => "Enter".into(),
        KeyCode::Esc => "Esc".into(),
        KeyCode::Tab if key.modifiers.contains(KeyModifiers::SHIFT) => "S-Tab".into(),
        KeyCode::Tab => "Tab".into(),
        KeyCode::BackTab => "S-Tab".into(),
        KeyCode::Up => "Up".into(),
        KeyCode::Down => "Down".into(),
        KeyCode::Left => "Left".into(),
        KeyCode::Right => "Right".into(),
        KeyCode::PageUp => "PageUp".into(),
        KeyCode::PageDown => "PageDown".into(),
        KeyCode::Home => "Home".into(),
        KeyCode::End => "End".into(),
        KeyCode::Insert => "Insert".into(),
        KeyCode::Delete => "Delete".into(),
        KeyCode::Backspace => "Backspace".into(),
        KeyCode::F(number) => format!("F{number}"),
        _ => return None,
    };
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        Some(format!("ctrl-{named}"))
    } else if key.modifiers.contains(KeyModifiers::ALT) {
        None
    } else {
        Some(named)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_key_means_two_things() {
        let mut seen = BTreeSet::new();
        for (key, _) in BINDINGS.iter().flat_map(|binding| binding.keys) {
            assert!(seen.insert(key), "{key} is bound twice");
        }
        assert!(!seen.contains(&"b"), "b is kept for forking");
    }

    #[test]
    fn keys_are_found_by_what_a_terminal_sends() {
        let keys = Keys::default();
        let key = |code, modifiers| keys.action(KeyEvent::new(code, modifiers));
        assert_eq!(key(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Action::Interrupt));
        assert_eq!(key(KeyCode::Char('Z'), KeyModifiers::SHIFT), Some(Action::Redo));
        assert_eq!(key(KeyCode::BackTab, KeyModifiers::SHIFT), Some(Action::PreviousPanel));
        assert_eq!(key(KeyCode::Char(' '), KeyModifiers::NONE), Some(Action::PauseOrResume));
        assert_eq!(key(KeyCode::Char('c'), KeyModifiers::NONE), Some(Action::Snapshot));
        assert_eq!(key(KeyCode::Char('q'), KeyModifiers::ALT), None);
    }

    #[test]
    fn a_key_does_what_another_did_and_is_shown_in_its_place() {
        let mut keys = Keys::default();
        keys.remap("+", "]").unwrap();
        keys.remap("]", "").unwrap();
        keys.remap("F2", "q").unwrap();
        let action = |code| keys.action(KeyEvent::new(code, KeyModifiers::NONE));
        assert_eq!(action(KeyCode::Char('+')), Some(Action::Turn(Which::WeightDecay, 1)));
        assert_eq!((action(KeyCode::Char(']')), action(KeyCode::F(2))), (None, Some(Action::Quit)));
        assert_eq!((keys.shown("[ ]"), keys.shown("q"), keys.shown("+")), ("[ +".into(), "q".into(), "—".into()));
        assert_eq!(keys.names("q").collect::<Vec<_>>(), ["q", "F2"]);
        for (key, meaning) in [("ctrl-c", "q"), ("Esc", ""), ("xx", "q"), ("F13", "q"), ("", "q"), ("x", "b")] {
            assert!(keys.remap(key, meaning).is_err(), "{key} {meaning}");
        }
    }

    #[test]
    fn the_readme_lists_every_key() {
        let text = markdown();
        assert!(BINDINGS.iter().all(|binding| text.contains(binding.help)));
        assert!(text.contains("| `[` `]` | λ less, more"));
    }
}
