//! Connections: their number, their time limits, and how they end.
//!
//! A connection costs its client nothing, so it may cost us little: each takes one of a limited
//! number of seats ([`seats`]). A client that is slow, silent or gone loses its seat. A connection
//! with a request in progress keeps its seat.

mod connection;
mod host;
mod listener;
mod seats;
pub mod self_signed;
mod service;
mod settings;
pub mod tls;
mod traffic;

#[cfg(test)]
mod tests;

pub use listener::{Listener, allow_open_files};
pub use service::{Service, plain};
pub use settings::ServingSettings;
pub use traffic::Traffic;
