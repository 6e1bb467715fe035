//! Client data (WebAuthn Level 3 section 5.8.1): the browser's part of what is signed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::{json, origin, sha256};

/// Why client data are rejected. The steps are those of WebAuthn Level 3 sections 7.1
/// (registration) and 7.2 (assertion), which share them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientDataError {
    /// Not a JSON object with the required members, or one that repeats a member ("Let C be the
    /// result of running an implementation-specific JSON parser").
    #[error("the client data are malformed")]
    Malformed,
    /// `type` is not that of this ceremony ("Verify that the value of C.type is…").
    #[error("the client data are of another ceremony")]
    Type,
    /// `origin` is not one of the trusted ones, or has no RP ID ("Verify that the
    /// value of C.origin is an origin expected by the Relying Party").
    #[error("the origin is not trusted")]
    Origin,
    /// `crossOrigin` is true ("If C.crossOrigin is present and set to true…").
    #[error("the ceremony ran inside another origin")]
    CrossOrigin,
    /// `topOrigin` is present ("If C.topOrigin is present…").
    #[error("the ceremony ran below another origin")]
    TopOrigin,
}

/// The ceremony of client data.
#[derive(Clone, Copy)]
pub(crate) enum Ceremony {
    Registration,
    Assertion,
}

impl Ceremony {
    fn client_data_type(self) -> &'static str {
        match self {
            Self::Registration => "webauthn.create",
            Self::Assertion => "webauthn.get",
        }
    }
}

/// Client data, read but not trusted.
pub(crate) struct ClientData {
    pub(crate) challenge: Vec<u8>,
    pub(crate) origin: String,
    /// SHA-256 of the text as received, which authenticators sign.
    pub(crate) hash: [u8; 32],
    kind: String,
    cross_origin: bool,
    has_top_origin: bool,
}

impl ClientData {
    pub(crate) fn parse(text: &[u8]) -> Result<Self, ClientDataError> {
        let malformed = ClientDataError::Malformed;
        let members = json::parse_object(without_bom(text)).map_err(|_| malformed)?;
        let string = |name| members.get(name).and_then(Value::as_str).ok_or(malformed);
        let cross_origin = match members.get("crossOrigin") {
            None => false,
            Some(value) => value.as_bool().ok_or(malformed)?,
        };
        Ok(Self {
            challenge: URL_SAFE_NO_PAD
                .decode(string("challenge")?)
                .map_err(|_| malformed)?,
            origin: string("origin")?.to_owned(),
            hash: sha256(text),
            kind: string("type")?.to_owned(),
            cross_origin,
            has_top_origin: members.contains_key("topOrigin"),
        })
    }

    /// Checks everything but the challenge and returns the only RP ID accepted for the origin.
    pub(crate) fn check(
        &self,
        ceremony: Ceremony,
        trusted_origins: &[String],
    ) -> Result<&str, ClientDataError> {
        if self.kind != ceremony.client_data_type() {
            return Err(ClientDataError::Type);
        }
        // As in `Origin` headers: the case of an origin doesn't matter.
        if !trusted_origins
            .iter()
            .any(|trusted| trusted.eq_ignore_ascii_case(&self.origin))
        {
            return Err(ClientDataError::Origin);
        }
        if self.cross_origin {
            return Err(ClientDataError::CrossOrigin);
        }
        if self.has_top_origin {
            return Err(ClientDataError::TopOrigin);
        }
        origin::rp_id(&self.origin).ok_or(ClientDataError::Origin)
    }
}

/// Returns `text` without one leading byte order mark, which "UTF-8 decode" strips (sections 7.1 and
/// 7.2, and the Encoding Standard). The hash still covers it.
fn without_bom(text: &[u8]) -> &[u8] {
    text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text)
}
