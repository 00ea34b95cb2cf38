//! CSV and TSV: a table whose first line names its columns.
//!
//! The file's bytes stay as they are and are walked several times: what a column holds is known only at its end, and
//! cells as strings of their own would take many times the file's size.

mod encode;
mod error;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use csv::{ErrorKind, ReaderBuilder, StringRecord, Trim};

pub use encode::encode;
pub use error::TableError;

use super::file;

/// A table in memory.
#[derive(Debug)]
pub struct Table {
    /// Where it is from, for messages.
    pub path: PathBuf,
    /// The columns' names; `#3` for the third where it has none.
    pub columns: Vec<String>,
    bytes: Vec<u8>,
    delimiter: u8,
}

/// A cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    Missing,
    Number(f64),
    Text(&'a str),
}

impl<'a> Cell<'a> {
    /// What a cell's text means. `None` is a number beyond f32, in which networks compute.
    pub fn read(text: &'a str) -> Option<Cell<'a>> {
        const MISSING: [&str; 6] = ["na", "n/a", "nan", "null", "none", "?"];
        let is_missing = |text: &str| MISSING.iter().any(|word| text.eq_ignore_ascii_case(word));
        match text.parse::<f64>() {
            _ if text.is_empty() || is_missing(text) => Some(Cell::Missing),
            Ok(number) if (number as f32).is_finite() => Some(Cell::Number(number)),
            Ok(_) => None,
            Err(_) => Some(Cell::Text(text)),
        }
    }
}

impl Table {
    /// Reads a file: commas, or semicolons where the first line has more of them; tabs where its name ends with
    /// `.tsv`.
    ///
    /// # Errors
    /// [`TableError`]
    pub fn open(path: &Path) -> Result<Table, TableError> {
        Table::new(path, file::read(path)?)
    }

    /// The same from memory; the path is for messages and the delimiter.
    pub fn new(path: &Path, mut bytes: Vec<u8>) -> Result<Table, TableError> {
        if bytes.starts_with(b"\xef\xbb\xbf") {
            bytes.drain(..3);
        }
        if bytes.contains(&0) {
            return Err(TableError::NoText(path.into()));
        }
        let first = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let count = |delimiter: u8| first.iter().filter(|&&byte| byte == delimiter).count();
        let delimiter = match file::ending(path).as_str() {
            "tsv" => b'\t',
            _ if count(b';') > count(b',') => b';',
            _ => b',',
        };
        let mut table = Table { path: path.into(), columns: Vec::new(), bytes, delimiter };
        table.columns = table.read_names()?;
        Ok(table)
    }

    fn read_names(&self) -> Result<Vec<String>, TableError> {
        let mut reader = self.reader();
        let header = reader.headers().map_err(|error| self.wrong(&error))?;
        if header.is_empty() {
            return Err(TableError::Empty(self.path.clone()));
        }
        if header.iter().all(|name| name.parse::<f64>().is_ok()) {
            let first = header.iter().next().unwrap_or_default().to_owned();
            return Err(TableError::NoHeader { path: self.path.clone(), first });
        }
        let name = |(at, name): (usize, &str)| if name.is_empty() { format!("#{}", at + 1) } else { name.to_owned() };
        let names: Vec<String> = header.iter().enumerate().map(name).collect();
        let mut seen = BTreeSet::new();
        match names.iter().find(|name| !seen.insert(name.as_str())) {
            Some(twice) => Err(TableError::Twice { path: self.path.clone(), column: twice.clone() }),
            None => Ok(names),
        }
    }

    /// The place of a column.
    ///
    /// # Errors
    /// [`TableError::NoColumn`], listing those there are.
    pub fn column(&self, name: &str) -> Result<usize, TableError> {
        self.columns.iter().position(|column| column == name).ok_or_else(|| TableError::NoColumn {
            path: self.path.clone(),
            column: name.to_owned(),
            columns: self.columns.clone(),
        })
    }

