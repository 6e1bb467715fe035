mod attestation;
mod authenticator_data;
mod cbor;
mod certificates;
mod client_data;
mod cose;
mod fido2;
mod jwt;
mod links;
mod proofs;

/// A function that fails for the bytes it must not meet.
pub struct Target {
    /// Its name, and that of its folder in `corpus/`.
    pub name: &'static str,
    /// Panics if a property does not hold for the input.
    pub run: fn(&[u8]),
    /// Inputs that reach deep, to start from.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    attestation::TARGET,
    authenticator_data::TARGET,
    cbor::TARGET,
    certificates::TARGET,
    client_data::TARGET,
    cose::TARGET,
    fido2::TARGET,
    jwt::TARGET,
    links::TARGET,
    proofs::TARGET,
];
