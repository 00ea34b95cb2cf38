//! From the cells of a table to numbers: categories become columns of 0 and 1, a target becomes classes or values.

use std::collections::BTreeSet;
use std::path::PathBuf;

use csv::StringRecord;

use super::{Cell, Table, TableError};
use crate::data::draft::{Column, Draft, DraftInputs, DraftTargets, Loaded};
use crate::data::{MOST_CLASSES, MOST_VALUES, file};
use crate::stream::{DataConfig, Missing, Task};

/// More categories than this in a column are taken for an identifier or a date.
const MOST_CATEGORIES: usize = 256;

/// What the cells of a column are in all tables.
#[derive(Debug, Clone, Default)]
struct Survey {
    /// A line with a number.
    numbers: bool,
    /// Whether the numbers are whole and could be those of classes.
    countable: bool,
    /// The first text and where it stands.
    text: Option<(PathBuf, u64, String)>,
}

/// What becomes of a column.
#[derive(Debug)]
enum Plan {
    Number,
    /// Its texts in order.
    Categories(Vec<String>),
}

/// What becomes of the targets.
#[derive(Debug)]
enum TargetPlan {
    Values,
    /// Texts in order.
    Named(Vec<String>),
    /// Numbers in order.
    Numbered(Vec<f64>),
}

/// Where things stand in one table; the order of inputs is the first table's.
struct Places {
    inputs: Vec<usize>,
    targets: Vec<usize>,
}

/// Turns a table, and one of validation rows where there is one, into samples.
///
/// Categories and classes are those of both tables, so that a row of either has a place.
///
/// # Errors
/// [`TableError`]
pub fn encode(train: &Table, validation: Option<&Table>, config: &DataConfig) -> Result<Loaded, TableError> {
    let tables: Vec<&Table> = [train].into_iter().chain(validation).collect();
    let (inputs, targets) = choose(train, config)?;
    let places: Vec<Places> = tables
        .iter()
        .map(|table| {
            let places = |names: &[String]| names.iter().map(|name| table.column(name)).collect::<Result<_, _>>();
            Ok(Places { inputs: places(&inputs)?, targets: places(&targets)? })
        })
        .collect::<Result<_, TableError>>()?;

    let used: Vec<String> = inputs.iter().chain(&targets).cloned().collect();
    let surveys = survey(&tables, &used, config.missing)?;
    let (of_inputs, of_targets) = surveys.split_at(inputs.len());
    let plans = inputs
        .iter()
        .zip(of_inputs)
        .map(|(name, survey)| match &survey.text {
            None => Ok(Plan::Number),
            Some((path, line, text)) if survey.numbers => {
                let (path, column, text) = (path.clone(), name.clone(), text.clone());
                Err(TableError::Mixed { path, line: *line, column, text })
            }
            Some(_) => {
                Ok(Plan::Categories(distinct(&tables, &places, name, config.missing, MOST_CATEGORIES, |most| {
                    TableError::Categories { path: train.path.clone(), column: name.clone(), most }
                })?))
            }
        })
        .collect::<Result<Vec<Plan>, TableError>>()?;
    let target = plan_target(&tables, &places, &targets, of_targets, config)?;

    let mut left_out = 0;
    let mut drafts = Vec::new();
    for (table, places) in tables.iter().zip(&places) {
        let (draft, dropped) = fill(table, places, &plans, &target, config.missing)?;
        left_out += dropped;
        drafts.push(draft);
    }
    let mut drafts = drafts.into_iter();
    let empty = || TableError::NoRows(train.path.clone());
    Ok(Loaded {
        title: file::title(&train.path),
        train: drafts.next().ok_or_else(empty)?,
        validation: drafts.next(),
        classes: match target {
            TargetPlan::Values => Vec::new(),
            TargetPlan::Named(names) => names,
            TargetPlan::Numbered(numbers) => numbers.iter().map(f64::to_string).collect(),
        },
        left_out,
    })
}

