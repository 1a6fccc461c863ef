//! Real servers as members of the simulated world: a model of a Mattermost as seen on
//! the network, in two generations, based on recorded traffic and its description. [`quirks`] lists
//! their peculiarities, with the sources.
//!
//! The model keeps a database ([`rows`]), lets its users act ([`acts`]), answers requests
//! ([`receive`]), and watches its own tables with cursors of time to send what is new
//! ([`collect`], [`send`]). It is connected to one peer, the hub.

pub mod acts;
pub mod broken;
pub mod collect;
pub mod debts;
pub mod files;
mod frames;
mod pictures;
pub mod quirks;
pub mod receive;
pub mod restore;
pub mod rows;
pub mod send;
mod show;

use std::collections::{BTreeMap, VecDeque};

use causeway_kernel::model::Priority;
use causeway_kernel::rows::id::Id;

use crate::clock::EPOCH_MS;
use crate::dice::Dice;
use crate::frames::Item;
use crate::oracle::facts::{PostView, ReactionView};
use crate::oracle::user_view::UserView;
use debts::Debts;
use quirks::{Generation, Quirk, Shown};
use rows::{ChannelRow, PostRow, ReactionKey, Rows, UserRow};
use send::{Outgoing, Round, Task, TaskKey};

/// Users of such a server; the first one is its administrator. The names exist elsewhere, too.
const USERS: [&str; 3] = ["alice", "bob", "mona"];

/// Actions of its users and changes to its channels, for the oracle.
#[derive(Clone, Debug)]
pub enum Made {
    /// A post was written or changed by a user of the server.
    Post(PostView),
    /// A reaction of a user of the server.
    Reaction(ReactionView),
    /// A profile of a user of the server.
    User(UserView),
    /// A post of somebody else was deleted by a moderator.
    Moderated(Id),
    /// The sharing of a channel began on this side.
    Began(Id),
    /// It ended on this side.
    Ended(Id),
    /// A server of 2021 took a post with the names of these files; it looks at no others later.
    Linked(Id, Vec<Id>),
    /// A restore removed the file.
    LostFile(Id),
    /// A restore replaced the object by an earlier version, or removed it.
    Lost(Item),
}

/// A server.
pub struct Server {
    /// Its generation.
    pub generation: Generation,
    /// The id of the connection, on both sides.
    pub remote_id: Id,
    /// Its database.
    pub rows: Rows,
    /// A backup of the database.
    backup: Option<Rows>,
    /// How far its clock is off, in ms.
    pub clock_offset_ms: i64,
    /// Whether the process is running.
    pub is_running: bool,
    /// Number of starts of the process.
    pub life: u32,
    /// How often each quirk showed.
    pub shown: Shown,
    /// Events since the last query.
    pub made: Vec<Made>,
    /// Which of its own objects it still has to send to the peer.
    pub debts: Debts,
    /// The message to be sent now.
    pub out: Option<Vec<u8>>,
    /// The bytes to be sent now: the peer's upload, and their digest.
    pub out_bytes: Option<(Id, String)>,
    /// The picture to be sent now: its user, and its digest.
    pub out_picture: Option<(Id, String)>,
    /// Whether its database was replaced by a backup.
    pub was_restored: bool,
    /// The name of the connection here.
    peer: String,
    admin: Id,
    ids: Dice,
    /// Ids of files and uploads.
    file_ids: Dice,
    /// Whether memberships are synchronised (a flag of the 11 line).
    with_members: bool,
    has_pinged: bool,
    tasks: BTreeMap<TaskKey, Task>,
    tasks_made: u64,
    outbox: VecDeque<Outgoing>,
    in_flight: Option<Outgoing>,
    round: Option<Round>,
}

impl Server {
    /// A server with its users, connected to a peer of this name.
    #[must_use]
    pub fn new(generation: Generation, seed: u64, seat: usize, peer: &str) -> Server {
        let mut ids = Dice::new(seed, &format!("ids of seat {seat}"));
        let remote_id = Id::from_uuid_bytes(ids.bytes());
        let with_members = generation == Generation::Of11 && ids.chance(400);
        let mut server = Server {
            generation,
            remote_id,
            rows: Rows::default(),
            backup: None,
            clock_offset_ms: 0,
            is_running: true,
            life: 0,
            shown: Shown::new(),
            made: Vec::new(),
            debts: Debts::default(),
            out: None,
            out_bytes: None,
            out_picture: None,
            was_restored: false,
            peer: peer.to_string(),
            admin: remote_id,
            ids,
            file_ids: Dice::new(seed, &format!("files of seat {seat}")),
            with_members,
            has_pinged: false,
            tasks: BTreeMap::new(),
            tasks_made: 0,
            outbox: VecDeque::new(),
            in_flight: None,
            round: None,
        };
        for name in USERS {
            let id = server.new_id();
            let row = UserRow {
                username: name.to_string(),
                nickname: String::new(),
                custom_status: String::new(),
                create_at: EPOCH_MS,
                update_at: EPOCH_MS,
                is_remote: false,
                remote_username: String::new(),
                told_version: EPOCH_MS,
            };
            server.put_user(id, row);
        }
        server.admin = server.rows.named(USERS[0]).unwrap_or(remote_id);
        server
    }

