//! Applications: they sign users in, or call an API on their own behalf.
//!
//! - [`choices`]: what their settings choose from.
//! - [`issuer`]: an application as its endpoints see it.
//! - [`patch`]: changes to them.
//! - [`schema`]: their OAuth types in the API documents.
//! - [`subjects`]: what they call the people who sign in.

pub mod api;
pub mod choices;
pub mod issuer;
pub mod model;
pub mod ops;
pub mod patch;
mod schema;
pub mod store;
pub mod subjects;
#[cfg(test)]
mod tests;
