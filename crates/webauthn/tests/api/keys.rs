use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keymoor_testkit::SoftwareKey;
use keymoor_webauthn::{KeyError, PublicKey, thumbprint_base64url};
use serde_json::{Value, json};

fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

#[test]
fn verifies_the_es256_example_of_rfc_7515_appendix_a3() {
    let key = PublicKey::from_jwk(&json!({
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }))
    .unwrap();
    let input = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6\
                 Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let mut signature = decode(
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
    );
    assert!(key.verify_fixed(input.as_bytes(), &signature).is_ok());
    assert!(key.verify_fixed(b"another", &signature).is_err());
    signature[63] ^= 1;
    assert!(key.verify_fixed(input.as_bytes(), &signature).is_err());
    assert!(
        key.verify_fixed(input.as_bytes(), &signature[..63])
            .is_err()
    );
    assert!(key.verify_fixed(input.as_bytes(), &[0; 64]).is_err());
}

#[test]
fn has_the_thumbprint_of_rfc_9449_section_6_1() {
    let key = PublicKey::from_jwk(&json!({
        "kty": "EC",
        "crv": "P-256",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
    }))
    .unwrap();
    assert_eq!(
        thumbprint_base64url(&key.thumbprint()),
        "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
    );
}

#[test]
fn jwk_and_cose_name_the_same_key_and_the_published_text_reads_back() {
    let device = SoftwareKey::from_seed(1);
    let key = PublicKey::from_jwk(&device.jwk()).unwrap();
    assert_eq!(PublicKey::from_cose(&device.cose()).unwrap(), key);
    assert_eq!(PublicKey::from_jwk_str(&key.to_jwk_json()).unwrap(), key);
    assert!(
        key.to_jwk_json()
            .starts_with(r#"{"crv":"P-256","kty":"EC","x":""#)
    );
    assert_eq!(thumbprint_base64url(&key.thumbprint()), device.thumbprint());
}

#[test]
fn each_encoding_of_a_signature_verifies_as_itself_only() {
    let device = SoftwareKey::from_seed(1);
    let key = PublicKey::from_jwk(&device.jwk()).unwrap();
    let (fixed, der) = (device.sign_fixed(b"message"), device.sign_der(b"message"));
    assert!(key.verify_fixed(b"message", &fixed).is_ok());
    assert!(key.verify_webauthn(b"message", &der).is_ok());
    assert!(key.verify_webauthn(b"message", &fixed).is_err());
    assert!(key.verify_fixed(b"message", &der).is_err());
    assert!(
        key.verify_webauthn(b"message", &[&der[..], &[0]].concat())
            .is_err()
    );
}

#[test]
fn b1_refuses_every_jwk_but_a_public_p256_key() {
    let base = SoftwareKey::from_seed(1).jwk();
    let with = |name: &str, value: Value| {
        let mut jwk = base.clone();
        jwk[name] = value;
        jwk
    };
    let without = |name: &str| {
        let mut jwk = base.clone();
        jwk.as_object_mut().unwrap().remove(name);
        jwk
    };
    let x = base["x"].as_str().unwrap();
    let longer = URL_SAFE_NO_PAD.encode([&[0], &decode(x)[..]].concat());
    let shorter = URL_SAFE_NO_PAD.encode(&decode(x)[1..]);
    let zero = URL_SAFE_NO_PAD.encode([0; 32]);
    let all_ones = URL_SAFE_NO_PAD.encode([0xff; 32]);
    for (jwk, expected) in [
        (Value::Null, KeyError::NotJwk),
        (json!([]), KeyError::NotJwk),
        (json!({}), KeyError::Unsupported),
        (without("kty"), KeyError::Unsupported),
        (without("crv"), KeyError::Unsupported),
        (with("kty", "ec".into()), KeyError::Unsupported),
        (with("kty", "OKP".into()), KeyError::Unsupported),
        (with("crv", "P-384".into()), KeyError::Coordinate),
        (with("crv", "secp256k1".into()), KeyError::Unsupported),
        (with("alg", "ES384".into()), KeyError::Unsupported),
        (SoftwareKey::from_seed(1).private_jwk(), KeyError::Private),
        (with("d", Value::Null), KeyError::Private),
        (without("x"), KeyError::Coordinate),
        (without("y"), KeyError::Coordinate),
        (with("x", 1.into()), KeyError::Coordinate),
        (with("x", "".into()), KeyError::Coordinate),
        (with("x", format!("{x}=").into()), KeyError::Coordinate),
        (with("x", format!("{x}\n").into()), KeyError::Coordinate),
        (with("x", longer.into()), KeyError::Coordinate),
        (with("x", shorter.into()), KeyError::Coordinate),
        (with("x", base["y"].clone()), KeyError::NotOnCurve),
        (with("y", zero.clone().into()), KeyError::NotOnCurve),
        (with("y", all_ones.into()), KeyError::NotOnCurve),
        (
            json!({ "kty": "EC", "crv": "P-256", "x": zero, "y": zero }),
            KeyError::NotOnCurve,
        ),
    ] {
        assert_eq!(PublicKey::from_jwk(&jwk), Err(expected), "{jwk}");
    }
    assert!(PublicKey::from_jwk(&with("alg", "ES256".into())).is_ok());
    assert!(PublicKey::from_jwk(&with("kid", "any".into())).is_ok());
}

#[test]
fn b1_refuses_a_jwk_text_that_repeats_a_member() {
    let jwk = SoftwareKey::from_seed(1).jwk().to_string();
    let repeated = jwk.replacen('{', r#"{"kty":"EC","#, 1);
    assert_eq!(PublicKey::from_jwk_str(&repeated), Err(KeyError::NotJwk));
    assert_eq!(PublicKey::from_jwk_str("{"), Err(KeyError::NotJwk));
}

/// One entry of a COSE_Key, encoded.
type Entry = Vec<u8>;

fn cose(entries: &[Entry]) -> Vec<u8> {
    let head = 0xa0 + u8::try_from(entries.len()).expect("few entries");
    [vec![head], entries.concat()].concat()
}

#[test]
fn b2_refuses_every_cose_key_but_a_plain_es256_one() {
    let device = SoftwareKey::from_seed(1);
    let bytes = |label: u8, value: &[u8]| {
        let length = u8::try_from(value.len()).unwrap();
        [&[label, 0x58, length], value].concat()
    };
    let (kty, alg, crv) = (vec![0x01, 0x02], vec![0x03, 0x26], vec![0x20, 0x01]);
    let (x, y) = (bytes(0x21, device.x()), bytes(0x22, device.y()));
    let all = [&kty, &alg, &crv, &x, &y].map(Clone::clone);
    let replaced = |at: usize, entry: &[u8]| {
        let mut entries = all.clone();
        entries[at] = entry.to_vec();
        cose(&entries)
    };
    let with = |entry: &[u8]| cose(&[&all[..], &[entry.to_vec()]].concat());
    let valid = cose(&all);
    assert_eq!(valid, device.cose());
    for (name, key, expected) in [
        ("nothing", vec![], KeyError::NotCose),
        ("an array", vec![0x80], KeyError::NotCose),
        ("an empty map", vec![0xa0], KeyError::Unsupported),
        (
            "an indefinite map",
            [&[0xbf], &valid[1..], &[0xff]].concat(),
            KeyError::NotCose,
        ),
        ("cut short", valid[..76].to_vec(), KeyError::Coordinate),
        (
            "trailing bytes",
            [&valid[..], &[0]].concat(),
            KeyError::NotCose,
        ),
        ("a repeated label", with(&kty), KeyError::NotCose),
        ("no kty", cose(&all[1..]), KeyError::Unsupported),
        ("no y", cose(&all[..4]), KeyError::Coordinate),
        ("kty OKP", replaced(0, &[0x01, 0x01]), KeyError::Unsupported),
        (
            "alg EdDSA",
            replaced(1, &[0x03, 0x27]),
            KeyError::Unsupported,
        ),
        (
            "alg ES384",
            replaced(1, &[0x03, 0x38, 0x22]),
            KeyError::Unsupported,
        ),
        (
            "curve P-384",
            replaced(2, &[0x20, 0x02]),
            KeyError::Unsupported,
        ),
        (
            "a text as curve",
            replaced(2, &[0x20, 0x60]),
            KeyError::NotCose,
        ),
        (
            "a text as label",
            replaced(2, &[0x60, 0x01]),
            KeyError::NotCose,
        ),
        (
            "a compressed point",
            replaced(4, &[0x22, 0xf5]),
            KeyError::Coordinate,
        ),
        (
            "a short x",
            replaced(3, &bytes(0x21, &device.x()[1..])),
            KeyError::Coordinate,
        ),
        (
            "off the curve",
            replaced(4, &bytes(0x22, device.x())),
            KeyError::NotOnCurve,
        ),
        (
            "a private part",
            with(&bytes(0x23, device.x())),
            KeyError::Private,
        ),
        (
            "a key id",
            with(&[0x02, 0x40]),
            KeyError::UnexpectedParameter,
        ),
    ] {
        assert_eq!(PublicKey::from_cose(&key), Err(expected), "{name}");
    }
}
