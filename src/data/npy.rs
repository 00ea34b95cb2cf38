//! NPY, NumPy's format for one array: a magic number, a version, the header's length, the header (a Python dictionary
//! of three entries), the elements.
//!
//! The header is read here and not by a library: those that there are read any Python literal, recursively and with
//! numbers of any size, and trust what it claims. Nothing is allocated by that: memory grows with the bytes that are
//! really there, up to the claimed size and one more.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use ndarray::{ArrayD, IxDyn, ShapeBuilder};
use thiserror::Error;

use super::MOST_VALUES;

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// NumPy itself reads no header longer than 10,000 bytes unless it is told to.
const LONGEST_HEADER: usize = 1 << 16;
/// NumPy has no more dimensions than this.
const MOST_DIMENSIONS: usize = 64;

/// An array in memory, its elements as they stood in the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Sizes, outermost first; each at least 1.
    pub shape: Vec<usize>,
    /// What an element is.
    pub element: Element,
    order: Order,
    endian: Endian,
    bytes: Vec<u8>,
}

/// What an element is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// `u1`, which is taken for pixels.
    Byte,
    /// `b1`
    Bool,
    /// `i1` to `i8`.
    Signed,
    /// `u2` to `u8`.
    Unsigned,
    /// `f4` and `f8`.
    Float,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    RowMajor,
    ColumnMajor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Endian {
    Little,
    Big,
}

/// What can be wrong with an NPY file, or with an array in an NPZ file.
#[derive(Debug, Error)]
pub enum NpyError {
    /// Not there, or not readable.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It starts with something else.
    #[error("{} is no NPY array: it does not start with \\x93NUMPY", .0.display())]
    Magic(PathBuf),
    /// Of a version that there is not.
    #[error("{}: NPY version {major}.{minor} is none of 1.0, 2.0 and 3.0", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The number before the dot.
        major: u8,
        /// The number behind it.
        minor: u8,
    },
    /// It ends within the header, or the header is longer than one can be.
    #[error("{}: the header should have {want} bytes, the file has {got} more", path.display())]
    ShortHeader {
        /// The file.
        path: PathBuf,
        /// Bytes there.
        got: usize,
        /// Bytes promised.
        want: usize,
    },
    /// A header that says something else.
    #[error("{}: the header is no dictionary of descr, fortran_order and shape: {problem}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Elements that are no numbers, or of a kind that is not read.
    #[error("{}: its elements are `{descr}`, they must be f4, f8, u1, b1 or whole numbers of 1 to 8 bytes", path.display())]
    Element {
        /// The file.
        path: PathBuf,
        /// NumPy's name for them.
        descr: String,
    },
    /// A size is 0, or there are none.
    #[error("{}: an array of shape ({}) holds no samples", path.display(), join(shape))]
    Empty {
        /// The file.
        path: PathBuf,
        /// Its sizes.
        shape: Vec<usize>,
    },
    /// More elements than can be meant.
    #[error("{}: an array of shape ({}) has more than the {MOST_VALUES} values there is room for", path.display(), join(shape))]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its sizes.
        shape: Vec<usize>,
    },
    /// It holds fewer or more elements than its header says.
    #[error(
        "{}: the header promises {want} bytes of data, the file has {}",
        path.display(),
        if got > want { "more".to_owned() } else { got.to_string() }
    )]
    Length {
        /// The file.
        path: PathBuf,
        /// Bytes there.
        got: usize,
        /// Bytes promised.
        want: usize,
    },
}

