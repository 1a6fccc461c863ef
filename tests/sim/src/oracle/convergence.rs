//! I1 and I2: when everything is healed and quiet, every node has what it is entitled to, and
//! shows it as its origin does.

use std::collections::{BTreeMap, BTreeSet};

use causeway_kernel::model::{Acknowledgement, Channel, Held, Post, Priority, Reaction, User};
use causeway_kernel::rows::id::{Id, PostNo, UserNo};
use causeway_kernel::rows::tx::Read;

use super::facts::{PostView, ReactionView, acknowledgement_view, post_view, reaction_view};
use super::ledger::{PostModel, Told, is_shown_as, plain};
use super::members::Membership;
use super::transfers::FileView;
use super::user_view::{UserView, user_view};
use super::{CONVERGENCE, Life, NO_DUPLICATES, NO_LOSS, Oracle, Violation, broken};
use crate::frames::Item;
use crate::plan::HUB;
use causeway_kernel::rows::memory::Tables;

/// Rows of a table that are read when inspecting a node.
const ROWS_MAX: u32 = 1_000_000;

/// What a node shows.
pub struct Show {
    posts: BTreeMap<Id, PostView>,
    reactions: BTreeMap<(Id, Id, String), ReactionView>,
    users: BTreeMap<Id, UserView>,
    /// The channels of a Causeway.
    channels: Option<BTreeSet<Id>>,
    membership: Option<Membership>,
}

impl Show {
    /// What a server with these shows that is not a Causeway.
    #[must_use]
    pub fn made_of(
        posts: impl Iterator<Item = PostView>,
        reactions: impl Iterator<Item = ReactionView>,
        users: impl Iterator<Item = UserView>,
    ) -> Show {
        Show {
            posts: posts.map(|post| (post.id, post)).collect(),
            reactions: reactions.map(|one| (one.key.clone(), one)).collect(),
            users: users.map(|user| (user.id, user)).collect(),
            channels: None,
            membership: None,
        }
    }

    /// A post as shown.
    pub(super) fn post(&self, id: &Id) -> Option<&PostView> {
        self.posts.get(id)
    }

    /// A profile as shown.
    pub(super) fn user(&self, id: &Id) -> Option<&UserView> {
        self.users.get(id)
    }

    /// Who is a member of what at a Causeway.
    pub(super) fn membership(&self) -> Option<&Membership> {
        self.membership.as_ref()
    }

    /// Inspects a node's rows.
    ///
    /// # Errors
    /// If an id is in two rows (I3), or an item is still held (I2).
    pub fn of(node: usize, rows: &Tables) -> Result<Show, Violation> {
        let mut show = Show {
            posts: BTreeMap::new(),
            reactions: BTreeMap::new(),
            users: BTreeMap::new(),
            channels: None,
            membership: Some(Membership::of(rows)),
        };
        let channels = rows.prefix::<Channel, ()>(&(), ROWS_MAX);
        show.channels = Some(
            channels
                .into_iter()
                .map(|(_, channel)| channel.id)
                .collect(),
        );
        for (no, post) in rows.prefix::<Post, ()>(&(), ROWS_MAX) {
            let view: PostView = post_view(rows, post, no);
            if show.posts.insert(view.id, view.clone()).is_some() {
                return Err(twice(node, &view.id));
            }
        }
        for (key, reaction) in rows.prefix::<Reaction, ()>(&(), ROWS_MAX) {
            let key: (PostNo, UserNo, String) = key;
            let view = reaction_view(rows, &key, &reaction);
            show.reactions.insert(view.key.clone(), view);
        }
        for (key, row) in rows.prefix::<Acknowledgement, ()>(&(), ROWS_MAX) {
            let view = acknowledgement_view(rows, key, &row);
            show.reactions.insert(view.key.clone(), view);
        }
        let mut names = BTreeSet::new();
        for (no, user) in rows.prefix::<User, ()>(&(), ROWS_MAX) {
            let view = user_view(rows, no, user);
            if !names.insert(view.username.clone()) {
                return Err(twice(node, &view.id));
            }
            if show.users.insert(view.id, view.clone()).is_some() {
                return Err(twice(node, &view.id));
            }
        }
        let held: Vec<(_, Held)> = rows.prefix::<Held, ()>(&(), ROWS_MAX);
        if let Some((_, held)) = held.first() {
            return Err(broken(
                NO_LOSS,
                format!("node {node} still holds back an item: {}", held.reason),
            ));
        }
        Ok(show)
    }

