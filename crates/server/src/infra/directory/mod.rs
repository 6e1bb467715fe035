//! Exact totals of directory lists, kept in the write that changes them.

pub mod store;
