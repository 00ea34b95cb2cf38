//! The two step files: an Arrow IPC stream, and beside it a line for each of its messages.
//!
//! `steps-000.crc` is text. Each line is `OFFSET LENGTH CRC`: where a message of `steps-000.arrows` begins, its bytes,
//! and their CRC-32 (IEEE, eight hexadecimal digits). The first line is the schema's, each later one a record batch's;
//! the stream's end marker has none. A line is written after its message, so a batch counts once its line is whole: the
//! files may be cut at any byte, and what is left reads as a prefix.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use arrow_ipc::MetadataVersion;
use arrow_ipc::reader::StreamDecoder;
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use arrow_schema::{ArrowError, SchemaRef};

use super::columns::{self, Stretch};
use super::error::Error;
use super::log::Log;
use super::{STEPS, STEPS_CRC};
use crate::stream::{DecayMode, StepBatch, StepRow, TensorSums};

/// Buffers are padded to this many bytes: with Arrow's recommended 64, a second of a slow run would be half padding.
const ALIGNMENT: usize = 8;

/// What ends an Arrow stream.
const END_MARKER: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

/// Writes both step files.
pub(super) struct StepsWriter {
    schema: SchemaRef,
    encoder: StreamWriter<Vec<u8>>,
    messages: Log,
    sums: Log,
}

impl StepsWriter {
    pub(super) fn create(folder: &Path, tensors: &[String], mode: DecayMode) -> io::Result<Self> {
        let schema = columns::schema(tensors, mode);
        let options = IpcWriteOptions::try_new(ALIGNMENT, false, MetadataVersion::V5).map_err(failure)?;
        let encoder = StreamWriter::try_new_with_options(Vec::new(), &schema, options).map_err(failure)?;
        let (messages, sums) = (Log::create(&folder.join(STEPS))?, Log::create(&folder.join(STEPS_CRC))?);
        let mut writer = StepsWriter { schema, encoder, messages, sums };
        writer.write_message()?;
        Ok(writer)
    }

    /// Adds a record batch; `branches` has one entry for each row.
    pub(super) fn write(&mut self, batch: &StepBatch, branches: &[u32]) -> io::Result<()> {
        let columns = columns::encode(&self.schema, batch, branches).map_err(failure)?;
        self.encoder.write(&columns).map_err(failure)?;
        self.write_message()
    }

    /// Adds the end marker.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.encoder.finish().map_err(failure)?;
        self.messages.append(self.encoder.get_ref())?;
        self.messages.sync()?;
        self.sums.sync()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.messages.bytes() + self.sums.bytes()
    }

    /// Moves what was encoded to the files, the message before its line.
    fn write_message(&mut self) -> io::Result<()> {
        let message = self.encoder.get_mut();
        let line = format!("{} {} {:08x}\n", self.messages.bytes(), message.len(), crc32fast::hash(message));
        self.messages.append(message)?;
        message.clear();
        self.sums.append(line.as_bytes())
    }
}

fn failure(error: ArrowError) -> io::Error {
    match error {
        ArrowError::IoError(_, error) => error,
        error => io::Error::other(error),
    }
}

/// The last recorded update.
#[derive(Debug, Clone, PartialEq)]
pub struct LastUpdate {
    /// The network.
    pub row: StepRow,
    /// One entry for each tensor.
    pub sums: Vec<TensorSums>,
}

/// The recorded updates in order, a stretch at a time; the memory of one record batch is in use.
#[derive(Debug)]
pub struct Steps {
    file: Option<File>,
    lines: std::vec::IntoIter<Line>,
    decoder: StreamDecoder,
    tensors: Vec<String>,
    decoded: std::vec::IntoIter<Stretch>,
    end: u64,
    next_step: u64,
    dropped: Option<String>,
}

/// One line of the CRC file.
#[derive(Debug, Clone, Copy)]
struct Line {
    offset: u64,
    length: u64,
    crc: u32,
}

impl Line {
    fn parse(text: &str) -> Option<Line> {
        let mut words = text.split(' ');
        let (offset, length, crc) = (words.next()?, words.next()?, words.next()?);
        if words.next().is_some() || crc.len() != 8 {
            return None;
        }
        Some(Line {
            offset: offset.parse().ok()?,
            length: length.parse().ok()?,
            crc: u32::from_str_radix(crc, 16).ok()?,
        })
    }
}

