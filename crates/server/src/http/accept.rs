//! The kind of client that a response is for.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

/// Whether the client is a browser that opens a page: it accepts HTML by name (RFC 9110,
/// section 12.5.1), which programs and `fetch` don't.
pub fn reads_html(headers: &HeaderMap) -> bool {
    names(headers, "text/html")
}

/// Whether the client is a program that asks for JSON by name.
pub fn reads_json_only(headers: &HeaderMap) -> bool {
    names(headers, "application/json") && !reads_html(headers)
}

/// Whether `Accept` lists a media type with a weight above 0.
fn names(headers: &HeaderMap, media_type: &str) -> bool {
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let is_named = parts
                .next()
                .is_some_and(|name| name.eq_ignore_ascii_case(media_type));
            is_named && !parts.any(is_zero_weight)
        })
}

fn is_zero_weight(parameter: &str) -> bool {
    parameter.split_once('=').is_some_and(|(name, weight)| {
        name.trim().eq_ignore_ascii_case("q") && weight.trim().parse() == Ok(0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(accepts: &[&str]) -> HeaderMap {
        let values = accepts.iter().map(|value| value.parse().unwrap());
        values.map(|value| (ACCEPT, value)).collect()
    }

    /// RFC 9110, sections 8.3.1, 12.4.2 and 12.5.1: types ignore case, a weight of 0 excludes, and a
    /// list may be in several fields.
    #[test]
    fn browsers_name_html_and_programs_do_not() {
        for browser in [
            &["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"][..],
            &["TEXT/HTML"],
            &["application/json, text/html;level=1;q=0.4"],
            &["application/json", "text/html"],
        ] {
            assert!(reads_html(&headers(browser)), "{browser:?}");
            assert!(!reads_json_only(&headers(browser)), "{browser:?}");
        }
        for program in [
            &["application/json"][..],
            &["application/json, text/plain, */*"],
            &["Application/JSON;charset=utf-8"],
            &["text/html;q=0, application/json"],
            &["text/html; Q = 0.000 ,application/json"],
        ] {
            assert!(!reads_html(&headers(program)), "{program:?}");
            assert!(reads_json_only(&headers(program)), "{program:?}");
        }
        for other in [
            &[][..],
            &["*/*"],
            &["text/htmlx"],
            &["application/jsonx"],
            &[""],
        ] {
            assert!(!reads_html(&headers(other)), "{other:?}");
            assert!(!reads_json_only(&headers(other)), "{other:?}");
        }
    }
}
