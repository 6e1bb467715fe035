//! Validation of edwards25519 public points (RFC 8032 sections 5.1 and 5.1.3), since aws-lc-rs
//! detects an invalid one only when it verifies a signature.

use curve25519_dalek::edwards::CompressedEdwardsY;

/// Returns whether `encoded` is the canonical encoding of a point of the curve of large order.
/// Under a key of small order anyone can forge a signature.
pub(super) fn is_public_point(encoded: &[u8; 32]) -> bool {
    CompressedEdwardsY(*encoded)
        .decompress()
        .is_some_and(|point| !point.is_small_order() && point.compress().0 == *encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// p = 2^255 - 19, least significant byte first.
    const P: [u8; 32] = {
        let mut p = [0xff; 32];
        p[0] = 0xed;
        p[31] = 0x7f;
        p
    };

    /// The y of the points of order 8.
    const ORDER_8: [[u8; 32]; 2] = [
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0x98,
            0xef, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88,
            0x6d, 0x53, 0xfc, 0x05,
        ],
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10,
            0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77,
            0x92, 0xac, 0x03, 0x7a,
        ],
    ];

    fn is_point_with_either_sign(mut y: [u8; 32]) -> [bool; 2] {
        let positive = is_public_point(&y);
        y[31] |= 0x80;
        [positive, is_public_point(&y)]
    }

    #[test]
    fn tells_points_from_numbers_that_are_none() {
        // Computed with arbitrary-precision integers from the curve's equation.
        let points = [3, 4, 5, 6, 9, 10, 14, 15, 16, 18, 19];
        for low in 2..20 {
            let mut y = [0; 32];
            y[0] = low;
            let expected = points.contains(&low);
            assert_eq!(is_point_with_either_sign(y), [expected; 2], "y = {low}");
        }
    }

    #[test]
    fn refuses_points_of_small_order() {
        let (zero, mut one, mut minus_one) = ([0; 32], [0; 32], P);
        one[0] = 1;
        minus_one[0] -= 1;
        for y in [zero, one, minus_one, ORDER_8[0], ORDER_8[1]] {
            assert_eq!(is_point_with_either_sign(y), [false; 2], "{y:x?}");
        }
    }

    #[test]
    fn refuses_second_encodings() {
        // 3 names a point, p + 3 is its second encoding.
        let mut three_again = P;
        three_again[0] += 3;
        for y in [P, three_again] {
            assert_eq!(is_point_with_either_sign(y), [false; 2], "{y:x?}");
        }
    }
}
