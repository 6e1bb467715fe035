//! What the files of each part of the server may not name.

use std::collections::BTreeSet;

use super::{
    source::GLOB,
    tree::{File, Named, Tree},
};

const AXUM: [&str; 2] = ["axum", "utoipa_axum"];
/// Files of a slice that speak HTTP: what others call is elsewhere.
const ENDPOINTS: [&str; 3] = ["api", "page", "public"];

struct Wall {
    /// Whether a file may not name a path. Both are absolute, and may be those of one slice.
    forbids: fn(module: &[&str], path: &[&str]) -> bool,
    why: &'static str,
}

const WALLS: [Wall; 6] = [
    Wall {
        forbids: |module, path| {
            matches!(module, ["crate", "slices", _, rest @ ..] if !is_endpoint(rest))
                && (is_axum(path) || matches!(path, ["crate", "http", ..]))
        },
        why: "of a slice, only api, public and page may name axum or http",
    },
    Wall {
        forbids: |module, path| match path {
            ["crate", "slices", slice, rest @ ..] => {
                is_endpoint(rest) && !module.starts_with(&["crate", "slices", slice])
            }
            _ => false,
        },
        why: "only http/router.rs may name api, public or page of a slice from outside; call its ops",
    },
    Wall {
        forbids: |module, path| {
            module.starts_with(&["crate", "base"])
                && (is_axum(path)
                    || matches!(path, ["crate", "http" | "infra" | "slices" | "pages", ..]))
        },
        why: "base may not name axum, http, infra, slices or pages",
    },
    Wall {
        forbids: |module, path| {
            module.starts_with(&["crate", "infra"])
                && (is_axum(path) || matches!(path, ["crate", "http" | "slices" | "pages", ..]))
        },
        why: "infra may not name axum, http, slices or pages",
    },
    Wall {
        forbids: |module, path| {
            module.starts_with(&["crate", "http"])
                && matches!(path, ["crate", "slices" | "pages", ..])
        },
        why: "http may not name slices or pages",
    },
    Wall {
        forbids: |module, path| module.contains(&"model") && (is_io(path) || is_axum(path)),
        why: "a model does no I/O, and may not name what does",
    },
];

fn is_endpoint(within_slice: &[&str]) -> bool {
    within_slice
        .first()
        .is_some_and(|file| ENDPOINTS.contains(file))
}

fn is_axum(path: &[&str]) -> bool {
    path.first().is_some_and(|first| AXUM.contains(first))
}

fn is_io(path: &[&str]) -> bool {
    match path {
        ["tokio", ..]
        | ["std", "fs" | "process", ..]
        | ["crate", "app" | "http" | "infra" | "pages", ..] => true,
        ["crate", "slices", _, rest @ ..] => {
            is_endpoint(rest) || matches!(rest, ["ops" | "store", ..])
        }
        ["crate", "db", rest @ ..] | ["keymoor_db", rest @ ..] => rest
            .iter()
            .any(|name| ["Db", "Rx", "Tx", GLOB].contains(name)),
        _ => false,
    }
}

/// What is permitted although a wall forbids it.
struct Exception {
    /// A file, or a folder with a slash at its end.
    at: &'static str,
    /// The path it may name, with everything below it; `*` is any one segment.
    may_name: &'static str,
    because: &'static str,
}

const EXCEPTIONS: [Exception; 8] = [
    Exception {
        at: "http/router.rs",
        may_name: "crate::slices::*::api",
        because: "it registers every route",
    },
    Exception {
        at: "http/router.rs",
        may_name: "crate::slices::*::public",
        because: "it registers every route",
    },
    Exception {
        at: "http/router.rs",
        may_name: "crate::pages",
        because: "it registers every route",
    },
    Exception {
        at: "http/auth.rs",
        may_name: "crate::slices::tokens::access",
        because: "an extractor verifies the bearer token, and tokens are a slice",
    },
    Exception {
        at: "slices/events/sse.rs",
        may_name: "axum",
        because: "it is the half of the endpoint that writes the stream",
    },
    Exception {
        at: "slices/events/sse.rs",
        may_name: "crate::http",
        because: "a stream checks its caller's rights with the extractor",
    },
    Exception {
        at: "infra/serving/",
        may_name: "axum",
        because: "connections hand their requests to a router",
    },
    Exception {
        at: "infra/metrics/",
        may_name: "axum",
        because: "requests are counted by route, method and status, and /metrics is served",
    },
];

impl Exception {
    fn permits(&self, file: &File, path: &[&str]) -> bool {
        let is_here = if self.at.ends_with('/') {
            file.name.starts_with(self.at)
        } else {
            file.name == self.at
        };
        let wanted: Vec<_> = self.may_name.split("::").collect();
        let mut both = wanted.iter().zip(path);
        is_here
            && path.len() >= wanted.len()
            && both.all(|(wanted, segment)| *wanted == "*" || wanted == segment)
    }
}

/// One line for each path that a file names although a wall forbids it.
pub(super) fn violations(tree: &Tree) -> Vec<String> {
    let mut found = BTreeSet::new();
    for (file, named) in everything_named(tree) {
        for why in walls_before(file, &named.path) {
            // An import is reported once, and not again wherever it is used.
            let import = named.import.as_ref();
            if !import.is_some_and(|import| walls_before(file, import).contains(&why)) {
                found.insert((tree.path(file), named.line, named.path.join("::"), why));
            }
        }
    }
    let lines = found.into_iter();
    lines
        .map(|(file, line, path, why)| format!("{file}:{line}: {path}: {why}"))
        .collect()
}

/// One line for each exception that no file needs.
pub(super) fn unused_exceptions(tree: &Tree) -> Vec<String> {
    let is_used = |exception: &&Exception| {
        let mut named = everything_named(tree);
        named.any(|(file, named)| exception.permits(file, &strs(&named.path)))
    };
    let unused = EXCEPTIONS.iter().filter(|exception| !is_used(exception));
    unused
        .map(|exception| {
            let Exception {
                at,
                may_name,
                because,
            } = exception;
            format!(
                "{}/{at} does not name {may_name}; remove that exception ({because})",
                tree.folder
            )
        })
        .collect()
}

fn everything_named(tree: &Tree) -> impl Iterator<Item = (&File, &Named)> {
    let files = tree.files.iter();
    files.flat_map(|file| file.named.iter().map(move |named| (file, named)))
}

/// Why `file` may not name `path`.
fn walls_before(file: &File, path: &[String]) -> Vec<&'static str> {
    let (module, path) = (strs(&file.module), strs(path));
    let mut exceptions = EXCEPTIONS.iter();
    if exceptions.any(|exception| exception.permits(file, &path)) {
        return Vec::new();
    }
    let walls = WALLS.iter().filter(|wall| (wall.forbids)(&module, &path));
    walls.map(|wall| wall.why).collect()
}

fn strs(segments: &[String]) -> Vec<&str> {
    segments.iter().map(String::as_str).collect()
}
