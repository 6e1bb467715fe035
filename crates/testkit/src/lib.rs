//! A software authenticator and proof builder for tests.
//!
//! It implements the device's side of the wire protocol and can deliberately send invalid data.
//! Every part of a proof can be replaced, so a rejection test differs from a valid proof in one
//! thing only. Keys are reproducible from a seed. ECDSA signatures are still randomised.
//!
//! It shares no code with the verifier, so that a mistake in one does not hide in the other.

#![deny(missing_docs)]

mod authenticator;
pub mod cbor;
mod certificate;
mod credential_key;
mod der;
mod dice;
mod fido2;
mod jws;
mod key;
mod statement;
mod tpm;

pub use authenticator::{
    AssertionOptions, Attestation, Authenticator, ClientDataOptions, RegistrationOptions, flags,
};
pub use certificate::{AttestationCertificate, Certificate, Extension};
pub use credential_key::CredentialKey;
pub use dice::Dice;
pub use jws::{Challenge, Jws};
pub use key::SoftwareKey;
pub use statement::{
    AndroidKeyStatement, AppleStatement, Authority, Authorizations, FidoU2fStatement,
    PackedStatement, Statement, ToAttest,
};
pub use tpm::{TpmStatement, tpm_name};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}
