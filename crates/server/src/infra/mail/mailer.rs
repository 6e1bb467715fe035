//! A mail, and the interface for sending it.

use futures_util::future::BoxFuture;
use keymoor_types::{OutboxId, Timestamp};

use crate::base::secret::Secret;

/// A mail to send. Its bodies may contain a link's token.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Identical for every attempt. The Message-ID contains it (RFC 5322, section 3.6.4).
    pub id: OutboxId,
    pub written_at: Timestamp,
    /// The recipient's address.
    pub to: String,
    pub subject: &'static str,
    pub text: Secret,
    pub html: Secret,
}

/// The result of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server accepted the mail and is responsible for it (RFC 5321, section 4.2.5).
    Accepted,
    /// The server rejected the mail permanently.
    Refused(String),
    /// The attempt failed, or its result is unknown. Another may succeed.
    Failed(String),
}

/// A way to send mail.
pub trait Mailer: Send + Sync {
    /// Whether a mail server is configured. Without one, write no mail: it would wait for nothing.
    fn is_configured(&self) -> bool;

    /// Makes one attempt, within a bounded time.
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Outcome>;
}

/// The mailer when no mail server is configured.
pub struct NoMailer;

impl Mailer for NoMailer {
    fn is_configured(&self) -> bool {
        false
    }

    fn send<'a>(&'a self, _: &'a Mail) -> BoxFuture<'a, Outcome> {
        // The failure is temporary: mail from before the setting was removed waits for another one.
        let outcome = Outcome::Failed("no mail server is configured".to_owned());
        Box::pin(std::future::ready(outcome))
    }
}
