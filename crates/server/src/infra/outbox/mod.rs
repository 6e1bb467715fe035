//! Jobs that must run after a write is durable, written down by that same write.
//!
//! A worker claims a job with a lease, so that the job survives a crash of the worker. It may
//! therefore run more than once: an attempt must be safe to repeat. The end of a job and what the
//! job records about it are one transaction, and the job never runs after that.
//!
//! - [`Job`]: what a kind of job must do. [`store`]: the SQL. [`worker`]: claims, runs and retries. [`registry`]: the kinds of jobs
//!   that the worker knows.

mod job;
pub mod registry;
pub mod store;
pub mod worker;

#[cfg(test)]
mod tests;

pub use job::{Claim, Ending, Entry, Job, Verdict};