    /// Shows every row with its line in the file, counted from 1.
    ///
    /// # Errors
    /// A row that is not one, or what `show` says.
    pub fn rows(&self, mut show: impl FnMut(u64, &StringRecord) -> Result<(), TableError>) -> Result<(), TableError> {
        let mut reader = self.reader();
        let mut record = StringRecord::new();
        reader.headers().map_err(|error| self.wrong(&error))?;
        let mut start = reader.position().byte();
        // Counted here: the reader takes the empty lines before a record for a part of it.
        let mut line = 1 + self.lines(0, start);
        let gap = StringRecord::from(vec![""]);
        while reader.read_record(&mut record).map_err(|error| self.wrong(&error))? {
            let end = reader.position().byte();
            let blank = self.bytes[start as usize..end as usize].iter().take_while(|byte| b"\r\n".contains(byte));
            let blank = blank.filter(|&&byte| byte == b'\n').count() as u64;
            if self.columns.len() == 1 {
                // In a table of one column an empty line is a row whose value is missing.
                (line..line + blank).try_for_each(|line| show(line, &gap))?;
            }
            show(line + blank, &record)?;
            line += self.lines(start, end);
            start = end;
        }
        Ok(())
    }

    /// The cell of a row in a column.
    ///
    /// # Errors
    /// [`TableError::Number`]
    pub fn cell<'a>(&self, line: u64, record: &'a StringRecord, column: usize) -> Result<Cell<'a>, TableError> {
        let text = record.get(column).unwrap_or_default();
        Cell::read(text).ok_or_else(|| TableError::Number {
            path: self.path.clone(),
            line,
            column: self.columns[column].clone(),
            text: text.to_owned(),
        })
    }

    fn reader(&self) -> csv::Reader<&[u8]> {
        ReaderBuilder::new().delimiter(self.delimiter).trim(Trim::All).from_reader(self.bytes.as_slice())
    }

    fn lines(&self, start: u64, end: u64) -> u64 {
        self.bytes[start as usize..end as usize].iter().filter(|&&byte| byte == b'\n').count() as u64
    }

    fn wrong(&self, error: &csv::Error) -> TableError {
        let path = self.path.clone();
        let position = error.position().map_or(0, |position| position.byte());
        // Behind the empty lines that the reader counts to a record.
        let rest = &self.bytes[(position as usize).min(self.bytes.len())..];
        let blank = rest.iter().take_while(|byte| b"\r\n".contains(byte)).filter(|&&byte| byte == b'\n').count();
        let line = 1 + self.lines(0, position.min(self.bytes.len() as u64)) + blank as u64;
        match error.kind() {
            ErrorKind::UnequalLengths { expected_len, len, .. } => {
                TableError::Ragged { path, line, got: *len, want: *expected_len }
            }
            ErrorKind::Utf8 { .. } => TableError::NoUtf8 { path, line },
            _ => TableError::Broken { path, problem: error.to_string() },
        }
    }
}

/// The values of one column of a table in the order of its rows, NaN where one is missing: a series.
///
/// # Errors
/// [`TableError`]: no such column, several that it could be, or text in it.
pub fn read_series(table: &Table, target: &[String]) -> Result<Vec<f64>, TableError> {
    let column = match target {
        [name] => table.column(name)?,
        [] => only_numeric(table)?,
        _ => return Err(TableError::OneColumn { path: table.path.clone(), columns: table.columns.clone() }),
    };
    let mut values = Vec::new();
    table.rows(|line, record| {
        values.push(match table.cell(line, record, column)? {
            Cell::Missing => f64::NAN,
            Cell::Number(number) => number,
            Cell::Text(text) => {
                let (path, column, text) = (table.path.clone(), table.columns[column].clone(), text.to_owned());
                return Err(TableError::Text { path, line, column, text });
            }
        });
        Ok(())
    })?;
    if values.is_empty() { Err(TableError::NoRows(table.path.clone())) } else { Ok(values) }
}

