//! Audit events: rows written in the transaction of what they record.
//!
//! Refusals with a known subject are events too; a failure that names nothing that exists is a
//! log line. Nothing here ever holds a proof, a token or client data.

mod event;
pub mod mail;
mod store;

pub use event::{Event, EventKind};
pub use store::append;
