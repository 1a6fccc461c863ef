//! What a step did not carry out, or not as it came.

use causeway_kernel::boundary::output::Reply;
use causeway_kernel::boundary::policy::{Direction, Verdict};
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
    let passes = |verdict: &Verdict| matches!(verdict, Verdict::Allow | Verdict::Revise(_));
    let asked = carried.asked.iter();
    let kept_back = asked.filter(|asked| !passes(&asked.verdict));
    kept_back
        .filter_map(|asked| Id::parse(&asked.post()?.0))
        .collect()
}

/// The denied posts, and the new texts of revised ones.
pub(super) fn verdicts(carried: &Carried) -> Vec<(Id, Direction, Option<String>)> {
    let mut found = Vec::new();
    for asked in &carried.asked {
        let Some((post, direction)) = asked.post() else {
            continue;
        };
        let Some(post) = Id::parse(&post) else {
            continue;
        };
        match &asked.verdict {
            Verdict::Allow
            | Verdict::ReviseProfile(_)
            | Verdict::Failed(_)
            | Verdict::Silence(_) => {}
            Verdict::Deny(_) => found.push((post, direction, None)),
            Verdict::Revise(revision) => {
                let message = revision.message.clone();
                found.extend(message.map(|text| (post, direction, Some(text))));
            }
        }
    }
    found
}
