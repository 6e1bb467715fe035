//! Keys of every algorithm, from the authenticator to the stored text and back.

use keymoor_testkit::{
    AssertionOptions, Attestation, AttestationCertificate, Authenticator, CredentialKey, Jws,
    SoftwareKey,
};
use keymoor_types::wire::AuthenticationProof;
use keymoor_webauthn::assertion::{AssertionProof, ExpectedCredential};
use keymoor_webauthn::proof::{BindingSubject, ProofError, verify_binding_jws};
use keymoor_webauthn::{Algorithm, KeyError, PublicKey, thumbprint_base64url};
use serde_json::{Value, json};

use crate::registration::{valid, verify};
use crate::{ORIGIN, RP_ID, SUBJECT, TOKEN, assertion_expectation, challenge, trusted_origins};

#[test]
fn jwk_and_cose_name_the_same_key_and_the_stored_text_reads_back() {
    for (device, algorithm) in CredentialKey::one_of_each().iter().zip(Algorithm::ALL) {
        let key = PublicKey::from_cose(&device.cose()).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        assert_eq!(algorithm.cose_id(), device.cose_algorithm());
        assert_eq!(algorithm.jose_name(), device.jose_algorithm());
        assert_eq!(key.to_jwk_json(), device.jwk().to_string());
        assert_eq!(PublicKey::from_jwk(&device.jwk()).unwrap(), key);
        assert_eq!(PublicKey::from_jwk_str(&key.to_jwk_json()).unwrap(), key);
        assert_eq!(thumbprint_base64url(&key.thumbprint()), device.thumbprint());
    }
}

#[test]
fn each_key_verifies_its_own_signatures_and_nothing_else() {
    let keys = CredentialKey::one_of_each();
    for (at, device) in keys.iter().enumerate() {
        let key = PublicKey::from_cose(&device.cose()).unwrap();
        for (other, signer) in keys.iter().enumerate() {
            let signature = signer.sign(b"message");
            assert_eq!(
                key.verify_webauthn(b"message", &signature).is_ok(),
                at == other
            );
            assert!(key.verify_webauthn(b"another", &signature).is_err());
            let longer = [&signature[..], &[0]].concat();
            assert!(key.verify_webauthn(b"message", &longer).is_err());
        }
        assert!(key.verify_webauthn(b"message", &[]).is_err());
        let signature = device.sign(b"message");
        assert!(key.verify_fixed(b"message", &signature).is_err());
    }
}

#[test]
fn ed25519_is_that_of_rfc_8032_section_7_1_and_rfc_8037_appendix_a() {
    let key = PublicKey::from_jwk(&json!({
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    }))
    .unwrap();
    assert_eq!(
        thumbprint_base64url(&key.thumbprint()),
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    );
    let signature = [
        0xe5, 0x56, 0x43, 0x00, 0xc3, 0x60, 0xac, 0x72, 0x90, 0x86, 0xe2, 0xcc, 0x80, 0x6e, 0x82,
        0x8a, 0x84, 0x87, 0x7f, 0x1e, 0xb8, 0xe5, 0xd9, 0x74, 0xd8, 0x73, 0xe0, 0x65, 0x22, 0x49,
        0x01, 0x55, 0x5f, 0xb8, 0x82, 0x15, 0x90, 0xa3, 0x3b, 0xac, 0xc6, 0x1e, 0x39, 0x70, 0x1c,
        0xf9, 0xb4, 0x6b, 0xd2, 0x5b, 0xf5, 0xf0, 0x59, 0x5b, 0xbe, 0x24, 0x65, 0x51, 0x41, 0x43,
        0x8e, 0x7a, 0x10, 0x0b,
    ];
    assert!(key.verify_webauthn(b"", &signature).is_ok());
    assert!(key.verify_webauthn(b"x", &signature).is_err());
}

#[test]
fn an_rsa_key_has_the_thumbprint_of_rfc_7638_section_3_1() {
    let key = PublicKey::from_jwk(&json!({
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        "e": "AQAB",
        "alg": "RS256",
        "kid": "2011-04-29",
    }))
    .unwrap();
    assert_eq!(
        thumbprint_base64url(&key.thumbprint()),
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    );
}

