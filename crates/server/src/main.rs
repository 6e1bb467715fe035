//! The `keymoor` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    keymoor_server::cli::main()
}