    /// Whether a Causeway does not have such a channel. It never drops one: a channel that was offered to it
    /// and is missing was lost in a restore.
    fn lost(&self, channel: Id) -> bool {
        let channels = self.channels.as_ref();
        channels.is_some_and(|channels| !channels.contains(&channel))
    }
}

fn twice(node: usize, id: &Id) -> Violation {
    broken(NO_DUPLICATES, format!("node {node} holds {id} twice"))
}

impl Oracle {
    /// Judges what all nodes show at the end.
    ///
    /// # Errors
    /// The first difference from what was made.
    pub fn judge_end(&self, shows: &[Show]) -> Result<(), Violation> {
        for (id, model) in &self.ledger.posts {
            if model.is_lost {
                continue;
            }
            if let Some(home) = shows.get(model.origin) {
                self.at_home(home, id, model)?;
            }
            let entitled = self.entitled_now(shows, model.origin, (model, &model.told));
            // The hub passes on a profile only in a version that its home has sent to the hub.
            let is_told = model.origin == HUB || entitled.contains(&HUB);
            for peer in entitled {
                self.post_at(shows, peer, model)?;
                if is_told {
                    self.author_at(shows, peer, model)?;
                }
            }
        }
        for (key, model) in &self.ledger.reactions {
            if model.is_lost {
                continue;
            }
            let Some(post) = self.ledger.posts.get(&key.0) else {
                continue;
            };
            let home = shows.get(model.origin);
            let is_live = |home: &Show| home.reactions.get(key).is_some_and(|own| own.is_live);
            if home.is_some_and(|home| is_live(home) != model.is_live) {
                return Err(broken(
                    NO_LOSS,
                    format!(
                        "node {} does not show the reaction {key:?} as its own user left it",
                        model.origin
                    ),
                ));
            }
            // If its own moderator deleted a post, a node has nothing more to say about it. What a policy denied
            // stays until it changes, and is sent or not.
            if post.moderated.contains(&model.origin) || model.is_denied {
                continue;
            }
            for peer in self.entitled_now(shows, model.origin, (post, &model.told)) {
                self.reaction_at(shows, peer, (key, model.is_live), post)?;
            }
        }
        self.judge_members(shows)?;
        self.judge_directory(shows)
    }

    /// Nodes that must have a change: an edge over which it has to go leads there, and its link is still
    /// in the same life there, and on the other side too, unless that side has lost the channel:
    /// then it is offered again. A deletion by a moderator of a hub need not go further.
    fn entitled_now(
        &self,
        shows: &[Show],
        origin: usize,
        (post, told): (&PostModel, &Told),
    ) -> BTreeSet<usize> {
        let channel = post.view.channel;
        let root = post.view.root.and_then(|root| self.ledger.posts.get(&root));
        let keeps_back = |hub: &usize| {
            let moderated = root.is_some_and(|root| root.moderated.contains(hub));
            moderated || post.moderated.contains(hub)
        };
        told.iter()
            .filter(|((from, to), life)| {
                *to != origin
                    && (*from == origin || !keeps_back(from))
                    && self.shares(channel, (*from, *to), Some(**life))
                    && (self.shares(channel, (*to, *from), None)
                        || shows.get(*to).is_some_and(|show| show.lost(channel)))
            })
            .map(|((_, to), _)| *to)
            .collect()
    }

    /// Whether a node shares a channel with another, in the given life of the link, if any.
    pub(super) fn shares(
        &self,
        channel: Id,
        (node, peer): (usize, usize),
        life: Option<Life>,
    ) -> bool {
        self.lives.iter().any(|((of, what, _), (to, alive))| {
            (*of, *what, *to) == (node, channel, peer) && life.is_none_or(|life| life == *alive)
        })
    }

