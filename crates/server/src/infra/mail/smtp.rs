//! SMTP, RFC 5321.
//!
//! This module drives the conversation itself. The library's transport reports an accepted mail as
//! failed when the server then stalls at QUIT, so the mail would be sent twice.

use std::error::Error as _;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::future::BoxFuture;
use keymoor_db::tls::Certificates;
use keymoor_types::Seconds;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::DEFAULT_MECHANISMS;
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::{self, Data, Rcpt, Starttls};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::{Error, response::Severity};
use lettre::{Address, Message};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::bounded::Bounded;
use super::mailer::{Mail, Mailer, Outcome};
use super::message;
use super::server::{Encryption, SmtpServer};
use super::wire::{Clear, Lent, Tls, Wire};
use crate::base::email;

/// The time limit for QUIT.
const GOODBYE: Duration = Duration::from_secs(2);

/// The settings for sending mail.
#[derive(Clone, Debug)]
pub struct MailSettings {
    pub server: SmtpServer,
    /// The sender.
    pub from: Mailbox,
    /// How EHLO names this server: a domain name or an address literal.
    pub hello: Option<String>,
    /// The time limit of one attempt.
    pub timeout: Seconds,
}

/// Sends mail by SMTP, with one connection for each mail.
pub struct SmtpMailer {
    server: SmtpServer,
    tls: Tls,
    from: Mailbox,
    timeout: Duration,
    hello: Option<ClientId>,
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
            hello,
            timeout,
        } = settings;
        let certificates = match server.encryption {
            Encryption::Opportunistic => Certificates::Any,
            Encryption::Implicit | Encryption::Required => Certificates::System,
        };
        Ok(Self {
            tls: Tls::new(&server.host, &certificates)?,
            server,
            from,
            timeout: Duration::from_secs(timeout.0.unsigned_abs()),
            hello: hello.or_else(host_name).map(ClientId::Domain),
        })
    }

    /// Returns when the server has accepted the message, with the open connection for QUIT.
    async fn deliver(&self, message: &Message) -> Result<AsyncSmtpConnection, Failure> {
        let mut connection = self.sign_in().await?;
        match transmit(&mut connection, message).await {
            Ok(()) => Ok(connection),
            Err(failure) => {
                say_goodbye(connection);
                Err(failure)
            }
        }
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
            connection
                .auth(DEFAULT_MECHANISMS, credentials)
                .await
                .map_err(Failure::Session)?;
        }
        Ok(connection)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Failure> {
        let stream = self.dial().await?;
        let hello = self.hello(&stream)?;
        let peer = stream.peer_addr()?;
        if self.server.encryption == Encryption::Implicit {
            let stream = self.tls.open(Bounded::new(stream)).await?;
            return greet(Wire::new(stream, peer), &hello).await;
        }
        let (kept, lent) = Lent::pair(Bounded::new(stream));
        let clear = greet(Wire::new(lent, peer), &hello).await?;
        if !clear.can_starttls() {
            return match self.server.encryption {
                Encryption::Opportunistic => Ok(clear),
                _ => Err(Failure::Unsupported("STARTTLS, which the settings require")),
            };
        }
        match self.encrypt(clear, &kept, peer, &hello).await {
            Err(failure) if self.server.encryption == Encryption::Opportunistic => {
                let reason = failure.reason();
                tracing::warn!(
                    reason,
                    "TLS with the mail server failed: continuing without it"
                );
                let stream = self.dial().await?;
                greet(Wire::new(Bounded::new(stream), peer), &hello).await
            }
            encrypted => encrypted,
        }
    }

    /// Continues a conversation over TLS (RFC 3207, section 4).
    async fn encrypt(
        &self,
        mut clear: AsyncSmtpConnection,
        stream: &Lent<Clear>,
        peer: SocketAddr,
        hello: &ClientId,
    ) -> Result<AsyncSmtpConnection, Failure> {
        clear.command(Starttls).await.map_err(Failure::Session)?;
        let stream = self.tls.open(stream.take()?).await?;
        greet(Wire::greeted(stream, peer), hello).await
    }

    async fn dial(&self) -> io::Result<TcpStream> {
        TcpStream::connect((self.server.host.as_str(), self.server.port)).await
    }

    /// Returns the setting, or else the connection's own address as an address literal (RFC 5321,
    /// section 4.1.1.1).
    fn hello(&self, stream: &TcpStream) -> io::Result<ClientId> {
        if let Some(hello) = &self.hello {
            return Ok(hello.clone());
        }
        Ok(match stream.local_addr()?.ip().to_canonical() {
            IpAddr::V4(address) => ClientId::Ipv4(address),
            IpAddr::V6(address) => ClientId::Ipv6(address),
        })
    }
}

