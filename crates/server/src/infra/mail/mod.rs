//! Mail: what is written, and how it is sent.
//!
//! - [`letters`]: the words, as HTML and as text. [`message`]: the message around them.
//! - [`smtp`]: the mail server, and the one way to it. [`job`]: outbox jobs that send a mail.

mod bounded;
pub mod job;
pub mod letters;
mod mailer;
mod message;
mod smtp;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use mailer::{Mail, Mailer, NoMailer, Outcome};
pub use smtp::{MailSettings, SmtpMailer, SmtpServer, SmtpServerError};
