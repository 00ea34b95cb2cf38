//! `wdtop export`: a session for other programs.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::ValueEnum;

use super::Usage;
use crate::record::{self, Alignment, CsvTable, Error, Existing, Session};
use crate::stream::printable;

/// Write a session in a format of other programs
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  wdtop export decay --to csv --output decay.csv
  wdtop export decay --to csv --table edits
  wdtop export decay --to jsonl --output decay.jsonl     wdtop import decay.jsonl makes the session again
  wdtop export decay --to tensorboard --output runs/decay && tensorboard --logdir runs
  wdtop export decay --to markdown --output decay.md
  wdtop export decay --to svg --output decay.svg         losses and norms as vector graphics
  wdtop export decay --to svg --chart loss --chart rotation --chart fc1.weight/norm
  wdtop export decay other --to svg --chart validation/loss --align edit

Without --output it goes to standard output; a TensorBoard run is a folder and needs --output.")]
pub struct Args {
    /// Path of a session, its name, or the beginning of its name; --to svg draws several over each other
    #[arg(value_name = "SESSION", required = true)]
    pub sessions: Vec<String>,

    /// The format
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub to: Format,

    /// The file to write; of tensorboard the run's folder
    #[arg(long, short, value_name = "PATH")]
    pub output: Option<PathBuf>,

    #[command(flatten)]
    pub picked: Picked,

    /// Replace a file that is there
    #[arg(long)]
    pub force: bool,
}

/// What of a session is written.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Picked {
    /// What the rows of a CSV file are
    #[arg(long, value_enum, default_value_t = Table::Steps)]
    pub table: Table,

    /// What --to svg draws: loss, accuracy, a value of every tensor (norm, grad_norm, rotation, budget_decay, ...) or one
    /// curve as wdtop compare has it, the only one of several sessions; may be given again [default: loss and norm, of
    /// several sessions validation/loss]
    #[arg(long = "chart", value_name = "NAME")]
    pub charts: Vec<String>,

    /// What the x axis of --to svg counts: step, epoch, time, edit (steps since the first one), edit:N
    #[arg(long, value_name = "PLACE", default_value = "step")]
    pub align: Alignment,
}

/// A format of other programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One table with a header
    Csv,
    /// A JSON object on each line: the manifest, updates and events, without loss
    Jsonl,
    /// Event files
    Tensorboard,
    /// A report
    Markdown,
    /// A picture of the losses and norms, for a paper
    Svg,
}

/// What the rows of a CSV file are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Table {
    /// A row for each update
    #[default]
    Steps,
    /// A row for each evaluation
    Evaluations,
    /// A row for each edit
    Edits,
    /// A row for each evaluation: spectral norm and stable rank of each matrix
    Spectrum,
    /// A row for each update: rotation, equilibrium, budget and the like of each tensor
    Diagnostics,
}

impl From<Table> for CsvTable {
    fn from(table: Table) -> Self {
        match table {
            Table::Steps => CsvTable::Steps,
            Table::Evaluations => CsvTable::Evaluations,
            Table::Edits => CsvTable::Edits,
            Table::Spectrum => CsvTable::Spectrum,
            Table::Diagnostics => CsvTable::Diagnostics,
        }
    }
}

impl Args {
    /// Writes the export.
    ///
    /// # Errors
    /// Where the session is not found or cannot be read, or the output is there already or cannot be written.
    pub fn run(self) -> Result<ExitCode> {
        if self.picked.table != Table::Steps && self.to != Format::Csv {
            return Err(Usage::of(anyhow!("--table is for --to csv; the other formats hold all of a session")));
        }
        if self.to != Format::Svg {
            if !self.picked.charts.is_empty() {
                return Err(Usage::of(anyhow!("--chart is for --to svg; the other formats hold all of a session")));
            }
            if self.picked.align != Alignment::Step {
                return Err(Usage::of(anyhow!("--align is for --to svg; the other formats have every place")));
            }
            if self.sessions.len() > 1 {
                return Err(Usage::of(anyhow!("only --to svg takes several sessions; export them one by one")));
            }
        }
        let sessions = self.open()?;
        let existing = if self.force { Existing::Replace } else { Existing::Keep };
        let write = |out: &mut dyn Write| write(&sessions, self.to, &self.picked, out);
        match &self.output {
            Some(folder) if self.to == Format::Tensorboard => drop(record::write_run(folder, existing, write)?),
            Some(path) => record::write_file(path, existing, write)?,
            None if self.to == Format::Tensorboard => {
                return Err(Usage::of(anyhow!("a TensorBoard run is a folder: say which with --output PATH")));
            }
            None => self.print(&sessions)?,
        }
        for session in &sessions {
            if let Some(dropped) = &session.dropped {
                // A closed stderr leaves nobody to tell.
                let _ = writeln!(io::stderr(), "wdtop: {}: {}", printable(&session.name), printable(dropped));
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn open(&self) -> Result<Vec<Session>> {
        let directory = record::directory()?;
        let open = |name: &String| Ok(Session::open(&record::resolve(&directory, name)?)?);
        self.sessions.iter().map(open).collect()
    }

    /// Writes to standard output; a reader that has seen enough is no error.
    fn print(&self, sessions: &[Session]) -> Result<(), Error> {
        let stdout = io::stdout();
        let done = if stdout.is_terminal() {
            let mut bytes = Vec::new();
            write(sessions, self.to, &self.picked, &mut bytes)?;
            let text = String::from_utf8_lossy(&bytes);
            let lines = text.split_inclusive('\n').map(|line| line.strip_suffix('\n').unwrap_or(line));
            let safe: String = lines.flat_map(|line| [printable(line), "\n".into()]).collect();
            super::write_out(safe.as_bytes()).map_err(|source| Error::Export { source })
        } else {
            let mut out = BufWriter::new(stdout.lock());
            write(sessions, self.to, &self.picked, &mut out)
                .and_then(|()| out.flush().map_err(|source| Error::Export { source }))
        };
        match done {
            Err(Error::Export { source }) if source.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            done => done,
        }
    }
}

/// Writes a session in a format; of more than one, SVG draws all, and every other format takes the first.
pub(super) fn write(sessions: &[Session], format: Format, picked: &Picked, out: &mut dyn Write) -> Result<(), Error> {
    let Some(session) = sessions.first() else { return Ok(()) };
    match format {
        Format::Csv => record::to_csv(session, picked.table.into(), out),
        Format::Jsonl => record::to_json_lines(session, out),
        Format::Tensorboard => record::to_tensorboard(session, out),
        Format::Markdown => record::to_markdown(session, out),
        Format::Svg => record::to_svg(sessions, &picked.charts, picked.align, out),
    }
}
