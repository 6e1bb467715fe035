//! Just enough DER (X.690) to write certificates.

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OID: u8 = 0x06;
pub(crate) const ENUMERATED: u8 = 0x0a;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const PRINTABLE_STRING: u8 = 0x13;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

pub(crate) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(SEQUENCE, &parts.concat())
}

pub(crate) fn bit_string(bytes: &[u8]) -> Vec<u8> {
    tlv(BIT_STRING, &[&[0], bytes].concat())
}

pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag], &length(content)[..], content].concat()
}

/// Encodes an element with a context-specific, constructed tag of any number (X.690 section
/// 8.1.2.4).
pub(crate) fn explicit(number: u16, content: &[u8]) -> Vec<u8> {
    let [high, low] = [number >> 7, number & 0x7f].map(|bits| bits.to_be_bytes()[1]);
    let tag = match number {
        0..=30 => vec![0xa0 | low],
        31..=127 => vec![0xbf, low],
        _ => vec![0xbf, 0x80 | high, low],
    };
    [&tag, &length(content)[..], content].concat()
}

fn length(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("a test certificate is small");
    let [high, low] = length.to_be_bytes();
    match length {
        0..0x80 => vec![low],
        0x80..0x100 => vec![0x81, low],
        _ => vec![0x82, high, low],
    }
}

/// Encodes an object identifier from its dotted form. Its arcs must fit 28 bits.
pub(crate) fn oid(dotted: &str) -> Vec<u8> {
    let mut arcs = dotted
        .split('.')
        .map(|arc| arc.parse::<u32>().expect("arcs are numbers"));
    let (first, second) = (
        arcs.next().expect("two arcs"),
        arcs.next().expect("two arcs"),
    );
    let content: Vec<u8> = [first * 40 + second]
        .into_iter()
        .chain(arcs)
        .flat_map(base_128)
        .collect();
    tlv(OID, &content)
}

fn base_128(arc: u32) -> Vec<u8> {
    let septet = |shift: u32| (arc >> shift & 0x7f).to_be_bytes()[3];
    let skipped = (0..3).take_while(|at| septet(21 - 7 * at) == 0).count();
    let septets = [
        septet(21) | 0x80,
        septet(14) | 0x80,
        septet(7) | 0x80,
        septet(0),
    ];
    septets[skipped..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_identifiers_are_encoded_as_x690_section_8_19_has_it() {
        assert_eq!(oid("2.5.29.19"), [0x06, 0x03, 0x55, 0x1d, 0x13]);
        assert_eq!(
            oid("1.3.6.1.4.1.45724.1.1.4"),
            [
                0x06, 0x0b, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xe5, 0x1c, 0x01, 0x01, 0x04
            ]
        );
        assert_eq!(
            oid("1.2.840.113635"),
            [0x06, 0x06, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63]
        );
        assert_eq!(explicit(600, &[]), [0xbf, 0x84, 0x58, 0x00]);
    }
}
