//! A malicious peer at the last seat, connected to the hub.

use causeway_kernel::command::{Command, ConfirmConnection};
use causeway_kernel::model::{Channel, Connection, File, Link, LinkState, PeerKind, Post, User};
use causeway_kernel::rows::id::{ConnectionNo, WorkspaceNo};
use causeway_kernel::rows::tx::Read;
use causeway_kernel::sharing::connection;

use super::calls::{Call, CallOutcome, What};
use super::setup::create_connection;
use super::{Event, World};
use super::{files, pictures};
use crate::malicious::Knowledge;
use crate::oracle::Violation;
use crate::plan::HUB;

/// Rows of a table that the peer knows at most.
const ROWS_MAX: u32 = 10_000;
/// The peer's name.
pub(super) const NAME: &str = "mallory";

impl World<'_> {
    /// Whether a seat has a malicious peer.
    pub(super) fn is_malicious(&self, seat: usize) -> bool {
        self.mallory.is_some() && seat == self.nodes.len() + self.seats.len()
    }

    /// Connects the malicious peer to the hub, whose admin does not know.
    pub(super) fn connect_malicious(&mut self) -> Result<(), Violation> {
        if self.mallory.is_none() {
            return Ok(());
        }
        let seat = self.nodes.len() + self.seats.len();
        let create = Command::CreateConnection(create_connection(NAME));
        let at_hub = self.connection(HUB, create)?;
        let kinds = [
            PeerKind::Causeway,
            PeerKind::Mattermost11,
            PeerKind::Mattermost2021,
        ];
        let kind = kinds[(self.plan.seed % 3) as usize];
        self.nodes[HUB].peers.insert(at_hub, seat);
        self.oracle.intruder_joins(seat);
        let confirm = Command::ConfirmConnection(ConfirmConnection {
            connection: at_hub,
            site_url: format!("https://{NAME}.example"),
            kind,
            remote_team_id: String::new(),
        });
        self.command(HUB, confirm)?;
        let row = self.nodes[HUB].rows.get::<Connection>(&at_hub);
        if let (Some(row), Some(mallory)) = (row, &mut self.mallory) {
            mallory.remote_id = row.remote_id;
        }
        Ok(())
    }

    /// The peer sends messages.
    pub(super) fn malicious_acts(&mut self, seat: usize) {
        let known = self.knowledge(seat);
        let Some(mallory) = &mut self.mallory else {
            return;
        };
        let messages = mallory.messages(&known);
        let incarnation = mallory.incarnation();
        let bytes = mallory.bytes();
        let pictures = mallory.pictures(&known);
        self.tell(format!("{NAME} sends {} messages.", messages.len()));
        for frame in messages {
            self.malicious_call(seat, What::Message { attempt: 0, frame });
        }
        for (upload, digest) in bytes {
            let bytes = files::whole(upload, digest);
            self.malicious_call(seat, What::File(bytes));
        }
        for (user, digest) in pictures {
            let picture = pictures::picture(user, digest);
            self.malicious_call(seat, What::Picture(picture));
        }
        self.malicious_call(seat, What::Ping(Some(incarnation)));
    }

    /// The hub is restored from a backup. An id belongs to whoever names it first, and the hub has
    /// forgotten the owners of some: a peer that was shown them could take them, which no checker can forbid.
    /// This peer, which knows more ids than it was shown, may not use them.
    pub(super) fn malicious_forgets(&mut self, node: usize) {
        let Some(mallory) = self.mallory.as_mut().filter(|_| node == HUB) else {
            return;
        };
        mallory.forget();
        let seat = self.nodes.len() + self.seats.len();
        self.calls.retain(|_, call| call.from != seat);
    }

    fn malicious_call(&mut self, seat: usize, what: What) {
        let Some(mallory) = &self.mallory else {
            return;
        };
        let call = Call {
            from: seat,
            to: HUB,
            connection: ConnectionNo(0),
            remote_id: mallory.remote_id,
            is_of_file: what.is_of_file(),
            what,
            sent_at_ms: 0,
            is_over: false,
        };
        self.calls_made += 1;
        self.calls.insert(self.calls_made, call);
        self.depart(self.calls_made);
    }

    /// A request arrives at the peer.
    pub(super) fn malicious_arrives(&mut self, no: u64) {
        let Some(call) = self.calls.get(&no).filter(|call| !call.is_over) else {
            return;
        };
        let what = call.what.clone();
        let clock_ms = self.nodes[HUB].clock_ms(self.now_ms);
        let Some(mallory) = &mut self.mallory else {
            return;
        };
        let outcome = match what {
            What::Ping(_) => {
                let (clock_ms, kind, incarnation) = mallory.pong(clock_ms);
                CallOutcome::Pong {
                    incarnation,
                    kind,
                    clock_ms,
                }
            }
            What::Message { frame, .. } => match answered(mallory.answer(&frame)) {
                Some(outcome) => outcome,
                None => return,
            },
            What::File(_) | What::Picture(_) => match answered(mallory.file_answer()) {
                Some(outcome) => outcome,
                None => return,
            },
        };
        self.agenda.at(self.now_ms + 5, Event::Ends(no, outcome));
    }

    /// What the peer knows about the hub.
    fn knowledge(&self, seat: usize) -> Knowledge {
        let rows = &self.nodes[HUB].rows;
        let peers = &self.nodes[HUB].peers;
        let own = peers.iter().find(|(_, peer)| **peer == seat);
        let own = own.map_or(ConnectionNo(0), |(no, _)| *no);
        let workspace = rows.get::<Connection>(&own);
        let workspace = workspace.map_or(WorkspaceNo::OURS, |row| row.workspace);
        let mut known = Knowledge {
            now_ms: self.nodes[HUB].clock_ms(self.now_ms),
            ..Knowledge::default()
        };
        for (_, user) in rows.prefix::<User, ()>(&(), ROWS_MAX) {
            let list = match user.origin {
                origin if origin.is_ours() => &mut known.local_users,
                origin if origin == workspace => &mut known.own_users,
                _ => &mut known.other_users,
            };
            list.push(user.id);
            known.names.push(user.username);
        }
        for (_, post) in rows.prefix::<Post, ()>(&(), ROWS_MAX) {
            let list = match post.origin {
                origin if origin.is_ours() => &mut known.local_posts,
                origin if origin == workspace => &mut known.own_posts,
                _ => &mut known.other_posts,
            };
            list.push(post.id);
        }
        let files = rows.prefix::<File, ()>(&(), ROWS_MAX).into_iter();
        let others = files.filter(|(_, file)| file.origin != workspace);
        known.files = others.map(|(_, file)| file.id).collect();
        for (no, channel) in rows.prefix::<Channel, ()>(&(), ROWS_MAX) {
            let link = rows.get::<Link>(&(no, own));
            let is_shared = link.is_some_and(|link| link.state != LinkState::Ended);
            let list = if is_shared {
                &mut known.shared
            } else {
                &mut known.closed
            };
            list.push(channel.id);
        }
        let connections = connection::all(rows).into_iter();
        known.connections = connections.map(|(_, row)| row.name).collect();
        known
    }
}

fn answered(answer: Option<(u16, Vec<u8>)>) -> Option<CallOutcome> {
    Some(match answer? {
        (200, body) => CallOutcome::Answered {
            body,
            incarnation: None,
        },
        (status, _) => CallOutcome::Refused(status),
    })
}
