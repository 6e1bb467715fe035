//! Credential binding jobs: putting a passkey on a device, tracked from link to key.
//!
//! A job is the only way a credential comes into being. It has a one-time link; opening the link
//! consumes nothing (mail scanners open links), only a verified proof does.
//!
//! ```text
//!            open                getInfo                bind + verified proof
//! LINK_SENT ──────▶ LINK_OPENED ────────▶ REQUEST_DELIVERED ────────▶ COMPLETE
//!     │                  │                       │
//!     │ mail given up    └── past expires_at ────┴──▶ EXPIRED
//!     ▼                  └── :revoke, 10 failed proofs ──▶ REVOKED
//! FAILED_TO_SEND
//! ```
//!
//! Each step may also be reached from any earlier one: a device may bind without having opened
//! the link. `EXPIRED` is judged when a job is read or used, never stored. `FAILED_TO_SEND` says
//! what is known of the mail; should it have arrived all the same, its link still works.
//!
//! - [`model`]: the states and what moves them, pure.
//! - [`api`]: what the application calls. [`public`]: what the link and the device call.
//! - [`ops`], [`bind`]: the rules. [`fido2`]: WebAuthn options and challenges of our own. [`store`]: the SQL. [`link`]: how a link is made and kept. [`mailing`]: links on their way by mail. [`page`]: what a person sees whose link leads nowhere.

pub mod api;
pub mod bind;
pub mod fido2;
mod link;
pub mod mailing;
pub mod model;
pub mod ops;
mod page;
pub mod public;
pub mod store;
#[cfg(test)]
mod tests;
