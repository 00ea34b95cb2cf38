use super::*;

/// An NPY file of version 1.0, as NumPy writes it.
pub fn file(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    with_header(&format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"), data)
}

fn with_header(header: &str, data: &[u8]) -> Vec<u8> {
    let padding = 63 - (10 + header.len()) % 64;
    let header = format!("{header}{}\n", " ".repeat(padding));
    let len = (header.len() as u16).to_le_bytes();
    [MAGIC.as_slice(), &[1, 0], &len, header.as_bytes(), data].concat()
}

fn load(bytes: &[u8]) -> Result<Array, String> {
    read(Path::new("a.npy"), bytes).map_err(|error| error.to_string())
}

#[test]
fn every_kind_of_element_reads_as_its_number() {
    let cases: [(&str, &[u8], f64); 11] = [
        ("<f4", &1.5f32.to_le_bytes(), 1.5),
        (">f4", &1.5f32.to_be_bytes(), 1.5),
        ("<f8", &(-2.5f64).to_le_bytes(), -2.5),
        (">f8", &(-2.5f64).to_be_bytes(), -2.5),
        ("|u1", &[200], 200.0),
        ("|b1", &[1], 1.0),
        ("|i1", &[200], -56.0),
        ("<i2", &(-300i16).to_le_bytes(), -300.0),
        (">i4", &(-70_000i32).to_be_bytes(), -70_000.0),
        ("<i8", &(-5i64).to_le_bytes(), -5.0),
        ("<u8", &5u64.to_le_bytes(), 5.0),
    ];
    for (descr, bytes, value) in cases {
        assert_eq!(load(&file(descr, "(1,)", bytes)).unwrap().values(), [value], "{descr}");
    }
}

#[test]
fn column_major_arrays_become_row_major() {
    let header = "{'shape': (2, 3), 'fortran_order': True, \"descr\": \"|u1\"}";
    let array = load(&with_header(header, &[1, 4, 2, 5, 3, 6])).unwrap();
    assert_eq!(array.bytes().unwrap(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(array.values(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
}

#[test]
fn a_longer_version_reads_too() {
    let mut bytes = file("|u1", "(2,)", &[1, 2]);
    bytes[6] = 2;
    bytes.splice(10..10, [0, 0]);
    assert_eq!(load(&bytes).unwrap().values(), [1.0, 2.0]);
    bytes[6] = 4;
    assert!(load(&bytes).unwrap_err().contains("version 4.0"));
}

#[test]
fn a_header_that_says_something_else_is_told() {
    let data = [1, 2, 3, 4];
    let header = |text: &str| with_header(text, &data);
    for (bytes, part) in [
        (b"".to_vec(), "is no NPY array"),
        (b"a,b\n1,2\n".to_vec(), "is no NPY array"),
        (file("<f2", "(2,)", &data), "its elements are `<f2`"),
        (file("|O", "(2,)", &data), "its elements are `|O`"),
        (file("", "(2,)", &data), "its elements are ``"),
        (file("|u4", "(1,)", &data), "its elements are `|u4`"),
        (file("<\u{fc}1", "(1,)", &data), "its elements are"),
        (header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}"), "its elements are `a record`"),
        (file("|u1", "()", &data), "shape () holds no samples"),
        (file("|u1", "(4, 0)", &data), "shape (4, 0) holds no samples"),
        (file("|u1", "(5,)", &data), "promises 5 bytes of data, the file has 4"),
        (file("|u1", "(3,)", &data), "promises 3 bytes of data, the file has more"),
        (file("<f8", "(1,)", &data), "promises 8 bytes of data, the file has 4"),
        (file("|u1", "(268435456,)", &data), "promises 268435456 bytes of data, the file has 4"),
        (file("|u1", "(268435457,)", &data), "more than the 268435456 values"),
        (file("<f8", "(4294967295, 4294967295, 4294967295)", &data), "more than the"),
        (file("<f8", "(99999999999999999999,)", &data), "no whole number of 64 bits"),
        (file("<f8", "(-1,)", &data), "no whole number"),
        (file("<f8", &format!("({})", "1,".repeat(65)), &data), "more than 64 sizes"),
        (file("<f8", &"(".repeat(2000), &data), "no whole number"),
        (header("{'descr': '<f8', 'shape': (1,)}"), "one of them is missing"),
        (header("{'descr': '<f8', 'fortran_order': 0, 'shape': (1,)}"), "neither True nor False"),
        (header("{'descr': '<f8', 'colour': 'red'}"), "the key colour"),
        (header("{'descr': '<f8"), "a string does not end"),
        (header("{} and more"), "something follows it"),
        (header(""), "there is no {"),
    ] {
        let error = load(&bytes).unwrap_err();
        assert!(error.contains(part) && !error.contains('\n'), "{error}");
    }
}

#[test]
fn a_torn_file_is_an_error_at_every_byte() {
    let whole = file("<f4", "(2, 3)", &[7; 24]);
    assert!(load(&whole).is_ok());
    for end in 0..whole.len() {
        assert!(load(&whole[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn a_header_length_is_not_believed() {
    let mut bytes = file("<f4", "(1,)", &[0; 4]);
    bytes[8..10].copy_from_slice(&[0xff, 0xff]);
    assert!(load(&bytes).unwrap_err().contains("the header should have 65535 bytes"));
    bytes[6] = 3;
    bytes.splice(10..10, [0xff, 0xff]);
    assert!(load(&bytes).unwrap_err().contains("the header should have 4294967295 bytes"));
}

proptest::proptest! {
    #[test]
    fn a_garbled_file_is_read_or_refused(at in 0usize..152, byte: u8) {
        let mut bytes = file("<f4", "(2, 3)", &[7; 24]);
        bytes[at] = byte;
        if let Ok(array) = load(&bytes) {
            array.values();
        }
    }
}
