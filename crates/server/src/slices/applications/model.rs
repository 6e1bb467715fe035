//! Applications and their rules.

use std::str::FromStr;

use keymoor_oauth::client::{Client, Confidentiality, GrantType, PkceSetting, Protocol};
use keymoor_oauth::scope::ScopeSet;
use keymoor_types::url_rules::check_destination;
use keymoor_types::{
    ApplicationId, AuthenticatorConfigId, RealmId, ResourceServerId, Rng, Seconds, TenantId,
    Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::choices::{IdTokenContent, SigningAlgorithm, SubjectField};
use super::patch::{ApplicationPatch, ProtocolPatch, TokenConfigurationPatch, TokenFormat};
use crate::base::error::Result;
use crate::base::refs::{ApplicationRef, RealmRef};
use crate::base::secret::{Digest, Secret};
use crate::base::text::check_label;
use crate::base::validation::Violations;

/// `classification` of the application that calls the management API.
pub const MANAGEMENT_API: &str = "management_api";

/// `classification` of the application that signs administrators in to the console.
pub const CONSOLE: &str = "console";

/// `classification` of every application created through the API.
const CUSTOM: &str = "custom";

/// The permitted lifetimes of access tokens, in seconds: one minute to 90 days.
pub const LIFETIMES: std::ops::RangeInclusive<u32> = 60..=7_776_000;

/// The default lifetime of access tokens, in seconds: one day.
const DEFAULT_LIFETIME: u32 = 86_400;

#[derive(Clone, Debug)]
pub struct Application {
    pub tenant_id: TenantId,
    pub realm_id: RealmId,
    pub id: ApplicationId,
    pub display_name: String,
    pub classification: String,
    /// Created by Keymoor. Can't be changed or deleted.
    pub is_managed: bool,
    pub resource_server_id: Option<ResourceServerId>,
    pub authenticator_config_id: Option<AuthenticatorConfigId>,
    pub client_id: String,
    /// Present for confidential applications.
    pub client_secret_hash: Option<Digest>,
    /// The secret that a rotation replaced. See [`Self::previous_secret`].
    pub previous_secret_hash: Option<Digest>,
    pub previous_secret_expires_at: Option<Timestamp>,
    pub protocol: ProtocolConfig,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Application {
    /// Returns its reference.
    pub const fn at(&self) -> ApplicationRef {
        ApplicationRef {
            tenant_id: self.tenant_id,
            realm_id: self.realm_id,
            application_id: self.id,
        }
    }

    /// Returns the replaced secret, if it still works at `now`.
    pub fn previous_secret(&self, now: Timestamp) -> Option<&Digest> {
        let expires_at = self.previous_secret_expires_at?;
        self.previous_secret_hash
            .as_ref()
            .filter(|_| now < expires_at)
    }
}

/// An application with its secret, as far as the caller may see it.
pub struct Revealed {
    pub application: Application,
    pub client_secret: Option<Secret>,
}

/// The settings of an application's protocol, as stored. The client id and secret are columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtocolConfig {
    #[serde(rename = "type")]
    pub protocol: Protocol,
    pub confidentiality: Confidentiality,
    pub grant_type: Vec<GrantType>,
    pub redirect_uris: Vec<String>,
    pub allowed_scopes: ScopeSet,
    pub pkce: PkceSetting,
    pub token_configuration: TokenConfiguration,
    #[serde(default)]
    pub id_token_claims: IdTokenContent,
}

/// The configuration of an application's tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenConfiguration {
    /// The lifetime of access tokens in seconds, from 60 to 7,776,000 (90 days).
    #[schema(examples(3600))]
    pub expires_after: u32,
    #[serde(default)]
    pub token_signing_algorithm: SigningAlgorithm,
    #[serde(default)]
    pub subject_field: SubjectField,
}

impl TokenConfiguration {
    pub fn lifetime(&self) -> Seconds {
        Seconds(i64::from(self.expires_after))
    }
}

impl Application {
    /// Returns the application as the OAuth rules see it.
    pub fn client(&self) -> Client<'_> {
        let ProtocolConfig {
            protocol,
            confidentiality,
            grant_type,
            redirect_uris,
            allowed_scopes,
            pkce,
            ..
        } = &self.protocol;
        Client {
            client_id: &self.client_id,
            confidentiality: *confidentiality,
            protocol: *protocol,
            grant_types: grant_type,
            redirect_uris,
            allowed_scopes,
            pkce: *pkce,
            expires_after: self.protocol.token_configuration.lifetime(),
        }
    }
}

/// Names a member of the protocol's settings as requests do.
fn setting(name: &str) -> String {
    format!("application.protocol_config.{name}")
}

