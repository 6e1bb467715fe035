//! Changes of CBOR that a reader of the specification might overlook.

use keymoor_testkit::Dice;
use keymoor_testkit::cbor::Item;

/// `bytes`, one CBOR item, with one node changed.
pub(crate) fn changed(dice: &mut Dice, bytes: &[u8]) -> Vec<u8> {
    let (mut item, _) = Item::read(bytes).expect("the testkit writes CBOR");
    change_somewhere(dice, &mut item);
    item.encode()
}

/// Changes `item` or something in it.
pub(crate) fn change_somewhere(dice: &mut Dice, item: &mut Item) {
    let inside = !dice.one_in(3);
    match item {
        Item::Array(items) if inside && !items.is_empty() => {
            let at = dice.below(items.len());
            change_somewhere(dice, &mut items[at]);
        }
        Item::Map(entries) if inside && !entries.is_empty() => {
            let at = dice.below(entries.len());
            let (key, value) = &mut entries[at];
            if dice.one_in(4) {
                change_somewhere(dice, key);
            } else {
                change_somewhere(dice, value);
            }
        }
        Item::Map(entries) => match change_entries(dice, entries) {
            Some(changed) => *entries = changed,
            None => *item = rewritten(dice, item),
        },
        _ => *item = rewritten(dice, item),
    }
}

/// The entries with one removed, repeated, moved or added; `None` to change something else.
fn change_entries(dice: &mut Dice, entries: &[(Item, Item)]) -> Option<Vec<(Item, Item)>> {
    let mut entries = entries.to_vec();
    let at = dice.below(entries.len());
    match dice.below(5) {
        0 if !entries.is_empty() => drop(entries.remove(at)),
        1 if !entries.is_empty() => {
            let mut repeated = entries[at].clone();
            if dice.one_in(2) {
                repeated.1 = any_item(dice);
            }
            entries.push(repeated);
        }
        2 if !entries.is_empty() => entries.rotate_left(at),
        3 => entries.push((any_item(dice), any_item(dice))),
        _ => return None,
    }
    Some(entries)
}

/// The same in a spelling that CTAP2's canonical form forbids, or something else.
fn rewritten(dice: &mut Dice, item: &Item) -> Item {
    match (dice.below(5), item) {
        (0, _) => Item::Raw(long_form(item)),
        (1, Item::Array(_) | Item::Map(_) | Item::Bytes(_) | Item::Text(_)) => {
            Item::Raw(indefinite(item))
        }
        (1, _) => Item::Tag(dice.bits() >> dice.below(64), Box::new(item.clone())),
        (2, Item::Unsigned(n)) => Item::Unsigned(n.wrapping_add(1)),
        (2, Item::Negative(n)) => Item::Negative(n.wrapping_add(1)),
        (2, Item::Bytes(bytes)) => Item::Bytes(dice.changed(bytes)),
        (2, Item::Text(text)) => {
            Item::Text(String::from_utf8_lossy(&dice.changed(text.as_bytes())).into_owned())
        }
        (3, Item::Bytes(bytes)) => Item::Text(String::from_utf8_lossy(bytes).into_owned()),
        (3, Item::Text(text)) => Item::Bytes(text.clone().into_bytes()),
        _ => any_item(dice),
    }
}

/// The item with a head of 9 bytes where fewer would do (RFC 8949 section 4.2.1).
fn long_form(item: &Item) -> Vec<u8> {
    let shortest = item.encode();
    let head_length = match shortest[0] & 0x1f {
        24 => 2,
        25 => 3,
        26 => 5,
        27 => 9,
        _ => 1,
    };
    let argument = match item {
        Item::Unsigned(n) | Item::Negative(n) => *n,
        Item::Bytes(bytes) => bytes.len() as u64,
        Item::Text(text) => text.len() as u64,
        Item::Array(items) => items.len() as u64,
        Item::Map(entries) => entries.len() as u64,
        Item::Tag(..) | Item::Simple(..) | Item::Raw(_) => return shortest,
    };
    let mut long = vec![shortest[0] & 0xe0 | 0x1b];
    long.extend(argument.to_be_bytes());
    long.extend(&shortest[head_length..]);
    long
}

/// The item in pieces with a break behind them (RFC 8949 section 3.2).
fn indefinite(item: &Item) -> Vec<u8> {
    let parts: Vec<Vec<u8>> = match item {
        Item::Array(items) => items.iter().map(Item::encode).collect(),
        Item::Map(entries) => entries
            .iter()
            .map(|(key, value)| [key.encode(), value.encode()].concat())
            .collect(),
        _ => vec![item.encode()],
    };
    let major = item.encode()[0] & 0xe0;
    [&[major | 0x1f][..], &parts.concat(), &[0xff]].concat()
}

/// An item that has nothing to do with anything.
pub(crate) fn any_item(dice: &mut Dice) -> Item {
    match dice.below(9) {
        0 => Item::Unsigned(dice.bits() >> dice.below(64)),
        1 => Item::Negative(dice.bits() >> dice.below(64)),
        2 => Item::Bytes(dice.some_bytes(70)),
        3 => Item::Text((*dice.pick(&["", "fmt", "alg", "x5c", "credProtect"])).to_owned()),
        4 => Item::Array(vec![any_item(dice)]),
        5 => Item::Map(vec![(any_item(dice), any_item(dice))]),
        6 => Item::Map(Vec::new()),
        7 => Item::Simple(*dice.pick(&[20, 21, 22, 23]), 0),
        _ => Item::Simple(27, f64::to_bits(1.5)),
    }
}

/// Bytes to append, at least one.
pub(crate) fn more_bytes(dice: &mut Dice) -> Vec<u8> {
    let mut bytes = dice.some_bytes(7);
    bytes.push(dice.byte());
    bytes
}
