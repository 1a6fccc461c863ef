//! The items of a sync message: one trait for every kind of item, and the one loop that processes a section
//! of a message.
//!
//! A new kind needs one file below `items/`, its section in the message, and one line in
//! [`sync::message`](super::sync), which names the sections in processing order. A kind that can be held also
//! needs a `HeldKind`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::authorize::{Authorized, Peer, PeerChannel};
use super::held::{self, Full};
use super::mentions::Mentions;
use super::parts::{Course, Skip};
use super::{Reason, Tally, quarantine};
use crate::boundary::policy::{Direction, Gate};
use crate::gate::{self, Candidate, Crossing, Judgement, Key};
use crate::model::HeldKind;
use crate::model::limits::FRAME_ITEMS_PER_STEP_MAX;
use crate::model::reasons;
use crate::rows::id::{ChannelNo, ConnectionNo, Id};
use crate::rows::tx::Tx;
use crate::wire::json::{JsonError, Value};
use crate::wire::message::BadItem;
use crate::wire::response::SyncResponse;

/// Items of a section of a message: each as received, and as parsed.
pub type Section<'d, I> = [(Value<'d>, Result<I, BadItem>)];

/// Origin and destination of items.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'s> {
    /// Who sent them.
    pub peer: &'s Peer,
    /// The channel of their message.
    pub shared: &'s Authorized<PeerChannel>,
    /// Replacements for the mentions in their texts.
    pub mentions: &'s Mentions,
}

impl<'s> Scope<'s> {
    /// Where these items come from and belong.
    #[must_use]
    pub fn place(self) -> (ConnectionNo, ChannelNo) {
        (self.peer.no, self.shared.get().channel)
    }

    /// The crossing of these items.
    #[must_use]
    pub fn crossing(self) -> Crossing<'s> {
        Crossing {
            direction: Direction::Inbound,
            connection_no: self.peer.no,
            connection: &self.peer.row,
            channel: self.shared.get().channel,
        }
    }
}

/// The outcome of an item.
#[derive(Debug, PartialEq, Eq)]
pub enum ItemOutcome {
    /// It was carried out.
    Taken,
    /// It, or something newer, was carried out before: nothing changes.
    Known,
    /// It is refused permanently.
    Refused(Reason),
    /// It must be tried again, for this reason: the policies failed, or what it belongs to is held.
    Failed(String),
}

/// How a section's answer reports an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was carried out, now or before.
    Done {
        /// Whether it changed anything now.
        changed: bool,
    },
    /// It is stored and will be tried again here.
    Held,
    /// It is refused.
    Refused(Reason),
    /// It stopped an earlier run of the frame, and its bytes are set aside.
    SetAside,
}

/// Identity of an item while it is held.
#[derive(Clone, Debug)]
pub struct Wait<'i> {
    /// Its kind.
    pub kind: HeldKind,
    /// What it is about: a post, and what belongs to that post (empty for the post itself).
    pub key: (String, String),
    /// Its version: the highest of its times in ms. If two changes share a millisecond, the removal is the
    /// later one, as when they are applied.
    pub version: (i64, bool),
    /// Id of the post that it requires; empty if it needs none.
    pub post: &'i str,
    /// Id of the user whose profile it requires; empty if it needs none.
    pub user: &'i str,
}

/// A kind of item of a sync message.
pub trait Item: Sized {
    /// Where the policies are asked about it. If they are, the items of a section are authorised, and their
    /// questions asked at once, before the first of them is applied.
    const GATES: &[Gate];
    /// Maximum number of items of a section that a step carries out.
    const PER_STEP_MAX: u32 = FRAME_ITEMS_PER_STEP_MAX;

    /// What may be done with an item.
    type Change<'i>
    where
        Self: 'i;