/// Returns the system's host name if it is fully qualified.
pub(super) fn host_name() -> Option<String> {
    match ClientId::default() {
        ClientId::Domain(name) if name.contains('.') => email::host(&name).ok(),
        _ => None,
    }
}

/// Reads the greeting and says EHLO.
async fn greet<S>(wire: Wire<S>, hello: &ClientId) -> Result<AsyncSmtpConnection, Failure>
where
    Wire<S>: AsyncTokioStream + 'static,
{
    AsyncSmtpConnection::connect_with_transport(Box::new(wire), hello)
        .await
        .map_err(Failure::Session)
}

/// Sends the message.
async fn transmit(connection: &mut AsyncSmtpConnection, message: &Message) -> Result<(), Failure> {
    let (envelope, formatted) = (message.envelope(), message.formatted());
    let parameters = parameters(connection, message, &formatted)?;
    let mail = commands::Mail::new(envelope.from().cloned(), parameters);
    connection.command(mail).await.map_err(Failure::of_mail)?;
    for recipient in envelope.to() {
        let rcpt = Rcpt::new(recipient.clone(), Vec::new());
        connection.command(rcpt).await.map_err(Failure::Message)?;
    }
    connection.command(Data).await.map_err(Failure::Message)?;
    connection
        .message(&formatted)
        .await
        .map_err(Failure::Message)?;
    Ok(())
}

/// Returns the extensions that the message needs (RFC 6531, section 3.4; RFC 6152, section 3).
fn parameters(
    connection: &AsyncSmtpConnection,
    message: &Message,
    formatted: &[u8],
) -> Result<Vec<MailParameter>, Failure> {
    let server = connection.server_info();
    let mut parameters = Vec::new();
    let envelope = message.envelope();
    let is_ascii = |address: &Address| AsRef::<str>::as_ref(address).is_ascii();
    if !envelope
        .from()
        .into_iter()
        .chain(envelope.to())
        .all(is_ascii)
    {
        if !server.supports_feature(Extension::SmtpUtfEight) {
            return Err(Failure::Unsupported(
                "SMTPUTF8, which the recipient's address requires",
            ));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !formatted.is_ascii() {
        if !server.supports_feature(Extension::EightBitMime) {
            return Err(Failure::Unsupported("8BITMIME, which the message requires"));
        }
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    Ok(parameters)
}

impl Mailer for SmtpMailer {
    fn is_configured(&self) -> bool {
        true
    }

    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Outcome> {
        Box::pin(async {
            let message = match message::build(&self.from, mail) {
                Ok(message) => message,
                Err(why) => return Outcome::Refused(why),
            };
            // The library has no time limit.
            match timeout(self.timeout, self.deliver(&message)).await {
                Ok(Ok(connection)) => {
                    say_goodbye(connection);
                    Outcome::Accepted
                }
                Ok(Err(failure)) => failure.outcome(),
                Err(_) => Outcome::Failed("the mail server took too long".to_owned()),
            }
        })
    }
}

/// Why the server did not accept a mail.
enum Failure {
    /// Connecting or TLS failed.
    Connecting(io::Error),
    /// The server rejected us or our sender, or the conversation broke. Fixing the configuration
    /// lets the mail be sent.
    Session(Error),
    /// The server lacks an extension.
    Unsupported(&'static str),
    /// The server rejected the message or its recipient, or the conversation broke.
    Message(Error),
}

impl Failure {
    /// The failure of MAIL. It names our own sender, but also the size and the extensions of the
    /// message (RFC 5321, sections 4.2.3 and 4.1.1.11).
    fn of_mail(error: Error) -> Self {
        const ABOUT_THE_MESSAGE: [u16; 2] = [552, 555];
        match error.status() {
            Some(code) if ABOUT_THE_MESSAGE.contains(&u16::from(code)) => Self::Message(error),
            _ => Self::Session(error),
        }
    }

    fn reason(&self) -> String {
        match self {
            Self::Connecting(error) => format!("can't connect to the mail server: {error}"),
            Self::Session(error) | Self::Message(error) => reason(error),
            Self::Unsupported(what) => format!("the mail server does not support {what}"),
        }
    }

    fn outcome(&self) -> Outcome {
        match self {
            Self::Message(error) if error.is_permanent() && !is_about_us(error) => {
                Outcome::Refused(self.reason())
            }
            _ => Outcome::Failed(self.reason()),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Connecting(error)
    }
}

/// Runs in the background, so that an accepted mail is recorded at once and not sent again.
fn say_goodbye(mut connection: AsyncSmtpConnection) {
    tokio::spawn(async move {
        let _whatever_it_says = timeout(GOODBYE, connection.abort()).await;
    });
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
