//! Makes cargo notice when the browser SDK, which goes into the binary, is built.

use std::path::Path;

fn main() {
    let bundle = Path::new("../../packages/sdk-js/dist");
    // Cargo takes a path that does not exist for one that always changes.
    let watched = match bundle.parent() {
        Some(package) if !bundle.exists() => package,
        _ => bundle,
    };
    println!("cargo:rerun-if-changed={}", watched.display());
    println!("cargo:rerun-if-changed=build.rs");
}