fn join(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

/// Reads an array; the path is for messages.
///
/// # Errors
/// [`NpyError`]
pub fn read(path: &Path, mut source: impl Read) -> Result<Array, NpyError> {
    let mut take = |count: usize| {
        let mut bytes = Vec::new();
        let result = source.by_ref().take(count as u64).read_to_end(&mut bytes);
        result.map(|_| bytes).map_err(|source| NpyError::Unreadable { path: path.into(), source })
    };
    let start = take(8)?;
    let Some(&[major, minor]) = start.strip_prefix(MAGIC) else { return Err(NpyError::Magic(path.into())) };
    let len_bytes = match (major, minor) {
        (1, 0) => 2,
        (2 | 3, 0) => 4,
        _ => return Err(NpyError::Version { path: path.into(), major, minor }),
    };
    let len = take(len_bytes)?;
    if len.len() < len_bytes {
        return Err(NpyError::ShortHeader { path: path.into(), got: 0, want: len_bytes - len.len() });
    }
    let want = len.iter().rev().fold(0, |len, &byte| len << 8 | usize::from(byte));
    let header = take(want.min(LONGEST_HEADER))?;
    if header.len() < want {
        return Err(NpyError::ShortHeader { path: path.into(), got: header.len(), want });
    }
    let wrong = |problem: String| NpyError::Header { path: path.into(), problem };
    let header = std::str::from_utf8(&header).map_err(|_| wrong("it is no text".into()))?;
    let Header { descr, order, shape } = parse_header(header).map_err(wrong)?;
    let (element, endian, size) =
        parse_descr(&descr).ok_or_else(|| NpyError::Element { path: path.into(), descr: descr.clone() })?;
    if shape.is_empty() || shape.contains(&0) {
        return Err(NpyError::Empty { path: path.into(), shape });
    }
    let count = shape.iter().try_fold(1usize, |count, &size| count.checked_mul(size));
    let Some(count) = count.filter(|&count| count <= MOST_VALUES) else {
        return Err(NpyError::TooLarge { path: path.into(), shape });
    };
    let want = count * size;
    let bytes = take(want + 1)?;
    if bytes.len() != want {
        return Err(NpyError::Length { path: path.into(), got: bytes.len(), want });
    }
    Ok(Array { shape, element, order, endian, bytes })
}

impl Array {
    /// The elements as bytes in row-major order, where that is what they are.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        (self.element == Element::Byte).then(|| self.row_major(self.bytes.clone()))
    }

    /// The elements as numbers in row-major order. Whole numbers beyond 2⁵³ are rounded.
    pub fn values(&self) -> Vec<f64> {
        let size = self.bytes.len() / self.shape.iter().product::<usize>();
        let read = |bytes: &[u8]| {
            let mut word = [0; 8];
            match self.endian {
                Endian::Little => word[..size].copy_from_slice(bytes),
                Endian::Big => word[..size].iter_mut().zip(bytes.iter().rev()).for_each(|(to, &from)| *to = from),
            }
            u64::from_le_bytes(word)
        };
        let elements = self.bytes.chunks_exact(size).map(read);
        let values = match (self.element, size) {
            (Element::Float, 4) => elements.map(|bits| f64::from(f32::from_bits(bits as u32))).collect(),
            (Element::Float, _) => elements.map(f64::from_bits).collect(),
            (Element::Byte | Element::Bool | Element::Unsigned, _) => elements.map(|word| word as f64).collect(),
            (Element::Signed, _) => {
                let unused = 64 - 8 * size as u32;
                elements.map(|word| ((word << unused) as i64 >> unused) as f64).collect()
            }
        };
        self.row_major(values)
    }

    fn row_major<V: Clone>(&self, values: Vec<V>) -> Vec<V> {
        match self.order {
            Order::RowMajor => values,
            Order::ColumnMajor => {
                let array = ArrayD::from_shape_vec(IxDyn(&self.shape).f(), values);
                array.expect("as many elements as the shape has").iter().cloned().collect()
            }
        }
    }
}

/// What a header says.
#[derive(Debug)]
struct Header {
    descr: String,
    order: Order,
    shape: Vec<usize>,
}

