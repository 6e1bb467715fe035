//! Ids, times and wire types that both ends of Keymoor speak.
//!
//! Nothing here does I/O, is async, or reads the clock: time and randomness are
//! parameters ([`Clock`], [`Rng`]).

#![deny(missing_docs)]

pub mod fido2;
mod id;
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
