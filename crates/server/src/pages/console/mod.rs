//! The console. Its only page so far lets an administrator create a passkey.

pub mod page;

#[cfg(test)]
mod tests;
