//! What a step did not carry out, or not as it came.

use causeway_kernel::boundary::output::Reply;
use causeway_kernel::boundary::policy::Verdict;
use causeway_kernel::rows::id::Id;

use crate::frames::{self, ACKNOWLEDGED, Item};
use crate::node::Carried;

/// The items set aside: a single item, or those of a whole frame.
pub(super) fn items_of(bytes: &[u8]) -> Vec<Item> {
    if let Some(frame) = frames::read(bytes) {
        return frame.items.into_iter().map(|(item, _)| item).collect();
    }
    let json: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
    let text = |key: &str| json[key].as_str().map(str::to_string);
    let emoji = text("emoji_name").unwrap_or_else(|| ACKNOWLEDGED.into());
    let reaction = || Some((text("post_id")?, text("user_id")?, emoji));
    let item = match (reaction(), text("username"), text("id")) {
        (Some((post, user, emoji)), _, _) => Some(Item::Reaction(post, user, emoji)),
        (None, Some(_), Some(id)) => Some(Item::User(id)),
        (None, None, Some(id)) => Some(Item::Post(id)),
        (None, _, None) => None,
    };
    item.into_iter().collect()
}

/// The posts that the answer to a frame names as refused.
pub(super) fn refused(carried: &Carried) -> Vec<Id> {
    let Reply::Http { body, .. } = &carried.reply else {
        return Vec::new();
    };
    let answer = frames::read_answer(body);
    let named = answer.into_iter().flat_map(|answer| answer.post_errors);
    named.filter_map(|id| Id::parse(&id)).collect()
}

/// The posts that the policies did not let pass.
pub(super) fn kept_back(carried: &Carried) -> Vec<Id> {
    let passes = |verdict: &Verdict| {
        matches!(
            verdict,
            Verdict::Allow | Verdict::Revise(_) | Verdict::Silence(_)
        )
    };
    let asked = carried.asked.iter();
    let kept_back = asked.filter(|asked| !passes(&asked.verdict));
    kept_back
        .filter_map(|asked| Id::parse(&asked.post()?))
        .collect()
}

/// The posts that a policy denied.
pub(super) fn denied(carried: &Carried) -> Vec<Id> {
    let asked = carried.asked.iter();
    let denied = asked.filter(|asked| matches!(asked.verdict, Verdict::Deny(_)));
    denied
        .filter_map(|asked| Id::parse(&asked.post()?))
        .collect()
}
