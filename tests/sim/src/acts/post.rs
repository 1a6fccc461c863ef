//! Writes a post.

use causeway_kernel::command::{Command, CreatePost};
use causeway_kernel::model::{Priority, PriorityLevel};
use causeway_kernel::rows::id::PostNo;

use super::scene::{Place, Request, Scene};
use super::{AtWorkspace, Spec};
use crate::dice::Dice;
use crate::mattermost::acts::Turn;

pub(super) const SPEC: Spec = Spec {
    weight: 30,
    weight_in_channel: 2,
    at_workspace: AtWorkspace::Asks(ask),
    at_mattermost,
};

fn ask(scene: &Scene<'_>, dice: &mut Dice) -> Option<Vec<Request>> {
    let place = scene.place(dice)?;
    let message = scene.text(dice);
    let told = format!("{} writes “{message}” in {}", scene.name(), place.name);
    let new = CreatePost {
        priority: priority(scene.number),
        ..plain(&place, None, message)
    };
    Some(create(scene, &place, new, told))
}

/// What a post asks of its readers. It follows from the number of the act, so that it takes nothing from the
/// dice.
fn priority(number: usize) -> Option<Priority> {
    let (level, requested_ack, persistent_notifications) = match number % 9 {
        1 => (PriorityLevel::Urgent, false, true),
        4 => (PriorityLevel::Important, true, false),
        7 => (PriorityLevel::Standard, true, false),
        _ => return None,
    };
    Some(Priority {
        level,
        requested_ack,
        persistent_notifications,
    })
}

/// A post with nothing but a text.
pub(super) fn plain(place: &Place, root: Option<PostNo>, message: String) -> CreatePost {
    CreatePost {
        channel: place.channel,
        root,
        message,
        props: String::new(),
        kind: String::new(),
        priority: None,
        files: Vec::new(),
    }
}

/// A request for a post with a key, as clients send it: repeating it creates no second post.
pub(super) fn create(
    scene: &Scene<'_>,
    place: &Place,
    post: CreatePost,
    told: String,
) -> Vec<Request> {
    let request = Request {
        key: Some(format!("{}:{}", scene.profile.id, scene.number)),
        ..scene.request(scene.user, Command::CreatePost(post), told)
    };
    scene.after_joining(place, request)
}

fn at_mattermost(turn: &mut Turn<'_>) -> Option<String> {
    let visit = turn.visit()?;
    // Sometimes somebody pastes a list, so that batches fill up.
    let count = if turn.dice.chance(40) {
        20 + turn.dice.below(45)
    } else {
        1
    };
    let text = turn.text();
    for at in 0..count {
        let line = if count == 1 {
            text.clone()
        } else {
            format!("text {} line {at}", turn.number)
        };
        turn.write(&visit, None, line, priority(turn.number));
    }
    Some(format!("{} writes {count} times “{text}”", visit.name))
}
