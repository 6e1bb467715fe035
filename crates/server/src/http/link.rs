//! Paths of binding links, as they arrive.
//!
//! Between the server and the person, mail clients and proxies respell a link: they escape its colon,
//! change its case, or double a slash. Such a link still names one job, and opening it is harmless,
//! so it is routed like the original. All other paths are taken as they are.

use axum::http::Uri;
use percent_encoding::percent_decode_str;

/// The last part of a link's path.
const VERB: &str = "invokeAuthenticator";

/// The parts of a link's path that are not ids, in order.
const FIXED: [&str; 6] = [
    "v1",
    "tenants",
    "realms",
    "identities",
    "credential-binding-jobs",
    VERB,
];

/// Returns the routed path and query of a link. `None`: the URI is not a link.
pub fn routed(uri: &Uri) -> Option<String> {
    if !mentions_verb(uri.path()) {
        return None;
    }
    let decoded = percent_decode_str(uri.path()).decode_utf8().ok()?;
    // An escaped question mark. The token behind it belongs into the query, which no log holds.
    let (path, in_path) = match decoded.split_once('?') {
        Some((path, query)) => (path, Some(query).filter(|query| is_query(query))),
        None => (&*decoded, None),
    };
    let segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let (parents, last) = segments.split_at_checked(8)?;
    let (job, verb) = match *last {
        [job, verb] => (job, verb),
        [job_and_verb] => job_and_verb.rsplit_once(':')?,
        _ => return None,
    };
    let [version, a, tenant, b, realm, c, identity, d] = *parents else {
        return None;
    };
    let is_link = [version, a, b, c, d, verb]
        .into_iter()
        .zip(FIXED)
        .all(|(part, name)| part.eq_ignore_ascii_case(name));
    if !is_link || ![tenant, realm, identity, job].into_iter().all(is_id) {
        return None;
    }
    let mut routed = format!(
        "/v1/tenants/{tenant}/realms/{realm}/identities/{identity}/credential-binding-jobs/{job}/~{VERB}"
    );
    let queries = [in_path, uri.query()].into_iter().flatten();
    for (separator, query) in std::iter::once('?')
        .chain(std::iter::repeat('&'))
        .zip(queries)
    {
        routed.push(separator);
        routed.push_str(query);
    }
    Some(routed)
}

/// Returns the part of a path that a log may hold. What follows a link's verb or an escaped question
/// mark may be its token.
pub fn without_token(path: &str) -> &str {
    let end_of_verb = position(path, VERB).map(|at| at + VERB.len());
    let end = [end_of_verb, position(path, "%3F")];
    &path[..end.into_iter().flatten().min().unwrap_or(path.len())]
}

fn position(path: &str, part: &str) -> Option<usize> {
    path.as_bytes()
        .windows(part.len())
        .position(|found| found.eq_ignore_ascii_case(part.as_bytes()))
}

/// Whether a path is worth a closer look. Every request passes here, so it allocates nothing.
fn mentions_verb(path: &str) -> bool {
    position(path, VERB).is_some()
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Whether a decoded text can be part of a URI's query as it is.
fn is_query(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"#%\"<>\\^`{|}".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: &str =
        "/v1/tenants/1a/realms/2b/identities/3c/credential-binding-jobs/4d/~invokeAuthenticator";

    fn routed_from(uri: &str) -> Option<String> {
        routed(&uri.parse::<Uri>().unwrap())
    }

    #[test]
    fn a_link_is_recognised_however_it_is_respelled() {
        let jobs = "/v1/tenants/1a/realms/2b/identities/3c/credential-binding-jobs/4d";
        for (spelling, query) in [
            (format!("{jobs}:invokeAuthenticator?token=X"), "?token=X"),
            (format!("{jobs}/invokeAuthenticator?token=X"), "?token=X"),
            (format!("{jobs}%3AinvokeAuthenticator?token=X"), "?token=X"),
            (format!("{jobs}%3ainvokeauthenticator?token=X"), "?token=X"),
            (format!("{jobs}%2FinvokeAuthenticator?token=X"), "?token=X"),
            (format!("{jobs}:INVOKEAUTHENTICATOR?token=X"), "?token=X"),
            (format!("{jobs}:invokeAuthenticator/?token=X"), "?token=X"),
            (format!("{jobs}//invokeAuthenticator//?token=X"), "?token=X"),
            (format!("/{jobs}/invokeAuthenticator?token=X"), "?token=X"),
            (
                format!("{}/invokeAuthenticator?token=X", jobs.replace('/', "//")),
                "?token=X",
            ),
            (
                format!(
                    "{}/invokeAuthenticator?token=X",
                    jobs.replace("tenants", "Tenants")
                ),
                "?token=X",
            ),
            (format!("{jobs}/invokeAuthenticator%3Ftoken=X"), "?token=X"),
            (
                format!("{jobs}/invokeAuthenticator%3Ftoken%3DX?utm=1"),
                "?token=X&utm=1",
            ),
            (format!("{jobs}/invokeAuthenticator"), ""),
        ] {
            let expected = format!("{JOB}{query}");
            assert_eq!(routed_from(&spelling), Some(expected), "{spelling}");
        }
    }

    #[test]
    fn other_paths_are_no_links() {
        let jobs = "/v1/tenants/1a/realms/2b/identities/3c/credential-binding-jobs";
        for path in [
            format!("{jobs}/4d:bind"),
            format!("{jobs}/4d%3Abind"),
            format!("{jobs}/4d/~invokeAuthenticator"),
            format!("{jobs}/4d/%7EinvokeAuthenticator"),
            format!("{jobs}/4d%253AinvokeAuthenticator"),
            format!("{jobs}/4d;x=1:invokeAuthenticator"),
            format!("{jobs}/4d:invokeAuthenticator;x=1"),
            format!("{jobs}/4d%00:invokeAuthenticator"),
            format!("{jobs}/4d%5CinvokeAuthenticator"),
            format!("{jobs}/../4d:invokeAuthenticator"),
            format!("{jobs}/%2E%2E:invokeAuthenticator"),
            format!("{jobs}/./4d:invokeAuthenticator"),
            format!("{jobs}/:invokeAuthenticator"),
            format!("{jobs}/4d:invokeAuthenticator:bind"),
            format!("{jobs}/4d:invokeAuthenticator/bind"),
            format!("{jobs}/4d/x/invokeAuthenticator"),
            format!("/x{jobs}/4d:invokeAuthenticator"),
            format!("{jobs}/4d%FF:invokeAuthenticator"),
            "/:invokeAuthenticator".to_owned(),
        ] {
            assert_eq!(routed_from(&path), None, "{path}");
        }
    }

    #[test]
    fn an_escaped_query_that_could_not_be_one_is_dropped() {
        let path = JOB.replace("/~", ":");
        for query in [
            "token=X%0Ay",
            "token=%22",
            "token=X%23y",
            "t=%C3%A9",
            "a%2525",
        ] {
            let spelling = format!("{path}%3F{query}");
            assert_eq!(routed_from(&spelling).as_deref(), Some(JOB), "{spelling}");
        }
    }
}
