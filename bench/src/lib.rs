//! What both load generators share: where they run, how they count, what the machine can do.

pub mod cores;
pub mod disk;
pub mod pace;
pub mod samples;
