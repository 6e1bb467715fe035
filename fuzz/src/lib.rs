//! Fuzz targets: functions that take any bytes and fail if a reader, a verifier or a rule of
//! Keymoor does what it must not.
//!
//! A target never stops at "it did not panic". What is accepted has to say the same when it is
//! printed and read again, or read by code that the product does not use (`independent`). That
//! goes as far as ES256: signatures by other algorithms have no second reading.
//!
//! `cargo test` replays `corpus/`, with some changes of every file; `cargo xtask fuzz` searches
//! for more, guided by coverage.

mod independent;
mod scene;
mod targets;

pub use targets::{TARGETS, Target};
