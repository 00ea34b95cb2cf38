//! Which sessions are listed or compared, and in which order: `lr<1e-2 and optimizer=adamw`.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use thiserror::Error;

use super::list::{Entry, Listed};

/// Keys that every session has beside its settings.
const KEYS: [&str; 10] =
    ["name", "state", "recipe", "started", "steps", "best_loss", "accuracy", "edits", "size", "note"];

/// A filter or an order that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QueryError {
    /// Something between two `and`s is no comparison.
    #[error("a condition is KEY OPERATOR VALUE with one of = != < <= > >= ~ (contains), got `{0}`")]
    Condition(String),
    /// No session has the key.
    #[error("unknown key `{key}`; there are {known}")]
    Key {
        /// The key.
        key: String,
        /// Those there are.
        known: String,
    },
}

/// Conditions that all hold of a session.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter(Vec<Condition>);

#[derive(Debug, Clone, PartialEq)]
struct Condition {
    key: String,
    operator: Operator,
    value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
}

/// The longer ones first: `<=` is no `<`.
const OPERATORS: [(&str, Operator); 8] = [
    ("!=", Operator::Unequal),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("==", Operator::Equal),
    ("=", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::Greater),
    ("~", Operator::Contains),
];

/// What sessions are sorted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    key: String,
    direction: Direction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

/// Sorts and filters sessions. Without an order they stay as they are.
///
/// # Errors
/// Where a key is none that any of the sessions has.
pub fn select(mut sessions: Vec<Listed>, filter: &Filter, order: Option<&Order>) -> Result<Vec<Listed>, QueryError> {
    let keys = filter.0.iter().map(|condition| &condition.key).chain(order.map(|order| &order.key));
    for key in keys {
        check_key(key, &sessions)?;
    }
    sessions.retain(|session| filter.0.iter().all(|condition| condition.holds(session)));
    if let Some(Order { key, direction }) = order {
        sessions.sort_by(|one, other| match (value(one, key), value(other, key)) {
            // What has no such value comes last in either direction.
            (None, None) => Ordering::Equal,
            (None, _) => Ordering::Greater,
            (_, None) => Ordering::Less,
            (Some(one), Some(other)) => match direction {
                Direction::Up => one.order(&other),
                Direction::Down => other.order(&one),
            },
        });
    }
    Ok(sessions)
}

impl std::str::FromStr for Filter {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        conditions(text).iter().map(|text| Condition::parse(text)).collect::<Result<_, _>>().map(Filter)
    }
}

impl std::str::FromStr for Order {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        Ok(match text.strip_prefix('-') {
            Some(key) => Order { key: key.to_owned(), direction: Direction::Down },
            None => Order { key: text.to_owned(), direction: Direction::Up },
        })
    }
}

/// The text between the `and`s that stand in no quotation marks.
fn conditions(text: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut quoted = false;
    for word in text.split_inclusive(char::is_whitespace) {
        if !quoted && word.trim().eq_ignore_ascii_case("and") {
            found.push(String::new());
        } else if let Some(last) = found.last_mut() {
            quoted ^= word.matches('"').count() % 2 == 1;
            last.push_str(word);
        }
    }
    found
}

impl Condition {
    fn parse(text: &str) -> Result<Condition, QueryError> {
        let wrong = || QueryError::Condition(text.trim().to_owned());
        let at = text.find(['=', '<', '>', '!', '~']).ok_or_else(wrong)?;
        let (key, rest) = (text[..at].trim(), &text[at..]);
        let (sign, operator) = OPERATORS.into_iter().find(|(sign, _)| rest.starts_with(sign)).ok_or_else(wrong)?;
        let value = rest[sign.len()..].trim();
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        if key.is_empty() || value.is_empty() || value.starts_with(['=', '<', '>', '~']) {
            return Err(wrong());
        }
        Ok(Condition { key: key.to_owned(), operator, value: value.to_owned() })
    }

    /// What a session does not have fulfils no condition.
    fn holds(&self, session: &Listed) -> bool {
        let Some(value) = value(session, &self.key) else { return false };
        let wanted = Value::parse(&self.value);
        let order = || match (&value, &wanted) {
            (Value::Number(one), Value::Number(other)) => one.partial_cmp(other),
            _ => Some(value.text().to_lowercase().cmp(&wanted.text().to_lowercase())),
        };
        match self.operator {
            Operator::Equal => order() == Some(Ordering::Equal),
            Operator::Unequal => order() != Some(Ordering::Equal),
            Operator::Less => order() == Some(Ordering::Less),
            Operator::LessOrEqual => matches!(order(), Some(Ordering::Less | Ordering::Equal)),
            Operator::Greater => order() == Some(Ordering::Greater),
            Operator::GreaterOrEqual => matches!(order(), Some(Ordering::Greater | Ordering::Equal)),
            Operator::Contains => value.text().to_lowercase().contains(&self.value.to_lowercase()),
        }
    }
}

/// What a session has under a key.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Number(f64),
    Text(String),
}

impl Value {
    fn parse(text: &str) -> Value {
        let share = text.strip_suffix('%').and_then(|percent| percent.trim().parse::<f64>().ok());
        match share.map(|percent| percent / 100.0).or_else(|| text.parse().ok()) {
            Some(number) => Value::Number(number),
            None => Value::Text(text.to_owned()),
        }
    }

    fn text(&self) -> String {
        match self {
            Value::Number(number) => number.to_string(),
            Value::Text(text) => text.clone(),
        }
    }

