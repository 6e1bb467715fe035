//! SMTP, RFC 5321.
//!
//! This module drives the conversation itself. The library's transport reports an accepted mail as
//! failed when the server then stalls at QUIT, so the mail would be sent twice.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use futures_util::future::BoxFuture;
use keymoor_types::Seconds;
use lettre::Message;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{Error, response::Severity};
use percent_encoding::percent_decode_str;
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

use super::bounded::Bounded;
use super::implicit_tls::{ImplicitTls, system_roots};
use super::mailer::{Mail, Mailer, Outcome};
use super::message;

/// The time limit for QUIT.
const GOODBYE: Duration = Duration::from_secs(2);

/// The settings for sending mail.
#[derive(Clone, Debug)]
pub struct MailSettings {
    pub server: SmtpServer,
    /// The sender.
    pub from: Mailbox,
    /// The time limit of one attempt.
    pub timeout: Seconds,
}

/// A mail server, as `KEYMOOR_SMTP_URL` names it.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpServer {
    host: String,
    port: u16,
    encryption: Encryption,
    credentials: Option<Credentials>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encryption {
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

/// Sends mail by SMTP, with one connection for each mail.
pub struct SmtpMailer {
    server: SmtpServer,
    /// For STARTTLS.
    tls: TlsParameters,
    /// For TLS from the first byte. The library would not limit what the server sends.
    pub(super) implicit_tls: Option<ImplicitTls>,
    from: Mailbox,
    timeout: Duration,
    hello: ClientId,
}

impl SmtpMailer {
    /// Does not connect yet.
    ///
    /// # Errors
    /// When the operating system's trusted certificates can't be used for this host.
    pub fn new(settings: MailSettings) -> Result<Self, String> {
        let MailSettings {
            server,
            from,
            timeout,
        } = settings;
        let tls = TlsParameters::builder(server.host.clone())
            .dangerous_accept_invalid_certs(server.encryption == Encryption::Opportunistic)
            .build()
            .map_err(|error| format!("TLS for the mail server can't be set up: {error}"))?;
        let implicit_tls = match server.encryption {
            Encryption::Implicit => Some(ImplicitTls::new(&server.host, system_roots()?)?),
            Encryption::Required | Encryption::Opportunistic => None,
        };
        Ok(Self {
            server,
            tls,
            implicit_tls,
            from,
            timeout: Duration::from_secs(timeout.0.unsigned_abs()),
            hello: ClientId::default(),
        })
    }

    /// Returns when the server has accepted the message, with the open connection for QUIT.
    async fn deliver(&self, message: &Message) -> Result<AsyncSmtpConnection, Failure> {
        let mut connection = self.sign_in().await?;
        connection
            .send(message.envelope(), &message.formatted())
            .await?;
        Ok(connection)
    }

    /// Connects and signs in without sending mail.
    ///
    /// # Errors
    /// When the connection, TLS or the sign-in fails.
    pub async fn probe(&self) -> Result<(), String> {
        match timeout(self.timeout, self.sign_in()).await {
            Ok(Ok(mut connection)) => {
                let _whatever_it_says = timeout(GOODBYE, connection.abort()).await;
                Ok(())
            }
            Ok(Err(failure)) => Err(failure.reason()),
            Err(_) => Err("the mail server took too long".to_owned()),
        }
    }

    async fn sign_in(&self) -> Result<AsyncSmtpConnection, Failure> {
        let mut connection = self.connect().await?;
        if let Some(credentials) = &self.server.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Failure> {
        if let Some(tls) = &self.implicit_tls {
            let stream = Box::new(tls.connect(self.stream().await?).await?);
            return Ok(AsyncSmtpConnection::connect_with_transport(stream, &self.hello).await?);
        }
        match self.server.encryption {
            Encryption::Implicit | Encryption::Required => {
                let mut connection = self.open().await?;
                connection.starttls(self.tls.clone(), &self.hello).await?;
                Ok(connection)
            }
            Encryption::Opportunistic => {
                let mut connection = self.open().await?;
                if !connection.can_starttls() {
                    return Ok(connection);
                }
                match connection.starttls(self.tls.clone(), &self.hello).await {
                    Ok(()) => Ok(connection),
                    Err(error) => {
                        let reason = reason(&error);
                        tracing::warn!(
                            reason,
                            "TLS with the mail server failed: continuing without it"
                        );
                        self.open().await
                    }
                }
            }
        }
    }

    async fn open(&self) -> Result<AsyncSmtpConnection, Failure> {
        let stream = Box::new(self.stream().await?);
        Ok(AsyncSmtpConnection::connect_with_transport(stream, &self.hello).await?)
    }

    async fn stream(&self) -> io::Result<Bounded<TcpStream>> {
        let stream = TcpStream::connect(self.address()).await?;
        let peer = stream.peer_addr()?;
        Ok(Bounded::new(stream, peer))
    }

    fn address(&self) -> (&str, u16) {
        (&self.server.host, self.server.port)
    }
}

impl Mailer for SmtpMailer {
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Outcome> {
        Box::pin(async {
            let message = match message::build(&self.from, mail) {
                Ok(message) => message,
                Err(why) => return Outcome::Refused(why),
            };
            // The library has no time limit, or one for connecting only.
            match timeout(self.timeout, self.deliver(&message)).await {
                Ok(Ok(connection)) => {
                    say_goodbye(connection);
                    Outcome::Accepted
                }
                Ok(Err(Failure::Smtp(error))) => outcome(&error),
                Ok(Err(failure @ Failure::Connecting(_))) => Outcome::Failed(failure.reason()),
                Err(_) => Outcome::Failed("the mail server took too long".to_owned()),
            }
        })
    }
}

/// Why the server did not accept a mail.
enum Failure {
    Connecting(io::Error),
    Smtp(Error),
}

impl Failure {
    fn reason(&self) -> String {
        match self {
            Self::Connecting(error) => format!("can't connect to the mail server: {error}"),
            Self::Smtp(error) => reason(error),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Connecting(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Smtp(error)
    }
}

/// Runs in the background, so that an accepted mail is recorded at once and not sent again.
fn say_goodbye(mut connection: AsyncSmtpConnection) {
    tokio::spawn(async move {
        let _whatever_it_says = timeout(GOODBYE, connection.abort()).await;
    });
}

fn outcome(error: &Error) -> Outcome {
    let reason = reason(error);
    if error.is_permanent() && !is_about_us(error) {
        Outcome::Refused(reason)
    } else {
        Outcome::Failed(reason)
    }
}

/// Replies that reject our login or require one (RFC 4954, section 6). They are permanent in form,
/// but fixing the configuration lets the mail be sent.
fn is_about_us(error: &Error) -> bool {
    const REPLIES: [u16; 5] = [530, 532, 534, 535, 538];
    error.status().is_some_and(|code| {
        code.severity == Severity::PermanentNegativeCompletion && REPLIES.contains(&u16::from(code))
    })
}

/// Describes the failure in our own words. A server's text may repeat what it received, which
/// includes the link's token, so only its codes are reported (RFC 5321, section 4.2; RFC 3463).
fn reason(error: &Error) -> String {
    let Some(code) = error.status() else {
        return if error.is_response() {
            "the mail server answered with an invalid reply".to_owned()
        } else {
            error.to_string()
        };
    };
    match error
        .source()
        .and_then(|reply| enhanced_code(&reply.to_string()))
    {
        Some(enhanced) => format!("the mail server answered {code} {enhanced}"),
        None => format!("the mail server answered {code}"),
    }
}

/// Returns the enhanced status code at the start of a reply's text: class, subject and detail, of
/// at most 1, 3 and 3 digits (RFC 3463, section 2).
fn enhanced_code(text: &str) -> Option<String> {
    let word = text.split_whitespace().next()?;
    let parts: Vec<&str> = word.split('.').collect();
    let [class @ ("2" | "4" | "5"), subject, detail] = parts[..] else {
        return None;
    };
    let is_number = |part: &str| {
        (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    (is_number(subject) && is_number(detail)).then(|| format!("{class}.{subject}.{detail}"))
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
