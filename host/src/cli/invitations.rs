//! `causeway connection channel-invitations`: channels that another workspace offers, and the answers to that.

use anyhow::Result;
use axum::http::Method;
use jiff::Timestamp;
use serde_json::Value;

use super::remote::{Remote, text};
use super::terminal;

/// Prints what is offered over the connection of a path.
pub(super) async fn print(remote: &Remote, connection: &str, as_json: bool) -> Result<()> {
    // One page holds all that can wait.
    let path = format!("{connection}/channel_invitations?per_page=200");
    let offered = remote.call(Method::GET, &path, None).await?;
    if as_json {
        return Ok(terminal::pretty_json(&offered)?);
    }
    let offered = offered.as_array().map(Vec::as_slice).unwrap_or_default();
    for invitation in offered {
        terminal::line(line_of(invitation));
    }
    if offered.is_empty() {
        terminal::line("no channel is offered");
    }
    Ok(())
}

/// An offered channel, on one line.
fn line_of(invitation: &Value) -> String {
    let shown = |key| text(invitation, key);
    let kind = if shown("type") == "P" {
        "private"
    } else {
        "public"
    };
    let read_only = if invitation["readonly"] == true {
        ", read-only"
    } else {
        ""
    };
    let since_ms = invitation["since"].as_i64().unwrap_or_default();
    let since = Timestamp::from_millisecond(since_ms).unwrap_or_default();
    format!(
        "{}  {} ({})  {kind}{read_only}  {} since {}",
        shown("channel_id"),
        shown("name"),
        shown("display_name"),
        shown("state"),
        since.strftime("%F %T UTC")
    )
}

/// Accepts an offered channel, given by its checked ID.
pub(super) async fn accept(remote: &Remote, connection: &str, channel: &str) -> Result<()> {
    let offers = format!("{connection}/channel_invitations");
    let path = format!("{offers}/{channel}/accept");
    remote.call(Method::POST, &path, None).await?;
    let path = format!("{offers}?per_page=200");
    let left = remote.call(Method::GET, &path, None).await?;
    let mut left = left.as_array().into_iter().flatten();
    let has_to_come_again = left.any(|it| text(it, "channel_id") == channel);
    terminal::line(if has_to_come_again {
        format!("{channel} accepted; ask the other workspace to invite to it once more")
    } else {
        format!("{channel} accepted")
    });
    Ok(())
}

/// Declines an offered channel, given by its checked ID.
pub(super) async fn decline(remote: &Remote, connection: &str, channel: &str) -> Result<()> {
    let path = format!("{connection}/channel_invitations/{channel}/decline");
    remote.call(Method::POST, &path, None).await?;
    terminal::line(format_args!("{channel} declined"));
    Ok(())
}