    /// Parses an item.
    ///
    /// # Errors
    /// If it has another shape.
    fn decode(value: Value<'_>) -> Result<Self, JsonError>;

    /// Fetches the rows that the items of a section will look up.
    fn prefetch(tx: &Tx<'_>, items: &Section<'_, Self>);

    /// Its own id, if it has one, for later items of the section that refer to it.
    fn id(&self) -> Option<Id>;

    /// Its identity while held; `None` if its kind is never held.
    fn wait(&self) -> Option<Wait<'_>>;

    /// Whether it says more than a held item of the same version, and takes its place.
    fn says_more(&self, _held: &Self) -> bool {
        false
    }

    /// Whether it is refused only because the post of its [`Wait`] is missing.
    fn lacks_its_post(&self, tx: &Tx<'_>, reason: Reason) -> bool;

    /// Whether something that is held may go on, now that this item was carried out or is known.
    fn releases(&self, _tx: &Tx<'_>, _scope: Scope<'_>) -> bool {
        false
    }

    /// May the peer do this? `ahead` names earlier items of the section that are not applied yet.
    ///
    /// # Errors
    /// The reason for the refusal.
    fn authorize<'i>(
        &'i self,
        tx: &Tx<'_>,
        scope: Scope<'_>,
        ahead: &BTreeSet<Id>,
    ) -> Result<Authorized<Self::Change<'i>>, Reason>;

    /// The question for the policies; `None` if there is nothing new to judge. `seen` is whether the section
    /// contains an earlier version before it.
    fn question<'i>(
        tx: &Tx<'_>,
        scope: Scope<'_>,
        change: &Self::Change<'i>,
        seen: bool,
    ) -> Option<Candidate<'i>>
    where
        Self: 'i;

    /// The question whether somebody may become a member; `None` if the item makes nobody one beside what it says.
    fn joining<'i>(
        _tx: &Tx<'_>,
        _scope: Scope<'_>,
        _change: &Self::Change<'i>,
    ) -> Option<Candidate<'i>>
    where
        Self: 'i,
    {
        None
    }

    /// Carries out what was authorised, if the policies permit it.
    fn apply(
        tx: &mut Tx<'_>,
        scope: Scope<'_>,
        change: Authorized<Self::Change<'_>>,
        judgements: &Judgements,
    ) -> ItemOutcome;

    /// Adds the outcome of an item, given as received and as parsed, to the answer to the peer; the parsed
    /// item is `None` if it could not be parsed, or was not.
    fn report(
        tx: &Tx<'_>,
        scope: Scope<'_>,
        item: (Value<'_>, Option<&Self>),
        fate: Fate,
        response: &mut SyncResponse,
    );
}

/// Authorises an item against the current rows, and applies it.
pub fn take<I: Item>(
    tx: &mut Tx<'_>,
    scope: Scope<'_>,
    item: &I,
    judgements: &Judgements,
) -> ItemOutcome {
    match item.authorize(tx, scope, &BTreeSet::new()) {
        Ok(change) => I::apply(tx, scope, change, judgements),
        Err(reason) => ItemOutcome::Refused(reason),
    }
}

/// Judgements on the items of a section.
pub type Judgements = BTreeMap<Key, Judgement>;

/// Judges the items of a section, each once: a real server sends a root before and after its reply.
fn judge(tx: &mut Tx<'_>, scope: Scope<'_>, mut candidates: Vec<Candidate<'_>>) -> Judgements {
    let mut seen = BTreeSet::new();
    candidates.retain(|candidate| seen.insert(candidate.key()));
    let keys: Vec<Key> = candidates.iter().map(Candidate::key).collect();
    let judgements = gate::judge(tx, scope.crossing(), candidates);
    keys.into_iter().zip(judgements).collect()
}

/// The judgement on an item: the one that its section got, or, if it is carried out on its own, one that is asked
/// for now.
pub fn judgement(
    tx: &mut Tx<'_>,
    scope: Scope<'_>,
    judgements: &Judgements,
    candidate: Candidate<'_>,
) -> Judgement {
    match judgements.get(&candidate.key()) {
        Some(judgement) => judgement.clone(),
        None => gate::judge_one(tx, scope.crossing(), candidate),
    }
}

/// What follows for an item without a wording of its own that policies judged: `None` = it may be carried out.
pub fn withheld(judgement: Judgement) -> Option<ItemOutcome> {
    match judgement {
        Judgement::Pass(_) | Judgement::Revised(_) => None,
        Judgement::Denied(_) => Some(ItemOutcome::Refused(Reason::Denied)),
        Judgement::Failed(reason) => Some(ItemOutcome::Failed(reason)),
    }
}

/// An item that is ready to be carried out.
struct Planned<'d, 'i, I: Item + 'i> {
    value: Value<'d>,
    item: &'i I,
    /// Whether it may be done; `None` if that is decided when its turn comes, because its kind is not judged
    /// beforehand or an earlier item may change the answer.
    change: Option<Result<Authorized<I::Change<'i>>, Reason>>,
}

