//! Storage of direct and group channels. Their members are fixed, and there is one channel for the same
//! people: its name follows from their ids.

use sha1::{Digest, Sha1};

use super::{channels, members};
use crate::boundary::env::Rows;
use crate::boundary::output::{Effect, Event};
use crate::model::limits::{CHANNEL_NAME_MAX, DIRECT_CHANNELS_PER_USER_MAX};
use crate::model::{Channel, ChannelMember, DirectCount, Place};
use crate::rows::id::{ChannelNo, Id, UserNo, WorkspaceNo};
use crate::rows::lookup;
use crate::rows::tx::{Read, Tx};

/// The people of a direct or group channel, sorted by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participants {
    place: Place,
    sorted: Vec<(Id, UserNo)>,
}

impl Participants {
    /// The two people of a direct channel; twice the same for notes to oneself. `None` if one does not exist.
    pub fn of_direct(rows: &(impl Read + ?Sized), pair: [UserNo; 2]) -> Option<Participants> {
        Participants::load(rows, Place::Direct, &pair)
    }

    /// The people of a group channel. `None` if one does not exist.
    pub fn of_group(rows: &(impl Read + ?Sized), users: &[UserNo]) -> Option<Participants> {
        Participants::load(rows, Place::Group, users)
    }

    /// The people of a stored direct or group channel; `None` for a channel of a team.
    pub fn of_channel(
        rows: &(impl Read + ?Sized),
        no: ChannelNo,
        place: Place,
    ) -> Option<Participants> {
        if place.team().is_some() {
            return None;
        }
        let keys = rows.prefix::<ChannelMember, _>(&no, MEMBERS_READ_MAX);
        let mut users: Vec<UserNo> = keys.into_iter().map(|((_, user), _)| user).collect();
        if let (Place::Direct, [alone]) = (place, users.as_slice()) {
            users.push(*alone);
        }
        Participants::load(rows, place, &users)
    }

    fn load(rows: &(impl Read + ?Sized), place: Place, users: &[UserNo]) -> Option<Participants> {
        let ids = users.iter().map(|no| Some((rows.user(*no)?.id, *no)));
        let mut sorted = ids.collect::<Option<Vec<_>>>()?;
        sorted.sort_unstable();
        Some(Participants { place, sorted })
    }

    /// The place of their channel.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    /// Everybody, each once.
    pub fn users(&self) -> impl Iterator<Item = UserNo> {
        let mut users: Vec<UserNo> = self.sorted.iter().map(|(_, no)| *no).collect();
        users.dedup();
        users.into_iter()
    }

    /// The ids of everybody, sorted; twice the same for notes to oneself.
    pub fn ids(&self) -> impl Iterator<Item = Id> {
        self.sorted.iter().map(|(id, _)| *id)
    }

    /// The URL name of the channel: both ids in a direct channel, the SHA-1 digest of all in a group.
    /// Client API §5.
    #[must_use]
    pub fn name(&self) -> String {
        let ids: Vec<&str> = self.sorted.iter().map(|(id, _)| id.as_str()).collect();
        match self.place {
            Place::Group => {
                let digest = Sha1::digest(ids.concat());
                digest.iter().map(|byte| format!("{byte:02x}")).collect()
            }
            Place::Direct | Place::Team { .. } => ids.join("__"),
        }
    }

    /// The channel of these people, if there is one.
    pub fn channel(&self, rows: &(impl Read + ?Sized)) -> Option<ChannelNo> {
        lookup::direct_channel(rows, &self.name())
    }

    /// Groups are shown under the names of their people, as many as fit; clients show the other person of a
    /// direct channel. In the order of their accounts, which is the same in a masked recording.
    fn display_name(&self, tx: &Tx<'_>) -> String {
        if self.place == Place::Direct {
            return String::new();
        }
        let mut users: Vec<UserNo> = self.users().collect();
        users.sort_unstable();
        let mut shown = String::new();
        for user in users.into_iter().filter_map(|no| tx.user(no)) {
            let separator = if shown.is_empty() { "" } else { ", " };
            if shown.len() + separator.len() + user.username.len() > CHANNEL_NAME_MAX {
                break;
            }
            shown.push_str(separator);
            shown.push_str(&user.username);
        }
        shown
    }
}

/// More members than any direct or group channel has.
const MEMBERS_READ_MAX: u32 = 16;

/// What is new about a direct or group channel besides its people.
pub struct NewDirect {
    /// Its id.
    pub id: Id,
    /// Where it was opened.
    pub origin: WorkspaceNo,
    /// Who opened it, if that is known.
    pub creator: Option<UserNo>,
}

/// Stores a direct or group channel with its members and notifies them. The caller has checked that there is
/// none yet for these people, and counted it with [`take_places`].
pub fn insert(tx: &mut Tx<'_>, people: &Participants, new: &NewDirect) -> ChannelNo {
    let now_ms = tx.now_ms();
    let channel = Channel {
        id: new.id,
        origin: new.origin,
        place: people.place,
        create_at: now_ms,
        update_at: now_ms,
        delete_at: 0,
        display_name: people.display_name(tx),
        name: people.name(),
        header: String::new(),
        purpose: String::new(),
        creator: new.creator,
        last_post_at: 0,
        last_root_post_at: 0,
        last_update_at: now_ms,
        msg_count: 0,
        root_msg_count: 0,
        read_only: false,
        shared: false,
    };
    let no = channels::store(tx, &channel);
    for user in people.users() {
        members::add(tx, no, user, false);
    }
    let event = match people.place {
        Place::Group => Event::GroupAdded(no),
        Place::Direct | Place::Team { .. } => direct_added(people, no, new.creator),
    };
    tx.effect(Effect::Event(event));
    no
}

fn direct_added(people: &Participants, no: ChannelNo, creator: Option<UserNo>) -> Event {
    let mut users = people.users();
    let first = users.next().unwrap_or(UserNo(0));
    let second = users.next().unwrap_or(first);
    if creator == Some(second) {
        Event::DirectAdded(no, second, first)
    } else {
        Event::DirectAdded(no, first, second)
    }
}

/// Counts one more channel for each local participant; returns one whose limit is reached, if any.
pub fn take_places(
    tx: &mut Tx<'_>,
    people: &Participants,
    origin: WorkspaceNo,
) -> Result<(), UserNo> {
    for no in people.users() {
        if !is_local(tx, no) {
            continue;
        }
        let mut count = tx.get::<DirectCount>(&no).unwrap_or_default();
        let counted = if origin.is_ours() {
            &mut count.opened_here
        } else {
            &mut count.received
        };
        if *counted >= DIRECT_CHANNELS_PER_USER_MAX {
            return Err(no);
        }
        *counted += 1;
        tx.put(&no, &count);
    }
    Ok(())
}

fn is_local(tx: &Tx<'_>, no: UserNo) -> bool {
    tx.user(no).is_some_and(|user| user.origin.is_ours())
}
