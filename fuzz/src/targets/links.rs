//! Links and the rules for URLs, paths and ids.

use keymoor_oauth::redirect::with_params;
use keymoor_types::url_rules::{check_origin, check_url, web_origin};
use keymoor_types::{ApplicationId, BindingJobId, verb};
use keymoor_webauthn::origin;
use url::Url;

use crate::targets::Target;

pub(super) const TARGET: Target = Target {
    name: "links",
    run,
    seeds,
};

fn run(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    check_rules(text);
    check_verb(text);
    check_ids(text);
}

fn check_rules(text: &str) {
    if check_url(text).is_ok() {
        assert!(!browser_runs(text), "a browser would run or read it");
        let url = Url::parse(text).expect("accepted URLs are absolute");
        let printed = url.as_str();
        if printed.len() <= 2_048 {
            assert_eq!(check_url(printed), Ok(()), "{printed}");
        }
        assert_eq!(web_origin(printed), web_origin(text));
        check_redirect(text, &url);
    }
    let host = origin::host(text);
    let is_website = text.starts_with("http://") || text.starts_with("https://");
    if is_website && text.len() <= 2_048 && check_origin(text).is_ok() {
        assert!(host.is_some(), "two rules for one origin");
    }
    if let Some(host) = host {
        assert_eq!(web_origin(text).as_deref(), Some(text));
        assert_eq!(
            Url::parse(text).expect("an origin is a URL").host_str(),
            Some(host)
        );
    }
}

/// Adding parameters never leads anywhere else.
fn check_redirect(text: &str, url: &Url) {
    let value = "a&b=c#d?e f\u{e9}";
    let built = with_params(text, &[("state", value)]);
    let built = Url::parse(&built).expect("a URL stays one");
    assert_eq!(
        (built.scheme(), built.host(), built.port(), built.path()),
        (url.scheme(), url.host(), url.port(), url.path())
    );
    assert_eq!(built.fragment(), url.fragment());
    let (name, last) = built.query_pairs().last().expect("a parameter was added");
    assert_eq!((&*name, &*last), ("state", value));
}

/// What a browser makes of a URL before it looks at the scheme (WHATWG URL, "basic URL parser":
/// controls and spaces around it and tabs and line ends in it are dropped), for the schemes that
/// rule D5 names.
fn browser_runs(text: &str) -> bool {
    let trimmed = text.trim_matches(|c: char| c <= ' ');
    let kept: String = trimmed
        .chars()
        .filter(|c| !matches!(c, '\t' | '\n' | '\r'))
        .collect();
    let scheme = kept
        .split(':')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    [
        "javascript",
        "data",
        "blob",
        "file",
        "vbscript",
        "about",
        "view-source",
        "filesystem",
        "jar",
        "intent",
        "mailto",
        "ws",
    ]
    .contains(&scheme.as_str())
}

fn check_verb(path: &str) {
    let Some((head, name)) = verb::split(path) else {
        return;
    };
    assert_eq!(format!("{head}:{name}"), path);
    assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let segment = verb::as_segment(path).expect("there is a verb");
    assert!(segment.ends_with(name));
    assert_eq!(verb::split(&segment), None, "a verb is split off once");
    if !path.contains("/~") {
        assert_eq!(verb::published(&segment), path);
    }
}

fn check_ids(text: &str) {
    if let Ok(id) = text.parse::<BindingJobId>() {
        assert_eq!(id.to_string(), text.to_ascii_lowercase());
    }
    if let Ok(id) = text.parse::<ApplicationId>() {
        assert_eq!(id.to_string(), text.to_ascii_lowercase());
    }
}

fn seeds() -> Vec<Vec<u8>> {
    [
        "https://app.example/cb?x=1#y",
        "http://localhost:3000",
        "https://[2001:db8::1]:8443",
        "https://xn--bcher-kva.example",
        "com.example.app:/cb",
        "acme://bind?a=b&",
        "JavaScript:alert(1)",
        "view-source:https://a",
        "https://user@host/",
        "https://a\\@b.example/",
        "https:evil.example?://",
        "/v1/tenants/0123456789abcdef/jobs/0123456789abcdef:bind",
        "/a:b:getInfo",
        "0123456789abcdef",
        "01890a5d-ac96-774b-bcce-b302099a8057",
        "01890A5D-AC96-774B-BCCE-B302099A8057",
        "localhost:3000/callback",
        "https://*.example.com",
        "capacitor://localhost",
        "chrome-extension://ponmlkjihgfedcbaponmlkjihgfedcba",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}
