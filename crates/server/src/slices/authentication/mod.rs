//! Signing in with a passkey: from the challenge that `/authorize` returns to the code that the
//! application redeems.
//!
//! ```text
//! application    ──▶ /authorize ─────────▶ challenge: all state, sealed; nothing is written
//! device         ──▶ bi-authenticate ────▶ one read, one verification, one write: the code row
//! application    ──▶ /token ─────────────▶ one read, one write: the row is redeemed
//! ```
//!
//! The row's key is the transaction's id, so inserting the row makes the transaction single-use.
//! The row outlives the transaction, because deleting it earlier would allow a replay.
//!
//! - [`model`]: transactions, codes, and the data stored with them.
//! - [`challenge`]: the sealed state. [`proof`]: the responses to it.
//! - [`public`]: the endpoints for devices.
//! - [`ops`]: the rules. [`store`]: the SQL.

pub mod challenge;
pub mod model;
pub mod ops;
pub mod proof;
pub mod public;
pub mod store;
#[cfg(test)]
mod tests;
