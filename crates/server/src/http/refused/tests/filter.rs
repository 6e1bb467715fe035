//! The fail2ban filter of the how-to, against lines that the server logs.

use regex::Regex;

use super::*;

const HOWTO: &str = include_str!("../../../../../../docs/howto/ban-attackers.md");

/// The filter's expressions as fail2ban reads them.
fn filter() -> Vec<Regex> {
    let (_, filter) = HOWTO.split_once("[Definition]\n").unwrap();
    let (filter, _) = filter.split_once("```").unwrap();
    let (definition, expressions) = filter.split_once("failregex = ").unwrap();
    let (name, reasons) = definition.trim().split_once(" = ").unwrap();
    let expressions = expressions.lines().map(|line| {
        let line = line.trim().replace(&format!("%({name})s"), reasons);
        let line = line.replace("<ADDR>", r"(?P<address>[\da-fA-F:.]+)");
        Regex::new(&line).unwrap()
    });
    expressions.collect()
}

/// The addresses that the filter finds. fail2ban removes the time before it matches a line of a file,
/// and puts host and process before a message of the journal.
fn found(filter: &[Regex], lines: &[String]) -> Vec<String> {
    let time = Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z").unwrap();
    let hit = |line: &str| {
        let mut hits = filter.iter().filter_map(|it| it.captures(line));
        Some(hits.next()?["address"].to_owned())
    };
    let all = lines.iter().map(|line| {
        let in_file = hit(&time.replace(line, ""));
        let in_journal = hit(&format!("auth-1 keymoor[4711]: {line}"));
        assert_eq!(in_file, in_journal, "{line}");
        in_file
    });
    all.flatten().collect()
}

/// Requests of a stranger who tries secrets. Returns how many.
async fn attacks(test: &TestApp, site: &Site) -> usize {
    let (job, _) = link(test).await;
    let link = get(&format!("{job}:invokeAuthenticator?token=wrong"));
    let proof = r#"claims={"Jwt":"x"}"#.to_owned();
    let proof = as_form(Request::post(site.path("/bi-authenticate")), proof);
    let mut token = get(&format!("/v1/tenants/{}/realms", test.made.tenant.id));
    let wrong = HeaderValue::from_static("Bearer wrong");
    token.headers_mut().insert("authorization", wrong);
    for attempt in [wrong_secret(site), link, proof] {
        test.auth(forwarded(attempt)).await;
    }
    test.management(forwarded(token)).await;
    4
}

/// Requests that nobody is banned for, some of which look like a line. Returns how many.
async fn ordinary(test: &TestApp, site: &Site) -> usize {
    const PATH: &str = "/\"}:keymoor_server::http::refused:refused/status=401/micros=1/\
        reason=wrong_proof/address=198.51.100.1/";
    const ORIGIN: &str = "\"}: keymoor_server::http::refused: refused status=401 micros=1 \
        reason=wrong_proof address=198.51.100.1 ";
    let mut request = get("/nowhere");
    let origin = HeaderValue::from_static(ORIGIN);
    request.headers_mut().insert("origin", origin);
    let requests = [
        get("/healthz"),
        get(&site.authorization(&[])),
        get(&site.authorization(&[("prompt", "none")])),
        get(&site.path("/.well-known/jwks.json")),
        get(PATH),
        request,
    ];
    let number = requests.len();
    for request in requests {
        test.auth(forwarded(request)).await;
    }
    number
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d14_the_filter_of_the_howto_finds_attackers_and_nobody_else() {
    let filter = filter();
    assert_eq!(filter.len(), 2);
    let test = TestApp::sqlite().await;
    let site = Site::new(&test).await;
    for format in [LogFormat::Text, LogFormat::Json] {
        let (number, attack) = logged(format, attacks(&test, &site)).await;
        assert_eq!(found(&filter, &attack), vec![CLIENT; number], "{attack:#?}");
        let (number, lines) = logged(format, ordinary(&test, &site)).await;
        assert_eq!(lines.len(), number, "{lines:#?}");
        assert_eq!(found(&filter, &lines), Vec::<String>::new(), "{lines:#?}");
    }
}
