//! The step files: Arrow IPC streams, and beside each a line for each of its messages.
//!
//! `steps-000.crc` is text. Each line is `OFFSET LENGTH CRC`: where a message of `steps-000.arrows` begins, its bytes,
//! and their CRC-32 (IEEE, eight hexadecimal digits). The first line is the schema's, each later one a record batch's;
//! the stream's end marker has none. A line is written after its message, so a batch counts once its line is whole: the
//! files may be cut at any byte, and what is left reads as a prefix.
//!
//! Where the tensors' columns are thinned out they are apart, in `steps-000-tensors.arrows` with the same kind of sums: as
//! many batches, in each the rows whose tensors are kept, with their steps. A batch of the one counts with that of the
//! other.
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
use segment::{Segment, Tail, tensor_table_of};
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
    table: Table,
    /// The tensors' columns, where the schema says that they are apart.
    tensors: Option<Table>,
    /// Read, but its tensors' columns are not there (yet).
    waiting: Option<RecordBatch>,
    unreadable: Option<String>,
}

/// One pair of files.
#[derive(Debug)]
struct Table {
    segment: Segment,
    decoder: StreamDecoder,
    /// Length of the message that was decoded last.
    last_length: u64,
    /// Messages that were decoded.
    decoded: u64,
}

impl Batches {
    pub(super) fn open(folder: &Path) -> Result<Batches, Error> {
        Ok(Batches {
            folder: folder.to_owned(),
            number: 0,
            table: Table::of(Segment::open(folder, 0)?),
            tensors: None,
            waiting: None,
            unreadable: None,
        })
    }

    /// The names of all columns of all files, in their order. Only the schemas are read.
    pub(super) fn column_names(mut self) -> Result<Vec<String>, Error> {
        let mut names: Vec<String> = Vec::new();
        while let Some(schema) =
            self.table.segment.next_message().and_then(|message| try_schema_from_ipc_buffer(&message).ok())
        {
            let tensors = match columns::is_parted(&schema) {
                true => Segment::open_tensors(&self.folder, self.number)?.next_message(),
                false => None,
            };
            let tensors = tensors.and_then(|message| try_schema_from_ipc_buffer(&message).ok());
            for field in [Some(schema), tensors].iter().flatten().flat_map(|schema| schema.fields()) {
                if !names.contains(field.name()) {
                    names.push(field.name().clone());
                }
            }
            self.number += 1;
            self.table = Table::of(Segment::open(&self.folder, self.number)?);
        }
        Ok(names)
    }

    /// What was dropped behind the last sound batch, in one line; `next_step` is the first step that is missing.
    pub(super) fn dropped(&mut self, next_step: u64) -> Option<String> {
        let file = table_of(self.number);
        if let Some(reason) = &self.unreadable {
            return Some(format!("{file} from step {next_step} on is unreadable: {reason}"));
        }
        if self.waiting.is_some() {
            let file = tensor_table_of(self.number);
            return Some(format!(
                "{file}: from step {next_step} on it is torn or garbled, and these steps were dropped"
            ));
        }
        match self.table.segment.tail() {
            Tail::Torn(bytes) => Some(format!(
                "{file}: the last {bytes} bytes, from step {next_step} on, are torn or garbled and were dropped"
            )),
            Tail::Nothing if self.table.segment.is_garbled() => {
                Some(format!("{file} ends before its end: what follows step {next_step} was dropped"))
            }
            Tail::Nothing if self.folder.join(table_of(self.number + 1)).exists() => {
                Some(format!("{file} ends before its end: what follows step {next_step} was dropped"))
            }
            Tail::Nothing | Tail::Marker => None,
        }
    }

    /// The last batch. All messages are checked, of each file one is decoded; of tables that are apart all are.
    fn read_last(&mut self) -> Option<RecordBatch> {
        let (mut last, mut undecoded) = (None, None);
        loop {
            match self.table.segment.next_message() {
                Some(schema) if self.segment_is_new(&schema) => {
                    // Not asked of the decoder: it understands a schema no earlier than the message after it.
                    let apart = try_schema_from_ipc_buffer(&schema).is_ok_and(|schema| columns::is_parted(&schema));
                    drop(self.decode(schema));
                    if apart {
                        return self.by_ref().last().or(last);
                    }
                }
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
        self.table.segment.end() == message.len() as u64
    }

    fn decode(&mut self, message: Vec<u8>) -> Option<RecordBatch> {
        let columns = self.table.decode(message);
        columns.unwrap_or_else(|reason| {
            self.refuse(reason);
            None
        })
    }

    /// A batch with the tensors' columns; `None` where those are missing, or cannot be understood.
    fn complete(&mut self, network: RecordBatch) -> Option<RecordBatch> {
        if !columns::is_parted(network.schema_ref()) {
            return Some(network);
        }
        let tensors = match &mut self.tensors {
            Some(tensors) => tensors,
            None => {
                let Ok(segment) = Segment::open_tensors(&self.folder, self.number) else {
                    self.waiting = Some(network);
                    return None;
                };
                self.tensors.insert(Table::of(segment))
            }
        };
        let joined = loop {
            let Some(message) = tensors.segment.next_message() else {
                self.waiting = Some(network);
                return None;
            };
            match tensors.decode(message) {
                // The schema gives no batch.
                Ok(None) => {}
                Ok(Some(tensors)) => break columns::join(&network, &tensors),
                Err(reason) => break Err(reason),
            }
        };
        joined.map_err(|reason| self.refuse(reason)).ok()
    }

    /// Takes the last batch back: it cannot be understood.
    fn refuse(&mut self, reason: String) {
        self.table.segment.refuse(self.table.last_length);
        self.unreadable = Some(reason);
    }

    /// Goes on to the next pair of files where this one is whole and there is one.
    fn advance(&mut self) -> bool {
        if self.unreadable.is_some()
            || self.table.segment.tail() != Tail::Marker
            || !self.folder.join(table_of(self.number + 1)).exists()
        {
            return false;
        }
        let Ok(segment) = Segment::open(&self.folder, self.number + 1) else { return false };
        (self.table, self.tensors) = (Table::of(segment), None);
        self.number += 1;
        true
    }
}

impl Iterator for Batches {
    type Item = RecordBatch;

    fn next(&mut self) -> Option<RecordBatch> {
        if let Some(network) = self.waiting.take() {
            return self.complete(network);
        }
        loop {
            match self.table.segment.next_message() {
                Some(message) => match self.decode(message) {
                    Some(network) => return self.complete(network),
                    // The schema gives no batch.
                    None if self.unreadable.is_none() => {}
                    None => return None,
                },
                None if self.advance() => {}
                None => return None,
            }
        }
    }
}

impl Table {
    fn of(segment: Segment) -> Table {
        Table { segment, decoder: StreamDecoder::new(), last_length: 0, decoded: 0 }
    }

    /// The batch of a message; the schema, which is the first, gives none.
    fn decode(&mut self, message: Vec<u8>) -> Result<Option<RecordBatch>, String> {
        self.last_length = message.len() as u64;
        self.decoded += 1;
        let mut bytes = message.into();
        loop {
            match self.decoder.decode(&mut bytes).map_err(|error| error.to_string())? {
                // A batch without rows has no body, and the decoder gives it no earlier than with the next message: it
                // was told already.
                Some(_) if !bytes.is_empty() => {}
                None if self.decoded > 1 => return Ok(self.decoder.schema().map(RecordBatch::new_empty)),
                columns => return Ok(columns),
            }
        }
    }
}
