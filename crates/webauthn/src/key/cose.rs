//! Public keys as COSE_Key (RFC 9052 section 7, RFC 9053 section 7, RFC 8230 section 4).

use minicbor::Decoder;
use minicbor::data::Type;

use super::{KeyError, PublicKey};
use crate::Algorithm;

/// The parameters by their labels. Their meaning depends on the key type: -1 is a curve or an RSA
/// modulus, -2 is x or an RSA exponent, -3 is y or an RSA private exponent.
#[derive(Default)]
struct Parameters<'a> {
    key_type: Option<i64>,
    algorithm: Option<i64>,
    minus_1: Option<Parameter<'a>>,
    minus_2: Option<&'a [u8]>,
    minus_3: Option<&'a [u8]>,
}

#[derive(Clone, Copy)]
enum Parameter<'a> {
    Integer(i64),
    Bytes(&'a [u8]),
}

impl PublicKey {
    /// Parses a COSE_Key in the form of WebAuthn Level 3 section 6.5.1: only the parameters that
    /// its algorithm requires, and uncompressed points.
    pub fn from_cose(cose: &[u8]) -> Result<Self, KeyError> {
        let mut decoder = Decoder::new(cose);
        let key = Self::decode_cose(&mut decoder)?;
        if decoder.position() == cose.len() {
            Ok(key)
        } else {
            Err(KeyError::NotCose)
        }
    }

    /// Decodes one COSE_Key and leaves the decoder after it.
    pub(crate) fn decode_cose(decoder: &mut Decoder<'_>) -> Result<Self, KeyError> {
        const OKP: i64 = 1;
        const EC2: i64 = 2;
        const RSA: i64 = 3;
        const P256: i64 = 1;
        const P384: i64 = 2;
        const ED25519: i64 = 6;

        let Parameters {
            key_type,
            algorithm,
            minus_1,
            minus_2,
            minus_3,
        } = Parameters::read(decoder)?;
        let (Some(key_type), Some(algorithm)) = (key_type, algorithm) else {
            return Err(KeyError::Unsupported);
        };
        let algorithm = Algorithm::from_cose_id(algorithm).ok_or(KeyError::Unsupported)?;
        let curve = match minus_1 {
            Some(Parameter::Integer(curve)) => Some(curve),
            _ => None,
        };
        let coordinate = |bytes: Option<_>| bytes.ok_or(KeyError::Coordinate);
        match (algorithm, key_type, curve) {
            (Algorithm::Es256, EC2, Some(P256)) => {
                Self::from_p256(coordinate(minus_2)?, coordinate(minus_3)?)
            }
            (Algorithm::Es384, EC2, Some(P384)) => {
                Self::from_p384(coordinate(minus_2)?, coordinate(minus_3)?)
            }
            (Algorithm::EdDsa, OKP, Some(ED25519)) => match minus_3 {
                None => Self::from_ed25519(coordinate(minus_2)?),
                Some(_) => Err(KeyError::UnexpectedParameter),
            },
            (Algorithm::Rs256, RSA, None) => match (minus_1, minus_2, minus_3) {
                (Some(Parameter::Bytes(n)), Some(e), None) => Self::from_rsa(n, e),
                (_, _, Some(_)) => Err(KeyError::Private),
                (None, _, _) => Err(KeyError::Modulus),
                _ => Err(KeyError::Exponent),
            },
            _ => Err(KeyError::Unsupported),
        }
    }
}

impl<'a> Parameters<'a> {
    fn read(decoder: &mut Decoder<'a>) -> Result<Self, KeyError> {
        let malformed = |_| KeyError::NotCose;
        let entries = decoder.map().map_err(malformed)?.ok_or(KeyError::NotCose)?;
        let mut found = Self::default();
        for _ in 0..entries {
            let repeated = match decoder.i64().map_err(malformed)? {
                1 => found.key_type.replace(integer(decoder)?).is_some(),
                3 => found.algorithm.replace(integer(decoder)?).is_some(),
                -1 => found.minus_1.replace(integer_or_bytes(decoder)?).is_some(),
                -2 => found.minus_2.replace(bytes(decoder)?).is_some(),
                -3 => found.minus_3.replace(bytes(decoder)?).is_some(),
                -4 => return Err(KeyError::Private),
                _ => return Err(KeyError::UnexpectedParameter),
            };
            if repeated {
                return Err(KeyError::NotCose);
            }
        }
        Ok(found)
    }
}

fn integer(decoder: &mut Decoder<'_>) -> Result<i64, KeyError> {
    decoder.i64().map_err(|_| KeyError::NotCose)
}

fn integer_or_bytes<'a>(decoder: &mut Decoder<'a>) -> Result<Parameter<'a>, KeyError> {
    match decoder.datatype() {
        Ok(Type::Bytes) => decoder
            .bytes()
            .map(Parameter::Bytes)
            .map_err(|_| KeyError::NotCose),
        _ => integer(decoder).map(Parameter::Integer),
    }
}

fn bytes<'a>(decoder: &mut Decoder<'a>) -> Result<&'a [u8], KeyError> {
    decoder.bytes().map_err(|_| KeyError::Coordinate)
}
