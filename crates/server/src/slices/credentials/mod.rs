//! Credentials: the server's records of passkeys.
//!
//! Only binding jobs create them. Only use, renaming and revocation change them, and revocation is
//! final.
//!
//! - [`mailing`]: the notice to the owner of a new passkey.
//! - [`naming`]: the names of new passkeys.

pub mod api;
pub mod mailing;
pub mod model;
pub mod naming;
pub mod ops;
pub mod store;
#[cfg(test)]
mod tests;
