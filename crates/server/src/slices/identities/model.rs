//! Identities and their traits.

use crate::base::refs::IdentityRef;

use keymoor_types::url_rules::check_url;
use keymoor_types::{IdentityId, RealmId, Rng, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::base::email;
use crate::base::names::named;
use crate::base::text::{Name, check_name, check_plain};
use crate::base::validation::Violations;
use crate::db::{Column, Param, Value};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub tenant_id: TenantId,
    pub realm_id: RealmId,
    pub id: IdentityId,
    pub display_name: String,
    pub status: Status,
    pub traits: Traits,
    pub user_handle: UserHandle,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Identity {
    /// Returns its reference.
    pub const fn at(&self) -> IdentityRef {
        IdentityRef {
            tenant_id: self.tenant_id,
            realm_id: self.realm_id,
            identity_id: self.id,
        }
    }
}

/// The identity's WebAuthn user handle (Level 3, section 5.4.3): 32 random bytes, so that it reveals
/// no personal data to the holder of an authenticator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserHandle([u8; 32]);

impl UserHandle {
    pub fn generate(rng: &dyn Rng) -> Self {
        Self(rng.bytes())
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Param for UserHandle {
    fn value(&self) -> Value<'_> {
        Value::Bytes(&self.0)
    }
}

impl Column for UserHandle {
    fn column(value: Value<'_>) -> Option<Self> {
        <[u8; 32]>::column(value).map(Self)
    }
}

/// An identity as the API returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    pub identity: Identity,
    pub enrollment_status: EnrollmentStatus,
}

/// An identity as requested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewIdentity {
    pub display_name: String,
    pub status: Status,
    pub traits: Traits,
}

/// Changes to an identity. Omitted fields stay unchanged.
#[derive(Clone, Debug, Default)]
pub struct IdentityPatch {
    pub display_name: Option<String>,
    pub status: Option<Status>,
    pub traits: Option<TraitsPatch>,
}

impl IdentityPatch {
    /// Returns the names of the changed fields, for the audit log. Their values may be personal data.
    pub fn fields(&self) -> Vec<String> {
        let own = [
            self.display_name.as_ref().map(|_| "display_name"),
            self.status.map(|_| "status"),
        ];
        let traits = self.traits.iter().flat_map(TraitsPatch::all);
        own.into_iter()
            .flatten()
            .map(str::to_owned)
            .chain(traits.map(|(name, _)| format!("traits.{name}")))
            .collect()
    }
}

impl Identity {
    /// Returns this identity with `patch` applied at `now`.
    #[must_use]
    pub fn patched(self, patch: IdentityPatch, now: Timestamp) -> Self {
        Self {
            display_name: patch.display_name.unwrap_or(self.display_name),
            status: patch.status.unwrap_or(self.status),
            traits: match patch.traits {
                Some(patch) => self.traits.patched(patch),
                None => self.traits,
            },
            updated_at: now,
            ..self
        }
    }
}

named! {
    /// An identity's progress towards its first passkey. Derived from its credentials and jobs,
    /// never stored.
    pub enum EnrollmentStatus {
        /// The identity has an active passkey.
        Enrolled = "ENROLLED",
        /// The identity has no active passkey, but a pending binding job.
        Pending = "PENDING",
        /// The identity has neither, and the mail of a binding job could not be delivered.
        InviteFailed = "INVITE_FAILED",
        /// Anything else.
        Unenrolled = "UNENROLLED",
    }
}

named! {
    /// Whether an identity can bind passkeys and sign in.
    #[derive(Default)]
    pub enum Status {
        #[default]
        Active = "active",
        Suspended = "suspended",
    }
}

/// Lists the optional traits in the published order, for the type, its checks and its merge.
macro_rules! traits {
    ($($name:ident = $example:literal),* $(,)?) => {
        /// A person's traits, version 0. Only the username is required.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        #[schema(examples(json!({"username": "wren"})))]
        pub struct Traits {
            /// Always `traits_v0`.
            #[serde(rename = "type")]
            pub kind: TraitsKind,
            /// Unique in the realm, ignoring case.
            #[schema(value_type = Name)]
            pub username: String,
            $(
                #[serde(default, skip_serializing_if = "Option::is_none")]
                #[schema(examples($example))]
                pub $name: Option<String>,
            )*
        }

        /// Changes to traits. Omitted traits stay unchanged, and an empty string removes a trait.
        #[derive(Clone, Debug, Default, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        #[schema(examples(json!({"username": "wren"})))]
        pub struct TraitsPatch {
            /// Always `traits_v0`.
            #[serde(rename = "type")]
            pub kind: TraitsKind,
            #[schema(value_type = Option<Name>)]
            pub username: Option<String>,
            $(
                #[schema(examples($example))]
                pub $name: Option<String>,
            )*
        }

        impl Traits {
            /// Returns the traits that are set, by name.
            pub fn all(&self) -> impl Iterator<Item = (&'static str, &str)> {
                let optional = [$((stringify!($name), self.$name.as_deref())),*];
                std::iter::once(("username", self.username.as_str())).chain(present(optional))
            }

            /// Returns these traits with `patch` applied.
            #[must_use]
            pub fn patched(self, patch: TraitsPatch) -> Self {
                let patched = Self {
                    kind: self.kind,
                    username: patch.username.unwrap_or(self.username),
                    $($name: patch.$name.or(self.$name),)*
                };
                patched.without_empty()
            }

            /// Returns these traits without the empty ones, which mean "not set".
            #[must_use]
            pub fn without_empty(self) -> Self {
                Self {
                    $($name: self.$name.filter(|text| !text.is_empty()),)*
                    ..self
                }
            }
        }

        impl TraitsPatch {
            /// Returns the traits that the patch sets or removes, by name.
            pub fn all(&self) -> impl Iterator<Item = (&'static str, &str)> {
                let username = ("username", self.username.as_deref());
                present([username, $((stringify!($name), self.$name.as_deref())),*])
            }
        }
    };
}

