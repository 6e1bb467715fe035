//! Small trees with one thing wrong in each.

mod cycles;
mod names;

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// A tree of these files below `src`; every folder's `mod.rs`, and `lib.rs`, declare what they
/// don't declare themselves.
fn tree(files: &[(&str, &str)]) -> Tree {
    Tree::read(&with_declarations(files)).unwrap()
}

fn with_declarations(files: &[(&str, &str)]) -> Sources {
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    let mut declared = BTreeSet::new();
    for (name, text) in files {
        texts.entry((*name).to_owned()).or_default().push_str(text);
        let mut path = name.trim_end_matches(".rs").trim_end_matches("/mod");
        while path != "lib" {
            let (folder, module) = path.rsplit_once('/').unwrap_or(("", path));
            declared.insert((folder.to_owned(), module.to_owned()));
            path = if folder.is_empty() { "lib" } else { folder };
        }
    }
    for (folder, module) in declared {
        let root = match &*folder {
            "" => "lib.rs".to_owned(),
            _ => format!("{folder}/mod.rs"),
        };
        let text = texts.entry(root).or_default();
        if !text.contains(&format!("mod {module}")) {
            text.extend(["\nmod ", &module, ";"]);
        }
    }
    let mut sources = Sources::new("src");
    for (name, text) in texts {
        sources.add(&name, text);
    }
    sources
}

fn violations(files: &[(&str, &str)]) -> Vec<String> {
    rules::violations(&tree(files))
}

const HTTP_IN_A_SLICE: &str = "of a slice, only api, public and page may name axum or http";
const ENDPOINTS: &str =
    "only http/router.rs may name api, public or page of a slice from outside; call its ops";

#[test]
fn a_tree_that_obeys_every_rule_has_no_violation_and_no_cycle() {
    let files = [
        ("base/error.rs", "use std::fmt::Display;"),
        ("infra/mail.rs", "use crate::base::error::Error;"),
        (
            "infra/serving/mod.rs",
            "use axum::Router; use tokio::net::TcpListener;",
        ),
        (
            "http/router.rs",
            "use axum::Router;
             use crate::pages::console;
             fn routes() { crate::slices::notes::api::routes(); crate::slices::links::public::routes() }",
        ),
        (
            "http/auth.rs",
            "use crate::slices::tokens::access; fn f() { access::verify() }",
        ),
        (
            "pages/console.rs",
            "use axum::Router; use crate::http::json;",
        ),
        (
            "slices/notes/mod.rs",
            "pub mod api; pub mod model; pub mod ops; pub mod store;",
        ),
        (
            "slices/notes/api/mod.rs",
            "use axum::Json; use crate::http::json; use super::ops;",
        ),
        (
            "slices/notes/model.rs",
            "use crate::base::error::Error; use crate::db::Column; use crate::slices::links::model::Link;",
        ),
        (
            "slices/notes/ops.rs",
            "use super::store; use crate::db::Db; use crate::slices::links; fn f() { links::ops::find() }",
        ),
        (
            "slices/notes/store.rs",
            "use super::model::Note; use crate::db::Tx;",
        ),
        (
            "slices/links/public.rs",
            "use axum::Json; use super::page; use crate::infra::mail;",
        ),
        ("slices/links/page.rs", "use axum::response::Html;"),
        ("slices/links/ops.rs", ""),
        ("slices/links/model.rs", ""),
        ("slices/tokens/access.rs", "use crate::base::error::Error;"),
        ("db.rs", ""),
        ("http/json.rs", "use axum::Json;"),
    ];
    assert_eq!(violations(&files), [""; 0]);
    assert_eq!(super::cycles::describe(&tree(&files)), [""; 0]);
}

#[test]
fn axum_and_http_in_a_use_case_are_reported_with_their_lines() {
    let files = [(
        "slices/notes/ops.rs",
        "use axum::http::HeaderMap;\n\nfn f() {\n    crate::http::cors::check();\n}\n",
    )];
    assert_eq!(
        violations(&files),
        [
            format!("src/slices/notes/ops.rs:1: axum::http::HeaderMap: {HTTP_IN_A_SLICE}"),
            format!("src/slices/notes/ops.rs:4: crate::http::cors::check: {HTTP_IN_A_SLICE}"),
        ]
    );
    assert_eq!(
        violations(&[("slices/notes/mod.rs", "use axum::Json;")]),
        [format!(
            "src/slices/notes/mod.rs:1: axum::Json: {HTTP_IN_A_SLICE}"
        )]
    );
}

#[test]
fn an_import_is_reported_where_it_is_imported_only() {
    let text = "use axum::Json;\nfn f() -> Json<u8> { Json::from(1) }";
    assert_eq!(violations(&[("slices/notes/ops.rs", text)]).len(), 1);
}

#[test]
fn the_api_of_another_slice_is_reported_however_it_is_named() {
    let spellings = [
        "use crate::slices::links::api::View;",
        "use crate::{slices::{links::{api, store}}};",
        "use crate::slices::links; fn f() { links::api::list() }",
        "use crate::slices as rooms; fn f() { rooms::links::api::list() }",
        "use crate::slices::*; fn f() { links::api::list() }",
        "use super::super::links::api;",
        "fn f() { println!(\"{}\", crate::slices::links::api::list()) }",
    ];
    for text in spellings {
        let files = [("slices/notes/ops.rs", text), ("slices/links/api.rs", "")];
        let found = violations(&files);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(
            found[0].starts_with("src/slices/notes/ops.rs:1: crate::slices::links::api"),
            "{found:?}"
        );
        assert!(found[0].ends_with(ENDPOINTS), "{found:?}");
    }
}

