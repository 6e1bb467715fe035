//! Realms: a tenant's directories, each with its own identities, applications and keys.

pub mod api;
pub mod model;
pub mod ops;
pub mod store;
#[cfg(test)]
mod tests;
