//! Pages that the server itself shows.

pub mod console;
pub mod hosted;
