//! CBOR as a tree that tests parse, change and encode again, invalid items included.

/// A CBOR data item (RFC 8949) that can be parsed, changed and encoded again.
///
/// It parses well-formed items of definite length. It can encode items that every parser should
/// reject: [`Item::Raw`] stands for any bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// Major type 0.
    Unsigned(u64),
    /// Major type 1: -1 - n.
    Negative(u64),
    /// Major type 2.
    Bytes(Vec<u8>),
    /// Major type 3.
    Text(String),
    /// Major type 4.
    Array(Vec<Item>),
    /// Major type 5, in the order of the entries, repeated keys included.
    Map(Vec<(Item, Item)>),
    /// Major type 6.
    Tag(u64, Box<Item>),
    /// Major type 7: the head's low five bits and its argument, whatever they mean.
    Simple(u8, u64),
    /// Bytes that are written unchanged.
    Raw(Vec<u8>),
}

const MAX_DEPTH: u8 = 64;

impl Item {
    /// Parses one item and returns it with the bytes after it.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let mut rest = bytes;
        let item = Self::take(&mut rest, MAX_DEPTH)?;
        Some((item, rest))
    }

    fn take(rest: &mut &[u8], depth: u8) -> Option<Self> {
        let depth = depth.checked_sub(1)?;
        let (&[head], _) = rest.split_first_chunk()?;
        let argument = take_argument(rest)?;
        Some(match head >> 5 {
            0 => Self::Unsigned(argument),
            1 => Self::Negative(argument),
            2 => Self::Bytes(take(rest, argument)?.to_vec()),
            3 => Self::Text(str::from_utf8(take(rest, argument)?).ok()?.to_owned()),
            4 => Self::Array(
                (0..argument)
                    .map(|_| Self::take(rest, depth))
                    .collect::<Option<_>>()?,
            ),
            5 => Self::Map(
                (0..argument)
                    .map(|_| Some((Self::take(rest, depth)?, Self::take(rest, depth)?)))
                    .collect::<Option<_>>()?,
            ),
            6 => Self::Tag(argument, Box::new(Self::take(rest, depth)?)),
            _ => Self::Simple(head & 0x1f, argument),
        })
    }

    /// Encodes the item with the shortest heads.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Unsigned(n) => write_head(out, 0, *n),
            Self::Negative(n) => write_head(out, 1, *n),
            Self::Bytes(bytes) => {
                write_head(out, 2, bytes.len() as u64);
                out.extend(bytes);
            }
            Self::Text(text) => {
                write_head(out, 3, text.len() as u64);
                out.extend(text.as_bytes());
            }
            Self::Array(items) => {
                write_head(out, 4, items.len() as u64);
                for item in items {
                    item.write(out);
                }
            }
            Self::Map(entries) => {
                write_head(out, 5, entries.len() as u64);
                for (key, value) in entries {
                    key.write(out);
                    value.write(out);
                }
            }
            Self::Tag(tag, item) => {
                write_head(out, 6, *tag);
                item.write(out);
            }
            Self::Simple(low, argument) => write_simple(out, *low, *argument),
            Self::Raw(bytes) => out.extend(bytes),
        }
    }

    /// Returns the value of a text key, if this is a map that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Self::Map(entries) = self else {
            return None;
        };
        let found = |name: &Self| matches!(name, Self::Text(text) if text == key);
        entries
            .iter()
            .find_map(|(name, value)| found(name).then_some(value))
    }

    /// Returns the value of [`Self::get`], mutably.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        let Self::Map(entries) = self else {
            return None;
        };
        let found = |name: &Self| matches!(name, Self::Text(text) if text == key);
        entries
            .iter_mut()
            .find_map(|(name, value)| found(name).then_some(value))
    }
}

/// Reads a head and returns its argument, or `None` for indefinite lengths and reserved values.
fn take_argument(rest: &mut &[u8]) -> Option<u64> {
    let [head] = take_array(rest)?;
    match head & 0x1f {
        small @ 0..24 => Some(small.into()),
        24 => take_array::<1>(rest).map(|[byte]| byte.into()),
        25 => take_array(rest).map(|bytes| u16::from_be_bytes(bytes).into()),
        26 => take_array(rest).map(|bytes| u32::from_be_bytes(bytes).into()),
        27 => take_array(rest).map(u64::from_be_bytes),
        _ => None,
    }
}

fn take<'a>(rest: &mut &'a [u8], length: u64) -> Option<&'a [u8]> {
    let (taken, remaining) = rest.split_at_checked(length.try_into().ok()?)?;
    *rest = remaining;
    Some(taken)
}

fn take_array<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, remaining) = rest.split_first_chunk()?;
    *rest = remaining;
    Some(*taken)
}

fn write_head(out: &mut Vec<u8>, major: u8, argument: u64) {
    let low = match argument {
        0..24 => u8::try_from(argument).expect("less than 24"),
        24..0x100 => 24,
        0x100..0x1_0000 => 25,
        0x1_0000..0x1_0000_0000 => 26,
        _ => 27,
    };
    write_argument(out, major, low, argument);
}

/// Encodes a float or simple value. Its width is part of its meaning, so it is preserved.
fn write_simple(out: &mut Vec<u8>, low: u8, argument: u64) {
    write_argument(out, 7, low, argument);
}

fn write_argument(out: &mut Vec<u8>, major: u8, low: u8, argument: u64) {
    out.push(major << 5 | low);
    let width = match low {
        24 => 1,
        25 => 2,
        26 => 4,
        27 => 8,
        _ => 0,
    };
    out.extend(&argument.to_be_bytes()[8 - width..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_again() {
        // RFC 8949, appendix A.
        for bytes in [
            &[0x00][..],
            &[0x18, 0x18],
            &[0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x39, 0x03, 0xe7],
            &[0x44, 1, 2, 3, 4],
            &[0x62, 0xc3, 0xbc],
            &[0x83, 0x01, 0x82, 0x02, 0x03, 0x82, 0x04, 0x05],
            &[0xa2, 0x61, b'a', 0x01, 0x61, b'b', 0x82, 0x02, 0x03],
            &[0xc1, 0x1a, 0x51, 0x4b, 0x67, 0xb0],
            &[0xf5],
            &[0xf8, 0xff],
            &[0xf9, 0x3c, 0x00],
        ] {
            let (item, rest) = Item::read(bytes).unwrap();
            assert!(rest.is_empty());
            assert_eq!(item.encode(), bytes);
        }
    }

    #[test]
    fn what_is_cut_short_or_indefinite_is_not_read() {
        for bytes in [
            &[][..],
            &[0x18],
            &[0x42, 0x00],
            &[0x61, 0xff],
            &[0x9f, 0xff],
            &[0xa1, 0x00],
            &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x81; 100],
        ] {
            assert_eq!(Item::read(bytes), None, "{bytes:02x?}");
        }
    }
}
