use aws_lc_rs::hmac;
use serde_json::{Value, json};

use crate::{SoftwareKey, base64url};

/// The variable claims of a proof at sign-in, in the terms of the wire protocol.
#[derive(Clone, Copy, Debug)]
pub struct Challenge<'a> {
    /// `sub`: the identity's distinguished name.
    pub subject: &'a str,
    /// `aud`: the URL that the proof is posted to.
    pub audience: &'a str,
    /// `bi_tid`.
    pub transaction_id: &'a str,
    /// `bi_non`.
    pub nonce: &'a str,
    /// The device's clock, in seconds since the Unix epoch.
    pub now: i64,
}

impl Challenge<'_> {
    /// Returns the claims that a device signs, valid for 4,200 s either side of `now`.
    #[must_use]
    pub fn claims(&self) -> Value {
        json!({
            "iss": "0f9c7b1e-6f5b-4d0a-9d41-5f2f6f1f8f10:testkit",
            "sub": self.subject,
            "aud": [self.audience],
            "iat": self.now,
            "exp": self.now + 4_200,
            "nbf": self.now - 4_200,
            "jti": format!("{}:{}", self.transaction_id, self.now),
            "bi_tid": self.transaction_id,
            "bi_non": self.nonce,
            "bi_prf": "W10=",
            "bi_pol_ver": "v3",
            "flow_type": "embedded",
        })
    }
}

/// An unsigned compact JWS (RFC 7515 section 7.1). Every part can be replaced before signing, and
/// any key can sign it.
#[derive(Clone, Debug)]
#[must_use]
pub struct Jws {
    header: String,
    payload: String,
}

impl Jws {
    /// Creates a JWS with these JSON texts, which may be invalid.
    pub fn new(header: impl Into<String>, payload: impl Into<String>) -> Self {
        Self {
            header: header.into(),
            payload: payload.into(),
        }
    }

    /// Creates the proof at binding for `key`.
    pub fn binding(key: &SoftwareKey, subject: &str, token: &str) -> Self {
        Self::new(
            json!({ "alg": "ES256", "jwk": key.jwk() }).to_string(),
            json!({ "sub": subject, "token": token }).to_string(),
        )
    }

    /// Creates the proof at sign-in that names `key`.
    pub fn authentication(key: &SoftwareKey, claims: &Value) -> Self {
        Self::new(
            json!({ "alg": "ES256", "kid": key.thumbprint() }).to_string(),
            claims.to_string(),
        )
    }

    /// Sets one header member. The header must still be a JSON object.
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        let mut header = self.parsed_header();
        header[name] = value.into();
        self.header = header.to_string();
        self
    }

    /// Removes one header member. The header must still be a JSON object.
    pub fn without_header(mut self, name: &str) -> Self {
        let mut header = self.parsed_header();
        header.as_object_mut().and_then(|map| map.remove(name));
        self.header = header.to_string();
        self
    }

    /// Replaces the header's JSON text.
    pub fn raw_header(mut self, json: impl Into<String>) -> Self {
        self.header = json.into();
        self
    }

    /// Replaces the payload's JSON text.
    pub fn payload(mut self, json: impl Into<String>) -> Self {
        self.payload = json.into();
        self
    }

    /// Signs with ES256 and `key`, whatever the header states.
    #[must_use]
    pub fn signed_by(&self, key: &SoftwareKey) -> String {
        let input = self.signing_input();
        let signature = base64url(key.sign_fixed(input.as_bytes()));
        format!("{input}.{signature}")
    }

    /// Sets `alg: none` and leaves the signature empty.
    #[must_use]
    pub fn unsigned(self) -> String {
        format!("{}.", self.header("alg", "none").signing_input())
    }

    /// Sets `alg: HS256` and authenticates with `secret`. The classic attack uses a public key as
    /// the secret.
    #[must_use]
    pub fn hmac_signed(self, secret: &[u8]) -> String {
        let input = self.header("alg", "HS256").signing_input();
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let tag = base64url(hmac::sign(&secret, input.as_bytes()));
        format!("{input}.{tag}")
    }

    fn signing_input(&self) -> String {
        format!("{}.{}", base64url(&self.header), base64url(&self.payload))
    }

    fn parsed_header(&self) -> Value {
        serde_json::from_str(&self.header).expect("the header is still a JSON object")
    }
}