    fn at_home(&self, home: &Show, id: &Id, model: &PostModel) -> Result<(), Violation> {
        let Some(own) = home.posts.get(id) else {
            return Err(broken(
                NO_LOSS,
                format!("node {} lost its own post {:?}", model.origin, model.view),
            ));
        };
        let (own, told) = (shown(own), shown(&model.view));
        if own != told {
            return Err(broken(
                NO_LOSS,
                format!(
                    "node {} shows its own post {id} as {own:?}, not as {told:?}",
                    model.origin
                ),
            ));
        }
        Ok(())
    }

    /// Whether the rules themselves keep a post from a node: a policy's verdict, or a root that is
    /// missing for such a reason.
    fn is_excused(&self, model: &PostModel) -> bool {
        let root = model
            .view
            .root
            .and_then(|root| self.ledger.posts.get(&root));
        model.is_denied || model.is_lost || root.is_some_and(|root| root.is_denied || root.is_lost)
    }

    /// Whether a post is deleted at a node: by its origin, with its thread, or by a moderator.
    fn is_gone(&self, peer: usize, model: &PostModel) -> bool {
        let here = |model: &PostModel| model.view.is_deleted || model.moderated.contains(&peer);
        let root = model
            .view
            .root
            .and_then(|root| self.ledger.posts.get(&root));
        here(model) || root.is_some_and(here)
    }

    /// Whether a peer has to be notified that a post is deleted. Nobody is notified of a root that was
    /// deleted after the sharing with its home had ended: replies by others to it stay.
    fn hears_of_deletion(&self, shows: &[Show], peer: usize, model: &PostModel) -> bool {
        let here = |model: &PostModel| model.origin == peer || model.moderated.contains(&peer);
        let root = model.view.root;
        let root = root.and_then(|root| self.ledger.posts.get(&root));
        let is_owed = |root: &PostModel| {
            let entitled = self.entitled_now(shows, root.origin, (root, &root.told));
            here(root) || entitled.contains(&peer)
        };
        model.view.is_deleted || here(model) || root.is_some_and(is_owed)
    }

    fn post_at(&self, shows: &[Show], peer: usize, model: &PostModel) -> Result<(), Violation> {
        if self.is_excused(model) {
            return Ok(());
        }
        let copy = shows[peer].posts.get(&model.view.id);
        let is_shown = copy.is_some_and(|copy| !copy.is_deleted);
        if self.is_gone(peer, model) {
            return if is_shown && self.hears_of_deletion(shows, peer, model) {
                Err(broken(
                    CONVERGENCE,
                    format!("node {peer} still shows a deleted post: {copy:?}"),
                ))
            } else {
                Ok(())
            };
        }
        if copy.is_none() && (self.has_lost_root(shows, model) || self.has_no_place(peer, model)) {
            return Ok(());
        }
        let Some(copy) = copy.filter(|_| is_shown) else {
            return Err(broken(
                NO_LOSS,
                format!(
                    "node {peer} does not show the post {:?}; it holds {copy:?}",
                    model.view
                ),
            ));
        };
        let (here, there) = (plain(&copy.message), plain(&model.view.message));
        if !is_shown_as(&there, &here) {
            return Err(broken(
                CONVERGENCE,
                format!(
                    "node {peer} shows “{}” where the author wrote “{}”",
                    copy.message, model.view.message
                ),
            ));
        }
        if copy.is_pinned != model.view.is_pinned
            && !model.pinned_elsewhere
            && !self.ignores_pins(peer)
        {
            return Err(broken(
                CONVERGENCE,
                format!("node {peer} shows another pin than {:?}", model.view),
            ));
        }
        self.files_at(shows, peer, model, copy)?;
        if !self.shows_priority(peer, copy, &model.view) {
            return Err(broken(
                CONVERGENCE,
                format!(
                    "node {peer} shows the priority {:?} of {:?}",
                    copy.priority, model.view
                ),
            ));
        }
        Ok(())
    }

    /// Whether the root of a reply exists nowhere any more, so that the reply cannot be stored.
    fn has_lost_root(&self, shows: &[Show], model: &PostModel) -> bool {
        let root = model.view.root;
        let root = root.and_then(|root| self.ledger.posts.get(&root));
        root.is_some_and(|root| self.is_nowhere(shows, root))
    }

