//! E-mail addresses: which ones mail can be sent to, and in which form.

use std::net::{Ipv4Addr, Ipv6Addr};

use idna::AsciiDenyList;
use lettre::Address;

use super::text::check_plain;

/// The longest address, and the longest part before the at sign, in bytes (RFC 5321, sections
/// 4.5.3.1.1 and 4.5.3.1.3; the former is the length of a path less its angle brackets).
const MAX_BYTES: usize = 254;
const MAX_LOCAL_BYTES: usize = 64;
/// The longest domain name in bytes (RFC 1035, section 2.3.4).
const MAX_DOMAIN_BYTES: usize = 253;

/// Returns the address in the form that mail servers are given.
///
/// An international domain becomes its A-labels, which every mail server accepts (RFC 5890, section
/// 2.3.2.1). Only if the part before the at sign is not ASCII does the domain stay as it is: such an
/// address requires SMTPUTF8 in any case (RFC 6531, section 3.2).
///
/// # Errors
/// When no mail server could accept the address. Whether the mailbox exists is known only to its
/// server.
pub fn deliverable(text: &str) -> Result<Address, &'static str> {
    check_plain(text)?;
    let (local, domain) = text.rsplit_once('@').ok_or("must be an e-mail address")?;
    if text.contains(char::is_whitespace) || Address::new(local, "example.com").is_err() {
        return Err("must be an e-mail address");
    }
    if local.len() > MAX_LOCAL_BYTES {
        return Err("longer than 64 bytes before the at sign");
    }
    let ascii = host(domain)?;
    let domain = if local.is_ascii() { &ascii } else { domain };
    if local.len() + 1 + domain.len().max(ascii.len()) > MAX_BYTES {
        return Err("longer than 254 bytes");
    }
    Ok(Address::new_dangerous(local, domain))
}

/// Returns a mail host as SMTP names it: a domain name as A-labels, or an address literal.
///
/// # Errors
/// When the text is neither.
pub fn host(text: &str) -> Result<String, &'static str> {
    match text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(literal) => address_literal(literal),
        None => domain_name(text),
    }
}

/// Returns the domain name as A-labels.
fn domain_name(domain: &str) -> Result<String, &'static str> {
    const WRONG: &str = "the host must be a domain name";
    let ascii = idna::domain_to_ascii_cow(domain.as_bytes(), AsciiDenyList::STD3)
        .map_err(|_| WRONG)?
        .into_owned();
    let is_label = |label: &str| {
        (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
    };
    if ascii.len() > MAX_DOMAIN_BYTES || !ascii.split('.').all(is_label) {
        return Err(WRONG);
    }
    let top = ascii.rsplit('.').next().unwrap_or_default();
    if top.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("an IP address must be in square brackets");
    }
    Ok(ascii)
}

/// Checks the inside of an address literal (RFC 5321, section 4.1.3).
fn address_literal(literal: &str) -> Result<String, &'static str> {
    const WRONG: &str =
        "square brackets must contain an IPv4 address, or IPv6: and an IPv6 address";
    let v6 = literal
        .get(..5)
        .filter(|tag| tag.eq_ignore_ascii_case("IPv6:"));
    let is_valid = match v6 {
        Some(_) => literal[5..].parse::<Ipv6Addr>().is_ok(),
        None => literal.parse::<Ipv4Addr>().is_ok(),
    };
    if is_valid {
        Ok(format!("[{literal}]"))
    } else {
        Err(WRONG)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent_to(text: &str) -> String {
        deliverable(text)
            .unwrap_or_else(|why| panic!("{text}: {why}"))
            .to_string()
    }

    #[test]
    fn plain_addresses_stay_as_they_are() {
        for fine in [
            "ada@example.com",
            "Ada.Lovelace+x@example.co.uk",
            "o'neil@mail-1.example",
            "ada@localhost",
            "ada@[203.0.113.1]",
            "ada@[IPv6:2001:db8::1]",
            r#""ada@work"@example.com"#,
        ] {
            assert_eq!(sent_to(fine), fine);
        }
    }

    /// RFC 5890, section 2.3.2.1.
    #[test]
    fn an_international_domain_is_sent_as_a_labels() {
        assert_eq!(sent_to("ada@bücher.example"), "ada@xn--bcher-kva.example");
        assert_eq!(sent_to("ada@BÜCHER.example"), "ada@xn--bcher-kva.example");
        assert_eq!(sent_to("ada@例え.jp"), "ada@xn--r8jz45g.jp");
        assert_eq!(
            sent_to("ada@xn--bcher-kva.example"),
            "ada@xn--bcher-kva.example"
        );
        assert_eq!(sent_to("ada@example。com"), "ada@example.com");
    }

    /// RFC 6531, section 3.2.
    #[test]
    fn an_international_mailbox_keeps_its_domain() {
        assert_eq!(sent_to("名@例え.jp"), "名@例え.jp");
        assert_eq!(sent_to("名@example.com"), "名@example.com");
    }

    #[test]
    fn d10_what_no_server_could_accept_is_rejected() {
        let local = "x".repeat(65);
        let label = "x".repeat(64);
        let long = format!("a@{}com", "abcdefghi.".repeat(25));
        let grows = format!("a@{}.example", vec!["ü".repeat(20); 12].join("."));
        for wrong in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "a@b@c",
            "a da@example.com",
            " ada@example.com",
            "ada@example.com ",
            "ada@example.com\r\nBcc: x@y",
            "ada\u{202e}@example.com",
            "ada.@example.com",
            ".ada@example.com",
            "a..b@example.com",
            "a,b@example.com",
            "<ada@example.com>",
            "ada@example..com",
            "ada@.example.com",
            "ada@example.com.",
            "ada@-a.example",
            "ada@a-.example",
            "ada@exa_mple.com",
            "ada@exam!ple.com",
            "ada@example.com:25",
            "ada@203.0.113.1",
            "ada@[203.0.113.256]",
            "ada@[2001:db8::1]",
            "ada@[example.com]",
            "ada@xn--a",
            "ada@xn--zzzzzzzzzz-.example",
            "名@a_b.example",
            &format!("{local}@example.com"),
            &format!("ada@{label}.example"),
            &long,
            &grows,
        ] {
            assert!(deliverable(wrong).is_err(), "{wrong:?}");
        }
    }
}
