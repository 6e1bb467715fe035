//! Keymoor's server: one process, a folder per feature, the same file names in every folder.
//!
//! Dependencies point one way: `base ← infra ← slices ← http's router, pages`; in a slice
//! `api | public → ops → store → db`. `cargo xtask ci fmt` checks it.

pub mod app;
pub mod attestation_roots;
pub mod base;
pub mod cli;
pub mod config;
pub mod db;
pub mod http;
pub mod infra;
pub mod jobs;
pub mod maintenance;
pub mod master_key;
pub mod pages;
pub mod slices;
#[cfg(test)]
pub(crate) mod testing;
