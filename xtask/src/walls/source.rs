//! The paths that the code of one file names, as they are written.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, anyhow};
use proc_macro2::TokenStream;
use syn::{
    Attribute, Expr, ExprLit, ItemMod, ItemUse, Lit, Meta, UseTree, Visibility,
    ext::IdentExt as _,
    punctuated::Punctuated,
    visit::{self, Visit},
};

use super::tokens;

/// A path without its `::`. An absolute one begins with `crate` or the name of another crate.
pub(super) type Segments = Vec<String>;

/// Begins a path that was written with a leading `::`.
pub(super) const EXTERN: &str = "";
/// Ends a glob import.
pub(super) const GLOB: &str = "*";

/// A path of at least two segments, somewhere in the code.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) line: usize,
    /// The module in which its first name is resolved.
    pub(super) module: Segments,
    pub(super) path: Segments,
    /// It begins with `$crate`, so that the module in which the macro expands depends on it.
    pub(super) by_macro: bool,
}

/// What a path in a module may begin with.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// A name may have several meanings, since functions may import too.
    pub(super) imports: BTreeMap<String, BTreeSet<Segments>>,
    pub(super) globs: BTreeSet<Segments>,
    pub(super) modules: BTreeSet<String>,
}

/// A `mod name;`
#[derive(Debug)]
pub(super) struct Submodule {
    pub(super) line: usize,
    pub(super) module: Segments,
    /// The value of its `#[path]`.
    pub(super) path: Option<String>,
}

/// One file.
#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) written: Vec<Written>,
    /// By module: the file's own, and those written out in it.
    pub(super) scopes: BTreeMap<Segments, Scope>,
    pub(super) submodules: Vec<Submodule>,
    /// The module that is being read.
    module: Segments,
}

impl Source {
    /// Reads the file of `module`.
    pub(super) fn read(module: Segments, text: &str) -> Result<Self> {
        let file = syn::parse_file(text)
            .map_err(|error| anyhow!("{}: {error}", error.span().start().line))?;
        let mut source = Self {
            module,
            ..Self::default()
        };
        source.scope();
        source.visit_file(&file);
        Ok(source)
    }

    fn scope(&mut self) -> &mut Scope {
        self.scopes.entry(self.module.clone()).or_default()
    }

    fn add(&mut self, line: usize, path: &[String]) {
        if path.len() > 1 {
            self.written.push(Written {
                line,
                module: self.module.clone(),
                path: path.to_vec(),
                by_macro: false,
            });
        }
    }

    fn read_use(&mut self, before: &[String], tree: &UseTree) {
        let with = |name: String| [before, &[name]].concat();
        match tree {
            UseTree::Path(path) => {
                self.read_use(&with(path.ident.unraw().to_string()), &path.tree);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.read_use(before, tree);
                }
            }
            UseTree::Glob(glob) => {
                self.add(glob.star_token.span.start().line, &with(GLOB.to_owned()));
                self.scope().globs.insert(before.to_vec());
            }
            UseTree::Name(name) => self.read_import(before, &name.ident, &name.ident),
            UseTree::Rename(rename) => self.read_import(before, &rename.ident, &rename.rename),
        }
    }

    fn read_import(&mut self, before: &[String], item: &syn::Ident, name: &syn::Ident) {
        let mut path = before.to_vec();
        let mut name = name.unraw().to_string();
        if item == "self" {
            // `use a::b::{self}` imports `b`.
            if name == "self" {
                name = before.last().cloned().unwrap_or_default();
            }
        } else {
            path.push(item.unraw().to_string());
        }
        self.add(item.span().start().line, &path);
        self.scope().imports.entry(name).or_default().insert(path);
    }
}

macro_rules! skip_tests {
    ($($visit:ident: $item:ident,)*) => {$(
        fn $visit(&mut self, item: &'ast syn::$item) {
            if !is_for_tests(&item.attrs) {
                visit::$visit(self, item);
            }
        }
    )*};
}

impl<'ast> Visit<'ast> for Source {
    skip_tests! {
        visit_impl_item_const: ImplItemConst,
        visit_impl_item_fn: ImplItemFn,
        visit_item_const: ItemConst,
        visit_item_enum: ItemEnum,
        visit_item_fn: ItemFn,
        visit_item_impl: ItemImpl,
        visit_item_macro: ItemMacro,
        visit_item_static: ItemStatic,
        visit_item_struct: ItemStruct,
        visit_item_trait: ItemTrait,
        visit_item_type: ItemType,
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        let name = item.ident.unraw().to_string();
        if is_for_tests(&item.attrs) || ["testing", "tests"].contains(&&*name) {
            return;
        }
        self.scope().modules.insert(name.clone());
        self.module.push(name);
        if let Some((_, items)) = &item.content {
            self.scope();
            for item in items {
                self.visit_item(item);
            }
        } else {
            self.submodules.push(Submodule {
                line: item.ident.span().start().line,
                module: self.module.clone(),
                path: item.attrs.iter().find_map(path_attribute),
            });
        }
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if is_for_tests(&item.attrs) {
            return;
        }
        let before = item.leading_colon.as_ref().map(|_| EXTERN.to_owned());
        self.read_use(before.as_slice(), &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let mut segments: Segments = path
            .leading_colon
            .as_ref()
            .map(|_| EXTERN.to_owned())
            .into_iter()
            .collect();
        segments.extend(
            path.segments
                .iter()
                .map(|segment| segment.ident.unraw().to_string()),
        );
        self.add(path.segments[0].ident.span().start().line, &segments);
        visit::visit_path(self, path);
    }

    /// Skips `pub(crate)`: its `crate` is not a dependency of the file.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_token_stream(&mut self, stream: &'ast TokenStream) {
        self.written
            .extend(tokens::paths(stream.clone(), &self.module));
    }
}

/// Whether code with these attributes is compiled for tests only.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    let is_cfg = |attribute: &&Attribute| attribute.path().is_ident("cfg");
    let mut conditions = attributes.iter().filter(is_cfg);
    conditions.any(|cfg| {
        cfg.parse_args()
            .is_ok_and(|condition| needs_test(&condition))
    })
}

fn needs_test(condition: &Meta) -> bool {
    if condition.path().is_ident("test") {
        return true;
    }
    let Meta::List(list) = condition else {
        return false;
    };
    let Ok(parts) = list.parse_args_with(Punctuated::<Meta, syn::Token![,]>::parse_terminated)
    else {
        return false;
    };
    if list.path.is_ident("all") {
        parts.iter().any(needs_test)
    } else {
        list.path.is_ident("any") && parts.iter().all(needs_test)
    }
}

fn path_attribute(attribute: &Attribute) -> Option<String> {
    match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(path),
                ..
            }) => Some(path.value()),
            _ => None,
        },
        _ => None,
    }
}
