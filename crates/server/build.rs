//! Lists the migrations, and embeds what npm packages were built into. Makes cargo notice when
//! either changes.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Packages below `packages/` whose `dist` the server serves, those that are not built included.
const PACKAGES: [&str; 2] = ["console", "pages"];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=migrations");
    let migrations = cargo_directory("CARGO_MANIFEST_DIR").join("migrations");
    let list_file = cargo_directory("OUT_DIR").join("migrations.rs");
    fs::write(list_file, migration_list(&migrations)).expect("OUT_DIR is writable");
    let packages = cargo_directory("CARGO_MANIFEST_DIR").join("../../packages");
    let mut table = String::from("&[\n");
    for package in PACKAGES {
        watch(&packages.join(package));
        embed(package, &packages.join(package).join("dist"), &mut table);
    }
    table.push(']');
    let table_file = cargo_directory("OUT_DIR").join("packages.rs");
    fs::write(table_file, table).expect("OUT_DIR is writable");
}

/// `&[Migration { … }, …]` as Rust source: a migration for each file that both databases have,
/// such as `0002_notes.sql`.
fn migration_list(migrations: &Path) -> String {
    let mut names: Vec<String> = sql_files(&migrations.join("sqlite"));
    names.sort();
    let mut postgres = sql_files(&migrations.join("postgres"));
    postgres.sort();
    assert_eq!(
        names, postgres,
        "each migration has a file for each database"
    );
    let mut source = String::from("&[\n");
    for name in names {
        let (version, _) = name
            .split_once('_')
            .expect("a migration starts with its number");
        let version: i64 = version.parse().expect("a migration starts with its number");
        let text = |database: &str| {
            let path = migrations.join(database).join(format!("{name}.sql"));
            format!("include_str!({:?})", utf8(&path))
        };
        writeln!(
            source,
            "Migration {{ version: {version}, name: {name:?}, sql: Sql {{ sqlite: {}, postgres: {} }} }},",
            text("sqlite"),
            text("postgres"),
        )
        .expect("a String takes any text");
    }
    source.push(']');
    source
}

/// The names of the `.sql` files in a folder, without their ending.
fn sql_files(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    list(folder, &mut files).expect("the migrations are readable");
    files
        .iter()
        .filter_map(|file| utf8(file.strip_prefix(folder).ok()?).strip_suffix(".sql"))
        .map(str::to_owned)
        .collect()
}

fn cargo_directory(variable: &str) -> PathBuf {
    env::var_os(variable).expect("set by cargo").into()
}

fn watch(package: &Path) {
    let dist = package.join("dist");
    // Cargo treats a missing path as one that always changes.
    let watched = if dist.exists() { &dist } else { package };
    println!("cargo:rerun-if-changed={}", watched.display());
}

/// Appends `(package, &[(file, content), …])` as Rust source.
fn embed(package: &str, dist: &Path, table: &mut String) {
    let mut files = Vec::new();
    if dist.exists() {
        list(dist, &mut files).expect("a built package is readable");
    }
    files.sort();
    writeln!(table, "({package:?}, &[").expect("a String takes any text");
    for file in files {
        let name = utf8(file.strip_prefix(dist).expect("listed below it"));
        let path = utf8(&file);
        writeln!(table, "({name:?}, include_bytes!({path:?})),").expect("a String takes any text");
    }
    table.push_str("]),\n");
}

fn utf8(path: &Path) -> &str {
    path.to_str()
        .expect("the repository lies at a path that is UTF-8")
}

fn list(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
