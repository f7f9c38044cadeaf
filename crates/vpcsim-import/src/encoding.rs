//! From bytes to text: UTF-8 with or without a byte order mark, and the UTF-16 that PowerShell's `>` writes.

use std::char::{REPLACEMENT_CHARACTER, decode_utf16};

/// Why bytes are not text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotText {
    /// There is nothing, or nothing but white space.
    Empty,
    /// Something that is not text at all.
    Binary,
    /// Not UTF-8 from this place on; line and column are counted from one.
    InvalidUtf8 {
        /// The line.
        line: u32,
        /// The column in characters.
        column: u32,
    },
}

/// How far a file is searched for the signs of a binary format, in bytes.
const SNIFFED_LEN: usize = 8192;

/// Decodes the bytes of an input.
pub(crate) fn decode(bytes: Vec<u8>) -> Result<String, NotText> {
    let text = match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => from_utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => from_utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => from_utf8(rest.to_vec())?,
        [0, first, 0, _, ..] if *first != 0 => from_utf16(&bytes, u16::from_be_bytes),
        [first, 0, _, 0, ..] if *first != 0 => from_utf16(&bytes, u16::from_le_bytes),
        _ => from_utf8(bytes)?,
    };
    if text.trim().is_empty() {
        return Err(NotText::Empty);
    }
    Ok(text)
}

fn from_utf8(bytes: Vec<u8>) -> Result<String, NotText> {
    if bytes.iter().take(SNIFFED_LEN).any(|&byte| byte == 0) {
        return Err(NotText::Binary);
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let valid = String::from_utf8_lossy(valid);
        let broken = error.as_bytes().iter().take(SNIFFED_LEN);
        // A text with one stray byte is worth its place; a compressed file is not.
        if broken.filter(|&&byte| byte < 9).count() > 0 {
            return NotText::Binary;
        }
        let last = valid.rsplit('\n').next().unwrap_or_default();
        NotText::InvalidUtf8 {
            line: valid.matches('\n').count() as u32 + 1,
            column: last.chars().count() as u32 + 1,
        }
    })
}

fn from_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    decode_utf16(units)
        .map(|decoded| decoded.unwrap_or(REPLACEMENT_CHARACTER))
        .filter(|&character| character != '\u{feff}')
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2], mark: bool) -> Vec<u8> {
        let mark = if mark { "\u{feff}" } else { "" };
        format!("{mark}{text}").encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn every_encoding_gives_the_same_text() {
        let text = "name: Zürich\n";
        for bytes in [
            text.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            utf16(text, u16::to_le_bytes, true),
            utf16(text, u16::to_be_bytes, true),
            utf16(text, u16::to_le_bytes, false),
            utf16(text, u16::to_be_bytes, false),
        ] {
            assert_eq!(decode(bytes).as_deref(), Ok(text));
        }
    }

    #[test]
    fn nothing_and_white_space_are_empty() {
        assert_eq!(decode(Vec::new()), Err(NotText::Empty));
        assert_eq!(decode(b" \n\t\n".to_vec()), Err(NotText::Empty));
    }

    #[test]
    fn a_compressed_file_is_binary_and_a_stray_byte_has_a_place() {
        assert_eq!(
            decode(b"PK\x03\x04\x14\x00\x00\x00\x08".to_vec()),
            Err(NotText::Binary)
        );
        assert_eq!(
            decode(b"name: x\nregion: \xe9u\n".to_vec()),
            Err(NotText::InvalidUtf8 { line: 2, column: 9 })
        );
    }
}
