//! The foundations that every feature may use. Depends on neither HTTP nor a feature.

pub mod cache;
pub mod context;
pub mod error;
pub mod failure;
pub mod limits;
pub mod long_id;
pub mod names;
pub mod origin;
pub mod paging;
pub mod reason;
pub mod refs;
pub mod refusal;
pub mod scope;
pub mod secret;
pub mod text;
pub mod validation;
pub mod vault;
