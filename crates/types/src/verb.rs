//! Custom verbs: the `:bind` after the last segment of `/jobs/J:bind`.

/// Separates a path from its verb in the form where the verb is its own segment.
const SEPARATOR: &str = "/~";

/// Splits a path into the resource's path and the verb: the ASCII letters after the last colon of the
/// last segment. Returns `None` without a verb.
#[must_use]
pub fn split(path: &str) -> Option<(&str, &str)> {
    let segment = path.rfind('/')? + 1;
    let colon = segment + path[segment..].rfind(':')?;
    let (head, verb) = (&path[..colon], &path[colon + 1..]);
    let is_verb = !verb.is_empty() && verb.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_verb.then_some((head, verb))
}

/// Returns the path with the verb as its own segment, `/jobs/J/~bind`, for routers without support
/// for suffixes. Returns `None` without a verb.
#[must_use]
pub fn as_segment(path: &str) -> Option<String> {
    split(path).map(|(head, verb)| format!("{head}{SEPARATOR}{verb}"))
}

/// Returns a path with every `/~` escaped, so that it names no verb as a segment. Returns `None` for a
/// path without one.
#[must_use]
pub fn escaped(path: &str) -> Option<String> {
    path.contains(SEPARATOR)
        .then(|| path.replace(SEPARATOR, "/%7E"))
}

/// Returns the published form of a route whose verb is a segment.
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
