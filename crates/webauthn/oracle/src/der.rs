//! Other spellings of an ECDSA signature (`Ecdsa-Sig-Value`, RFC 3279 section 2.2.3): some are
//! the same signature in BER but not in DER, some are none.

use keymoor_testkit::Dice;

/// The order of P-256 (SEC 2 section 2.4.2).
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// `signature`, spelled in another way; as it is if it is no ES256 signature in DER.
pub(crate) fn respelled(dice: &mut Dice, signature: &[u8]) -> Vec<u8> {
    let Some((r, s)) = numbers(signature) else {
        return signature.to_vec();
    };
    match dice.below(11) {
        0 => sequence(&r, &minimal(&[&[1][..], &[0; 32]].concat())),
        1 => sequence(&[&[0][..], &r].concat(), &s),
        2 => sequence(&r, &[&[0, 0][..], &s].concat()),
        3 => sequence(
            r.strip_prefix(&[0]).unwrap_or(&r),
            s.strip_prefix(&[0]).unwrap_or(&s),
        ),
        4 => sequence(&[0], &s),
        5 => sequence(&r, &[0]),
        6 => sequence(&s, &r),
        7 => [signature, &[0]].concat(),
        8 => [&[0x30, 0x81], &signature[1..]].concat(),
        9 => [&[0x30, 0x80], &signature[2..], &[0, 0]].concat(),
        _ => [padded(&r), padded(&s)].concat(),
    }
}

/// The other signature with the same r, which is valid too: s taken from the order. `signature`
/// as it is if it is no ES256 signature in DER.
pub(crate) fn negated(signature: &[u8]) -> Vec<u8> {
    numbers(signature).map_or_else(
        || signature.to_vec(),
        |(r, s)| sequence(&r, &minimal(&subtracted(&ORDER, &padded(&s)))),
    )
}

/// The SubjectPublicKeyInfo of a certificate of version 3 (RFC 5280 section 4.1).
pub(crate) fn public_key(certificate: &[u8]) -> Option<&[u8]> {
    let (to_be_signed, _) = content(certificate)?;
    let (mut fields, _) = content(to_be_signed)?;
    // Version, serial number, signature algorithm, issuer, validity and subject.
    for _ in 0..6 {
        (_, fields) = content(fields)?;
    }
    let (_, behind) = content(fields)?;
    Some(&fields[..fields.len() - behind.len()])
}

/// What is in the first element, and what is behind it (X.690 section 8.1).
fn content(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[_, first], rest) = der.split_first_chunk()?;
    let (digits, rest) = match first {
        0x80.. => rest.split_at_checked(usize::from(first & 0x7f))?,
        _ => (&[first][..], rest),
    };
    let length = digits.iter().try_fold(0_usize, |length, digit| {
        length.checked_mul(256)?.checked_add(usize::from(*digit))
    })?;
    rest.split_at_checked(length)
}

/// The contents of the two INTEGERs.
fn numbers(der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let rest = der.strip_prefix(&[0x30])?.get(1..)?;
    let (r, rest) = integer(rest)?;
    let (s, rest) = integer(rest)?;
    (rest.is_empty() && r.len() <= 33 && s.len() <= 33).then(|| (r.to_vec(), s.to_vec()))
}

fn integer(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = der.strip_prefix(&[0x02])?.split_first()?;
    rest.split_at_checked(length.into())
}

fn sequence(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| [&[0x02, byte(number.len())], number].concat();
    let (r, s) = (integer(r), integer(s));
    [&[0x30, byte(r.len() + s.len())][..], &r, &s].concat()
}

fn byte(length: usize) -> u8 {
    u8::try_from(length).expect("two numbers of 35 bytes at most")
}

/// As 32 bytes, big-endian.
fn padded(number: &[u8]) -> Vec<u8> {
    let digits = number.strip_prefix(&[0]).unwrap_or(number);
    [&vec![0; 32 - digits.len()][..], digits].concat()
}

/// As an INTEGER's contents: no superfluous zero, one where the first bit would be a sign.
fn minimal(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let digits = &number[zeros..];
    match digits.first() {
        Some(first) if *first < 0x80 => digits.to_vec(),
        _ => [&[0][..], digits].concat(),
    }
}

fn subtracted(from: &[u8; 32], number: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let mut difference: Vec<u8> = from
        .iter()
        .zip(number)
        .rev()
        .map(|(a, b)| {
            let digit = i16::from(*a) - i16::from(*b) - borrow;
            borrow = i16::from(digit < 0);
            u8::try_from(digit.rem_euclid(256)).expect("a remainder of 256")
        })
        .collect();
    difference.reverse();
    difference
}
