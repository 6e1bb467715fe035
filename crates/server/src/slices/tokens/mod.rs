//! Access tokens: issued, listed, revoked.
//!
//! A token is a JWT that is verified without a database read. Its row says that it was issued, and
//! is there before anybody holds it; a revoked one moves to a list of its own, until it would have
//! expired, and every node holds that list in memory.
//!
//! ```text
//! issue ──▶ issued_tokens ──▶ revoke ──▶ revoked_tokens, and the tenant's generation goes up
//!                │                              │
//!                └── expired: swept             ├── this node: known at once
//!                                               └── others: known within ten seconds
//! ```
//!
//! - [`access`]: making and verifying. [`revocations`]: what no longer holds.
//! - [`api`] and [`ops`]: what an administrator does with tokens. [`store`]: the SQL.

pub mod access;
pub mod api;
pub mod model;
pub mod ops;
pub mod revocations;
pub mod store;
#[cfg(test)]
mod tests;
