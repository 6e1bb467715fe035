//! Connections: who is let in, for how long, and how they end.
//!
//! A connection costs its client nothing, so it may cost us little: each has a seat among a
//! limited number ([`seats`]), and a client that is slow, silent or gone loses its own. Requests
//! that are being worked on never do.

mod connection;
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
