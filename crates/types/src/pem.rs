//! PEM texts (RFC 7468), read so that no block is lost.
//!
//! Operators paste such files together, and editors change them. Byte order marks, indentation, line
//! ends, text around the blocks and missing line ends between them are accepted. Whatever looks like
//! a block and can't be read is an error, because a certificate that is silently left out is found
//! much later, and elsewhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its label, such as `CERTIFICATE`.
    pub label: String,
    /// Its content.
    pub der: Vec<u8>,
}

/// Why a text is rejected. Blocks are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// The text is UTF-16.
    #[error("the file is UTF-16 text: save it as UTF-8")]
    Utf16,
    /// There is no block, or none of the wanted kind.
    #[error("there is no PEM certificate")]
    Empty,
    /// A line looks like the boundary of a block and is not. `0`: before the first block.
    #[error("the BEGIN or END line after PEM block {0} is malformed")]
    Boundary(usize),
    /// A block does not end before the next one, or at all.
    #[error("PEM block {0} has no END line")]
    Unterminated(usize),
    /// A block ends with another label than it begins with.
    #[error("the BEGIN and END lines of PEM block {0} have different labels")]
    Labels(usize),
    /// A block has headers (RFC 1421).
    #[error("PEM block {0} has headers, as encrypted keys do: store it without encryption")]
    Headers(usize),
    /// A block's content is not base64.
    #[error("PEM block {0} is not base64")]
    Base64(usize),
    /// A block is of another kind.
    #[error("PEM block {0} is no certificate, but a {1}")]
    NoCertificate(usize, String),
}

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// Returns every block of a text.
///
/// # Errors
/// [`PemError`], also if there is no block.
pub fn blocks(text: &[u8]) -> Result<Vec<Block>, PemError> {
    if text.starts_with(&[0xff, 0xfe]) || text.starts_with(&[0xfe, 0xff]) {
        return Err(PemError::Utf16);
    }
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = split(rest, BEGIN) {
        let number = blocks.len() + 1;
        check_outside(before, blocks.len())?;
        let (label, behind) = label(behind).ok_or(PemError::Boundary(blocks.len()))?;
        let (content, behind) = split(behind, END).ok_or(PemError::Unterminated(number))?;
        if split(content, BEGIN).is_some() {
            return Err(PemError::Unterminated(number));
        }
        let (end, behind) = self::label(behind).ok_or(PemError::Boundary(number))?;
        if end != label {
            return Err(PemError::Labels(number));
        }
        let der = decode(content, number)?;
        blocks.push(Block {
            label: label.to_owned(),
            der,
        });
        rest = behind;
    }
    check_outside(rest, blocks.len())?;
    if blocks.is_empty() {
        return Err(PemError::Empty);
    }
    Ok(blocks)
}

/// Returns the certificates of a text in their order, at least one. Private keys and parameters
/// beside them are ignored. Of the labels, those that RFC 7468 section 5.1 mentions are accepted.
///
/// # Errors
/// [`PemError`], also for a block of any other kind.
pub fn certificates(text: &[u8]) -> Result<Vec<Vec<u8>>, PemError> {
    let mut certificates = Vec::new();
    for (at, Block { label, der }) in blocks(text)?.into_iter().enumerate() {
        match label.as_str() {
            "CERTIFICATE" | "X509 CERTIFICATE" | "X.509 CERTIFICATE" => certificates.push(der),
            _ if label.ends_with("PRIVATE KEY") || label.ends_with("PARAMETERS") => {}
            _ => return Err(PemError::NoCertificate(at + 1, label)),
        }
    }
    if certificates.is_empty() {
        return Err(PemError::Empty);
    }
    Ok(certificates)
}

/// Returns the text before and behind the first `boundary`.
fn split<'a>(text: &'a [u8], boundary: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = text
        .windows(boundary.len())
        .position(|window| window == boundary)?;
    Some((&text[..at], &text[at + boundary.len()..]))
}

/// Returns the label at the beginning of a text, and what follows its dashes.
fn label(text: &[u8]) -> Option<(&str, &[u8])> {
    let (label, behind) = split(text, DASHES)?;
    let label = str::from_utf8(label).ok()?;
    let is_printable = |c: char| c == ' ' || c.is_ascii_graphic() && c != '-';
    (!label.is_empty() && label.chars().all(is_printable)).then_some((label, behind))
}

/// Rejects a text outside of blocks that contains something like a boundary, for example with a
/// dash too few or with dashes of a word processor.
fn check_outside(text: &[u8], blocks_before: usize) -> Result<(), PemError> {
    let is_boundary = |word: &[u8]| {
        text.windows(word.len() + 2).any(|window| {
            let (dashes, found) = window.split_at(2);
            let is_typographic = dashes[1] >= 0x80 && found == word;
            is_typographic || dashes == b"--" && found.eq_ignore_ascii_case(word)
        })
    };
    if is_boundary(b"BEGIN") || is_boundary(b"END") {
        return Err(PemError::Boundary(blocks_before));
    }
    Ok(())
}

