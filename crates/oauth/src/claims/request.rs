//! The challenge that `/authorize` hands to an SDK.

use std::net::IpAddr;

use keymoor_types::fido2::SignInOptions;
use keymoor_types::{ApplicationId, AuthenticatorConfigId, RealmId, Seconds, TenantId, Timestamp};
use serde::Serialize;
use serde_json::Value;
use url::Url;

use crate::redirect;

/// The tolerated error of a browser's clock: SDKs check `nbf` and `exp` against it without leeway.
const BROWSER_CLOCK_SKEW: Seconds = Seconds(4_200);

/// The longest user agent shown on the device, in bytes. It fits every real one and bounds the URL.
const MAX_USER_AGENT_BYTES: usize = 256;

/// Base64 of `[]`: the request asks for no facts about the device.
const NO_DEVICE_FACTS: &str = "W10=";

/// The inputs of a request challenge.
#[derive(Clone, Copy, Debug)]
pub struct RequestInput<'a> {
    /// The application's issuer URL.
    pub issuer: &'a str,
    /// The application's client identifier.
    pub client_id: &'a str,
    /// Where the SDK sends its proof: an origin, or a URL without trailing slash.
    pub auth_url: &'a str,
    /// The application's tenant.
    pub tenant_id: TenantId,
    /// The application's realm.
    pub realm_id: RealmId,
    /// The application.
    pub application_id: ApplicationId,
    /// Its name for people; may be empty.
    pub application_name: &'a str,
    /// How its users are asked for their passkey.
    pub config: ConfigInput<'a>,
    /// The token's id.
    pub jti: &'a str,
    /// The correlation id, returned in the `x-correlation-id` header.
    pub correlation_id: &'a str,
    /// The transaction id. It becomes part of a path, so it uses only `A-Z a-z 0-9 - _ .`.
    pub transaction_id: &'a str,
    /// The nonce that the passkey signs. Every SDK echoes it.
    pub nonce: &'a str,
    /// Options for an assertion over a server-generated challenge, if the server accepts one. The
    /// published SDK ignores them.
    pub fido2: Option<&'a SignInOptions>,
    /// The registered redirect URI that receives the response.
    pub redirect_uri: &'a str,
    /// The client's state.
    pub state: Option<&'a str>,
    /// The user that the client expects to sign in.
    pub login_hint: Option<&'a str>,
    /// Where the request came from, shown to the person on their device.
    pub origin: Origin<'a>,
    /// The time of the request.
    pub now: Timestamp,
}

/// The authenticator config in [`RequestInput`].
#[derive(Clone, Copy, Debug)]
pub struct ConfigInput<'a> {
    /// Its id.
    pub id: AuthenticatorConfigId,
    /// Its name for people; may be empty.
    pub display_name: &'a str,
    /// The config itself in its published form, with `type`.
    pub config: &'a Value,
}

/// Where an authorization request came from, in [`RequestInput`].
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The address of the browser.
    pub ip: IpAddr,
    /// Its `User-Agent`, or the empty string. Cut to 256 bytes.
    pub user_agent: &'a str,
    /// Its `Referer`. Only the origin is used, since paths and queries may be private.
    pub referer: Option<&'a str>,
}

/// The claims of the request JWT. The published SDK requires every member that is not an `Option`
/// here and rejects the token if one is missing or `null`. The type can therefore be built only
/// from typed inputs. It is serialised, never parsed.
#[derive(Clone, Debug, Serialize)]
pub struct RequestClaims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: [&'a str; 0],
    jti: &'a str,
    exp: i64,
    nbf: i64,
    iat: i64,
    cid: &'a str,
    verb: &'static str,
    transaction_id: &'a str,
    indirect_uri: String,
    origin: OriginClaims<'a>,
    authn: Authn<'a>,
}

#[derive(Clone, Debug, Serialize)]
struct OriginClaims<'a> {
    ip: IpAddr,
    ua: &'a str,
    geo: &'static str,
    #[serde(rename = "ref")]
    referer: String,
}

#[derive(Clone, Debug, Serialize)]
struct Authn<'a> {
    base_url: &'a str,
    tid: TenantId,
    rid: RealmId,
    aid: ApplicationId,
    mode: &'static str,
    redirect_uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a str>,
    application: Application<'a>,
    authenticator_config: AuthenticatorConfig<'a>,
    action: Action<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fido2: Option<&'a SignInOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    login_hint: Option<&'a str>,
}

