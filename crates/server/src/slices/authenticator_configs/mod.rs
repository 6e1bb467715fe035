//! Authenticator configs: how an application's users are asked for their passkey.

pub mod api;
pub mod model;
pub mod ops;
pub mod store;
#[cfg(test)]
mod tests;
