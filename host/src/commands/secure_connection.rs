//! `/secure-connection`: connections to other workspaces. Protocol §12.

use causeway_kernel::authority;
use causeway_kernel::command::{AttachConnection, Command, CreateConnection, RelocateConnection};
use causeway_kernel::model::{Connection, ConnectionState, Team};
use causeway_kernel::rows::id::ConnectionNo;
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;
use causeway_views::query::sharing;

use super::Invocation;
use super::arguments::Arguments;
use super::table::{Table, time, yes_no};
use crate::federation::handshake::{self, HandshakeError};
use crate::vault::Secret;

const ACTIONS: &str = "create, accept, remove, attach, move, status";

pub async fn run(here: &Invocation<'_>, arguments: &Arguments) -> String {
    let (rows, user) = (here.app.rows(), here.caller.user);
    // Who shares channels has to know the connections' IDs.
    let may = authority::manages_connections(&rows, user)
        || arguments.action() == "status" && authority::sees_connections(&rows, user);
    drop(rows);
    if !may {
        return "You require `manage_secure_connections` permission to manage secure connections."
            .to_string();
    }
    let done = match arguments.action() {
        "" => Err(format!("Missing command. Available actions: {ACTIONS}")),
        "create" => create(here, arguments).await,
        "accept" => accept(here, arguments).await,
        "remove" => remove(here, arguments).await,
        "attach" => attach(here, arguments).await,
        "move" => relocate(here, arguments).await,
        "status" => arguments.only(&[]).map(|()| status(here)),
        other => Err(format!(
            "Unknown action `{other}`. Available actions: {ACTIONS}"
        )),
    };
    done.unwrap_or_else(|sentence| sentence)
}

fn names(arguments: &Arguments) -> Result<CreateConnection, String> {
    Ok(CreateConnection {
        name: arguments.require("name")?.to_ascii_lowercase(),
        display_name: arguments.get("displayname").to_string(),
        default_team_id: String::new(),
    })
}

async fn create(here: &Invocation<'_>, arguments: &Arguments) -> Result<String, String> {
    arguments.only(&["name", "displayname", "password", "previousID"])?;
    let create = names(arguments)?;
    let previous = previous(here, arguments.get("previousID"))?;
    let password = Secret::new(arguments.require("password")?);
    let made = handshake::create(&here.app.federation, here.caller.actor(), create, &password)
        .await
        .map_err(|error| sentence(&error))?;
    take_up(here, made.connection, previous).await?;
    Ok(format!(
        "##### Invitation created.\nSend the following AES 256-bit encrypted invitation to the \
         administrator of the other workspace, together with the password, by another way. They \
         will use the `/secure-connection accept` slash command to accept it; it is valid for 48 \
         hours.\n\n```\n{}\n```\n\n**Ensure the secure connection can access your workspace via** \
         {}",
        made.code.expose(),
        here.app.settings.site_url
    ))
}

async fn accept(here: &Invocation<'_>, arguments: &Arguments) -> Result<String, String> {
    arguments.only(&["name", "displayname", "password", "invite", "previousID"])?;
    let create = names(arguments)?;
    let previous = previous(here, arguments.get("previousID"))?;
    let password = Secret::new(arguments.require("password")?);
    let code = arguments.require("invite")?;
    let federation = &here.app.federation;
    let connection = handshake::accept(federation, here.caller.actor(), create, code, &password)
        .await
        .map_err(|error| sentence(&error))?;
    take_up(here, connection, previous).await?;
    let rows = here.app.rows();
    let row = rows.get::<Connection>(&connection);
    let site_url = row.as_ref().map(|row| row.site_url.as_str());
    let known = row
        .as_ref()
        .and_then(|row| known_before(here, (connection, row)));
    Ok(format!(
        "##### Invitation accepted and confirmed.\nSiteURL: {}{}",
        site_url.unwrap_or_default(),
        known.unwrap_or_default()
    ))
}

/// The removed connection with this id, if one is given.
fn previous(here: &Invocation<'_>, id: &str) -> Result<Option<ConnectionNo>, String> {
    if id.is_empty() {
        return Ok(None);
    }
    // Asked before anything is done, so that nothing is left half done.
    if !authority::is_system_admin(&here.app.rows(), here.caller.user) {
        return Err("Only system admins let a connection continue an earlier one.".to_string());
    }
    let found = sharing::removed_connection(&here.app.rows(), id);
    found.map(Some).ok_or_else(|| {
        format!(
            "There is no removed secure connection `{}` whose workspace is not reached by another \
             connection. `/secure-connection status` lists them.",
            printable(id)
        )
    })
}

/// Lets a connection continue what came over a removed one, if one is given.
async fn take_up(
    here: &Invocation<'_>,
    connection: ConnectionNo,
    previous: Option<ConnectionNo>,
) -> Result<(), String> {
    let Some(previous) = previous else {
        return Ok(());
    };
    let attach = Command::AttachConnection(AttachConnection {
        connection,
        previous,
    });
    let done = here.app.act(here.caller.user, attach).await;
    done.map(|_| ()).map_err(|error| error.message.into_owned())
}

/// A notice about a connection to a workspace that was known before.
fn known_before(
    here: &Invocation<'_>,
    (connection, row): (ConnectionNo, &Connection),
) -> Option<String> {
    let (_, earlier) = sharing::previous_connection(&here.app.rows(), (connection, row))?;
    Some(format!(
        "\n\n`{}` leads to a workspace that was known here as `{}`. Everything concerning its previous \
         users, posts and channels is refused until they are attached. If it is still the same \
         workspace, a system admin has to run this on both sides before you share a channel:\n\n```\n/secure-connection attach --connectionID \
         {} --previousID {}\n```\n",
        row.name, earlier.name, row.remote_id, earlier.remote_id
    ))
}

