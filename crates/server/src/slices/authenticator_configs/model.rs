//! Authenticator configs and their rules.

use keymoor_oauth::redirect;
use keymoor_types::url_rules::{check_destination, check_origin, web_origin};
use keymoor_types::{AuthenticatorConfigId, RealmId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::base::error::Result;
use crate::base::refs::{AuthenticatorConfigRef, RealmRef};
use crate::base::text::check_label;
use crate::base::validation::Violations;
use crate::slices::credentials::model::KeyOrigin;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticatorConfig {
    pub tenant_id: TenantId,
    pub realm_id: RealmId,
    pub id: AuthenticatorConfigId,
    pub display_name: Option<String>,
    pub config: ConfigBody,
    /// Created by Keymoor. Can't be changed or deleted.
    pub is_managed: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl AuthenticatorConfig {
    /// Returns its reference.
    pub const fn at(&self) -> AuthenticatorConfigRef {
        AuthenticatorConfigRef {
            tenant_id: self.tenant_id,
            realm_id: self.realm_id,
            authenticator_config_id: self.id,
        }
    }
}

/// A config as sign-ins use it, with derived values computed once.
#[derive(Debug, PartialEq, Eq)]
pub struct Effective {
    pub id: AuthenticatorConfigId,
    pub display_name: Option<String>,
    pub config: ConfigBody,
    pub trusted_origins: Vec<String>,
    /// The config as devices see it, with derived values where none are set.
    pub published: Value,
}

impl From<AuthenticatorConfig> for Effective {
    fn from(config: AuthenticatorConfig) -> Self {
        let AuthenticatorConfig {
            id,
            display_name,
            config,
            ..
        } = config;
        let trusted_origins = config.trusted_origins();
        let shown = config.clone().shown();
        let mut published = serde_json::to_value(shown).expect("configs have string keys only");
        published["trusted_origins"] = json!(trusted_origins);
        published["authentication_methods"] =
            json!(AuthenticationMethod::working(config.methods()));
        Self {
            id,
            display_name,
            config,
            trusted_origins,
            published,
        }
    }
}

/// The variants of a config.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schema(as = AuthenticatorConfigVariant)]
pub enum ConfigBody {
    /// The application runs the SDK on its own pages or in its own app.
    Embedded(Embedded),
    /// The server's pages run the SDK. Stored, but not served yet.
    HostedWeb(HostedWeb),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = EmbeddedAuthenticator)]
pub struct Embedded {
    /// How a sign-in is handed over to the application. Binding ignores it.
    #[serde(default)]
    pub invocation_type: InvocationType,
    /// The application's URL: http, https or an app's custom scheme. `/bind` and
    /// `/bi-authenticate` are appended to its path, or to its fragment if it has one: single-page
    /// applications route by `https://app.example.com/#/`.
    #[schema(examples("https://app.example.com"))]
    pub invoke_url: String,
    /// Origins that may bind and sign in: `scheme://host[:port]`. If empty, the origin of an
    /// http or https `invoke_url`. Web views and browser extensions have origins such as
    /// `capacitor://localhost`.
    #[serde(default)]
    #[schema(examples("https://app.example.com"))]
    pub trusted_origins: Vec<String>,
    /// The kinds of passkey that may be bound and sign in. If absent, both kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(deserialize_with = "keymoor_types::json::tagged")]
    pub authentication_methods: Option<Vec<AuthenticationMethod>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = HostedWebAuthenticator)]
pub struct HostedWeb {
    /// The kinds of passkey that may be bound and sign in. If absent, both kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(deserialize_with = "keymoor_types::json::tagged")]
    pub authentication_methods: Option<Vec<AuthenticationMethod>>,
    /// Origins that may bind and sign in: `scheme://host[:port]`.
    #[serde(default)]
    #[schema(examples("https://app.example.com"))]
    pub trusted_origins: Vec<String>,
}

