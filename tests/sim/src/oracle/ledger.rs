//! The record of what users made: each post, reaction and profile as its origin has it, with all its
//! earlier states.

use std::collections::{BTreeMap, BTreeSet};

use causeway_kernel::rows::id::Id;

use super::Life;
use super::facts::{PostView, ReactionView};
use super::transfers::FileView;
use super::user_view::UserView;
use crate::policies::revised;

/// Edges (from, to) over which a change has to go: a node that has it must send it to those whose
/// link was alive when it arrived there.
pub type Told = BTreeMap<(usize, usize), Life>;

/// An object that a user made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thing {
    /// A post.
    Post(Id),
    /// A reaction: post, user, emoji.
    Reaction((Id, Id, String)),
    /// A profile.
    User(Id),
    /// A post of another node that arrived and has to be passed on.
    PassedPost(Id),
    /// A reaction of another node that arrived and has to be passed on.
    PassedReaction((Id, Id, String)),
}

/// A text without the names in its mentions, which differ between nodes.
#[must_use]
pub fn plain(text: &str) -> String {
    let bare = |word| {
        if str::starts_with(word, '@') {
            "@"
        } else {
            word
        }
    };
    text.split(' ').map(bare).collect::<Vec<_>>().join(" ")
}

/// Whether a text is shown as this one where policies mask words in it or silence its mentions, both in the form of
/// [`plain`].
#[must_use]
pub fn is_shown_as(text: &str, shown: &str) -> bool {
    shown == text || shown == revised(text) || is_silenced(text, shown)
}

/// Whether a text is another one whose mentions are plain names.
fn is_silenced(text: &str, silenced: &str) -> bool {
    let (said, left) = (text.split(' '), silenced.split(' '));
    let is_same = |(said, left): (&str, &str)| said == left || said == "@";
    said.clone().count() == left.clone().count() && said.zip(left).all(is_same)
}

/// A post.
#[derive(Clone, Debug)]
pub struct PostModel {
    /// The node of its author.
    pub origin: usize,
    /// Its current state there.
    pub view: PostView,
    /// Every text that it has had, in the form of [`plain`].
    pub texts: BTreeSet<String>,
    /// Every version that it has had.
    pub versions: BTreeSet<i64>,
    /// Every file that it has had, with the digest of its bytes.
    pub files: BTreeMap<Id, String>,
    /// The edges over which its last change has to go, with the lives of their links.
    pub told: Told,
    /// The edges over which the hub had to pass on its state of another node's post.
    passed: Told,
    /// Nodes at which a moderator deleted it.
    pub moderated: BTreeSet<usize>,
    /// Whether somebody pinned or unpinned another node's copy.
    pub pinned_elsewhere: bool,
    /// Whether a policy denied a version of it somewhere, or had not decided yet when the sharing
    /// ended.
    pub is_denied: bool,
    /// Whether a restore lost part of it.
    pub is_lost: bool,
}

/// What a post's receivers may take for its version: the highest of its times. A reply deleted
/// with its root has the time of that deletion, which may come from another clock.
fn versions(view: &PostView) -> [i64; 2] {
    [view.version, view.version.max(view.delete_at)]
}

fn files(view: &PostView) -> impl Iterator<Item = (Id, String)> {
    let files = view.files.iter();
    files.map(|file| (file.id, file.digest.clone()))
}

impl PostModel {
    /// A new post.
    #[must_use]
    pub fn new(origin: usize, view: &PostView, told: Told) -> PostModel {
        PostModel {
            origin,
            view: view.clone(),
            texts: BTreeSet::from([plain(&view.message)]),
            versions: BTreeSet::from(versions(view)),
            files: files(view).collect(),
            told,
            passed: Told::new(),
            moderated: BTreeSet::new(),
            pinned_elsewhere: false,
            is_denied: false,
            is_lost: false,
        }
    }

    /// Its origin changed it.
    pub fn change(&mut self, view: &PostView, told: Told) {
        self.texts.insert(plain(&view.message));
        self.versions.extend(versions(view));
        self.files.extend(files(view));
        self.view = view.clone();
        self.told = told;
    }

    /// The hub has the newest version. It must send that to its peers only if it looks different from what
    /// it had before (a pin that is set and removed before anything is sent changes nothing); otherwise
    /// it must send what it had to send already.
    pub fn pass_on(&mut self, is_change: bool, told: Told) {
        if is_change {
            self.passed = told;
        }
        self.told.extend(self.passed.clone());
    }

    /// Nothing is required over this edge before the next change.
    pub fn owes_no_more(&mut self, edge: (usize, usize)) {
        self.passed.remove(&edge);
        self.told.remove(&edge);
    }

    /// Whether a copy equals the origin's current state. A server whose clock went back changes a post
    /// without giving it a newer version.
    #[must_use]
    pub fn is_newest(&self, copy: &PostView) -> bool {
        let own = &self.view;
        let (here, there) = (plain(&copy.message), plain(&own.message));
        (copy.version, copy.is_deleted) == (own.version, own.is_deleted)
            && (copy.is_deleted || is_shown_as(&there, &here))
    }

    /// Which part of a copy never came from its origin, if any.
    #[must_use]
    pub fn forgery(&self, copy: &PostView) -> Option<&'static str> {
        let own = &self.view;
        if copy.author != own.author {
            return Some("author");
        }
        if copy.channel != own.channel {
            return Some("channel");
        }
        if copy.create_at != own.create_at {
            return Some("time of creation");
        }
        if copy.kind != own.kind {
            return Some("type");
        }
        // If a post was deleted on arrival, its thread may be unknown.
        if copy.root != own.root && !copy.is_deleted {
            return Some("thread");
        }
        let is_its = |file: &FileView| self.files.get(&file.id) == Some(&file.digest);
        if !copy.files.iter().all(is_its) {
            return Some("file");
        }
        let message = plain(&copy.message);
        let is_text = copy.is_deleted || self.texts.iter().any(|text| is_shown_as(text, &message));
        (!is_text).then_some("text")
    }
}

