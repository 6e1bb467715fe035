//! Servers as `keymoor serve` starts them.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keymoor_types::Seconds;

use super::*;
use crate::infra::mail::MailSettings;
use crate::infra::mail::testing::{Behaviour, Sink};

both_places!(
    d1_each_listener_serves_its_own_part_until_the_server_is_stopped,
    mail_in_flight_has_its_own_time_when_the_server_stops_and_no_more_is_begun,
);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e5_a_second_server_or_migration_on_one_file_is_refused() {
    let place = Place::sqlite().await;
    place.init().await.unwrap();
    let server = Server::start(place.config()).await.unwrap();
    let error = place.refusal().await;
    assert!(error.contains("another keymoor process"), "{error}");
    let error = migrate(&place.config()).await.unwrap_err().to_string();
    assert!(error.contains("another keymoor process"), "{error}");
    server.stop().await.unwrap();
    Server::start(place.config())
        .await
        .unwrap()
        .stop()
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e4_another_server_learns_by_itself_that_a_token_was_revoked() {
    let place = Place::postgres().await;
    let management = place.init().await.unwrap()["management"].take();
    let text = |name: &str| management[name].as_str().unwrap();
    let (one, other) = (
        Server::start(place.config()).await.unwrap(),
        Server::start(place.config()).await.unwrap(),
    );
    let endpoint = text("token_endpoint");
    let path = endpoint.strip_prefix("http://localhost:8021").unwrap();
    let credentials = format!("{}:{}", text("client_id"), text("client_secret"));
    let basic = format!("Basic {}", STANDARD.encode(credentials));
    let form = "grant_type=client_credentials";
    let (_, issued) = send(one.addresses[0], "POST", path, &basic, form).await;
    let issued: Value = serde_json::from_str(&issued).unwrap();
    let bearer = format!("Bearer {}", issued["access_token"].as_str().unwrap());
    let tokens = format!("{path}s");
    let list = async |server: &Server| send(server.addresses[1], "GET", &tokens, &bearer, "").await;

    let (status, listed) = list(&other).await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let own = format!("{tokens}/{}", listed["tokens"][0]["id"].as_str().unwrap());
    let (status, _) = send(one.addresses[1], "DELETE", &own, &bearer, "").await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert_eq!(list(&one).await.0, "HTTP/1.1 401 Unauthorized");
    let refused = async {
        while list(&other).await.0 != "HTTP/1.1 401 Unauthorized" {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    // It takes five seconds; a busy machine is given more.
    tokio::time::timeout(Duration::from_mins(1), refused)
        .await
        .unwrap();
    for server in [one, other] {
        server.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_have_an_address_of_their_own() {
    let place = Place::sqlite().await;
    place.init().await.unwrap();
    let config = Config {
        metrics_listen: Some("127.0.0.1:0".parse().unwrap()),
        ..place.config()
    };
    let server = Server::start(config).await.unwrap();
    let (status, text) = get(server.metrics_address.unwrap(), "/metrics").await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert!(
        text.contains("keymoor_connections{address=\"metrics\"} 1\n"),
        "{text}"
    );
    assert_eq!(server.addresses.len(), 2);
    for &address in &server.addresses {
        let (status, _) = get(address, "/metrics").await;
        assert_eq!(status, "HTTP/1.1 404 Not Found");
    }
    server.stop().await.unwrap();
}

/// Every documented operation with made-up ids, our pages, and what no handler answers.
fn requests() -> Vec<(String, String)> {
    let mut requests: Vec<(String, String)> = [
        ("GET", "/healthz"),
        ("GET", "/console/bind"),
        ("GET", "/favicon.ico"),
        ("GET", "/assets/pages/nothing.js"),
        ("GET", "/metrics"),
        ("GET", "/nobody/knows"),
        ("DELETE", "/healthz"),
    ]
    .map(|(method, path)| (method.to_owned(), path.to_owned()))
    .into();
    let placeholder = regex::Regex::new(r"\{[^}]+\}").unwrap();
    for document in Document::value_variants() {
        let document: Value = serde_json::from_str(&document.json().unwrap()).unwrap();
        for (template, item) in document["paths"].as_object().unwrap() {
            let path = placeholder.replace_all(template, "0000000000000000");
            let methods = item.as_object().unwrap().keys();
            let methods = methods.map(|method| method.to_uppercase());
            let methods = methods.chain(["OPTIONS".to_owned()]);
            requests.extend(methods.map(|method| (method, path.to_string())));
        }
    }
    requests
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_of_any_listener_may_be_taken_for_another_type() {
    let place = Place::sqlite().await;
    place.init().await.unwrap();
    let config = Config {
        metrics_listen: Some("127.0.0.1:0".parse().unwrap()),
        ..place.config()
    };
    let server = Server::start(config).await.unwrap();
    let requests = requests();
    assert!(requests.len() > 60, "{requests:?}");
    let addresses = server.addresses.iter().copied();
    for address in addresses.chain(server.metrics_address) {
        for (method, path) in &requests {
            let answer = exchange(address, method, path, "", "").await;
            let header = "\r\nx-content-type-options: nosniff\r\n";
            assert_eq!(
                answer.matches(header).count(),
                1,
                "{method} {path}: {answer}"
            );
        }
    }
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn browsers_are_told_to_insist_on_https_where_the_public_url_is() {
    let place = Place::sqlite().await;
    place.init().await.unwrap();
    for (auth_url, insists) in [
        ("https://auth.example", true),
        ("https://localhost:8021", false),
        ("https://127.0.0.1:8021", false),
        ("http://localhost:8021", false),
    ] {
        let config = Config {
            auth_url: auth_url.parse().unwrap(),
            ..place.config()
        };
        let server = Server::start(config).await.unwrap();
        for &address in &server.addresses {
            let answer = answer(address, "/healthz").await;
            let said = answer.contains("\r\nstrict-transport-security: max-age=31536000\r\n");
            assert_eq!(said, insists, "{answer}");
        }
        server.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_self_signed_certificate_is_kept_beside_the_database_and_served_on_both_addresses() {
    let place = Place::sqlite().await;
    place.init().await.unwrap();
    let config = serve::with_self_signed(place.config()).unwrap();
    let files = config.tls.clone().unwrap();
    let DatabaseUrl::Sqlite(database) = &config.database_url else {
        panic!("it was made with SQLite");
    };
    assert_eq!(files.certificate.parent(), database.parent());
    let server = Server::start(config.clone()).await.unwrap();
    for &address in &server.addresses {
        let answer = answer(address, "/healthz").await;
        assert!(!answer.starts_with("HTTP"), "{answer}");
    }
    let before = std::fs::read(&files.certificate).unwrap();
    serve::with_self_signed(place.config()).unwrap();
    assert_eq!(std::fs::read(&files.certificate).unwrap(), before);
    server.reload();
    server.stop().await.unwrap();
    let both = serve::with_self_signed(config).err().unwrap().to_string();
    assert!(both.contains("can't be combined"), "{both}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_files_that_can_not_be_used_end_the_start() {
    let place = Place::sqlite().await;
    place.init().await.unwrap();
    let absent = place.key_file().with_file_name("absent.pem");
    let config = Config {
        tls: Some(crate::infra::serving::tls::TlsFiles {
            certificate: absent.clone(),
            key: absent,
        }),
        ..place.config()
    };
    let error = Server::start(config).await.err().unwrap().to_string();
    assert!(
        error.starts_with("can't read the TLS file ") && error.contains("absent.pem"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_address_is_named() {
    let place = Place::sqlite().await;
    place.init().await.unwrap();
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let config = Config {
        listen: crate::config::Listen::Together(address),
        ..place.config()
    };
    let error = Server::start(config).await.err().unwrap().to_string();
    assert!(
        error.starts_with(&format!("can't listen on {address}: "))
            && error.ends_with("; set another address in KEYMOOR_LISTEN"),
        "{error}"
    );
    let config = Config {
        metrics_listen: Some(address),
        ..place.config()
    };
    let error = Server::start(config).await.err().unwrap().to_string();
    assert!(
        error.ends_with("; set another address in KEYMOOR_METRICS_LISTEN"),
        "{error}"
    );
}

async fn d1_each_listener_serves_its_own_part_until_the_server_is_stopped(place: Place) {
    place.init().await.unwrap();
    let server = Server::start(place.config()).await.unwrap();
    let [auth, management] = server.addresses[..] else {
        panic!("two addresses were configured");
    };
    for address in [auth, management] {
        assert_eq!(
            get(address, "/healthz").await,
            ("HTTP/1.1 200 OK".to_owned(), "ok".to_owned())
        );
        assert_eq!(
            get(address, "/readyz").await,
            ("HTTP/1.1 200 OK".to_owned(), "ready".to_owned())
        );
    }
    assert_eq!(
        get(auth, "/v1/tenants/0000000000000000").await.0,
        "HTTP/1.1 404 Not Found"
    );
    assert_eq!(
        get(management, "/console/bind").await.0,
        "HTTP/1.1 404 Not Found"
    );
    server.stop().await.unwrap();
    for address in [auth, management] {
        assert!(TcpStream::connect(address).await.is_err());
    }
}

async fn mail_in_flight_has_its_own_time_when_the_server_stops_and_no_more_is_begun(place: Place) {
    place.init().await.unwrap();
    for number in 0..9 {
        place.write_down_a_mail(number).await;
    }
    let sink = Sink::start(Behaviour::AcceptsWhenTold).await;
    let config = Config {
        mail: Some(MailSettings {
            server: format!("smtp://127.0.0.1:{}", sink.port).parse().unwrap(),
            from: "keymoor@example.com".parse().unwrap(),
            hello: None,
            timeout: Seconds::MINUTE,
        }),
        // Requests get no time at all.
        shutdown: Seconds(0),
        ..place.config()
    };
    let server = Server::start(config).await.unwrap();
    let address = server.addresses[0];
    sink.message_has_come().await;
    let stopping = tokio::spawn(server.stop());
    let refused = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), refused)
        .await
        .unwrap();
    while !stopping.is_finished() {
        sink.accept();
        tokio::task::yield_now().await;
    }
    stopping.await.unwrap().unwrap();
    // Eight go side by side.
    assert_eq!(sink.accepted().len(), 8);
    assert_eq!(place.ask::<i64>("SELECT COUNT(*) FROM outbox").await, [1]);
}
