//! Types that only settings use.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use keymoor_types::Seconds;
use lettre::message::Mailbox;
use url::Url;

use crate::base::email;

/// An http or https URL without query, fragment, userinfo or trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    text: String,
    origin: String,
    path: String,
    authority: String,
    host: String,
    port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an http or https URL without query, fragment or userinfo")]
pub struct BaseUrlError;

impl BaseUrl {
    /// Returns the URL with `path` appended, which starts with a slash.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme, host and port, as a browser's `Origin` header spells it.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Empty, or starts with a slash and does not end with one.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The host, and the port if it is not the scheme's default.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    pub fn is_https(&self) -> bool {
        self.text.starts_with("https:")
    }

    /// Name or IP address, the latter without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether the host is loopback.
    pub fn is_loopback(&self) -> bool {
        let address: Result<IpAddr, _> = self.host.parse();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }

    /// The port, or the scheme's default.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, BaseUrlError> {
        let url = Url::parse(text).map_err(|_| BaseUrlError)?;
        let plain = url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if !plain || !matches!(url.scheme(), "http" | "https") {
            return Err(BaseUrlError);
        }
        Ok(Self {
            text: url.as_str().trim_end_matches('/').to_owned(),
            origin: url.origin().ascii_serialization(),
            path: url.path().trim_end_matches('/').to_owned(),
            authority: url.authority().to_owned(),
            host: url
                .host_str()
                .ok_or(BaseUrlError)?
                .trim_matches(['[', ']'])
                .to_owned(),
            port: url.port_or_known_default().ok_or(BaseUrlError)?,
        })
    }
}

/// Values separated by commas; white space around them is ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T>(pub Vec<T>);

impl<T: FromStr> FromStr for List<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        text.split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// Why a text is not a value of its type, for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ValueError(&'static str);

/// Defines types that parse as their inner type does, with our own error messages.
macro_rules! values {
    ($(#[doc = $about:literal] $name:ident($inner:ty): $problem:literal;)*) => {$(
        #[doc = $about]
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(pub $inner);

        impl FromStr for $name {
            type Err = ValueError;

            fn from_str(text: &str) -> Result<Self, ValueError> {
                text.parse().map(Self).map_err(|_| ValueError($problem))
            }
        }
    )*};
}

values! {
    /// An address to listen on.
    ListenAddress(SocketAddr): "must be IP:port, such as 127.0.0.1:8021";
    /// A reverse proxy.
    ProxyAddress(IpAddr): "must be IP addresses, not networks";
    /// A count of at least 1.
    Count(NonZeroU32): "must be a whole number from 1 to 4294967295";
}

/// The sender of mail, with the domain as A-labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender(pub Mailbox);

impl FromStr for Sender {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        const FORM: ValueError =
            ValueError("must be an address, or a name and the address in angle brackets");
        let mailbox: Mailbox = text.parse().map_err(|_| FORM)?;
        let address = email::deliverable(mailbox.email.as_ref()).map_err(ValueError)?;
        Ok(Self(Mailbox::new(mailbox.name, address)))
    }
}

/// The name that EHLO gives to a mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello(pub String);

impl FromStr for Hello {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let fully_qualified = text.contains('.') || text.starts_with('[');
        match email::host(text) {
            Ok(host) if fully_qualified => Ok(Self(host)),
            _ => Err(ValueError(
                "must be a fully qualified domain name, or an IP address in square brackets",
            )),
        }
    }
}

/// A duration from one second to ten years.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Seconds);

impl Span {
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.0.0.unsigned_abs())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number of seconds from 1 to 315360000")]
pub struct SpanError;

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let seconds = text.parse().map_err(|_| SpanError)?;
        if (1..=Seconds::DAY.times(3_650).0).contains(&seconds) {
            Ok(Self(Seconds(seconds)))
        } else {
            Err(SpanError)
        }
    }
}

/// The lifetime of an access token, with the bounds of applications: one minute to 90 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenLifetime(pub Seconds);

impl FromStr for TokenLifetime {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let seconds = text.parse().map(Seconds).ok();
        seconds
            .filter(|seconds| (Seconds::MINUTE..=Seconds::DAY.times(90)).contains(seconds))
            .map(Self)
            .ok_or(ValueError(
                "must be a whole number of seconds from 60 to 7776000",
            ))
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For humans.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogFormatError;

impl fmt::Display for LogFormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be text or json")
    }
}

impl FromStr for LogFormat {
    type Err = LogFormatError;

    fn from_str(text: &str) -> Result<Self, LogFormatError> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(LogFormatError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls_are_plain_and_lose_their_trailing_slash() {
        let url: BaseUrl = "https://auth.example:8443/".parse().unwrap();
        assert_eq!(url.as_str(), "https://auth.example:8443");
        assert_eq!(url.origin(), "https://auth.example:8443");
        assert_eq!((url.path(), url.authority()), ("", "auth.example:8443"));
        let console: BaseUrl = "https://auth.example/console".parse().unwrap();
        assert_eq!(console.join("/bind"), "https://auth.example/console/bind");
        assert_eq!(console.origin(), "https://auth.example");
        assert_eq!(
            (console.path(), console.authority()),
            ("/console", "auth.example")
        );
        for wrong in [
            "",
            "auth.example",
            "ftp://a",
            "https://u:p@a",
            "https://a?x",
            "https://a#x",
            "javascript:1",
        ] {
            assert_eq!(wrong.parse::<BaseUrl>(), Err(BaseUrlError), "{wrong}");
        }
    }

    #[test]
    fn lists_may_have_blanks_or_nothing() {
        assert_eq!("1, 2,".parse(), Ok(List(vec![1, 2])));
        assert_eq!("".parse(), Ok(List::<i64>(Vec::new())));
        assert!("1,x".parse::<List<i64>>().is_err());
    }

    #[test]
    fn the_sender_is_one_that_mail_can_come_from() {
        let sender: Sender = "Bücher <no-reply@bücher.example>".parse().unwrap();
        assert_eq!(sender.0.name.as_deref(), Some("Bücher"));
        assert_eq!(sender.0.email.to_string(), "no-reply@xn--bcher-kva.example");
        for wrong in [
            "",
            "Keymoor",
            "keymoor@203.0.113.1",
            "a@x.example, b@x.example",
        ] {
            assert!(wrong.parse::<Sender>().is_err(), "{wrong}");
        }
    }

    /// RFC 5321, section 4.1.1.1.
    #[test]
    fn ehlo_takes_a_full_name_or_an_address_literal() {
        for fine in ["auth.example.com", "[192.0.2.1]", "[IPv6:2001:db8::1]"] {
            assert_eq!(fine.parse(), Ok(Hello(fine.to_owned())), "{fine}");
        }
        for wrong in [
            "",
            "keymoor",
            "192.0.2.1",
            "a b.example",
            "[auth.example.com]",
        ] {
            assert!(wrong.parse::<Hello>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn spans_are_positive_and_have_an_end() {
        assert_eq!("60".parse(), Ok(Span(Seconds::MINUTE)));
        for wrong in ["0", "-1", "1.5", "1h", "", "9223372036854775807"] {
            assert_eq!(wrong.parse::<Span>(), Err(SpanError), "{wrong}");
        }
    }
}
