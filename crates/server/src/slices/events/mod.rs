//! Audit events: rows written in the transaction of what they record.
//!
//! Rejections with a known subject are events too. A failure that names nothing existing is a log
//! line. Events never contain a proof, a token or client data.

mod about;
pub mod api;
mod event;
pub mod feeds;
pub mod filter;
pub mod log;
pub mod mail;
pub mod model;
pub mod ops;
pub mod repeats;
mod sse;
pub mod store;
#[cfg(test)]
mod tests;
mod view;

pub use event::{Event, EventKind};
pub use store::{append, of_job};
