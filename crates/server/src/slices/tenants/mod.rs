//! Tenants: the outermost isolation boundary, one per customer organisation.

pub mod api;
pub mod model;
pub mod ops;
pub mod store;
#[cfg(test)]
mod tests;