/// Reads `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }` and what NumPy may write in its place.
fn parse_header(text: &str) -> Result<Header, String> {
    let mut rest = Rest(text);
    let (mut descr, mut order, mut shape) = (None, None, None);
    rest.expect('{')?;
    while !rest.skip('}') {
        let key = rest.string()?;
        rest.expect(':')?;
        match key {
            "descr" if rest.0.trim_start().starts_with(['[', '(']) => descr = Some("a record".to_owned()),
            "descr" => descr = Some(rest.string()?.to_owned()),
            "fortran_order" => order = Some(rest.order()?),
            "shape" => shape = Some(rest.shape()?),
            key => return Err(format!("the key {key:.20} is none of them")),
        }
        if descr.as_deref() == Some("a record") {
            // Its own commas and brackets are not looked into: it is refused in any case.
            return Ok(Header { descr: "a record".into(), order: Order::RowMajor, shape: Vec::new() });
        }
        if !rest.skip(',') {
            rest.expect('}')?;
            break;
        }
    }
    if !rest.0.trim().is_empty() {
        return Err("something follows it".into());
    }
    match (descr, order, shape) {
        (Some(descr), Some(order), Some(shape)) => Ok(Header { descr, order, shape }),
        _ => Err("one of them is missing".into()),
    }
}

/// What is left of a header.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// Takes a character if it comes next.
    fn skip(&mut self, wanted: char) -> bool {
        self.0 = self.0.trim_start();
        let rest = self.0.strip_prefix(wanted);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn expect(&mut self, wanted: char) -> Result<(), String> {
        if self.skip(wanted) { Ok(()) } else { Err(format!("there is no {wanted} where one must be")) }
    }

    fn string(&mut self) -> Result<&'a str, String> {
        let quote = if self.skip('\'') { '\'' } else { self.expect('"').map(|()| '"')? };
        let (string, rest) = self.0.split_once(quote).ok_or("a string does not end")?;
        self.0 = rest;
        Ok(string)
    }

    fn order(&mut self) -> Result<Order, String> {
        self.0 = self.0.trim_start();
        for (word, order) in [("True", Order::ColumnMajor), ("False", Order::RowMajor)] {
            if let Some(rest) = self.0.strip_prefix(word) {
                self.0 = rest;
                return Ok(order);
            }
        }
        Err("fortran_order is neither True nor False".into())
    }

    fn shape(&mut self) -> Result<Vec<usize>, String> {
        let mut shape = Vec::new();
        self.expect('(')?;
        while !self.skip(')') {
            self.0 = self.0.trim_start();
            let end = self.0.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.0.len());
            let (digits, rest) = self.0.split_at(end);
            // Python 2 wrote 3L.
            self.0 = rest.strip_prefix('L').unwrap_or(rest);
            shape.push(digits.parse().map_err(|_| "a size in shape is no whole number of 64 bits")?);
            if shape.len() > MOST_DIMENSIONS {
                return Err(format!("shape has more than {MOST_DIMENSIONS} sizes"));
            }
            if !self.skip(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(shape)
    }
}

/// NumPy's name for an element, `<f8`: byte order, kind, bytes.
fn parse_descr(descr: &str) -> Option<(Element, Endian, usize)> {
    let (endian, rest) = match descr.split_at_checked(1)? {
        ("<", rest) => (Endian::Little, rest),
        (">", rest) => (Endian::Big, rest),
        // Of single bytes it makes no difference; of others NumPy writes the order it had.
        ("|", rest) if rest.ends_with('1') => (Endian::Little, rest),
        _ => return None,
    };
    let (element, size) = match rest {
        "f4" | "f8" => (Element::Float, &rest[1..]),
        "u1" => (Element::Byte, "1"),
        "b1" => (Element::Bool, "1"),
        "i1" | "i2" | "i4" | "i8" => (Element::Signed, &rest[1..]),
        "u2" | "u4" | "u8" => (Element::Unsigned, &rest[1..]),
        _ => return None,
    };
    Some((element, endian, size.parse().ok()?))
}

#[cfg(test)]
pub(super) mod tests;
