//! The beginning: workspaces with users and teams, connected to a hub. The handshake itself is done by
//! the host and is not simulated.

use causeway_kernel::boundary::input::{Actor, Genesis, Input};
use causeway_kernel::boundary::output::{Object, Reply};
use causeway_kernel::command::{
    AcceptConnection, AddTeamMember, AttachConnection, Command, ConfigureConnectedWorkspaces,
    ConfirmConnection, CreateConnection, CreateTeam, CreateUser, RemoveConnection,
};
use causeway_kernel::model::{Config, ConnectedWorkspaces, Connection, PeerKind};
use causeway_kernel::rows::id::{ConnectionNo, TeamNo, UserNo};
use causeway_kernel::rows::tx::Read;

use super::{Event, Waiter, World};
use crate::acts::Act;
use crate::node::{NAMES, Node};
use crate::oracle::{RUNS, Violation, broken};
use crate::plan::HUB;

/// How many users each workspace has: they are its first rows.
pub(crate) const USERS_EACH: usize = 3;
/// Users of each workspace. The first one is its administrator; some names exist on both sides.
const USERS: [[&str; USERS_EACH]; 3] = [
    ["alice", "bob", "carol"],
    ["alice", "bob", "dave"],
    ["alice", "erin", "bob"],
];

/// The administrator of a workspace.
pub(crate) const ADMIN: UserNo = UserNo(1);
/// The team of all users.
pub(crate) const TEAM: TeamNo = TeamNo(1);

