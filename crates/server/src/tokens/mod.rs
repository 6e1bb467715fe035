//! Tokens that applications hold.

pub mod access;
pub mod store;
#[cfg(test)]
mod tests;
