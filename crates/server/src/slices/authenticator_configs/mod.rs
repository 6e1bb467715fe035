//! Authenticator configs: how an application asks its users for their passkeys.

pub mod api;
pub mod inline;
pub mod model;
pub mod ops;
pub mod store;
#[cfg(test)]
mod tests;
