//! What a file names.

use super::*;

/// What `slices/notes/ops.rs` names when this is its text, as absolute paths.
fn named(text: &str) -> Vec<String> {
    let tree = tree(&[
        ("slices/notes/ops.rs", text),
        ("slices/notes/store.rs", ""),
        ("slices/binding/api.rs", ""),
    ]);
    let mut files = tree.files.iter();
    let ops = files.find(|file| file.name == "slices/notes/ops.rs");
    let named = &ops.unwrap().named;
    named.iter().map(|named| named.path.join("::")).collect()
}

#[test]
fn imports_are_resolved() {
    let text = "
        use crate::{base::{error::{self, Error}, text as words}, db};
        use super::store::*;
        use ::axum::Json as Answer;
        fn f() { self::g(); words::check(); error::Kind::new(); Answer::new(); Local::new() }";
    assert_eq!(
        named(text),
        [
            "crate::base::error",
            "crate::base::error::Error",
            "crate::base::text",
            "crate::db",
            "crate::slices::notes::store::*",
            "axum::Json",
            "Local::new",
            "axum::Json::new",
            "crate::base::error::Kind::new",
            "crate::base::text::check",
            "crate::slices::notes::ops::g",
        ]
    );
}

#[test]
fn a_module_written_out_in_a_file_has_names_of_its_own() {
    let text = "
        use crate::base::error;
        mod inner { use super::super::store; fn f() { super::g(); error::h() } }
        fn f() { inner::f() }";
    assert_eq!(
        named(text),
        [
            "crate::base::error",
            "crate::slices::notes::ops::g",
            "crate::slices::notes::store",
            "error::h",
            "crate::slices::notes::ops::inner::f",
        ]
    );
}

#[test]
fn paths_in_types_patterns_and_attributes_are_seen() {
    let text = "
        #[derive(utoipa::ToSchema)]
        #[schema(as = crate::a::View)]
        struct A<T: crate::b::B>(Vec<crate::c::C>);
        fn f(x: <u8 as crate::d::D>::E) { match x { crate::g::G { .. } => {} } }";
    let found = named(text);
    let wanted = [
        "utoipa::ToSchema",
        "crate::a::View",
        "crate::b::B",
        "crate::c::C",
        "crate::d::D::E",
        "crate::g::G",
    ];
    for path in wanted {
        assert!(
            found.contains(&path.to_owned()),
            "{path} is not in {found:?}"
        );
    }
}

#[test]
fn paths_in_macros_are_seen() {
    let text = "
        use crate::slices::binding;
        macro_rules! m {
            ($x:ident) => { mod inner { use super::store::{self, Row as R}; } $x::f(); $crate::base::g() };
        }
        m! { binding::api::list(crate::db::{a, b::*}, Vec::<u8>::new(), ::axum::f()) }";
    assert_eq!(
        named(text),
        [
            "crate::slices::binding",
            "crate::base::g",
            "crate::slices::notes::ops::store",
            "crate::slices::notes::ops::store::Row",
            "axum::f",
            "crate::db::a",
            "crate::db::b::*",
            "crate::slices::binding::api::list",
        ]
    );
}

#[test]
fn comments_texts_and_visibilities_import_nothing() {
    let text = "
        //! [`crate::http::json`]
        /// See [`axum::Json`].
        pub(crate) fn f() { g(\"crate::http\") }
        pub(in crate::slices) struct A { pub(super) b: u8 }";
    assert_eq!(named(text), [""; 0]);
}

#[test]
fn files_that_are_missing_or_no_rust_are_named() {
    let error = |files: &[(&str, &str)]| {
        let mut sources = Sources::new("src");
        for (name, text) in files {
            sources.add(name, (*text).to_owned());
        }
        Tree::read(&sources).err().unwrap().to_string()
    };
    assert_eq!(error(&[]), "src/lib.rs does not exist");
    assert_eq!(
        error(&[("lib.rs", "\nmod a;")]),
        "src/lib.rs:2: this module has no file"
    );
    let message = error(&[("lib.rs", "fn a() {}\nfn 1")]);
    assert!(message.starts_with("src/lib.rs:2: "), "{message}");
}