impl Application {
    /// Creates an application from the defaults and `patch`, without a secret.
    ///
    /// # Errors
    /// `Invalid` names every field that is wrong.
    pub fn new(
        realm: RealmRef,
        id: ApplicationId,
        client_id: String,
        patch: ApplicationPatch,
        now: Timestamp,
    ) -> Result<Self> {
        let settings = &patch.protocol;
        let mut violations = Violations::default();
        if patch.display_name.is_none() {
            violations.add("application.display_name", "missing");
        }
        if settings.protocol.is_none() {
            violations.add(setting("type"), "missing");
        }
        if let Some(tokens) = &settings.token_configuration
            && tokens.expires_after.is_none()
        {
            violations.add(setting("token_configuration.expires_after"), "missing");
        }
        let protocol = violations
            .or(settings.protocol)?
            .expect("a missing type is a violation");
        let defaults = Self {
            tenant_id: realm.tenant_id,
            realm_id: realm.realm_id,
            id,
            display_name: String::new(),
            classification: CUSTOM.to_owned(),
            is_managed: false,
            resource_server_id: None,
            authenticator_config_id: None,
            client_id,
            client_secret_hash: None,
            previous_secret_hash: None,
            previous_secret_expires_at: None,
            protocol: ProtocolConfig {
                protocol,
                confidentiality: settings
                    .confidentiality
                    .unwrap_or(Confidentiality::Confidential),
                grant_type: Vec::new(),
                redirect_uris: Vec::new(),
                allowed_scopes: ScopeSet::default(),
                pkce: PkceSetting::default(),
                token_configuration: TokenConfiguration {
                    expires_after: DEFAULT_LIFETIME,
                    token_signing_algorithm: SigningAlgorithm::default(),
                    subject_field: SubjectField::default(),
                },
                id_token_claims: IdTokenContent::default(),
            },
            created_at: now,
            updated_at: now,
        };
        defaults.patched(patch, now)
    }

    /// Returns this application with `patch` applied at `now`. The caller checks that the
    /// referenced objects exist and offer the scopes.
    ///
    /// # Errors
    /// `Invalid` names every field that is wrong.
    pub fn patched(self, patch: ApplicationPatch, now: Timestamp) -> Result<Self> {
        let mut violations = Violations::default();
        if let Some(name) = &patch.display_name {
            violations.check("application.display_name", check_label(name));
        }
        let patched = Self {
            display_name: patch.display_name.unwrap_or(self.display_name),
            resource_server_id: referred(
                self.resource_server_id,
                patch.resource_server_id.as_deref(),
                || violations.add("application.resource_server_id", NO_RESOURCE_SERVER),
            ),
            authenticator_config_id: referred(
                self.authenticator_config_id,
                patch.authenticator_config_id.as_deref(),
                || violations.add("application.authenticator_config_id", NO_CONFIG),
            ),
            protocol: self.protocol.patched(patch.protocol, &mut violations),
            updated_at: now,
            ..self
        };
        patched.protocol.check(&mut violations);
        let acts_for_itself = patched
            .protocol
            .grant_type
            .contains(&GrantType::ClientCredentials);
        if acts_for_itself && patched.authenticator_config_id.is_some() {
            violations.add(
                "application.authenticator_config_id",
                "must be absent with client_credentials",
            );
        }
        violations.or(patched)
    }

    /// Checks the allowed scopes against those that its resource server offers.
    pub fn check_scopes(&self, offered: Option<&[String]>) -> Result<()> {
        let offers = |scope: &str| {
            offered
                .unwrap_or_default()
                .iter()
                .any(|known| known == scope)
        };
        let mut violations = Violations::default();
        if !self.protocol.allowed_scopes.iter().all(offers) {
            let description = match offered {
                Some(_) => "must be scopes of the resource server",
                None => "must be empty without a resource server",
            };
            violations.add(setting("allowed_scopes"), description);
        }
        violations.or(())
    }
}

/// The error message for a reference to a missing resource server.
pub const NO_RESOURCE_SERVER: &str = "no such resource server";

/// The error message for a reference to a missing authenticator config.
pub const NO_CONFIG: &str = "no such authenticator config";

/// Returns the reference that `patch` sets: an id, the empty string for none, or the current one if
/// omitted.
fn referred<T: FromStr>(
    current: Option<T>,
    patch: Option<&str>,
    unreadable: impl FnOnce(),
) -> Option<T> {
    match patch {
        None => current,
        Some("") => None,
        Some(text) => {
            let id = text.parse().ok();
            if id.is_none() {
                unreadable();
            }
            id.or(current)
        }
    }
}

