//! Rules for names and labels. For e-mail addresses see [`super::email`], for URLs [`keymoor_types::url_rules`].

use caseless::default_case_fold_str;
use keymoor_types::url_rules::is_bidirectional_control;
use unicode_normalization::UnicodeNormalization as _;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::base::invisible::{hides_something, is_ignorable, is_space};

/// Returns the form in which usernames, names and addresses are compared: NFKC, case-folded, without
/// invisible characters (NFKC_Casefold of UAX #31), without spaces at either end, and with one space
/// for several (RFC 8266, section 2.1). Names that look alike for these reasons are equal.
pub fn folded(text: &str) -> String {
    let visible: String = text.nfkc().filter(|c| !is_ignorable(*c)).collect();
    let words = visible.split(is_space).filter(|word| !word.is_empty());
    let spaced = words.collect::<Vec<_>>().join(" ");
    default_case_fold_str(&spaced).nfkc().collect()
}

/// The published set of characters that names must not contain.
macro_rules! refused_in_names {
    () => {
        "{}[]<>;:?\\/|*^%$#=~`!"
    };
}

/// The schema of names that pass [`check_name`].
pub enum Name {}

impl PartialSchema for Name {
    fn schema() -> RefOr<Schema> {
        const DESCRIPTION: &str = concat!(
            "1 to 64 characters. Must not be blank, start or end with a space, or contain any of ",
            refused_in_names!(),
            " or a control, bidirectional or invisible character. Variation selectors are allowed, \
             and joiners where a script or an emoji needs them.",
        );
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(DESCRIPTION))
            .min_length(Some(1))
            .max_length(Some(64))
            .examples(["Customers"])
            .into()
    }
}

impl ToSchema for Name {}

/// Checks a name: 1 to 64 characters, none of them forbidden, bidirectional or invisible, and no
/// space at either end (RFC 8265 allows none in usernames; RFC 8266, section 2.1, strips them).
pub fn check_name(text: &str) -> Result<(), &'static str> {
    match text.chars().count() {
        0 => return Err("empty string"),
        1..=64 => {}
        _ => return Err("longer than 64 characters"),
    }
    if text.chars().any(|c| refused_in_names!().contains(c)) {
        return Err(concat!("must not contain any of ", refused_in_names!()));
    }
    check_visible(text)
}

/// Checks that a name shows something, and hides nothing.
fn check_visible(text: &str) -> Result<(), &'static str> {
    if folded(text).is_empty() {
        return Err("must not be blank");
    }
    check_plain(text)?;
    if text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace) {
        return Err("must not start or end with a space");
    }
    if hides_something(text) {
        return Err("must not contain invisible characters");
    }
    Ok(())
}

/// Checks a label for administrators: 1 to 256 characters, none of them control, bidirectional or
/// invisible, and no space at either end.
pub fn check_label(text: &str) -> Result<(), &'static str> {
    match text.chars().count() {
        0 => Err("empty string"),
        1..=256 => check_visible(text),
        _ => Err("longer than 256 characters"),
    }
}

/// Checks that a text of any length has no control or bidirectional characters.
pub fn check_plain(text: &str) -> Result<(), &'static str> {
    if text.chars().any(is_layout_control) {
        Err("must not contain control or bidirectional characters")
    } else {
        Ok(())
    }
}

/// Whether `c` is a control, a line or paragraph separator, or a bidirectional control.
fn is_layout_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') || is_bidirectional_control(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e2_folding_ignores_case_and_compatibility_forms() {
        assert_eq!(folded("Ａlice"), folded("alice"));
        assert_eq!(folded("STRASSE"), folded("straße"));
        assert_ne!(folded("alice"), folded("al1ce"));
        assert_eq!(folded("al\u{200d}ice"), folded("alice"));
    }

    /// RFC 8266, section 2.1.
    #[test]
    fn e2_folding_ignores_spaces_that_do_not_show() {
        for alike in [
            " alice smith",
            "alice smith\u{3000}",
            "alice  smith",
            "alice\u{a0}smith",
            "Alice\u{2800}\t\u{2003}Smith",
            "alice \u{200b} smith",
            "alice smith\u{2800}",
            "alice\u{3164} smith",
        ] {
            assert_eq!(folded(alike), "alice smith", "{alike:?}");
        }
        assert_ne!(folded("alicesmith"), folded("alice smith"));
        for blank in [
            "",
            " ",
            "\u{2800}",
            "\u{3164}",
            "\u{200c}\u{200d}",
            "\u{fe0f}",
            "\u{a0}\u{ad}",
        ] {
            assert_eq!(folded(blank), "", "{blank:?}");
        }
    }

    #[test]
    fn d10_neither_names_nor_labels_are_blank_or_padded() {
        for wrong in [
            " ",
            "\u{2800}",
            "\u{3164}",
            "\u{200d}",
            "\u{200c}\u{200d}",
            "\u{fe0f}",
            " alice",
            "alice ",
            "alice\u{a0}",
            "alice\u{2800}",
            "al\u{2800}ice",
            "al\u{200d}ice",
            "al\u{200b}ice",
        ] {
            assert!(check_name(wrong).is_err(), "{wrong:?}");
            assert!(check_label(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn d10_names_refuse_what_moves_or_hides_text() {
        for fine in ["Ada", "o'neil@example.com", "a & b (c), d+e.f-g_h", "名前"] {
            assert_eq!(check_name(fine), Ok(()), "{fine}");
        }
        for wrong in [
            "",
            " ",
            "alice\u{200b}",
            "al\u{ad}ice",
            "\u{3164}",
            "a\u{2028}b",
            "a\nb",
            "a\u{202e}b",
            "a\u{2066}b",
            "<b>",
            "a:b",
            "\u{0}",
            &"x".repeat(65),
        ] {
            assert!(check_name(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn d10_labels_may_use_any_character_that_shows() {
        for fine in ["Shop: EU / prod", "<b>", "名前", &"x".repeat(256)] {
            assert_eq!(check_label(fine), Ok(()), "{fine}");
        }
        for wrong in ["", "a\nb", "a\u{202e}b", &"x".repeat(257)] {
            assert!(check_label(wrong).is_err(), "{wrong:?}");
        }
    }
}
