//! CBOR as authenticators must write it (CTAP 2.2 section 8, "Message Encoding"): lengths are
//! definite, nesting is shallow, nothing is tagged.

use minicbor::Decoder;
use minicbor::data::Type;

/// The bytes are not CBOR in this form. Deliberately without detail, since a decoder's message may
/// quote its input.
pub(crate) struct NotCbor;

impl From<minicbor::decode::Error> for NotCbor {
    fn from(_: minicbor::decode::Error) -> Self {
        Self
    }
}

/// CTAP allows 4 levels; formats that nest other statements need a few more.
const MAX_DEPTH: u8 = 8;

/// Enters a map and returns how many entries it has.
pub(crate) fn map_entries(decoder: &mut Decoder<'_>) -> Result<u64, NotCbor> {
    decoder.map()?.ok_or(NotCbor)
}

/// Steps over one map, whatever is in it, and returns its bytes.
pub(crate) fn take_map<'a>(decoder: &mut Decoder<'a>) -> Result<&'a [u8], NotCbor> {
    let start = decoder.position();
    if decoder.datatype()? != Type::Map {
        return Err(NotCbor);
    }
    skip(decoder, MAX_DEPTH)?;
    Ok(&decoder.input()[start..decoder.position()])
}

fn skip(decoder: &mut Decoder<'_>, depth: u8) -> Result<(), NotCbor> {
    let items = match decoder.datatype()? {
        Type::Array => decoder.array()?.ok_or(NotCbor)?,
        Type::Map => {
            let pairs = map_entries(decoder)?;
            pairs.checked_mul(2).ok_or(NotCbor)?
        }
        Type::ArrayIndef
        | Type::MapIndef
        | Type::BytesIndef
        | Type::StringIndef
        | Type::Tag
        | Type::Break
        | Type::Unknown(_) => return Err(NotCbor),
        _ => return Ok(decoder.skip()?),
    };
    let depth = depth.checked_sub(1).ok_or(NotCbor)?;
    (0..items).try_for_each(|_| skip(decoder, depth))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map_length(bytes: &[u8]) -> Option<usize> {
        take_map(&mut Decoder::new(bytes)).ok().map(<[u8]>::len)
    }

    #[test]
    fn steps_over_exactly_one_map() {
        for (bytes, length) in [
            (&[0xa0][..], 1),
            (&[0xa0, 0xa0], 1),
            (&[0xa1, 0x01, 0x02, 0xff], 3),
            (&[0xa1, 0x61, b'a', 0x82, 0x41, 0x00, 0xa1, 0x20, 0xf5], 9),
            (&[0xa1, 0x00, 0xf9, 0x3c, 0x00], 5),
        ] {
            assert_eq!(map_length(bytes), Some(length), "{bytes:02x?}");
        }
    }

    #[test]
    fn refuses_what_authenticators_must_not_write() {
        for (name, bytes) in [
            ("nothing", &[][..]),
            ("an integer", &[0x00]),
            ("an array", &[0x80]),
            ("a map cut short", &[0xa1, 0x00]),
            ("an indefinite map", &[0xbf, 0xff]),
            ("an indefinite array inside", &[0xa1, 0x00, 0x9f, 0xff]),
            ("indefinite bytes inside", &[0xa1, 0x00, 0x5f, 0xff]),
            ("a tag inside", &[0xa1, 0x00, 0xc0, 0x60]),
            ("a break as a value", &[0xa1, 0x00, 0xff]),
            (
                "a length beyond the end",
                &[0xa1, 0x00, 0x5a, 0xff, 0xff, 0xff, 0xff],
            ),
            (
                "a map of 2^63 entries",
                &[0xbb, 0x80, 0, 0, 0, 0, 0, 0, 0, 0],
            ),
        ] {
            assert_eq!(map_length(bytes), None, "{name}");
        }
        let bottomless = [&[0xa1, 0x00][..], &[0x81; 10_000]].concat();
        assert_eq!(map_length(&bottomless), None);
    }
}
