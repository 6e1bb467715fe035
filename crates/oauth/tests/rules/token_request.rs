use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keymoor_oauth::client::{Client, Confidentiality, GrantType};
use keymoor_oauth::error::{ErrorCode, OAuthError};
use keymoor_oauth::secret::PresentedSecret;
use keymoor_oauth::token_request::{
    ClientAuthMethod, ClientCredentials, GrantRequest, INVALID_CLIENT, TokenRequest, TokenResponse,
    parse,
};
use keymoor_types::Seconds;
use proptest::{prop_assert_eq, proptest};
use serde_json::json;

use crate::{VERIFIER, client, service};

/// RFC 6749, sections 2.3.1 and 4.1.3.
const BASIC: &str = "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW";
const CODE: &str = "grant_type=authorization_code&code=SplxlOBeZQQYbYS6WxSbIA\
                    &redirect_uri=https%3A%2F%2Fclient%2Eexample%2Ecom%2Fcb";
const POST: &str = "client_id=s6BhdRkqt3&client_secret=7Fjfp0ZBr1KtDRbnfVdmIw";

fn code(result: Result<TokenRequest, OAuthError>) -> ErrorCode {
    result.unwrap_err().code
}

#[test]
fn the_code_request_of_rfc_6749_is_read() {
    let request = parse(Some(BASIC), &format!("{CODE}&code_verifier={VERIFIER}")).unwrap();
    assert_eq!(request.client.client_id, "s6BhdRkqt3");
    assert_eq!(request.client.method, ClientAuthMethod::Basic);
    assert_eq!(request.client.secret.unwrap().expose(), "gX1fBat3bV");
    assert_eq!(request.grant.grant_type(), GrantType::AuthorizationCode);
    let GrantRequest::AuthorizationCode {
        code,
        redirect_uri,
        code_verifier,
    } = request.grant
    else {
        panic!("another grant");
    };
    assert_eq!(code.expose(), "SplxlOBeZQQYbYS6WxSbIA");
    assert_eq!(
        redirect_uri.as_deref(),
        Some("https://client.example.com/cb")
    );
    assert_eq!(code_verifier.unwrap().expose(), VERIFIER);
}

#[test]
fn the_client_credentials_request_of_rfc_6749_is_read() {
    let scope_of = |body: &str| match parse(Some(BASIC), body).unwrap().grant {
        GrantRequest::ClientCredentials { scope } => scope.map(|scope| scope.to_string()),
        GrantRequest::AuthorizationCode { .. } => panic!("another grant"),
    };
    let body = "grant_type=client_credentials";
    assert_eq!(scope_of(body), None);
    assert_eq!(scope_of(&format!("{body}&scope=")), None);
    assert_eq!(
        scope_of(&format!("{body}&scope=write+read")).as_deref(),
        Some("read write")
    );
}

#[test]
fn clients_authenticate_by_header_by_body_or_not_at_all() {
    let post = parse(None, &format!("{CODE}&{POST}")).unwrap().client;
    assert_eq!(post.method, ClientAuthMethod::Post);
    assert_eq!(post.secret.unwrap().expose(), "7Fjfp0ZBr1KtDRbnfVdmIw");
    let none = parse(None, &format!("{CODE}&client_id=s6BhdRkqt3"))
        .unwrap()
        .client;
    assert_eq!(none.method, ClientAuthMethod::None);
    assert!(none.secret.is_none());
    let named_twice = parse(Some(BASIC), &format!("{CODE}&client_id=s6BhdRkqt3"));
    assert_eq!(named_twice.unwrap().client.method, ClientAuthMethod::Basic);
}

#[test]
fn both_halves_of_basic_are_form_decoded() {
    let header = format!("bAsIc  {}", STANDARD.encode("a%3Ab+c:%C3%A9%2B:%25"));
    let client = parse(Some(&header), CODE).unwrap().client;
    assert_eq!(client.client_id, "a:b c");
    assert_eq!(client.secret.unwrap().expose(), "\u{e9}+:%");
}

