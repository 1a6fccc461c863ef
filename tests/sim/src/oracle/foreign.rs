//! What is required at seats without a Causeway. What users of such a server made is in the same
//! ledger; but objects that the server itself never offered are not required anywhere. Towards it, the
//! rules of its generation apply: a toggle is sent a reaction at most once, and if the outcome of that
//! is unknown, its state cannot be known.

use std::collections::{BTreeMap, BTreeSet};

use causeway_kernel::rows::id::{ConnectionNo, Id};

use super::facts::{PostView, ReactionView};
use super::ledger::{PostModel, ReactionModel, UserModel};
use super::{BOUNDED, NO_DUPLICATES, Oracle, Violation, broken};
use crate::frames::{self, ACKNOWLEDGED, Item};
use crate::mattermost::Made;
use crate::mattermost::debts::Debts;
use crate::mattermost::quirks::Generation;
use crate::plan::HUB;

/// What the oracle knows about such seats.
#[derive(Default)]
pub struct ForeignSeats {
    generations: BTreeMap<usize, Generation>,
    /// Reactions that were sent to a toggle, by seat, with their versions; whether the outcome is still
    /// open.
    told: BTreeMap<(usize, Item, i64), bool>,
    /// Reactions sent with an outcome that cannot be known.
    unknown: BTreeSet<(usize, Item)>,
    /// Objects that a restore removed or reverted.
    lost: BTreeSet<(usize, Item)>,
}

impl ForeignSeats {
    /// Whether the posts of a server say so much of their files that they can come later.
    pub(super) fn tells_of_files(&self, seat: usize) -> bool {
        self.generations.get(&seat) == Some(&Generation::Of11)
    }
}

/// What the sender of a message knows about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// It was carried out.
    CarriedOut,
    /// It was not carried out.
    NotCarriedOut,
    /// It cannot be known.
    Unknown,
}

/// The connection of such a server.
const CONNECTION: ConnectionNo = ConnectionNo(0);

impl Oracle {
    /// A server takes a seat.
    pub fn foreign_joins(&mut self, seat: usize, generation: Generation) {
        self.foreign.generations.insert(seat, generation);
    }

    /// Whether a seat has no Causeway.
    pub(super) fn is_foreign(&self, seat: usize) -> bool {
        self.foreign.generations.contains_key(&seat)
    }

    /// Whether reactions are a toggle at a seat.
    #[must_use]
    pub fn is_toggle(&self, seat: usize) -> bool {
        self.foreign.generations.get(&seat) == Some(&Generation::Of11)
    }

    /// Whether a seat ignores a change of the pin alone.
    #[must_use]
    pub fn ignores_pins(&self, seat: usize) -> bool {
        self.foreign.generations.get(&seat) == Some(&Generation::Of2021)
    }

    /// Whether a seat shows a post's priority as far as it is told of it: servers of 2021 have none, and others
    /// that are not a Causeway get no persistent notifications that they would refuse.
    pub(super) fn shows_priority(&self, seat: usize, copy: &PostView, own: &PostView) -> bool {
        let asked = |post: &PostView| post.priority.map(|it| (it.level, it.requested_ack));
        match self.foreign.generations.get(&seat) {
            Some(Generation::Of2021) => copy.priority.is_none(),
            Some(Generation::Of11) => asked(copy) == asked(own),
            None => copy.priority == own.priority,
        }
    }

    /// Whether the state of a reaction at a seat cannot be known.
    #[must_use]
    pub fn is_unknown(&self, seat: usize, (post, user, emoji): &(Id, Id, String)) -> bool {
        let item = Item::Reaction(post.to_string(), user.to_string(), emoji.clone());
        self.foreign.unknown.contains(&(seat, item))
    }

    /// Whether a repeated item has the opposite effect at a seat: that is so for reactions at a toggle.
    fn toggles(&self, seat: usize, item: &Item) -> bool {
        let is_reaction = matches!(item, Item::Reaction(_, _, emoji) if emoji != ACKNOWLEDGED);
        is_reaction && self.is_toggle(seat)
    }

    /// Whether a seat does not accept an acknowledgement: one of 2021 never does, and one of the 11 line
    /// does not if it was withdrawn there before.
    pub(super) fn takes_no_more(
        &self,
        seat: usize,
        (_, _, emoji): &(Id, Id, String),
        copy: Option<&ReactionView>,
    ) -> bool {
        emoji == ACKNOWLEDGED
            && match self.foreign.generations.get(&seat) {
                Some(Generation::Of2021) => true,
                Some(Generation::Of11) => copy.is_some_and(|copy| !copy.is_live),
                None => false,
            }
    }

