//! Custom verbs: the `:bind` behind the last segment of `/jobs/J:bind`.

/// What stands between a path and its verb where the verb is a segment of its own.
const SEPARATOR: &str = "/~";

/// Splits a path into what the verb is about, and the verb: ASCII letters behind the last colon
/// of the last segment. `None` if there is no verb.
#[must_use]
pub fn split(path: &str) -> Option<(&str, &str)> {
    let segment = path.rfind('/')? + 1;
    let colon = segment + path[segment..].rfind(':')?;
    let (head, verb) = (&path[..colon], &path[colon + 1..]);
    let is_verb = !verb.is_empty() && verb.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_verb.then_some((head, verb))
}

/// The path with the verb as a segment of its own, `/jobs/J/~bind`: a form for routers that
/// know no suffixes. `None` if there is no verb.
#[must_use]
pub fn as_segment(path: &str) -> Option<String> {
    split(path).map(|(head, verb)| format!("{head}{SEPARATOR}{verb}"))
}

/// The published spelling of a route whose verb is a segment.
#[must_use]
pub fn published(route: &str) -> String {
    route.replace(SEPARATOR, ":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_verb_on_the_last_segment_is_split_off() {
        for (path, expected) in [
            ("/jobs/J:bind", "/jobs/J/~bind"),
            ("/jobs:batchDelete", "/jobs/~batchDelete"),
            ("/a:b:bind", "/a:b/~bind"),
        ] {
            assert_eq!(as_segment(path).as_deref(), Some(expected));
        }
        for untouched in [
            "/jobs/J",
            "/jobs/J:",
            "/jobs/J:1",
            "/a:bind/J",
            "/jobs/J:bi%6ed",
            "jobs:bind",
        ] {
            assert_eq!(as_segment(untouched), None, "{untouched}");
        }
    }

    #[test]
    fn published_undoes_the_declared_form() {
        assert_eq!(published("/jobs/{job_id}/~bind"), "/jobs/{job_id}:bind");
    }
}
