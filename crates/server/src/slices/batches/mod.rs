//! Batches: one request that invites up to 1,000 identities by mail.
//!
//! A batch has an item for each listed identity. The worker turns a few pending items at a time into
//! binding jobs. The job, its mail and the item's result are one transaction, guarded by the item's
//! state. So a crash at any moment and any number of nodes create each job once.
//!
//! ```text
//! PENDING ──▶ CREATED
//!    └──────▶ FAILED: the identity can't be invited, or the batch was cancelled
//! ```

pub mod api;
pub mod model;
pub mod ops;
pub mod store;
#[cfg(test)]
mod tests;
pub mod worker;
