//! The step files: Arrow IPC streams, and beside each a line for each of its messages.
//!
//! `steps-000.crc` is text. Each line is `OFFSET LENGTH CRC`: where a message of `steps-000.arrows` begins, its bytes,
//! and their CRC-32 (IEEE, eight hexadecimal digits). The first line is the schema's, each later one a record batch's;
//! the stream's end marker has none. A line is written after its message, so a batch counts once its line is whole: the
//! files may be cut at any byte, and what is left reads as a prefix.
//!
//! A stream has one schema. Rows of other columns go on in `steps-001`, which counts only behind the end marker of
//! `steps-000`: what follows a torn file is no part of a prefix.

mod segment;
mod writer;

use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_ipc::convert::try_schema_from_ipc_buffer;
use arrow_ipc::reader::StreamDecoder;

use super::columns::{self, Stretch};
use super::error::Error;
use crate::stream::{StepRow, TensorSums};
pub(super) use segment::table_of;
use segment::{Segment, Tail};
pub(super) use writer::StepsWriter;

/// The last recorded update.
#[derive(Debug, Clone, PartialEq)]
pub struct LastUpdate {
    /// The network.
    pub row: StepRow,
    /// One entry for each tensor.
    pub sums: Vec<TensorSums>,
}

/// The recorded updates in order, a stretch at a time; the memory of one record batch is in use. Where there is no
/// more, asking again later gives what a live session has gained.
#[derive(Debug)]
pub struct Steps {
    batches: Batches,
    tensors: Vec<String>,
    decoded: std::vec::IntoIter<Stretch>,
    next_step: u64,
    dropped: Option<String>,
}

impl Steps {
    pub(super) fn of(batches: Batches, tensors: Vec<String>) -> Steps {
        Steps { batches, tensors, decoded: Vec::new().into_iter(), next_step: 0, dropped: None }
    }

    /// What was dropped at the end, once all is read: one line, or nothing.
    pub fn dropped(&self) -> Option<&str> {
        self.dropped.as_deref()
    }

    /// Reads on to the end, every CRC checked but only the last batch decoded.
    pub fn last_update(&mut self) -> Option<LastUpdate> {
        if let Some(last) = self.batches.read_last() {
            self.decode(&last);
        }
        let update = self.decoded.by_ref().last().and_then(|stretch| {
            let at = stretch.batch.len().checked_sub(1)?;
            Some(LastUpdate { row: stretch.batch.rows()[at], sums: stretch.batch.sums(at).to_vec() })
        });
        self.dropped = self.batches.dropped(self.next_step);
        update
    }

    fn decode(&mut self, columns: &RecordBatch) {
        match columns::decode(columns, &self.tensors) {
            Ok(stretches) => {
                if let Some(row) = stretches.last().and_then(|last| last.batch.rows().last()) {
                    self.next_step = row.step + 1;
                }
                self.decoded = stretches.into_iter();
            }
            Err(reason) => self.batches.refuse(reason),
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
            let Some(columns) = self.batches.next() else {
                self.dropped = self.batches.dropped(self.next_step);
                return None;
            };
            self.decode(&columns);
        }
    }
}

/// The record batches of all step files in order, as they are. As [`Steps`] it may be asked again.
#[derive(Debug)]
pub(super) struct Batches {
    folder: PathBuf,
    number: u32,
    segment: Segment,
    decoder: StreamDecoder,
    /// Length of the message that was decoded last.
    last_length: u64,
    unreadable: Option<String>,
}

impl Batches {
    pub(super) fn open(folder: &Path) -> Result<Batches, Error> {
        Ok(Batches {
            folder: folder.to_owned(),
            number: 0,
            segment: Segment::open(folder, 0)?,
            decoder: StreamDecoder::new(),
            last_length: 0,
            unreadable: None,
        })
    }

    /// The names of all columns of all files, in their order. Only the schemas are read.
    pub(super) fn column_names(mut self) -> Result<Vec<String>, Error> {
        let mut names: Vec<String> = Vec::new();
        while let Some(schema) =
            self.segment.next_message().and_then(|message| try_schema_from_ipc_buffer(&message).ok())
        {
            for field in schema.fields() {
                if !names.contains(field.name()) {
                    names.push(field.name().clone());
                }
            }
            self.number += 1;
            self.segment = Segment::open(&self.folder, self.number)?;
        }
        Ok(names)
    }

    /// What was dropped behind the last sound batch, in one line; `next_step` is the first step that is missing.
    pub(super) fn dropped(&mut self, next_step: u64) -> Option<String> {
        let file = table_of(self.number);
        if let Some(reason) = &self.unreadable {
            return Some(format!("{file} from step {next_step} on is unreadable: {reason}"));
        }
        match self.segment.tail() {
            Tail::Torn(bytes) => Some(format!(
                "{file}: the last {bytes} bytes, from step {next_step} on, are torn or garbled and were dropped"
            )),
            Tail::Nothing if self.folder.join(table_of(self.number + 1)).exists() => {
                Some(format!("{file} ends before its end: what follows step {next_step} was dropped"))
            }
            Tail::Nothing | Tail::Marker => None,
        }
    }

    /// The last batch. All messages are checked, of each file one is decoded.
    fn read_last(&mut self) -> Option<RecordBatch> {
        let (mut last, mut undecoded) = (None, None);
        loop {
            match self.segment.next_message() {
                Some(schema) if self.segment_is_new(&schema) => drop(self.decode(schema)),
                Some(message) => undecoded = Some(message),
                None => {
                    last = undecoded.take().and_then(|message| self.decode(message)).or(last);
                    if !self.advance() {
                        return last;
                    }
                }
            }
        }
    }

    /// Whether the message, just read, is the first of its file.
    fn segment_is_new(&self, message: &[u8]) -> bool {
        self.segment.end() == message.len() as u64
    }

    fn decode(&mut self, message: Vec<u8>) -> Option<RecordBatch> {
        self.last_length = message.len() as u64;
        let mut message = message.into();
        match self.decoder.decode(&mut message) {
            Ok(columns) => columns,
            Err(error) => {
                self.refuse(error.to_string());
                None
            }
        }
    }

    /// Takes the last batch back: it cannot be understood.
    fn refuse(&mut self, reason: String) {
        self.segment.refuse(self.last_length);
        self.unreadable = Some(reason);
    }

    /// Goes on to the next pair of files where this one is whole and there is one.
    fn advance(&mut self) -> bool {
        if self.unreadable.is_some()
            || self.segment.tail() != Tail::Marker
            || !self.folder.join(table_of(self.number + 1)).exists()
        {
            return false;
        }
        let Ok(segment) = Segment::open(&self.folder, self.number + 1) else { return false };
        self.segment = segment;
        self.decoder = StreamDecoder::new();
        self.number += 1;
        true
    }
}

impl Iterator for Batches {
    type Item = RecordBatch;

    fn next(&mut self) -> Option<RecordBatch> {
        loop {
            match self.segment.next_message() {
                // The schema gives no batch.
                Some(message) => match self.decode(message) {
                    None if self.unreadable.is_none() => {}
                    columns => return columns,
                },
                None if self.advance() => {}
                None => return None,
            }
        }
    }
}
