//! The text of each mail, as HTML and as plain text.
//!
//! Names are untrusted input from applications and their users. In HTML they are escaped and
//! divided into elements, so that mail programs don't turn them into links. Text can't prevent that
//! without changing the name, which its reader may have to copy.

use std::fmt;

use askama::Template;
use askama::filters::{Escaper as _, Html, HtmlSafe};
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
    let (realm, username) = (to.realm.as_str(), to.username.as_str());
    let expires = &words(expires_at);
    let link = link.expose();
    let text = BindingLinkText {
        realm,
        username,
        link,
        expires,
    };
    let html = BindingLinkHtml {
        realm: Unlinked(realm),
        username: Unlinked(username),
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
    let (realm, username) = (to.realm.as_str(), to.username.as_str());
    let added = &words(added_at);
    let text = PasskeyAddedText {
        realm,
        username,
        added,
    };
    let html = PasskeyAddedHtml {
        realm: Unlinked(realm),
        username: Unlinked(username),
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
    realm: Unlinked<'a>,
    username: Unlinked<'a>,
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
    realm: Unlinked<'a>,
    username: Unlinked<'a>,
    added: &'a str,
}

fn rendered(template: &impl Template) -> Result<Secret> {
    template.render().map(Secret::new).map_err(Error::internal)
}

/// A name in HTML. Mail programs turn anything that looks like a host or an address into a link,
/// unless its dots and at signs are elements of their own. Copying it gives the name itself.
struct Unlinked<'a>(&'a str);

impl fmt::Display for Unlinked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '.' | '@' => write!(f, "<span>{character}</span>")?,
                _ => Html.write_escaped_char(&mut *f, character)?,
            }
        }
        Ok(())
    }
}

impl HtmlSafe for Unlinked<'_> {}

/// Formats a time for readers, in UTC because their time zone is unknown.
fn words(time: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(time.as_micros()).map_or_else(
        |_| time.to_string(),
        |time| time.strftime("%-d %B %Y, %H:%M UTC").to_string(),
    )
}
