//! Enums whose variants have names.

/// The text is not one of the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {0}")]
pub struct UnknownName(pub &'static str);

/// Declares an enum whose variants have names. The database, JSON, the API documents and messages
/// use the same names.
macro_rules! named {
    (
        $(#[$meta:meta])*
        $visibility:vis enum $name:ident {
            $($(#[$variant_meta:meta])* $variant:ident = $text:tt),+ $(,)?
        }
    ) => {
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash,
            serde::Serialize, serde::Deserialize, utoipa::ToSchema,
        )]
        $(#[$meta])*
        $visibility enum $name {
            $($(#[$variant_meta])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// Every variant, in the order of declaration.
            $visibility const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the name.
            $visibility const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::base::names::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let known = Self::ALL.iter().find(|known| known.as_str() == text);
                known
                    .copied()
                    .ok_or($crate::base::names::UnknownName(stringify!($name)))
            }
        }

        $crate::db::text_column!($name);
    };
}
pub(crate) use named;

#[cfg(test)]
mod tests {
    use super::*;

    named! {
        enum Colour {
            Red = "RED",
            DeepBlue = "deep-blue",
        }
    }

    #[test]
    fn every_form_of_a_name_comes_from_the_table() {
        for (colour, name) in [(Colour::Red, "RED"), (Colour::DeepBlue, "deep-blue")] {
            assert_eq!(colour.to_string(), name);
            assert_eq!(name.parse(), Ok(colour));
            assert_eq!(serde_json::to_value(colour).unwrap(), name);
            assert_eq!(
                serde_json::from_value::<Colour>(name.into()).unwrap(),
                colour
            );
        }
        assert_eq!("red".parse::<Colour>(), Err(UnknownName("Colour")));
    }
}
