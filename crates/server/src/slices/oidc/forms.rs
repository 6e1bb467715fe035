//! The forms of OAuth for the API document. Their readers are in `keymoor_oauth`.

use utoipa::ToSchema;

/// A token request (RFC 6749, sections 4.1.3 and 4.4.2; RFC 7636, section 4.5).
#[derive(ToSchema)]
pub struct TokenForm {
    /// `authorization_code` or `client_credentials`.
    #[schema(examples("authorization_code"))]
    pub grant_type: String,
    /// The code; for `authorization_code`.
    #[schema(examples("h4Vq8nKx2Lw7"))]
    pub code: Option<String>,
    /// As in the authorization request, if it was given there.
    #[schema(examples("https://app.example.com/callback"))]
    pub redirect_uri: Option<String>,
    /// The PKCE verifier, if the authorization request had a `code_challenge`.
    #[schema(examples("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"))]
    pub code_verifier: Option<String>,
    /// The wanted scopes, for `client_credentials`; all that are allowed unless given.
    #[schema(examples("reports:read"))]
    pub scope: Option<String>,
    /// Who the client is, unless the `Authorization` header says so.
    #[schema(examples("Vb3nK8qWz1Ty6Lm0Rx5Hc2Jd"))]
    pub client_id: Option<String>,
    /// The secret of a confidential client that does not use the `Authorization` header.
    #[schema(examples("q8Zr1mVw4nXc7Tb0yKd3Hs6Lf9Pg2Ja5eU7iNo4kGv1bSy8x"))]
    pub client_secret: Option<String>,
    /// The wanted life of the access token in seconds, at most what the application allows, which
    /// is the default. An extension.
    #[schema(examples(3600))]
    pub expiration_time: Option<u32>,
}

/// A userinfo request with the token in a form (RFC 6750, section 2.2).
#[derive(ToSchema)]
pub struct UserInfoForm {
    /// The access token, unless the `Authorization` header has it.
    #[schema(examples("eyJhbGciOiJFUzI1NiJ9.eyJub25jZSI6IlJ4cyJ9.c2lnbmF0dXJl"))]
    pub access_token: Option<String>,
}

/// An authorization request (RFC 6749, section 4.1.1; OpenID Connect Core 1.0, section 3.1.2.1).
#[derive(ToSchema, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuthorizeForm {
    /// The application's client identifier.
    #[schema(examples("Vb3nK8qWz1Ty6Lm0Rx5Hc2Jd"))]
    pub client_id: String,
    /// `code`.
    #[schema(examples("code"))]
    pub response_type: String,
    /// One of the registered URIs.
    #[schema(examples("https://app.example.com/callback"))]
    pub redirect_uri: Option<String>,
    /// `openid` for an ID token.
    #[schema(examples("openid"))]
    pub scope: Option<String>,
    /// Echoed; at most 4,000 bytes. The sign-in URL has at most 8,000 bytes as a whole.
    #[schema(examples("af0ifjsldkj"))]
    pub state: Option<String>,
    /// Goes into the ID token; at most 512 bytes.
    #[schema(examples("n-0S6_WzA2Mj"))]
    pub nonce: Option<String>,
    /// PKCE (RFC 7636).
    #[schema(examples("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"))]
    pub code_challenge: Option<String>,
    /// `S256` or `plain`.
    #[schema(examples("S256"))]
    pub code_challenge_method: Option<String>,
    /// Who will sign in.
    #[schema(examples("wren"))]
    pub login_hint: Option<String>,
    /// `none` always means `login_required`.
    #[schema(examples("login"))]
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
