//! The foundations that every feature may use. Depends on neither HTTP nor a feature.

pub mod budget;
pub mod cache;
pub mod context;
pub mod email;
pub mod error;
pub mod failure;
pub mod invisible;
pub mod limits;
pub mod long_id;
pub mod names;
pub mod networks;
pub mod origin;
pub mod paging;
pub mod reason;
pub mod refs;
pub mod refusal;
pub mod repeats;
pub mod scope;
pub mod secret;
pub mod text;
pub mod turns;
pub mod user_agent;
pub mod validation;
pub mod vault;
