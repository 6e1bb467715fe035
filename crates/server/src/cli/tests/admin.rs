//! `keymoor admin credentials rotate` and `keymoor admin link`.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keymoor_testkit::SoftwareKey;
use keymoor_types::Seconds;
use serde_json::json;

use super::*;
use crate::base::limits::LimitSettings;

both_places!(
    e4_a_rotated_secret_replaces_the_old_one_on_a_running_server,
    tokens_of_the_management_client_last_an_hour_unless_the_settings_say_otherwise,
    an_administrator_whose_passkey_is_lost_gets_a_link_from_the_operator,
    a_link_is_for_the_administrator_that_the_operator_names,
    a_leaked_secret_is_rotated_with_its_tokens,
);

impl Place {
    async fn rotate(&self, flags: &[&str]) -> Outcome<String> {
        let line = [&["admin", "credentials", "rotate"], flags].concat();
        let Command::Admin(Admin::Credentials(Credentials::Rotate(rotate))) = parse(&line) else {
            unreachable!("that is what was parsed");
        };
        Box::pin(crate::cli::admin::rotate(self.config(), rotate)).await
    }

    async fn link(&self, flags: &[&str]) -> Outcome<String> {
        let Command::Admin(Admin::Link(link)) = parse(&[&["admin", "link"], flags].concat()) else {
            unreachable!("that is what was parsed");
        };
        Box::pin(crate::cli::admin::link(self.config(), link)).await
    }

    async fn outcomes(&self, kind: &'static str) -> Vec<(String, String)> {
        let events = self
            .ask::<(String, String, String)>("SELECT kind, outcome, actor FROM events")
            .await;
        let of_kind = events.into_iter().filter(|(its, _, _)| its == kind);
        of_kind
            .map(|(_, outcome, actor)| (outcome, actor))
            .collect()
    }
}

/// What the server answers to the client that these texts of `management` describe.
async fn ask_for_token(server: &Server, management: &Value) -> (String, Value) {
    let text = |name: &str| management[name].as_str().unwrap();
    let credentials = format!("{}:{}", text("client_id"), text("client_secret"));
    let basic = format!("Basic {}", STANDARD.encode(credentials));
    let path = text("token_endpoint")
        .strip_prefix("http://localhost:8021")
        .unwrap();
    let form = "grant_type=client_credentials";
    let (status, body) = send(server.addresses[0], "POST", path, &basic, form).await;
    (status, serde_json::from_str(&body).unwrap())
}

/// Binds a software key by a link.
async fn bind(server: &Server, link: &str) {
    let (job, token) = link.split_once(":invokeAuthenticator?token=").unwrap();
    let path = job.strip_prefix("http://localhost:8021").unwrap();
    let ids: Vec<&str> = path.split('/').collect();
    let [_, _, _, tenant, _, realm, _, identity, ..] = ids[..] else {
        panic!("{path}");
    };
    let subject = format!("CN={identity}, OU={realm}, O={tenant}");
    let proof = SoftwareKey::generate().binding_jws(&subject, token);
    let body = json!({ "type": "JWT", "raw": proof }).to_string();
    let bearer = format!("Bearer {token}");
    let (path, address) = (format!("{path}:bind"), server.addresses[0]);
    let (status, body) = send(address, "POST", &path, &bearer, &body).await;
    assert_eq!(status, "HTTP/1.1 200 OK", "{body}");
}