/// The names of the input and the target columns.
fn choose(table: &Table, config: &DataConfig) -> Result<(Vec<String>, Vec<String>), TableError> {
    let path = || table.path.clone();
    if config.target.is_empty() {
        return Err(TableError::NoTarget { path: path(), columns: table.columns.clone() });
    }
    config.target.iter().chain(&config.ignore).try_for_each(|name| table.column(name).map(drop))?;
    if let Some(column) = config.target.iter().find(|name| config.ignore.contains(name)) {
        return Err(TableError::Both { path: path(), column: column.clone() });
    }
    let is_input = |name: &&String| !config.target.contains(name) && !config.ignore.contains(name);
    let inputs: Vec<String> = table.columns.iter().filter(is_input).cloned().collect();
    let unnamed = |name: &String| table.columns.iter().position(|column| column == name).map_or(0, |at| at + 1);
    if let Some(name) = inputs.iter().find(|name| **name == format!("#{}", unnamed(name))) {
        return Err(TableError::Unnamed { path: path(), column: unnamed(name) });
    }
    if inputs.is_empty() {
        return Err(TableError::NoInputs { path: path(), targets: config.target.clone() });
    }
    Ok((inputs, config.target.clone()))
}

/// Walks all tables: what each used column holds.
fn survey(tables: &[&Table], used: &[String], missing: Missing) -> Result<Vec<Survey>, TableError> {
    let mut surveys = vec![Survey { countable: true, ..Survey::default() }; used.len()];
    for table in tables {
        let columns: Vec<usize> = used.iter().map(|name| table.column(name)).collect::<Result<_, _>>()?;
        table.rows(|line, record| {
            for (&column, survey) in columns.iter().zip(&mut surveys) {
                match table.cell(line, record, column)? {
                    Cell::Missing if missing == Missing::Error => {
                        let (path, column) = (table.path.clone(), table.columns[column].clone());
                        return Err(TableError::Missing { path, line, column });
                    }
                    Cell::Missing => {}
                    Cell::Number(number) => {
                        survey.numbers = true;
                        survey.countable &= number.fract() == 0.0 && (0.0..MOST_CLASSES as f64).contains(&number);
                    }
                    Cell::Text(text) if survey.text.is_none() => {
                        survey.text = Some((table.path.clone(), line, text.to_owned()));
                    }
                    Cell::Text(_) => {}
                }
            }
            Ok(())
        })?;
    }
    Ok(surveys)
}

/// Whether a row is left out: for any gap, or for one in its targets.
fn is_left_out(table: &Table, places: &Places, line: u64, record: &StringRecord, missing: Missing) -> bool {
    let gap = |&column: &usize| matches!(table.cell(line, record, column), Ok(Cell::Missing));
    places.targets.iter().any(gap) || missing == Missing::Drop && places.inputs.iter().any(gap)
}

/// The different cells of a column, in order, of rows that are not left out.
fn distinct(
    tables: &[&Table],
    places: &[Places],
    name: &str,
    missing: Missing,
    most: usize,
    too_many: impl Fn(usize) -> TableError,
) -> Result<Vec<String>, TableError> {
    let mut texts = BTreeSet::new();
    for (table, places) in tables.iter().zip(places) {
        let column = table.column(name)?;
        table.rows(|line, record| {
            let is_missing = table.cell(line, record, column)? == Cell::Missing;
            let text = record.get(column).unwrap_or_default();
            if !is_missing && !texts.contains(text) && !is_left_out(table, places, line, record, missing) {
                texts.insert(text.to_owned());
            }
            if texts.len() > most { Err(too_many(most)) } else { Ok(()) }
        })?;
    }
    Ok(texts.into_iter().collect())
}

