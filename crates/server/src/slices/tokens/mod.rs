//! Access tokens: issued, listed, revoked.
//!
//! A token is a JWT that is verified without a database read. Its row records that it was issued,
//! and is written before the token is returned. Revocation moves it to a separate list until it
//! would have expired. Every node caches that list in memory.
//!
//! ```text
//! issue ──▶ issued_tokens ──▶ revoke ──▶ revoked_tokens, and the tenant's generation goes up
//!                │                              │
//!                └── expired: swept             ├── this node: known at once
//!                                               └── others: known within ten seconds
//! ```
//!
//! - [`access`]: creation and verification. [`revocations`]: the revoked tokens.
//! - [`api`] and [`ops`]: the administrator's use cases. [`store`]: the SQL.

pub mod access;
pub mod api;
pub mod model;
pub mod ops;
pub mod revocations;
pub mod store;
#[cfg(test)]
mod tests;
