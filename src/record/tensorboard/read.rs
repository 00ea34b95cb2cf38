//! Reading an event file: every number in it, as far as its records are sound.

use super::checksum::masked;
use super::tensor::number_of;
use super::wire::{Fields, Value};

/// The numbers of an event file.
#[derive(Debug, Default, PartialEq)]
pub(in crate::record) struct Reading {
    pub(in crate::record) scalars: Vec<Scalar>,
    /// Bytes behind the last sound record.
    pub(in crate::record) dropped: usize,
    /// Sound records.
    pub(in crate::record) records: usize,
}

/// A number that was logged.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::record) struct Scalar {
    pub(in crate::record) tag: String,
    pub(in crate::record) step: u64,
    /// Unix time in seconds.
    pub(in crate::record) time: f64,
    pub(in crate::record) value: f64,
}

/// Reads a file's bytes up to the first record that is cut or garbled. Images, histograms and texts are passed over.
pub(in crate::record) fn read(bytes: &[u8]) -> Reading {
    let mut reading = Reading::default();
    let mut rest = bytes;
    while let Some(data) = take_record(&mut rest) {
        reading.records += 1;
        read_event(data, &mut reading.scalars);
    }
    reading.dropped = rest.len();
    reading
}

fn take_record<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let (length_sum, rest) = rest.split_first_chunk::<4>()?;
    if masked(length) != u32::from_le_bytes(*length_sum) {
        return None;
    }
    let (data, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let (data_sum, rest) = rest.split_first_chunk::<4>()?;
    if masked(data) != u32::from_le_bytes(*data_sum) {
        return None;
    }
    *bytes = rest;
    Some(data)
}

fn read_event(event: &[u8], scalars: &mut Vec<Scalar>) {
    let (mut time, mut step, mut summary) = (f64::NAN, 0, None);
    for field in Fields(event) {
        match field {
            (1, Value::Double(bytes)) => time = f64::from_le_bytes(bytes),
            // A negative step is none that a run has.
            (2, Value::Whole(value)) => step = if value > i64::MAX as u64 { 0 } else { value },
            (5, Value::Bytes(bytes)) => summary = Some(bytes),
            _ => {}
        }
    }
    for field in Fields(summary.unwrap_or_default()) {
        let (1, Value::Bytes(entry)) = field else { continue };
        let (mut tag, mut value) = (None, None);
        for field in Fields(entry) {
            match field {
                (1, Value::Bytes(bytes)) => tag = Some(String::from_utf8_lossy(bytes).into_owned()),
                (2, Value::Float(bytes)) => value = Some(f32::from_le_bytes(bytes).into()),
                (8, Value::Bytes(tensor)) => value = number_of(tensor),
                _ => {}
            }
        }
        if let (Some(tag), Some(value)) = (tag, value) {
            scalars.push(Scalar { tag, step, time, value });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tensorboard::{EventWriter, Summary};

    fn file() -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = EventWriter::create(&mut bytes, 1000.0).unwrap();
        for (step, value) in [(0, 0.5), (1, f64::NAN), (1 << 40, f64::INFINITY)] {
            let mut summary = Summary::default();
            summary.add_text("note", "no number");
            summary.add_scalar("a/b", value);
            writer.write(1000.25 + step as f64, step, &summary).unwrap();
        }
        bytes
    }

    #[test]
    fn numbers_that_were_written_are_read() {
        let reading = read(&file());
        let values: Vec<_> =
            reading.scalars.iter().map(|at| (at.tag.as_str(), at.step, at.value.to_string())).collect();
        assert_eq!(values, [("a/b", 0, "0.5".into()), ("a/b", 1, "NaN".into()), ("a/b", 1 << 40, "inf".to_owned())]);
        assert_eq!((reading.scalars[0].time, reading.records, reading.dropped), (1000.25, 4, 0));
    }

    #[test]
    fn a_file_cut_or_garbled_at_any_byte_reads_as_a_prefix() {
        let bytes = file();
        let all = format!("{:?}", read(&bytes).scalars);
        for at in 0..bytes.len() {
            let mut garbled = bytes.clone();
            garbled[at] ^= 0x10;
            for bytes in [&bytes[..at], &garbled] {
                let reading = read(bytes);
                let read = format!("{:?}", reading.scalars);
                assert!(reading.records < 4 && all.starts_with(read.trim_end_matches(']')), "at {at}: {read}");
            }
        }
    }
}