async fn e4_a_rotated_secret_replaces_the_old_one_on_a_running_server(place: Place) {
    let old = place.init().await.unwrap()["management"].take();
    let patient = Config {
        limits: LimitSettings::unlimited(),
        ..place.config()
    };
    let server = Server::start(patient).await.unwrap();
    assert_eq!(ask_for_token(&server, &old).await.0, "HTTP/1.1 200 OK");
    let printed = place.rotate(&["--json"]).await.unwrap();
    let mut printed: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(printed["previous_secret_expires_at"], Value::Null);
    let new = printed["management"].take();
    let keys = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(&new), keys(&old));
    assert_ne!(new["client_secret"], old["client_secret"]);
    let known = async {
        while ask_for_token(&server, &new).await.0 != "HTTP/1.1 200 OK" {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    // It takes five seconds; a busy machine is given more.
    tokio::time::timeout(Duration::from_mins(1), known)
        .await
        .unwrap();
    let (status, body) = ask_for_token(&server, &old).await;
    assert_eq!(status, "HTTP/1.1 401 Unauthorized");
    assert_eq!(body["error"], "invalid_client");
    server.stop().await.unwrap();
    assert_eq!(place.init().await.unwrap()["management"], new);
    let rotated = ("SECRET_ROTATED".to_owned(), "system".to_owned());
    assert_eq!(place.outcomes("ApplicationOperation").await, [rotated]);

    let text = place.rotate(&["--overlap", "600"]).await.unwrap();
    assert!(text.contains("\n  Client secret         "), "{text}");
    assert!(text.contains("\nThe old secret works until 2"), "{text}");
    let error = place.rotate(&["--tenant", "0000000000000000"]).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("not found"), "{error}");
}

async fn tokens_of_the_management_client_last_an_hour_unless_the_settings_say_otherwise(
    place: Place,
) {
    let hour = place.init().await.unwrap()["management"].take();
    let published = Config {
        management_token_lifetime: Seconds::DAY.times(90),
        ..place.config()
    };
    let line = [
        "admin",
        "tenants",
        "create",
        "--json",
        "--display-name",
        "Acme",
    ];
    let Command::Admin(Admin::Tenants(Tenants::Create {
        display_name,
        admin,
        json,
    })) = parse(&line)
    else {
        unreachable!("that is what was parsed");
    };
    let made = Box::pin(handover::create_tenant(
        published,
        display_name,
        admin,
        json,
    ))
    .await;
    let mut made: Value = serde_json::from_str(&made.unwrap()).unwrap();
    let ninety_days = made["management"].take();
    let server = Server::start(place.config()).await.unwrap();
    for (client, seconds) in [(&hour, 3_600), (&ninety_days, 7_776_000)] {
        assert_eq!(
            ask_for_token(&server, client).await.1["expires_in"],
            seconds
        );
    }
    server.stop().await.unwrap();
    let tenant = made["tenant_id"].as_str().unwrap();
    let flags = ["--json", "--tenant", tenant, "--token-seconds", "600"];
    let mut rotated: Value = serde_json::from_str(&place.rotate(&flags).await.unwrap()).unwrap();
    let server = Server::start(place.config()).await.unwrap();
    let (_, token) = ask_for_token(&server, &rotated["management"].take()).await;
    assert_eq!(token["expires_in"], 600);
    server.stop().await.unwrap();
}

async fn an_administrator_whose_passkey_is_lost_gets_a_link_from_the_operator(place: Place) {
    let link = place.init().await.unwrap()["admin_binding_link"].take();
    let server = Server::start(place.config()).await.unwrap();
    bind(&server, link.as_str().unwrap()).await;
    let again = init_text(place.config(), &["init"]).await.unwrap();
    assert!(again.contains("run `keymoor admin link`"), "{again}");
    assert!(place.init().await.unwrap()["admin_binding_link"].is_null());

    let status = async |link: &str| {
        let path = link.strip_prefix("http://localhost:8021").unwrap();
        get(server.addresses[0], path).await.0
    };
    let text = place.link(&[]).await.unwrap();
    let mut lines = text.lines();
    let heading = lines.next().unwrap();
    assert!(heading.contains("passkey of admin (identity "), "{heading}");
    let first = lines.next().unwrap();
    assert_eq!(status(first).await, "HTTP/1.1 302 Found");
    let printed: Value = serde_json::from_str(&place.link(&["--json"]).await.unwrap()).unwrap();
    let second = printed["admin_binding_link"].as_str().unwrap();
    assert_eq!(status(second).await, "HTTP/1.1 302 Found");
    assert_ne!(status(first).await, "HTTP/1.1 302 Found");
    server.stop().await.unwrap();
    let created = ("LINK_CREATED".to_owned(), "system".to_owned());
    let recorded = place.outcomes("AdministratorRecovery").await;
    assert_eq!(recorded, [created.clone(), created]);

    let suspend = async |tx: &mut Tx| {
        let sql = "UPDATE identities SET status = 'suspended'";
        Ok::<_, Error>(tx.exec(sql, &()).await?)
    };
    place.db.write(suspend).await.unwrap();
    let error = place.link(&[]).await.unwrap_err().to_string();
    assert!(error.contains("has no active identity"), "{error}");
}

