//! The mail server, as its setting names it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use lettre::transport::smtp::authentication::Credentials;
use percent_encoding::percent_decode_str;
use url::Url;

/// A mail server, as `KEYMOOR_SMTP_URL` names it.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpServer {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) encryption: Encryption,
    pub(super) credentials: Option<Credentials>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encryption {
    /// TLS from the first byte (RFC 8314, section 3.3).
    Implicit,
    /// STARTTLS or nothing (RFC 3207).
    Required,
    /// STARTTLS if the server offers it and it works. The certificate is not verified, since an
    /// attacker who could forge it could also hide the offer (RFC 7435, section 3).
    Opportunistic,
}

/// The text is not a mail server's URL. The message omits the text, which may contain a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SmtpServerError {
    #[error("must be smtp://host:port, smtps://host:port or smtp://host:port?tls=required")]
    Form,
    #[error("must have a password if it has a user name")]
    Password,
}

impl FromStr for SmtpServer {
    type Err = SmtpServerError;

    fn from_str(text: &str) -> Result<Self, SmtpServerError> {
        let url = Url::parse(text).map_err(|_| SmtpServerError::Form)?;
        let host = url.host_str().ok_or(SmtpServerError::Form)?.to_owned();
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(SmtpServerError::Form);
        }
        let credentials = credentials(&url)?;
        let (encryption, default_port) = match (url.scheme(), url.query()) {
            ("smtps", None) => (Encryption::Implicit, 465),
            ("smtp", Some("tls=required")) => (Encryption::Required, 587),
            // A password crosses a network only encrypted.
            ("smtp", None) if credentials.is_some() && !is_loopback(&host) => {
                (Encryption::Required, 587)
            }
            ("smtp", None) => (Encryption::Opportunistic, 25),
            _ => return Err(SmtpServerError::Form),
        };
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(default_port),
            encryption,
            credentials,
        })
    }
}

fn credentials(url: &Url) -> Result<Option<Credentials>, SmtpServerError> {
    let decode = |text: &str| {
        let text = percent_decode_str(text).decode_utf8();
        text.map(String::from).map_err(|_| SmtpServerError::Form)
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        (_, None) => Err(SmtpServerError::Password),
        (user, Some(password)) => Ok(Some(Credentials::new(decode(user)?, decode(password)?))),
    }
}

fn is_loopback(host: &str) -> bool {
    let address: Result<IpAddr, _> = host.trim_matches(['[', ']']).parse();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

impl fmt::Debug for SmtpServer {
    /// The URL without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            host,
            port,
            encryption,
            ..
        } = self;
        write!(f, "SmtpServer({host}:{port}, {encryption:?})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(url: &str) -> SmtpServer {
        url.parse().unwrap()
    }

    #[test]
    fn urls_say_how_to_encrypt() {
        use Encryption::{Implicit, Opportunistic, Required};
        for (url, host, port, encryption) in [
            ("smtp://mail.example", "mail.example", 25, Opportunistic),
            ("smtp://127.0.0.1:8027", "127.0.0.1", 8027, Opportunistic),
            ("smtp://[::1]:8027/", "::1", 8027, Opportunistic),
            (
                "smtp://mail.example?tls=required",
                "mail.example",
                587,
                Required,
            ),
            ("smtps://mail.example", "mail.example", 465, Implicit),
            ("smtp://u:p@mail.example:25", "mail.example", 25, Required),
            (
                "smtp://u:p@localhost:8027",
                "localhost",
                8027,
                Opportunistic,
            ),
        ] {
            let server = server(url);
            assert_eq!(
                (server.host.as_str(), server.port, server.encryption),
                (host, port, encryption),
                "{url}"
            );
        }
    }

    #[test]
    fn credentials_are_decoded_and_not_shown() {
        let server = server("smtps://ada%40example.com:hunter2%2F@mail.example");
        assert_eq!(
            server.credentials,
            Some(Credentials::new(
                "ada@example.com".to_owned(),
                "hunter2/".to_owned()
            ))
        );
        let debug = format!("{server:?}");
        assert!(
            !debug.contains("hunter2") && !debug.contains("ada"),
            "{debug}"
        );
    }

    #[test]
    fn anything_else_is_refused() {
        for wrong in [
            "",
            "mail.example:25",
            "http://mail.example",
            "smtp://",
            "smtp://mail.example?tls=none",
            "smtps://mail.example?tls=required",
            "smtp://mail.example/path",
        ] {
            assert_eq!(
                wrong.parse::<SmtpServer>(),
                Err(SmtpServerError::Form),
                "{wrong}"
            );
        }
        assert_eq!(
            "smtp://ada@mail.example".parse::<SmtpServer>(),
            Err(SmtpServerError::Password)
        );
    }
}
