//! Infrastructure of the features: connections, durable jobs, mail, metrics, totals of lists.

pub mod directory;
pub mod mail;
pub mod metrics;
pub mod outbox;
pub mod serving;
