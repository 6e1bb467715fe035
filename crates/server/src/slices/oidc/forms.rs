//! The forms of OAuth for the API document. Their readers are in `keymoor_oauth`.

use utoipa::ToSchema;

/// A token request (RFC 6749, sections 4.1.3 and 4.4.2; RFC 7636, section 4.5).
#[derive(ToSchema)]
pub struct TokenForm {
    /// `authorization_code` or `client_credentials`.
    pub grant_type: String,
    /// The code; for `authorization_code`.
    pub code: Option<String>,
    /// As in the authorization request, if it was given there.
    pub redirect_uri: Option<String>,
    /// The PKCE verifier, if the authorization request had a `code_challenge`.
    pub code_verifier: Option<String>,
    /// The wanted scopes, for `client_credentials`; all that are allowed unless given.
    pub scope: Option<String>,
    /// Who the client is, unless the `Authorization` header says so.
    pub client_id: Option<String>,
    /// The secret of a confidential client that does not use the `Authorization` header.
    pub client_secret: Option<String>,
    /// The wanted life of the access token in seconds, at most what the application allows, which
    /// is the default. An extension.
    pub expiration_time: Option<u32>,
}

/// An authorization request (RFC 6749, section 4.1.1; OpenID Connect Core 1.0, section 3.1.2.1).
#[derive(ToSchema, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuthorizeForm {
    /// The application's client identifier.
    pub client_id: String,
    /// `code`.
    pub response_type: String,
    /// One of the registered URIs.
    pub redirect_uri: Option<String>,
    /// `openid` for an ID token.
    pub scope: Option<String>,
    /// Echoed; at most 1,024 bytes.
    pub state: Option<String>,
    /// Goes into the ID token; at most 512 bytes.
    pub nonce: Option<String>,
    /// PKCE (RFC 7636).
    pub code_challenge: Option<String>,
    /// `S256` or `plain`.
    pub code_challenge_method: Option<String>,
    /// Who will sign in.
    pub login_hint: Option<String>,
    /// `none` always means `login_required`.
    pub prompt: Option<String>,
}

#[cfg(test)]
mod tests {
    use keymoor_oauth::token_request;
    use utoipa::PartialSchema;

    use super::*;

    /// A parameter that is read is refused if it is repeated; any other is ignored.
    #[test]
    fn every_documented_member_of_a_token_request_is_read() {
        const CODE: &str = "grant_type=authorization_code&client_id=c&code=x";
        const OWN: &str = "grant_type=client_credentials&client_id=c";
        let schema = serde_json::to_value(TokenForm::schema()).unwrap();
        for member in schema["properties"].as_object().unwrap().keys() {
            let own = if member == "scope" { OWN } else { CODE };
            assert!(token_request::parse(None, own).is_ok());
            let form = format!("{own}&{member}=1&{member}=1");
            assert!(token_request::parse(None, &form).is_err(), "{member}");
        }
    }
}
