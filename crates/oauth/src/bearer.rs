//! Access tokens in a form (RFC 6750, section 2.2).

use crate::error::OAuthError;
use crate::form::Params;

/// The error for a request with a token in its header and another in its form (RFC 6750, section 2).
pub const TWO_TOKENS: OAuthError =
    OAuthError::invalid_request("the access token is sent in more than one way");

/// Returns the access token of a form body, if it has one.
///
/// # Errors
/// `invalid_request` for a malformed form, or more than one token.
pub fn bearer_token(form: &str) -> Result<Option<String>, OAuthError> {
    let params = Params::parse(form)?;
    Ok(params.single("access_token")?.map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_holds_at_most_one_token_rfc_6750_section_2_2() {
        let read = |form| bearer_token(form).map_err(|error| error.code.as_str());
        assert_eq!(read("access_token=a.b-c"), Ok(Some("a.b-c".to_owned())));
        assert_eq!(read("x=1&access_token=a%2Eb"), Ok(Some("a.b".to_owned())));
        for without in ["", "access_token=", "token=a"] {
            assert_eq!(read(without), Ok(None), "{without}");
        }
        for wrong in ["access_token=a&access_token=a", "access_token=%"] {
            assert_eq!(read(wrong), Err("invalid_request"), "{wrong}");
        }
    }
}
