//! `causeway connection`.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use axum::http::{Method, StatusCode};
use causeway_kernel::rows::id::Id;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::remote::{Refused, Remote, RemoteArgs, in_session, read_password, text};
use super::{invitations, terminal, waiting};

/// Entries of a list in one request, as many as the API gives.
const PAGE_ENTRIES: usize = 200;

#[derive(Debug, Args)]
pub struct ConnectionArgs {
    #[command(flatten)]
    pub(super) remote: RemoteArgs,
    #[command(subcommand)]
    command: ConnectionCommand,
}

#[derive(Debug, Subcommand)]
enum ConnectionCommand {
    /// List the connections and their state.
    List {
        /// Include removed connections.
        #[arg(long)]
        all: bool,
        /// Print JSON, as the API returns it.
        #[arg(long)]
        json: bool,
    },
    /// Create a connection and print the invitation code for the other workspace.
    ///
    /// The password of the code is read from CAUSEWAY_CODE_PASSWORD. Without one, a password is generated
    /// and printed on a second line. Send the code and the password by different ways.
    Create(NewConnection),
    /// Accept the invitation code of another workspace.
    ///
    /// The code is read from CAUSEWAY_CODE or from standard input; its password is read from
    /// CAUSEWAY_CODE_PASSWORD, or from the next line of standard input.
    Accept(NewConnection),
    /// Print a new invitation code for a connection that nobody has accepted yet.
    ///
    /// The password of the code is read from CAUSEWAY_CODE_PASSWORD or from standard input. Codes that were
    /// printed before stay valid, with their passwords.
    Invitation {
        /// ID of the connection.
        id: String,
    },
    /// Change the display name, the default team, or what happens to channels that the other workspace offers.
    Edit {
        /// ID of the connection.
        id: String,
        /// Display name.
        #[arg(long)]
        display_name: Option<String>,
        /// Name of the team that gets the channels of the other workspace.
        #[arg(long)]
        team: Option<String>,
        /// Whether channels that the other workspace offers are taken at once (`accept`) or wait until an
        /// administrator here accepts them (`ask`).
        #[arg(long, value_parser = ["accept", "ask"])]
        channel_invitations: Option<String>,
        /// What becomes of a channel of the other workspace, a Causeway, that it no longer shares: it is archived
        /// here too (`archive`) or stays open (`keep`).
        #[arg(long, value_parser = ["archive", "keep"])]
        removed_channels: Option<String>,
    },
    /// List the channels that the other workspace offers: which wait for an administrator here, and which have an answer.
    ChannelInvitations {
        /// ID of the connection.
        id: String,
        /// Print JSON, as the API returns it.
        #[arg(long)]
        json: bool,
    },
    /// Accept a channel that the other workspace offers.
    AcceptChannel(Offer),
    /// Decline a channel that the other workspace offers. It can be accepted later all the same.
    DeclineChannel(Offer),
    /// Call the other workspace at a new address from now on.
    Move {
        /// ID of the connection.
        id: String,
        /// The new site URL of the other workspace.
        site_url: String,
    },
    /// Continue a removed connection to the same workspace; do this on both sides before sharing a channel.
    Attach {
        /// ID of the connection.
        id: String,
        /// ID of the removed connection.
        previous: String,
    },
    /// Remove a connection. What it brought here stays.
    Remove {
        /// ID of the connection.
        id: String,
    },
    /// List the channels that are shared over a connection.
    Channels {
        /// ID of the connection.
        id: String,
        /// Print JSON, as the API returns it.
        #[arg(long)]
        json: bool,
    },
    /// List what did not cross when its turn came: objects and files for a connected workspace, items from it.
    ///
    /// They are held back, were refused or are given up, each with the reason. Messages that only wait until the
    /// other workspace can be reached are not listed. At most 200 entries of each kind are.
    Waiting {
        /// ID of the connection; default: all.
        id: Option<String>,
        /// Print JSON, as the API returns it.
        #[arg(long)]
        json: bool,
    },
    /// Share a channel with the other workspace.
    Invite {
        #[command(flatten)]
        party: Party,
        /// Ordinary members of the other workspace may only read. This is decided when a channel is shared for
        /// the first time: to change it, unshare the channel and share it again.
        #[arg(long)]
        read_only: bool,
        /// Which posts from before the other workspace gets: `none`, `all`, or those from a day on, e.g. 2026-01-31
        /// (UTC); default: as configured (`backfill`).
        #[arg(long, default_value = "", hide_default_value = true)]
        history: String,
    },
    /// Stop sharing a channel with the other workspace.
    Uninvite(Party),
    /// Stop sharing a channel with every workspace.
    Unshare {
        /// The channel: its ID, or `team/channel` by their names in URLs.
        channel: String,
    },
}

