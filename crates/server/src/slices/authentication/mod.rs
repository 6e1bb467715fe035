//! Signing in with a passkey: from the challenge that `/authorize` hands out to the code that the
//! application redeems.
//!
//! ```text
//! application    ──▶ /authorize ─────────▶ challenge: all state, sealed; nothing is written
//! device         ──▶ bi-authenticate ────▶ one read, one verification, one write: the code row
//! application    ──▶ /token ─────────────▶ one read, one write: the row is redeemed
//! ```
//!
//! The row's key is the transaction's id, so inserting it is what makes a transaction single-use.
//! It outlives the transaction, or sweeping it would make a replay possible again.
//!
//! - [`model`]: transactions, codes, and what is remembered with them.
//! - [`challenge`]: the sealed state. [`proof`]: the answers to it. [`public`]: what the device calls.
//! - [`ops`]: the rules. [`store`]: the SQL.

pub mod challenge;
pub mod model;
pub mod ops;
pub mod proof;
pub mod public;
pub mod store;
#[cfg(test)]
mod tests;
