//! Posts whose components the policies do not let be shown in a shared channel. Views know no policies, so the decision
//! is a row: it is made when a post is written or arrives, when its properties change, and for all posts when what
//! decides changes: the policies, the workspace's setting, the connections of a channel.

use crate::boundary::behaviour::Behaviour;
use crate::boundary::env::Range;
use crate::boundary::output::{Effect, Event};
use crate::gate::{self, Judgement, Standing};
use crate::model::limits::{COMPONENT_POSTS_ASKED_MAX, COMPONENT_POSTS_PER_STEP, HELD_RETRY_MS};
use crate::model::{ChannelPost, HiddenComponents, Job, Post, SharedChannel};
use crate::objects::components;
use crate::rows::counters::connected_workspaces;
use crate::rows::id::{ChannelNo, PostNo};
use crate::rows::tx::{Read, SCAN_BYTES_MAX, Tx};
use crate::rows::{jobs, key};

/// The position before every post of a channel.
const BEGINNING: (i64, u64) = (i64::MIN, 0);

/// Called for a new post.
pub fn posted(tx: &mut Tx<'_>, no: PostNo, post: &Post) {
    if gate::standing(tx, post.channel) == Standing::Asked {
        decide(tx, no, post);
    }
}

/// Called for a post whose properties have changed.
pub fn edited(tx: &mut Tx<'_>, no: PostNo, post: &Post) {
    decide(tx, no, post);
}

/// Called for a post that is deleted.
pub fn forget(tx: &mut Tx<'_>, no: PostNo) {
    if tx.has::<HiddenComponents>(&no) {
        tx.delete::<HiddenComponents>(&no);
    }
}

/// Called when something has changed that decides about all channels: the policies, or the workspace's setting.
pub fn start(tx: &mut Tx<'_>) {
    start_at(tx, ChannelNo(0), false);
}

/// Called when a channel has got or lost a connection.
pub fn start_in(tx: &mut Tx<'_>, channel: ChannelNo) {
    if gate::standing(tx, channel) == Standing::Asked {
        start_at(tx, channel, true);
    }
}

fn start_at(tx: &mut Tx<'_>, channel: ChannelNo, only: bool) {
    if connected_workspaces(tx).plugins && Behaviour::Components.is_in_force(tx) {
        let job = Job::AskOfPosts {
            channel,
            position: BEGINNING,
            only,
        };
        jobs::start(tx, job);
    }
}

/// Carries out a portion of [`Job::AskOfPosts`]; returns the continued job, if any. Nobody is told of what changes, as
/// nobody is when the setting changes: it may be every post.
pub fn look_through(
    tx: &mut Tx<'_>,
    channel: ChannelNo,
    position: (i64, u64),
    only: bool,
) -> Option<Job> {
    let mut asked = 0;
    let mut last = None;
    for (at, no) in posts_after(tx, channel, position) {
        last = Some((at, no.0));
        if let Some(post) = tx.get::<Post>(&no).filter(|post| post.delete_at == 0) {
            asked += usize::from(decide(tx, no, &post));
        }
        if asked >= COMPONENT_POSTS_ASKED_MAX {
            break;
        }
    }
    let (channel, position) = match last {
        Some(position) => (channel, position),
        None if only => return None,
        None => (next_shared(tx, channel)?, BEGINNING),
    };
    Some(Job::AskOfPosts {
        channel,
        position,
        only,
    })
}

/// Carries out the [`Job::AskOfPost`] with this number, unless it was decided in the meantime. If the components are
/// shown from now on, the members see it.
pub fn ask_again(tx: &mut Tx<'_>, number: u64, no: PostNo) {
    let row = tx.get::<HiddenComponents>(&no);
    let is_due = row.is_some_and(|row| row.again == Some(number));
    let Some(post) = tx.get::<Post>(&no).filter(|_| is_due) else {
        return;
    };
    decide(tx, no, &post);
    if !tx.has::<HiddenComponents>(&no) {
        tx.effect(Effect::Event(Event::PostEdited(post.channel, no)));
    }
}

/// Decides about the components of a post; whether the policies were asked.
fn decide(tx: &mut Tx<'_>, no: PostNo, post: &Post) -> bool {
    let is_asked = gate::standing(tx, post.channel) == Standing::Asked;
    let shown = is_asked.then(|| components::of_post(post));
    let Some(shown) = shown.filter(|shown| !matches!(shown.as_deref(), Some([]))) else {
        forget(tx, no);
        return false;
    };
    let (reason, again) = match gate::may_show(tx, post, shown.as_deref()) {
        Judgement::Pass(_) | Judgement::Revised(_) => {
            forget(tx, no);
            return true;
        }
        Judgement::Denied(reason) => (reason, None),
        Judgement::Failed(reason) => (reason, Some(ask_later(tx, no))),
    };
    let row = HiddenComponents { reason, again };
    if tx.get::<HiddenComponents>(&no).as_ref() != Some(&row) {
        tx.put(&no, &row);
    }
    true
}

fn ask_later(tx: &mut Tx<'_>, post: PostNo) -> u64 {
    let at_ms = tx.now_ms().saturating_add(HELD_RETRY_MS);
    jobs::start_at(tx, at_ms, &Job::AskOfPost { post })
}

/// A portion of the posts of a channel after a position.
fn posts_after(tx: &Tx<'_>, channel: ChannelNo, position: (i64, u64)) -> Vec<(i64, PostNo)> {
    let mut from = key::encode(&(channel, position.0, PostNo(position.1)));
    from.push(0);
    let rows = tx.rows::<ChannelPost>(&Range {
        from,
        to: key::prefix_end(&key::encode(&channel)).unwrap_or_default(),
        reverse: false,
        rows_max: COMPONENT_POSTS_PER_STEP,
        bytes_max: SCAN_BYTES_MAX,
    });
    rows.into_iter().map(|((_, at, no), _)| (at, no)).collect()
}

/// The next shared channel after a number.
fn next_shared(tx: &Tx<'_>, after: ChannelNo) -> Option<ChannelNo> {
    let rows = tx.rows::<SharedChannel>(&Range {
        from: key::encode(&ChannelNo(after.0.saturating_add(1))),
        to: Vec::new(),
        reverse: false,
        rows_max: 1,
        bytes_max: SCAN_BYTES_MAX,
    });
    rows.first().map(|(channel, _)| *channel)
}
