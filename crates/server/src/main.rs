//! The `keymoor` binary.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// The C library's allocator used 15 % of a sign-in's time. See
/// `docs/explanation/performance-notebook.md`.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    keymoor_server::cli::main()
}
