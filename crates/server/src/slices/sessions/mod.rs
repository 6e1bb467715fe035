//! Sessions of the console: an administrator's browser between signing in and signing out.
//!
//! The console is an OpenID client of the admin realm. Its server half redeems the code. The
//! browser gets a cookie with the session's id and a secret, and never sees a token. A session
//! lives as long as the access token of its sign-in, so whatever revokes the token ends the
//! session: revoking the passkey, suspending the administrator, or signing out.

pub mod model;
pub mod ops;
pub mod store;