impl World<'_> {
    /// Creates everything, without faults.
    pub(super) fn set_up(&mut self) -> Result<(), Violation> {
        for node in 0..self.nodes.len() {
            let config = Config {
                posts_per_sync_max: self.plan.posts_per_sync_max,
                open_server: false,
                backfill: self.plan.backfill,
            };
            let site_url = format!("https://{}.example", NAMES[node]);
            self.make(node, Input::Genesis(Genesis { site_url, config }))?;
            self.configure_sharing(node)?;
            for (at, name) in USERS[node].iter().enumerate() {
                self.command(node, create_user(name, node, at == 0))?;
            }
            let team = CreateTeam {
                name: "main".to_string(),
                display_name: "Main".to_string(),
                description: String::new(),
                is_open: true,
            };
            self.command(node, Command::CreateTeam(team))?;
            for user in 1..=USERS_EACH as u64 {
                let user = UserNo(user);
                self.command(
                    node,
                    Command::AddTeamMember(AddTeamMember { team: TEAM, user }),
                )?;
            }
        }
        for node in 1..self.nodes.len() {
            self.connect(HUB, node)?;
        }
        self.connect_foreign()?;
        self.connect_malicious()?;
        for node in 0..self.nodes.len() {
            let life = self.nodes[node].life;
            self.agenda
                .at(self.now_ms + 50, Event::PingRound(node, life));
        }
        Ok(())
    }

    /// Applies the run's settings of what is shared. Few memberships and people fit into a
    /// message.
    fn configure_sharing(&mut self, node: usize) -> Result<(), Violation> {
        self.oracle.settings(self.plan.members, self.plan.directory);
        let settings = ConnectedWorkspaces {
            direct: self.plan.direct,
            members: self.plan.members,
            members_per_sync_max: 2,
            all_users: self.plan.directory,
            users_per_sync_max: 2,
            ..ConnectedWorkspaces::default()
        };
        let command =
            Command::ConfigureConnectedWorkspaces(ConfigureConnectedWorkspaces { settings });
        let input = Input::Command {
            actor: Actor::System,
            key: None,
            command,
        };
        self.make(node, input).map(|_| ())
    }

    /// Connects a node to the hub; returns the connections of both.
    fn connect(
        &mut self,
        hub: usize,
        node: usize,
    ) -> Result<(ConnectionNo, ConnectionNo), Violation> {
        let create = Command::CreateConnection(create_connection(NAMES[node]));
        let at_hub = self.connection(hub, create)?;
        let row = self.nodes[hub].rows.get::<Connection>(&at_hub);
        let accept = Command::AcceptConnection(AcceptConnection {
            create: create_connection(NAMES[hub]),
            remote_id: row.expect("the connection was just made").remote_id,
            site_url: format!("https://{}.example", NAMES[hub]),
            kind: PeerKind::Causeway,
            remote_team_id: String::new(),
        });
        let at_node = self.connection(node, accept)?;
        self.nodes[hub].peers.insert(at_hub, node);
        self.nodes[node].peers.insert(at_node, hub);
        for (one, connection, other) in [(hub, at_hub, node), (node, at_node, hub)] {
            let confirm = Command::ConfirmConnection(ConfirmConnection {
                connection,
                site_url: format!("https://{}.example", NAMES[other]),
                kind: PeerKind::Causeway,
                remote_team_id: String::new(),
            });
            self.command(one, confirm)?;
        }
        Ok((at_hub, at_node))
    }

    /// The admins of a node and of the hub remove the connection between them, create a new one, and
    /// declare that it leads to the same workspace.
    pub(crate) fn reconnect(&mut self, node: usize) -> Result<(), Violation> {
        let old = |world: &Self, of: usize, to: usize| {
            let peers = world.nodes[of].peers.iter();
            let last = peers.rev().find(|(_, peer)| **peer == to);
            last.map(|(no, _)| *no)
        };
        let ready = |machine: &Node<_>| machine.is_serving;
        let (Some(at_hub), Some(at_node)) = (old(self, HUB, node), old(self, node, HUB)) else {
            return Ok(());
        };
        let is_full = self.is_full(HUB) || self.is_full(node);
        // One of two hosts would be left with a connection that its peer no longer has.
        let is_cloned = self.is_cloned(HUB) || self.is_cloned(node);
        if is_full || is_cloned || !ready(&self.nodes[HUB]) || !ready(&self.nodes[node]) {
            return Ok(());
        }
        // How a handshake copes with a crash or a stop is up to the host; here there are none.
        let faults = self.faults;
        (self.faults.crash, self.faults.stop) = (0, 0);
        let crash_at = self.crash_at.take();
        self.command(
            HUB,
            Command::RemoveConnection(RemoveConnection { connection: at_hub }),
        )?;
        self.command(
            node,
            Command::RemoveConnection(RemoveConnection {
                connection: at_node,
            }),
        )?;
        self.oracle.removed(HUB, at_hub);
        self.oracle.removed(node, at_node);
        let (new_at_hub, new_at_node) = self.connect(HUB, node)?;
        for (one, connection, previous) in [(HUB, new_at_hub, at_hub), (node, new_at_node, at_node)]
        {
            let attach = Command::AttachConnection(AttachConnection {
                connection,
                previous,
            });
            self.command(one, attach)?;
        }
        self.faults = faults;
        self.crash_at = crash_at;
        // An earlier backup would use a connection that the peer no longer has.
        self.backups.clear();
        self.forget_delivered(HUB);
        self.forget_delivered(node);
        self.coverage.act(Act::Reconnect);
        let (hub, name) = (NAMES[HUB], NAMES[node]);
        self.tell(format!("{hub} and {name} are connected anew."));
        Ok(())
    }

    pub(super) fn connection(
        &mut self,
        node: usize,
        command: Command,
    ) -> Result<ConnectionNo, Violation> {
        match self.command(node, command)? {
            Reply::Object(Object::Connection(no)) => Ok(no),
            reply => Err(broken(RUNS, format!("no connection was made: {reply:?}"))),
        }
    }

    pub(super) fn command(&mut self, node: usize, command: Command) -> Result<Reply, Violation> {
        let actor = match command {
            Command::CreateUser(_) | Command::ConfirmConnection(ConfirmConnection { .. }) => {
                Actor::System
            }
            _ => Actor::User(ADMIN),
        };
        let input = Input::Command {
            actor,
            key: None,
            command,
        };
        self.make(node, input)
    }

    /// Executes a step that is durable at once.
    fn make(&mut self, node: usize, input: Input) -> Result<Reply, Violation> {
        let life = self.nodes[node].life;
        let reply = self.carry_out(node, input.clone(), Waiter::Nobody)?;
        while self.nodes[node].unsynced() > 0 {
            self.synced(node, life)?;
        }
        match reply {
            Some(Reply::Refused(refusal)) => {
                Err(broken(RUNS, format!("{refusal:?} for {input:?}")))
            }
            Some(reply) => Ok(reply),
            None => Err(broken(RUNS, format!("a stop for {input:?}"))),
        }
    }
}

fn create_user(name: &str, node: usize, admin: bool) -> Command {
    Command::CreateUser(CreateUser {
        admin,
        ..CreateUser::named(name, format!("{name}@{}.example", NAMES[node]))
    })
}

pub(super) fn create_connection(name: &str) -> CreateConnection {
    CreateConnection {
        name: name.to_string(),
        display_name: String::new(),
        default_team_id: String::new(),
    }
}
