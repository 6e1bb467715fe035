//! How a command ends.

use std::io::Write as _;

/// An error that ends a command. Its text is for the operator.
pub(super) type Failure = Box<dyn std::error::Error + Send + Sync>;
pub(super) type Outcome<T = ()> = Result<T, Failure>;

/// Prints the result of a command.
pub(super) fn print(text: &str) -> Outcome {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}
