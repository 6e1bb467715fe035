//! Proof Key for Code Exchange (RFC 7636).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::error::OAuthError;
use crate::secret::sha256;

/// How a challenge is derived from its verifier (RFC 7636, section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Method {
    /// The challenge is the base64url of the verifier's SHA-256.
    S256,
    /// The challenge is the verifier.
    #[serde(rename = "plain")]
    Plain,
}

impl Method {
    /// Returns the value of `code_challenge_method`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::S256 => "S256",
            Self::Plain => "plain",
        }
    }
}

/// A challenge with a valid form for its method.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ChallengeParts", into = "ChallengeParts")]
pub struct Challenge {
    method: Method,
    value: String,
}

#[derive(Serialize, Deserialize)]
struct ChallengeParts {
    method: Method,
    value: String,
}

impl Challenge {
    /// Validates a challenge: 43 to 128 unreserved characters, and for `S256` a base64url of 32
    /// bytes.
    ///
    /// # Errors
    /// `invalid_request`.
    pub fn new(method: Method, value: String) -> Result<Self, OAuthError> {
        let well_formed = match method {
            Method::S256 => URL_SAFE_NO_PAD
                .decode(&value)
                .is_ok_and(|digest| digest.len() == 32),
            Method::Plain => is_verifier(&value),
        };
        if well_formed {
            Ok(Self { method, value })
        } else {
            Err(OAuthError::invalid_request(
                "code_challenge is malformed for its method",
            ))
        }
    }

    /// Parses `code_challenge` and `code_challenge_method`. A missing method is `plain` (RFC 7636,
    /// section 4.3).
    ///
    /// # Errors
    /// `invalid_request` for an unknown method, a malformed challenge, or a method without a
    /// challenge.
    pub fn parse(value: Option<&str>, method: Option<&str>) -> Result<Option<Self>, OAuthError> {
        let method = match method {
            Some("S256") => Method::S256,
            Some("plain") | None => Method::Plain,
            Some(_) => {
                return Err(OAuthError::invalid_request(
                    "code_challenge_method must be S256 or plain",
                ));
            }
        };
        match value {
            Some(value) => Self::new(method, value.to_owned()).map(Some),
            None if method == Method::S256 => Err(OAuthError::invalid_request(
                "code_challenge_method is given without code_challenge",
            )),
            None => Ok(None),
        }
    }

    /// Returns the method of the challenge.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.method
    }

    /// Returns the challenge as sent.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Returns whether `verifier` is well formed and matches the challenge, compared in constant
    /// time (RFC 7636, section 4.6).
    #[must_use]
    pub fn verify(&self, verifier: &str) -> bool {
        if !is_verifier(verifier) {
            return false;
        }
        let expected = match self.method {
            Method::S256 => URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes())),
            Method::Plain => verifier.to_owned(),
        };
        expected.as_bytes().ct_eq(self.value.as_bytes()).into()
    }
}

/// Hides the challenge, since a plain challenge equals its verifier.
impl std::fmt::Debug for Challenge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Challenge")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

impl TryFrom<ChallengeParts> for Challenge {
    type Error = OAuthError;

    fn try_from(parts: ChallengeParts) -> Result<Self, OAuthError> {
        Self::new(parts.method, parts.value)
    }
}

impl From<Challenge> for ChallengeParts {
    fn from(challenge: Challenge) -> Self {
        Self {
            method: challenge.method,
            value: challenge.value,
        }
    }
}

/// Returns whether `text` is a well-formed verifier (RFC 7636, section 4.1).
fn is_verifier(text: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (43..=128).contains(&text.len()) && text.bytes().all(unreserved)
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    /// RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn c7_the_example_of_rfc_7636_verifies() {
        let challenge = Challenge::new(Method::S256, CHALLENGE.to_owned()).unwrap();
        assert!(challenge.verify(VERIFIER));
        assert!(!challenge.verify(CHALLENGE));
    }

    #[test]
    fn an_absent_method_is_plain_and_a_method_alone_is_an_error() {
        let challenge = Challenge::parse(Some(VERIFIER), None).unwrap().unwrap();
        assert_eq!(challenge.method(), Method::Plain);
        assert!(challenge.verify(VERIFIER));
        assert_eq!(Challenge::parse(None, None), Ok(None));
        assert!(Challenge::parse(None, Some("S256")).is_err());
        for unknown in ["s256", "256", "PLAIN", "none", "S512"] {
            assert!(Challenge::parse(Some(CHALLENGE), Some(unknown)).is_err());
        }
    }

    #[test]
    fn malformed_challenges_are_refused_when_they_are_made() {
        let wrong = [
            String::new(),
            "a".repeat(42),
            format!("{CHALLENGE}="),
            format!("{}+", &CHALLENGE[1..]),
            format!("{}N", &CHALLENGE[..42]),
            "a".repeat(44),
        ];
        for value in wrong {
            assert!(
                Challenge::new(Method::S256, value.clone()).is_err(),
                "{value}"
            );
        }
        for length in [42, 129] {
            assert!(Challenge::new(Method::Plain, "a".repeat(length)).is_err());
        }
        assert!(Challenge::new(Method::Plain, "a".repeat(42) + "/").is_err());
    }

    #[test]
    fn debug_output_does_not_show_a_plain_challenge() {
        let challenge = Challenge::new(Method::Plain, VERIFIER.to_owned()).unwrap();
        assert!(!format!("{challenge:?}").contains(VERIFIER));
    }

    proptest! {
        #[test]
        fn c7_only_its_own_verifier_fits(
            verifier in "[A-Za-z0-9._~-]{43,128}", other in "[A-Za-z0-9._~-]{43,128}"
        ) {
            for method in [Method::S256, Method::Plain] {
                let value = match method {
                    Method::S256 => URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes())),
                    Method::Plain => verifier.clone(),
                };
                let challenge = Challenge::new(method, value).unwrap();
                prop_assert!(challenge.verify(&verifier));
                prop_assert_eq!(challenge.verify(&other), verifier == other);
                let kept = serde_json::to_string(&challenge).unwrap();
                prop_assert_eq!(serde_json::from_str::<Challenge>(&kept).unwrap(), challenge);
            }
        }
    }
}