fn only_numeric(table: &Table) -> Result<usize, TableError> {
    let mut numeric = vec![true; table.columns.len()];
    table.rows(|line, record| {
        for (column, numeric) in numeric.iter_mut().enumerate() {
            // One that is no number of f32's is not a date, and is told once the column is read.
            *numeric = *numeric && !matches!(table.cell(line, record, column), Ok(Cell::Text(_)));
        }
        Ok(())
    })?;
    let mut found = (0..numeric.len()).filter(|&column| numeric[column]);
    match (found.next(), found.next()) {
        (Some(column), None) => Ok(column),
        _ => Err(TableError::OneColumn { path: table.path.clone(), columns: table.columns.clone() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Result<Table, TableError> {
        Table::new(Path::new("t.csv"), text.as_bytes().to_vec())
    }

    fn message<T: std::fmt::Debug>(result: Result<T, TableError>) -> String {
        let message = result.unwrap_err().to_string();
        assert!(!message.contains('\n') && message.starts_with("t."), "{message}");
        message
    }

    fn lines(table: &Table) -> Vec<(u64, Vec<String>)> {
        let mut rows = Vec::new();
        let row = |line, record: &StringRecord| {
            rows.push((line, record.iter().map(str::to_owned).collect()));
            Ok(())
        };
        table.rows(row).unwrap();
        rows
    }

    #[test]
    fn commas_semicolons_and_tabs_are_told_apart() {
        assert_eq!(table("a,b\n1,2\n").unwrap().columns, ["a", "b"]);
        assert_eq!(table("a;b;c,d\n1;2;3\n").unwrap().columns, ["a", "b", "c,d"]);
        assert_eq!(table("\u{feff}a;b\r\n1;2\r\n").unwrap().columns, ["a", "b"]);
        let tabs = Table::new(Path::new("t.tsv"), b"a,x\tb\n1\t2\n".to_vec()).unwrap();
        assert_eq!(tabs.columns, ["a,x", "b"]);
    }

    #[test]
    fn rows_know_their_lines() {
        let table = table("a,b\n1,2\n\n\r\n\"x\ny\", 3 \n4,5").unwrap();
        let rows = lines(&table);
        assert_eq!(rows.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 5, 7]);
        assert_eq!(rows[1].1, ["x\ny", "3"]);
    }

    #[test]
    fn an_empty_line_of_a_single_column_is_a_missing_value() {
        let values = read_series(&table("v\n1\n\n\n2\nNA\n3\n").unwrap(), &[]).unwrap();
        assert_eq!(format!("{values:?}"), "[1.0, NaN, NaN, 2.0, NaN, 3.0]");
        let message = message(read_series(&table("v\n1\n\nx\n").unwrap(), &["v".into()]));
        assert_eq!(message, "t.csv, line 4: column `v` has the text `x` where a number is needed");
    }

    #[test]
    fn cells_are_missing_numbers_or_text() {
        for missing in ["", "NA", "nan", "NaN", "NULL", "n/a", "?", "None"] {
            assert_eq!(Cell::read(missing), Some(Cell::Missing), "{missing}");
        }
        assert_eq!(Cell::read("-1.5e3"), Some(Cell::Number(-1500.0)));
        assert_eq!(Cell::read("1,5"), Some(Cell::Text("1,5")));
        for beyond in ["inf", "-Infinity", "1e39", "-1e400"] {
            assert_eq!(Cell::read(beyond), None, "{beyond}");
        }
    }

    #[test]
    fn what_is_no_table_is_told_with_its_line() {
        for (text, part) in [
            ("", "t.csv is empty"),
            ("\n\n", "t.csv is empty"),
            ("1,2\n3,4\n", "the first line must name the columns, it starts with the number 1"),
            ("a,a\n", "two columns are named `a`"),
            ("a,b\n1\n", "line 2 has 1 cell where the first line has 2"),
            ("a,b\n1,2\n\n1,2,3\n", "line 4 has 3 cells"),
            ("a,b\n\"1,2\n3,4\n", "line 2 has 1 cell"),
            ("a\0b", "is no text"),
        ] {
            let read = table(text).and_then(|table| table.rows(|_, _| Ok(())));
            let message = message(read);
            assert!(message.contains(part), "{message}");
        }
        let broken = Table::new(Path::new("t.csv"), b"a,b\n1,2\n\xff\xfe,3\n".to_vec()).unwrap();
        assert_eq!(message(broken.rows(|_, _| Ok(()))), "t.csv, line 3 is no UTF-8 text");
    }

    #[test]
    fn the_series_is_the_named_column_or_the_only_one_of_numbers() {
        let text = "date,x\n2020-01,1\n2020-02,\n2020-03,3\n";
        let values = read_series(&table(text).unwrap(), &[]).unwrap();
        assert!(values[0] == 1.0 && values[1].is_nan() && values[2] == 3.0);
        assert!(message(read_series(&table("a,b\n1,2\n").unwrap(), &[])).contains("choose one with --target: a, b"));
        assert_eq!(read_series(&table("a,b\n1,2\n").unwrap(), &["b".into()]).unwrap(), [2.0]);
        assert!(message(read_series(&table("a,b\n1,2\n").unwrap(), &["c".into()])).contains("no column `c`"));
        assert!(message(read_series(&table("a\n").unwrap(), &["a".into()])).contains("no rows"));
    }
}