async fn a_link_is_for_the_administrator_that_the_operator_names(place: Place) {
    place.init().await.unwrap();
    let copy = async |tx: &mut Tx| {
        let sql = "INSERT INTO identities (tenant_id, realm_id, identity_id, display_name, status, username,
              folded_username, traits, user_handle, created_at, updated_at)
            SELECT tenant_id, realm_id, identity_id + 1, display_name, status, 'Bea', 'bea',
              REPLACE(traits, 'admin', 'Bea'), user_handle, created_at, updated_at FROM identities";
        Ok::<_, Error>(tx.exec(sql, &()).await?)
    };
    assert_eq!(place.db.write(copy).await.unwrap(), 1);
    let ids: Vec<IdentityId> = place
        .ask("SELECT identity_id FROM identities ORDER BY identity_id")
        .await;
    for (flags, id, username) in [
        (&["--json"][..], ids[0], "admin"),
        (&["--json", "--username", "ADMIN"], ids[0], "admin"),
        (&["--json", "--username", "bea"], ids[1], "Bea"),
    ] {
        let printed: Value = serde_json::from_str(&place.link(flags).await.unwrap()).unwrap();
        assert_eq!(printed["identity_id"], id.to_string());
        assert_eq!(printed["username"], username);
        let link = printed["admin_binding_link"].as_str().unwrap();
        assert!(link.contains(&format!("/identities/{id}/")), "{link}");
    }
    let error = place.link(&["--username", "eve"]).await.unwrap_err();
    let words = "has no active identity with the username eve";
    assert!(error.to_string().contains(words), "{error}");
}

async fn a_leaked_secret_is_rotated_with_its_tokens(place: Place) {
    let old = place.init().await.unwrap()["management"].take();
    let server = Server::start(place.config()).await.unwrap();
    let (_, body) = ask_for_token(&server, &old).await;
    let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
    let tenant: Vec<TenantId> = place.ask("SELECT tenant_id FROM tenants").await;
    let path = format!("/v1/tenants/{}", tenant[0]);
    let management = server.addresses[1];
    let reading = async || send(management, "GET", &path, &bearer, "").await.0;
    assert_eq!(reading().await, "HTTP/1.1 200 OK");

    let flags = ["--revoke-tokens", "--overlap", "60"];
    let error = place.rotate(&flags).await.unwrap_err().to_string();
    assert!(error.contains("--overlap"), "{error}");

    // A token that a server issues before it knows the new secret is revoked too.
    let late = async {
        while place.outcomes("ApplicationOperation").await.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        ask_for_token(&server, &old).await
    };
    let (printed, (status, _)) = tokio::join!(place.rotate(&["--revoke-tokens", "--json"]), late);
    let printed: Value = serde_json::from_str(&printed.unwrap()).unwrap();
    let issued = if status == "HTTP/1.1 200 OK" { 2 } else { 1 };
    assert_eq!(printed["revoked_tokens"], issued);
    assert_eq!(
        ask_for_token(&server, &old).await.0,
        "HTTP/1.1 401 Unauthorized"
    );
    let left: Vec<i64> = place.ask("SELECT COUNT(*) FROM issued_tokens").await;
    assert_eq!(left, [0]);
    let known = async {
        while reading().await != "HTTP/1.1 401 Unauthorized" {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), known)
        .await
        .unwrap();
    server.stop().await.unwrap();
}
