//! What a step is about: the connections, channels, posts and users that its input names or whose
//! rows it changed.

use std::collections::BTreeSet;

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::{Effect, Write};
use causeway_kernel::model::{Channel, Post, Scope};
use causeway_kernel::rows::id::{ChannelNo, ConnectionNo, PostNo, UserNo};
use causeway_kernel::rows::key;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::{Read, Record};

use super::rows::SessionRows;
use crate::runtime::StepOutput;

/// What a step is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subjects {
    /// Connections.
    pub connections: BTreeSet<ConnectionNo>,
    /// Channels.
    pub channels: BTreeSet<ChannelNo>,
    /// Posts.
    pub posts: BTreeSet<PostNo>,
    /// Users.
    pub users: BTreeSet<UserNo>,
}

impl Subjects {
    /// Of a step, over the rows before it or behind it.
    #[must_use]
    pub fn of(input: &Input, output: &StepOutput, rows: &SessionRows) -> Subjects {
        let mut subjects = Subjects::default();
        match input {
            Input::Frame { connection, .. }
            | Input::Quarantine { connection, .. }
            | Input::Ping { connection, .. } => {
                subjects.connections.insert(*connection);
            }
            Input::Receipt(receipt) => {
                subjects.connections.insert(receipt.connection);
            }
            _ => {}
        }
        for write in &output.writes {
            subjects.write(write);
        }
        for effect in &output.effects {
            if let Ok(
                Effect::Send { connection, .. }
                | Effect::Refused { connection, .. }
                | Effect::Connection(connection),
            ) = codec::decode_effect(effect)
            {
                subjects.connections.insert(connection);
            }
        }
        let channels: Vec<ChannelNo> = subjects
            .posts
            .iter()
            .filter_map(|post| Some(rows.get::<Post>(post)?.channel))
            .collect();
        subjects.channels.extend(channels);
        subjects
    }

    fn write(&mut self, write: &Write) {
        let numbers = numbers(&write.key);
        let number = |at: usize| numbers.get(at).copied().unwrap_or_default();
        match write.table {
            Table::Users | Table::UserTeams | Table::Requests => {
                self.users.insert(UserNo(number(0)));
            }
            Table::Channels | Table::SharedChannels => {
                self.channels.insert(ChannelNo(number(0)));
            }
            Table::ChannelMembers => {
                self.channels.insert(ChannelNo(number(0)));
                self.users.insert(UserNo(number(1)));
            }
            Table::Posts => {
                self.posts.insert(PostNo(number(0)));
                let row = write.value.as_deref().and_then(Post::from_bytes);
                self.channels.extend(row.map(|row| row.channel));
            }
            Table::Reactions => {
                self.posts.insert(PostNo(number(0)));
                self.users.insert(UserNo(number(1)));
            }
            Table::Feed => {
                let channel = Scope(number(0)) != Scope::PEOPLE;
                self.channels.extend(channel.then(|| ChannelNo(number(0))));
            }
            Table::Links => {
                self.channels.insert(ChannelNo(number(0)));
                self.connections.insert(ConnectionNo(number(1)));
            }
            Table::Connections | Table::Rounds => {
                self.connections.insert(ConnectionNo(number(0)));
            }
            Table::ConnectionLinks | Table::Exceptions => {
                self.connections.insert(ConnectionNo(number(0)));
                self.channels.insert(ChannelNo(number(1)));
            }
            Table::SentUsers => {
                self.connections.insert(ConnectionNo(number(0)));
                self.users.insert(UserNo(number(1)));
                self.channels.insert(ChannelNo(number(2)));
            }
            Table::SentReactions | Table::SentOldPosts => {
                self.connections.insert(ConnectionNo(number(0)));
                self.posts.insert(PostNo(number(1)));
            }
            Table::Verdicts | Table::Held | Table::Pending | Table::ExceptionTimes => {
                self.connections.insert(ConnectionNo(number(0)));
            }
            // Rows that say nothing but where others stand, or of work and counters.
            Table::Meta
            | Table::Ids
            | Table::Names
            | Table::Teams
            | Table::TeamMembers
            | Table::UserChannels
            | Table::ChannelPosts
            | Table::ThreadPosts
            | Table::PinnedPosts
            | Table::PeerWorkspaces
            | Table::Due
            | Table::Jobs
            | Table::RequestExpiry
            | Table::Quarantine
            | Table::Behaviours => {}
        }
    }

    /// Takes in what another step is about.
    pub fn merge(&mut self, other: &Subjects) {
        self.connections.extend(&other.connections);
        self.channels.extend(&other.channels);
        self.posts.extend(&other.posts);
        self.users.extend(&other.users);
    }
}

/// The numbers at the front of a key.
fn numbers(mut key: &[u8]) -> Vec<u64> {
    let mut numbers = Vec::with_capacity(4);
    while let Some(number) = <u64 as key::KeyPart>::take(&mut key) {
        numbers.push(number);
    }
    numbers
}

/// What is looked for among the steps of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Only steps about this connection.
    pub connection: Option<ConnectionNo>,
    /// Only steps about this channel: its number, if it is known, and its id.
    pub channel: Option<(Option<ChannelNo>, String)>,
}

impl Wanted {
    /// Whether a step is about it. A frame that names a channel counts although nothing of it was
    /// taken.
    #[must_use]
    pub fn has(&self, input: &Input, encoded: &[u8], subjects: &Subjects) -> bool {
        let connection = self
            .connection
            .is_none_or(|wanted| subjects.connections.contains(&wanted));
        let channel = self.channel.as_ref().is_none_or(|(number, id)| {
            number.is_some_and(|number| subjects.channels.contains(&number))
                || (matches!(input, Input::Frame { .. }) && names(encoded, id))
        });
        connection && channel
    }
}

fn names(bytes: &[u8], id: &str) -> bool {
    bytes.windows(id.len()).any(|part| part == id.as_bytes())
}

/// Ids of the channels, for people.
#[must_use]
pub fn channel_ids(rows: &SessionRows, channels: &BTreeSet<ChannelNo>) -> Vec<String> {
    let ids = channels
        .iter()
        .filter_map(|no| rows.get::<Channel>(no))
        .map(|row| row.id.to_string());
    ids.collect()
}
