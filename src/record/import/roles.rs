//! Which columns of another tool are the losses and accuracies that are compared.

use super::table::Table;
use crate::record::Roles;

/// Prefixes of the validation set's metrics.
const VALIDATION: [&str; 6] = ["val", "valid", "validation", "eval", "dev", "test"];
/// Prefixes of the training set's; without one a loss is the training loss.
const TRAINING: [&str; 4] = ["train", "training", "batch", ""];
const LOSS: [&str; 2] = ["loss", "loss_epoch"];
const ACCURACY: [&str; 3] = ["accuracy", "acc", "acc_epoch"];

/// The columns that were named, and those whose names tell.
///
/// # Errors
/// Where a column that was named is not there, or is no share of correct answers.
pub(super) fn resolve(table: &Table, named: &Roles) -> Result<Roles, String> {
    let losses = |column: &str| table.columns.iter().any(|known| known == column);
    let shares = |column: &str| losses(column) && is_share(table, column);
    Ok(Roles {
        validation_loss: choose(table, &named.validation_loss, &VALIDATION, &LOSS, &losses)?,
        validation_accuracy: choose(table, &named.validation_accuracy, &VALIDATION, &ACCURACY, &shares)?,
        training_loss: choose(table, &named.training_loss, &TRAINING, &LOSS, &losses)?,
        training_accuracy: choose(table, &named.training_accuracy, &TRAINING, &ACCURACY, &shares)?,
    })
}

fn choose(
    table: &Table,
    named: &Option<String>,
    sets: &[&str],
    metrics: &[&str],
    fits: &dyn Fn(&str) -> bool,
) -> Result<Option<String>, String> {
    if let Some(named) = named {
        return match table.columns.contains(named) {
            true if fits(named) => Ok(Some(named.clone())),
            true => Err(format!("an accuracy must be a share from 0 to 1, column `{named}` has other values")),
            false => Err(format!("it has no column `{named}`; it has {}", table.columns.join(", "))),
        };
    }
    let plain = |name: &str| name.to_lowercase().replace(['/', '-', '.', ' '], "_");
    let both_ways = sets
        .iter()
        .flat_map(|set| metrics.iter().flat_map(move |metric| [format!("{set}_{metric}"), format!("{metric}_{set}")]));
    let mut names = both_ways.map(|name| name.trim_matches('_').to_owned());
    Ok(names.find_map(|name| table.columns.iter().find(|column| plain(column) == name && fits(column)).cloned()))
}

/// Whether all values of a column are from 0 to 1: percentages are not what ours are compared with.
fn is_share(table: &Table, column: &str) -> bool {
    let at = table.columns.iter().position(|known| known == column);
    let values = table.rows.iter().flat_map(|row| &row.values).filter(|(column, _)| Some(*column) == at);
    values.into_iter().all(|(_, value)| value.is_nan() || (0.0..=1.0).contains(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::import::table::Weave;

    fn resolved(columns: &[(&str, f64)], named: &Roles) -> Result<Roles, String> {
        let mut weave = Weave::default();
        columns.iter().for_each(|(name, value)| weave.add((*name).into(), [(0, 0.0, *value)]));
        resolve(&weave.finish(0.0), named)
    }

    #[test]
    fn the_usual_names_are_understood_and_percentages_are_not_shares() {
        let roles = |columns: &[(&str, f64)]| {
            let roles = resolved(columns, &Roles::default()).unwrap();
            let all = [roles.validation_loss, roles.validation_accuracy, roles.training_loss, roles.training_accuracy];
            all.map(|role| role.unwrap_or_default()).join(" ")
        };
        assert_eq!(roles(&[("train_loss", 1.0), ("val_loss", 1.0), ("val_acc", 0.5)]), "val_loss val_acc train_loss ");
        assert_eq!(roles(&[("loss", 1.0), ("Validation/Accuracy", 91.0), ("acc", 0.1)]), "  loss acc");
        assert_eq!(roles(&[("eval/loss", f64::NAN), ("loss/valid", 1.0)]), "loss/valid   ");
        assert_eq!(roles(&[("perplexity", 1.0)]), "   ");
    }

    #[test]
    fn a_column_that_was_named_must_be_there_and_fit() {
        let named = |name: &str| Roles { validation_accuracy: Some(name.into()), ..Roles::default() };
        let columns = [("top1", 0.9), ("top5", 99.0)];
        assert_eq!(resolved(&columns, &named("top1")).unwrap(), named("top1"));
        assert!(resolved(&columns, &named("top5")).unwrap_err().contains("share from 0 to 1"));
        assert_eq!(resolved(&columns, &named("top2")).unwrap_err(), "it has no column `top2`; it has top1, top5");
    }
}
