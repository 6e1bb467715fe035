//! A mail, and what sends it.

use futures_util::future::BoxFuture;
use keymoor_types::{OutboxId, Timestamp};

use crate::base::secret::Secret;

/// A mail that is ready to be sent. Its bodies may hold a link's token.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The same in every attempt; the Message-ID is made of it (RFC 5322, section 3.6.4).
    pub id: OutboxId,
    pub written_at: Timestamp,
    /// The recipient's address.
    pub to: String,
    pub subject: &'static str,
    pub text: Secret,
    pub html: Secret,
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server has taken over responsibility (RFC 5321, section 4.2.5).
    Accepted,
    /// It never will: another attempt is useless.
    Refused(String),
    /// It did not this time, or it is not known whether it did.
    Failed(String),
}

/// A way to send mail.
pub trait Mailer: Send + Sync {
    /// Makes one attempt, which ends within a bounded time.
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Outcome>;
}

/// Stands in where no mail server is configured.
pub struct NoMailer;

impl Mailer for NoMailer {
    fn send<'a>(&'a self, _: &'a Mail) -> BoxFuture<'a, Outcome> {
        // An operator who configures one gets the mail out that waits.
        let outcome = Outcome::Failed("no mail server is configured".to_owned());
        Box::pin(std::future::ready(outcome))
    }
}
