//! The one number that a `TensorProto` holds, if it holds one.

use super::wire::{Fields, Value, take_varint};

/// The number in a tensor of one element of a numeric type: as a typed value or as raw bytes.
pub(super) fn number_of(tensor: &[u8]) -> Option<f64> {
    let (mut kind, mut content, mut values) = (0, None, Vec::new());
    for field in Fields(tensor) {
        match field {
            (1, Value::Whole(value)) => kind = value,
            (4, Value::Bytes(bytes)) => content = Some(bytes),
            (5, Value::Float(bytes)) => values.push(f32::from_le_bytes(bytes).into()),
            (5, Value::Bytes(packed)) => {
                values.extend(packed.as_chunks().0.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes))));
            }
            (6, Value::Double(bytes)) => values.push(f64::from_le_bytes(bytes)),
            (6, Value::Bytes(packed)) => {
                values.extend(packed.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)));
            }
            (7 | 10 | 11 | 13, Value::Whole(value)) => values.push(whole(kind, value)),
            (7 | 10 | 11 | 13, Value::Bytes(mut packed)) => {
                while let Some(value) = take_varint(&mut packed) {
                    values.push(whole(kind, value));
                }
            }
            _ => {}
        }
    }
    match (content, values.as_slice()) {
        (Some(bytes), []) => raw(kind, bytes),
        (_, [value]) => Some(*value),
        _ => None,
    }
}

/// A number that stands on the wire as a whole one. Numbers are those of `types.proto`.
fn whole(kind: u64, value: u64) -> f64 {
    match kind {
        14 => f32::from_bits((value as u32) << 16).into(),
        19 => half(value as u16),
        _ => value as i64 as f64,
    }
}

/// A number from its bytes.
fn raw(kind: u64, bytes: &[u8]) -> Option<f64> {
    Some(match kind {
        1 => f32::from_le_bytes(bytes.try_into().ok()?).into(),
        2 => f64::from_le_bytes(bytes.try_into().ok()?),
        3 => i32::from_le_bytes(bytes.try_into().ok()?).into(),
        9 => i64::from_le_bytes(bytes.try_into().ok()?) as f64,
        14 => f32::from_bits(u32::from(u16::from_le_bytes(bytes.try_into().ok()?)) << 16).into(),
        19 => half(u16::from_le_bytes(bytes.try_into().ok()?)),
        _ => return None,
    })
}

/// IEEE 754 binary16.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1F), f64::from(bits & 0x3FF));
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::{put_bytes, put_double, put_float, put_whole};
    use super::*;

    fn tensor(kind: u64, put: impl FnOnce(&mut Vec<u8>)) -> Option<f64> {
        let mut tensor = Vec::new();
        put_whole(&mut tensor, 1, kind);
        put(&mut tensor);
        number_of(&tensor)
    }

    #[test]
    fn one_number_is_found_in_every_form() {
        assert_eq!(tensor(1, |out| put_float(out, 5, 0.5)), Some(0.5));
        assert_eq!(tensor(1, |out| put_bytes(out, 5, &0.5f32.to_le_bytes())), Some(0.5));
        assert_eq!(tensor(1, |out| put_bytes(out, 4, &0.5f32.to_le_bytes())), Some(0.5));
        assert_eq!(tensor(2, |out| put_double(out, 6, 0.1)), Some(0.1));
        assert_eq!(tensor(2, |out| put_bytes(out, 4, &0.1f64.to_le_bytes())), Some(0.1));
        assert_eq!(tensor(9, |out| put_whole(out, 10, -3i64 as u64)), Some(-3.0));
        assert_eq!(tensor(9, |out| put_bytes(out, 4, &(-3i64).to_le_bytes())), Some(-3.0));
        assert_eq!(tensor(19, |out| put_whole(out, 13, 0xC000)), Some(-2.0));
        assert_eq!(tensor(19, |out| put_bytes(out, 4, &[0x00, 0x7C])), Some(f64::INFINITY));
        assert_eq!(tensor(14, |out| put_bytes(out, 4, &[0x80, 0x3F])), Some(1.0));
    }

    #[test]
    fn what_is_not_one_number_is_none() {
        assert_eq!(tensor(1, |out| put_bytes(out, 4, &[0; 8])), None);
        assert_eq!(tensor(7, |out| put_bytes(out, 8, b"text")), None);
        assert_eq!(tensor(1, |_| ()), None);
    }
}