/// How `/authorize` responds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum InvocationType {
    /// A redirect to the application.
    #[default]
    Automatic,
    /// JSON that names the URL.
    Manual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum AuthenticationMethod {
    /// A key in the device's secure hardware.
    WebauthnPasskey,
    /// A key that the browser keeps.
    SoftwarePasskey,
    /// A code sent by e-mail. It can be configured, but does not work yet.
    EmailOneTimePassword,
}

impl AuthenticationMethod {
    /// Returns the method of signing in with this kind of key.
    pub const fn of(key: &KeyOrigin) -> Self {
        match key {
            KeyOrigin::Software => Self::SoftwarePasskey,
            KeyOrigin::WebAuthn(_) => Self::WebauthnPasskey,
        }
    }

    /// What a config that sets none is said to have.
    pub const DEFAULT: [Self; 2] = [Self::WebauthnPasskey, Self::SoftwarePasskey];

    /// Returns the methods that devices can use. One-time codes can be configured, but don't work
    /// yet, so devices don't learn of them.
    pub fn working(methods: &[Self]) -> Vec<Self> {
        let mut working = methods.to_vec();
        working.retain(|method| *method != Self::EmailOneTimePassword);
        working
    }
}

/// Whether a config that lists `methods` permits a key, asked when it is bound, when it signs in and
/// when its code is redeemed. Only a list that was set explicitly restricts anything.
pub fn permits(methods: Option<&[AuthenticationMethod]>, key: &KeyOrigin) -> bool {
    methods.is_none_or(|methods| methods.contains(&AuthenticationMethod::of(key)))
}

/// The types of config.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AuthenticatorConfigType)]
pub enum ConfigType {
    Embedded,
    HostedWeb,
}

/// Changes to an authenticator config. Omitted fields stay unchanged. Applied to a type's defaults,
/// it creates one.
#[derive(Clone, Debug, Default)]
pub struct AuthenticatorConfigPatch {
    pub display_name: Option<String>,
    pub config: ConfigBodyPatch,
}

/// The settings of every type of config. `type` is required on creation and can't be changed.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AuthenticatorConfigSettings)]
pub struct ConfigBodyPatch {
    #[serde(rename = "type")]
    pub kind: Option<ConfigType>,
    /// For `embedded`. Defaults to `automatic`.
    pub invocation_type: Option<InvocationType>,
    /// Required for `embedded`: an absolute URL of at most 2,048 bytes.
    #[schema(examples("https://app.example.com"))]
    pub invoke_url: Option<String>,
    /// Origins that may bind and sign in: `scheme://host[:port]`.
    #[schema(examples("https://app.example.com"))]
    pub trusted_origins: Option<Vec<String>>,
    /// The kinds of passkey. Defaults to both. Binding enforces them only if they are set.
    pub authentication_methods: Option<Vec<AuthenticationMethod>>,
}

/// Names a setting as requests do.
pub(super) fn setting(name: &str) -> String {
    format!("authenticator_config.config.{name}")
}

impl AuthenticatorConfig {
    /// Creates a config from the defaults of its type and `patch`.
    ///
    /// # Errors
    /// `Invalid` names every field that is wrong.
    pub fn new(
        realm: RealmRef,
        id: AuthenticatorConfigId,
        patch: AuthenticatorConfigPatch,
        now: Timestamp,
    ) -> Result<Self> {
        let mut violations = Violations::default();
        let kind = patch.config.kind;
        if kind.is_none() {
            violations.add(setting("type"), "missing");
        }
        if kind == Some(ConfigType::Embedded) && patch.config.invoke_url.is_none() {
            violations.add(setting("invoke_url"), "missing");
        }
        let kind = violations.or(kind)?.expect("a missing type is a violation");
        let defaults = Self {
            tenant_id: realm.tenant_id,
            realm_id: realm.realm_id,
            id,
            display_name: None,
            config: ConfigBody::of_type(kind),
            is_managed: false,
            created_at: now,
            updated_at: now,
        };
        defaults.patched(patch, now)
    }