impl Steps {
    /// Opens the step files of a folder; files that are not there yet read as no steps.
    pub(super) fn open(folder: &Path, tensors: Vec<String>) -> Result<Steps, Error> {
        let (path, sums) = (folder.join(STEPS), folder.join(STEPS_CRC));
        let file = match File::open(&path) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(Error::Read { path, source }),
        };
        let text = match std::fs::read(&sums) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(Error::Read { path: sums, source }),
        };
        let lines: Vec<Line> = text
            .split_inclusive(|byte| *byte == b'\n')
            .map_while(|line| Line::parse(std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?))
            .collect();
        Ok(Steps {
            file,
            lines: lines.into_iter(),
            decoder: StreamDecoder::new(),
            tensors,
            decoded: Vec::new().into_iter(),
            end: 0,
            next_step: 0,
            dropped: None,
        })
    }

    /// What was dropped at the end, once all is read: one line, or nothing.
    pub fn dropped(&self) -> Option<&str> {
        self.dropped.as_deref()
    }

    /// Reads on to the end, every CRC checked but only the last batch decoded.
    pub fn last_update(&mut self) -> Option<LastUpdate> {
        let mut schema_read = self.end > 0;
        let mut last = None;
        while let Some(message) = self.next_message() {
            if schema_read {
                last = Some(message);
            } else {
                schema_read = true;
                self.decode(message);
            }
        }
        if let Some(message) = last {
            self.decode(message);
        }
        let update = self.decoded.by_ref().last().and_then(|stretch| {
            let at = stretch.batch.len().checked_sub(1)?;
            Some(LastUpdate { row: stretch.batch.rows()[at], sums: stretch.batch.sums(at).to_vec() })
        });
        self.note_tail();
        update
    }

    /// The next message whose CRC is right.
    fn next_message(&mut self) -> Option<Vec<u8>> {
        let line = self.lines.next()?;
        let message = self.read(line);
        if message.is_none() {
            self.lines = Vec::new().into_iter();
        }
        message
    }

    fn read(&mut self, line: Line) -> Option<Vec<u8>> {
        let file = self.file.as_mut()?;
        let end = line.offset.checked_add(line.length)?;
        if line.offset != self.end || end > file.metadata().ok()?.len() {
            return None;
        }
        let mut bytes = vec![0; usize::try_from(line.length).ok()?];
        file.seek(SeekFrom::Start(line.offset)).ok()?;
        file.read_exact(&mut bytes).ok()?;
        if crc32fast::hash(&bytes) != line.crc {
            return None;
        }
        self.end = end;
        Some(bytes)
    }

    fn decode(&mut self, message: Vec<u8>) {
        let length = message.len() as u64;
        let mut message = message.into();
        let decoded = match self.decoder.decode(&mut message) {
            Ok(None) => Ok(Vec::new()),
            Ok(Some(columns)) => columns::decode(&columns, &self.tensors),
            Err(error) => Err(error.to_string()),
        };
        match decoded {
            Ok(stretches) => {
                if let Some(row) = stretches.last().and_then(|last| last.batch.rows().last()) {
                    self.next_step = row.step + 1;
                }
                self.decoded = stretches.into_iter();
            }
            Err(reason) => {
                self.end -= length;
                self.lines = Vec::new().into_iter();
                self.dropped = Some(format!("{STEPS} from step {} on is unreadable: {reason}", self.next_step));
            }
        }
    }

    /// Says what lies behind the last sound message, unless it is the end marker.
    fn note_tail(&mut self) {
        let Some(mut file) = self.file.take() else { return };
        let length = file.metadata().map_or(0, |file| file.len());
        let mut tail = Vec::new();
        let seen = file.seek(SeekFrom::Start(self.end)).and_then(|_| file.take(9).read_to_end(&mut tail));
        if self.dropped.is_none() && seen.is_ok() && !tail.is_empty() && tail != END_MARKER {
            self.dropped = Some(format!(
                "{STEPS}: the last {} bytes, from step {} on, are torn or garbled and were dropped",
                length.saturating_sub(self.end),
                self.next_step,
            ));
        }
    }
}

impl Iterator for Steps {
    type Item = Stretch;

    fn next(&mut self) -> Option<Stretch> {
        loop {
            if let Some(stretch) = self.decoded.next() {
                return Some(stretch);
            }
            let Some(message) = self.next_message() else {
                self.note_tail();
                return None;
            };
            self.decode(message);
        }
    }
}
