use keymoor_oauth::authorize::{
    self, AuthorizeRequest, MAX_LOGIN_HINT_BYTES, MAX_NONCE_BYTES, MAX_SCOPE_BYTES,
    MAX_STATE_BYTES, Refusal, UNKNOWN_CLIENT,
};
use keymoor_oauth::client::{Client, Confidentiality, PkceSetting, Protocol};
use keymoor_oauth::error::{ErrorCode, OAuthError};
use keymoor_oauth::pkce::Method;
use keymoor_types::Seconds;
use proptest::{prop_assert, proptest};

use crate::{CHALLENGE, VERIFIER, client, service};

const ISSUER: &str = "https://op.example";
/// RFC 6749, section 4.1.1, with a scope.
const GOOD: &str = "response_type=code&client_id=s6BhdRkqt3&state=xyz\
                    &redirect_uri=https%3A%2F%2Fclient%2Eexample%2Ecom%2Fcb&scope=openid";

fn check(query: &str, client: &Client<'_>) -> Result<AuthorizeRequest, Refusal> {
    authorize::parse(query)
        .map_err(Refusal::Shown)?
        .check(client)
}

fn redirected(query: &str, client: &Client<'_>) -> (ErrorCode, String) {
    match check(query, client) {
        Err(Refusal::Redirected(refusal)) => (refusal.error.code, refusal.location(ISSUER)),
        other => panic!("{query}: {other:?}"),
    }
}

fn shown(query: &str, client: &Client<'_>) -> OAuthError {
    match check(query, client) {
        Err(Refusal::Shown(error)) => error,
        other => panic!("{query}: {other:?}"),
    }
}

/// The good request with one parameter set or, for `None`, left out.
fn with(name: &str, value: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (key, kept) in url::form_urlencoded::parse(GOOD.as_bytes()) {
        if key != name {
            query.append_pair(&key, &kept);
        }
    }
    if let Some(value) = value {
        query.append_pair(name, value);
    }
    query.finish()
}

#[test]
fn the_request_of_rfc_6749_is_accepted() {
    let request = check(GOOD, &client()).unwrap();
    assert_eq!(request.redirect_uri, "https://client.example.com/cb");
    assert_eq!(
        request.sent_redirect_uri(),
        Some("https://client.example.com/cb")
    );
    assert_eq!(request.state.as_deref(), Some("xyz"));
    assert_eq!(request.scopes.to_string(), "openid");
    assert_eq!(request.challenge, None);
}

#[test]
fn every_parameter_is_kept() {
    let query = format!(
        "{GOOD}&nonce=n-0S6&code_challenge={CHALLENGE}&code_challenge_method=S256&prompt=login\
         &max_age=0&login_hint=me%40example.com&response_mode=query"
    );
    let request = check(&query, &client()).unwrap();
    assert_eq!(request.nonce.as_deref(), Some("n-0S6"));
    assert_eq!(request.max_age, Some(Seconds(0)));
    assert_eq!(request.login_hint.as_deref(), Some("me@example.com"));
    let challenge = request.challenge.unwrap();
    assert_eq!(challenge.method(), Method::S256);
    assert_eq!(challenge.value(), CHALLENGE);
}

#[test]
fn what_is_wrong_with_client_or_redirect_uri_is_never_redirected() {
    let uri = "&redirect_uri=https%3A%2F%2Fclient.example.com%2Fcb";
    for query in [
        with("client_id", None),
        with("client_id", Some("")),
        format!("{GOOD}&client_id=s6BhdRkqt3"),
        format!("{GOOD}{uri}"),
        format!("{GOOD}&broken=%"),
        with("redirect_uri", None),
        with("redirect_uri", Some("")),
        with("redirect_uri", Some("https://attacker.example/")),
        with("redirect_uri", Some("https://client.example.com/cb/")),
        with("redirect_uri", Some("https://client.example.com/c")),
        with("redirect_uri", Some("https://client.example.com/CB")),
        with("redirect_uri", Some("https://client.example.com/")),
        with(
            "redirect_uri",
            Some("https://client.example.com.attacker.example/cb"),
        ),
        with("redirect_uri", Some("https://client.example.com/cb?x=1")),
        with("redirect_uri", Some("https://client.example.com/cb#x")),
        with("redirect_uri", Some("HTTPS://client.example.com/cb")),
        with("redirect_uri", Some("https://client.example.com:443/cb")),
        with("redirect_uri", Some("https://client.example.com/a/../cb")),
        with("redirect_uri", Some("https://client.example.com/%63b")),
        with("redirect_uri", Some("https://client.example.com/cb ")),
        with("redirect_uri", Some("//client.example.com/cb")),
        with("redirect_uri", Some("javascript:alert(1)")),
    ] {
        // Whatever else is wrong, and even where an error would normally go to the client.
        for query in [query.clone(), format!("{query}&prompt=none")] {
            assert_eq!(
                shown(&query, &client()).code,
                ErrorCode::InvalidRequest,
                "{query}"
            );
        }
    }
    assert_eq!(
        shown(&with("client_id", Some("another")), &client()),
        UNKNOWN_CLIENT
    );
}