async fn remove(here: &Invocation<'_>, arguments: &Arguments) -> Result<String, String> {
    arguments.only(&["connectionID"])?;
    let id = arguments.require("connectionID")?;
    let Some(connection) = live(here, id) else {
        return Err(format!(
            "##### Secure connection `{}` **NOT FOUND**.",
            printable(id)
        ));
    };
    handshake::remove(&here.app.federation, here.caller.actor(), connection)
        .await
        .map_err(|error| format!("Could not remove the secure connection: {error}."))?;
    Ok(format!("##### Secure connection {id} removed."))
}

/// Declares that a new connection leads to the workspace of a removed one, so that its users and posts keep
/// their identity.
async fn attach(here: &Invocation<'_>, arguments: &Arguments) -> Result<String, String> {
    arguments.only(&["connectionID", "previousID"])?;
    let (id, previous_id) = (
        arguments.require("connectionID")?,
        arguments.require("previousID")?,
    );
    let missing = |id: &str| format!("##### Secure connection `{}` **NOT FOUND**.", printable(id));
    let connection = live(here, id).ok_or_else(|| missing(id))?;
    let previous = previous(here, previous_id)?;
    take_up(here, connection, previous).await?;
    Ok(format!(
        "##### Secure connection {id} attached.\nIt leads to the workspace that {previous_id} led \
         to; from now on, their users and posts are the same."
    ))
}

/// Changes the address of a connected workspace that has moved.
async fn relocate(here: &Invocation<'_>, arguments: &Arguments) -> Result<String, String> {
    arguments.only(&["connectionID", "siteURL"])?;
    let (id, url) = (
        arguments.require("connectionID")?,
        arguments.require("siteURL")?,
    );
    let connection = live(here, id)
        .ok_or_else(|| format!("##### Secure connection `{}` **NOT FOUND**.", printable(id)))?;
    let site_url = here.app.federation.checked_address(url);
    let site_url =
        site_url.map_err(|refusal| format!("Could not change the address: {}", refusal.message))?;
    let relocate = Command::RelocateConnection(RelocateConnection {
        connection,
        site_url,
    });
    let done = here.app.act(here.caller.user, relocate).await;
    done.map_err(|error| format!("Could not change the address: {}", error.message))?;
    Ok(format!(
        "##### Secure connection {id} moved.\nIts workspace is now called at the new address; \
         `/secure-connection status` shows whether it answers there."
    ))
}

/// The reference's sentence for a failed handshake, with the reason.
fn sentence(error: &HandshakeError) -> String {
    let what = match error.slash_key() {
        "site_url_not_set" => {
            return format!("Site URL not set: {error}.");
        }
        "decode_invitation.error" => "Could not decode invitation",
        "accept_invitation.error" => "Could not accept invitation",
        "encrypt_invitation.error" => "Could not create the invitation",
        "add_remote.error" => "Could not add the secure connection",
        _ => "Could not carry out the command",
    };
    format!("{what}: {error}.").replace("..", ".")
}

fn live(here: &Invocation<'_>, id: &str) -> Option<ConnectionNo> {
    let (connection, row) = sharing::connection_by_id(&here.app.rows(), id)?;
    (row.delete_at == 0).then_some(connection)
}

/// A word typed by the caller, unable to leave its code span.
fn printable(word: &str) -> String {
    word.chars()
        .filter(|c| c.is_ascii_alphanumeric())
        .take(32)
        .collect()
}

fn status(here: &Invocation<'_>) -> String {
    let rows = here.app.rows();
    let now_ms = here.app.engine.now_ms();
    let connections = sharing::connections(&rows, true);
    if connections.is_empty() {
        return "No secure connections found.".to_string();
    }
    let mut table = Table::new(&[
        "Secure connection",
        "Display name",
        "Connection ID",
        "Site URL",
        "Default Team",
        "Invite accepted",
        "Online",
        "Last ping",
        "Deleted",
        "Trouble",
    ]);
    let mut notes = String::new();
    for (no, connection) in connections {
        notes.extend(known_before(here, (no, &connection)));
        notes.extend(moved(here, (no, &connection)));
        let accepted = connection.state == ConnectionState::Confirmed;
        let team = lookup::team(&rows, &connection.default_team_id)
            .and_then(|team| rows.get::<Team>(&team))
            .map(|team| team.name);
        table.row(&[
            &connection.name,
            &connection.display_name,
            connection.remote_id.as_str(),
            &connection.site_url,
            &team.unwrap_or_default(),
            yes_no(accepted || !connection.site_url.is_empty()),
            yes_no(here.app.federation.is_online(no, &connection)),
            &time(connection.last_ping_at, now_ms),
            yes_no(connection.delete_at != 0),
            &here.app.federation.trouble(no).unwrap_or_default(),
        ]);
    }
    table.into_text() + &notes
}

/// What to do about a peer that reports another address than it is called at.
fn moved(here: &Invocation<'_>, (no, row): (ConnectionNo, &Connection)) -> Option<String> {
    let site_url = here.app.federation.reported_site_url(no, row)?;
    Some(format!(
        "\n`{}` reports that it has moved to `{site_url}`, and is still called at its old address. \
         Once you know that this is true, confirm it: `/secure-connection move --connectionID {} \
         --siteURL {site_url}`",
        row.name, row.remote_id
    ))
}
