//! `/share-channel`: sharing the channel in which it is typed. Semantics §8.1.

use std::fmt::Write as _;

use causeway_kernel::authority;
use causeway_kernel::command::{
    AnswerChannelInvitation, Command, InviteToChannel, UninviteFromChannel, UnshareChannel,
};
use causeway_kernel::model::{
    Connection, InvitationState, Link, LinkState, OfferedChannel, SharedChannel,
};
use causeway_kernel::rows::id::{ConnectionNo, Id};
use causeway_kernel::rows::tx::Read;
use causeway_views::query::sharing;

use super::Invocation;
use super::arguments::Arguments;
use super::delivery;
use super::history;
use super::table::{Table, escaped, time, yes_no};

const ACTIONS: &str = "invite, uninvite, unshare, status, delivery, invitations, accept, decline";
const UNKNOWN_CONNECTION: &str = "Must specify a valid secure connection ID to invite.";

pub async fn run(here: &Invocation<'_>, arguments: &Arguments) -> String {
    if arguments.action() == "delivery" {
        return delivery::run(here, arguments).unwrap_or_else(|sentence| sentence);
    }
    let done = match arguments.action() {
        "invitations" | "accept" | "decline" => offers(here, arguments).await,
        _ => sharing_of(here, arguments).await,
    };
    done.unwrap_or_else(|sentence| sentence)
}

/// What concerns the channels that connected workspaces offer.
async fn offers(here: &Invocation<'_>, arguments: &Arguments) -> Result<String, String> {
    if !authority::manages_connections(&here.app.rows(), here.caller.user) {
        return Err(
            "You require `manage_secure_connections` permission to answer channel invitations."
                .to_string(),
        );
    }
    match arguments.action() {
        "invitations" => invitations(here, arguments),
        action => answer(here, arguments, action == "accept").await,
    }
}

/// What concerns the channel in which it is typed.
async fn sharing_of(here: &Invocation<'_>, arguments: &Arguments) -> Result<String, String> {
    if !authority::may_share(&here.app.rows(), here.channel, here.caller.user) {
        return Err(
            "You require `manage_shared_channels` permission to manage shared channels. \
                `/share-channel delivery` shows which of your posts are not delivered yet."
                .to_string(),
        );
    }
    match arguments.action() {
        "" => Err(format!("Missing command. Available actions: {ACTIONS}")),
        "invite" => invite(here, arguments).await,
        "uninvite" => uninvite(here, arguments).await,
        "unshare" => unshare(here, arguments).await,
        "status" => arguments.only(&[]).map(|()| status(here)),
        other => Err(format!(
            "Unknown action `{other}`. Available actions: {ACTIONS}"
        )),
    }
}

async fn invite(here: &Invocation<'_>, arguments: &Arguments) -> Result<String, String> {
    arguments.only(&["connectionID", "readonly", "history"])?;
    let (connection, row) = connection(here, arguments)?;
    let read_only = arguments.switch("readonly")?;
    let history = history::parse(arguments.get("history"))?;
    let channel = here.channel;
    let rows = here.app.rows();
    if rows
        .get::<SharedChannel>(&channel)
        .is_some_and(|shared| !shared.home)
    {
        return Err(
            "Cannot invite secure connection to a shared channel originating somewhere else."
                .to_string(),
        );
    }
    let live = |link: Link| link.state != LinkState::Ended;
    if rows.get::<Link>(&(channel, connection)).is_some_and(live) {
        return Err("The secure connection has already been invited.".to_string());
    }
    act(
        here,
        Command::InviteToChannel(InviteToChannel {
            channel,
            connection,
            read_only,
            history,
        }),
    )
    .await?;
    let link = here.app.rows().get::<Link>(&(channel, connection));
    if link.is_none_or(|link| link.state == LinkState::Ended) {
        return Ok(format!(
            "`{}` may share this channel here again. Ask that workspace for an invitation.",
            row.name
        ));
    }
    Ok(format!(
        "Shared channel invitation has been sent to `{} {}`.",
        row.name, row.site_url
    ))
}

async fn uninvite(here: &Invocation<'_>, arguments: &Arguments) -> Result<String, String> {
    arguments.only(&["connectionID"])?;
    let (connection, row) = connection(here, arguments)?;
    act(
        here,
        Command::UninviteFromChannel(UninviteFromChannel {
            channel: here.channel,
            connection,
        }),
    )
    .await?;
    Ok(format!("Secure connection `{}` uninvited.", row.remote_id))
}

async fn unshare(here: &Invocation<'_>, arguments: &Arguments) -> Result<String, String> {
    arguments.only(&[])?;
    if !here.app.rows().has::<SharedChannel>(&here.channel) {
        return Err("Cannot unshare a channel that is not shared.".to_string());
    }
    act(
        here,
        Command::UnshareChannel(UnshareChannel {
            channel: here.channel,
        }),
    )
    .await?;
    Ok("This channel is no longer shared.".to_string())
}

