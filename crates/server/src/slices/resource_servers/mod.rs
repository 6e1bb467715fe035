//! Resource servers: APIs with their scopes. So far the built-in one, which is the management API.

pub mod api;
pub mod model;
pub mod ops;
pub mod store;
#[cfg(test)]
mod tests;
