//! What the peers of a workspace may and may not do to it.

mod acknowledgements;
mod components;
mod consent;
mod direct;
mod directory;
mod endings;
mod file_gate;
mod files;
mod gate;
mod gates;
mod guarded_invites;
mod hostile;
mod invites;
mod memberships;
mod mention_gate;
mod names;
mod parts;
mod pictures;
mod policies;
mod posts;
mod priorities;
mod profiles_at_the_gate;
mod reactions;
mod sharing;
mod sharing_gates;
mod statuses;
mod undecided;
mod users;
mod whole_posts;

use serde_json::{Value, json};

use crate::boundary::behaviour::{Behaviour, InForce};
use crate::boundary::input::{Actor, FramePart, Input, SendOutcome};
use crate::boundary::output::{Refusal, Reply};
use crate::model::{
    Channel, ChannelMember, ChannelPost, Connection, ConnectionState, Link, LinkEnd, LinkState,
    PeerKind, PeerWorkspace, Post, SharedChannel, Team, kind,
};
use crate::rows::id::{ConnectionNo, Id, TeamNo, UserNo, WorkspaceNo};
use crate::rows::lookup;
use crate::rows::table::Table;
use crate::rows::tx::{Read, Record, Tx};
use crate::testing::frames::{
    accepted, acknowledgement, failed, http, id, invite, membership, parsed_id, post, reaction,
    user, users, with,
};
use crate::testing::{ACME, ADMIN, OTHER, START, World, acts};
