//! Whether 32 bytes encode a usable public point of edwards25519 (RFC 8032 sections 5.1 and
//! 5.1.3), which aws-lc-rs finds out no sooner than a signature fails.
//!
//! Only public values pass here, so nothing needs constant time.

/// A number below 2^256 that stands for its residue modulo p = 2^255 - 19; least significant
/// limb first.
type Field = [u64; 4];

const P: Field = [
    0xffff_ffff_ffff_ffed,
    0xffff_ffff_ffff_ffff,
    0xffff_ffff_ffff_ffff,
    0x7fff_ffff_ffff_ffff,
];
const ONE: Field = [1, 0, 0, 0];
const REPRESENTATIONS_OF_ONE: [Field; 3] = [
    ONE,
    [P[0] + 1, P[1], P[2], P[3]],
    [u64::MAX - 36, u64::MAX, u64::MAX, u64::MAX],
];
const MINUS_ONE: Field = [P[0] - 1, P[1], P[2], P[3]];
/// -121665/121666, the curve's d.
const D: Field = [
    0x75eb_4dca_1359_78a3,
    0x0070_0a4d_4141_d8ab,
    0x8cc7_4079_7779_e898,
    0x5203_6cee_2b6f_fe73,
];

/// The y of the points whose order divides 8. Under such a key anybody's signature can verify.
const SMALL_ORDER: [Field; 5] = [
    [0; 4],
    ONE,
    MINUS_ONE,
    [
        0xb027_b2c2_8f95_e826,
        0xf098_eff2_89f4_c345,
        0x3933_c6d3_05ac_dfd5,
        0x05fc_536d_8802_38b1,
    ],
    [
        0x4fd8_4d3d_706a_17c7,
        0x0f67_100d_760b_3cba,
        0xc6cc_392c_fa53_202a,
        0x7a03_ac92_77fd_c74e,
    ],
];

/// Whether `encoded` is the canonical encoding of a point of the curve of large order.
pub(super) fn is_public_point(encoded: &[u8; 32]) -> bool {
    let mut y = limbs(encoded);
    // The topmost bit is the sign of x, and both signs exist unless x is 0.
    y[3] &= u64::MAX >> 1;
    if !is_canonical(&y) || SMALL_ORDER.contains(&y) {
        return false;
    }
    // x^2 = (y^2 - 1) / (d y^2 + 1) has a root just if the product of the two does.
    let y_squared = multiply(&y, &y);
    let numerator = add(&y_squared, &MINUS_ONE);
    let denominator = add(&multiply(&D, &y_squared), &ONE);
    is_square(&multiply(&numerator, &denominator))
}

fn limbs(bytes: &[u8; 32]) -> Field {
    let mut limbs = [0; 4];
    for (limb, bytes) in limbs.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *limb = u64::from_le_bytes(*bytes);
    }
    limbs
}

fn is_canonical(value: &Field) -> bool {
    value.iter().rev().lt(P.iter().rev())
}

/// Euler's criterion, for values other than 0: the power (p - 1) / 2 = 2^254 - 10 is 1.
fn is_square(value: &Field) -> bool {
    let exponent: Field = [u64::MAX - 9, u64::MAX, u64::MAX, u64::MAX >> 2];
    let mut power = ONE;
    for bit in (0..254).rev() {
        power = multiply(&power, &power);
        if exponent[bit / 64] >> (bit % 64) & 1 == 1 {
            power = multiply(&power, value);
        }
    }
    REPRESENTATIONS_OF_ONE.contains(&power)
}

fn add(left: &Field, right: &Field) -> Field {
    let mut sum = [0; 8];
    let mut carry = 0;
    for at in 0..4 {
        (sum[at], carry) = split(u128::from(left[at]) + u128::from(right[at]) + carry);
    }
    sum[4] = split(carry).0;
    reduce(&sum)
}

fn multiply(left: &Field, right: &Field) -> Field {
    let mut product = [0; 8];
    for (i, left) in left.iter().enumerate() {
        let mut carry = 0;
        for (j, right) in right.iter().enumerate() {
            let sum = u128::from(*left) * u128::from(*right) + u128::from(product[i + j]) + carry;
            (product[i + j], carry) = split(sum);
        }
        product[i + 4] = split(carry).0;
    }
    reduce(&product)
}

/// Folds the upper half onto the lower one: 2^256 is 38 modulo p.
fn reduce(wide: &[u64; 8]) -> Field {
    let mut folded: Field = [wide[0], wide[1], wide[2], wide[3]];
    let mut carry = 0;
    for at in 0..4 {
        let sum = u128::from(wide[at]) + u128::from(wide[at + 4]) * 38 + carry;
        (folded[at], carry) = split(sum);
    }
    // What is carried out is at most 38 after the multiplication, and at most 1 after that.
    while carry != 0 {
        carry *= 38;
        for limb in &mut folded {
            (*limb, carry) = split(u128::from(*limb) + carry);
        }
    }
    folded
}

/// The lower limb, and the rest.
fn split(value: u128) -> (u64, u128) {
    let low = u64::try_from(value & u128::from(u64::MAX)).expect("64 bits");
    (low, value >> 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_points_from_numbers_that_are_none() {
        // Computed with arbitrary-precision integers from the curve's equation.
        let points = [3, 4, 5, 6, 9, 10, 14, 15, 16, 18, 19];
        for y in 2..20 {
            let mut encoded = [0; 32];
            encoded[0] = y;
            assert_eq!(is_public_point(&encoded), points.contains(&y), "y = {y}");
            encoded[31] = 0x80;
            assert_eq!(
                is_public_point(&encoded),
                points.contains(&y),
                "-x, y = {y}"
            );
        }
    }

    #[test]
    fn refuses_points_of_small_order_and_second_encodings() {
        let mut encodings = SMALL_ORDER.to_vec();
        // 3 names a point, p + 3 is its second encoding.
        encodings.push([P[0] + 3, P[1], P[2], P[3]]);
        encodings.push(P);
        for y in encodings {
            let mut encoded = [0; 32];
            for (bytes, limb) in encoded.as_chunks_mut::<8>().0.iter_mut().zip(y) {
                *bytes = limb.to_le_bytes();
            }
            assert!(!is_public_point(&encoded), "{y:x?}");
            encoded[31] |= 0x80;
            assert!(!is_public_point(&encoded), "{y:x?}");
        }
    }
}
