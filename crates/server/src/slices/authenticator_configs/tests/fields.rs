//! What an authenticator config may consist of.

use keymoor_types::{TenantId, Timestamp};

use super::*;
use crate::base::error::Error;
use crate::base::refs::TenantRef;
use crate::slices::authenticator_configs::model::{
    AuthenticatorConfigPatch, ConfigBodyPatch, ConfigType,
};

both_apps!(
    wrong_fields_are_named,
    d5_dangerous_urls_are_refused_wherever_they_stand,
    d5_urls_that_can_never_work_are_refused_with_a_hint,
    origins_of_web_views_and_extensions_are_accepted,
    the_type_never_changes,
);

async fn wrong_fields_are_named(test: TestApp) {
    let realm = test.new_realm().await;
    let embedded = |more: Value| {
        let mut config = json!({ "type": "embedded", "invoke_url": "https://a.example" });
        config
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({ "config": config })
    };
    let cases = [
        (json!({}), "config.type", "missing"),
        (
            json!({ "config": { "type": "embedded" } }),
            "config.invoke_url",
            "missing",
        ),
        (
            json!({ "config": { "type": "console" } }),
            "config.type",
            "expected `embedded` or `hosted_web`",
        ),
        (
            json!({ "config": { "type": "hosted_web", "invoke_url": "https://a.example" } }),
            "config.invoke_url",
            "unknown field",
        ),
        (
            embedded(json!({ "invocation_type": "x" })),
            "config.invocation_type",
            "expected `automatic` or `manual`",
        ),
        (
            embedded(json!({ "unheard_of": 1 })),
            "config.unheard_of",
            "unknown field",
        ),
        (
            embedded(json!({ "trusted_origins": ["https://a.example", "https://b.example/"] })),
            "config.trusted_origins[1]",
            "must be an origin: scheme://host[:port]",
        ),
        (
            embedded(json!({ "trusted_origins": "https://a.example" })),
            "config.trusted_origins",
            "expected a sequence",
        ),
        (
            embedded(json!({ "authentication_methods": [] })),
            "config.authentication_methods",
            "empty array",
        ),
        (
            embedded(json!({ "authentication_methods": [{ "type": "sms" }] })),
            "config.authentication_methods[0].type",
            "expected one of `webauthn_passkey`, `software_passkey`, `email_one_time_password`",
        ),
        (
            json!({ "display_name": "", "config": { "type": "hosted_web" } }),
            "display_name",
            "empty string",
        ),
        (
            json!({ "display_name": "a\u{202e}b", "config": { "type": "hosted_web" } }),
            "display_name",
            "must not contain control or bidirectional characters",
        ),
    ];
    for (config, field, description) in cases {
        let found = violation(&create(&test, realm, config.clone()).await);
        assert_eq!(
            found,
            (
                format!("authenticator_config.{field}"),
                description.to_owned()
            ),
            "{config}"
        );
    }
    let listed = test
        .manage(Method::GET, &list_path(&test, realm), None)
        .await
        .ok();
    assert_eq!(
        listed,
        json!({ "authenticator_configs": [], "total_size": 0 })
    );
}

async fn d5_dangerous_urls_are_refused_wherever_they_stand(test: TestApp) {
    let (path, made) = one(&test).await;
    for wrong in [
        "javascript:alert(1)",
        "data:text/html,x",
        "blob:https://a/x",
        "file:///etc",
        "vbscript:x",
        "about:blank",
        "view-source:https://a",
        "filesystem:https://a/x",
        "jar:https://a!/x",
        "intent://a#Intent;end",
        "ms-settings:privacy",
        "chrome://settings",
        "mailto:a@b.example",
        "tel:112",
        "ws://a.example",
        "ftp://a.example",
        "https://user@host/",
        "/relative",
        "https://a/\n",
        "",
    ] {
        let refused = change(&test, &path, json!({ "config": { "invoke_url": wrong } })).await;
        assert_eq!(
            violation(&refused).0,
            "authenticator_config.config.invoke_url",
            "{wrong}"
        );
        let refused = change(
            &test,
            &path,
            json!({ "config": { "trusted_origins": [wrong] } }),
        )
        .await;
        assert_eq!(
            violation(&refused).0,
            "authenticator_config.config.trusted_origins[0]",
            "{wrong}"
        );
    }
    assert_eq!(test.manage(Method::GET, &path, None).await.ok(), made);
}

