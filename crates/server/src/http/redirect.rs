//! Redirect responses.

use std::fmt::Write as _;

use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};

use crate::base::error::Error;

/// Redirects the browser to `url`. Percent-encodes non-ASCII characters, which configured hosts and
/// paths may contain but a header can't.
pub fn found(url: String) -> Response {
    // Avoids a branch for each of up to some thousand characters.
    let is_ascii = url
        .bytes()
        .fold(true, |so_far, byte| so_far & byte.is_ascii_graphic());
    let ascii = if is_ascii { url } else { escaped(&url) };
    match HeaderValue::try_from(ascii) {
        Ok(location) => (StatusCode::FOUND, [(LOCATION, location)]).into_response(),
        Err(error) => Error::internal(error).into_response(),
    }
}

fn escaped(url: &str) -> String {
    let mut ascii = String::with_capacity(url.len());
    for byte in url.bytes() {
        if byte.is_ascii_graphic() {
            ascii.push(char::from(byte));
        } else {
            write!(ascii, "%{byte:02X}").expect("writing to a String never fails");
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_ascii_whatever_was_configured() {
        let location = |url: &str| {
            found(url.to_owned()).headers()[LOCATION]
                .to_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(
            location("https://b\u{fc}cher.example/a b?x=1#y"),
            "https://b%C3%BCcher.example/a%20b?x=1#y"
        );
        assert_eq!(location("acme://cb?code=1"), "acme://cb?code=1");
    }
}
