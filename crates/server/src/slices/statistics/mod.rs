//! Statistics: what happened in a realm, a day.
//!
//! The numbers are counted from the events after their commit, in the background, so that sign-in
//! and binding don't pay for them. The numbers and the place up to which events are counted change
//! in one write, so that each event counts once, whatever stops the server and however many nodes
//! count.

pub mod api;
pub mod model;
pub mod ops;
pub mod store;
#[cfg(test)]
mod tests;
