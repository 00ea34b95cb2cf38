//! Writing step files.

use std::io;
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_ipc::MetadataVersion;
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use arrow_schema::{ArrowError, SchemaRef};

use super::segment::{sums_of, table_of, tensor_sums_of, tensor_table_of};
use crate::record::columns;
use crate::record::log::Log;
use crate::stream::{DecayMode, StepBatch};

/// Buffers are padded to this many bytes: with Arrow's recommended 64, a second of a slow run would be half padding.
const ALIGNMENT: usize = 8;

/// Writes a pair of step files, and where the tensors' columns are thinned out the pair that holds those.
pub(in crate::record) struct StepsWriter {
    table: TableWriter,
    tensors: Option<Thinned>,
}

/// The tensors' columns in a table of their own.
struct Thinned {
    /// They are kept of the updates whose index is a multiple of this.
    every: u64,
    table: TableWriter,
}

/// Writes one pair of files.
struct TableWriter {
    schema: SchemaRef,
    encoder: StreamWriter<Vec<u8>>,
    messages: Log,
    sums: Log,
}

impl StepsWriter {
    /// Makes the files with this number, 0 for the first.
    pub(in crate::record) fn create(folder: &Path, number: u32, schema: SchemaRef) -> io::Result<Self> {
        let table = TableWriter::create(folder, [table_of(number), sums_of(number)], schema)?;
        Ok(StepsWriter { table, tensors: None })
    }

    /// Makes the files with this number of a network with these tensors, whose columns are kept of the updates whose
    /// index is a multiple of `every`.
    pub(in crate::record) fn create_for(
        folder: &Path,
        number: u32,
        tensors: &[String],
        mode: DecayMode,
        every: u64,
    ) -> io::Result<Self> {
        if every <= 1 {
            return StepsWriter::create(folder, number, columns::schema(tensors, mode));
        }
        let [network, tensors] = columns::parted_schemas(tensors, mode);
        // The tensors first: a reader that knows of two tables finds both.
        let table = TableWriter::create(folder, [tensor_table_of(number), tensor_sums_of(number)], tensors)?;
        let mut writer = StepsWriter::create(folder, number, network)?;
        writer.tensors = Some(Thinned { every, table });
        Ok(writer)
    }

    /// Adds a record batch; `branches` has one entry for each row.
    pub(in crate::record) fn write(&mut self, batch: &StepBatch, branches: &[u32]) -> io::Result<()> {
        let columns = match &mut self.tensors {
            None => columns::encode(&self.table.schema, batch, branches).map_err(failure)?,
            Some(Thinned { every, table }) => {
                let schemas = [&self.table.schema, &table.schema];
                let [network, tensors] = columns::encode_parted(schemas, batch, branches, *every).map_err(failure)?;
                // As many batches in one table as in the other, those of the tensors first: a batch of the network
                // that is there is whole.
                table.write(&tensors)?;
                network
            }
        };
        self.table.write(&columns)
    }

    /// Adds a record batch of the writer's own columns.
    pub(in crate::record) fn write_columns(&mut self, columns: &RecordBatch) -> io::Result<()> {
        self.table.write(columns)
    }

    /// Adds the end marker.
    pub(in crate::record) fn finish(&mut self) -> io::Result<()> {
        if let Some(tensors) = &mut self.tensors {
            tensors.table.finish()?;
        }
        self.table.finish()
    }

    pub(in crate::record) fn bytes(&self) -> u64 {
        self.table.bytes() + self.tensors.as_ref().map_or(0, |tensors| tensors.table.bytes())
    }
}

impl TableWriter {
    fn create(folder: &Path, [table, sums]: [String; 2], schema: SchemaRef) -> io::Result<Self> {
        let options = IpcWriteOptions::try_new(ALIGNMENT, false, MetadataVersion::V5).map_err(failure)?;
        let encoder = StreamWriter::try_new_with_options(Vec::new(), &schema, options).map_err(failure)?;
        let messages = Log::create(&folder.join(table))?;
        let sums = Log::create(&folder.join(sums))?;
        let mut writer = TableWriter { schema, encoder, messages, sums };
        writer.write_message()?;
        Ok(writer)
    }

    fn write(&mut self, columns: &RecordBatch) -> io::Result<()> {
        self.encoder.write(columns).map_err(failure)?;
        self.write_message()
    }

    fn finish(&mut self) -> io::Result<()> {
        self.encoder.finish().map_err(failure)?;
        self.messages.append(self.encoder.get_ref())?;
        self.messages.sync()?;
        self.sums.sync()
    }

    fn bytes(&self) -> u64 {
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
