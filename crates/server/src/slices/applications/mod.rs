//! Applications: what signs users in, or calls an API for itself.
//!
//! - [`issuer`]: an application as its endpoints see it.
//! - [`schema`]: how the API documents describe them.

pub mod api;
pub mod issuer;
pub mod model;
pub mod ops;
mod schema;
pub mod store;
#[cfg(test)]
mod tests;
