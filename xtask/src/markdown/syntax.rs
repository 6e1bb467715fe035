//! The subset of Markdown needed to find links and code spans.

use std::collections::{BTreeMap, BTreeSet};

/// Numbered lines outside fenced code.
pub(super) fn prose_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fence = None;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let line = line.trim_start();
        let marker = ["```", "~~~"]
            .into_iter()
            .find(|marker| line.starts_with(marker));
        match (fence, marker) {
            (None, Some(_)) => fence = marker,
            (Some(open), Some(_)) if marker == Some(open) => {
                fence = None;
                return false;
            }
            _ => {}
        }
        fence.is_none()
    })
}

/// The insides of `code spans`, and the line without them.
pub(super) fn split_code_spans(line: &str) -> (Vec<&str>, String) {
    let mut code = Vec::new();
    let mut outside = String::new();
    for (index, part) in line.split('`').enumerate() {
        if index % 2 == 1 {
            code.push(part);
        } else {
            outside.push_str(part);
        }
    }
    (code, outside)
}

/// Targets of `[text](target)`, of `[label]: target` and of `src` and `href` attributes.
pub(super) fn link_targets(line: &str) -> Vec<String> {
    let inline = line
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', ' ']).next());
    let definition = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("]: "))
        .map(|(_, target)| target.split(' ').next().unwrap_or(target));
    let attributes = ["src=\"", "href=\""].into_iter().flat_map(|attribute| {
        line.split(attribute)
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
    });
    inline
        .chain(definition)
        .chain(attributes)
        .map(|target| target.trim_matches(['<', '>']).to_owned())
        .collect()
}

/// The fragments by which the headings of a document are linked to.
pub(super) fn heading_anchors(text: &str) -> BTreeSet<String> {
    let headings = prose_lines(text).filter_map(|(_, line)| {
        line.trim_start_matches('#')
            .strip_prefix(' ')
            .filter(|_| line.starts_with('#'))
    });
    let mut seen = BTreeMap::<String, usize>::new();
    headings
        .map(|heading| {
            let kept = heading
                .trim()
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            let anchor = kept.collect::<String>().to_lowercase().replace(' ', "-");
            let earlier = seen.entry(anchor.clone()).or_default();
            *earlier += 1;
            if *earlier == 1 {
                anchor
            } else {
                format!("{anchor}-{}", *earlier - 1)
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fenced_lines_are_left_out_and_the_others_keep_their_numbers() {
        let text = "a\n```sh\nb\n~~~\n```\nc";
        assert_eq!(prose_lines(text).collect::<Vec<_>>(), [(1, "a"), (6, "c")]);
    }

    #[test]
    fn code_spans_are_told_from_the_rest() {
        let (code, outside) = split_code_spans("see `a/b.rs` and [`c`](d.md)");
        assert_eq!(code, ["a/b.rs", "c"]);
        assert_eq!(outside, "see  and [](d.md)");
    }

    #[test]
    fn links_are_found_in_every_notation() {
        let line = "[a](b.md \"title\") ![c](<d.png>) <img src=\"e.svg\"> <a href=\"#f\">";
        assert_eq!(link_targets(line), ["b.md", "d.png", "e.svg", "#f"]);
        assert_eq!(link_targets("[label]: g.md"), ["g.md"]);
    }

    #[test]
    fn anchors_drop_punctuation_and_number_repetitions() {
        let anchors = heading_anchors("# One `db`, two\n## Same\n## Same\n```\n# not this\n```");
        assert_eq!(
            anchors,
            ["one-db-two", "same", "same-1"].map(String::from).into()
        );
    }
}