fn plan_target(
    tables: &[&Table],
    places: &[Places],
    targets: &[String],
    surveys: &[Survey],
    config: &DataConfig,
) -> Result<TargetPlan, TableError> {
    let path = || tables[0].path.clone();
    let text = targets.iter().zip(surveys).find_map(|(name, survey)| Some((name, survey.text.as_ref()?)));
    let classes = |name: &str| {
        let too_many = |most| TableError::Classes { path: path(), column: name.to_owned(), most };
        distinct(tables, places, name, config.missing, MOST_CLASSES, too_many)
    };
    match (config.task, targets, text) {
        (Some(Task::Values), _, Some((name, (path, line, text)))) => {
            let (path, column, text) = (path.clone(), name.clone(), text.clone());
            Err(TableError::Text { path, line: *line, column, text })
        }
        (Some(Task::Values), _, None) => Ok(TargetPlan::Values),
        (None, [_, _, ..], None) => Ok(TargetPlan::Values),
        (_, [_, _, ..], _) => Err(TableError::ClassColumns { path: path(), count: targets.len() }),
        (None, _, Some((name, (path, line, text)))) if surveys[0].numbers => {
            let (path, column, text) = (path.clone(), name.clone(), text.clone());
            Err(TableError::Mixed { path, line: *line, column, text })
        }
        (_, _, Some((name, _))) => Ok(TargetPlan::Named(classes(name)?)),
        (Some(Task::Classes), [name, ..], None) => Ok(TargetPlan::Numbered(in_order(&classes(name)?))),
        (None, [name, ..], None) if surveys[0].countable => {
            let numbers = in_order(&classes(name)?);
            // 0, 1, 2, … without a gap are the numbers of classes; anything else counts or measures something.
            let gapless = numbers.iter().enumerate().all(|(at, &number)| number == at as f64);
            Ok(if gapless && numbers.len() > 1 { TargetPlan::Numbered(numbers) } else { TargetPlan::Values })
        }
        (None, _, None) => Ok(TargetPlan::Values),
        (Some(Task::Classes), [], None) => Err(TableError::NoTarget { path: path(), columns: Vec::new() }),
    }
}

/// Different numbers in order; `1` and `1.0` are one.
fn in_order(texts: &[String]) -> Vec<f64> {
    let mut numbers: Vec<f64> =
        texts.iter().filter_map(|text| text.parse().ok()).map(|number: f64| number + 0.0).collect();
    numbers.sort_by(f64::total_cmp);
    numbers.dedup();
    numbers
}

/// One table's samples, and how many rows were left out.
fn fill(
    table: &Table,
    places: &Places,
    plans: &[Plan],
    target: &TargetPlan,
    missing: Missing,
) -> Result<(Draft, usize), TableError> {
    let columns: Vec<Column> = plans
        .iter()
        .flat_map(|plan| match plan {
            Plan::Number => vec![Column::Number],
            Plan::Categories(texts) => vec![Column::Category; texts.len()],
        })
        .collect();
    let (width, mut rows, mut left_out) = (columns.len(), 0, 0);
    let (mut values, mut classes, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
    table.rows(|line, record| {
        if is_left_out(table, places, line, record, missing) {
            left_out += 1;
            return Ok(());
        }
        rows += 1;
        if rows.max(1) * width > MOST_VALUES {
            return Err(TableError::TooLarge { path: table.path.clone(), rows, width, most: MOST_VALUES });
        }
        for (&column, plan) in places.inputs.iter().zip(plans) {
            match (plan, table.cell(line, record, column)?) {
                (Plan::Number, Cell::Number(number)) => values.push(number),
                (Plan::Number, _) => values.push(f64::NAN),
                (Plan::Categories(texts), Cell::Missing) => values.extend(texts.iter().map(|_| f64::NAN)),
                (Plan::Categories(texts), _) => {
                    let text = record.get(column).unwrap_or_default();
                    values.extend(texts.iter().map(|own| f64::from(u8::from(own == text))));
                }
            }
        }
        for &column in &places.targets {
            match (target, table.cell(line, record, column)?) {
                (TargetPlan::Named(names), _) => {
                    let text = record.get(column).unwrap_or_default();
                    classes.push(names.partition_point(|name| name.as_str() < text) as u32);
                }
                (TargetPlan::Numbered(all), Cell::Number(number)) => {
                    classes.push(all.partition_point(|&own| own < number) as u32);
                }
                (_, Cell::Number(number)) => numbers.push(number),
                (_, Cell::Missing | Cell::Text(_)) => numbers.push(f64::NAN),
            }
        }
        Ok(())
    })?;
    if width == 0 {
        // Categories alone, none of which is in a row that stays.
        return Err(TableError::AllMissing(table.path.clone()));
    }
    if rows == 0 {
        let path = table.path.clone();
        return Err(if left_out > 0 { TableError::AllMissing(path) } else { TableError::NoRows(path) });
    }
    let targets = match target {
        TargetPlan::Values => DraftTargets::Values(places.targets.len(), numbers),
        _ => DraftTargets::Classes(classes),
    };
    Ok((Draft { inputs: DraftInputs::Floats(values, columns), sizes: vec![width], targets }, left_out))
}
