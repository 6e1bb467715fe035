//! Audit events: rows written in the transaction of what they record.
//!
//! Rejections with a known subject are events too. A failure that names nothing existing is a log
//! line. Events never contain a proof, a token or client data.

mod event;
pub mod log;
pub mod mail;
pub mod model;
pub mod repeats;
pub mod store;
#[cfg(test)]
mod tests;

pub use event::{Event, EventKind};
pub use store::{append, of_job};
