//! Credentials: the server's records of passkeys.
//!
//! Only binding jobs create them. Only use and revocation change them, and revocation is final.
//!
//! - [`mailing`]: the notice to the owner of a new passkey.

pub mod api;
pub mod mailing;
pub mod model;
pub mod ops;
pub mod store;
#[cfg(test)]
mod tests;
