//! The standard claims about a person.

use serde::{Deserialize, Serialize};

/// What scopes grant about a person (OpenID Connect Core 1.0, sections 5.1 and 5.4). Absent claims are
/// left out, never empty or null (section 5.3.2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StandardClaims {
    /// The display name, with scope `profile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(examples("Wren Marsh")))]
    pub name: Option<String>,
    /// The given name, with scope `profile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(examples("Wren")))]
    pub given_name: Option<String>,
    /// The family name, with scope `profile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(examples("Marsh")))]
    pub family_name: Option<String>,
    /// The middle name, with scope `profile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(examples("A.")))]
    pub middle_name: Option<String>,
    /// The nickname, with scope `profile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(examples("Wren")))]
    pub nickname: Option<String>,
    /// The username, with scope `profile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(examples("wren")))]
    pub preferred_username: Option<String>,
    /// The URL of the profile page, with scope `profile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(examples("https://example.com/people/wren"))
    )]
    pub profile: Option<String>,
    /// The URL of the picture, with scope `profile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(examples("https://example.com/people/wren.jpg"))
    )]
    pub picture: Option<String>,
    /// The time zone, with scope `profile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(examples("Europe/London")))]
    pub zoneinfo: Option<String>,
    /// The locale, with scope `profile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(examples("en-GB")))]
    pub locale: Option<String>,
    /// When the identity was last updated, in Unix seconds, with scope `profile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(examples(1_772_443_800)))]
    pub updated_at: Option<i64>,
    /// The primary address, with scope `email`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(examples("wren@example.com")))]
    pub email: Option<String>,
    /// Whether it was verified that the address is the person's, with scope `email`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(examples(false)))]
    pub email_verified: Option<bool>,
    /// The primary phone number, with scope `phone`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(examples("+1-555-0100")))]
    pub phone_number: Option<String>,
    /// Whether it was verified that the number is the person's, with scope `phone`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(examples(false)))]
    pub phone_number_verified: Option<bool>,
    /// The postal address, with scope `address`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
}

impl StandardClaims {
    /// The names of all claims, for the discovery document.
    pub const NAMES: [&str; 16] = [
        "name",
        "given_name",
        "family_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "zoneinfo",
        "locale",
        "updated_at",
        "email",
        "email_verified",
        "phone_number",
        "phone_number_verified",
        "address",
    ];
}

/// A postal address (OpenID Connect Core 1.0, section 5.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Address {
    /// The whole address as for a label, with a line feed after each line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(examples("1 Reed Lane\nEX1 2AB Exampleton\nGB"))
    )]
    pub formatted: Option<String>,
    /// Street and house number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(examples("1 Reed Lane")))]
    pub street_address: Option<String>,
    /// The city.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(examples("Exampleton")))]
    pub locality: Option<String>,
    /// The state, province or region.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(examples("Exampleshire")))]
    pub region: Option<String>,
    /// The postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(examples("EX1 2AB")))]
    pub postal_code: Option<String>,
    /// The country.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(examples("GB")))]
    pub country: Option<String>,
}

impl Address {
    /// Completes the address by its formatted form, made of the parts if there is none. Returns
    /// `None` for an address without any part.
    #[must_use]
    pub fn completed(mut self) -> Option<Self> {
        let parts = [
            &self.street_address,
            &self.locality,
            &self.region,
            &self.postal_code,
            &self.country,
        ];
        let lines: Vec<&str> = parts.into_iter().filter_map(Option::as_deref).collect();
        if self.formatted.is_none() && !lines.is_empty() {
            self.formatted = Some(lines.join("\n"));
        }
        self.formatted.is_some().then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_claim_is_listed() {
        let text = || Some("x".to_owned());
        let claims = StandardClaims {
            name: text(),
            given_name: text(),
            family_name: text(),
            middle_name: text(),
            nickname: text(),
            preferred_username: text(),
            profile: text(),
            picture: text(),
            zoneinfo: text(),
            locale: text(),
            updated_at: Some(1),
            email: text(),
            email_verified: Some(false),
            phone_number: text(),
            phone_number_verified: Some(false),
            address: Some(Address::default()),
        };
        let claims = serde_json::to_value(claims).unwrap();
        let mut listed = StandardClaims::NAMES;
        listed.sort_unstable();
        let mut written: Vec<_> = claims.as_object().unwrap().keys().collect();
        written.sort_unstable();
        assert_eq!(written, listed);
        let nothing = serde_json::to_value(StandardClaims::default()).unwrap();
        assert_eq!(nothing, serde_json::json!({}));
    }

    /// OpenID Connect Core 1.0, section 5.1.1: lines are separated by line feeds.
    #[test]
    fn an_address_is_formatted_in_lines() {
        let parts = Address {
            street_address: Some("1 Reed Lane".to_owned()),
            postal_code: Some("EX1 2AB".to_owned()),
            country: Some("GB".to_owned()),
            ..Address::default()
        };
        let made = parts.clone().completed().unwrap();
        assert_eq!(made.formatted.as_deref(), Some("1 Reed Lane\nEX1 2AB\nGB"));
        let given = Address {
            formatted: Some("At the river".to_owned()),
            ..parts
        };
        assert_eq!(given.clone().completed(), Some(given));
        assert_eq!(Address::default().completed(), None);
    }
}
