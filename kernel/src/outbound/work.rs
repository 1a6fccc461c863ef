//! A round while a step works on it, with the rows that it changes.
//!
//! The rows of connection and link are in the transaction: a [`Work`] only reads its copies of them, and
//! every change reads the row, changes it and stores it. So it cannot overwrite other changes that the step
//! makes to a link (its end, another offer of its channel). The round belongs to the work; the functions that
//! consume the work store or delete it.

use super::objects_max;
use crate::boundary::behaviour::Behaviour;
use crate::boundary::policy::Direction;
use crate::gate::Crossing;
use crate::model::{
    Connection, FeedObject, Link, LinkState, PeerKind, Pending, Round, RoundSource, Section,
    StatusCursor,
};
use crate::rows::id::{ChannelNo, ConnectionNo, FeedSeq, UserNo, WorkspaceNo};
use crate::rows::tx::{Read, Tx};
use crate::sharing::{directory, feed};
use crate::wire::Generation;

/// An object of a round with its feed sequence.
pub type Object = (FeedSeq, FeedObject);

/// The subject of a round.
#[expect(
    clippy::large_enum_variant,
    reason = "one exists at a time, on the stack of a step"
)]
pub enum Target {
    /// A channel that is shared with the peer, or offered to it.
    Channel(ChannelNo, Link),
    /// The workspace: objects that do not belong to a channel.
    Workspace,
}

/// A position of a connection was set back. If a round that moves it on is in flight, `change` sets the round's
/// end back to the same place: otherwise the position would move on when the round ends, past what is to be
/// offered again.
pub fn set_back(tx: &mut Tx<'_>, connection: ConnectionNo, change: impl FnOnce(&mut Round)) {
    if !Behaviour::SetBack.is_in_force(tx) {
        return;
    }
    if let Some(mut round) = tx.get::<Round>(&connection) {
        change(&mut round);
        tx.put(&connection, &round);
    }
}

/// What was to be said of a channel's sharing is out of date, also where it is on its way.
pub fn forget_state(tx: &mut Tx<'_>, connection: ConnectionNo, channel: ChannelNo) {
    if tx.has::<Pending>(&(connection, Pending::SHARING_STATE, channel)) {
        feed::unmark(tx, connection, Pending::SHARING_STATE, channel);
    }
    let is_of_it = |round: &Round| {
        round.channel == channel && matches!(round.source, RoundSource::SharingState { .. })
    };
    if tx.get::<Round>(&connection).as_ref().is_some_and(is_of_it) {
        tx.delete::<Round>(&connection);
        tx.touched.insert(connection);
    }
}

/// A connection and its round.
pub struct Work {
    /// Number of the connection.
    pub connection_no: ConnectionNo,
    /// The round.
    pub round: Round,
    connection: Connection,
    target: Target,
    /// Whether this work has stored the connection and the link in this step.
    stored: Stored,
}

#[derive(Default)]
struct Stored {
    connection: bool,
    link: bool,
}

impl Work {
    /// A new round.
    pub fn start(
        connection_no: ConnectionNo,
        connection: Connection,
        target: Target,
        source: RoundSource,
        objects: Vec<Object>,
    ) -> Work {
        let (channel, epoch) = match &target {
            Target::Channel(channel, link) => (*channel, link.epoch),
            Target::Workspace => Round::WORKSPACE,
        };
        let section = match source {
            RoundSource::Invite => Section::Invite,
            RoundSource::SharingState { .. } => Section::SharingState,
            RoundSource::People { .. }
            | RoundSource::Exceptions
            | RoundSource::Feed { .. }
            | RoundSource::History { .. }
            | RoundSource::Members { .. } => Section::Users,
            RoundSource::Directory { .. } => Section::Directory,
            RoundSource::Statuses { .. } => Section::Statuses,
        };
        let round = Round {
            attempt: None,
            channel,
            epoch,
            source,
            objects,
            section,
            users_after: UserNo(0),
            items: Vec::new(),
        };
        Work {
            connection_no,
            round,
            connection,
            target,
            stored: Stored::default(),
        }
    }

    /// The stored round of a connection; `None` if there is none, or no link of its channel.
    pub fn load(tx: &Tx<'_>, connection_no: ConnectionNo, connection: Connection) -> Option<Work> {
        let round = tx.get::<Round>(&connection_no)?;
        let target = if round.is_of_workspace() {
            Target::Workspace
        } else {
            let link = tx.get::<Link>(&(round.channel, connection_no))?;
            Target::Channel(round.channel, link)
        };
        Some(Work {
            connection_no,
            round,
            connection,
            target,
            stored: Stored::default(),
        })
    }