    /// Numbers before text, what is not a number behind the others.
    fn order(&self, other: &Value) -> Ordering {
        match (self, other) {
            (Value::Number(one), Value::Number(other)) => one.total_cmp(other),
            (Value::Number(_), Value::Text(_)) => Ordering::Less,
            (Value::Text(_), Value::Number(_)) => Ordering::Greater,
            (Value::Text(one), Value::Text(other)) => one.cmp(other),
        }
    }
}

fn value(session: &Listed, key: &str) -> Option<Value> {
    match key {
        "name" => return Some(Value::Text(session.name.clone())),
        "started" => return Some(Value::Text(session.started.clone())),
        "size" => return Some(Value::Number(session.bytes as f64)),
        _ => {}
    }
    let Entry::Session { state, recipe, steps, best_loss, accuracy, edits, settings, noted, .. } = &session.entry
    else {
        return (key == "state").then(|| Value::Text("damaged".into()));
    };
    match key {
        "state" => Some(Value::Text(state.clone())),
        "recipe" => recipe.clone().map(Value::Text),
        "steps" => Some(Value::Number(*steps as f64)),
        "best_loss" => best_loss.map(|best| Value::Number(best.value)),
        "accuracy" => accuracy.map(|accuracy| Value::Number(accuracy.0)),
        "edits" => Some(Value::Number(*edits as f64)),
        "note" => Some(Value::Text(noted.join("\n"))),
        // `optimizer` is short for `optimizer.name`, `beta1` for `optimizer.hyper.beta1`.
        _ => settings
            .get(key)
            .or_else(|| settings.get(&format!("{key}.name")))
            .or_else(|| {
                settings.iter().find(|(name, _)| name.rsplit(['.', '/']).next() == Some(key)).map(|(_, value)| value)
            })
            .map(|value| Value::parse(value)),
    }
}

/// A key is known where any readable session has it; where there is none to ask, every key is.
fn check_key(key: &str, sessions: &[Listed]) -> Result<(), QueryError> {
    let settings = || {
        sessions.iter().filter_map(|session| match &session.entry {
            Entry::Session { settings, .. } => Some(settings),
            Entry::Trouble { .. } => None,
        })
    };
    if KEYS.contains(&key)
        || settings().next().is_none()
        || sessions.iter().any(|session| value(session, key).is_some())
    {
        return Ok(());
    }
    let others: BTreeSet<&str> = settings().flat_map(|settings| settings.keys().map(String::as_str)).collect();
    let known = KEYS.into_iter().chain(others).collect::<Vec<_>>().join(", ");
    Err(QueryError::Key { key: key.to_owned(), known })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Best, Number};

    fn session(name: &str, lr: &str, optimizer: &str, best: Option<f64>) -> Listed {
        let settings = [("lr", lr), ("optimizer.name", optimizer), ("optimizer.hyper.beta1", "0.9")];
        Listed {
            name: name.into(),
            path: name.into(),
            started: "2026-11-23T15:30:37Z".into(),
            bytes: 1_000,
            entry: Entry::Session {
                state: "finished".into(),
                recipe: Some("demo".into()),
                steps: 7,
                best_loss: best.map(|value| Best { value, step: 3 }),
                accuracy: Some(Number(0.81)),
                edits: 0,
                settings: settings.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
                noted: vec!["before the fix".into()],
                notes: Vec::new(),
            },
        }
    }

    fn sessions() -> Vec<Listed> {
        let trouble = Listed { entry: Entry::Trouble { trouble: "no".into() }, ..session("d", "", "", None) };
        vec![
            session("a", "0.001", "adamw", Some(0.7)),
            session("b", "1e-2", "adamw", None),
            session("c", "0.02", "sgd", Some(0.1)),
            trouble,
        ]
    }

    fn chosen(filter: &str, order: Option<&str>) -> String {
        let order = order.map(|order| order.parse().unwrap());
        let chosen = select(sessions(), &filter.parse().unwrap(), order.as_ref()).unwrap();
        chosen.iter().map(|session| session.name.as_str()).collect()
    }

    #[test]
    fn conditions_compare_numbers_as_numbers_and_text_as_text() {
        for (filter, names) in [
            ("lr<1e-2", "a"),
            ("lr <= 0.01 AND optimizer = AdamW", "ab"),
            ("optimizer!=adamw", "c"),
            ("optimizer.name==sgd", "c"),
            ("beta1 > 0.8 and name ~ B", "b"),
            ("best_loss<0.5", "c"),
            ("accuracy>=81%", "abc"),
            ("state=damaged", "d"),
            ("started>2026-11-24", ""),
            ("note=\"before the fix\" and name=a", "a"),
            ("size>999", "abcd"),
        ] {
            assert_eq!(chosen(filter, None), names, "{filter}");
        }
    }

    #[test]
    fn sessions_are_sorted_either_way_and_what_has_no_value_comes_last() {
        for (order, names) in [("best_loss", "cabd"), ("-best_loss", "acbd"), ("-name", "dcba"), ("lr", "abcd")] {
            assert_eq!(chosen("size>0", Some(order)), names, "{order}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_told_with_what_is_allowed() {
        for text in ["lr", "=3", "lr=", "lr<1 and", "lr<>3", "lr ! 3"] {
            assert!(matches!(text.parse::<Filter>(), Err(QueryError::Condition(_))), "{text}");
        }
        let error = select(sessions(), &"gamma=3".parse().unwrap(), None).unwrap_err().to_string();
        assert!(error.starts_with("unknown key `gamma`; there are name, state,") && error.contains("lr"), "{error}");
        assert_eq!(select(Vec::new(), &"gamma=3".parse().unwrap(), None), Ok(Vec::new()));
    }
}
