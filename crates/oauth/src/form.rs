//! Strict parsing of `application/x-www-form-urlencoded`.

use crate::error::OAuthError;

const MALFORMED: OAuthError = OAuthError::invalid_request("the parameters are not form-encoded");
const REPEATED: OAuthError = OAuthError::invalid_request("a parameter is given more than once");

/// The parameters of a query string or a form body, in order. No `Debug`, since they contain
/// secrets.
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Parses all parameters.
    ///
    /// # Errors
    /// `invalid_request` if an escape is broken or decoded bytes are not UTF-8.
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        text.split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                Some((decode(name)?, decode(value)?))
            })
            .collect::<Option<_>>()
            .map(Self)
            .ok_or(MALFORMED)
    }

    /// Returns the parameter's value. An empty value counts as absent (RFC 6749, section 3.1).
    ///
    /// # Errors
    /// `invalid_request` for a repeated parameter (the same section).
    pub fn single(&self, name: &str) -> Result<Option<&str>, OAuthError> {
        let mut values = self.0.iter().filter(|(key, _)| key == name);
        let first = values.next();
        if values.next().is_some() {
            return Err(REPEATED);
        }
        Ok(first
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty()))
    }

    pub(crate) fn required(&self, name: &str, missing: &'static str) -> Result<&str, OAuthError> {
        self.single(name)?
            .ok_or(OAuthError::invalid_request(missing))
    }
}

/// Decodes one name or value. Returns `None` if an escape is broken or the bytes are not UTF-8.
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    // Copies runs, since most long values here are tokens of some thousand characters.
    while let Some(at) = memchr::memchr2(b'+', b'%', rest) {
        decoded.extend_from_slice(&rest[..at]);
        let (byte, behind) = match &rest[at..] {
            [b'+', behind @ ..] => (b' ', behind),
            [b'%', high, low, behind @ ..] => (hex_digit(*high)? << 4 | hex_digit(*low)?, behind),
            _ => return None,
        };
        decoded.push(byte);
        rest = behind;
    }
    decoded.extend_from_slice(rest);
    String::from_utf8(decoded).ok()
}

fn hex_digit(byte: u8) -> Option<u8> {
    let value = char::from(byte).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn broken_escapes_are_refused() {
        for broken in ["%", "%4", "%zz", "%+1", "%ff", "a%"] {
            assert_eq!(decode(broken), None, "{broken}");
        }
    }

    #[test]
    fn an_empty_parameter_is_absent_and_a_repeated_one_an_error() {
        let params = Params::parse("a=&b=1&&c&d=1&d=1&e=&e=1").ok().unwrap();
        assert_eq!(params.single("a"), Ok(None));
        assert_eq!(params.single("b"), Ok(Some("1")));
        assert_eq!(params.single("c"), Ok(None));
        assert_eq!(params.single("d"), Err(REPEATED));
        assert_eq!(params.single("e"), Err(REPEATED));
        assert_eq!(params.single("f"), Ok(None));
    }

    proptest! {
        #[test]
        fn whatever_a_standard_encoder_writes_is_read_back(
            name in "\\PC+", value in "(?s).+"
        ) {
            let text = url::form_urlencoded::Serializer::new(String::new())
                .append_pair(&name, &value)
                .finish();
            let params = Params::parse(&text).ok().unwrap();
            prop_assert_eq!(params.single(&name), Ok(Some(value.as_str())));
        }
    }
}