/// What the policies are asked about a section.
#[derive(Default)]
struct Asked<'i> {
    /// Its items.
    items: Vec<Candidate<'i>>,
    /// People who become members by them.
    joining: Vec<Candidate<'i>>,
}

/// A message while it is processed.
pub struct Batch<'a> {
    peer: &'a Peer,
    shared: Authorized<PeerChannel>,
    /// The message's mentions and the users they refer to, as received.
    transforms: Vec<(String, String)>,
    mentions: Mentions,
    skip: Skip<'a>,
    /// Number of the next item, counted through all sections.
    pub number: u32,
    /// Number of the first item that this step carries out.
    from: u32,
    /// Number of items that it may still carry out; `None` for all.
    most: Option<u32>,
    /// Number of the first item left to the next step, if any.
    pub cut: Option<u32>,
    /// Items that were not carried out.
    pub tally: Tally,
    /// The answer.
    pub response: SyncResponse,
}

impl<'a> Batch<'a> {
    /// A message to a channel, to be carried out in part or as a whole.
    pub fn new(
        peer: &'a Peer,
        shared: Authorized<PeerChannel>,
        transforms: Vec<(String, String)>,
        course: Course<'a>,
    ) -> Batch<'a> {
        Batch {
            peer,
            shared,
            transforms,
            mentions: Mentions::default(),
            skip: course.skip,
            number: 0,
            from: course.from,
            most: course.most,
            cut: None,
            tally: Tally::default(),
            response: course.response,
        }
    }

    /// Whether this step begins with the message's first item.
    pub fn is_first_part(&self) -> bool {
        self.from == 0
    }

    /// The items of the next section, which has `items`, that this step carries out; records where it stops.
    fn portion<I: Item>(&mut self, items: usize) -> Range<usize> {
        let first = self.number;
        let end = first.saturating_add(u32::try_from(items).unwrap_or(u32::MAX));
        self.number = end;
        if self.cut.is_some() {
            return 0..0;
        }
        let begin = self.from.clamp(first, end);
        let most = self.most.map_or(u32::MAX, |most| most.min(I::PER_STEP_MAX));
        let stop = end.min(begin.saturating_add(most));
        self.most = self.most.map(|most| most.saturating_sub(stop - begin));
        self.cut = (stop < end).then_some(stop);
        (begin - first) as usize..(stop - first) as usize
    }

    /// Resolves the message's mentions: after its profiles, as a mention may refer to a user who has just
    /// arrived.
    pub fn read_mentions(&mut self, tx: &Tx<'_>) {
        self.mentions = Mentions::new(tx, &self.peer.row.name, &self.transforms);
    }

    /// Processes a section.
    ///
    /// # Errors
    /// If an item must be held and there is no room for it: the step must be undone.
    pub fn take<I: Item>(&mut self, tx: &mut Tx<'_>, items: &Section<'_, I>) -> Result<(), Full> {
        let first = self.number;
        let portion = self.portion::<I>(items.len());
        let numbers = first.saturating_add(u32::try_from(portion.start).unwrap_or(u32::MAX))..;
        let items = items.get(portion).unwrap_or_default();
        I::prefetch(tx, items);
        let is_asked = I::GATES.iter().any(|gate| gate::is_asked(tx, *gate));
        let mut ahead = BTreeSet::new();
        let mut planned = Vec::with_capacity(items.len());
        let mut asked = Asked::default();
        for ((value, item), number) in items.iter().zip(numbers) {
            if self.sets_aside(tx, number, *value) {
                self.report::<I>(tx, (*value, None), Fate::SetAside);
                continue;
            }
            let Ok(item) = item else {
                self.refuse::<I>(tx, (*value, None), Reason::Malformed);
                continue;
            };
            let change = is_asked
                .then(|| self.plan(tx, item, &mut ahead, &mut asked))
                .flatten();
            let value = *value;
            planned.push(Planned {
                value,
                item,
                change,
            });
        }
        let mut judgements = judge(tx, self.scope(), asked.items);
        judgements.extend(judge(tx, self.scope(), asked.joining));
        let mut releases = false;
        for planned in planned {
            let item = planned.item;
            let is_done = self.take_one(tx, planned, &judgements)?;
            releases |= is_done && item.releases(tx, self.scope());
        }
        if releases {
            held::wake(tx, self.peer.no);
        }
        Ok(())
    }

    /// Authorises an item before earlier ones are applied, and collects its question.
    fn plan<'i, I: Item>(
        &self,
        tx: &Tx<'_>,
        item: &'i I,
        ahead: &mut BTreeSet<Id>,
        asked: &mut Asked<'i>,
    ) -> Option<Result<Authorized<I::Change<'i>>, Reason>> {
        let id = item.id();
        let base = item.wait().and_then(|wait| Id::parse(wait.post));
        let seen = id.is_some_and(|id| ahead.contains(&id));
        // Without an id, an earlier item of the section may be about the same thing.
        let stale = id.is_none() || seen || base.is_some_and(|base| ahead.contains(&base));
        let change = item.authorize(tx, self.scope(), ahead);
        if let Ok(change) = &change {
            let scope = self.scope();
            asked
                .items
                .extend(I::question(tx, scope, change.get(), seen));
            asked.joining.extend(I::joining(tx, scope, change.get()));
            ahead.extend(id);
        }
        (!stale).then_some(change)
    }

    /// Carries out an item; whether it is done, now or before.
    fn take_one<I: Item>(
        &mut self,
        tx: &mut Tx<'_>,
        planned: Planned<'_, '_, I>,
        judgements: &Judgements,
    ) -> Result<bool, Full> {
        let Planned {
            value,
            item,
            change,
        } = planned;
        let mut is_done = false;
        let outcome = match change {
            Some(Ok(change)) => I::apply(tx, self.scope(), change, judgements),
            Some(Err(reason)) => ItemOutcome::Refused(reason),
            None => take(tx, self.scope(), item, judgements),
        };
        match outcome {
            ItemOutcome::Taken => {
                is_done = true;
                self.report(tx, (value, Some(item)), Fate::Done { changed: true });
            }
            ItemOutcome::Known => {
                is_done = true;
                self.tally.count(Reason::NotNewer);
                self.report(tx, (value, Some(item)), Fate::Done { changed: false });
            }
            ItemOutcome::Refused(reason) => {
                match held::awaited(tx, self.scope().place(), item, reason) {
                    Some(what) => self.hold(tx, (value, item), what.to_string())?,
                    None => self.refuse(tx, (value, Some(item)), reason),
                }
            }
            ItemOutcome::Failed(reason) => self.hold(tx, (value, item), reason)?,
        }
        Ok(is_done)
    }

    fn hold<I: Item>(
        &mut self,
        tx: &mut Tx<'_>,
        (value, item): (Value<'_>, &I),
        reason: String,
    ) -> Result<(), Full> {
        self.tally.count(Reason::Held);
        let place = self.scope().place();
        let wait = item.wait().filter(|wait| held::holds(tx, place.1, wait));
        let Some(wait) = wait else {
            self.report(tx, (value, Some(item)), Fate::Refused(Reason::Held));
            return Ok(());
        };
        held::add(tx, place, (wait, &value.raw()), &self.transforms, reason)?;
        self.report(tx, (value, Some(item)), Fate::Held);
        Ok(())
    }

    fn refuse<I: Item>(&mut self, tx: &Tx<'_>, item: (Value<'_>, Option<&I>), reason: Reason) {
        self.tally.count(reason);
        self.report(tx, item, Fate::Refused(reason));
    }

    fn report<I: Item>(&mut self, tx: &Tx<'_>, item: (Value<'_>, Option<&I>), fate: Fate) {
        let scope = Scope {
            peer: self.peer,
            shared: &self.shared,
            mentions: &self.mentions,
        };
        I::report(tx, scope, item, fate, &mut self.response);
    }

    /// Whether an item is skipped because it stopped an earlier run; if so, it is set aside.
    fn sets_aside(&mut self, tx: &mut Tx<'_>, number: u32, value: Value<'_>) -> bool {
        let left_out = self.skip.has(number);
        if left_out {
            self.tally.count(Reason::Quarantined);
            let reason = reasons::ITEM_STOPPED;
            quarantine::set_aside(tx, self.peer.no, value.raw().as_bytes(), reason);
        }
        left_out
    }

    fn scope(&self) -> Scope<'_> {
        Scope {
            peer: self.peer,
            shared: &self.shared,
            mentions: &self.mentions,
        }
    }
}