traits! {
    primary_email_address = "wren@example.com",
    secondary_email_address = "wren.marsh@example.org",
    external_id = "crm-4711",
    family_name = "Marsh",
    given_name = "Wren",
    formatted_name = "Dr. Wren A. Marsh, PhD",
    middle_name = "A.",
    honorific_prefix = "Dr.",
    honorific_suffix = "PhD",
    nick_name = "Wren",
    title = "Hydrologist",
    primary_phone = "+1-555-0100",
    secondary_phone = "+1-555-0101",
    profile_url = "https://example.com/people/wren",
    photo = "https://example.com/people/wren.jpg",
    preferred_language = "en",
    locale = "en-GB",
    timezone = "Europe/London",
    formatted_address = "1 Reed Lane, Exampleton EX1 2AB, GB",
    street_address = "1 Reed Lane",
    locality = "Exampleton",
    region = "Exampleshire",
    postal_code = "EX1 2AB",
    country = "GB",
    user_type = "customer",
    employee_number = "4711",
    cost_center = "100",
    organization = "Example",
    division = "Research",
    department = "Rivers",
    manager_id = "4710",
    manager_name = "Robin Fen",
}

fn present<'a, const N: usize>(
    traits: [(&'static str, Option<&'a str>); N],
) -> impl Iterator<Item = (&'static str, &'a str)> {
    traits
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value)))
}

/// The maximum length of a trait without a specific rule, in characters.
const MAX_TRAIT_CHARS: usize = 300;

/// Reports invalid traits. An empty string means "not set".
pub fn check_traits<'a>(
    traits: impl Iterator<Item = (&'static str, &'a str)>,
    violations: &mut Violations,
) {
    for (name, value) in traits {
        let check = match name {
            "username" => check_name(value),
            _ if value.is_empty() => Ok(()),
            "primary_email_address" | "secondary_email_address" => {
                email::deliverable(value).map(drop)
            }
            // These become claims that applications show as a link and an image.
            "profile_url" | "photo" => check_url(value),
            _ if value.chars().count() > MAX_TRAIT_CHARS => Err("longer than 300 characters"),
            _ => check_plain(value),
        };
        violations.check(&format!("identity.traits.{name}"), check);
    }
}

/// The version of the traits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum TraitsKind {
    #[default]
    #[serde(rename = "traits_v0")]
    V0,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_keeps_what_is_absent_and_removes_what_is_empty() {
        let traits = Traits {
            username: "ada".into(),
            given_name: Some("Ada".into()),
            title: Some("Countess".into()),
            ..Traits::default()
        };
        let patch = TraitsPatch {
            title: Some(String::new()),
            region: Some("Surrey".into()),
            ..TraitsPatch::default()
        };
        let patched = traits.patched(patch);
        assert_eq!(patched.username, "ada");
        assert_eq!(
            patched.all().collect::<Vec<_>>(),
            [
                ("username", "ada"),
                ("given_name", "Ada"),
                ("region", "Surrey")
            ]
        );
    }

    #[test]
    fn a_patch_names_what_it_sets_and_not_the_values() {
        let traits = TraitsPatch {
            username: Some("ada".into()),
            title: Some(String::new()),
            ..TraitsPatch::default()
        };
        let patch = IdentityPatch {
            status: Some(Status::Suspended),
            traits: Some(traits),
            ..IdentityPatch::default()
        };
        assert_eq!(
            patch.fields(),
            ["status", "traits.username", "traits.title"]
        );
        assert!(IdentityPatch::default().fields().is_empty());
    }

    #[test]
    fn d10_each_trait_is_checked_by_its_own_rule() {
        let wrong = |name, value: &str| {
            let mut violations = Violations::default();
            check_traits([(name, value)].into_iter(), &mut violations);
            violations.or(()).is_err()
        };
        assert!(wrong("username", ""));
        assert!(!wrong("title", ""));
        assert!(!wrong("title", &"x".repeat(300)));
        assert!(wrong("title", &"x".repeat(301)));
        assert!(wrong("title", "a\u{202e}b"));
        assert!(wrong("secondary_email_address", "no address"));
        assert!(wrong("photo", "javascript:alert(1)"));
        assert!(!wrong("photo", "https://example.com/ada.png"));
    }

    #[test]
    fn unset_traits_are_left_out_of_json() {
        let traits = Traits {
            username: "ada".into(),
            ..Traits::default()
        };
        assert_eq!(
            serde_json::to_string(&traits).unwrap(),
            r#"{"type":"traits_v0","username":"ada"}"#
        );
    }
}