#[derive(Debug, Args)]
struct NewConnection {
    /// Name of the connection: small letters, digits, `.`, `-` and `_`.
    name: String,
    /// Name of the team that gets the channels of the other workspace.
    #[arg(long)]
    team: String,
    /// Display name; default: the name.
    #[arg(long)]
    display_name: Option<String>,
    /// ID of the removed connection to the same workspace that this one continues.
    #[arg(long, value_name = "ID")]
    previous: Option<String>,
}

#[derive(Debug, Args)]
struct Party {
    /// ID of the connection.
    id: String,
    /// The channel: its ID, or `team/channel` by their names in URLs.
    channel: String,
}

/// A channel that the other workspace offers.
#[derive(Debug, Args)]
struct Offer {
    /// ID of the connection.
    id: String,
    /// ID of the channel, from `causeway connection channel-invitations`.
    channel: String,
}

pub async fn run(args: ConnectionArgs) -> Result<ExitCode> {
    in_session(&args.remote, async |remote| {
        carry_out(remote, args.command).await
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}

async fn carry_out(remote: &Remote, command: ConnectionCommand) -> Result<()> {
    match command {
        ConnectionCommand::List { all, json } => list(remote, all, json).await,
        ConnectionCommand::Create(new) => create(remote, new).await,
        ConnectionCommand::Accept(new) => accept(remote, new).await,
        ConnectionCommand::Invitation { id } => {
            let path = format!("{}/generate_invite", path(&id)?);
            let password = read_password("CAUSEWAY_CODE_PASSWORD", "password of the code")?;
            let body = json!({ "password": password.expose() });
            let code = remote.call(Method::POST, &path, Some(&body)).await?;
            terminal::line(code.as_str().unwrap_or_default());
            Ok(())
        }
        ConnectionCommand::Edit {
            id,
            display_name,
            team,
            channel_invitations,
            removed_channels,
        } => {
            let mut change = Map::new();
            if let Some(name) = display_name {
                change.insert("display_name".into(), name.into());
            }
            if let Some(team) = team {
                let team = team_id(remote, &team).await?;
                change.insert("default_team_id".into(), team.into());
            }
            if let Some(answer) = channel_invitations {
                change.insert("channel_invitations".into(), answer.into());
            }
            if let Some(fate) = removed_channels {
                change.insert("removed_channels".into(), fate.into());
            }
            if change.is_empty() {
                bail!(
                    "give a --display-name, a --team, --channel-invitations or --removed-channels"
                );
            }
            patch(remote, &id, change.into()).await
        }
        ConnectionCommand::ChannelInvitations { id, json } => {
            invitations::print(remote, &path(&id)?, json).await
        }
        ConnectionCommand::AcceptChannel(Offer { id, channel }) => {
            let channel = word(&channel, "a channel's ID")?;
            invitations::accept(remote, &path(&id)?, channel).await
        }
        ConnectionCommand::DeclineChannel(Offer { id, channel }) => {
            let channel = word(&channel, "a channel's ID")?;
            invitations::decline(remote, &path(&id)?, channel).await
        }
        ConnectionCommand::Move { id, site_url } => {
            patch(remote, &id, json!({ "site_url": site_url })).await
        }
        ConnectionCommand::Attach { id, previous } => {
            patch(remote, &id, json!({ "previous_remote_id": previous })).await
        }
        ConnectionCommand::Remove { id } => {
            remote.call(Method::DELETE, &path(&id)?, None).await?;
            terminal::line(format_args!("{id} removed"));
            Ok(())
        }
        ConnectionCommand::Channels { id, json } => channels(remote, &id, json).await,
        ConnectionCommand::Waiting { id, json } => {
            let id = id.as_deref().map(checked).transpose()?;
            waiting::print(remote, id.as_ref().map(Id::as_str), json).await
        }
        ConnectionCommand::Invite {
            party,
            read_only,
            history,
        } => {
            let body = json!({ "readonly": read_only, "history": history });
            let path = channel_path(remote, &party).await?;
            let path = format!("{path}/invite");
            remote.call(Method::POST, &path, Some(&body)).await?;
            terminal::line(format_args!("{} invited to {}", party.id, party.channel));
            Ok(())
        }
        ConnectionCommand::Uninvite(party) => {
            let path = format!("{}/uninvite", channel_path(remote, &party).await?);
            remote.call(Method::POST, &path, None).await?;
            let Party { id, channel } = party;
            terminal::line(format_args!("{id} uninvited from {channel}"));
            Ok(())
        }
        ConnectionCommand::Unshare { channel } => {
            let id = channel_id(remote, &channel).await?;
            let path = format!("/causeway/channels/{id}/unshare");
            remote.call(Method::POST, &path, None).await?;
            terminal::line(format_args!("{channel} is no longer shared"));
            Ok(())
        }
    }
}

async fn list(remote: &Remote, all: bool, as_json: bool) -> Result<()> {
    let listed = pages(remote, &format!("/remotecluster?include_deleted={all}")).await?;
    if as_json {
        return Ok(terminal::pretty_json(&listed)?);
    }
    let online = pages(remote, "/remotecluster?exclude_offline=true").await?;
    let online: Vec<&str> = online.iter().map(|it| text(it, "remote_id")).collect();
    for connection in &listed {
        terminal::lines(connection_text(connection, &online));
    }
    if listed.is_empty() {
        terminal::line("no connections");
    }
    Ok(())
}

/// A whole list.
async fn pages(remote: &Remote, query: &str) -> Result<Vec<Value>> {
    let mut entries = Vec::new();
    for page in 0.. {
        let query = format!("{query}&page={page}&per_page={PAGE_ENTRIES}");
        let list = remote.call(Method::GET, &query, None).await?;
        let list = list.as_array().cloned().unwrap_or_default();
        let is_last = list.len() < PAGE_ENTRIES;
        entries.extend(list);
        if is_last {
            break;
        }
    }
    Ok(entries)
}

/// What a list shows of a connection.
fn connection_text(connection: &Value, online: &[&str]) -> String {
    let (id, site_url) = (text(connection, "remote_id"), text(connection, "site_url"));
    let state = if number(connection, "delete_at") != 0 {
        "removed"
    } else if site_url.starts_with("pending_") {
        "connection pending"
    } else if online.contains(&id) {
        "connected"
    } else {
        "offline"
    };
    let (name, display_name) = (text(connection, "name"), text(connection, "display_name"));
    let mut shown = format!("{id}  {name} ({display_name})  {state}");
    if !site_url.starts_with("pending_") {
        shown.push_str(&format!("  {site_url}"));
    }
    let last_ping_ms = number(connection, "last_ping_at");
    if last_ping_ms != 0
        && let Ok(at) = Timestamp::from_millisecond(last_ping_ms)
    {
        shown.push_str(&format!("  last ping {}", at.strftime("%F %T UTC")));
    }
    let reported = text(connection, "reported_site_url");
    if !reported.is_empty() {
        shown.push_str(&format!(
            "\n  reports that it has moved to {reported}; once you know that this is true: causeway \
             connection move {id} {reported}"
        ));
    }
    let previous = text(connection, "previous_remote_id");
    if !previous.is_empty() {
        shown.push_str(&format!(
            "\n  this workspace was known before; to continue, a system admin on both sides: causeway connection \
             attach {id} {previous}"
        ));
    }
    shown
}

async fn create(remote: &Remote, new: NewConnection) -> Result<()> {
    let mut body = body_of(remote, &new).await?;
    if let Ok(password) = std::env::var("CAUSEWAY_CODE_PASSWORD") {
        body.insert("password".into(), password.into());
    }
    let path = "/remotecluster";
    let made = remote.call(Method::POST, path, Some(&body.into())).await?;
    terminal::line(text(&made, "invite"));
    let password = text(&made, "password");
    if !password.is_empty() {
        terminal::line(password);
    }
    Ok(())
}

async fn accept(remote: &Remote, new: NewConnection) -> Result<()> {
    let mut body = body_of(remote, &new).await?;
    let code = read_password("CAUSEWAY_CODE", "invitation code")?;
    let password = read_password("CAUSEWAY_CODE_PASSWORD", "password of the code")?;
    body.insert("invite".into(), code.expose().into());
    body.insert("password".into(), password.expose().into());
    let path = "/remotecluster/accept_invite";
    let made = remote.call(Method::POST, path, Some(&body.into())).await?;
    terminal::lines(connection_text(&made, &[text(&made, "remote_id")]));
    Ok(())
}

async fn body_of(remote: &Remote, new: &NewConnection) -> Result<Map<String, Value>> {
    let display_name = new.display_name.as_ref().unwrap_or(&new.name);
    let mut body = Map::new();
    body.insert("name".into(), new.name.as_str().into());
    body.insert("display_name".into(), display_name.as_str().into());
    let team = team_id(remote, &new.team).await?;
    body.insert("default_team_id".into(), team.into());
    if let Some(previous) = &new.previous {
        body.insert("previous_remote_id".into(), previous.as_str().into());
    }
    Ok(body)
}

async fn patch(remote: &Remote, id: &str, change: Value) -> Result<()> {
    let changed = remote
        .call(Method::PATCH, &path(id)?, Some(&change))
        .await?;
    let name = text(&changed, "name");
    terminal::line(format_args!("{id} ({name}) changed"));
    Ok(())
}

async fn channels(remote: &Remote, id: &str, as_json: bool) -> Result<()> {
    let path = path(id)?;
    let query = format!("{path}/sharedchannelremotes?include_unconfirmed=true");
    let links = pages(remote, &query).await?;
    if as_json {
        return Ok(terminal::pretty_json(&links)?);
    }
    for link in &links {
        let channel_id = text(link, "channel_id");
        let channel = format!("/channels/{}", word(channel_id, "a channel's ID")?);
        let channel = match remote.call(Method::GET, &channel, None).await {
            Ok(channel) => Some(channel),
            // Whoever manages connections need not be able to read what is shared over them.
            Err(error) if is_hidden(&error) => None,
            Err(error) => return Err(error),
        };
        let state = match (text(link, "refusal"), link.get("is_invite_confirmed")) {
            ("", Some(Value::Bool(true))) => "shared".to_string(),
            ("", _) if link["awaits_consent"] == true => {
                "an administrator of the other workspace has to accept it".to_string()
            }
            ("", _) => "invitation not yet accepted".to_string(),
            (refusal, _) => format!("refused: {refusal}"),
        };
        let name = channel.as_ref().map_or("(private)", |it| text(it, "name"));
        terminal::line(format_args!("{channel_id}  {name}  {state}"));
    }
    Ok(())
}

/// Whether a request was refused because the caller may not see its object.
fn is_hidden(error: &anyhow::Error) -> bool {
    let refused = error.downcast_ref::<Refused>();
    refused.is_some_and(|it| [StatusCode::FORBIDDEN, StatusCode::NOT_FOUND].contains(&it.status))
}

/// The path of a connection's calls about a channel.
async fn channel_path(remote: &Remote, party: &Party) -> Result<String> {
    let channel = channel_id(remote, &party.channel).await?;
    Ok(format!("{}/channels/{channel}", path(&party.id)?))
}

pub(super) async fn team_id(remote: &Remote, name: &str) -> Result<String> {
    let path = format!("/teams/name/{}", word(name, "a team's name")?);
    let team = remote.call(Method::GET, &path, None).await;
    let team = team.with_context(|| format!("team {name}"))?;
    Ok(text(&team, "id").to_string())
}

/// The ID of a channel that is named by it, or as `team/channel`.
pub(super) async fn channel_id(remote: &Remote, named: &str) -> Result<String> {
    let Some((team, channel)) = named.split_once('/') else {
        return Ok(word(named, "a channel's ID")?.to_string());
    };
    let (team, channel) = (
        word(team, "a team's name")?,
        word(channel, "a channel's name")?,
    );
    let path = format!("/teams/name/{team}/channels/name/{channel}");
    let found = remote.call(Method::GET, &path, None).await;
    let found = found.with_context(|| format!("channel {named}"))?;
    Ok(text(&found, "id").to_string())
}

/// The ID of a connection.
fn checked(id: &str) -> Result<Id> {
    Id::parse(id).with_context(|| {
        format!("{id:?} is not the ID of a connection; `causeway connection list` shows them")
    })
}

/// The path of a connection.
fn path(id: &str) -> Result<String> {
    Ok(format!("/remotecluster/{}", checked(id)?))
}

/// A word that stays within its path.
fn word<'w>(word: &'w str, what: &str) -> Result<&'w str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if word.is_empty() || !word.bytes().all(plain) {
        bail!("{word:?} is not {what}");
    }
    Ok(word)
}

