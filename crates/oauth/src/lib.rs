//! The rules of OAuth 2.0 and OpenID Connect, and the JOSE they need, as pure functions.
//!
//! Nothing here does I/O, is async, or reads the clock: time is a parameter. This crate decides
//! what a request means. The caller looks things up and stores them.
//!
//! A sign-in passes through this crate in four steps:
//!
//! 1. [`authorize::parse`] and [`authorize::Received::check`] turn a query string into an
//!    [`authorize::AuthorizeRequest`], or into a refusal that says whether it may redirect.
//! 2. [`claims::RequestClaims`] is the challenge that an SDK answers with a passkey.
//! 3. [`token_request::parse`] reads the token endpoint's request, and
//!    [`grant::CodeGrant::check`] decides whether a code may be redeemed by it.
//! 4. [`claims::AccessTokenClaims`] and [`claims::IdTokenClaims`] are signed by
//!    [`jose::SigningKey::sign`] and read back by [`jose::verify`].

#![deny(missing_docs)]

pub mod authorize;
pub mod bearer;
pub mod claims;
pub mod client;
pub mod discovery;
pub mod error;
pub mod form;
pub mod grant;
pub mod jose;
pub mod pkce;
pub mod redirect;
pub mod scope;
pub mod secret;
pub mod token_request;
