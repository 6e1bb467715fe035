//! Identities: the people of a realm.

pub mod api;
pub mod model;
pub mod ops;
pub mod store;
#[cfg(test)]
mod tests;
