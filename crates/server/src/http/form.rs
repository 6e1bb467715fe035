//! Reads form bodies, which OAuth clients and the SDKs send.

use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;

use crate::base::error::{Error, Result};
use crate::http::json;

/// Extracts the text of an `application/x-www-form-urlencoded` body, still encoded.
pub struct FormText(pub String);

impl<S: Send + Sync> FromRequest<S> for FormText {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let not_form = || Error::Malformed("the body must be form-encoded".to_owned());
        if !is_form(request.headers()) {
            return Err(not_form());
        }
        let bytes = json::bytes(request, state).await?;
        String::from_utf8(bytes.into())
            .map(Self)
            .map_err(|_| not_form())
    }
}

/// Extracts the text of a form, if the content type says that the body is one. Other bodies are ignored.
pub struct PostedForm(pub Option<String>);

impl<S: Send + Sync> FromRequest<S> for PostedForm {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        if !request.headers().contains_key(CONTENT_TYPE) || !is_form(request.headers()) {
            return Ok(Self(None));
        }
        let FormText(form) = FormText::from_request(request, state).await?;
        Ok(Self(Some(form)))
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_none_or(|value| {
        let essence = value.to_str().unwrap_or_default().split(';').next();
        essence.is_some_and(|essence| {
            essence
                .trim()
                .eq_ignore_ascii_case("application/x-www-form-urlencoded")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_forms_are_forms() {
        let check = |content_type: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
            is_form(&headers)
        };
        assert!(check("application/x-www-form-urlencoded"));
        assert!(check("Application/X-WWW-Form-Urlencoded; charset=UTF-8"));
        assert!(is_form(&HeaderMap::new()));
        for other in ["application/json", "multipart/form-data; boundary=x", ""] {
            assert!(!check(other), "{other}");
        }
    }
}
