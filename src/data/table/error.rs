//! What can be wrong with a table.

use std::path::PathBuf;

use thiserror::Error;

use crate::data::file::FileError;

/// What can be wrong with a table.
#[derive(Debug, Error)]
pub enum TableError {
    /// Not there, or not readable.
    #[error(transparent)]
    File(#[from] FileError),
    /// Without a line.
    #[error("{} is empty: its first line must name the columns", .0.display())]
    Empty(PathBuf),
    /// Without a row.
    #[error("{} has no rows below the names of its columns", .0.display())]
    NoRows(PathBuf),
    /// It has bytes that no text has.
    #[error("{} is no text: it has a zero byte", .0.display())]
    NoText(PathBuf),
    /// A row in another encoding.
    #[error("{}, line {line} is no UTF-8 text", path.display())]
    NoUtf8 {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
    },
    /// A row that the parser refuses.
    #[error("{}: {problem}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// The parser's words.
        problem: String,
    },
    /// Numbers in place of names.
    #[error("{}: the first line must name the columns, it starts with the number {first}", path.display())]
    NoHeader {
        /// The file.
        path: PathBuf,
        /// The first number.
        first: String,
    },
    /// A name twice.
    #[error("{}: two columns are named `{column}`", path.display())]
    Twice {
        /// The file.
        path: PathBuf,
        /// The name.
        column: String,
    },
    /// A column without a name that was not left out.
    #[error(
        "{}: column {column} has no name, as the row numbers that pandas writes have none: give it one, or leave it out with --ignore '#{column}'",
        path.display()
    )]
    Unnamed {
        /// The file.
        path: PathBuf,
        /// Its place, from 1.
        column: usize,
    },
    /// A row of another length.
    #[error("{}, line {line} has {got} cell{} where the first line has {want}", path.display(), if *got == 1 { "" } else { "s" })]
    Ragged {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// Cells in the row.
        got: u64,
        /// Columns.
        want: u64,
    },
    /// No column has that name.
    #[error("{} has no column `{column}`: it has {}", path.display(), listed(columns))]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// The name.
        column: String,
        /// Those there are.
        columns: Vec<String>,
    },
    /// Nobody said what to predict.
    #[error("{}: which column is to be predicted? choose with --target: {}", path.display(), listed(columns))]
    NoTarget {
        /// The file.
        path: PathBuf,
        /// Those there are.
        columns: Vec<String>,
    },
    /// A series is one column.
    #[error("{}: a series is one column of numbers, choose one with --target: {}", path.display(), listed(columns))]
    OneColumn {
        /// The file.
        path: PathBuf,
        /// Those there are.
        columns: Vec<String>,
    },
    /// A column is to be predicted and left out.
    #[error("{}: column `{column}` cannot be both --target and --ignore", path.display())]
    Both {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
    },
    /// Nothing is left to predict from.
    #[error("{} has no column left to predict {} from", path.display(), targets.join(", "))]
    NoInputs {
        /// The file.
        path: PathBuf,
        /// What is to be predicted.
        targets: Vec<String>,
    },
    /// A cell without a value.
    #[error(
        "{}, line {line}: column `{column}` has no value: --missing drop leaves such rows out, --missing mean fills in the mean",
        path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// The column.
        column: String,
    },
    /// Every row has a gap.
    #[error("{}: every row has a missing value, none is left", .0.display())]
    AllMissing(PathBuf),
    /// A number that f32 does not hold.
    #[error("{}, line {line}: column `{column}` has `{text}`, which is not a finite number below 3.4e38", path.display())]
    Number {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// The column.
        column: String,
        /// The cell.
        text: String,
    },
    /// Text in place of a number.
    #[error("{}, line {line}: column `{column}` has the text `{text}` where a number is needed", path.display())]
    Text {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// The column.
        column: String,
        /// The cell.
        text: String,
    },
    /// Text among numbers.
    #[error(
        "{}, line {line}: column `{column}` has the text `{text}` among numbers: mend it, or leave the column out with --ignore",
        path.display()
    )]
    Mixed {
        /// The file.
        path: PathBuf,
        /// The first line with text.
        line: u64,
        /// The column.
        column: String,
        /// The cell.
        text: String,
    },
    /// More categories than can be meant.
    #[error(
        "{}: column `{column}` has more than {most} different texts, each of which would be an input: leave it out with --ignore",
        path.display()
    )]
    Categories {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// How many there may be.
        most: usize,
    },
    /// More classes than can be meant.
    #[error("{}: column `{column}` has more than {most} different classes: --task values predicts a number", path.display())]
    Classes {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// How many there may be.
        most: usize,
    },
    /// One class is several columns' worth.
    #[error("{}: classes stand in one column, --target names {count}", path.display())]
    ClassColumns {
        /// The file.
        path: PathBuf,
        /// Columns named.
        count: usize,
    },
    /// More values than can be meant.
    #[error("{}: {rows} rows of {width} inputs are more than the {most} values there is room for", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Rows.
        rows: usize,
        /// Inputs, each category one.
        width: usize,
        /// How many there may be.
        most: usize,
    },
}

/// Names in a message: not more of them than fit on a line or two.
fn listed(names: &[String]) -> String {
    const MOST: usize = 20;
    match names.len() {
        0..=MOST => names.join(", "),
        len => format!("{} and {} more", names[..MOST].join(", "), len - MOST),
    }
}
