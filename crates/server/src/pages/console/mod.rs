//! The console's server half: an OpenID client of the admin realm that holds what it is granted, and
//! gives the browser a cookie.
//!
//! - [`page`]: the pages. Every address of the console shows the same one; its scripts do the rest.
//! - [`api`]: what the scripts call: the session, and the management API with its rights.
//! - [`caller`]: turns the cookie into a caller of the management API.

pub mod api;
pub mod caller;
pub mod page;

#[cfg(test)]
mod tests;