    /// Whether the hub lost a post in a restore and is not sent it again: its home never resends,
    /// or the hub no longer knows that it shares the channel with it.
    fn is_nowhere(&self, shows: &[Show], post: &PostModel) -> bool {
        if self.is_forgiven(post) {
            return true;
        }
        let is_at_hub = post.origin == HUB || shows[HUB].posts.contains_key(&post.view.id);
        let entitled = self.entitled_now(shows, post.origin, (post, &post.told));
        !is_at_hub && !entitled.contains(&HUB)
    }

    /// Whether a peer that was restored without announcing it cannot store a post: it lacks its
    /// author, or the post that it replies to, or the author of that.
    fn has_no_place(&self, peer: usize, model: &PostModel) -> bool {
        let lacks_author = |view: &PostView| self.lacks_user(peer, &view.author);
        let root = model.view.root;
        let lacks_root = root.is_some_and(|id| {
            let root = self.ledger.posts.get(&id);
            self.is_lost_at(peer, &Item::Post(id.to_string()))
                || root.is_some_and(|root| lacks_author(&root.view))
        });
        lacks_root || lacks_author(&model.view)
    }

    fn lacks_user(&self, peer: usize, user: &Id) -> bool {
        self.is_lost_at(peer, &Item::User(user.to_string()))
    }

    /// Checks that the author of a shown object has the same profile at a peer as at home.
    fn author_at(&self, shows: &[Show], peer: usize, model: &PostModel) -> Result<(), Violation> {
        if self.is_excused(model) || self.is_gone(peer, model) || self.has_lost_root(shows, model) {
            return Ok(());
        }
        // Posts that cannot be stored there need no author.
        let is_shown = shows[peer].posts.contains_key(&model.view.id);
        if !is_shown && self.has_no_place(peer, model) {
            return Ok(());
        }
        let Some(user) = self.ledger.users.get(&model.view.author) else {
            return Ok(());
        };
        if user.is_lost || self.lacks_user(peer, &user.view.id) {
            return Ok(());
        }
        let copy = shows[peer].users.get(&user.view.id);
        if copy.is_some_and(|copy| self.is_newest_profile(peer, copy, user)) {
            return Ok(());
        }
        // A changed profile that was set aside comes with the next post of its user, and there is none
        // after everything has healed. The hub passes on nothing newer than it has.
        let waits = |node: usize| self.outdated.contains(&(node, user.view.id));
        if waits(peer) || waits(HUB) {
            return Ok(());
        }
        Err(broken(
            CONVERGENCE,
            format!(
                "node {peer} holds the profile {copy:?}; at home it is {:?}",
                user.view
            ),
        ))
    }

    fn reaction_at(
        &self,
        shows: &[Show],
        peer: usize,
        (key, is_live): (&(Id, Id, String), bool),
        post: &PostModel,
    ) -> Result<(), Violation> {
        let show = &shows[peer];
        let gone = post.view.is_deleted || self.is_gone(peer, post);
        let item = Item::Post(key.0.to_string());
        let has_no_place = self.is_nowhere(shows, post)
            || self.has_lost_root(shows, post)
            || self.has_no_place(peer, post);
        let lacks_post = !show.posts.contains_key(&key.0) && has_no_place;
        // A reaction that came while its post was missing is lost, even if the post comes back.
        let is_lost = lacks_post || self.is_lost_at(peer, &item) || self.lacks_user(peer, &key.1);
        if gone || is_lost || self.is_excused(post) || self.is_unknown(peer, key) {
            return Ok(());
        }
        let copy = show.reactions.get(key);
        let shows = copy.is_some_and(|copy| copy.is_live);
        if shows == is_live || self.takes_no_more(peer, key, copy) {
            return Ok(());
        }
        let checker = if is_live { NO_LOSS } else { CONVERGENCE };
        Err(broken(
            checker,
            format!("node {peer} shows the reaction {key:?}: {shows}; at its origin: {is_live}"),
        ))
    }
}

fn shown(view: &PostView) -> (&str, bool, Option<Priority>, &[FileView], bool) {
    let PostView {
        message,
        priority,
        files,
        ..
    } = view;
    (message, view.is_pinned, *priority, files, view.is_deleted)
}
