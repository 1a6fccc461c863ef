//! Sync messages: the gate (semantics §6.1), then users, posts and reactions in this order, each
//! item by itself (§6.2), then the response (§3.5).

use std::collections::BTreeSet;

use super::authorize::{self, Authorized, Closed, Peer, Received, Shared, UserAct, UserChange};
use super::held::{Full, Waiting};
use super::judge::{self, Judgements};
use super::mentions::Mentions;
use super::take::{self, Outcome};
use super::{Reason, Skip, Tally, fail, ok, quarantine, refuse, users};
use crate::boundary::behaviour::Behaviour;
use crate::boundary::output::{Refusal, Reply};
use crate::model::{IdRow, PeerKind, Post, kind};
use crate::rows::id::{Id, PostNo};
use crate::rows::lookup;
use crate::rows::tx::Tx;
use crate::wire::json::Value;
use crate::wire::message::{BadItem, SyncMessage, WirePost, WireReaction, WireUser};
use crate::wire::response::{NO_LONGER_SHARED, SyncResponse, UNKNOWN_CHANNEL};

/// Bytes of an id that is echoed in a list of errors; what is longer is no id of anything.
const ECHO_BYTES_MAX: usize = 64;

type Items<'d, T> = Vec<(Value<'d>, Result<T, BadItem>)>;

/// Answers a sync message.
pub fn message(tx: &mut Tx<'_>, peer: &Peer, payload: Value<'_>, skip: Skip<'_>) -> Reply {
    if payload.is_null() {
        return ok(None);
    }
    let message = match SyncMessage::decode(payload) {
        Ok(message) => message,
        Err(error) => {
            Tally::of(Reason::Malformed).report(tx, peer.no);
            return fail(&format!("invalid sync message: {error}"));
        }
    };
    if let Some(reply) = answer_without_channel(tx, peer, &message) {
        return reply;
    }
    let shared = match authorize::channel(tx, peer, &message.channel_id) {
        Ok(shared) => shared,
        Err(closed) => {
            let reason = match closed {
                Closed::Unknown => Reason::UnknownChannel,
                Closed::NotShared => Reason::NotShared,
            };
            Tally::of(reason).report(tx, peer.no);
            return refuse_channel(closed, &message.channel_id);
        }
    };
    let mut batch = Batch {
        peer,
        shared,
        mentions: Mentions::default(),
        transforms: message.mention_transforms,
        skip,
        response: SyncResponse::default(),
        tally: Tally::default(),
        waiting: None,
        number: 0,
    };
    batch.tally.add(Reason::FeatureOff, message.statuses);
    batch
        .tally
        .add(Reason::FeatureOff, message.acknowledgements);
    batch
        .tally
        .add(Reason::FeatureOff, message.membership_changes);
    batch.take_users(tx, message.users);
    // After the profiles: one that has just come may be whom a text mentions.
    batch.mentions = Mentions::new(tx, &peer.row.name, &batch.transforms);
    let taken = batch
        .take_posts(tx, &message.posts)
        .and_then(|()| batch.take_reactions(tx, message.reactions));
    if let Err(Full) = taken {
        tx.abandon();
        return refuse(
            tx,
            &Refusal::new(
                503,
                "api.remote_cluster.held_full.app_error",
                "Too many posts wait for a policy here; send this again later.",
            ),
        );
    }
    batch.tally.report(tx, peer.no);
    ok(Some(&batch.response))
}

/// Messages that are answered before a channel matters: those of features that are off.
fn answer_without_channel(
    tx: &mut Tx<'_>,
    peer: &Peer,
    message: &SyncMessage<'_>,
) -> Option<Reply> {
    let items = message.posts.len() + message.reactions.len();
    let off = |tx: &mut Tx<'_>, count: u32| {
        let mut tally = Tally::default();
        tally.add(Reason::FeatureOff, count);
        tally.report(tx, peer.no);
        ok(None)
    };
    if message.membership_changes > 0 && message.users.is_empty() && items == 0 {
        return Some(off(tx, message.membership_changes));
    }
    if !message.channel_id.is_empty() {
        return None;
    }
    if items > 0 || message.statuses > 0 {
        Tally::of(Reason::Malformed).report(tx, peer.no);
        return Some(fail(
            "global user sync message should not contain posts, reactions or statuses",
        ));
    }
    Some(off(
        tx,
        u32::try_from(message.users.len()).unwrap_or(u32::MAX),
    ))
}

fn refuse_channel(closed: Closed, id: &str) -> Reply {
    let id = Id::parse(id).map(String::from).unwrap_or_default();
    match closed {
        Closed::Unknown => fail(&format!(
            "{UNKNOWN_CHANNEL} processing sync message: resource \"Channel\" not found, id: {id}"
        )),
        Closed::NotShared => fail(&format!(
            "cannot process sync message; {NO_LONGER_SHARED}: {id}"
        )),
    }
}

