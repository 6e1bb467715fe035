//! How built files are served, on a package that looks as Vite builds one.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use tower::ServiceExt as _;

use super::*;

const TOY: manifest::Packages = &[
    ("not-built", &[]),
    (
        "toy",
        &[
            (
                "manifest.json",
                br#"{
                  "_shared-CPdiUi_T.js": { "file": "shared-CPdiUi_T.js", "name": "shared" },
                  "src/main.tsx": {
                    "file": "main-BRBmoGS9.js",
                    "name": "main",
                    "src": "src/main.tsx",
                    "isEntry": true,
                    "imports": ["_shared-CPdiUi_T.js"],
                    "css": ["main-5UjPuW-k.css"],
                    "assets": ["fonts/inter-D1s2Fc4_.woff2"]
                  }
                }"#,
            ),
            ("main-BRBmoGS9.js", b"script"),
            ("main-BRBmoGS9.js.br", b"script in br"),
            ("main-BRBmoGS9.js.gz", b"script in gzip"),
            ("main-5UjPuW-k.css", b"style"),
            ("main-5UjPuW-k.css.gz", b"style in gzip"),
            ("fonts/inter-D1s2Fc4_.woff2", b"font"),
            ("shared-CPdiUi_T.js", b"shared"),
            ("main-BRBmoGS9.js.map", b"source map"),
        ],
    ),
    (
        "pages",
        &[
            (
                "manifest.json",
                br#"{ "src/icon.svg": { "file": "icon-GoHrV7Rp.svg" } }"#,
            ),
            ("icon-GoHrV7Rp.svg", b"<svg />"),
        ],
    ),
];
const SCRIPT: &str = "/assets/toy/main-BRBmoGS9.js";

struct Fetched {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Fetched {
    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

async fn send(method: Method, path: &str, header: Option<(&str, &str)>) -> Fetched {
    let toy: &'static Assets = Box::leak(Box::new(Assets::load(TOY)));
    let router: Router = routes_of(toy);
    let mut request = Request::builder().method(method).uri(path);
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    let request = request.body(Body::empty()).unwrap();
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    Fetched {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

async fn get(path: &str) -> Fetched {
    send(Method::GET, path, None).await
}

async fn get_with(path: &str, name: &str, value: &str) -> Fetched {
    send(Method::GET, path, Some((name, value))).await
}

#[test]
fn a_file_is_found_by_the_path_of_its_source() {
    let assets = Assets::load(TOY);
    assert_eq!(assets.path("toy/src/main.tsx"), Some(SCRIPT));
    assert_eq!(assets.path("toy/src/other.tsx"), None);
    assert_eq!(assets.path("not-built/src/main.tsx"), None);
}

#[tokio::test]
async fn what_a_manifest_names_is_kept_for_good() {
    for (file, content_type) in [
        ("main-BRBmoGS9.js", "text/javascript; charset=utf-8"),
        ("shared-CPdiUi_T.js", "text/javascript; charset=utf-8"),
        ("main-5UjPuW-k.css", "text/css; charset=utf-8"),
        ("fonts/inter-D1s2Fc4_.woff2", "font/woff2"),
    ] {
        let answer = get(&format!("/assets/toy/{file}")).await;
        assert_eq!(answer.status, 200, "{file}");
        assert_eq!(answer.header("content-type"), content_type);
        assert_eq!(
            answer.header("cache-control"),
            "public, max-age=31536000, immutable"
        );
        assert_eq!(answer.header("vary"), "accept-encoding");
    }
}

#[tokio::test]
async fn nothing_else_is_served() {
    for path in [
        "/assets/toy/manifest.json",
        "/assets/toy/main-BRBmoGS9.js.map",
        "/assets/toy/main-BRBmoGS9.js.br",
        "/assets/toy/main.js",
        "/assets/toy/../toy/main-BRBmoGS9.js",
        "/assets/toy/",
        "/assets/main-BRBmoGS9.js",
        "/assets/not-built/main-BRBmoGS9.js",
    ] {
        let answer = get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
}

#[tokio::test]
async fn the_caller_gets_the_coding_that_it_prefers_and_the_smallest_on_a_tie() {
    for (accepted, coding, body) in [
        ("gzip, deflate, br, zstd", "br", "script in br"),
        ("gzip;q=0.8", "gzip", "script in gzip"),
        ("br;q=0, gzip", "gzip", "script in gzip"),
        ("br;q=0.5, gzip;q=0.9, *;q=0", "gzip", "script in gzip"),
        ("br;q=0, gzip;q=0", "", "script"),
        ("identity, br;q=0.5", "", "script"),
        ("zstd", "", "script"),
        // Accepts nothing that exists: any client understands a body without coding.
        ("zstd, *;q=0", "", "script"),
        ("", "", "script"),
    ] {
        let answer = get_with(SCRIPT, "accept-encoding", accepted).await;
        assert_eq!(answer.header("content-encoding"), coding, "{accepted}");
        assert_eq!(answer.body, body, "{accepted}");
        assert_eq!(
            answer.header("content-type"),
            "text/javascript; charset=utf-8"
        );
        assert_eq!(answer.header("vary"), "accept-encoding");
    }
    let style = "/assets/toy/main-5UjPuW-k.css";
    let answer = get_with(style, "accept-encoding", "br, gzip").await;
    assert_eq!(answer.body, "style in gzip");
}

#[tokio::test]
async fn each_coding_has_a_validator_of_its_own() {
    let plain = get(SCRIPT).await;
    let compressed = get_with(SCRIPT, "accept-encoding", "br").await;
    assert_ne!(plain.header("etag"), compressed.header("etag"));
    let etag = plain.header("etag").to_owned();
    for held in [
        etag.clone(),
        format!("W/{etag}"),
        format!("\"other\", {etag}"),
        "*".to_owned(),
    ] {
        let answer = get_with(SCRIPT, "if-none-match", &held).await;
        assert_eq!(answer.status, 304, "{held}");
        assert_eq!(answer.body, "", "{held}");
        assert_eq!(answer.header("etag"), etag);
        assert_eq!(answer.header("vary"), "accept-encoding");
        assert_eq!(
            answer.header("cache-control"),
            "public, max-age=31536000, immutable"
        );
    }
    for held in [compressed.header("etag"), "\"other\""] {
        assert_eq!(get_with(SCRIPT, "if-none-match", held).await.status, 200);
    }
}

#[tokio::test]
async fn head_is_answered_as_get_without_the_body() {
    let answer = send(Method::HEAD, SCRIPT, Some(("accept-encoding", "br"))).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-encoding"), "br");
    assert_eq!(answer.header("content-length"), "12");
    assert_eq!(answer.body, "");
    assert_eq!(send(Method::POST, SCRIPT, None).await.status, 405);
}

#[tokio::test]
async fn the_icon_whose_name_never_changes_is_asked_for_each_time() {
    let icon = get("/favicon.ico").await;
    assert_eq!(icon.status, 200);
    assert_eq!(icon.body, "<svg />");
    assert_eq!(icon.header("content-type"), "image/svg+xml");
    assert_eq!(icon.header("cache-control"), "no-cache");
    let again = get_with("/favicon.ico", "if-none-match", icon.header("etag")).await;
    assert_eq!(again.status, 304);
}

#[test]
#[should_panic(expected = "toy was built without gone.js")]
fn a_manifest_that_names_a_missing_file_is_no_build() {
    Assets::load(&[(
        "toy",
        &[(
            "manifest.json",
            br#"{ "src/gone.ts": { "file": "gone.js" } }"#,
        )],
    )]);
}