impl ProtocolConfig {
    /// Returns these settings with `patch` applied.
    #[must_use]
    fn patched(self, patch: ProtocolPatch, violations: &mut Violations) -> Self {
        if patch.protocol.is_some_and(|asked| asked != self.protocol) {
            violations.add(setting("type"), "cannot be changed");
        }
        if patch
            .confidentiality
            .is_some_and(|asked| asked != self.confidentiality)
        {
            violations.add(setting("confidentiality"), "cannot be changed");
        }
        let allowed_scopes = match patch.allowed_scopes {
            None => self.allowed_scopes,
            Some(scopes) => ScopeSet::from_tokens(scopes.iter().map(String::as_str))
                .unwrap_or_else(|error| {
                    violations.add(setting("allowed_scopes"), error.to_string());
                    self.allowed_scopes
                }),
        };
        if patch.token_format == Some(TokenFormat::Referential) {
            violations.add(setting("token_format"), "referential is not supported yet");
        }
        Self {
            grant_type: patch.grant_type.unwrap_or(self.grant_type),
            redirect_uris: patch.redirect_uris.unwrap_or(self.redirect_uris),
            allowed_scopes,
            pkce: patch.pkce.unwrap_or(self.pkce),
            token_configuration: match patch.token_configuration {
                Some(patch) => self.token_configuration.patched(patch),
                None => self.token_configuration,
            },
            id_token_claims: patch.id_token_claims.unwrap_or(self.id_token_claims),
            ..self
        }
    }

    fn check(&self, violations: &mut Violations) {
        let has = |grant| self.grant_type.contains(&grant);
        if self.grant_type.is_empty() {
            violations.add(setting("grant_type"), "missing");
        }
        if self.protocol == Protocol::Oidc && has(GrantType::ClientCredentials) {
            violations.add(setting("grant_type"), "must be authorization_code for oidc");
        }
        if self.protocol == Protocol::OAuth2 && self.id_token_claims != IdTokenContent::default() {
            violations.add(setting("id_token_claims"), "must be scopes for oauth2");
        }
        for (position, uri) in self.redirect_uris.iter().enumerate() {
            let field = setting(&format!("redirect_uris[{position}]"));
            violations.check(&field, check_redirect_uri(uri));
        }
        if has(GrantType::AuthorizationCode) && self.redirect_uris.is_empty() {
            violations.add(setting("redirect_uris"), "required for authorization_code");
        }
        if self.confidentiality == Confidentiality::Public {
            if has(GrantType::ClientCredentials) {
                violations.add(
                    setting("grant_type"),
                    "client_credentials is for confidential applications",
                );
            }
            if self.pkce == PkceSetting::Disabled {
                violations.add(setting("pkce"), "must be enabled for public applications");
            }
        }
        let TokenConfiguration {
            expires_after,
            subject_field,
            ..
        } = self.token_configuration;
        if !LIFETIMES.contains(&expires_after) {
            let (min, max) = (LIFETIMES.start(), LIFETIMES.end());
            violations.add(
                setting("token_configuration.expires_after"),
                format!("must be from {min} to {max} seconds"),
            );
        }
        if has(GrantType::ClientCredentials) && subject_field != SubjectField::Id {
            violations.add(
                setting("token_configuration.subject_field"),
                "must be id with client_credentials",
            );
        }
    }
}

impl TokenConfiguration {
    /// Returns this configuration with `patch` applied.
    #[must_use]
    fn patched(self, patch: TokenConfigurationPatch) -> Self {
        Self {
            expires_after: patch.expires_after.unwrap_or(self.expires_after),
            token_signing_algorithm: patch
                .token_signing_algorithm
                .unwrap_or(self.token_signing_algorithm),
            subject_field: patch.subject_field.unwrap_or(self.subject_field),
        }
    }
}

/// Checks a URL that receives codes. A fragment is rejected (RFC 6749, section 3.1.2).
fn check_redirect_uri(uri: &str) -> std::result::Result<(), &'static str> {
    check_destination(uri)?;
    if uri.contains('#') {
        return Err("must not have a fragment");
    }
    Ok(())
}

/// Returns a new client identifier: 18 random bytes, 24 characters.
pub fn new_client_id(rng: &dyn Rng) -> String {
    Secret::random::<18>(rng).expose().to_owned()
}

/// Returns a new client secret: 36 random bytes, 48 characters.
pub fn new_client_secret(rng: &dyn Rng) -> Secret {
    Secret::random::<36>(rng)
}

/// A subject field that an application is about to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    pub application: ApplicationRef,
    pub field: SubjectField,
    pub created_at: Timestamp,
}
