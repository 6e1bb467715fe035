use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use keymoor_testkit::{Authenticator, RegistrationOptions, flags};
use keymoor_webauthn::proof::BindingPayloadError;
use keymoor_webauthn::registration::{self, RegistrationError, VerifiedRegistration};
use keymoor_webauthn::{AuthenticatorDataError, ClientDataError, KeyError, PublicKey};
use serde_json::{Value, json};

use crate::attestation::{attestation_object, with_object};
use crate::{ORIGIN, RP_ID, SUBJECT, TOKEN, registration_expectation, trusted_origins};

pub(crate) fn valid() -> RegistrationOptions {
    RegistrationOptions::new(ORIGIN, RP_ID, SUBJECT, TOKEN)
}

pub(crate) fn verify(raw: &str) -> Result<VerifiedRegistration, RegistrationError> {
    registration::verify(raw, &registration_expectation(&trusted_origins()))
}

pub(crate) fn forged(
    forge: impl FnOnce(&mut RegistrationOptions),
) -> Result<VerifiedRegistration, RegistrationError> {
    let mut options = valid();
    forge(&mut options);
    verify(&Authenticator::from_seed(1).register(&options))
}

#[test]
fn b2_a_registration_tells_what_the_authenticator_signed() {
    let authenticator = Authenticator::from_seed(1);
    let mut options = valid();
    options.flags |= flags::BE | flags::BS;
    options.sign_count = 0x0102_0304;
    let verified = verify(&authenticator.register(&options)).unwrap();
    let key = PublicKey::from_jwk(&authenticator.key().jwk()).unwrap();
    assert_eq!(*verified.public_key(), key);
    assert_eq!(verified.credential_id(), authenticator.credential_id());
    assert_eq!(verified.aaguid(), authenticator.aaguid());
    assert_eq!(verified.sign_count(), 0x0102_0304);
    assert!(verified.backup_eligible() && verified.backup_state());
    assert_eq!(verified.attestation_format(), "none");
    assert!(!verified.attestation_signature_verified());
    assert_eq!(verified.origin(), ORIGIN);
    assert_eq!(verified.rp_id(), RP_ID);
}

