//! The little of YAML that settings are written in: `key: value` lines, nested by indentation.

use std::collections::BTreeMap;

/// Values by dotted key. Lists, anchors and texts of several lines are passed over.
pub(super) fn read(text: &str) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    let mut path: Vec<(usize, String)> = Vec::new();
    for line in text.lines() {
        let trimmed = line.trim_start();
        let indent = line.len() - trimmed.len();
        let Some((key, value)) = trimmed.split_once(':').filter(|_| !trimmed.starts_with(['#', '-'])) else { continue };
        let (key, value) = (unquoted(key), value.split(" #").next().unwrap_or_default().trim());
        path.retain(|(depth, _)| *depth < indent);
        if value.is_empty() {
            path.push((indent, key));
        } else if !value.starts_with(['|', '>', '&', '*', '!']) {
            let parents = path.iter().map(|(_, name)| name.as_str());
            settings.insert(parents.chain([key.as_str()]).collect::<Vec<_>>().join("."), unquoted(value));
        }
    }
    settings
}

fn unquoted(text: &str) -> String {
    let text = text.trim();
    let inner = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('\'').or_else(|| inner('"')).unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_by_dotted_key() {
        let text = "lr: 0.001\noptimizer:\n  name: 'adamw'  # the rule\n  betas:\n  - 0.9\nseed: 1\n# no\nempty:\n";
        let read: Vec<_> = read(text).into_iter().collect();
        let expected = [("lr", "0.001"), ("optimizer.name", "adamw"), ("seed", "1")];
        assert_eq!(read, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }
}