fn decode(content: &[u8], number: usize) -> Result<Vec<u8>, PemError> {
    if content.contains(&b':') {
        return Err(PemError::Headers(number));
    }
    let base64: Vec<u8> = content
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace() && *byte != 0x0b)
        .collect();
    STANDARD
        .decode(base64)
        .map_err(|_| PemError::Base64(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "-----BEGIN CERTIFICATE-----\nAAECAwQF\nBgcI\n-----END CERTIFICATE-----\n";
    const TWO: &str = "-----BEGIN CERTIFICATE-----\n/v8=\n-----END CERTIFICATE-----\n";

    fn both() -> Vec<Vec<u8>> {
        vec![(0..=8).collect(), vec![0xfe, 0xff]]
    }

    /// RFC 7468 section 2 (white space, text around blocks) and section 3 (lax parsing).
    #[test]
    fn every_block_is_read_however_the_file_was_put_together() {
        let files = [
            ("plain", format!("{ONE}{TWO}")),
            (
                "glued",
                format!("{ONE}{TWO}").replace("-----\n-----BEGIN", "----------BEGIN"),
            ),
            ("CRLF", format!("{ONE}{TWO}").replace('\n', "\r\n")),
            ("CR", format!("{ONE}{TWO}").replace('\n', "\r")),
            ("byte order marks", format!("\u{feff}{ONE}\u{feff}{TWO}")),
            ("indented", format!("{ONE}{TWO}").replace('\n', "\n  \t")),
            (
                "trailing blanks",
                format!("{ONE}{TWO}").replace('\n', " \n"),
            ),
            (
                "text",
                format!("subject=CN = A – front-end\n{ONE}text\n\n{TWO}the end\n"),
            ),
            ("no last line end", format!("{ONE}{}", TWO.trim_end())),
            ("one line", format!("{ONE}{TWO}").replace('\n', "")),
            (
                "a key between",
                format!("{ONE}{}{TWO}", ONE.replace("CERTIFICATE", "EC PRIVATE KEY")),
            ),
            (
                "old labels",
                format!("{}{TWO}", ONE.replace("CERTIFICATE", "X509 CERTIFICATE")),
            ),
        ];
        for (name, file) in files {
            assert_eq!(certificates(file.as_bytes()), Ok(both()), "{name}");
        }
    }

    #[test]
    fn what_can_not_be_read_is_an_error_and_never_left_out() {
        use PemError::{Base64, Boundary, Empty, Headers, Labels, NoCertificate, Unterminated};
        let with = |from: &str, to: &str| format!("{ONE}{}", TWO.replacen(from, to, 1));
        for (file, error) in [
            (String::new(), Empty),
            ("MIIB".to_owned(), Empty),
            (ONE.replace("CERTIFICATE", "PRIVATE KEY"), Empty),
            (with("-----BEGIN", "----BEGIN"), Boundary(1)),
            (with("-----BEGIN", "——BEGIN"), Boundary(1)),
            (with("-----BEGIN CERT", "-----begin cert"), Boundary(1)),
            (
                with("BEGIN CERTIFICATE-----", "BEGIN CERTIFICATE---"),
                Boundary(1),
            ),
            (
                with("END CERTIFICATE-----", "END CERTIFICATE---"),
                Boundary(2),
            ),
            (with("-----BEGIN CERTIFICATE-----\n", ""), Boundary(1)),
            (with("-----END CERTIFICATE-----\n", ""), Unterminated(2)),
            (
                format!("{}{TWO}", ONE.replace("-----END CERTIFICATE-----\n", "")),
                Unterminated(1),
            ),
            (with("END CERTIFICATE", "END PRIVATE KEY"), Labels(2)),
            (with("/v8=", "/v8"), Base64(2)),
            (with("/v8=", "# /v8="), Base64(2)),
            (with("/v8=", "/v\u{a0}8="), Base64(2)),
            (with("/v8=", "Proc-Type: 4,ENCRYPTED\n\n/v8="), Headers(2)),
            (
                format!("{ONE}{}", TWO.replace("CERTIFICATE", "TRUSTED CERTIFICATE")),
                NoCertificate(2, "TRUSTED CERTIFICATE".to_owned()),
            ),
        ] {
            assert_eq!(certificates(file.as_bytes()), Err(error), "{file}");
        }
        let utf16: Vec<u8> = format!("\u{feff}{ONE}")
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(certificates(&utf16), Err(PemError::Utf16));
    }
}
