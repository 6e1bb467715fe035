//! Exact totals of directory lists, updated in the write that changes a list.

pub mod store;
