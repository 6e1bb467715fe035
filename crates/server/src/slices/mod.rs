//! The features: one folder each, with the same file names in every folder.
//!
//! `api` and `public` contain endpoints, `ops` the use cases, `model` pure rules, `store` the SQL.
//! Calls go `api
//!  public → ops → store → db`. A slice may use another slice's `ops`, or its `store` inside a
//! transaction of its own, but never its `api`.

pub mod applications;
pub mod authentication;
pub mod authenticator_configs;
pub mod batches;
pub mod binding;
pub mod credentials;
pub mod events;
pub mod identities;
pub mod keys;
pub mod oidc;
pub mod provision;
pub mod realms;
pub mod resource_servers;
pub mod sessions;
pub mod statistics;
pub mod tenants;
pub mod tokens;
