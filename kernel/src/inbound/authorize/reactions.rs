//! Reactions.

use super::{Authorized, Peer, PeerChannel, Received, is_time, live_post, member, own_user};
use crate::inbound::Reason;
use crate::model::Reaction;
use crate::model::limits::EMOJI_BYTES_MAX;
use crate::rows::id::{Id, PostNo, UserNo};
use crate::rows::tx::Read;
use crate::wire::message::WireReaction;

/// What may be done with a reaction.
#[derive(Clone, Debug)]
pub struct ReactionChange<'a> {
    /// The post.
    pub post: PostNo,
    /// Who reacts: a user of the peer.
    pub user: UserNo,
    /// The reaction.
    pub wire: &'a WireReaction,
    /// Its version, by the origin's clock, in ms.
    pub version: i64,
    /// Whether there is anything to change: false if this version or a newer one is stored.
    pub newer: bool,
}

/// A reaction's user and version, which can be determined before its post is known.
fn reacting_user(
    rows: &(impl Read + ?Sized),
    peer: &Peer,
    wire: &WireReaction,
) -> Result<(UserNo, i64), Reason> {
    if Id::parse(&wire.user_id).is_none() || Id::parse(&wire.post_id).is_none() {
        return Err(Reason::BadId);
    }
    if !is_emoji_name(&wire.emoji_name) {
        return Err(Reason::BadEmoji);
    }
    let times = [wire.create_at, wire.update_at, wire.delete_at];
    if !times.into_iter().all(is_time) {
        return Err(Reason::BadTime);
    }
    let version = times.into_iter().max().unwrap_or_default();
    Ok((own_user(rows, peer, &wire.user_id)?, version))
}

/// May the peer add or remove this reaction?
pub fn reaction<'a>(
    rows: &(impl Read + ?Sized),
    peer: &Peer,
    shared: &Authorized<PeerChannel>,
    received: Received<&'a WireReaction>,
) -> Result<Authorized<ReactionChange<'a>>, Reason> {
    let wire = received.0;
    let (user, version) = reacting_user(rows, peer, wire)?;
    let user = member(rows, shared.get(), user)?;
    let post = live_post(rows, shared, &wire.post_id)?;
    let held = rows.get::<Reaction>(&(post, user, wire.emoji_name.clone()));
    // If two changes share a millisecond, the removal is the later one: an addition that follows a removal
    // has a later time, as every sender requires two actions of the user.
    let newer = held.is_none_or(|held| {
        let removal = wire.delete_at != 0 && held.delete_at == 0;
        version > held.update_at || (version == held.update_at && removal)
    });
    Ok(Authorized(ReactionChange {
        post,
        user,
        wire,
        version,
        newer,
    }))
}

/// Whether an emoji may have this name.
fn is_emoji_name(name: &str) -> bool {
    (1..=EMOJI_BYTES_MAX).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'_'))
}
