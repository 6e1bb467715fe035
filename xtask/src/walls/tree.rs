//! The files of a crate, and which of them, or of other crates' items, their paths lead to.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, anyhow};

use super::source::{EXTERN, GLOB, Segments, Source, Submodule};

/// The text of a crate's files by their names, such as `http/mod.rs`.
pub(super) struct Sources {
    folder: String,
    texts: BTreeMap<String, String>,
}

impl Sources {
    /// None yet; errors will show their names below `folder`.
    pub(super) fn new(folder: &str) -> Self {
        Self {
            folder: folder.to_owned(),
            texts: BTreeMap::new(),
        }
    }

    pub(super) fn add(&mut self, name: &str, text: String) {
        self.texts.insert(name.to_owned(), text);
    }
}

/// What a crate consists of when it is not compiled for tests.
pub(super) struct Tree {
    pub(super) folder: String,
    pub(super) files: Vec<File>,
    /// Indices of files by module. Conditions of compilation may choose between several.
    modules: BTreeMap<Segments, Vec<usize>>,
}

pub(super) struct File {
    /// Below the tree's folder, with slashes.
    pub(super) name: String,
    pub(super) module: Segments,
    pub(super) named: BTreeSet<Named>,
}

/// A path that a file names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Named {
    pub(super) line: usize,
    /// Absolute.
    pub(super) path: Segments,
    /// The absolute path of the import that it begins with.
    pub(super) import: Option<Segments>,
    /// The module in which a macro of this file expands depends on it, and this file does not.
    pub(super) by_macro: bool,
}

impl Tree {
    /// Reads the files that are reached from `lib.rs`.
    pub(super) fn read(sources: &Sources) -> Result<Self> {
        let mut tree = Self {
            folder: sources.folder.clone(),
            files: Vec::new(),
            modules: BTreeMap::new(),
        };
        let mut read = Vec::new();
        let mut unread = vec![("lib.rs".to_owned(), vec!["crate".to_owned()])];
        while let Some((name, module)) = unread.pop() {
            let shown = format!("{}/{name}", sources.folder);
            let text = sources.texts.get(&name);
            let text = text.with_context(|| format!("{shown} does not exist"))?;
            let source =
                Source::read(module.clone(), text).map_err(|error| anyhow!("{shown}:{error}"))?;
            for submodule in source.submodules.iter().rev() {
                let file = file_of(submodule, &name, module.len(), sources).with_context(|| {
                    format!("{shown}:{}: this module has no file", submodule.line)
                })?;
                unread.push((file, submodule.module.clone()));
            }
            for module in source.scopes.keys() {
                let files = tree.modules.entry(module.clone()).or_default();
                files.push(tree.files.len());
            }
            tree.files.push(File {
                name,
                module,
                named: BTreeSet::new(),
            });
            read.push(source);
        }
        for (index, source) in read.iter().enumerate() {
            tree.files[index].named = tree.resolve(source);
        }
        Ok(tree)
    }

    /// The name of a file as it is shown.
    pub(super) fn path(&self, file: &File) -> String {
        format!("{}/{}", self.folder, file.name)
    }

    /// The files of the innermost module in which `path` lies; none for another crate's.
    pub(super) fn files_of(&self, path: &[String]) -> &[usize] {
        let prefixes = (1..=path.len()).rev().map(|length| &path[..length]);
        let mut files = prefixes.filter_map(|prefix| self.modules.get(prefix));
        files.next().map_or(&[], |files| files)
    }

    fn resolve(&self, source: &Source) -> BTreeSet<Named> {
        let names = Names { tree: self, source };
        let mut found = BTreeSet::new();
        for written in &source.written {
            let meanings = names.meanings(&written.module, &written.path, &[]);
            found.extend(meanings.into_iter().map(|meaning| Named {
                line: written.line,
                path: meaning.path,
                import: meaning.import,
                by_macro: written.by_macro,
            }));
        }
        found
    }
}

/// Returns the file of `mod name;` in the file `parent`. The module of `parent` has `depth`
/// segments.
fn file_of(submodule: &Submodule, parent: &str, depth: usize, sources: &Sources) -> Option<String> {
    let (folder, file) = parent.rsplit_once('/').unwrap_or(("", parent));
    let mut within: Vec<_> = (!folder.is_empty()).then_some(folder).into_iter().collect();
    let candidates = if let Some(path) = &submodule.path {
        within.push(path);
        vec![within.join("/")]
    } else {
        if !["lib.rs", "mod.rs"].contains(&file) {
            within.push(file.trim_end_matches(".rs"));
        }
        within.extend(submodule.module[depth..].iter().map(String::as_str));
        let path = within.join("/");
        vec![format!("{path}.rs"), format!("{path}/mod.rs")]
    };
    let mut existing = candidates
        .into_iter()
        .filter(|name| sources.texts.contains_key(name));
    existing.next()
}

struct Meaning {
    path: Segments,
    import: Option<Segments>,
}

/// What names mean in one file.
struct Names<'a> {
    tree: &'a Tree,
    source: &'a Source,
}

impl Names<'_> {
    /// The absolute paths that `path` may stand for in `module`. `resolving` holds the names that
    /// are being looked up: in `use tokio::tokio`, the first is not the one that it imports.
    fn meanings(&self, module: &[String], path: &[String], resolving: &[&str]) -> Vec<Meaning> {
        let (first, rest) = path.split_first().expect("a path has segments");
        match first.as_str() {
            "crate" => return vec![Meaning::new(path.to_vec())],
            "self" | "super" => return vec![Meaning::new(from(module, path))],
            EXTERN => return vec![Meaning::new(rest.to_vec())],
            _ => {}
        }
        let Some(scope) = self.source.scopes.get(module) else {
            return vec![Meaning::new(path.to_vec())];
        };
        let imports = scope.imports.get(first);
        if let Some(imports) = imports.filter(|_| !resolving.contains(&&**first)) {
            let resolving = [resolving, &[first]].concat();
            let imports = imports.iter();
            let imports = imports.flat_map(|import| self.meanings(module, import, &resolving));
            return imports.map(|import| import.followed_by(rest)).collect();
        }
        if scope.modules.contains(first) {
            return vec![Meaning::new([module, path].concat())];
        }
        if !resolving.contains(&GLOB) {
            let resolving = [resolving, &[GLOB]].concat();
            let has_it = |glob: &Meaning| {
                let module = [&*glob.path, &path[..1]].concat();
                self.tree.modules.contains_key(&module)
            };
            let globs = scope.globs.iter();
            let globs = globs.flat_map(|glob| self.meanings(module, glob, &resolving));
            let modules: Vec<_> = globs
                .filter(has_it)
                .map(|glob| glob.followed_by(path))
                .collect();
            if !modules.is_empty() {
                return modules;
            }
        }
        vec![Meaning::new(path.to_vec())]
    }
}

impl Meaning {
    fn new(path: Segments) -> Self {
        Self { path, import: None }
    }

    fn followed_by(self, rest: &[String]) -> Self {
        Self {
            path: [&*self.path, rest].concat(),
            import: Some(self.path),
        }
    }
}

/// The absolute path of one that begins with `self` or `super`.
fn from(module: &[String], path: &[String]) -> Segments {
    match path.split_first() {
        Some((first, rest)) if first == "self" => from(module, rest),
        Some((first, rest)) if first == "super" => {
            from(&module[..module.len().saturating_sub(1)], rest)
        }
        _ => [module, path].concat(),
    }
}
