//! The Kotlin SDK's checks: its build and tests, its public API, and the size of what is published.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

use crate::{
    process::{capture, command, run},
    repo, setup,
};

const SDK: &str = "sdks/kotlin";

/// Each published jar with the most bytes that it may have: a tenth more than when this was written.
const JARS: [(&str, u64); 2] = [("core", 310_000), ("jvm", 26_100)];

/// Builds, tests, and compares the API and the sizes with what is checked in.
pub(crate) fn check() -> Result<()> {
    run(&mut setup::maven(&[
        "verify",
        "--activate-profiles",
        "publish",
    ])?)?;
    for (module, max) in JARS {
        let target = repo::root().join(SDK).join(module).join("target");
        for kind in ["", "-sources", "-javadoc"] {
            let jar = target.join(format!("keymoor-{module}-{}{kind}.jar", version()?));
            let size = size_of(&jar)?;
            println!("{size:>8} bytes  {}", jar.display());
            ensure!(
                !kind.is_empty() || size <= max,
                "{} has {size} bytes, more than the {max} of xtask/src/kotlin.rs",
                jar.display()
            );
        }
        let written = fs::read_to_string(api_file(module)).unwrap_or_default();
        ensure!(
            written == api(module)?,
            "the public API of {SDK}/{module} differs from {}: if that is meant, run `cargo xtask codegen kotlin-api`",
            api_file(module).display()
        );
    }
    Ok(())
}

/// Writes the public API of each module beside its sources.
pub(crate) fn write_api() -> Result<()> {
    run(&mut setup::maven(&["package", "-DskipTests"])?)?;
    for (module, _) in JARS {
        let path = api_file(module);
        fs::write(&path, api(module)?)?;
        println!("wrote {}", path.display());
    }
    Ok(())
}

fn api_file(module: &str) -> PathBuf {
    repo::root().join(SDK).join(module).join("api.txt")
}

fn size_of(file: &Path) -> Result<u64> {
    let metadata = fs::metadata(file);
    Ok(metadata
        .with_context(|| format!("Maven left no {}", file.display()))?
        .len())
}

fn version() -> Result<String> {
    let pom = fs::read_to_string(repo::root().join(SDK).join("pom.xml"))?;
    let version = pom
        .split("<version>")
        .nth(1)
        .and_then(|rest| rest.split('<').next());
    Ok(version.context("the pom has no version")?.to_owned())
}

/// What `javap` says of the types and functions that the sources declare public. Its own idea of public
/// includes what Kotlin calls internal.
fn api(module: &str) -> Result<String> {
    let module = repo::root().join(SDK).join(module);
    let mut declared = Declared::default();
    for file in repo::written_below(&module.join("src/main"))? {
        if file.extension().is_some_and(|ending| ending == "kt") {
            let name = file.file_stem().unwrap_or_default().to_string_lossy();
            declared.read(&name, &fs::read_to_string(&file)?);
        }
    }
    let classes = module.join("target/classes");
    let mut files = Vec::new();
    class_files(&classes, &mut files)?;
    files.retain(|file| declared.has(file));
    files.sort();
    let mut javap = command("javap");
    javap.arg("-public").args(&files);
    let printed = capture(&mut javap)?;
    Ok(declared.only(&String::from_utf8(printed)?))
}

fn class_files(dir: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            class_files(&path, found)?;
        } else if path.extension().is_some_and(|ending| ending == "class") {
            found.push(path);
        }
    }
    Ok(())
}

/// What sources declare public at their top level.
#[derive(Default)]
struct Declared {
    types: BTreeSet<String>,
    /// By the class that holds them.
    functions: BTreeMap<String, BTreeSet<String>>,
}

impl Declared {
    fn read(&mut self, file: &str, text: &str) {
        for line in text.lines().filter_map(|line| line.strip_prefix("public ")) {
            let mut words = line.split(|char: char| " (:<={".contains(char));
            let Some(kind) =
                words.find(|word| ["class", "interface", "object", "fun"].contains(word))
            else {
                continue;
            };
            match (kind, words.next().unwrap_or_default()) {
                ("fun", "interface") => self.types.extend(words.next().map(str::to_owned)),
                ("fun", name) => {
                    let name = name.rsplit('.').next().unwrap_or_default();
                    let functions = self.functions.entry(format!("{file}Kt")).or_default();
                    functions.insert(name.to_owned());
                }
                (_, name) => {
                    self.types.insert(name.to_owned());
                }
            }
        }
    }

    fn has(&self, class_file: &Path) -> bool {
        let name = class_file.file_stem().unwrap_or_default().to_string_lossy();
        let mut parts = name.split('$');
        let outer = parts.next().unwrap_or_default();
        // Other parts name what the compiler generated.
        let are_names =
            parts.all(|part| part.starts_with(|first: char| first.is_ascii_uppercase()));
        are_names && (self.types.contains(outer) || self.functions.contains_key(outer))
    }

    /// Without what Kotlin callers can't see.
    fn only(&self, printed: &str) -> String {
        let mut lines = Vec::new();
        let mut wanted = false;
        let mut functions = None;
        for line in printed
            .lines()
            .filter(|line| !line.starts_with("Compiled from"))
        {
            if !line.starts_with([' ', '}']) {
                wanted = line.starts_with("public ");
                let class = line
                    .split(' ')
                    .find(|word| word.contains('.'))
                    .unwrap_or_default();
                functions = self
                    .functions
                    .get(class.rsplit('.').next().unwrap_or_default());
            }
            let name = line
                .split('(')
                .next()
                .and_then(|start| start.rsplit(' ').next());
            let name = name.unwrap_or_default();
            let is_declared = !line.starts_with(' ')
                || functions
                    .is_none_or(|names| names.contains(name.split('$').next().unwrap_or_default()));
            if wanted && is_declared && !name.contains("$keymoor_") && !name.starts_with("access$")
            {
                lines.push(line);
            }
        }
        lines.join("\n") + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_internal_is_no_api() {
        let mut declared = Declared::default();
        declared.read(
            "Jvm",
            "public data class Key(val x: String)\npublic fun interface Clock {\ninternal class Links\n\
             public fun Sdk.init(folder: Path)\ninternal fun hidden()\n    public fun member()\n",
        );
        assert_eq!(declared.types, ["Clock", "Key"].map(str::to_owned).into());
        let has = |name: &str| declared.has(Path::new(name));
        assert!(has("a/Key.class") && has("a/Key$Companion.class") && has("a/JvmKt.class"));
        assert!(!has("a/Links.class") && !has("a/Key$1.class") && !has("a/Key$copy$1.class"));
        let printed = "Compiled from \"Jvm.kt\"\n\
            public final class a.JvmKt {\n  public static final void init(a.Sdk);\n  public static void hidden();\n}\n\
            public final class a.Key {\n  public java.lang.String getX();\n  public void b$keymoor_core();\n  public static void access$c();\n}\n\
            final class a.Key$Private {\n}\n";
        assert_eq!(
            declared.only(printed),
            "public final class a.JvmKt {\n  public static final void init(a.Sdk);\n}\n\
             public final class a.Key {\n  public java.lang.String getX();\n}\n"
        );
    }
}
