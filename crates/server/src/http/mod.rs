//! HTTP: routing, authentication, request parsing and response formats.
//!
//! Only `http` and the slices' `api`, `public` and `page` files use status codes.

pub mod accept;
pub mod auth;
pub mod body;
pub mod cors;
pub mod examples;
pub mod form;
pub mod json;
pub mod link;
pub mod list;
pub mod middleware;
pub mod oauth;
pub mod openapi;
pub mod path;
pub mod privacy;
pub mod problem;
pub mod redirect;
pub mod refused;
pub mod router;
pub mod source;
pub mod trace;
pub mod verb;

#[cfg(test)]
mod coverage;