/// A message on its way through.
struct Batch<'a> {
    peer: &'a Peer,
    shared: Authorized<Shared>,
    mentions: Mentions,
    transforms: Vec<(String, String)>,
    skip: Skip<'a>,
    response: SyncResponse,
    tally: Tally,
    /// What waits for a policy; read when it matters.
    waiting: Option<Waiting>,
    /// Number of the next item, through users, posts and reactions.
    number: u32,
}

impl Batch<'_> {
    /// Whether the next item is left out, because it stopped an earlier run; then it is set aside.
    fn sets_aside(&mut self, tx: &mut Tx<'_>, value: Value<'_>) -> bool {
        let number = self.number;
        self.number = number.saturating_add(1);
        let left_out = self.skip.has(number);
        if left_out {
            self.tally.count(Reason::Quarantined);
            let reason = "the item stopped the step that should have carried it out";
            quarantine::set_aside(tx, self.peer.no, value.raw().as_bytes(), reason);
        }
        left_out
    }

    /// What happens to a user that fails is only that its id is missing from `users_syncd`.
    fn take_users(&mut self, tx: &mut Tx<'_>, items: Items<'_, WireUser>) {
        for (value, item) in items {
            if self.sets_aside(tx, value) {
                continue;
            }
            let Ok(wire) = item else {
                self.tally.count(Reason::Malformed);
                continue;
            };
            let (id, update_at) = (wire.id.clone(), wire.update_at);
            let change = authorize::user(tx, self.peer, Received::new(wire));
            let is_known =
                |change: &Authorized<UserChange>| matches!(change.get().act, UserAct::Nothing(_));
            if change.as_ref().is_ok_and(is_known) {
                self.tally.count(Reason::NotNewer);
            }
            let taken = change.and_then(|it| users::apply(tx, self.peer, &self.shared, it));
            match taken {
                Ok(_) => {
                    let newest = &mut self.response.users_last_update_at;
                    *newest = (*newest).max(update_at);
                    self.response.users_syncd.push(id);
                }
                Err(reason) => self.tally.count(reason),
            }
        }
    }

    fn take_posts(&mut self, tx: &mut Tx<'_>, items: &Items<'_, WirePost>) -> Result<(), Full> {
        prefetch_posts(tx, items);
        let mut ahead = BTreeSet::new();
        let mut planned = Vec::with_capacity(items.len());
        let mut candidates = Vec::new();
        for (value, item) in items {
            if self.sets_aside(tx, *value) {
                let id = value.text("id").unwrap_or_default().into_owned();
                self.refuse_post(&id, None);
                continue;
            }
            let wire = match item {
                Ok(wire) => wire,
                Err(bad) => {
                    self.refuse_post(&bad.id, Some(Reason::Malformed));
                    continue;
                }
            };
            let plan = take::plan(tx, self.peer, &self.shared, wire, &ahead);
            if let Ok(change) = &plan.change {
                let id = Id::parse(&wire.id);
                let seen = id.is_some_and(|id| ahead.contains(&id));
                candidates.extend(take::candidate(tx, &self.mentions, change.get(), seen));
                ahead.extend(id);
            }
            planned.push((value, plan));
        }
        let judgements = judge::judge(tx, self.peer, self.shared.get(), candidates);
        for (value, plan) in planned {
            self.take_post(tx, *value, plan, &judgements)?;
        }
        Ok(())
    }

    fn take_post(
        &mut self,
        tx: &mut Tx<'_>,
        value: Value<'_>,
        planned: take::Planned<'_>,
        judgements: &Judgements,
    ) -> Result<(), Full> {
        let wire = planned.wire;
        let shared = &self.shared;
        let outcome = take::post(tx, self.peer, shared, &self.mentions, planned, judgements);
        let reason = match outcome {
            Outcome::Failed(reason) => reason,
            Outcome::Refused(Reason::UnknownRoot) if self.waits(tx, &wire.root_id) => {
                "waits for the root of its thread".to_string()
            }
            Outcome::Refused(reason) => {
                self.refuse_post(&wire.id, Some(reason));
                return Ok(());
            }
            Outcome::Taken => {
                self.take_note(wire.update_at);
                return Ok(());
            }
            Outcome::Known => {
                self.tally.count(Reason::NotNewer);
                self.take_note(wire.update_at);
                return Ok(());
            }
        };
        self.tally.count(Reason::Held);
        let channel = self.shared.get().channel;
        let connection = self.peer.no;
        let waiting = self
            .waiting
            .get_or_insert_with(|| Waiting::load(tx, connection));
        waiting.add_post(tx, channel, (wire, &value.raw()), &self.transforms, reason)?;
        self.take_note(wire.update_at);
        Ok(())
    }

    fn take_note(&mut self, update_at: i64) {
        let newest = &mut self.response.posts_last_update_at;
        *newest = (*newest).max(update_at);
    }

    fn refuse_post(&mut self, id: &str, reason: Option<Reason>) {
        if let Some(reason) = reason {
            self.tally.count(reason);
        }
        let errors = &mut self.response.post_errors;
        if id.len() <= ECHO_BYTES_MAX && !errors.iter().any(|listed| listed == id) {
            errors.push(id.to_string());
        }
    }

    /// Whether a post waits for a policy.
    fn waits(&mut self, tx: &Tx<'_>, id: &str) -> bool {
        let connection = self.peer.no;
        self.waiting
            .get_or_insert_with(|| Waiting::load(tx, connection))
            .has_post(id)
    }

    /// A real server never reports a reaction that fails, and expects no report. A Causeway hears
    /// which it may send again: those whose post or user is not here yet, and those set aside.
    fn take_reactions(
        &mut self,
        tx: &mut Tx<'_>,
        items: Items<'_, WireReaction>,
    ) -> Result<(), Full> {
        prefetch_reactions(tx, &items);
        for (value, item) in items {
            if self.sets_aside(tx, value) {
                let post = value.text("post_id").unwrap_or_default().into_owned();
                self.refuse_reaction(tx, post);
                continue;
            }
            let Ok(wire) = item else {
                self.tally.count(Reason::Malformed);
                continue;
            };
            let update_at = wire.update_at;
            let post = wire.post_id.clone();
            let known = lookup::post(tx, &wire.post_id).is_some();
            if !known && self.waits(tx, &wire.post_id) {
                if let Err(reason) = authorize::reacting_user(tx, self.peer, &wire) {
                    self.tally.count(reason);
                    if reason == Reason::UnknownUser {
                        self.refuse_reaction(tx, post);
                    }
                    continue;
                }
                self.tally.count(Reason::Held);
                let channel = self.shared.get().channel;
                if let Some(waiting) = &mut self.waiting {
                    waiting.add_reaction(tx, channel, (&wire, &value.raw()))?;
                }
                continue;
            }
            match take::reaction(tx, self.peer, &self.shared, wire) {
                Outcome::Taken => {
                    let newest = &mut self.response.reactions_last_update_at;
                    *newest = (*newest).max(update_at);
                }
                Outcome::Known => self.tally.count(Reason::NotNewer),
                Outcome::Refused(reason) => {
                    self.tally.count(reason);
                    let may_come = !known && reason == Reason::UnknownPost;
                    if may_come || reason == Reason::UnknownUser {
                        self.refuse_reaction(tx, post);
                    }
                }
                Outcome::Failed(_) => self.tally.count(Reason::Held),
            }
        }
        Ok(())
    }

    /// Tells a Causeway that a reaction to a post may be sent again.
    fn refuse_reaction(&mut self, tx: &Tx<'_>, post: String) {
        let is_told =
            self.peer.row.kind == PeerKind::Causeway && Behaviour::SentAgain.is_in_force(tx);
        let errors = &mut self.response.reaction_errors;
        if is_told && post.len() <= ECHO_BYTES_MAX && !errors.contains(&post) {
            errors.push(post);
        }
    }
}