#[test]
fn more_than_one_way_of_authentication_is_an_invalid_request() {
    let assertion = "client_assertion_type=urn%3Ax&client_assertion=e30.e30.e30";
    for (header, body) in [
        (Some(BASIC), format!("{CODE}&{POST}")),
        (Some(BASIC), format!("{CODE}&client_secret=x")),
        (Some(BASIC), format!("{CODE}&{assertion}")),
        (Some("Bearer x"), format!("{CODE}&{POST}")),
        (None, format!("{CODE}&{POST}&{assertion}")),
        (Some(BASIC), format!("{CODE}&client_id=another")),
    ] {
        assert_eq!(
            code(parse(header, &body)),
            ErrorCode::InvalidRequest,
            "{body}"
        );
    }
}

#[test]
fn an_unreadable_or_unsupported_authentication_is_an_invalid_client() {
    let encoded = |text: &[u8]| format!("Basic {}", STANDARD.encode(text));
    for header in [
        "Bearer abc".to_owned(),
        "Basic".to_owned(),
        "Basic !".to_owned(),
        "Basic czZCaGRSa3F0MzpnWDFmQmF0M2J".to_owned(),
        encoded(b"no colon"),
        encoded(b":secret"),
        encoded(b"id:%zz"),
        encoded(b"id:\xff"),
        encoded(b"%ff:x"),
        String::new(),
    ] {
        assert_eq!(parse(Some(&header), CODE).unwrap_err(), INVALID_CLIENT);
    }
    let assertion = format!("{CODE}&client_id=x&client_assertion=e30.e30.e30");
    for body in [
        CODE,
        "grant_type=client_credentials&client_secret=x",
        &assertion,
    ] {
        assert_eq!(parse(None, body).unwrap_err(), INVALID_CLIENT);
    }
}

#[test]
fn each_malformed_grant_has_its_error() {
    use ErrorCode as E;
    let code_grant = "grant_type=authorization_code";
    let service_grant = "grant_type=client_credentials";
    for (body, expected) in [
        (String::new(), E::InvalidRequest),
        ("code=x".to_owned(), E::InvalidRequest),
        ("grant_type=".to_owned(), E::InvalidRequest),
        (code_grant.to_owned(), E::InvalidRequest),
        (format!("{code_grant}&code="), E::InvalidRequest),
        (format!("{CODE}&code=x"), E::InvalidRequest),
        (format!("{CODE}&redirect_uri=x"), E::InvalidRequest),
        (format!("{CODE}&{code_grant}"), E::InvalidRequest),
        (
            format!("{CODE}&code_verifier=x&code_verifier=x"),
            E::InvalidRequest,
        ),
        (format!("{CODE}&x=%"), E::InvalidRequest),
        (
            "grant_type=refresh_token&refresh_token=x".to_owned(),
            E::UnsupportedGrantType,
        ),
        (
            "grant_type=password&username=a&password=b".to_owned(),
            E::UnsupportedGrantType,
        ),
        (
            "grant_type=Client_Credentials".to_owned(),
            E::UnsupportedGrantType,
        ),
        (format!("{service_grant}&scope=a++b"), E::InvalidScope),
        (format!("{service_grant}&scope=%22"), E::InvalidScope),
        (
            format!("{service_grant}&expiration_time=0"),
            E::InvalidRequest,
        ),
        (
            format!("{service_grant}&expiration_time=-5"),
            E::InvalidRequest,
        ),
        (
            format!("{service_grant}&expiration_time=1.5"),
            E::InvalidRequest,
        ),
        (
            format!("{service_grant}&expiration_time=99999999999"),
            E::InvalidRequest,
        ),
    ] {
        assert_eq!(code(parse(Some(BASIC), &body)), expected, "{body}");
    }
    assert_eq!(
        code(parse(None, &format!("{CODE}&{POST}&client_id=s6BhdRkqt3"))),
        E::InvalidRequest
    );
}

#[test]
fn c9_unknown_parameters_are_ignored() {
    let body = format!("{CODE}&resource=a&resource=b&audience=x");
    assert!(parse(Some(BASIC), &body).is_ok());
}

#[test]
fn custom_claims_are_refused_by_name_and_not_ignored() {
    for form in [CODE, "grant_type=client_credentials"] {
        let error = parse(Some(BASIC), &format!("{form}&custom_claims=%7B%7D")).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidRequest);
        assert!(
            error
                .description
                .starts_with("custom_claims is not supported")
        );
        assert!(parse(Some(BASIC), &format!("{form}&custom_claims=")).is_ok());
    }
}

