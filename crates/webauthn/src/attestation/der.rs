//! DER parsing by element, stricter than the libraries' parsers (X.690).

use x509_parser::oid_registry::asn1_rs::{Any, Class, FromDer as _, Tag};

pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const SEQUENCE: u8 = 0x30;

/// Reads one element from `input`.
pub(super) fn next<'a>(input: &mut &'a [u8]) -> Option<Any<'a>> {
    let (rest, element) = Any::from_der(input).ok()?;
    *input = rest;
    Some(element)
}

/// Reads one element with this universal tag from `input` and returns its content. In DER only
/// sequences and sets are constructed (section 10.2 for strings).
pub(super) fn content<'a>(input: &mut &'a [u8], tag: Tag) -> Option<&'a [u8]> {
    let element = next(input)?;
    let is_of_elements = matches!(tag, Tag::Sequence | Tag::Set);
    let is_it = (element.class(), element.tag()) == (Class::Universal, tag)
        && element.header.is_constructed() == is_of_elements;
    is_it.then_some(element.data)
}

/// Encodes an element with its length in the fewest bytes (sections 8.1 and 10.1).
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let contents = parts.concat();
    let mut element = vec![tag];
    if let Ok(short @ 0..0x80) = u8::try_from(contents.len()) {
        element.push(short);
    } else {
        let length = contents.len().to_be_bytes();
        let digits = &length[length.iter().take_while(|byte| **byte == 0).count()..];
        let count = u8::try_from(digits.len()).expect("a length has 8 bytes at most");
        element.push(0x80 | count);
        element.extend_from_slice(digits);
    }
    element.extend(contents);
    element
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_as_short_as_they_can_be() {
        for (length, head) in [
            (0, &[0x04, 0x00][..]),
            (0x7f, &[0x04, 0x7f]),
            (0x80, &[0x04, 0x81, 0x80]),
            (0x100, &[0x04, 0x82, 0x01, 0x00]),
        ] {
            let contents = vec![7; length];
            assert_eq!(element(0x04, &[&contents]), [head, &contents].concat());
        }
    }
}
