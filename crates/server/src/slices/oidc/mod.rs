//! OAuth 2.0 and OpenID Connect, as far as applications and browsers see them.
//!
//! Every application is an issuer of its own: its URL is the base of its endpoints. The rules are
//! in `keymoor-oauth`; here they meet the database.
//!
//! - [`public`]: the endpoints. [`forms`]: what they take, for the API document.
//! - [`authorize`]: a sign-in starts. [`token`]: codes and client credentials become tokens.
//! - [`userinfo`]: an access token becomes claims. [`page`]: what people see whose sign-in can't start.

pub mod audience;
pub mod authorize;
pub mod forms;
mod page;
pub mod public;
#[cfg(test)]
mod tests;
pub mod token;
pub mod userinfo;
