//! Reading a pair of step files message by message, also while it grows.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::record::error::Error;

/// What ends an Arrow stream.
const END_MARKER: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

/// The name of an Arrow stream.
pub(in crate::record) fn table_of(number: u32) -> String {
    format!("steps-{number:03}.arrows")
}

/// The name of its sums.
pub(in crate::record) fn sums_of(number: u32) -> String {
    format!("steps-{number:03}.crc")
}

/// The name of the Arrow stream of the tensors' columns, where they are apart.
pub(in crate::record) fn tensor_table_of(number: u32) -> String {
    format!("steps-{number:03}-tensors.arrows")
}

/// The name of its sums.
pub(in crate::record) fn tensor_sums_of(number: u32) -> String {
    format!("steps-{number:03}-tensors.crc")
}

/// One pair of step files. Files that are not there yet have no messages yet.
#[derive(Debug)]
pub(super) struct Segment {
    table_path: PathBuf,
    sums_path: PathBuf,
    table: Option<File>,
    sums: Option<File>,
    /// Text of the sums that is no whole line yet.
    text: Vec<u8>,
    /// Of it, the part that has been taken.
    taken: usize,
    /// Where the last sound message ended.
    end: u64,
    health: Health,
}

/// Whether there may be more to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Sound,
    /// A line or a message is garbled: nothing after it counts.
    Garbled,
}

/// What lies behind the last sound message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// The end marker.
    Marker,
    /// Nothing.
    Nothing,
    /// So many bytes that are no message.
    Torn(u64),
}

/// One line of the sums.
#[derive(Debug, Clone, Copy)]
struct Line {
    offset: u64,
    length: u64,
    crc: u32,
}

impl Segment {
    pub(super) fn open(folder: &Path, number: u32) -> Result<Segment, Error> {
        Segment::of(folder.join(table_of(number)), folder.join(sums_of(number)))
    }

    /// The pair with the tensors' columns.
    pub(super) fn open_tensors(folder: &Path, number: u32) -> Result<Segment, Error> {
        Segment::of(folder.join(tensor_table_of(number)), folder.join(tensor_sums_of(number)))
    }

    fn of(table_path: PathBuf, sums_path: PathBuf) -> Result<Segment, Error> {
        let mut segment = Segment {
            table_path,
            sums_path,
            table: None,
            sums: None,
            text: Vec::new(),
            taken: 0,
            end: 0,
            health: Health::Sound,
        };
        segment.open_files()?;
        Ok(segment)
    }

    fn open_files(&mut self) -> Result<(), Error> {
        for (file, path) in [(&mut self.table, &self.table_path), (&mut self.sums, &self.sums_path)] {
            if file.is_none() {
                *file = match File::open(path) {
                    Ok(file) => Some(file),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                    Err(source) => return Err(Error::Read { path: path.clone(), source }),
                };
            }
        }
        Ok(())
    }

    /// Where the last sound message ended.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// The next message whose CRC is right; `None` where there is none, or none yet.
    pub(super) fn next_message(&mut self) -> Option<Vec<u8>> {
        let line = self.next_line()?;
        let message = self.read(line);
        if message.is_none() {
            self.health = Health::Garbled;
        }
        message
    }

    /// Takes the last message back and reads no more: it cannot be decoded.
    pub(super) fn refuse(&mut self, length: u64) {
        self.end -= length;
        self.health = Health::Garbled;
    }

    fn next_line(&mut self) -> Option<Line> {
        if self.health == Health::Garbled {
            return None;
        }
        let whole = |text: &[u8]| text.iter().position(|byte| *byte == b'\n');
        if whole(&self.text[self.taken..]).is_none() {
            self.text.drain(..self.taken);
            self.taken = 0;
            // Files that appear later than the reader are found here; any other trouble was told on opening.
            let _ = self.open_files();
            self.sums.as_mut()?.read_to_end(&mut self.text).ok()?;
        }
        let length = whole(&self.text[self.taken..])?;
        let line = Line::parse(&self.text[self.taken..self.taken + length]);
        self.taken += length + 1;
        if line.is_none() {
            self.health = Health::Garbled;
        }
        line
    }

    fn read(&mut self, line: Line) -> Option<Vec<u8>> {
        let file = self.table.as_mut()?;
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

    /// Whether there are sums of something that is not there, or is garbled.
    pub(super) fn is_garbled(&self) -> bool {
        self.health == Health::Garbled
    }

    /// What lies behind the last sound message.
    pub(super) fn tail(&mut self) -> Tail {
        let Some(file) = &mut self.table else { return Tail::Nothing };
        let length = file.metadata().map_or(0, |file| file.len());
        let mut tail = Vec::new();
        match file.seek(SeekFrom::Start(self.end)).and_then(|_| file.take(9).read_to_end(&mut tail)) {
            Ok(0) | Err(_) => Tail::Nothing,
            Ok(_) if tail == END_MARKER => Tail::Marker,
            Ok(_) => Tail::Torn(length.saturating_sub(self.end)),
        }
    }
}

impl Line {
    fn parse(text: &[u8]) -> Option<Line> {
        let mut words = std::str::from_utf8(text).ok()?.split(' ');
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