    /// Returns this config with `patch` applied at `now`.
    ///
    /// # Errors
    /// `Invalid` names every field that is wrong.
    pub fn patched(self, patch: AuthenticatorConfigPatch, now: Timestamp) -> Result<Self> {
        let mut violations = Violations::default();
        if let Some(name) = &patch.display_name {
            violations.check("authenticator_config.display_name", check_label(name));
        }
        let patched = Self {
            display_name: patch.display_name.or(self.display_name),
            config: self.config.patched(patch.config, &mut violations),
            updated_at: now,
            ..self
        };
        violations.or(patched)
    }
}

impl ConfigBody {
    pub(super) fn of_type(kind: ConfigType) -> Self {
        match kind {
            ConfigType::Embedded => Self::Embedded(Embedded {
                invocation_type: InvocationType::default(),
                invoke_url: String::new(),
                trusted_origins: Vec::new(),
                authentication_methods: None,
            }),
            ConfigType::HostedWeb => Self::HostedWeb(HostedWeb::default()),
        }
    }

    fn kind(&self) -> ConfigType {
        match self {
            Self::Embedded(_) => ConfigType::Embedded,
            Self::HostedWeb(_) => ConfigType::HostedWeb,
        }
    }

    /// Returns these settings with `patch` applied.
    #[must_use]
    pub(super) fn patched(self, patch: ConfigBodyPatch, violations: &mut Violations) -> Self {
        if patch.kind.is_some_and(|kind| kind != self.kind()) {
            violations.add(setting("type"), "cannot be changed");
            return self;
        }
        patch.check(violations);
        match self {
            Self::Embedded(embedded) => Self::Embedded(Embedded {
                invocation_type: patch.invocation_type.unwrap_or(embedded.invocation_type),
                invoke_url: patch.invoke_url.unwrap_or(embedded.invoke_url),
                trusted_origins: patch.trusted_origins.unwrap_or(embedded.trusted_origins),
                authentication_methods: patch
                    .authentication_methods
                    .or(embedded.authentication_methods),
            }),
            Self::HostedWeb(hosted) => {
                if patch.invocation_type.is_some() {
                    violations.add(setting("invocation_type"), "unknown field");
                }
                if patch.invoke_url.is_some() {
                    violations.add(setting("invoke_url"), "unknown field");
                }
                Self::HostedWeb(HostedWeb {
                    trusted_origins: patch.trusted_origins.unwrap_or(hosted.trusted_origins),
                    authentication_methods: patch
                        .authentication_methods
                        .or(hosted.authentication_methods),
                })
            }
        }
    }

    /// Returns the config as it is shown: always with methods.
    #[must_use]
    pub fn shown(mut self) -> Self {
        let methods = Some(self.methods().to_vec());
        match &mut self {
            Self::Embedded(embedded) => embedded.authentication_methods = methods,
            Self::HostedWeb(hosted) => hosted.authentication_methods = methods,
        }
        self
    }

    /// Returns where binding and sign-in are handed to the application. Hosted configs have no such
    /// URL yet.
    pub fn invoke_url(&self) -> Option<&str> {
        match self {
            Self::Embedded(embedded) => Some(&embedded.invoke_url),
            Self::HostedWeb(_) => None,
        }
    }

    /// Returns the origins that may bind and sign in.
    pub fn trusted_origins(&self) -> Vec<String> {
        match self {
            Self::Embedded(Embedded {
                trusted_origins,
                invoke_url,
                ..
            }) if trusted_origins.is_empty() => web_origin(invoke_url).into_iter().collect(),
            Self::Embedded(Embedded {
                trusted_origins, ..
            })
            | Self::HostedWeb(HostedWeb {
                trusted_origins, ..
            }) => trusted_origins.clone(),
        }
    }

    /// Returns the methods that were set explicitly. Only those are enforced.
    pub fn explicit_methods(&self) -> Option<&[AuthenticationMethod]> {
        match self {
            Self::Embedded(embedded) => embedded.authentication_methods.as_deref(),
            Self::HostedWeb(hosted) => hosted.authentication_methods.as_deref(),
        }
    }

    /// Whether a key may sign in. See [`permits`].
    pub fn permits(&self, key: &KeyOrigin) -> bool {
        permits(self.explicit_methods(), key)
    }