fn entry(label: i8, value: &[u8]) -> Vec<u8> {
    let mut entry = Vec::new();
    minicbor::Encoder::new(&mut entry)
        .i8(label)
        .and_then(|e| e.bytes(value))
        .expect("writing to memory succeeds");
    entry
}

fn map(entries: &[&[u8]]) -> Vec<u8> {
    let head = 0xa0 + u8::try_from(entries.len()).expect("a small map");
    [&[head], &entries.concat()[..]].concat()
}

#[test]
fn rsa_keys_out_of_range_are_refused() {
    use KeyError::{Exponent, Modulus};
    let rsa = |n: &[u8], e: &[u8]| {
        let (n, e) = (entry(-1, n), entry(-2, e));
        PublicKey::from_cose(&map(&[&[0x01, 0x03], &[0x03, 0x39, 0x01, 0x00], &n, &e])).map(|_| ())
    };
    let modulus = |bytes, first, last| {
        let mut modulus = vec![0xff; bytes];
        (modulus[0], modulus[bytes - 1]) = (first, last);
        modulus
    };
    let valid = modulus(256, 0x80, 0x01);
    for (name, n, e, expected) in [
        ("2,048 bits", valid.clone(), vec![1, 0, 1], Ok(())),
        ("4,096 bits", modulus(512, 0xff, 0xff), vec![3], Ok(())),
        (
            "2,047 bits",
            modulus(256, 0x7f, 1),
            vec![1, 0, 1],
            Err(Modulus),
        ),
        (
            "4,097 bits",
            modulus(513, 0x01, 1),
            vec![1, 0, 1],
            Err(Modulus),
        ),
        (
            "an even modulus",
            modulus(256, 0x80, 2),
            vec![1, 0, 1],
            Err(Modulus),
        ),
        (
            "a modulus after zeros",
            modulus(257, 0, 1),
            vec![1, 0, 1],
            Err(Modulus),
        ),
        ("no modulus", vec![], vec![1, 0, 1], Err(Modulus)),
        ("no exponent", valid.clone(), vec![], Err(Exponent)),
        ("exponent 1", valid.clone(), vec![1], Err(Exponent)),
        ("exponent 0", valid.clone(), vec![0], Err(Exponent)),
        ("an even exponent", valid.clone(), vec![4], Err(Exponent)),
        (
            "an exponent after zeros",
            valid.clone(),
            vec![0, 1, 0, 1],
            Err(Exponent),
        ),
        (
            "an exponent of 32 bits",
            valid.clone(),
            vec![0xff; 4],
            Ok(()),
        ),
        (
            "an exponent of 33 bits",
            valid.clone(),
            vec![1, 0, 0, 0, 1],
            Err(Exponent),
        ),
    ] {
        assert_eq!(rsa(&n, &e), expected, "{name}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one row per rule")]
fn cose_parameters_must_fit_each_other_and_be_complete() {
    use KeyError::{Coordinate, Exponent, Modulus, NotOnCurve, Private, Unsupported};
    let [p256, ed25519, rsa, p384] = CredentialKey::one_of_each();
    let ed_x = entry(-2, ed25519.public_bytes());
    let (x, y) = p384.public_bytes()[1..].split_at(48);
    let (p384_x, p384_y) = (entry(-2, x), entry(-3, y));
    let (x, y) = p256.public_bytes()[1..].split_at(32);
    let (p256_x, p256_y) = (entry(-2, x), entry(-3, y));
    let (n, e) = (entry(-1, rsa.modulus().unwrap()), entry(-2, &[1, 0, 1]));
    let (okp, ec2, rsa_type) = (&[0x01, 0x01][..], &[0x01, 0x02][..], &[0x01, 0x03][..]);
    let (eddsa, es256) = (&[0x03, 0x27][..], &[0x03, 0x26][..]);
    let (es384, rs256) = (&[0x03, 0x38, 0x22][..], &[0x03, 0x39, 0x01, 0x00][..]);
    let (on_p256, on_p384) = (&[0x20, 0x01][..], &[0x20, 0x02][..]);
    let (on_x25519, on_ed25519) = (&[0x20, 0x04][..], &[0x20, 0x06][..]);
    let private = entry(-4, &[1; 32]);
    let not_a_point = entry(-2, &[&[2][..], &[0; 31]].concat());
    let small_order = entry(-2, &[0; 32]);
    for (name, key, expected) in [
        (
            "ES384 on P-256",
            map(&[ec2, es384, on_p256, &p256_x, &p256_y]),
            Unsupported,
        ),
        (
            "ES256 on P-384",
            map(&[ec2, es256, on_p384, &p384_x, &p384_y]),
            Unsupported,
        ),
        (
            "ES512",
            map(&[ec2, &[0x03, 0x38, 0x23], &[0x20, 0x03], &p384_x, &p384_y]),
            Unsupported,
        ),
        (
            "P-384 with coordinates of P-256",
            map(&[ec2, es384, on_p384, &p256_x, &p256_y]),
            Coordinate,
        ),
        (
            "P-384 off the curve",
            map(&[ec2, es384, on_p384, &p384_x, &entry(-3, x)]),
            Coordinate,
        ),
        (
            "P-384 with x twice",
            map(&[
                ec2,
                es384,
                on_p384,
                &p384_x,
                &entry(-3, &p384.public_bytes()[1..49]),
            ]),
            NotOnCurve,
        ),
        (
            "P-384 without y",
            map(&[ec2, es384, on_p384, &p384_x]),
            Coordinate,
        ),
        (
            "EdDSA on X25519",
            map(&[okp, eddsa, on_x25519, &ed_x]),
            Unsupported,
        ),
        (
            "EdDSA as EC2",
            map(&[ec2, eddsa, on_ed25519, &ed_x]),
            Unsupported,
        ),
        (
            "EdDSA without a curve",
            map(&[okp, eddsa, &ed_x]),
            Unsupported,
        ),
        (
            "Ed25519 without x",
            map(&[okp, eddsa, on_ed25519]),
            Coordinate,
        ),
        (
            "Ed25519 with y",
            map(&[okp, eddsa, on_ed25519, &ed_x, &p256_y]),
            KeyError::UnexpectedParameter,
        ),
        (
            "Ed25519 with d",
            map(&[okp, eddsa, on_ed25519, &ed_x, &private]),
            Private,
        ),
        (
            "Ed25519 with 33 bytes",
            map(&[okp, eddsa, on_ed25519, &entry(-2, &[3; 33])]),
            Coordinate,
        ),
        (
            "Ed25519 off the curve",
            map(&[okp, eddsa, on_ed25519, &not_a_point]),
            NotOnCurve,
        ),
        (
            "Ed25519 of small order",
            map(&[okp, eddsa, on_ed25519, &small_order]),
            NotOnCurve,
        ),
        ("RS256 as EC2", map(&[ec2, rs256, &n, &e]), Unsupported),
        (
            "RS256 with a curve",
            map(&[rsa_type, rs256, on_p256, &e]),
            Unsupported,
        ),
        ("ES256 as RSA", map(&[rsa_type, es256, &n, &e]), Unsupported),
        (
            "PS256",
            map(&[rsa_type, &[0x03, 0x38, 0x24], &n, &e]),
            Unsupported,
        ),
        ("RSA without modulus", map(&[rsa_type, rs256, &e]), Modulus),
        (
            "RSA without exponent",
            map(&[rsa_type, rs256, &n]),
            Exponent,
        ),
        (
            "RSA with d",
            map(&[rsa_type, rs256, &n, &e, &entry(-3, &[1; 256])]),
            Private,
        ),
        (
            "RSA with p",
            map(&[rsa_type, rs256, &n, &e, &private]),
            Private,
        ),
    ] {
        assert_eq!(PublicKey::from_cose(&key), Err(expected), "{name}");
    }
}

#[test]
fn jwks_are_read_as_strictly_for_every_algorithm() {
    use KeyError::{Coordinate, Exponent, Modulus, NotOnCurve, Private, Unsupported};
    let [_, ed25519, rsa, p384] = CredentialKey::one_of_each().map(|key| key.jwk());
    let with = |jwk: &Value, name: &str, value: &str| {
        let mut jwk = jwk.clone();
        jwk[name] = value.into();
        jwk
    };
    for (jwk, expected) in [
        (with(&ed25519, "d", "x"), Private),
        (with(&ed25519, "crv", "X25519"), Unsupported),
        (with(&ed25519, "alg", "ES256"), Unsupported),
        (with(&ed25519, "x", "AAAA"), Coordinate),
        (
            with(&ed25519, "x", &format!("Ag{}", "A".repeat(41))),
            NotOnCurve,
        ),
        (with(&rsa, "d", "x"), Private),
        (with(&rsa, "alg", "PS256"), Unsupported),
        (with(&rsa, "crv", "P-256"), Unsupported),
        (with(&rsa, "n", "AQAB"), Modulus),
        (with(&rsa, "n", "="), Modulus),
        (with(&rsa, "e", ""), Exponent),
        (with(&rsa, "e", "AQ"), Exponent),
        (with(&p384, "d", "x"), Private),
        (with(&p384, "crv", "P-256"), Coordinate),
        (with(&p384, "crv", "P-521"), Unsupported),
        (with(&p384, "y", p384["x"].as_str().unwrap()), NotOnCurve),
    ] {
        assert_eq!(PublicKey::from_jwk(&jwk), Err(expected), "{jwk}");
    }
}

#[test]
fn b1_a_software_key_is_es256_whatever_its_header_says() {
    let signer = SoftwareKey::from_seed(1);
    let expected = BindingSubject {
        subject: SUBJECT,
        token: TOKEN,
    };
    for key in &CredentialKey::one_of_each()[1..] {
        let jws = Jws::binding(&signer, SUBJECT, TOKEN).header("jwk", key.jwk());
        assert_eq!(
            verify_binding_jws(&jws.signed_by(&signer), &expected),
            Err(ProofError::Key(KeyError::Unsupported))
        );
        let named = Jws::binding(&signer, SUBJECT, TOKEN).header("alg", key.jose_algorithm());
        assert_eq!(
            verify_binding_jws(&named.signed_by(&signer), &expected),
            Err(ProofError::Algorithm)
        );
    }
}

#[test]
fn credentials_of_every_algorithm_register_and_sign_in() {
    for key in CredentialKey::one_of_each() {
        let authenticator = Authenticator::with_key(key.clone());
        let certificate = AttestationCertificate::default();
        for (attestation, verified) in [
            (Attestation::None, false),
            (Attestation::PackedSelf, true),
            (Attestation::PackedX5c(certificate), true),
        ] {
            let mut options = valid();
            options.attestation = attestation;
            let registered = verify(&authenticator.register(&options)).unwrap();
            assert_eq!(registered.public_key().to_jwk_json(), key.jwk().to_string());
            assert_eq!(registered.attestation_signature_verified(), verified);
        }
        for header in [key.jose_algorithm(), "ES256"] {
            let asserted = assert(&authenticator, &key, header).unwrap();
            assert!(asserted.user_verified());
        }
    }
}

#[test]
fn c3_a_challenge_that_names_another_algorithm_is_refused() {
    let key = CredentialKey::ed25519(1);
    let authenticator = Authenticator::with_key(key.clone());
    for header in ["ES384", "RS256", "none", "HS256", ""] {
        let result = assert(&authenticator, &key, header).map(|_| ());
        assert_eq!(result, Err(ProofError::Algorithm), "{header}");
    }
}

fn assert(
    authenticator: &Authenticator,
    key: &CredentialKey,
    algorithm: &str,
) -> Result<keymoor_webauthn::assertion::VerifiedAssertion, ProofError> {
    let mut options = AssertionOptions::new(ORIGIN, RP_ID, challenge().claims());
    options.header = Some(json!({ "alg": algorithm, "kid": key.thumbprint() }));
    let proof = AuthenticationProof::WebAuthn(authenticator.assert(&options));
    let credential = ExpectedCredential::WebAuthn {
        credential_id: authenticator.credential_id(),
        rp_id: RP_ID,
    };
    let trusted = trusted_origins();
    let key = PublicKey::from_jwk(&key.jwk()).expect("a valid key");
    AssertionProof::parse(&proof)?.verify(&key, &assertion_expectation(&trusted, credential))
}
