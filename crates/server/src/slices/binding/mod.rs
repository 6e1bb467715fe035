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
//! link. `EXPIRED` is computed when a job is read or used. A sweep stores it later, with its event.
//! `FAILED_TO_SEND` reports what is known of the mail. If it arrived after all, its link still works.
//! `:resend` moves `LINK_SENT`, `LINK_OPENED`, `FAILED_TO_SEND` and `EXPIRED` to `LINK_SENT`, with a
//! new link in place of the old one.
//!
//! - [`model`]: the states and their transitions, pure.
//! - [`api`]: the endpoints for applications. [`public`]: those for links and devices.
//! - [`ops`], [`resend`], [`bind`]: the rules. [`store`]: the SQL.
//! - [`steps`]: what happened to a job, from its audit events.
//! - [`proof`]: the verification of proofs.
//! - [`fido2`]: WebAuthn options and challenges that the server creates.
//! - [`link`]: links and their sealed tokens. [`mailing`]: mails with links.
//! - [`view`]: how jobs are shown. [`page`]: what a person sees when a link can't be used.

pub mod api;
pub mod bind;
pub mod fido2;
mod link;
pub mod mailing;
pub mod model;
pub mod ops;
mod page;
mod proof;
pub mod public;
pub mod resend;
pub mod steps;
pub mod store;
#[cfg(test)]
mod tests;
pub mod view;
