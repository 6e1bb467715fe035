//! Pages that the server itself shows.

pub mod assets;
pub mod console;
pub mod hosted;