fn number(value: &Value, key: &str) -> i64 {
    value.get(key).and_then(Value::as_i64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "yye1rc4rkiu8xnr3ik7h3zxq9h";

    #[test]
    fn words_stay_within_their_path() {
        assert_eq!(path(ID).unwrap(), format!("/remotecluster/{ID}"));
        for id in ["", "..", "a/b", "accept_invite"] {
            assert!(path(id).is_err(), "{id}");
        }
        assert_eq!(word("town-square", "a name").unwrap(), "town-square");
        for name in ["", "..", "a?b", "a/b", "ä"] {
            assert!(word(name, "a name").is_err(), "{name}");
        }
    }

    #[test]
    fn a_list_says_how_a_connection_is_and_what_to_do() {
        let mut connection = json!({
            "remote_id": ID, "name": "acme", "display_name": "Acme", "site_url": "pending_x",
            "delete_at": 0, "last_ping_at": 0,
        });
        let pending = format!("{ID}  acme (Acme)  connection pending");
        assert_eq!(connection_text(&connection, &[]), pending);
        connection["site_url"] = json!("https://acme.example");
        connection["last_ping_at"] = json!(1_700_000_000_000_i64);
        let offline = connection_text(&connection, &[]);
        let tail = "https://acme.example  last ping 2023-11-14 22:13:20 UTC";
        assert_eq!(offline, format!("{ID}  acme (Acme)  offline  {tail}"));
        connection["reported_site_url"] = json!("https://new.example");
        let moved = connection_text(&connection, &[ID]);
        assert!(moved.contains("connected"), "{moved}");
        let cure = format!("causeway connection move {ID} https://new.example");
        assert!(moved.ends_with(&cure), "{moved}");
        connection["delete_at"] = json!(1);
        assert!(connection_text(&connection, &[ID]).contains("removed"));
    }
}
