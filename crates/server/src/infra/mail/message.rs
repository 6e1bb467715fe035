//! The message with its headers. The library writes every header, so no name can inject one.

use lettre::Message;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};

use super::mailer::Mail;
use crate::base::email;

/// Builds the message, the same for every attempt.
///
/// # Errors
/// When the recipient's address is invalid.
pub(super) fn build(from: &Mailbox, mail: &Mail) -> Result<Message, String> {
    let to = email::deliverable(&mail.to)
        .map_err(|why| format!("the recipient's address is not valid: {why}"))?;
    // Derived from the mail, because a random one would differ between attempts.
    let boundary = format!("{}-alternatives", mail.id);
    let body = MultiPart::alternative()
        .boundary(boundary)
        .singlepart(SinglePart::plain(mail.text.expose().to_owned()))
        .singlepart(SinglePart::html(mail.html.expose().to_owned()));
    let micros = u64::try_from(mail.written_at.as_micros()).unwrap_or(0);
    Message::builder()
        .message_id(Some(format!("<{}@{}>", mail.id, from.email.domain())))
        .date(std::time::UNIX_EPOCH + std::time::Duration::from_micros(micros))
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(mail.subject)
        // RFC 3834, section 5: suppresses automatic replies.
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ))
        .multipart(body)
        .map_err(|error| error.to_string())
}
