//! Connections to peers, channels shared with them, and the answers to what was sent to them.

use serde_json::json;

use super::frames::{post, user};
use super::{ADMIN, TOWN, World, acts};
use crate::boundary::behaviour;
use crate::boundary::input::{Incarnation, Input, PingAnswer, Receipt, SendOutcome};
use crate::boundary::output::Object;
use crate::model::{Connection, Link, PeerKind, PeerWorkspace};
use crate::rows::id::{ChannelNo, ConnectionNo, Id};
use crate::rows::table::Table;
use crate::rows::tx::Read;
use crate::sharing;

/// The first connection.
pub const ACME: ConnectionNo = ConnectionNo(1);
/// The second one, to a third party.
pub const OTHER: ConnectionNo = ConnectionNo(2);
/// The team that every peer asks channels to be offered in.
pub const TEAM_OF_THE_PEER: &str = "teamofthepeer9999999999999";

impl World {
    /// [`World::new`] with the connection `acme` to a peer of a kind.
    pub fn connected(kind: PeerKind) -> World {
        let mut world = World::new();
        world.peer.toggle = kind == PeerKind::Mattermost11;
        world.peer.takes_files_first = kind != PeerKind::Causeway;
        world.connect("acme", kind);
        world
    }

    /// [`World::connected`] with [`TOWN`] shared; the peer has taken the invitation.
    pub fn shared(kind: PeerKind) -> World {
        let mut world = World::connected(kind);
        world.by(ADMIN, acts::invite(TOWN, ACME)).unwrap();
        world.ping(ACME);
        world.settle();
        world
    }

    /// With the connections `acme` and `other`, no behaviour in force, and the channels `joint`
    /// (shared with both), `acme-only`, `other-only` and `secret` (not shared); the administrator
    /// `boss`, the users `ann` of acme and `olga` of other, and a post in `joint` by each of the
    /// three.
    pub fn with_peers() -> World {
        let mut world = World::empty();
        world.host.tables.clear(Table::Behaviours);
        world.account_with_id("boss");
        world.create_crew();
        world.connect("acme", PeerKind::Mattermost11);
        world.connect("other", PeerKind::Mattermost11);
        for (name, connections) in [
            ("joint", &[ACME, OTHER][..]),
            ("acme-only", &[ACME]),
            ("other-only", &[OTHER]),
            ("secret", &[]),
        ] {
            let channel = world.channel_with_id(name);
            for connection in connections {
                world.share(channel, *connection);
            }
        }
        world.sync(ACME, json!({"users": {"a": user("ann", "ann")}}));
        world.sync(OTHER, json!({"users": {"o": user("olga", "olga")}}));
        world.sync(ACME, json!({"posts": [post("pann", "ann", "by ann")]}));
        world.sync(OTHER, json!({"posts": [post("polga", "olga", "by olga")]}));
        world.plant("pboss", "boss", "joint", "by boss");
        world
    }

    /// [`World::with_peers`], with every behaviour in force from here on.
    pub fn with_peers_of_today() -> World {
        let mut world = World::with_peers();
        world.adopt();
        world
    }

    /// Brings every behaviour into force.
    pub fn adopt(&mut self) {
        self.step(behaviour::adopt).unwrap();
    }

    /// Adds a confirmed connection to a workspace of its own.
    pub fn connect(&mut self, name: &str, kind: PeerKind) -> ConnectionNo {
        let others = self.host.tables.count(Table::Connections);
        let remote_id = Id::from_uuid_bytes([u8::try_from(others + 1).unwrap(); 16]);
        let accept = acts::accept_connection(name, remote_id, kind);
        let Object::Connection(no) = self.by(ADMIN, accept).unwrap() else {
            panic!("not a connection")
        };
        let confirm = acts::confirm_connection(no, name, kind);
        self.by(ADMIN, confirm).unwrap();
        no
    }

    /// Adds a confirmed connection to the workspace that another one leads to.
    pub fn connect_again(&mut self, name: &str, earlier: ConnectionNo) -> ConnectionNo {
        let Connection {
            kind, workspace, ..
        } = self.get::<Connection>(&earlier);
        let no = self.connect(name, kind);
        self.alter::<Connection>(&no, |row| row.workspace = workspace);
        self.alter::<PeerWorkspace>(&workspace, |row| row.connection = Some(no));
        no
    }

    /// Shares a channel with a peer, which accepts.
    pub fn share(&mut self, channel: ChannelNo, connection: ConnectionNo) {
        self.by(ADMIN, acts::invite(channel, connection)).unwrap();
        self.step(|tx| sharing::invite_accepted(tx, channel, connection));
    }

    pub fn link(&self, letters: &str, connection: ConnectionNo) -> Option<Link> {
        self.host.get(&(self.channel_no(letters)?, connection))
    }

    /// A ping of ours that the peer answers.
    pub fn ping(&mut self, connection: ConnectionNo) {
        self.ping_answered(connection, None);
    }

    /// A ping that the peer answers in an incarnation.
    pub fn ping_answered(&mut self, connection: ConnectionNo, incarnation: Option<Incarnation>) {
        let answer = Some(PingAnswer {
            sent_at_ms: 0,
            recv_at_ms: 0,
            kind: None,
            incarnation,
        });
        self.run(Input::Ping { connection, answer });
    }

    pub fn receipt(&mut self, connection: ConnectionNo, attempt: u64, outcome: SendOutcome) {
        self.run(Input::Receipt(Receipt {
            connection,
            attempt,
            outcome,
        }));
    }
}
