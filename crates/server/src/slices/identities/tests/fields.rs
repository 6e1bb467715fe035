//! What an identity may consist of.

use serde_json::Map;

use super::*;

both_apps!(
    an_identity_with_every_trait_is_kept_as_given,
    e2_usernames_are_unique_in_a_realm_ignoring_case_and_form,
    a_conflict_says_that_the_username_already_exists,
    d10_wrong_fields_are_all_named_and_change_nothing,
);

/// Every optional trait of version 0 that is neither an address nor a URL.
const PLAIN_TRAITS: [&str; 27] = [
    "external_id",
    "family_name",
    "given_name",
    "formatted_name",
    "middle_name",
    "honorific_prefix",
    "honorific_suffix",
    "nick_name",
    "title",
    "primary_phone",
    "secondary_phone",
    "preferred_language",
    "locale",
    "timezone",
    "formatted_address",
    "street_address",
    "locality",
    "region",
    "postal_code",
    "country",
    "user_type",
    "employee_number",
    "cost_center",
    "organization",
    "division",
    "department",
    "manager_name",
];

async fn an_identity_with_every_trait_is_kept_as_given(test: TestApp) {
    let mut given: Map<String, Value> = PLAIN_TRAITS
        .iter()
        .map(|name| ((*name).to_owned(), json!(format!("some {name}"))))
        .collect();
    for (name, value) in [
        ("type", "traits_v0"),
        ("username", "ada@example.com"),
        ("primary_email_address", "ada@example.com"),
        ("secondary_email_address", "ada@example.org"),
        ("profile_url", "https://example.com/~ada"),
        ("photo", "https://example.com/ada.png"),
        ("manager_id", "8f5bec58229e6f29"),
    ] {
        given.insert(name.to_owned(), value.into());
    }
    let made = create(&test, json!({ "display_name": "Ada", "traits": given }))
        .await
        .ok();
    assert_eq!(made["traits"], Value::Object(given));
    let at = path(&test, &format!("/{}", made["id"].as_str().unwrap()));
    assert_eq!(read(&test, &at).await.ok(), made);
}

async fn e2_usernames_are_unique_in_a_realm_ignoring_case_and_form(test: TestApp) {
    let ada = at_new(&test, "Ada").await;
    let bob = at_new(&test, "bob").await;
    for same in ["ada", "ADA", "Ａda"] {
        let refused = create(
            &test,
            json!({ "display_name": "x", "traits": traits(same) }),
        )
        .await
        .refused(409);
        assert_eq!(refused["message"], "username already exists");
        patch(&test, &bob, json!({ "traits": traits(same) }))
            .await
            .refused(409);
    }
    let respelled = patch(&test, &ada, json!({ "traits": traits("ADA") }))
        .await
        .ok();
    assert_eq!(respelled["traits"]["username"], "ADA");
    assert_eq!(list(&test, "").await["total_size"], 3);
}

async fn a_conflict_says_that_the_username_already_exists(test: TestApp) {
    at_new(&test, "ada").await;
    let bob = at_new(&test, "bob").await;
    let new = json!({ "display_name": "x", "traits": traits("ada") });
    for refused in [
        create(&test, new).await,
        patch(&test, &bob, json!({ "traits": traits("ada") })).await,
    ] {
        let body = refused.refused(409);
        assert_eq!(body["message"], "username already exists");
        assert_eq!(body["details"][0]["resource_type"], "Identity");
        assert_eq!(body["details"][0]["description"], "duplicate");
    }
}

async fn d10_wrong_fields_are_all_named_and_change_nothing(test: TestApp) {
    let at = at_new(&test, "ada").await;
    let before = read(&test, &at).await.ok();
    let everything = json!({
        "display_name": "a<b",
        "traits": {
            "type": "traits_v0",
            "username": "",
            "title": "a\nb",
            "primary_email_address": "nobody",
            "photo": "javascript:alert(1)",
        },
    });
    let all = [
        "identity.display_name",
        "identity.traits.username",
        "identity.traits.primary_email_address",
        "identity.traits.title",
        "identity.traits.photo",
    ];
    assert_eq!(violated(&create(&test, everything.clone()).await), all);
    assert_eq!(violated(&patch(&test, &at, everything).await), all);
    for (wrong, field) in [
        (
            json!({ "traits": { "username": "x".repeat(65) } }),
            "identity.traits.username",
        ),
        (
            json!({ "traits": { "title": "x".repeat(301) } }),
            "identity.traits.title",
        ),
        (
            json!({ "traits": { "external_id": "\u{0}" } }),
            "identity.traits.external_id",
        ),
        (
            json!({ "traits": { "type": null } }),
            "identity.traits.type",
        ),
        (
            json!({ "traits": { "type": "traits_v1" } }),
            "identity.traits.type",
        ),
        (json!({ "traits": { "age": "7" } }), "identity.traits.age"),
        (json!({ "traits": { "title": 7 } }), "identity.traits.title"),
        (json!({ "status": "gone" }), "identity.status"),
        (json!({ "password": "x" }), "identity.password"),
    ] {
        let mut identity = json!({ "display_name": "x", "traits": traits("x") });
        for (name, value) in wrong.as_object().unwrap() {
            match value.as_object() {
                Some(members) => identity[name]
                    .as_object_mut()
                    .unwrap()
                    .extend(members.clone()),
                None => identity[name] = value.clone(),
            }
        }
        assert_eq!(violated(&create(&test, identity.clone()).await), [field]);
        assert_eq!(violated(&patch(&test, &at, identity).await), [field]);
    }
    for (identity, field) in [
        (json!({ "traits": traits("x") }), "identity.display_name"),
        (json!({ "display_name": "x" }), "identity.traits"),
        (
            json!({ "display_name": "x", "traits": only("title", "x") }),
            "identity.traits.username",
        ),
    ] {
        assert_eq!(violated(&create(&test, identity).await), [field]);
    }
    assert_eq!(read(&test, &at).await.ok(), before);
    assert_eq!(list(&test, "").await["total_size"], 2);
}
