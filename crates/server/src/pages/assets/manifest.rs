//! The built files of the packages, as listed in their manifests.

use std::collections::{BTreeMap, HashMap};

use axum::http::HeaderValue;
use serde::Deserialize;

use super::encoding::Accepted;

/// Each package with its files; a package that was not built has none.
pub(super) type Packages = &'static [(&'static str, &'static [(&'static str, &'static [u8])])];

/// The served files of all packages.
#[derive(Default)]
pub(super) struct Assets {
    /// Served paths, by the path of the source below `packages/`.
    paths: HashMap<String, String>,
    /// Served paths of the style sheets that a source needs, by its path.
    stylesheets: HashMap<String, Vec<String>>,
    /// Files, by served path.
    files: HashMap<String, File>,
}

/// A manifest entry. Other members that Vite writes are ignored.
#[derive(Deserialize)]
struct Entry {
    file: String,
    /// Style sheets that a script needs.
    #[serde(default)]
    css: Vec<String>,
    /// Images and fonts that a script or style sheet needs.
    #[serde(default)]
    assets: Vec<String>,
}

/// A file in each available content coding.
pub(super) struct File {
    pub(super) content_type: &'static str,
    /// In ascending preference. The first has no coding.
    representations: Vec<Representation>,
}

pub(super) struct Representation {
    /// The value of `Content-Encoding`, if it has one.
    pub(super) coding: Option<&'static str>,
    pub(super) content: &'static [u8],
    pub(super) etag: HeaderValue,
}

impl Assets {
    /// Reads the manifests of all packages.
    ///
    /// # Panics
    ///
    /// If a manifest is malformed or lists a missing file, because its package's build is broken then.
    pub(super) fn load(packages: Packages) -> Self {
        let mut assets = Self::default();
        for (package, files) in packages {
            assets.add(package, &files.iter().copied().collect());
        }
        assets
    }

    fn add(&mut self, package: &str, files: &HashMap<&str, &'static [u8]>) {
        let Some(manifest) = files.get("manifest.json") else {
            return;
        };
        let manifest: BTreeMap<String, Entry> = serde_json::from_slice(manifest)
            .unwrap_or_else(|error| panic!("the manifest of {package}: {error}"));
        for (source, entry) in manifest {
            let served_at = |name: &str| format!("/assets/{package}/{name}");
            let source = format!("{package}/{source}");
            let stylesheets = entry.css.iter().map(|name| served_at(name)).collect();
            self.stylesheets.insert(source.clone(), stylesheets);
            self.paths.insert(source, served_at(&entry.file));
            for name in [entry.file].iter().chain(&entry.css).chain(&entry.assets) {
                let file = File::find(name, files)
                    .unwrap_or_else(|| panic!("{package} was built without {name}"));
                self.files.insert(served_at(name), file);
            }
        }
    }

    /// Returns the path that serves the file built from `source`.
    pub(super) fn path(&self, source: &str) -> Option<&str> {
        self.paths.get(source).map(String::as_str)
    }

    /// Returns the paths of the style sheets that the script built from `source` needs.
    pub(super) fn stylesheets(&self, source: &str) -> Vec<&str> {
        let found = self.stylesheets.get(source).into_iter().flatten();
        found.map(String::as_str).collect()
    }

    /// Returns the file served at `path`.
    pub(super) fn file(&self, path: &str) -> Option<&File> {
        self.files.get(path)
    }
}

impl File {
    fn find(name: &str, files: &HashMap<&str, &'static [u8]>) -> Option<Self> {
        let representation = |coding, extension| {
            let name = format!("{name}{extension}");
            Some(Representation {
                coding,
                content: files.get(&*name)?,
                // The name changes with the content.
                etag: format!("\"{name}\"").parse().ok()?,
            })
        };
        let mut representations = vec![representation(None, "")?];
        representations.extend(representation(Some("gzip"), ".gz"));
        representations.extend(representation(Some("br"), ".br"));
        Some(Self {
            content_type: content_type(name),
            representations,
        })
    }

    /// Returns the representation that the caller prefers: the smallest on a tie, and the uncoded
    /// one if the caller accepts none.
    pub(super) fn choose(&self, accepted: &Accepted<'_>) -> &Representation {
        let weight = |representation: &&Representation| accepted.weight(representation.coding);
        let acceptable = self.representations.iter().filter(|it| weight(it) > 0);
        acceptable
            .max_by_key(weight)
            .unwrap_or(&self.representations[0])
    }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("png") => "image/png",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}
