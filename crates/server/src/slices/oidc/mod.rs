//! OAuth 2.0 and OpenID Connect, as applications and browsers see them.
//!
//! Every application is a separate issuer: its URL is the base of its endpoints. `keymoor-oauth`
//! contains the rules. This module applies them to the database.
//!
//! - [`public`]: the endpoints. [`forms`]: their parameters, for the API document.
//! - [`authorize`]: starts sign-ins. [`token`]: exchanges codes and client credentials for tokens.
//! - [`userinfo`]: returns claims for an access token.
//! - [`page`]: what people see when a sign-in can't start.

pub mod audience;
pub mod authorize;
pub mod forms;
mod page;
pub mod public;
#[cfg(test)]
mod tests;
pub mod token;
pub mod userinfo;
