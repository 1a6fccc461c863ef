//! The subjects of a step: the connections, channels, posts and users that its input names or whose
//! rows it changed.

use std::collections::BTreeSet;

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::Rows;
use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::{Effect, SendFile, SendPicture, Write};
use causeway_kernel::model::Post;
use causeway_kernel::rows::id::{ChannelNo, ConnectionNo, PostNo, UserNo};
use causeway_kernel::rows::key;
use causeway_kernel::rows::table::{Subject, TableVisitor};
use causeway_kernel::rows::tx::{Read, Record};

use causeway_engine::runtime::StepOutput;

/// The subjects of a step.
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
    /// The subjects of a step, given the rows before or after it.
    #[must_use]
    pub fn of(input: &Input, output: &StepOutput, rows: &dyn Rows) -> Subjects {
        let mut subjects = Subjects::default();
        match input {
            Input::Frame { connection, .. }
            | Input::FramePart { connection, .. }
            | Input::Quarantine { connection, .. }
            | Input::Upload { connection, .. }
            | Input::Picture { connection, .. }
            | Input::Ping { connection, .. } => {
                subjects.connections.insert(*connection);
            }
            Input::Receipt(receipt) => {
                subjects.connections.insert(receipt.connection);
            }
            _ => {}
        }
        for write in &output.writes {
            let changed = write.table.visit(Changed(write));
            changed.into_iter().for_each(|it| subjects.insert(it));
        }
        for effect in &output.effects {
            if let Ok(
                Effect::Send { connection, .. }
                | Effect::SendFile(SendFile { connection, .. })
                | Effect::SendPicture(SendPicture { connection, .. })
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

    fn insert(&mut self, subject: Subject) {
        match subject {
            Subject::Connection(no) => _ = self.connections.insert(no),
            Subject::Channel(no) => _ = self.channels.insert(no),
            Subject::Post(no) => _ = self.posts.insert(no),
            Subject::User(no) => _ = self.users.insert(no),
        }
    }
}

/// Determines the subjects of a changed row.
struct Changed<'w>(&'w Write);

impl TableVisitor for Changed<'_> {
    type Out = Vec<Subject>;

    fn rows<R: Record>(self) -> Vec<Subject> {
        let row = self.0.value.as_deref().and_then(R::from_bytes);
        let key = key::decode::<R::Key>(&self.0.key);
        key.map_or_else(Vec::new, |key| R::subjects(&key, row.as_ref()))
    }
}

/// A selection of steps of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Only steps about this connection.
    pub connection: Option<ConnectionNo>,
    /// Only steps about this channel: its number, if it is known, and its id.
    pub channel: Option<(Option<ChannelNo>, String)>,
}

impl Wanted {
    /// Whether a step is selected. A frame that names a channel counts even if none of its items were
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
