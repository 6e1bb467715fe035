//! Compares [`keymoor_webauthn`] with an implementation that shares no code with it,
//! `webauthn-rs-core`, over registrations and assertions that are forged, changed in one way
//! and judged by both.
//!
//! Where the two disagree, one is wrong or the specification leaves a choice. Each disagreement
//! stands in `differences.toml` with its reason; one that does not fails the test.

#![deny(missing_docs)]

pub mod assertion;
mod client_data;
mod der;
pub mod ledger;
pub mod ours;
pub mod registration;
pub mod scene;
mod signatures;
pub mod theirs;
mod tree;
pub mod verdict;
