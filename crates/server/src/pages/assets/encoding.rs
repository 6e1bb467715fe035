//! The content codings that a caller accepts (RFC 9110, section 12.5.3).

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_ENCODING;

/// The codings listed in `Accept-Encoding`, each with its weight in thousandths.
pub(super) struct Accepted<'a>(Vec<(&'a str, u16)>);

impl<'a> Accepted<'a> {
    pub(super) fn of(request: &'a HeaderMap) -> Self {
        let values = request.get_all(ACCEPT_ENCODING).iter();
        let listed = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(weighted);
        Self(listed.collect())
    }

    /// Returns the weight from 0 (not acceptable) to 1,000. `None` stands for a body without coding.
    pub(super) fn weight(&self, coding: Option<&str>) -> u16 {
        let name = coding.unwrap_or("identity");
        // A body without coding is acceptable unless excluded, but the listed codings are preferred.
        let unlisted = u16::from(coding.is_none());
        self.listed(name)
            .or_else(|| self.listed("*"))
            .unwrap_or(unlisted)
    }

    fn listed(&self, name: &str) -> Option<u16> {
        let found = self
            .0
            .iter()
            .find(|(listed, _)| listed.eq_ignore_ascii_case(name));
        found.map(|&(_, weight)| weight)
    }
}

/// A coding and its weight; a malformed weight excludes the coding.
fn weighted(element: &str) -> (&str, u16) {
    let (coding, parameter) = element.split_once(';').unwrap_or((element, "q=1"));
    let weight = match parameter.trim().split_once('=') {
        Some(("q" | "Q", weight)) => thousandths(weight),
        _ => None,
    };
    (coding.trim(), weight.unwrap_or(0))
}

/// Reads `0` to `1` with at most three decimals (section 12.4.2).
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, decimals) = weight.split_once('.').unwrap_or((weight, ""));
    let digits = format!("{whole}{decimals:0<3}");
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    let thousandths = digits.parse().ok()?;
    (is_number && digits.len() == 4 && thousandths <= 1000).then_some(thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of brotli, gzip, and a body without coding.
    fn weights(header: Option<&str>) -> [u16; 3] {
        let mut request = HeaderMap::new();
        if let Some(header) = header {
            request.insert(ACCEPT_ENCODING, header.parse().unwrap());
        }
        let accepted = Accepted::of(&request);
        [Some("br"), Some("gzip"), None].map(|coding| accepted.weight(coding))
    }

    #[test]
    fn a_caller_who_names_no_coding_gets_none() {
        assert_eq!(weights(None), [0, 0, 1]);
        assert_eq!(weights(Some("")), [0, 0, 1]);
    }

    #[test]
    fn each_coding_has_its_own_weight_else_that_of_the_star() {
        for (header, expected) in [
            ("gzip, deflate, br, zstd", [1000, 1000, 1]),
            ("GZip;q=0.5 ,\tbr; Q=0.25", [250, 500, 1]),
            ("br;q=0, *;q=0.1", [0, 100, 100]),
            ("*", [1000, 1000, 1000]),
            ("br;q=1.000, gzip;q=0.001", [1000, 1, 1]),
            ("*;q=0, gzip", [0, 1000, 0]),
            ("identity;q=0, br", [1000, 0, 0]),
        ] {
            assert_eq!(weights(Some(header)), expected, "{header}");
        }
    }

    #[test]
    fn a_malformed_weight_excludes_its_coding() {
        for header in [
            "br;q=2",
            "br;q=-1",
            "br;q=1.001",
            "br;q=0.0001",
            "br;q=0.+1",
            "br;q=.5",
            "br;q=",
            "br;q",
            "br;level=1",
        ] {
            assert_eq!(weights(Some(header)), [0, 0, 1], "{header}");
        }
    }
}