async fn act(here: &Invocation<'_>, command: Command) -> Result<(), String> {
    let done = here.app.act(here.caller.user, command).await;
    done.map(|_| ()).map_err(|error| error.message.into_owned())
}

fn connection(
    here: &Invocation<'_>,
    arguments: &Arguments,
) -> Result<(ConnectionNo, Connection), String> {
    sharing::connection_by_id(&here.app.rows(), arguments.get("connectionID"))
        .filter(|(_, row)| row.delete_at == 0)
        .ok_or_else(|| UNKNOWN_CONNECTION.to_string())
}

/// Whether the invitation is accepted.
fn answered(link: &Link) -> &'static str {
    match link.state {
        LinkState::Awaiting => "awaits an administrator there",
        LinkState::Active => yes_no(true),
        LinkState::Inviting | LinkState::Ended => yes_no(false),
    }
}

/// The channels that a connected workspace offers.
fn invitations(here: &Invocation<'_>, arguments: &Arguments) -> Result<String, String> {
    arguments.only(&["connectionID"])?;
    let (connection, _) = connection(here, arguments)?;
    let offered = sharing::channel_invitations(&here.app.rows(), connection);
    if offered.is_empty() {
        return Ok("No channel is offered over this secure connection.".to_string());
    }
    let now_ms = here.app.engine.now_ms();
    let mut table = Table::new(&["Channel ID", "Name", "Display name", "State", "Since"]);
    for (id, row) in offered {
        let state = match row.state {
            InvitationState::Waiting => "waiting",
            InvitationState::Accepted => "accepted, has to come again",
            InvitationState::Declined | InvitationState::Refused => "declined",
            InvitationState::Withdrawn => "taken back",
        };
        let OfferedChannel {
            name, display_name, ..
        } = &row.channel;
        table.row(&[
            id.as_str(),
            name,
            display_name,
            state,
            &time(row.since, now_ms),
        ]);
    }
    Ok(table.into_text())
}

/// Accepts or declines an offered channel.
async fn answer(
    here: &Invocation<'_>,
    arguments: &Arguments,
    accept: bool,
) -> Result<String, String> {
    arguments.only(&["connectionID", "channelID"])?;
    let (connection, row) = connection(here, arguments)?;
    let id = arguments.require("channelID")?;
    let channel = Id::parse(id).ok_or("`--channelID` is not the ID of a channel.")?;
    let command = Command::AnswerChannelInvitation(AnswerChannelInvitation {
        connection,
        channel,
        accept,
    });
    act(here, command).await?;
    let name = &row.name;
    let has_to_come_again = || {
        let offered = sharing::channel_invitations(&here.app.rows(), connection);
        offered.iter().any(|(other, _)| *other == channel)
    };
    Ok(if !accept {
        format!("The channel of `{name}` is declined.")
    } else if has_to_come_again() {
        format!(
            "The channel of `{name}` is accepted. Ask that workspace to invite to it once more."
        )
    } else {
        format!("The channel of `{name}` is accepted and shared.")
    })
}

fn status(here: &Invocation<'_>) -> String {
    let rows = here.app.rows();
    let now_ms = here.app.engine.now_ms();
    let read_only = rows
        .get::<SharedChannel>(&here.channel)
        .is_some_and(|row| row.read_only);
    let mut links = sharing::links_of_channel(&rows, here.channel);
    links.retain(|(_, link)| link.state != LinkState::Ended || link.refusal().is_some());
    if links.is_empty() {
        return "No secure connections have been invited to this channel.".to_string();
    }
    let mut table = Table::new(&[
        "Secure connection",
        "Site URL",
        "Read only",
        "Invite accepted",
        "Online",
        "Last sync",
        "Refused",
    ]);
    for (connection, link) in links {
        let Some(row) = rows.get::<Connection>(&connection) else {
            continue;
        };
        let name = if row.display_name.is_empty() {
            &row.name
        } else {
            &row.display_name
        };
        table.row(&[
            name,
            &row.site_url,
            yes_no(read_only),
            answered(&link),
            yes_no(here.app.federation.is_online(connection, &row)),
            &time(link.last_sync_at, now_ms),
            link.refusal().unwrap_or("--"),
        ]);
    }
    format!("{}{}", table.into_text(), rules(here))
}

/// What the policies hold back of shared channels, in their own words.
fn rules(here: &Invocation<'_>) -> String {
    let mut said = String::new();
    for state in here.app.engine.policies() {
        for rule in state.rules.iter().filter(|_| state.info.is_enabled) {
            let _ = write!(said, "\n* {} ({})", escaped(rule), state.info.name);
        }
    }
    if said.is_empty() {
        return said;
    }
    format!("\n\nPolicies of this workspace:{said}")
}
