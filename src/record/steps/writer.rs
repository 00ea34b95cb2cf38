//! Writing a pair of step files.

use std::io;
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_ipc::MetadataVersion;
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use arrow_schema::{ArrowError, SchemaRef};

use super::segment::{sums_of, table_of};
use crate::record::columns;
use crate::record::log::Log;
use crate::stream::StepBatch;

/// Buffers are padded to this many bytes: with Arrow's recommended 64, a second of a slow run would be half padding.
const ALIGNMENT: usize = 8;

/// Writes both step files.
pub(in crate::record) struct StepsWriter {
    schema: SchemaRef,
    encoder: StreamWriter<Vec<u8>>,
    messages: Log,
    sums: Log,
}

impl StepsWriter {
    /// Makes the pair of files with this number, 0 for the first.
    pub(in crate::record) fn create(folder: &Path, number: u32, schema: SchemaRef) -> io::Result<Self> {
        let options = IpcWriteOptions::try_new(ALIGNMENT, false, MetadataVersion::V5).map_err(failure)?;
        let encoder = StreamWriter::try_new_with_options(Vec::new(), &schema, options).map_err(failure)?;
        let messages = Log::create(&folder.join(table_of(number)))?;
        let sums = Log::create(&folder.join(sums_of(number)))?;
        let mut writer = StepsWriter { schema, encoder, messages, sums };
        writer.write_message()?;
        Ok(writer)
    }

    /// Adds a record batch; `branches` has one entry for each row.
    pub(in crate::record) fn write(&mut self, batch: &StepBatch, branches: &[u32]) -> io::Result<()> {
        let columns = columns::encode(&self.schema, batch, branches).map_err(failure)?;
        self.write_columns(&columns)
    }

    /// Adds a record batch of the writer's own columns.
    pub(in crate::record) fn write_columns(&mut self, columns: &RecordBatch) -> io::Result<()> {
        self.encoder.write(columns).map_err(failure)?;
        self.write_message()
    }

    /// Adds the end marker.
    pub(in crate::record) fn finish(&mut self) -> io::Result<()> {
        self.encoder.finish().map_err(failure)?;
        self.messages.append(self.encoder.get_ref())?;
        self.messages.sync()?;
        self.sums.sync()
    }

    pub(in crate::record) fn bytes(&self) -> u64 {
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

/// The system's own error, where one is behind it.
fn failure(error: ArrowError) -> io::Error {
    match error {
        ArrowError::IoError(_, error) => error,
        error => io::Error::other(error),
    }
}
