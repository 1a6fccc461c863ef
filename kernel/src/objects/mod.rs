//! The objects of a workspace: what creating, changing and removing one of them means for its rows.

pub mod channels;
pub mod members;
pub mod posts;
pub mod reaction_counts;
pub mod reactions;
pub mod users;
