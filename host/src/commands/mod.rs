//! Slash commands, one file each. They call the same functions as the REST API. Client API §10.

pub mod arguments;
pub mod delivery;
pub mod history;
mod secure_connection;
mod share_channel;
mod table;

use causeway_kernel::authority;
use causeway_kernel::rows::id::{ChannelNo, UserNo};
use causeway_kernel::rows::tx::Read;

use crate::app::{App, Caller};
use arguments::Arguments;

/// A built-in command.
pub struct Builtin {
    /// Its name, without the slash.
    pub trigger: &'static str,
    /// What it does, in a sentence.
    pub description: &'static str,
    /// Its actions, and who may use each somewhere.
    actions: &'static [(&'static str, Users)],
}

/// Who may use an action.
#[derive(Clone, Copy)]
enum Users {
    Everybody,
    /// Those who share channels.
    Sharers,
    /// Those who manage connections.
    Managers,
    /// Both.
    Either,
    /// System admins.
    Admins,
}

const SECURE_CONNECTION: &str = "secure-connection";
const SHARE_CHANNEL: &str = "share-channel";

/// Every command.
const BUILTINS: &[Builtin] = &[
    Builtin {
        trigger: SECURE_CONNECTION,
        description: "Create, accept, remove and list connections to other workspaces.",
        actions: &[
            ("create", Users::Managers),
            ("accept", Users::Managers),
            ("remove", Users::Managers),
            ("attach", Users::Admins),
            ("move", Users::Admins),
            ("status", Users::Either),
        ],
    },
    Builtin {
        trigger: SHARE_CHANNEL,
        description: "Share the current channel with a connected workspace.",
        actions: &[
            ("invite", Users::Sharers),
            ("uninvite", Users::Sharers),
            ("unshare", Users::Sharers),
            ("status", Users::Sharers),
            ("delivery", Users::Everybody),
            ("invitations", Users::Managers),
            ("accept", Users::Managers),
            ("decline", Users::Managers),
        ],
    },
];

/// Whether a built-in command has this trigger.
pub fn is_builtin(trigger: &str) -> bool {
    BUILTINS.iter().any(|builtin| builtin.trigger == trigger)
}

/// A command that a user may use, with the actions that are for this user.
pub struct Known {
    /// The command.
    pub builtin: &'static Builtin,
    /// The actions; never empty.
    pub actions: Vec<&'static str>,
}

impl Known {
    /// The actions as clients show them.
    pub fn hint(&self) -> String {
        format!("[{}]", self.actions.join("|"))
    }
}

/// The commands that a user may use somewhere.
pub fn known(rows: &(impl Read + ?Sized), user: UserNo) -> Vec<Known> {
    let manages = authority::manages_connections(rows, user);
    let shares = authority::may_share_something(rows, user);
    let is_admin = authority::is_system_admin(rows, user);
    let may = |users: Users| match users {
        Users::Everybody => true,
        Users::Sharers => shares,
        Users::Managers => manages,
        Users::Either => shares || manages,
        Users::Admins => is_admin,
    };
    let with_actions = |builtin: &'static Builtin| {
        let for_user = builtin.actions.iter().filter(|(_, users)| may(*users));
        let actions: Vec<&str> = for_user.map(|(name, _)| *name).collect();
        (!actions.is_empty()).then_some(Known { builtin, actions })
    };
    BUILTINS.iter().filter_map(with_actions).collect()
}

/// Where a command was typed, and by whom.
pub struct Invocation<'a> {
    app: &'a App,
    caller: &'a Caller,
    channel: ChannelNo,
}

/// Runs a command line, which begins with a slash. `None` if there is no such command; errors of a known
/// command are reported in its text.
pub async fn run(app: &App, caller: &Caller, channel: ChannelNo, line: &str) -> Option<String> {
    let trigger = arguments::trigger(line);
    BUILTINS.iter().find(|it| it.trigger == trigger)?;
    let arguments = match Arguments::parse(line) {
        Ok(arguments) => arguments,
        Err(sentence) => return Some(sentence),
    };
    let here = Invocation {
        app,
        caller,
        channel,
    };
    match trigger.as_str() {
        SECURE_CONNECTION => Some(secure_connection::run(&here, &arguments).await),
        SHARE_CHANNEL => Some(share_channel::run(&here, &arguments).await),
        _ => None,
    }
}
