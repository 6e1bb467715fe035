//! Mail: its content, and how it is sent.
//!
//! - [`letters`]: the content, as HTML and as text. [`message`]: the message with its headers.
//! - [`mailer`]: the interface for sending. [`smtp`]: its implementation. [`job`]: outbox jobs that
//!   send a mail.

mod bounded;
mod implicit_tls;
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
