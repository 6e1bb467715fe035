//! Credentials: the server's records of passkeys.
//!
//! They come into being by binding jobs alone, are never changed but by being used or revoked,
//! and revoking is final.
//!
//! - [`mailing`]: the owner is told of each new passkey.

pub mod api;
pub mod mailing;
pub mod model;
pub mod ops;
pub mod store;
#[cfg(test)]
mod tests;
