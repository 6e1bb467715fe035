//! Mail: its content, and how it is sent.
//!
//! - [`letters`]: the content, as HTML and as text. [`message`]: the message with its headers.
//! - [`mailer`]: the interface for sending. [`smtp`]: its implementation. [`job`]: outbox jobs that
//!   send a mail.

mod bounded;
pub mod job;
pub mod letters;
mod mailer;
mod message;
mod server;
mod smtp;
mod wire;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use mailer::{Mail, Mailer, NoMailer, Outcome};
pub use server::{SmtpServer, SmtpServerError};
pub use smtp::{MailSettings, SmtpMailer};