    /// The connection.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Where the round's objects cross.
    pub fn crossing(&self) -> Crossing<'_> {
        Crossing {
            direction: Direction::Outbound,
            connection_no: self.connection_no,
            connection: &self.connection,
            channel: self.round.channel,
        }
    }

    /// The link of the round's channel; `None` if the round belongs to the workspace.
    pub fn link(&self) -> Option<&Link> {
        match &self.target {
            Target::Channel(_, link) => Some(link),
            Target::Workspace => None,
        }
    }

    /// Changes the connection, both the copy and in the transaction.
    pub fn change_connection(&mut self, tx: &mut Tx<'_>, change: impl FnOnce(&mut Connection)) {
        if let Some(mut connection) = tx.get::<Connection>(&self.connection_no) {
            change(&mut connection);
            tx.put(&self.connection_no, &connection);
            self.connection = connection;
            self.stored.connection = true;
        }
    }

    /// Changes the link, both the copy and in the transaction. Does nothing for a round of the workspace.
    pub fn change_link(&mut self, tx: &mut Tx<'_>, change: impl FnOnce(&mut Link)) {
        let Target::Channel(channel, known) = &mut self.target else {
            return;
        };
        let key = (*channel, self.connection_no);
        if let Some(mut link) = tx.get::<Link>(&key) {
            change(&mut link);
            tx.put(&key, &link);
            *known = link;
            self.stored.link = true;
        }
    }

    /// Whether the round is still valid: the link continues as it was when the round started.
    pub fn is_live(&self) -> bool {
        let fits = |link: &Link| match self.round.source {
            RoundSource::Invite => link.state == LinkState::Inviting,
            RoundSource::SharingState { .. } => !link.is_unanswered(),
            _ => link.state == LinkState::Active,
        };
        self.link()
            .is_none_or(|link| fits(link) && link.epoch == self.round.epoch)
    }

    /// The peer's workspace: objects from it are not sent back.
    pub fn peer(&self) -> WorkspaceNo {
        self.connection.workspace
    }

    /// The format of what the peer is sent.
    pub fn generation(&self) -> Generation {
        self.connection.kind.into()
    }

    /// Whether the peer inverts a reaction whenever it receives it (W15).
    pub fn is_toggle(&self) -> bool {
        self.connection.kind == PeerKind::Mattermost11
    }

    /// Stores the round.
    pub fn store(mut self, tx: &mut Tx<'_>) {
        self.write_rows(tx);
        tx.put(&self.connection_no, &self.round);
    }

    /// Ends the round at its current position.
    pub fn drop_round(mut self, tx: &mut Tx<'_>) {
        self.write_rows(tx);
        tx.delete::<Round>(&self.connection_no);
    }

    /// The round's objects are done: the position moves past them.
    pub fn finish(mut self, tx: &mut Tx<'_>) {
        match self.round.source {
            RoundSource::Feed { to } => {
                self.grow(tx);
                self.change_link(tx, |link| link.cursor.seq = link.cursor.seq.max(to));
            }
            RoundSource::History { to } => {
                self.grow(tx);
                self.change_link(tx, |link| link.cursor.history = Some(to));
            }
            RoundSource::Members { to } => {
                self.grow(tx);
                self.change_link(tx, |link| link.members = Some(to));
            }
            RoundSource::Directory {
                users_to,
                seq,
                epoch,
            } => directory::advance(tx, self.connection_no, (users_to, seq, epoch)),
            RoundSource::People { to } => {
                self.change_connection(tx, |connection| connection.people_cursor = to);
            }
            RoundSource::Statuses { to } => tx.put(&self.connection_no, &StatusCursor(to)),
            RoundSource::Invite | RoundSource::SharingState { .. } | RoundSource::Exceptions => {}
        }
        self.drop_round(tx);
    }

    /// After a refusal of a whole message, increases the size of rounds with each success.
    fn grow(&mut self, tx: &mut Tx<'_>) {
        let most = objects_max(tx, self.connection.kind);
        self.change_link(tx, |link| {
            let doubled = link.items_max.saturating_mul(2);
            link.items_max = if doubled >= most { 0 } else { doubled };
        });
    }

    /// Writes connection and link even if they have not changed: a step's digest covers the rows it wrote,
    /// and recorded steps wrote these.
    fn write_rows(&mut self, tx: &mut Tx<'_>) {
        if !self.stored.connection {
            self.change_connection(tx, |_| ());
        }
        if !self.stored.link {
            self.change_link(tx, |_| ());
        }
    }
}
