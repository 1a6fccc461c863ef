//! Slash commands, one file each. They call the same functions as the REST API. Client API §10.

mod arguments;
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
    /// Arguments it accepts.
    pub hint: &'static str,
    /// Those of them that are for everybody; the others are for administrators.
    pub hint_for_everybody: &'static str,
}

const SECURE_CONNECTION: &str = "secure-connection";
const SHARE_CHANNEL: &str = "share-channel";

/// Every command.
const BUILTINS: &[Builtin] = &[
    Builtin {
        trigger: SECURE_CONNECTION,
        description: "Create, accept, remove and list connections to other workspaces.",
        hint: "[create|accept|remove|attach|move|status]",
        hint_for_everybody: "",
    },
    Builtin {
        trigger: SHARE_CHANNEL,
        description: "Share the current channel with a connected workspace.",
        hint: "[invite|uninvite|unshare|status|delivery|invitations|accept|decline]",
        hint_for_everybody: "[delivery]",
    },
];

/// The commands that a user may use somewhere, with the arguments that are for this user.
pub fn known(rows: &(impl Read + ?Sized), user: UserNo) -> Vec<(&'static Builtin, &'static str)> {
    let connections = authority::sees_connections(rows, user);
    let sharing = authority::may_share_something(rows, user);
    let hint = |builtin: &'static Builtin| {
        let may = match builtin.trigger {
            SHARE_CHANNEL => sharing,
            _ => connections,
        };
        let hint = if may {
            builtin.hint
        } else {
            builtin.hint_for_everybody
        };
        (!hint.is_empty()).then_some((builtin, hint))
    };
    BUILTINS.iter().filter_map(hint).collect()
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
