//! Slash commands, one file each. They call the same functions as the REST API. Client API §10.

mod arguments;
pub mod history;
mod secure_connection;
mod share_channel;
mod table;

use causeway_kernel::rows::id::ChannelNo;

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
}

/// Every command.
pub const BUILTINS: &[Builtin] = &[
    Builtin {
        trigger: "secure-connection",
        description: "Create, accept, remove and list connections to other workspaces.",
        hint: "[create|accept|remove|attach|move|status]",
    },
    Builtin {
        trigger: "share-channel",
        description: "Share the current channel with a connected workspace.",
        hint: "[invite|uninvite|unshare|status|invitations|accept|decline]",
    },
];

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
        "secure-connection" => Some(secure_connection::run(&here, &arguments).await),
        "share-channel" => Some(share_channel::run(&here, &arguments).await),
        _ => None,
    }
}