/// RFC 8252, section 7.3, and RFC 9700, section 2.1.
#[test]
fn d5_loopback_redirects_match_with_any_port() {
    let native = Client {
        redirect_uris: &[
            "http://127.0.0.1:8080/cb".to_owned(),
            "http://[::1]/cb".to_owned(),
            "http://localhost:8080/cb".to_owned(),
        ],
        ..client()
    };
    let at = |uri| with("redirect_uri", Some(uri));
    for sent in [
        "http://127.0.0.1:8080/cb",
        "http://127.0.0.1:51004/cb",
        "http://127.0.0.1/cb",
        "http://[::1]:51004/cb",
        "http://localhost:8080/cb",
    ] {
        let request = check(&at(sent), &native).unwrap();
        assert_eq!(request.sent_redirect_uri(), Some(sent));
    }
    for sent in [
        "http://localhost:8081/cb",
        "http://127.0.0.1:51004/other",
        "https://127.0.0.1:51004/cb",
        "http://127.0.0.1:51004@evil.example/cb",
    ] {
        shown(&at(sent), &native);
    }
}

#[test]
fn a_client_id_that_is_a_uuid_is_read_in_any_case_rfc_9562_section_4() {
    let uuid = Client {
        client_id: "67e55044-10b1-426f-9247-bb680e5fe0c8",
        ..client()
    };
    let sent = with("client_id", Some("67E55044-10B1-426F-9247-BB680E5FE0C8"));
    assert!(check(&sent, &uuid).is_ok());
    let swapped = with("client_id", Some("S6bHDrKQT3"));
    assert_eq!(shown(&swapped, &client()), UNKNOWN_CLIENT);
}

#[test]
fn only_plain_oauth_with_one_registered_uri_may_leave_it_out() {
    let query = with("redirect_uri", None).replace("openid", "read");
    let oauth2 = Client {
        protocol: Protocol::OAuth2,
        ..client()
    };
    let request = check(&query, &oauth2).unwrap();
    assert_eq!(request.redirect_uri, "https://client.example.com/cb");
    assert_eq!(request.sent_redirect_uri(), None);
    for count in [0, 2] {
        let several = Client {
            redirect_uris: &vec!["https://client.example.com/cb".to_owned(); count],
            ..oauth2
        };
        shown(&query, &several);
    }
}

#[test]
fn errors_go_to_the_client_with_state_and_issuer() {
    let (_, location) = redirected(&with("response_type", Some("token")), &client());
    assert_eq!(
        location,
        "https://client.example.com/cb?error=unsupported_response_type\
         &error_description=response_type+must+be+code&state=xyz&iss=https%3A%2F%2Fop.example"
    );
    let refused = check(GOOD, &client())
        .unwrap()
        .refuse(OAuthError::new(ErrorCode::AccessDenied, "no"));
    assert_eq!(
        refused.location(ISSUER),
        "https://client.example.com/cb?error=access_denied&error_description=no\
         &state=xyz&iss=https%3A%2F%2Fop.example"
    );
}

#[test]
fn each_wrong_parameter_has_its_error() {
    use ErrorCode as E;
    let long = |length| "x".repeat(length);
    let too_long_scope = long(MAX_SCOPE_BYTES + 1);
    let too_long_nonce = long(MAX_NONCE_BYTES + 1);
    let too_long_state = long(MAX_STATE_BYTES + 1);
    let too_long_hint = long(MAX_LOGIN_HINT_BYTES + 1);
    let cases = [
        ("response_type", None, E::InvalidRequest),
        (
            "response_type",
            Some("code id_token"),
            E::UnsupportedResponseType,
        ),
        (
            "response_type",
            Some("id_token"),
            E::UnsupportedResponseType,
        ),
        ("response_type", Some("none"), E::UnsupportedResponseType),
        ("response_mode", Some("fragment"), E::InvalidRequest),
        ("response_mode", Some("form_post"), E::InvalidRequest),
        ("request", Some("e30.e30."), E::RequestNotSupported),
        ("request_uri", Some("urn:x"), E::RequestUriNotSupported),
        ("registration", Some("{}"), E::RegistrationNotSupported),
        ("scope", Some("a  b"), E::InvalidScope),
        ("scope", Some("\u{e9}"), E::InvalidScope),
        ("scope", Some("admin"), E::InvalidScope),
        ("scope", Some(&*too_long_scope), E::InvalidRequest),
        ("nonce", Some(&*too_long_nonce), E::InvalidRequest),
        ("nonce", Some("a\nb"), E::InvalidRequest),
        ("state", Some(&*too_long_state), E::InvalidRequest),
        ("state", Some("\0"), E::InvalidRequest),
        ("login_hint", Some(&*too_long_hint), E::InvalidRequest),
        ("login_hint", Some("a\rb"), E::InvalidRequest),
        ("max_age", Some("-1"), E::InvalidRequest),
        ("max_age", Some("soon"), E::InvalidRequest),
        ("prompt", Some("none"), E::LoginRequired),
        ("prompt", Some("none login"), E::InvalidRequest),
        ("prompt", Some("create"), E::InvalidRequest),
        ("code_challenge", Some("short"), E::InvalidRequest),
        ("code_challenge_method", Some("S256"), E::InvalidRequest),
        ("code_challenge_method", Some("256"), E::InvalidRequest),
    ];
    for (name, value, expected) in cases {
        let (code, location) = redirected(&with(name, value), &client());
        assert_eq!(code, expected, "{name}={value:?}");
        assert!(location.starts_with("https://client.example.com/cb?error="));
    }
    let (code, _) = redirected(
        GOOD,
        &Client {
            redirect_uris: client().redirect_uris,
            ..service()
        },
    );
    assert_eq!(code, E::UnauthorizedClient);
}

