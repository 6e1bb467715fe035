//! Jobs that must run after a write is durable, inserted by that write.
//!
//! A worker claims a job with a lease, so that the job survives a crash of the worker. It may
//! therefore run more than once: an attempt must be safe to repeat. The end of a job and what the
//! job records about it are one transaction, and the job never runs after that.
//!
//! - [`Job`]: the interface of a kind of job. [`registry`]: the kinds that the worker knows.
//! - [`worker`]: claims, runs and retries jobs. [`store`]: the SQL.

mod job;
pub mod registry;
pub mod store;
pub mod worker;

#[cfg(test)]
mod tests;

pub use job::{Claim, Ending, Entry, Job, Verdict};