#[test]
fn a_client_id_that_is_a_uuid_is_read_in_any_case_rfc_9562_section_4() {
    let client = Client {
        client_id: "67e55044-10b1-426f-9247-bb680e5fe0c8",
        ..client()
    };
    let stored = PresentedSecret::new("right".to_owned()).sha256();
    let body = format!("{CODE}&client_id=67E55044-10B1-426F-9247-BB680E5FE0C8&client_secret=right");
    let request = parse(None, &body).unwrap();
    assert_eq!(request.client.authenticate(&client, Some(&stored)), Ok(()));
    let basic = STANDARD.encode("67E55044-10b1-426F-9247-BB680E5FE0C8:right");
    let body = format!("{CODE}&client_id=67e55044-10b1-426f-9247-bb680e5fe0c8");
    let request = parse(Some(&format!("Basic {basic}")), &body).unwrap();
    assert_eq!(request.client.authenticate(&client, Some(&stored)), Ok(()));
    // Other client ids are random text.
    let swapped = format!("{CODE}&client_id=S6bHDrKQT3&client_secret=right");
    let request = parse(None, &swapped).unwrap();
    assert_eq!(
        request.client.authenticate(&crate::client(), Some(&stored)),
        Err(INVALID_CLIENT)
    );
}

#[test]
fn a_token_lives_as_long_as_the_application_says_or_shorter() {
    let lifetime = |extra: &str| {
        let body = format!("grant_type=client_credentials{extra}");
        parse(Some(BASIC), &body).unwrap().lifetime(&service())
    };
    assert_eq!(lifetime(""), Ok(Seconds::HOUR));
    assert_eq!(lifetime("&expiration_time=3600"), Ok(Seconds::HOUR));
    assert_eq!(lifetime("&expiration_time=1"), Ok(Seconds(1)));
    assert_eq!(
        lifetime("&expiration_time=3601").unwrap_err().code,
        ErrorCode::InvalidRequest
    );
}

#[test]
fn a_client_is_who_it_says_only_with_its_own_secret() {
    let secret = || PresentedSecret::new("right".to_owned());
    let stored = secret().sha256();
    let kinds = [Confidentiality::Confidential, Confidentiality::Public];
    let presented = [None, Some("right"), Some("wrong"), Some("righ"), Some("")];
    for confidentiality in kinds {
        let client = Client {
            confidentiality,
            ..client()
        };
        for client_id in ["s6BhdRkqt3", "another"] {
            for secret in presented {
                for expected in [Some(&stored), None] {
                    let credentials = ClientCredentials {
                        client_id: client_id.to_owned(),
                        secret: secret.map(|secret| PresentedSecret::new(secret.to_owned())),
                        method: ClientAuthMethod::Post,
                    };
                    let proved = match confidentiality {
                        Confidentiality::Confidential => {
                            secret == Some("right") && expected.is_some()
                        }
                        Confidentiality::Public => secret.is_none(),
                    };
                    let answer = credentials.authenticate(&client, expected);
                    assert_eq!(answer.is_ok(), proved && client_id == "s6BhdRkqt3");
                }
            }
        }
    }
}

#[test]
fn debug_output_shows_no_secret() {
    let body = format!("{CODE}&code_verifier={VERIFIER}");
    let shown = format!("{:?}", parse(Some(BASIC), &body).unwrap());
    for secret in ["gX1fBat3bV", "SplxlOBeZQQYbYS6WxSbIA", VERIFIER] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn the_answer_is_that_of_rfc_6749() {
    let mut response = TokenResponse::bearer(
        "token".to_owned(),
        Seconds::HOUR,
        "write read".parse().unwrap(),
    );
    let mut expected = json!({
        "access_token": "token",
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "read write",
    });
    assert_eq!(json!(response), expected);
    response.id_token = Some("id".to_owned());
    expected["id_token"] = json!("id");
    assert_eq!(json!(response), expected);
}

proptest! {
    #[test]
    fn any_secret_survives_the_header(id in "\\PC+", secret in "(?s).+") {
        let encode = |text: &str| {
            url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>()
        };
        let pair = format!("{}:{}", encode(&id), encode(&secret));
        let header = format!("Basic {}", STANDARD.encode(pair));
        let client = parse(Some(&header), CODE).unwrap().client;
        prop_assert_eq!(client.client_id, id);
        prop_assert_eq!(client.secret.as_ref().map(PresentedSecret::expose), Some(&*secret));
    }
}