    /// Returns the methods as they are shown.
    pub fn methods(&self) -> &[AuthenticationMethod] {
        self.explicit_methods()
            .unwrap_or(&AuthenticationMethod::DEFAULT)
    }
}

impl ConfigBodyPatch {
    fn check(&self, violations: &mut Violations) {
        if let Some(url) = &self.invoke_url {
            violations.check(&setting("invoke_url"), check_destination(url));
        }
        for (position, origin) in self.trusted_origins.iter().flatten().enumerate() {
            let field = setting(&format!("trusted_origins[{position}]"));
            violations.check(&field, check_origin(origin));
        }
        if self
            .authentication_methods
            .as_ref()
            .is_some_and(Vec::is_empty)
        {
            violations.add(setting("authentication_methods"), "empty array");
        }
    }
}

/// Appends `segment` to the path of `invoke_url` and `parameters` to its query.
///
/// A fragment is the path of a single-page router. If there is one, both are appended to it:
/// `https://app.example/#/` becomes `https://app.example/#/bind?…`.
///
/// Works on the text, since an app's URL need have no host or path: `acme://` becomes
/// `acme://bind?…`.
pub fn invocation_url(invoke_url: &str, segment: &str, parameters: &[(&str, &str)]) -> String {
    let route_at = invoke_url.find('#').map_or(0, |at| at + 1);
    let (page, route) = invoke_url.split_at(route_at);
    let (path, query) = route.split_once('?').unwrap_or((route, ""));
    let separator = if path.ends_with('/') { "" } else { "/" };
    let query_mark = if query.is_empty() { "" } else { "?" };
    let target = format!("{path}{separator}{segment}{query_mark}{query}");
    format!("{page}{}", redirect::with_params(&target, parameters))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invocation_urls_keep_what_the_application_chose() {
        for (invoke_url, expected) in [
            ("https://app.example", "https://app.example/bind?a=1&b=x+y"),
            ("https://app.example/", "https://app.example/bind?a=1&b=x+y"),
            (
                "https://app.example/x?y=z",
                "https://app.example/x/bind?y=z&a=1&b=x+y",
            ),
            (
                "https://app.example/#/",
                "https://app.example/#/bind?a=1&b=x+y",
            ),
            (
                "https://app.example/#",
                "https://app.example/#/bind?a=1&b=x+y",
            ),
            (
                "https://app.example/x?y=z#!/f?g=h",
                "https://app.example/x?y=z#!/f/bind?g=h&a=1&b=x+y",
            ),
            ("acme://", "acme://bind?a=1&b=x+y"),
            ("com.acme:/open", "com.acme:/open/bind?a=1&b=x+y"),
        ] {
            assert_eq!(
                invocation_url(invoke_url, "bind", &[("a", "1"), ("b", "x y")]),
                expected
            );
        }
    }

    fn embedded(invoke_url: &str, trusted_origins: &[&str]) -> ConfigBody {
        ConfigBody::Embedded(Embedded {
            invocation_type: InvocationType::Automatic,
            invoke_url: invoke_url.to_owned(),
            trusted_origins: trusted_origins
                .iter()
                .map(|&origin| origin.to_owned())
                .collect(),
            authentication_methods: None,
        })
    }

    #[test]
    fn d2_empty_trusted_origins_mean_the_origin_of_a_web_invoke_url() {
        assert_eq!(
            embedded("https://app.example/x", &[]).trusted_origins(),
            ["https://app.example"]
        );
        assert_eq!(
            embedded("https://app.example", &["https://b.example"]).trusted_origins(),
            ["https://b.example"]
        );
        assert!(embedded("acme://", &[]).trusted_origins().is_empty());
    }

    #[test]
    fn e8_unset_methods_are_shown_as_both_kinds_and_not_insisted_on() {
        let config = embedded("acme://", &[]);
        assert_eq!(config.methods(), AuthenticationMethod::DEFAULT);
        assert_eq!(config.explicit_methods(), None);
    }
}
