//! Applications: what signs users in, or calls an API for itself.

pub mod api;
pub mod model;
pub mod ops;
mod schema;
pub mod store;
#[cfg(test)]
mod tests;
