//! Protobuf's wire format: fields as a key and a value.

/// Adds a whole number.
pub(super) fn put_whole(out: &mut Vec<u8>, field: u64, value: u64) {
    put_varint(out, field << 3);
    put_varint(out, value);
}

/// Adds a double.
pub(super) fn put_double(out: &mut Vec<u8>, field: u64, value: f64) {
    put_varint(out, field << 3 | 1);
    out.extend(value.to_le_bytes());
}

/// Adds a float.
pub(super) fn put_float(out: &mut Vec<u8>, field: u64, value: f32) {
    put_varint(out, field << 3 | 5);
    out.extend(value.to_le_bytes());
}

/// Adds text, bytes or a message.
pub(super) fn put_bytes(out: &mut Vec<u8>, field: u64, value: &[u8]) {
    put_varint(out, field << 3 | 2);
    put_varint(out, value.len() as u64);
    out.extend(value);
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A field's value as it is on the wire.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'a> {
    Whole(u64),
    Double([u8; 8]),
    Float([u8; 4]),
    Bytes(&'a [u8]),
}

/// The fields of a message in their order; ends at the first that is none.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = (u64, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let key = take_varint(&mut self.0)?;
        let value = match key & 7 {
            0 => Value::Whole(take_varint(&mut self.0)?),
            1 => Value::Double(take(&mut self.0, 8)?.try_into().ok()?),
            2 => {
                let length = usize::try_from(take_varint(&mut self.0)?).ok()?;
                Value::Bytes(take(&mut self.0, length)?)
            }
            5 => Value::Float(take(&mut self.0, 4)?.try_into().ok()?),
            _ => return None,
        };
        Some((key >> 3, value))
    }
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

/// Takes a number of at most ten bytes, seven bits each, the lowest first.
pub(super) fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for at in 0..10 {
        let [byte, rest @ ..] = *bytes else { return None };
        *bytes = rest;
        value |= u64::from(byte & 0x7F).checked_shl(7 * at)?;
        if *byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_read_back_and_what_is_cut_is_left_out() {
        let mut message = Vec::new();
        put_whole(&mut message, 2, u64::MAX);
        put_double(&mut message, 1, -0.1);
        put_float(&mut message, 20, 0.5);
        put_bytes(&mut message, 3, &[7; 300]);
        let fields: Vec<_> = Fields(&message).collect();
        let expected = [
            (2, Value::Whole(u64::MAX)),
            (1, Value::Double((-0.1f64).to_le_bytes())),
            (20, Value::Float(0.5f32.to_le_bytes())),
            (3, Value::Bytes(&[7; 300])),
        ];
        assert_eq!(fields, expected);
        for cut in 0..message.len() {
            let read: Vec<_> = Fields(&message[..cut]).collect();
            assert!(read.len() < expected.len() && expected.starts_with(&read), "cut at {cut}");
        }
    }
}