/// A reaction.
#[derive(Clone, Debug)]
pub struct ReactionModel {
    /// The node of its user.
    pub origin: usize,
    /// Whether it is shown.
    pub is_live: bool,
    /// Whether it ever was.
    pub was_live: bool,
    /// Every version that it has had.
    pub versions: BTreeSet<i64>,
    /// The edges over which its last change has to go, with the lives of their links.
    pub told: Told,
    /// Whether a policy denied it somewhere.
    pub is_denied: bool,
    /// Whether a restore lost part of it.
    pub is_lost: bool,
}

impl ReactionModel {
    /// A reaction that never existed.
    #[must_use]
    pub fn new(origin: usize) -> ReactionModel {
        ReactionModel {
            origin,
            is_live: false,
            was_live: false,
            versions: BTreeSet::new(),
            told: BTreeMap::new(),
            is_denied: false,
            is_lost: false,
        }
    }

    /// Its user added or removed it.
    pub fn change(&mut self, view: &ReactionView, told: Told) {
        self.is_live = view.is_live;
        self.was_live |= view.is_live;
        self.versions.insert(view.version);
        self.told = told;
    }
}

/// What a version of a profile says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Profile {
    /// Name at home.
    pub username: String,
    /// Nickname.
    pub nickname: String,
    /// Custom status; empty = none.
    pub custom_status: String,
    /// When the account was deactivated; 0 = it is active.
    pub delete_at: i64,
    /// What is said of it, if it is a bot's.
    pub bot: Option<String>,
}

impl From<&UserView> for Profile {
    fn from(view: &UserView) -> Profile {
        Profile {
            username: view.username.clone(),
            nickname: view.nickname.clone(),
            custom_status: view.custom_status.clone(),
            delete_at: view.delete_at,
            bot: view.bot.clone(),
        }
    }
}

/// A user.
#[derive(Clone, Debug)]
pub struct UserModel {
    /// The node at which the user lives.
    pub home: usize,
    /// The profile there now.
    pub view: UserView,
    /// Every profile of the user, by version; two hosts may use the same version twice.
    pub versions: BTreeMap<i64, BTreeSet<Profile>>,
    /// Whether a restore lost part of it.
    pub is_lost: bool,
}

impl UserModel {
    /// A new user.
    #[must_use]
    pub fn new(home: usize, view: &UserView) -> UserModel {
        let mut model = UserModel {
            home,
            view: view.clone(),
            versions: BTreeMap::new(),
            is_lost: false,
        };
        model.change(view);
        model
    }

    /// The user changed their profile.
    pub fn change(&mut self, view: &UserView) {
        self.view = view.clone();
        let profiles = self.versions.entry(view.version).or_default();
        profiles.insert(Profile::from(view));
    }

    /// Whether a copy equals an earlier state of the profile. A hub sends a user with the name that it
    /// has there, which begins with the one at home.
    #[must_use]
    pub fn was(&self, copy: &UserView) -> bool {
        let mut profiles = self.versions.get(&copy.version).into_iter().flatten();
        profiles.any(|profile| {
            let copied = Profile {
                username: profile.username.clone(),
                ..Profile::from(copy)
            };
            copy.username.starts_with(&profile.username) && copied == *profile
        })
    }
}

/// Everything that was made.
#[derive(Default)]
pub struct Ledger {
    /// Posts.
    pub posts: BTreeMap<Id, PostModel>,
    /// Reactions.
    pub reactions: BTreeMap<(Id, Id, String), ReactionModel>,
    /// Users.
    pub users: BTreeMap<Id, UserModel>,
}

impl Ledger {
    /// A restore of a node lost what was done to an object there.
    pub fn lose(&mut self, node: usize, thing: &Thing) {
        match thing {
            Thing::Post(id) => {
                if let Some(model) = self.posts.get_mut(id) {
                    model.is_lost = true;
                }
            }
            Thing::Reaction(key) => {
                if let Some(model) = self.reactions.get_mut(key) {
                    model.is_lost = true;
                }
            }
            Thing::PassedPost(id) => {
                if let Some(model) = self.posts.get_mut(id) {
                    model.passed.clear();
                    model.told.retain(|(from, _), _| *from != node);
                }
            }
            Thing::PassedReaction(key) => {
                if let Some(model) = self.reactions.get_mut(key) {
                    model.told.retain(|(from, _), _| *from != node);
                }
            }
            Thing::User(id) => {
                if let Some(model) = self.users.get_mut(id) {
                    model.is_lost = true;
                }
            }
        }
    }

    /// Renumbers nodes.
    pub fn renumber(&mut self, name: impl Fn(usize) -> usize) {
        let told = |told: &mut Told| {
            let edges = std::mem::take(told).into_iter();
            *told = edges
                .map(|((from, to), life)| ((name(from), to), life))
                .collect();
        };
        for model in self.posts.values_mut() {
            told(&mut model.told);
            told(&mut model.passed);
            let moderated = std::mem::take(&mut model.moderated).into_iter();
            model.moderated = moderated.map(&name).collect();
        }
        for model in self.reactions.values_mut() {
            told(&mut model.told);
        }
    }
}
