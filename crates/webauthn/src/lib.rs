//! Proofs that a device holds a key: WebAuthn registrations and assertions, and the JWS proofs
//! of software keys, verified as pure functions.
//!
//! Nothing here does I/O, reads a clock or generates randomness. Every `Verified…` type has private
//! fields and only its verifier builds it, so a value of the type *is* the proof that verification
//! succeeded.
//!
//! - [`proof::verify_binding_jws`]: a software key introduces itself at binding.
//! - [`registration::verify`]: a WebAuthn credential introduces itself at binding.
//! - [`assertion::AssertionProof`]: either kind signs in.
//! - [`fido2`]: a WebAuthn credential does both by options and a challenge of the server's making.
//!
//! A proof contains secrets (a link's token, a transaction's nonce), so no error and no `Debug`
//! output here repeats any part of its input.

#![deny(missing_docs)]

mod algorithm;
pub mod assertion;
mod attestation;
mod authenticator_data;
mod cbor;
mod client_data;
pub mod fido2;
mod json;
mod jws;
mod key;
pub mod origin;
pub mod proof;
#[cfg(test)]
mod recorded_attestations;
pub mod registration;
#[cfg(test)]
mod specification_vectors;

pub use algorithm::Algorithm;
pub use attestation::{
    AttestationError, AttestationLevel, AttestationRoots, AttestationTrust, RootError,
};
pub use authenticator_data::AuthenticatorDataError;
pub use client_data::ClientDataError;
pub use key::{BadSignature, KeyError, PublicKey, thumbprint_base64url};

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}