    /// Whether a seat receives a withdrawal without its time, as a Mattermost does; a malicious
    /// peer pretends to be one at times.
    pub(super) fn is_withdrawal(&self, seat: usize, emoji: &str, version: i64) -> bool {
        let passes_for_mattermost =
            self.foreign.generations.contains_key(&seat) || self.is_intruder(seat);
        version == 0 && emoji == ACKNOWLEDGED && passes_for_mattermost
    }

    /// Records actions of a server's users and changes to its channels.
    pub fn foreign_made(&mut self, seat: usize, made: Vec<Made>) {
        for made in made {
            match made {
                Made::User(view) => match self.ledger.users.get_mut(&view.id) {
                    Some(model) => model.change(&view),
                    None => {
                        let model = UserModel::new(seat, &view);
                        self.ledger.users.insert(view.id, model);
                    }
                },
                Made::Post(view) => {
                    self.transfers.posted(seat, &view);
                    let told = self.foreign_told(seat, view.channel);
                    match self.ledger.posts.get_mut(&view.id) {
                        Some(model) => model.change(&view, told),
                        None => {
                            let model = PostModel::new(seat, &view, told);
                            self.ledger.posts.insert(view.id, model);
                        }
                    }
                }
                Made::Reaction(view) => {
                    let told = self.foreign_told(seat, view.channel);
                    let reactions = &mut self.ledger.reactions;
                    let model = reactions.entry(view.key.clone());
                    model
                        .or_insert_with(|| ReactionModel::new(seat))
                        .change(&view, told);
                }
                Made::Moderated(post) => {
                    if let Some(model) = self.ledger.posts.get_mut(&post) {
                        model.moderated.insert(seat);
                    }
                }
                Made::Began(channel) => {
                    self.lives_begun += 1;
                    let life = (HUB, self.lives_begun);
                    self.lives.insert((seat, channel, CONNECTION), life);
                }
                Made::Ended(channel) => {
                    self.lives.remove(&(seat, channel, CONNECTION));
                }
                Made::Linked(post, named) => self.transfers.linked(seat, post, named),
                Made::LostFile(file) => self.transfers.excuse(seat, file),
                Made::Lost(item) => self.lost_at(seat, item),
            }
        }
    }

    /// A server was restored without announcing it. Its own objects are lost as in any restore; objects of
    /// others that it had taken are missing until they change again, as nobody knows of the loss.
    fn lost_at(&mut self, seat: usize, item: Item) {
        let edge = (HUB, seat);
        match &item {
            Item::User(id) => {
                let user = Id::parse(id).and_then(|id| self.ledger.users.get_mut(&id));
                if let Some(model) = user.filter(|model| model.home == seat) {
                    model.is_lost = true;
                }
            }
            Item::Post(id) => {
                let post = Id::parse(id).and_then(|id| self.ledger.posts.get_mut(&id));
                if let Some(model) = post {
                    model.is_lost |= model.origin == seat;
                    model.owes_no_more(edge);
                    model.moderated.remove(&seat);
                }
            }
            Item::Reaction(post, user, emoji) => {
                let ids = Id::parse(post).zip(Id::parse(user));
                let key = ids.map(|(post, user)| (post, user, emoji.clone()));
                if let Some(model) = key.and_then(|key| self.ledger.reactions.get_mut(&key)) {
                    model.is_lost |= model.origin == seat;
                    model.told.remove(&edge);
                }
                // At a toggle, the next delivery has the opposite effect.
                if self.toggles(seat, &item) {
                    self.foreign.unknown.insert((seat, item.clone()));
                }
            }
        }
        self.foreign.lost.insert((seat, item));
    }

    /// Whether a server lacks a post or a profile because it was restored.
    pub(super) fn is_lost_at(&self, seat: usize, item: &Item) -> bool {
        self.foreign.lost.contains(&(seat, item.clone()))
    }

    fn foreign_told(&self, seat: usize, channel: Id) -> super::ledger::Told {
        let life = self.lives.get(&(seat, channel, CONNECTION));
        life.map(|(peer, life)| ((seat, *peer), *life))
            .into_iter()
            .collect()
    }

