//! The text of each mail, as HTML and as plain text.
//!
//! Names are untrusted input from applications and their users. They are escaped, and changed so
//! that mail programs don't turn them into links.

use askama::Template;
use keymoor_types::{OutboxId, Timestamp};

use super::mailer::Mail;
use crate::base::error::{Error, Result};
use crate::base::secret::Secret;

/// The recipient of a mail, and the realm on whose behalf it is sent.
#[derive(Clone, Debug)]
pub struct Addressee {
    pub address: String,
    pub username: String,
    pub realm: String,
}

/// The link of a binding job.
pub fn binding_link(
    id: OutboxId,
    written_at: Timestamp,
    to: Addressee,
    link: &Secret,
    expires_at: Timestamp,
) -> Result<Mail> {
    let realm = &unlinkable(&to.realm);
    let username = &unlinkable(&to.username);
    let expires = &words(expires_at);
    let link = link.expose();
    let text = BindingLinkText {
        realm,
        username,
        link,
        expires,
    };
    let html = BindingLinkHtml {
        realm,
        username,
        link,
        expires,
    };
    Ok(Mail {
        id,
        written_at,
        to: to.address,
        subject: "Your link to create a passkey",
        text: rendered(&text)?,
        html: rendered(&html)?,
    })
}

/// The notice to an owner about a new passkey.
pub fn passkey_added(id: OutboxId, added_at: Timestamp, to: Addressee) -> Result<Mail> {
    let realm = &unlinkable(&to.realm);
    let username = &unlinkable(&to.username);
    let added = &words(added_at);
    let text = PasskeyAddedText {
        realm,
        username,
        added,
    };
    let html = PasskeyAddedHtml {
        realm,
        username,
        added,
    };
    Ok(Mail {
        id,
        written_at: added_at,
        to: to.address,
        subject: "A passkey was added to your account",
        text: rendered(&text)?,
        html: rendered(&html)?,
    })
}

#[derive(Template)]
#[template(path = "mail/binding_link.txt")]
struct BindingLinkText<'a> {
    realm: &'a str,
    username: &'a str,
    link: &'a str,
    expires: &'a str,
}

#[derive(Template)]
#[template(path = "mail/binding_link.html")]
struct BindingLinkHtml<'a> {
    realm: &'a str,
    username: &'a str,
    link: &'a str,
    expires: &'a str,
}

#[derive(Template)]
#[template(path = "mail/passkey_added.txt")]
struct PasskeyAddedText<'a> {
    realm: &'a str,
    username: &'a str,
    added: &'a str,
}

#[derive(Template)]
#[template(path = "mail/passkey_added.html")]
struct PasskeyAddedHtml<'a> {
    realm: &'a str,
    username: &'a str,
    added: &'a str,
}

fn rendered(template: &impl Template) -> Result<Secret> {
    template.render().map(Secret::new).map_err(Error::internal)
}

/// Mail programs turn anything that looks like a host or an address into a link. An invisible
/// zero-width space after each dot and at sign prevents that.
fn unlinkable(name: &str) -> String {
    name.replace('.', ".\u{200b}").replace('@', "@\u{200b}")
}

/// Formats a time for readers, in UTC because their time zone is unknown.
fn words(time: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(time.as_micros()).map_or_else(
        |_| time.to_string(),
        |time| time.strftime("%-d %B %Y, %H:%M UTC").to_string(),
    )
}
