//! Rules for names and labels. For e-mail addresses see [`super::email`], for URLs [`keymoor_types::url_rules`].

use caseless::default_case_fold_str;
use keymoor_types::url_rules::is_bidirectional_control;
use unicode_normalization::UnicodeNormalization as _;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// Returns the form in which usernames and names are compared: NFKC, case-folded, without invisible
/// characters (NFKC_Casefold of UAX #31).
pub fn folded(text: &str) -> String {
    let visible: String = text.nfkc().filter(|c| !is_ignorable(*c)).collect();
    default_case_fold_str(&visible).nfkc().collect()
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
            "1 to 64 characters. Must not be blank or contain any of ",
            refused_in_names!(),
            " or a control, bidirectional or invisible character. Joiners and variation selectors \
             are allowed, because scripts and emoji need them.",
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

/// Checks a name: 1 to 64 characters, none of them forbidden, bidirectional or invisible.
pub fn check_name(text: &str) -> Result<(), &'static str> {
    match text.chars().count() {
        0 => return Err("empty string"),
        1..=64 => {}
        _ => return Err("longer than 64 characters"),
    }
    if text.chars().any(|c| refused_in_names!().contains(c)) {
        return Err(concat!("must not contain any of ", refused_in_names!()));
    }
    if text.trim().is_empty() {
        return Err("must not be blank");
    }
    if text
        .chars()
        .any(|c| is_ignorable(c) && !shapes_script_or_emoji(c))
    {
        return Err("must not contain invisible characters");
    }
    check_plain(text)
}

/// Whether `c` is invisible: Unicode's Default_Ignorable_Code_Point.
fn is_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Whether `c` is a joiner or variation selector, which some scripts and emoji require.
fn shapes_script_or_emoji(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Checks a label for administrators: 1 to 256 characters, none of them control or bidirectional.
pub fn check_label(text: &str) -> Result<(), &'static str> {
    match text.chars().count() {
        0 => Err("empty string"),
        1..=256 => check_plain(text),
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
