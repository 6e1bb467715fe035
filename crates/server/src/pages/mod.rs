//! The pages that the server serves itself.

pub mod assets;
pub mod console;
pub mod hosted;
pub mod start;
