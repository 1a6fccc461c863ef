//! The objects of a workspace: how creating, changing and removing them affects their rows.

pub mod acknowledgements;
pub mod administrators;
pub mod channels;
pub mod components;
pub mod direct;
pub mod files;
pub mod hidden_components;
pub mod members;
pub mod memberships;
pub mod mentions;
pub mod order;
pub mod pictures;
pub mod posts;
pub mod reaction_counts;
pub mod reactions;
pub mod remote_names;
pub mod statuses;
pub mod user_index;
pub mod users;
mod versions;

/// The version of a change made now: it increases with every change of an object, even within a millisecond.
#[must_use]
pub fn next_version(now_ms: i64, held: Option<i64>) -> i64 {
    now_ms.max(held.map_or(0, |held| held.saturating_add(1)))
}
