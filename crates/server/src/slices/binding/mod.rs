//! Credential binding jobs: putting a passkey on a device, tracked from link to key.
//!
//! Only a job can create a credential. It has a one-time link. Opening the link consumes nothing,
//! because mail scanners open links. Only a verified proof consumes it.
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
//! Each step may also be reached from any earlier one: a device may bind without having opened the
//! link. `EXPIRED` is computed when a job is read or used, and never stored. `FAILED_TO_SEND`
//! reports what is known of the mail. If it arrived after all, its link still works.
//!
//! - [`model`]: the states and their transitions, pure.
//! - [`api`]: the endpoints for applications. [`public`]: those for links and devices.
//! - [`ops`], [`bind`]: the rules. [`store`]: the SQL.
//! - [`fido2`]: WebAuthn options and challenges that the server creates.
//! - [`link`]: links and their sealed tokens. [`mailing`]: mails with links.
//! - [`page`]: what a person sees when a link can't be used.

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
