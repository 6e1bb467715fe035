//! Keymoor's server: one process, a folder per feature, the same file names in every folder.
//!
//! `api` and `public` files hold endpoints, `ops` the use cases, `model` pure rules, `store` the
//! SQL. Calls go `api | public → ops → store → db`; a slice may use another slice's `ops`, or its
//! `store` inside a transaction of its own, never its `api`.

pub mod app;
pub mod applications;
pub mod attestation_roots;
pub mod authentication;
pub mod authenticator_configs;
pub mod binding;
pub mod cache;
pub mod cli;
pub mod config;
pub mod console;
pub mod credentials;
pub mod db;
pub mod directory;
pub mod error;
pub mod events;
pub mod hosted;
pub mod http;
pub mod identities;
pub mod keys;
pub mod long_id;
pub mod mail;
pub mod maintenance;
pub mod master_key;
pub mod metrics;
pub mod oidc;
pub mod outbox;
pub mod provision;
pub mod realms;
pub mod resource_servers;
pub mod secret;
pub mod serving;
pub mod tenants;
#[cfg(test)]
pub(crate) mod testing;
pub mod text;
pub mod tokens;
pub mod vault;
