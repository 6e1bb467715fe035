//! Cycles, and what is part of one.

use super::super::cycles::describe;
use super::*;

fn cycles(files: &[(&str, &str)]) -> Vec<String> {
    describe(&tree(files))
}

#[test]
fn files_that_import_each_other_are_reported_with_a_shortest_cycle() {
    let files = [
        ("a.rs", "use crate::b::B;"),
        ("b.rs", "\nfn f() { crate::c::f(); }"),
        ("c.rs", "use crate::d; fn f() { d::f() }"),
        ("d.rs", "use super::{a, c};"),
        ("e.rs", "use crate::a;"),
    ];
    assert_eq!(
        cycles(&files),
        ["import cycle of 4 files:
  src/a.rs
  src/b.rs
  src/c.rs
  src/d.rs
one of its shortest cycles:
  src/c.rs:1: crate::d
  src/d.rs:1: crate::c"]
    );
}

#[test]
fn declarations_are_no_imports_and_re_exports_are() {
    assert_eq!(
        cycles(&[
            ("a/mod.rs", "pub mod b;"),
            ("a/b.rs", "use super::A; use crate::a::C;")
        ]),
        [""; 0]
    );
    let found = cycles(&[
        ("a/mod.rs", "mod b;\npub use b::B;"),
        ("a/b.rs", "use crate::a::C;"),
    ]);
    assert_eq!(
        found,
        ["import cycle of 2 files:
  src/a/b.rs
  src/a/mod.rs
one of its shortest cycles:
  src/a/mod.rs:2: crate::a::b::B
  src/a/b.rs:1: crate::a::C"]
    );
}

#[test]
fn the_body_of_a_macro_does_not_import_what_is_named_where_it_expands() {
    let body = "macro_rules! row { () => { $crate::a::Row } }";
    let files = [("a/mod.rs", "mod b; pub use b::row;"), ("a/b.rs", body)];
    assert_eq!(cycles(&files), [""; 0]);
    // But walls stand before it.
    let body = body.replace("$crate::a", "$crate::slices");
    assert_eq!(violations(&[("base/row.rs", &body)]).len(), 1);
}

#[test]
fn modules_chosen_by_a_condition_have_several_files() {
    let files = [
        (
            "a/mod.rs",
            "#[cfg(unix)] mod b; #[cfg(not(unix))] #[path = \"other.rs\"] mod b; fn f() { b::f() }",
        ),
        ("a/b.rs", ""),
    ];
    let mut sources = with_declarations(&files);
    sources.add("a/other.rs", "use super::A;".to_owned());
    let found = describe(&Tree::read(&sources).unwrap());
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("import cycle of 2 files:\n  src/a/mod.rs\n  src/a/other.rs\n"));
}