    /// Stops requiring objects that a server did not offer in their current state. Returns how many
    /// those are.
    pub fn forgive(&mut self, seat: usize, debts: &Debts) -> u64 {
        self.forgive_files(seat, debts);
        let mut forgiven = 0;
        for (id, model) in &mut self.ledger.posts {
            if model.origin == seat && !debts.is_due(&Item::Post(id.to_string())) {
                forgiven += u64::from(model.told.remove(&(seat, HUB)).is_some());
            }
        }
        for ((post, user, emoji), model) in &mut self.ledger.reactions {
            let item = Item::Reaction(post.to_string(), user.to_string(), emoji.clone());
            if model.origin == seat && !debts.is_due(&item) {
                forgiven += u64::from(model.told.remove(&(seat, HUB)).is_some());
            }
        }
        for (id, model) in &mut self.ledger.users {
            if model.home == seat && !debts.is_due(&Item::User(id.to_string())) {
                model.is_lost = true;
            }
        }
        forgiven
    }

    /// Whether a post of such a server is not required: a hub that lost it in a restore is not sent
    /// it again.
    pub(super) fn is_forgiven(&self, model: &PostModel) -> bool {
        let is_foreign = self.foreign.generations.contains_key(&model.origin);
        is_foreign && !model.told.contains_key(&(model.origin, HUB))
    }

    /// The hub was restored: what was sent to a toggle before cannot be known any more.
    pub fn forgets_tellings(&mut self, seat: usize) {
        self.foreign.told.retain(|(of, _, _), _| *of != seat);
        for (post, user, emoji) in self.ledger.reactions.keys() {
            let item = Item::Reaction(post.to_string(), user.to_string(), emoji.clone());
            if emoji != ACKNOWLEDGED {
                self.foreign.unknown.insert((seat, item));
            }
        }
    }

    /// A message is sent to a server: one of 2021 accepts twelve posts, and the roots of replies in
    /// addition.
    pub(super) fn fits(&self, seat: usize, frame: &frames::FrameItems) -> Result<(), Violation> {
        let posts = frame.items.iter().filter_map(|(item, _)| match item {
            Item::Post(id) => Id::parse(id),
            Item::User(_) | Item::Reaction(..) => None,
        });
        let posts: Vec<Id> = posts.collect();
        let root_of = |id: &Id| self.ledger.posts.get(id).and_then(|model| model.view.root);
        let roots: BTreeSet<Id> = posts.iter().filter_map(root_of).collect();
        let counted = posts.iter().filter(|id| !roots.contains(id)).count();
        let limit = Generation::Of2021.posts_max();
        let is_old = self.foreign.generations.get(&seat) == Some(&Generation::Of2021);
        if !is_old || counted <= limit {
            return Ok(());
        }
        Err(broken(
            BOUNDED,
            format!("{counted} posts go to a server of 2021, more than {limit}"),
        ))
    }

    /// A message is sent to a toggle.
    pub(super) fn tells_toggle(
        &mut self,
        node: usize,
        seat: usize,
        item: &Item,
        version: i64,
    ) -> Result<(), Violation> {
        if !self.toggles(seat, item) {
            return Ok(());
        }
        let earlier = self
            .foreign
            .told
            .insert((seat, item.clone(), version), true);
        if earlier.is_none() {
            return Ok(());
        }
        Err(broken(
            NO_DUPLICATES,
            format!("node {node} tells a toggle twice of {item:?} in version {version}"),
        ))
    }

    /// Records the result of a message to a toggle, as far as its sender can know it.
    pub fn toggle_fared(&mut self, seat: usize, frame: &[u8], told: &Told) {
        let Some(frame) = frames::read(frame).filter(|_| self.is_toggle(seat)) else {
            return;
        };
        for (item, version) in frame.items {
            let is_open = self.foreign.told.remove(&(seat, item.clone(), version));
            if is_open.is_some() && *told != Told::NotCarriedOut {
                self.foreign
                    .told
                    .insert((seat, item.clone(), version), false);
            }
            if *told == Told::Unknown && self.toggles(seat, &item) {
                self.foreign.unknown.insert((seat, item));
            }
        }
    }

    /// The process that sends to toggles died: open outcomes will never be known.
    pub fn toggle_sender_died(&mut self) {
        for ((seat, item, _), is_open) in &mut self.foreign.told {
            if std::mem::take(is_open) {
                self.foreign.unknown.insert((*seat, item.clone()));
            }
        }
    }
}
