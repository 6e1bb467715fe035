//! The console, as far as it exists: the page on which an administrator creates a passkey.

pub mod page;

#[cfg(test)]
mod tests;