#[derive(Clone, Debug, Serialize)]
struct Application<'a> {
    display_name: &'a str,
}

#[derive(Clone, Debug, Serialize)]
struct AuthenticatorConfig<'a> {
    id: AuthenticatorConfigId,
    tenant_id: TenantId,
    realm_id: RealmId,
    display_name: &'a str,
    config: &'a Value,
}

#[derive(Clone, Debug, Serialize)]
struct Action<'a> {
    prove: Prove<'a>,
}

#[derive(Clone, Debug, Serialize)]
struct Prove<'a> {
    transaction_id: &'a str,
    nonce: &'a str,
    bi_req: &'static str,
    bi_obl: &'static str,
    bi_pol_ver: &'static str,
}

impl<'a> RequestClaims<'a> {
    /// Builds the claims. They are valid from 70 minutes before `now` to 70 minutes after it, since
    /// devices check them against their own clocks. The server decides how long the challenge
    /// itself may be answered.
    ///
    /// The SDK builds the final redirect, so the redirect URI here already includes the issuer (RFC
    /// 9207).
    #[must_use]
    pub fn new(input: &RequestInput<'a>) -> Self {
        let RequestInput {
            auth_url,
            tenant_id,
            realm_id,
            transaction_id,
            now,
            ..
        } = *input;
        Self {
            iss: input.issuer,
            sub: input.client_id,
            aud: [],
            jti: input.jti,
            exp: (now + BROWSER_CLOCK_SKEW).as_seconds(),
            nbf: (now - BROWSER_CLOCK_SKEW).as_seconds(),
            iat: now.as_seconds(),
            cid: input.correlation_id,
            verb: "authenticate",
            transaction_id,
            indirect_uri: format!(
                "{auth_url}/v1/tenants/{tenant_id}/realms/{realm_id}/transactions/\
                 {transaction_id}/indirect"
            ),
            origin: OriginClaims::new(input.origin),
            authn: Authn::new(input),
        }
    }
}

impl<'a> OriginClaims<'a> {
    fn new(origin: Origin<'a>) -> Self {
        let user_agent = origin.user_agent;
        Self {
            ip: origin.ip.to_canonical(),
            ua: &user_agent[..user_agent.floor_char_boundary(MAX_USER_AGENT_BYTES)],
            geo: "",
            referer: origin.referer.and_then(origin_of).unwrap_or_default(),
        }
    }
}

fn origin_of(referer: &str) -> Option<String> {
    let origin = Url::parse(referer).ok()?.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}

impl<'a> Authn<'a> {
    fn new(input: &RequestInput<'a>) -> Self {
        Self {
            base_url: input.auth_url,
            tid: input.tenant_id,
            rid: input.realm_id,
            aid: input.application_id,
            mode: "grant",
            redirect_uri: redirect::with_params(input.redirect_uri, &[("iss", input.issuer)]),
            state: input.state,
            application: Application {
                display_name: input.application_name,
            },
            authenticator_config: AuthenticatorConfig {
                id: input.config.id,
                tenant_id: input.tenant_id,
                realm_id: input.realm_id,
                display_name: input.config.display_name,
                config: input.config.config,
            },
            action: Action {
                prove: Prove {
                    transaction_id: input.transaction_id,
                    nonce: input.nonce,
                    bi_req: NO_DEVICE_FACTS,
                    bi_obl: "",
                    bi_pol_ver: "v3",
                },
            },
            fido2: input.fido2,
            login_hint: input.login_hint,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c5_only_the_origin_of_the_referer_is_kept() {
        let kept = |referer| origin_of(referer).unwrap_or_default();
        assert_eq!(
            kept("https://user:word@app.example:8443/private?token=x#y"),
            "https://app.example:8443"
        );
        assert_eq!(kept("http://app.example:80/"), "http://app.example");
        for without in [
            "",
            "/path",
            "about:blank",
            "data:text/plain,x",
            "app:/x",
            "null",
        ] {
            assert_eq!(kept(without), "", "{without}");
        }
    }

    #[test]
    fn a_long_user_agent_is_cut_between_characters() {
        let user_agent = "\u{20ac}".repeat(200);
        let claims = OriginClaims::new(Origin {
            ip: IpAddr::from([127, 0, 0, 1]),
            user_agent: &user_agent,
            referer: None,
        });
        assert_eq!(claims.ua, "\u{20ac}".repeat(85));
    }
}
