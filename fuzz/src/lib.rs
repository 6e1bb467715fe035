//! Fuzz targets: functions that take any bytes and fail if a reader, a verifier or a rule of
//! Keymoor does what it must not.
//!
//! A target never stops at "it did not panic". What is accepted is read a second time by code
//! that the product does not use (`independent`), and has to say the same.
//!
//! `cargo test` replays `corpus/`, with some changes of every file; `cargo xtask fuzz` searches
//! for more, guided by coverage.

mod independent;
mod scene;
mod targets;

pub use targets::{TARGETS, Target};
