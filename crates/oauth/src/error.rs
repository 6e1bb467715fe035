//! The errors of OAuth endpoints.

use serde::{Serialize, Serializer};

use crate::redirect;

macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:literal;)*) => {
        /// An error code, as registered for OAuth.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
        }

        impl ErrorCode {
            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$name),*];

            /// Returns the value of `error`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                }
            }

            /// Returns the HTTP status of a response that is not a redirect.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self {
                    $(Self::$name => $status,)*
                }
            }
        }
    };
}

error_codes! {
    /// A parameter is missing, malformed or repeated (RFC 6749, sections 4.1.2.1 and 5.2).
    InvalidRequest = "invalid_request", 400;
    /// The client may not use this grant (RFC 6749, sections 4.1.2.1 and 5.2).
    UnauthorizedClient = "unauthorized_client", 400;
    /// The user or a policy denied the request (RFC 6749, section 4.1.2.1).
    AccessDenied = "access_denied", 403;
    /// Only `code` is supported (RFC 6749, section 4.1.2.1).
    UnsupportedResponseType = "unsupported_response_type", 400;
    /// The scope is malformed, or none of it can be granted (RFC 6749, sections 4.1.2.1, 5.2).
    InvalidScope = "invalid_scope", 400;
    /// An internal error (RFC 6749, section 4.1.2.1).
    ServerError = "server_error", 500;
    /// The server is overloaded (RFC 6749, section 4.1.2.1).
    TemporarilyUnavailable = "temporarily_unavailable", 503;
    /// Client authentication failed (RFC 6749, section 5.2).
    InvalidClient = "invalid_client", 401;
    /// The code is not valid for this request (RFC 6749, section 5.2).
    InvalidGrant = "invalid_grant", 400;
    /// The grant type is unknown (RFC 6749, section 5.2).
    UnsupportedGrantType = "unsupported_grant_type", 400;
    /// `prompt=none` without a session (OpenID Connect Core 1.0, section 3.1.2.6).
    LoginRequired = "login_required", 400;
    /// The `request` parameter (OpenID Connect Core 1.0, section 3.1.2.6).
    RequestNotSupported = "request_not_supported", 400;
    /// The `request_uri` parameter (OpenID Connect Core 1.0, section 3.1.2.6).
    RequestUriNotSupported = "request_uri_not_supported", 400;
    /// The `registration` parameter (OpenID Connect Core 1.0, section 3.1.2.6).
    RegistrationNotSupported = "registration_not_supported", 400;
    /// The bearer token is not valid (RFC 6750, section 3.1).
    InvalidToken = "invalid_token", 401;
    /// The bearer token lacks a scope (RFC 6750, section 3.1).
    InsufficientScope = "insufficient_scope", 403;
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// An OAuth error: a code for programs and a sentence for developers.
///
/// Descriptions are fixed texts, so they never contain input or secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{}: {description}", code.as_str())]
pub struct OAuthError {
    /// What kind of error.
    #[serde(rename = "error")]
    pub code: ErrorCode,
    /// What to do about it; characters of RFC 6749, appendix A.8 only.
    #[serde(rename = "error_description")]
    pub description: &'static str,
}

impl OAuthError {
    /// Creates an error of this kind. `description` is ASCII without `"` and `\`.
    #[must_use]
    pub const fn new(code: ErrorCode, description: &'static str) -> Self {
        debug_assert!(is_describable(description));
        Self { code, description }
    }

    pub(crate) const fn invalid_request(description: &'static str) -> Self {
        Self::new(ErrorCode::InvalidRequest, description)
    }

    /// Returns the URL that reports the error to a client (RFC 6749, section 4.1.2.1; RFC 9207,
    /// section 2). `redirect_uri` must be registered by the client.
    #[must_use]
    pub fn redirect(&self, redirect_uri: &str, state: Option<&str>, issuer: &str) -> String {
        let mut params = vec![
            ("error", self.code.as_str()),
            ("error_description", self.description),
        ];
        params.extend(state.map(|state| ("state", state)));
        params.push(("iss", issuer));
        redirect::with_params(redirect_uri, &params)
    }
}

/// Returns whether `text` uses only the characters of RFC 6749, appendix A.8.
const fn is_describable(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !matches!(bytes[at], 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e) {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c9_the_body_is_that_of_rfc_6749() {
        let error = OAuthError::new(ErrorCode::InvalidRequest, "code is missing");
        assert_eq!(
            serde_json::to_string(&error).unwrap(),
            r#"{"error":"invalid_request","error_description":"code is missing"}"#
        );
    }

    #[test]
    fn every_code_is_spelled_once_and_has_an_error_status() {
        let mut spellings: Vec<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        spellings.sort_unstable();
        spellings.dedup();
        assert_eq!(spellings.len(), ErrorCode::ALL.len());
        assert!(
            ErrorCode::ALL
                .iter()
                .all(|code| (400..600).contains(&code.status()))
        );
    }

    #[test]
    fn an_error_redirect_carries_state_and_issuer_after_an_existing_query() {
        let error = OAuthError::new(ErrorCode::AccessDenied, "not today");
        assert_eq!(
            error.redirect(
                "https://app.example/cb?x=1",
                Some("a&b"),
                "https://op.example/a"
            ),
            "https://app.example/cb?x=1&error=access_denied&error_description=not+today\
             &state=a%26b&iss=https%3A%2F%2Fop.example%2Fa"
        );
        assert_eq!(
            error.redirect("app:/cb", None, "i"),
            "app:/cb?error=access_denied&error_description=not+today&iss=i"
        );
    }

    #[test]
    fn a_description_that_needs_quoting_is_a_bug() {
        assert!(is_describable("code is missing"));
        for wrong in ["say \"no\"", "\\", "\n", "caf\u{e9}"] {
            assert!(!is_describable(wrong), "{wrong:?}");
        }
    }
}