#[test]
fn c8_prompt_none_is_login_required_even_when_all_else_is_right() {
    let (code, location) = redirected(&with("prompt", Some("none")), &client());
    assert_eq!(code, ErrorCode::LoginRequired);
    assert!(location.contains("&state=xyz&iss="), "{location}");
}

#[test]
fn c1_values_at_their_limit_are_accepted() {
    for (name, limit) in [
        ("state", MAX_STATE_BYTES),
        ("nonce", MAX_NONCE_BYTES),
        ("login_hint", MAX_LOGIN_HINT_BYTES),
    ] {
        assert!(check(&with(name, Some(&"x".repeat(limit))), &client()).is_ok());
    }
}

#[test]
fn repeated_parameters_are_an_error_unless_nobody_knows_them() {
    for name in [
        "response_type",
        "response_mode",
        "scope",
        "state",
        "nonce",
        "prompt",
        "max_age",
        "login_hint",
        "code_challenge",
        "code_challenge_method",
        "request",
        "request_uri",
    ] {
        let query = format!("{GOOD}&{name}=&{name}=code");
        let (code, _) = redirected(&query, &client());
        assert_eq!(code, ErrorCode::InvalidRequest, "{name}");
    }
    let (_, location) = redirected(&format!("{GOOD}&state=other"), &client());
    assert!(!location.contains("state="), "{location}");

    let query = format!("{GOOD}&resource=a&resource=b&utm_source=mail&ui_locales=de&unknown");
    assert!(check(&query, &client()).is_ok(), "c9");
}

#[test]
fn an_empty_parameter_counts_as_absent() {
    let query = format!("{GOOD}&nonce=&prompt=&code_challenge=&max_age=&request=");
    let request = check(&query, &client()).unwrap();
    assert_eq!((request.nonce, request.challenge), (None, None));
}

#[test]
fn c7_a_challenge_is_kept_whatever_the_setting_and_demanded_where_it_must_be() {
    let s256 = format!("{GOOD}&code_challenge={CHALLENGE}&code_challenge_method=S256");
    let plain = format!("{GOOD}&code_challenge={VERIFIER}");
    assert!(check(&s256, &client()).unwrap().challenge.is_some());
    assert!(check(&plain, &client()).unwrap().challenge.is_some());

    let public = Client {
        confidentiality: Confidentiality::Public,
        pkce: PkceSetting::S256,
        ..client()
    };
    assert!(check(&s256, &public).is_ok());
    for query in [GOOD, &plain] {
        assert_eq!(redirected(query, &public).0, ErrorCode::InvalidRequest);
    }
}

proptest! {
    #[test]
    fn no_query_redirects_elsewhere(
        query in "((response_type|scope|state|redirect_uri|prompt|nonce|request)=[a-z%0-9:/.]{0,12}&){0,6}"
    ) {
        let query = format!("{query}client_id=s6BhdRkqt3");
        match check(&query, &client()) {
            Err(Refusal::Redirected(refusal)) => {
                prop_assert!(
                    refusal.location(ISSUER).starts_with("https://client.example.com/cb?error=")
                );
            }
            Ok(request) => prop_assert!(client().redirect_uris.contains(&request.redirect_uri)),
            Err(Refusal::Shown(_)) => {}
        }
    }

    #[test]
    fn the_client_gets_its_exact_state_back(state in "[ -~]{1,4000}") {
        let (_, location) = redirected(&(with("state", Some(&state)) + "&prompt=none"), &client());
        let url = url::Url::parse(&location).unwrap();
        prop_assert!(url.query_pairs().any(|(name, value)| name == "state" && value == state));
    }
}
