//! Identities over HTTP, on both databases.

use axum::body::Body;
use axum::http::{Method, Request};
use keymoor_types::{BindingJobId, IdentityId, Seconds};
use serde_json::{Map, Value, json};

use crate::base::error::Error;
use crate::base::scope;
use crate::slices::events::EventKind;
use crate::testing::{Answer, TestApp, both_apps, without_ids};

both_apps!(
    an_identity_with_every_trait_is_kept_as_given,
    an_identity_is_created_as_published,
    d3_a_body_sent_as_text_is_read_and_a_form_is_not,
    e2_usernames_are_unique_in_a_realm_ignoring_case_and_form,
    d10_wrong_fields_are_all_named_and_change_nothing,
    a_patch_changes_what_it_names_and_says_so_in_the_log,
    patches_at_the_same_time_keep_each_others_traits,
    e3_lists_count_and_page,
    filters_find_by_each_attribute,
    enrollment_follows_passkeys_then_jobs,
    deleting_takes_passkeys_and_jobs_along,
    a10_an_administrators_address_is_changed_only_by_who_can_do_everything,
    another_realms_and_tenants_identities_are_out_of_reach,
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

fn path(test: &TestApp, rest: &str) -> String {
    test.realm_path(&format!("/identities{rest}"))
}

fn traits(username: &str) -> Value {
    json!({ "type": "traits_v0", "username": username })
}

/// `{"type": …, name: value}`: a change of one trait.
fn only(name: &str, value: impl Into<Value>) -> Value {
    let mut traits = json!({ "type": "traits_v0" });
    traits[name] = value.into();
    traits
}

async fn create(test: &TestApp, identity: Value) -> Answer {
    test.manage(
        Method::POST,
        &path(test, ""),
        Some(json!({ "identity": identity })),
    )
    .await
}

async fn new_identity(test: &TestApp, username: &str) -> Value {
    create(
        test,
        json!({ "display_name": username, "traits": traits(username) }),
    )
    .await
    .ok()
}

/// The path of a new identity.
async fn at_new(test: &TestApp, username: &str) -> String {
    let id = new_identity(test, username).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    path(test, &format!("/{id}"))
}

async fn patch(test: &TestApp, at: &str, identity: Value) -> Answer {
    test.manage(Method::PATCH, at, Some(json!({ "identity": identity })))
        .await
}

async fn read(test: &TestApp, at: &str) -> Answer {
    test.manage(Method::GET, at, None).await
}

async fn list(test: &TestApp, query: &str) -> Value {
    read(test, &path(test, query)).await.ok()
}

fn usernames(list: &Value) -> Vec<&str> {
    let identities = list["identities"].as_array().unwrap();
    identities
        .iter()
        .map(|identity| identity["traits"]["username"].as_str().unwrap())
        .collect()
}

fn violated(answer: &Answer) -> Vec<String> {
    let refused = answer.refused(400);
    let violations = refused["details"][0]["field_violations"]
        .as_array()
        .unwrap();
    violations
        .iter()
        .map(|violation| violation["field"].as_str().unwrap().to_owned())
        .collect()
}

/// Runs a statement whose `$1` is the tenant and `$2` the identity.
async fn tamper(test: &TestApp, sql: &'static str, at: &str) {
    let tenant = test.made.tenant.id;
    let identity: IdentityId = at.rsplit_once('/').unwrap().1.parse().unwrap();
    let changed = test
        .app
        .db
        .write(async move |tx| Ok::<_, Error>(tx.exec(sql, &[&tenant, &identity]).await?));
    assert_eq!(changed.await.unwrap(), 1);
}

/// Makes a binding job; its path.
async fn job(test: &TestApp, at: &str) -> String {
    let config = test.made.console_config.id;
    let body = json!({ "job": { "delivery_method": "RETURN", "authenticator_config_id": config } });
    let jobs = format!("{at}/credential-binding-jobs");
    let made = test.manage(Method::POST, &jobs, Some(body)).await.ok();
    let id: BindingJobId = made["credential_binding_job"]["id"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    format!("{jobs}/{id}")
}

async fn enrollment(test: &TestApp, at: &str) -> String {
    let one = read(test, at).await.ok()["enrollment_status"]
        .as_str()
        .unwrap()
        .to_owned();
    let (_, id) = at.rsplit_once('/').unwrap();
    let page = list(test, &format!("?filter=id%20eq%20%22{id}%22")).await;
    assert_eq!(page["identities"][0]["enrollment_status"], one.as_str());
    one
}

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

async fn an_identity_is_created_as_published(test: TestApp) {
    let nulls = json!({ "type": "traits_v0", "username": "test", "primary_email_address": "test@example.com",
        "title": null, "region": "" });
    let made = create(
        &test,
        json!({ "id": "ignored", "enrollment_status": "ENROLLED",
        "display_name": "Test Identity", "traits": nulls }),
    )
    .await
    .ok();
    assert_eq!(
        without_ids(made),
        json!({
            "id": "[id]",
            "realm_id": "[realm_id]",
            "tenant_id": "[tenant_id]",
            "display_name": "Test Identity",
            "status": "active",
            "enrollment_status": "UNENROLLED",
            "traits": {
                "type": "traits_v0",
                "username": "test",
                "primary_email_address": "test@example.com"
            },
            "create_time": "2026-01-01T00:00:00.000Z",
            "update_time": "2026-01-01T00:00:00.000Z"
        })
    );
    let suspended = json!({ "display_name": "S", "status": "suspended", "traits": traits("s") });
    assert_eq!(create(&test, suspended).await.ok()["status"], "suspended");
}

async fn d3_a_body_sent_as_text_is_read_and_a_form_is_not(test: TestApp) {
    let body = json!({ "identity": { "display_name": "t", "traits": traits("t") } }).to_string();
    let token = test.token(scope::ALL).await;
    for (content_type, status) in [
        ("text/plain;charset=UTF-8", 200),
        ("application/x-www-form-urlencoded", 415),
    ] {
        let request = Request::post(path(&test, ""))
            .header("authorization", format!("Bearer {}", token.expose()))
            .header("content-type", content_type)
            .body(Body::from(body.clone()));
        assert_eq!(test.management(request.unwrap()).await.status, status);
    }
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

async fn a_patch_changes_what_it_names_and_says_so_in_the_log(test: TestApp) {
    let at = at_new(&test, "ada").await;
    test.clock.advance(Seconds(1));
    let nothing = json!({ "id": "ignored", "traits": only("title", Value::Null) });
    let untouched = patch(&test, &at, nothing).await.ok();
    assert_eq!(untouched["update_time"], "2026-01-01T00:00:00.000Z");

    let mut more = only("title", "Countess");
    more["external_id"] = "1815".into();
    let changed = patch(
        &test,
        &at,
        json!({ "display_name": "Ada L.", "traits": more }),
    )
    .await
    .ok();
    assert_eq!(changed["display_name"], "Ada L.");
    more["username"] = "ada".into();
    assert_eq!(changed["traits"], more);
    assert_eq!(changed["create_time"], "2026-01-01T00:00:00.000Z");
    assert_eq!(changed["update_time"], "2026-01-01T00:00:01.000Z");

    test.clock.advance(Seconds(1));
    let less = json!({ "status": "suspended", "traits": only("title", "") });
    let suspended = patch(&test, &at, less).await.ok();
    assert_eq!(suspended["status"], "suspended");
    more.as_object_mut().unwrap().remove("title");
    assert_eq!(suspended["traits"], more);
    assert_eq!(read(&test, &at).await.ok(), suspended);

    assert_eq!(
        test.outcomes(EventKind::IdentityChange).await,
        ["CREATED", "UPDATED", "UPDATED"]
    );
    let sql = "SELECT details FROM events WHERE outcome = 'UPDATED' ORDER BY created_at";
    let details: Vec<String> = test
        .app
        .db
        .read(async |rx| Ok::<_, Error>(rx.all(sql, &[]).await?))
        .await
        .unwrap();
    assert_eq!(
        details,
        [
            r#"{"fields":["display_name","traits.external_id","traits.title"]}"#,
            r#"{"fields":["status","traits.title"]}"#,
        ]
    );
}

async fn patches_at_the_same_time_keep_each_others_traits(test: TestApp) {
    let at = at_new(&test, "ada").await;
    let set = |name: &'static str| {
        let (test, at) = (&test, &at);
        async move {
            patch(test, at, json!({ "traits": only(name, "set") }))
                .await
                .ok()
        }
    };
    tokio::join!(
        set("title"),
        set("region"),
        set("country"),
        set("locale"),
        set("division"),
        set("department")
    );
    let traits = read(&test, &at).await.ok()["traits"].take();
    for name in [
        "title",
        "region",
        "country",
        "locale",
        "division",
        "department",
    ] {
        assert_eq!(traits[name], "set", "{name}");
    }
}

async fn e3_lists_count_and_page(test: TestApp) {
    for username in ["ada", "bob", "eve"] {
        test.clock.advance(Seconds(1));
        new_identity(&test, username).await;
    }
    let all = list(&test, "").await;
    assert_eq!(
        (usernames(&all), &all["total_size"]),
        (vec!["admin", "ada", "bob", "eve"], &json!(4))
    );
    assert!(all.get("next_page_token").is_none());
    let first = list(&test, "?page_size=2").await;
    assert_eq!(
        (usernames(&first), &first["total_size"]),
        (vec!["admin", "ada"], &json!(4))
    );
    let token = first["next_page_token"].as_str().unwrap();
    let second = list(&test, &format!("?page_token={token}")).await;
    assert_eq!(
        (usernames(&second), &second["total_size"]),
        (vec!["bob", "eve"], &json!(4))
    );
    assert!(second.get("next_page_token").is_none());
    assert_eq!(
        usernames(&list(&test, "?skip=1&page_size=2").await),
        ["ada", "bob"]
    );
}

async fn filters_find_by_each_attribute(test: TestApp) {
    for (name, username) in [("Ada", "ada"), ("Ada", "lovelace"), ("Bob", "bob")] {
        test.clock.advance(Seconds(1));
        let mut traits = traits(username);
        traits["external_id"] = format!("x-{username}").into();
        traits["primary_email_address"] = format!("{username}@example.com").into();
        create(&test, json!({ "display_name": name, "traits": traits }))
            .await
            .ok();
    }
    let ada = list(&test, "?skip=1&page_size=1").await["identities"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for (attribute, value, found) in [
        ("id", ada.as_str(), vec!["ada"]),
        ("id", "nonsense", vec![]),
        ("display_name", "Ada", vec!["ada", "lovelace"]),
        ("traits.username", "BOB", vec!["bob"]),
        ("username", "bob", vec!["bob"]),
        ("traits.external_id", "x-ada", vec!["ada"]),
        (
            "traits.primary_email_address",
            "bob@example.com",
            vec!["bob"],
        ),
        ("traits.primary_email_address", "eve@example.com", vec![]),
    ] {
        let page = list(&test, &format!("?filter={attribute}%20eq%20%22{value}%22")).await;
        assert_eq!(
            (usernames(&page), &page["total_size"]),
            (found.clone(), &json!(found.len())),
            "{attribute}"
        );
    }
    let first = list(&test, "?page_size=1&filter=display_name%20eq%20%22Ada%22").await;
    assert_eq!(
        (usernames(&first), &first["total_size"]),
        (vec!["ada"], &json!(2))
    );
    let token = first["next_page_token"].as_str().unwrap();
    let second = list(&test, &format!("?page_token={token}")).await;
    assert_eq!(
        (usernames(&second), &second["total_size"]),
        (vec!["lovelace"], &json!(2))
    );
    let refused = read(&test, &path(&test, "?filter=status%20eq%20%22active%22")).await;
    assert_eq!(violated(&refused), ["filter"]);
    let zero_byte = read(
        &test,
        &path(&test, "?filter=display_name%20eq%20%22%5Cu0000%22"),
    )
    .await;
    assert_eq!(violated(&zero_byte), ["filter"]);
}

async fn enrollment_follows_passkeys_then_jobs(test: TestApp) {
    let at = at_new(&test, "ada").await;
    assert_eq!(enrollment(&test, &at).await, "UNENROLLED");
    let pending = job(&test, &at).await;
    assert_eq!(enrollment(&test, &at).await, "PENDING");
    let fail = "UPDATE binding_jobs SET state = 'FAILED_TO_SEND' WHERE tenant_id = $1 AND identity_id = $2";
    tamper(&test, fail, &at).await;
    assert_eq!(enrollment(&test, &at).await, "INVITE_FAILED");
    test.manage(Method::POST, &format!("{pending}:revoke"), None)
        .await
        .ok();
    assert_eq!(enrollment(&test, &at).await, "UNENROLLED");
    job(&test, &at).await;
    test.clock.advance(Seconds::DAY.times(7));
    assert_eq!(enrollment(&test, &at).await, "UNENROLLED");
    let (_, id) = at.rsplit_once('/').unwrap();
    let credential = test.bind_passkey(id).await;
    job(&test, &at).await;
    assert_eq!(enrollment(&test, &at).await, "ENROLLED");
    test.manage(
        Method::POST,
        &format!("{at}/credentials/{credential}:revoke"),
        None,
    )
    .await
    .ok();
    assert_eq!(enrollment(&test, &at).await, "PENDING");
}

async fn deleting_takes_passkeys_and_jobs_along(test: TestApp) {
    let at = at_new(&test, "ada").await;
    let (_, id) = at.rsplit_once('/').unwrap();
    let credential = test.bind_passkey(id).await;
    test.clock.advance(Seconds(1));
    let gone = test.manage(Method::DELETE, &at, None).await;
    assert_eq!((gone.status.as_u16(), gone.text.as_str()), (200, ""));
    assert_eq!(
        read(&test, &at).await.refused(404)["message"],
        "identity not found"
    );
    test.manage(Method::DELETE, &at, None).await.refused(404);
    read(&test, &format!("{at}/credentials/{credential}"))
        .await
        .refused(404);
    assert_eq!(
        read(&test, &path(&test, "/-/credentials")).await.ok()["total_size"],
        0
    );
    assert_eq!(
        read(&test, &path(&test, "/-/credential-binding-jobs"))
            .await
            .ok()["total_size"],
        0
    );
    assert_eq!(list(&test, "").await["total_size"], 1);
    assert_eq!(
        test.outcomes(EventKind::IdentityChange).await,
        ["CREATED", "DELETED"]
    );
    new_identity(&test, "ada").await;
}

async fn a10_an_administrators_address_is_changed_only_by_who_can_do_everything(test: TestApp) {
    let update = ["identities:update"];
    let address =
        |address: &str| json!({ "identity": { "traits": only("primary_email_address", address) } });
    let admin = path(&test, &format!("/{}", test.made.administrator.id));
    for other in ["mallory@example.com", ""] {
        test.manage_as(&update, Method::PATCH, &admin, Some(address(other)))
            .await
            .refused(403);
    }
    assert_eq!(
        read(&test, &admin).await.ok()["traits"]["primary_email_address"],
        "admin@example.com"
    );
    test.manage_as(
        &update,
        Method::PATCH,
        &admin,
        Some(address("admin@example.com")),
    )
    .await
    .ok();
    let renamed = json!({ "identity": { "display_name": "Root" } });
    test.manage_as(&update, Method::PATCH, &admin, Some(renamed))
        .await
        .ok();
    test.manage(Method::PATCH, &admin, Some(address("root@example.com")))
        .await
        .ok();

    let realms = format!("/v1/tenants/{}/realms", test.made.tenant.id);
    let realm = test
        .manage(
            Method::POST,
            &realms,
            Some(json!({ "realm": { "display_name": "Shop" } })),
        )
        .await
        .ok();
    let shop = format!("{realms}/{}/identities", realm["id"].as_str().unwrap());
    let body = json!({ "identity": { "display_name": "ada", "traits": traits("ada") } });
    let ada = test.manage(Method::POST, &shop, Some(body)).await.ok();
    let ada = format!("{shop}/{}", ada["id"].as_str().unwrap());
    test.manage_as(
        &update,
        Method::PATCH,
        &ada,
        Some(address("ada@example.com")),
    )
    .await
    .ok();
}

async fn another_realms_and_tenants_identities_are_out_of_reach(test: TestApp) {
    let other = test.other_tenant().await;
    let realms = format!("/v1/tenants/{}/realms", test.made.tenant.id);
    let shop = test
        .manage(
            Method::POST,
            &realms,
            Some(json!({ "realm": { "display_name": "Shop" } })),
        )
        .await
        .ok();
    let shop = format!("{realms}/{}/identities", shop["id"].as_str().unwrap());
    let rename = json!({ "identity": { "display_name": "Mine" } });
    for at in [
        format!("{shop}/{}", test.made.administrator.id),
        path(&test, &format!("/{}", other.administrator.id)),
        path(&test, "/nonsense"),
    ] {
        assert_eq!(
            read(&test, &at).await.refused(404)["details"][0]["resource_type"],
            "Identity"
        );
        test.manage(Method::PATCH, &at, Some(rename.clone()))
            .await
            .refused(404);
        test.manage(Method::DELETE, &at, None).await.refused(404);
    }
    assert_eq!(read(&test, &shop).await.ok()["total_size"], 0);

    let new = json!({ "identity": { "display_name": "x", "traits": traits("x") } });
    let mixed = format!("{realms}/{}/identities", other.realm.id);
    assert_eq!(
        read(&test, &mixed).await.refused(404)["message"],
        "realm not found"
    );
    let refused = test
        .manage(Method::POST, &mixed, Some(new.clone()))
        .await
        .refused(404);
    assert_eq!(refused["message"], "realm not found");

    let theirs = format!(
        "/v1/tenants/{}/realms/{}/identities",
        other.tenant.id, other.realm.id
    );
    let their_admin = format!("{theirs}/{}", other.administrator.id);
    for (method, at, body) in [
        (Method::POST, &theirs, Some(new)),
        (Method::GET, &theirs, None),
        (Method::GET, &their_admin, None),
        (Method::PATCH, &their_admin, Some(rename)),
        (Method::DELETE, &their_admin, None),
    ] {
        test.manage(method, at, body).await.refused(403);
    }
}