/// Fetches what every post of a message is going to look up.
fn prefetch_posts(tx: &Tx<'_>, items: &Items<'_, WirePost>) {
    let mut ids: Vec<(u8, Id)> = Vec::with_capacity(items.len() * 2);
    for wire in items.iter().filter_map(|(_, item)| item.as_ref().ok()) {
        let named = [
            (kind::POST, &wire.id),
            (kind::USER, &wire.user_id),
            (kind::POST, &wire.root_id),
        ];
        ids.extend(
            named
                .iter()
                .filter_map(|(of, id)| Some((*of, Id::parse(id)?))),
        );
    }
    ids.sort_unstable();
    ids.dedup();
    tx.prefetch::<IdRow>(ids.into_iter());
}

/// Fetches what every reaction of a message is going to look up.
fn prefetch_reactions(tx: &Tx<'_>, items: &Items<'_, WireReaction>) {
    let mut ids: Vec<(u8, Id)> = Vec::with_capacity(items.len() * 2);
    for wire in items.iter().filter_map(|(_, item)| item.as_ref().ok()) {
        let named = [(kind::POST, &wire.post_id), (kind::USER, &wire.user_id)];
        ids.extend(
            named
                .iter()
                .filter_map(|(of, id)| Some((*of, Id::parse(id)?))),
        );
    }
    tx.prefetch::<IdRow>(ids.iter().copied());
    let posts = ids.iter().filter(|(of, _)| *of == kind::POST);
    let numbers: Vec<PostNo> = posts
        .filter_map(|(_, id)| lookup::post(tx, id.as_str()))
        .collect();
    tx.prefetch::<Post>(numbers.into_iter());
}
