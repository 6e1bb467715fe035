//! Applications: what signs users in, or calls an API for itself.
//!
//! - [`schema`]: how the API documents describe them.

pub mod api;
pub mod model;
pub mod ops;
mod schema;
pub mod store;
#[cfg(test)]
mod tests;