#[test]
fn b2_refuses_client_data_of_another_ceremony_origin_or_frame() {
    type Forge = fn(&mut RegistrationOptions);
    for (name, forge, expected) in [
        (
            "an assertion",
            (|o| o.client_data.kind = "webauthn.get".to_owned()) as Forge,
            ClientDataError::Type,
        ),
        (
            "an untrusted origin",
            |o| o.client_data.origin = "https://evil.example".to_owned(),
            ClientDataError::Origin,
        ),
        (
            "a trusted host on another port",
            |o| o.client_data.origin = "https://app.example.org".to_owned(),
            ClientDataError::Origin,
        ),
        (
            "a trusted origin in other words",
            |o| o.client_data.origin = format!("{ORIGIN}/"),
            ClientDataError::Origin,
        ),
        (
            "an opaque origin",
            |o| o.client_data.origin = "null".to_owned(),
            ClientDataError::Origin,
        ),
        (
            "a cross-origin frame",
            |o| o.client_data.cross_origin = Some(true),
            ClientDataError::CrossOrigin,
        ),
        (
            "a named top origin",
            |o| o.client_data.top_origin = Some(ORIGIN.to_owned()),
            ClientDataError::TopOrigin,
        ),
        (
            "no JSON",
            |o| o.client_data.raw = Some("{".to_owned()),
            ClientDataError::Malformed,
        ),
        (
            "no challenge",
            |o| o.client_data.raw = Some(r#"{"type":"webauthn.create","origin":"x"}"#.to_owned()),
            ClientDataError::Malformed,
        ),
    ] {
        assert_eq!(
            forged(forge),
            Err(RegistrationError::ClientData(expected)),
            "{name}"
        );
    }
    assert!(forged(|o| o.client_data.cross_origin = None).is_ok());
}

#[test]
fn b2_refuses_client_data_that_repeat_a_member_or_pad_the_challenge() {
    // The white space makes a length that needs padding.
    let challenge = format!("{} ", json!({ "sub": SUBJECT, "token": TOKEN }));
    let challenge = URL_SAFE.encode(challenge);
    assert!(challenge.ends_with('='));
    let unpadded = challenge.trim_end_matches('=');
    let text = |challenge: &str, more: &str| {
        format!(
            r#"{{"type":"webauthn.create","challenge":"{challenge}","origin":"{ORIGIN}"{more}}}"#
        )
    };
    let with = |raw: String| forged(|o| o.client_data.raw = Some(raw));
    let malformed = Err(RegistrationError::ClientData(ClientDataError::Malformed));
    assert!(with(text(unpadded, "")).is_ok());
    assert_eq!(with(text(&challenge, "")), malformed);
    assert_eq!(
        with(text(unpadded, r#","origin":"https://evil.example""#)),
        malformed
    );
    assert_eq!(with(text(unpadded, r#","crossOrigin":"yes""#)), malformed);
}

#[test]
fn b2_refuses_an_origin_without_a_host_even_if_it_is_trusted() {
    let mut options = valid();
    options.client_data.origin = "null".to_owned();
    let raw = Authenticator::from_seed(1).register(&options);
    let trusted = ["null".to_owned()];
    assert_eq!(
        registration::verify(&raw, &registration_expectation(&trusted)),
        Err(RegistrationError::ClientData(ClientDataError::Origin))
    );
}

#[test]
fn b2_refuses_any_challenge_but_exactly_this_subject_and_token() {
    use BindingPayloadError::{Malformed, Subject, Token};
    for (challenge, expected) in [
        (json!({ "sub": "CN=other", "token": TOKEN }), Subject),
        (json!({ "sub": SUBJECT, "token": "other" }), Token),
        (json!({ "sub": SUBJECT }), Malformed),
        (
            json!({ "sub": SUBJECT, "token": TOKEN, "more": 1 }),
            Malformed,
        ),
        (json!(TOKEN), Malformed),
    ] {
        let result = forged(|o| o.challenge = challenge.to_string().into_bytes());
        assert_eq!(
            result,
            Err(RegistrationError::Challenge(expected)),
            "{challenge}"
        );
    }
    assert_eq!(
        forged(|o| o.challenge = vec![0xff; 32]),
        Err(RegistrationError::Challenge(Malformed))
    );
}

#[test]
fn b2_refuses_authenticator_data_that_do_not_vouch_for_this_user_here() {
    use AuthenticatorDataError::{
        BackupState, NoCredential, RpIdHash, UserNotPresent, UserNotVerified,
    };
    type Forge = fn(&mut RegistrationOptions);
    for (name, forge, expected) in [
        (
            "the RP ID of another host",
            (|o| o.rp_id = "evil.example".to_owned()) as Forge,
            RpIdHash,
        ),
        (
            "a parent domain",
            |o| o.rp_id = "example.org".to_owned(),
            RpIdHash,
        ),
        (
            "the origin as RP ID",
            |o| o.rp_id = ORIGIN.to_owned(),
            RpIdHash,
        ),
        ("no UP", |o| o.flags &= !flags::UP, UserNotPresent),
        ("no UV", |o| o.flags &= !flags::UV, UserNotVerified),
        ("no AT", |o| o.flags &= !flags::AT, NoCredential),
        ("BS without BE", |o| o.flags |= flags::BS, BackupState),
    ] {
        let expected = Err(RegistrationError::AuthenticatorData(expected));
        assert_eq!(forged(forge), expected, "{name}");
    }
}

#[test]
fn b2_refuses_authenticator_data_of_the_wrong_length() {
    use AuthenticatorDataError::{CredentialIdLength, Extensions, Key, TooShort, TrailingBytes};
    type Forge = fn(&mut RegistrationOptions);
    for (name, forge, expected) in [
        (
            "an empty credential id",
            (|o| o.credential_id = Some(vec![])) as Forge,
            CredentialIdLength,
        ),
        (
            "a credential id of 1,024 bytes",
            |o| o.credential_id = Some(vec![7; 1_024]),
            CredentialIdLength,
        ),
        (
            "trailing bytes",
            |o| o.after_authenticator_data = vec![0],
            TrailingBytes,
        ),
        (
            "extensions without their flag",
            |o| o.after_authenticator_data = vec![0xa0],
            TrailingBytes,
        ),
        (
            "the flag without extensions",
            |o| o.flags |= flags::ED,
            Extensions,
        ),
        (
            "extensions that are no map",
            |o| o.extensions = Some(vec![0x80]),
            Extensions,
        ),
        (
            "extensions cut short",
            |o| o.extensions = Some(vec![0xa1, 0x01]),
            Extensions,
        ),
        (
            "two extension maps",
            |o| o.extensions = Some(vec![0xa0, 0xa0]),
            TrailingBytes,
        ),
        (
            "no key",
            |o| o.cose_key = Some(vec![]),
            Key(KeyError::NotCose),
        ),
        (
            "an Ed25519 key",
            |o| o.cose_key = Some(vec![0xa1, 0x03, 0x27]),
            Key(KeyError::Unsupported),
        ),
    ] {
        let expected = Err(RegistrationError::AuthenticatorData(expected));
        assert_eq!(forged(forge), expected, "{name}");
    }
    for length in [1, 1_023] {
        let verified = forged(|o| o.credential_id = Some(vec![7; length])).unwrap();
        assert_eq!(verified.credential_id(), vec![7; length]);
    }
    assert!(forged(|o| o.extensions = Some(vec![0xa1, 0x61, b'a', 0xf5])).is_ok());
    let cut = attestation_object("none", &[0xa0], &[0; 36]);
    assert_eq!(
        verify(&with_object(&cut)),
        Err(RegistrationError::AuthenticatorData(TooShort))
    );
}

#[test]
fn b2_the_two_members_are_standard_base64_with_padding() {
    let raw = Authenticator::from_seed(1).register(&valid());
    let json: Value = serde_json::from_str(&raw).unwrap();
    let object = json["attestation_object"].as_str().unwrap();
    for (name, text) in [
        ("nothing", String::new()),
        ("no JSON", "{".to_owned()),
        ("a list", "[]".to_owned()),
        ("one member", raw.replace("attestation_object", "other")),
        (
            "a repeated member",
            raw.replacen('{', r#"{"attestation_object":"","#, 1),
        ),
        (
            "URL-safe base64",
            raw.replace(object, &URL_SAFE.encode([0xff; 3])),
        ),
        ("no padding", raw.replace(object, "AAA")),
        ("a line break", raw.replace(object, &format!("{object}\\n"))),
        ("trailing text", format!("{raw} x")),
    ] {
        assert_eq!(verify(&text), Err(RegistrationError::Malformed), "{name}");
    }
}
