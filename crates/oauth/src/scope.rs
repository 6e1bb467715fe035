//! Scopes (RFC 6749, section 3.3).

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The scope that turns an authorization request into an OpenID Connect one.
pub const OPENID: &str = "openid";

/// The scopes that belong to OpenID Connect itself and to no resource server (OpenID Connect
/// Core 1.0, section 5.4). Applications need not list them.
pub const IDENTITY_SCOPES: [&str; 5] = ["address", "email", OPENID, "phone", "profile"];

/// The text is not a list of scopes separated by single spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid scope")]
pub struct ParseScopeError;

/// A set of scopes. On the wire: separated by single spaces, sorted, the empty string for none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ScopeSet(BTreeSet<String>);

impl ScopeSet {
    /// Builds a set from single scopes.
    pub fn from_tokens<'a>(
        tokens: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, ParseScopeError> {
        tokens
            .into_iter()
            .map(|token| {
                if is_scope_token(token) {
                    Ok(token.to_owned())
                } else {
                    Err(ParseScopeError)
                }
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Returns whether the set has this scope. Scopes are case-sensitive.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }

    /// Returns whether the set contains `openid`.
    #[must_use]
    pub fn has_openid(&self) -> bool {
        self.contains(OPENID)
    }

    /// Returns whether every scope of this set is in `other`.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    /// Returns the scopes in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// Returns the scopes that satisfy the predicate.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|scope| keep(scope)).cloned().collect())
    }

    /// Returns whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the scopes, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl FromStr for ScopeSet {
    type Err = ParseScopeError;

    fn from_str(text: &str) -> Result<Self, ParseScopeError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        Self::from_tokens(text.split(' '))
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, scope) in self.iter().enumerate() {
            if position > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope)?;
        }
        Ok(())
    }
}

impl Serialize for ScopeSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ScopeSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Returns whether `text` is a scope token: visible ASCII but `"` and `\` (RFC 6749, appendix A.4).
fn is_scope_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn order_and_repetition_do_not_matter() {
        let scopes: ScopeSet = "profile openid phone profile email address"
            .parse()
            .unwrap();
        assert!(scopes.iter().eq(IDENTITY_SCOPES));
        assert_eq!(scopes.to_string(), "address email openid phone profile");
    }

    #[test]
    fn only_the_charset_of_rfc_6749_is_accepted() {
        for wrong in [
            " ", "a  b", " a", "a ", "a\tb", "a\nb", "\"", "a\\b", "\u{e9}", "\u{7f}",
        ] {
            assert_eq!(wrong.parse::<ScopeSet>(), Err(ParseScopeError), "{wrong:?}");
        }
        assert!(ScopeSet::from_tokens(["a b"]).is_err());
        assert_eq!("".parse(), Ok(ScopeSet::default()));
    }

    proptest! {
        #[test]
        fn scopes_round_trip_and_intersections_are_subsets(
            left in "[a-d](:[a-d])?( [a-d](:[a-d])?){0,6}", right in "[a-d]( [a-d]){0,3}"
        ) {
            let left: ScopeSet = left.parse().unwrap();
            let right: ScopeSet = right.parse().unwrap();
            prop_assert_eq!(left.to_string().parse::<ScopeSet>(), Ok(left.clone()));
            let both = left.intersection(&right);
            prop_assert!(both.is_subset(&left) && both.is_subset(&right));
            prop_assert_eq!(both, right.intersection(&left));
        }
    }
}