    /// The time shown by its clock.
    #[must_use]
    pub fn clock_ms(&self, now_ms: i64) -> i64 {
        EPOCH_MS + now_ms + self.clock_offset_ms
    }

    /// The process dies: its memory is lost, the database is kept.
    pub fn die(&mut self) {
        self.is_running = false;
        self.life += 1;
        self.tasks.clear();
        self.outbox.clear();
        self.in_flight = None;
        self.round = None;
        self.out = None;
        self.out_bytes = None;
        self.out_picture = None;
    }

    /// The process starts.
    pub fn start(&mut self) {
        self.is_running = true;
    }

    /// Counts objects that it never offered.
    pub fn lost_behind_cursor(&mut self, things: u64) {
        if things > 0 {
            self.show_quirk(Quirk::LosesBehindCursor);
        }
    }

    fn new_id(&mut self) -> Id {
        Id::from_uuid_bytes(self.ids.bytes())
    }

    fn show_quirk(&mut self, quirk: Quirk) {
        *self.shown.entry((self.generation, quirk)).or_default() += 1;
    }

    fn is(&self, generation: Generation) -> bool {
        self.generation == generation
    }

    fn put_user(&mut self, id: Id, row: UserRow) {
        if !row.is_remote {
            let view = show::user(id, &row);
            self.debts
                .owe(Item::User(id.to_string()), view.version, false);
            self.made.push(Made::User(view));
        }
        self.rows.users.insert(id, row);
    }

    /// Stores a post, and reports posts written here to the oracle.
    fn put_post(&mut self, id: Id, row: PostRow) {
        if !row.is_remote {
            let view = show::post(&self.rows, id, &row);
            let item = Item::Post(id.to_string());
            self.debts.owe(item, view.version, view.is_deleted);
            self.made.push(Made::Post(view));
        }
        self.rows.posts.insert(id, row);
    }

    /// Stores a reaction, and reports reactions given here to the oracle.
    fn put_reaction(&mut self, key: &ReactionKey, row: rows::ReactionRow) {
        let is_own = self.rows.users.get(&key.1);
        if is_own.is_some_and(|user| !user.is_remote) {
            let view = show::reaction(&self.rows, key, &row);
            let (post, user, emoji) = key;
            let item = Item::Reaction(post.to_string(), user.to_string(), emoji.clone());
            self.debts.owe(item, view.version, false);
            self.made.push(Made::Reaction(view));
        }
        self.rows.reactions.insert(key.clone(), row);
    }

    /// Updates the time of a changed post, and the times of those who follow the channel.
    fn touch_post(&mut self, id: Id, at_ms: i64) {
        if let Some(mut post) = self.rows.posts.get(&id).cloned() {
            post.update_at = at_ms;
            self.put_post(id, post);
        }
    }

    fn channel_mut(&mut self, id: &Id) -> Option<&mut ChannelRow> {
        self.rows.channels.get_mut(id)
    }

    /// Writes a post by a user here.
    fn write(
        &mut self,
        now_ms: i64,
        (channel, user): (Id, Id),
        root: Option<Id>,
        (kind, priority): (&str, Option<Priority>),
        message: String,
    ) -> Id {
        let content = (message, Vec::new());
        self.write_with_files(now_ms, (channel, user), root, (kind, priority), content)
    }

    /// Writes a post with files.
    fn write_with_files(
        &mut self,
        now_ms: i64,
        (channel, user): (Id, Id),
        root: Option<Id>,
        (kind, priority): (&str, Option<Priority>),
        (message, files): (String, Vec<Id>),
    ) -> Id {
        let id = self.new_id();
        let at_ms = self.clock_ms(now_ms);
        let row = PostRow {
            user,
            channel,
            root,
            message,
            kind: kind.to_string(),
            create_at: at_ms,
            update_at: at_ms,
            edit_at: 0,
            delete_at: 0,
            is_pinned: false,
            priority,
            files,
            is_remote: false,
        };
        self.put_post(id, row);
        if let Some(root) = root {
            self.touch_post(root, at_ms);
        }
        self.news(now_ms, channel);
        id
    }
}
