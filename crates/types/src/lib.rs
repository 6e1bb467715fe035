//! Ids, times and wire types shared by Keymoor's server and devices.
//!
//! This crate does no I/O, has no async code and never reads the clock. Time and randomness are
//! parameters ([`Clock`], [`Rng`]).

#![deny(missing_docs)]

pub mod fido2;
mod id;
pub mod json;
pub mod pem;
mod rng;
mod time;
pub mod url_rules;
pub mod verb;
pub mod wire;

pub use id::*;
pub use rng::Rng;
pub use time::{Clock, Seconds, Timestamp};

#[cfg(feature = "openapi")]
mod openapi;
