//! Characters that show nothing, by which two names could look alike.

use icu_properties::props::{DefaultIgnorableCodePoint, ExtendedPictographic, JoiningType};
use icu_properties::{CodePointMapData, CodePointSetData};
use unicode_normalization::char::canonical_combining_class;

const NON_JOINER: char = '\u{200c}';
const JOINER: char = '\u{200d}';

/// The combining class of a virama, which joins consonants.
const VIRAMA: u8 = 9;

/// Whether a name without `c` looks the same: Unicode's Default_Ignorable_Code_Point.
pub fn is_ignorable(c: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// Whether `c` looks like a space: white space, or a visible character whose glyph is empty.
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || is_empty_glyph(c)
}

/// Whether `c` is a symbol or letter whose glyph is empty: the blank of braille, music and
/// hieroglyphs. The fillers of Hangul are ignorable.
pub fn is_empty_glyph(c: char) -> bool {
    matches!(c, '\u{2800}' | '\u{1d159}' | '\u{13441}' | '\u{13442}')
}

/// Whether a name contains characters that show nothing, other than spaces, and that no script or
/// emoji requires where they are. Variation selectors are always allowed.
pub fn hides_something(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    (0..chars.len()).any(|at| match chars[at] {
        NON_JOINER => !follows_virama(&chars, at) && !is_between_joining(&chars, at),
        JOINER => !follows_virama(&chars, at) && !is_between_pictographs(&chars, at),
        c => is_empty_glyph(c) || (is_ignorable(c) && !is_variation_selector(c)),
    })
}

fn is_variation_selector(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// RFC 5892, appendices A.1 and A.2: a joiner after a virama.
fn follows_virama(chars: &[char], at: usize) -> bool {
    at > 0 && canonical_combining_class(chars[at - 1]) == VIRAMA
}

/// RFC 5892, appendix A.1: a non-joiner between letters that would join otherwise.
fn is_between_joining(chars: &[char], at: usize) -> bool {
    let types = CodePointMapData::<JoiningType>::new();
    let joining = |c: &char| types.get(*c);
    let is_solid = |joining: &JoiningType| *joining != JoiningType::Transparent;
    let before = chars[..at].iter().rev().map(joining).find(is_solid);
    let after = chars[at + 1..].iter().map(joining).find(is_solid);
    matches!(
        before,
        Some(JoiningType::LeftJoining | JoiningType::DualJoining)
    ) && matches!(
        after,
        Some(JoiningType::RightJoining | JoiningType::DualJoining)
    )
}

/// Unicode Technical Standard #51, ED-16: a joiner between the parts of an emoji.
fn is_between_pictographs(chars: &[char], at: usize) -> bool {
    let pictographs = CodePointSetData::new::<ExtendedPictographic>();
    let modifies =
        |c: &&char| is_variation_selector(**c) || matches!(**c, '\u{1f3fb}'..='\u{1f3ff}');
    let before = chars[..at].iter().rev().find(|c| !modifies(c));
    let after = chars.get(at + 1);
    [before, after]
        .into_iter()
        .all(|c| c.is_some_and(|c| pictographs.contains(*c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5892, appendices A.1 and A.2; Unicode Technical Standard #51, ED-16.
    #[test]
    fn d10_joiners_are_allowed_where_a_script_or_an_emoji_requires_them() {
        for fine in [
            "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}", // Persian
            "\u{915}\u{94d}\u{200d}\u{937}",                             // Devanagari, half form
            "\u{915}\u{94d}\u{200c}\u{937}",
            "\u{1f469}\u{200d}\u{1f52c}", // woman scientist
            "\u{1f469}\u{1f3fd}\u{200d}\u{1f52c}",
            "\u{2764}\u{fe0f}\u{200d}\u{1f525}", // heart on fire
        ] {
            assert!(!hides_something(fine), "{fine:?}");
        }
        for lone in [
            "\u{200c}",
            "\u{200d}",
            "al\u{200d}ice",
            "al\u{200c}ice",
            "alice\u{200d}",
            "\u{200d}alice",
            "\u{1f469}\u{200d}",
            "\u{200d}\u{1f469}",
            "\u{1f469}\u{200d}\u{200d}\u{1f52c}",
            "\u{645}\u{200c}",
            "\u{627}\u{200c}\u{645}", // alef does not join to its left
        ] {
            assert!(hides_something(lone), "{lone:?}");
        }
    }

    #[test]
    fn d10_what_shows_nothing_is_found() {
        for hidden in [
            "\u{2800}",
            "\u{3164}",
            "\u{ffa0}",
            "\u{115f}",
            "\u{180e}",
            "\u{1d159}",
            "\u{13441}",
            "a\u{200b}b",
            "a\u{2060}b",
            "a\u{e0020}b",
            "a\u{feff}b",
            "a\u{ad}b",
        ] {
            assert!(hides_something(hidden), "{hidden:?}");
        }
        for shown in ["a b", "名前", "\u{2801}", "é", "\u{2764}\u{fe0f}"] {
            assert!(!hides_something(shown), "{shown:?}");
        }
    }
}