#[test]
fn only_the_router_names_endpoints_from_outside() {
    for name in ["maintenance.rs", "pages/console.rs", "cli/mod.rs"] {
        let files = [(name, "use crate::slices::notes::public;")];
        assert_eq!(
            violations(&files),
            [format!(
                "src/{name}:1: crate::slices::notes::public: {ENDPOINTS}"
            )]
        );
    }
    // Routes, and nothing else.
    let files = [("http/router.rs", "use crate::slices::notes::ops;")];
    assert_eq!(
        violations(&files),
        [
            "src/http/router.rs:1: crate::slices::notes::ops: http may not name slices or pages"
                .to_owned()
        ]
    );
}

#[test]
fn lower_rooms_name_no_higher_ones() {
    let forbidden = [
        ("base/error.rs", "crate::slices::notes"),
        ("base/error.rs", "axum::Json"),
        ("base/error.rs", "crate::http::json"),
        ("base/error.rs", "crate::infra::mail"),
        ("base/error.rs", "crate::pages::console"),
        ("infra/outbox/worker.rs", "crate::slices::notes"),
        ("infra/outbox/worker.rs", "crate::http::json"),
        ("infra/outbox/worker.rs", "crate::pages::console"),
        ("infra/outbox/worker.rs", "axum::Json"),
        ("infra/serving/mod.rs", "crate::http::router"),
        ("infra/metrics/mod.rs", "crate::slices::notes"),
        ("http/json.rs", "crate::slices::notes::model"),
        ("http/json.rs", "crate::pages::console"),
        ("http/auth.rs", "crate::slices::tokens::store"),
    ];
    for (name, path) in forbidden {
        let text = format!("\nuse {path};");
        let found = violations(&[(name, &text)]);
        assert_eq!(found.len(), 1, "{name} {path}: {found:?}");
        let start = format!("src/{name}:2: {path}: ");
        assert!(found[0].starts_with(&start), "{found:?}");
    }
}

#[test]
fn a_model_does_no_io() {
    let forbidden = [
        "super::store",
        "crate::slices::links::ops::find",
        "tokio::time::sleep",
        "std::fs::read",
        "crate::app::App",
        "crate::infra::mail",
        "crate::db::Tx",
        "crate::db::*",
        "keymoor_db::Rx",
    ];
    for path in forbidden {
        let text = format!("use {path};");
        for name in ["slices/notes/model.rs", "slices/notes/model/state.rs"] {
            let found = violations(&[(name, &text.replace("super::", "crate::slices::notes::"))]);
            assert_eq!(found.len(), 1, "{path}: {found:?}");
        }
    }
    let text = "use crate::db; fn f(db: db::Db) {}";
    assert_eq!(
        violations(&[("slices/notes/model.rs", text)]),
        [
            "src/slices/notes/model.rs:1: crate::db::Db: a model does no I/O, and may not name what does"
        ]
    );
}

#[test]
fn code_for_tests_is_exempt() {
    let ops = "
        #[cfg(test)] use axum::Json;
        #[cfg(all(test, unix))] fn f() { axum::f() }
        #[cfg(test)] mod checks { use axum::Json; }
        struct Note;
        impl Note { #[cfg(test)] const ALL: u8 = axum::ALL; }
        #[cfg(test)] mod tests;
        mod testing;
        #[cfg(test)] mod fixtures;";
    let files = [
        ("slices/notes/ops.rs", ops),
        ("slices/notes/ops/tests.rs", "use axum::Json;"),
        ("slices/notes/ops/testing.rs", "use axum::Json;"),
        ("slices/notes/ops/fixtures.rs", "use axum::Json;"),
    ];
    let mut sources = Sources::new("src");
    for (name, text) in files {
        sources.add(name, text.to_owned());
    }
    sources.add("lib.rs", "mod slices { mod notes { mod ops; } }".to_owned());
    let tree = Tree::read(&sources).unwrap();
    assert_eq!(rules::violations(&tree), [""; 0]);
    let names: Vec<_> = tree.files.iter().map(|file| &*file.name).collect();
    assert_eq!(names, ["lib.rs", "slices/notes/ops.rs"]);
}

#[test]
fn code_for_more_than_tests_is_not() {
    for condition in ["not(test)", "any(test, unix)", "feature = \"test\""] {
        let text = format!("#[cfg({condition})] use axum::Json;");
        assert_eq!(
            violations(&[("slices/notes/ops.rs", &text)]).len(),
            1,
            "{condition}"
        );
    }
}

#[test]
fn an_exception_that_nothing_needs_is_reported() {
    let files = [("http/auth.rs", "use crate::slices::tokens::access;")];
    let unused = rules::unused_exceptions(&tree(&files));
    let about = |name: &str| unused.iter().any(|line| line.starts_with(name));
    assert!(about(
        "src/http/router.rs does not name crate::slices::*::api; "
    ));
    assert!(!about("src/http/auth.rs"), "{unused:?}");
}

#[test]
fn both_crates_are_checked() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("crates/server/src/lib.rs", "mod base;");
    write("crates/server/src/base.rs", "use axum::Json;");
    let server = "crates/server/src/base.rs:1: axum::Json: ";
    let problems = || check(dir.path()).unwrap_err().to_string();
    assert!(problems().contains(server), "{}", problems());
    write("crates/db/src/lib.rs", "mod row; pub use row::Row;");
    write("crates/db/src/row.rs", "use crate::Error;");
    let db = "import cycle of 2 files:\n  crates/db/src/lib.rs\n  crates/db/src/row.rs\n";
    assert!(problems().contains(server) && problems().contains(db));
}
