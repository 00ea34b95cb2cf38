//! TensorBoard's event files, written and read: records with their checksums, and in each a protobuf message of a few
//! fields that are encoded here by hand (`tensorflow/core/util/event.proto`, `framework/summary.proto`,
//! `framework/tensor.proto`).
//!
//! ```text
//! record   length u64 | masked CRC-32C of the length u32 | data | masked CRC-32C of the data u32     little-endian
//! Event    wall_time double = 1   step int64 = 2   file_version string = 3   summary Summary = 5
//! Summary  value Value = 1 (repeated)
//! Value    tag string = 1   simple_value float = 2   tensor TensorProto = 8   metadata SummaryMetadata = 9
//! ```

mod checksum;
mod read;
mod tensor;
mod wire;

use std::io::{self, Write};

use checksum::masked;
pub(super) use read::read;
use wire::{put_bytes, put_double, put_float, put_whole};

/// What the first record of a file says.
const VERSION: &str = "brain.Event:2";
/// `DT_STRING` of `types.proto`.
const STRING: u64 = 7;
/// `DATA_CLASS_TENSOR` of `summary.proto`.
const CLASS_TENSOR: u64 = 2;

/// Writes an event file.
pub(super) struct EventWriter<'a> {
    out: &'a mut dyn Write,
}

impl<'a> EventWriter<'a> {
    /// Begins a file. Times are Unix time in seconds.
    pub(super) fn create(out: &'a mut dyn Write, time: f64) -> io::Result<Self> {
        let mut event = Vec::new();
        put_double(&mut event, 1, time);
        put_bytes(&mut event, 3, VERSION.as_bytes());
        let mut writer = EventWriter { out };
        writer.write_record(&event)?;
        Ok(writer)
    }

    /// Adds what happened at a step; nothing where the summary is empty.
    pub(super) fn write(&mut self, time: f64, step: u64, summary: &Summary) -> io::Result<()> {
        if summary.0.is_empty() {
            return Ok(());
        }
        let mut event = Vec::new();
        put_double(&mut event, 1, time);
        put_whole(&mut event, 2, step);
        put_bytes(&mut event, 5, &summary.0);
        self.write_record(&event)
    }

    fn write_record(&mut self, data: &[u8]) -> io::Result<()> {
        let length = (data.len() as u64).to_le_bytes();
        self.out.write_all(&length)?;
        self.out.write_all(&masked(&length).to_le_bytes())?;
        self.out.write_all(data)?;
        self.out.write_all(&masked(data).to_le_bytes())
    }
}

/// Values of one step.
#[derive(Debug, Default)]
pub(super) struct Summary(Vec<u8>);

impl Summary {
    /// Adds a number, as f32.
    pub(super) fn add_scalar(&mut self, tag: &str, value: f64) {
        let mut entry = Vec::new();
        put_bytes(&mut entry, 1, tag.as_bytes());
        put_float(&mut entry, 2, value as f32);
        put_bytes(&mut self.0, 1, &entry);
    }

    /// Adds text, which TensorBoard shows as Markdown.
    pub(super) fn add_text(&mut self, tag: &str, text: &str) {
        let (mut size, mut shape, mut tensor) = (Vec::new(), Vec::new(), Vec::new());
        put_whole(&mut size, 1, 1);
        put_bytes(&mut shape, 2, &size);
        put_whole(&mut tensor, 1, STRING);
        put_bytes(&mut tensor, 2, &shape);
        put_bytes(&mut tensor, 8, text.as_bytes());
        let (mut plugin, mut metadata) = (Vec::new(), Vec::new());
        put_bytes(&mut plugin, 1, b"text");
        put_bytes(&mut metadata, 1, &plugin);
        put_whole(&mut metadata, 4, CLASS_TENSOR);
        let mut entry = Vec::new();
        put_bytes(&mut entry, 1, tag.as_bytes());
        put_bytes(&mut entry, 8, &tensor);
        put_bytes(&mut entry, 9, &metadata);
        put_bytes(&mut self.0, 1, &entry);
    }
}