async fn d5_urls_that_can_never_work_are_refused_with_a_hint(test: TestApp) {
    let (path, made) = one(&test).await;
    let scheme = "must start with https:// or http://: without it, the host is read as the scheme";
    let wildcard = "must not contain a wildcard (*): list each URL or origin";
    for (wrong, hint) in [
        ("localhost:3000", scheme),
        ("app.example.com:443", scheme),
        ("https://*.example.com", wildcard),
        ("https://app.example.com/*", wildcard),
    ] {
        for (name, setting, hint) in [
            ("invoke_url", json!(wrong), hint),
            (
                "trusted_origins",
                json!([wrong]),
                if wrong.ends_with("/*") {
                    "must be an origin: scheme://host[:port]"
                } else {
                    hint
                },
            ),
        ] {
            let refused = change(&test, &path, json!({ "config": { name: setting } })).await;
            let (field, description) = violation(&refused);
            assert!(field.contains(name), "{field}");
            assert_eq!(description, hint, "{name} {wrong}");
        }
    }
    assert_eq!(test.manage(Method::GET, &path, None).await.ok(), made);
}

async fn origins_of_web_views_and_extensions_are_accepted(test: TestApp) {
    let (path, _) = one(&test).await;
    let origins = json!([
        "capacitor://localhost",
        "ionic://localhost",
        "tauri://localhost",
        "http://tauri.localhost",
        "chrome-extension://ponmlkjihgfedcbaponmlkjihgfedcba",
        "moz-extension://6f2a4c1e-9b0d-4f8e-8a55-0d2f1b7c3e90",
        "safari-web-extension://E5A0C1D2-0B1C-4D5E-8F90-123456789ABC",
    ]);
    let changed = change(
        &test,
        &path,
        json!({ "config": { "trusted_origins": origins } }),
    )
    .await;
    assert_eq!(changed.ok()["config"]["trusted_origins"], origins);
    for wrong in [
        "capacitor://localhost/",
        "capacitor://",
        "chrome-extension:x",
        "null",
    ] {
        let refused = change(
            &test,
            &path,
            json!({ "config": { "trusted_origins": [wrong] } }),
        )
        .await;
        assert_eq!(
            violation(&refused).0,
            "authenticator_config.config.trusted_origins[0]",
            "{wrong}"
        );
    }
}

async fn the_type_never_changes(test: TestApp) {
    let (path, _) = one(&test).await;
    let refused = change(&test, &path, json!({ "config": { "type": "hosted_web" } })).await;
    let expected = (
        "authenticator_config.config.type".to_owned(),
        "cannot be changed".to_owned(),
    );
    assert_eq!(violation(&refused), expected);
}

#[test]
fn a_refused_change_names_everything_that_is_wrong() {
    let patch = AuthenticatorConfigPatch {
        display_name: Some(String::new()),
        config: ConfigBodyPatch {
            kind: Some(ConfigType::Embedded),
            invoke_url: Some("javascript:1".to_owned()),
            trusted_origins: Some(vec!["x".to_owned(), "null".to_owned()]),
            ..ConfigBodyPatch::default()
        },
    };
    let made = AuthenticatorConfig::new(
        TenantRef {
            tenant_id: TenantId::from_i64(1),
        }
        .realm_id(RealmId::from_i64(1)),
        "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap(),
        patch,
        Timestamp::from_seconds(0),
    );
    let Err(Error::Invalid(violations)) = made else {
        panic!("{made:?}");
    };
    let fields: Vec<_> = violations
        .iter()
        .map(|wrong| wrong.field.as_str())
        .collect();
    assert_eq!(
        fields,
        [
            "authenticator_config.display_name",
            "authenticator_config.config.invoke_url",
            "authenticator_config.config.trusted_origins[0]",
            "authenticator_config.config.trusted_origins[1]",
        ]
    );
}
