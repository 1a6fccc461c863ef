//! Connections to other workspaces, for those who manage them or share channels over them. Protocol §11, client API §11.

use crate::commands::history;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use causeway_kernel::authority;
use causeway_kernel::boundary::output::Object;
use causeway_kernel::command::{
    AttachConnection, Command, CreateConnection, InviteToChannel, PatchConnection,
    RelocateConnection, UninviteFromChannel,
};
use causeway_kernel::model::{Connection, ConnectionState, LinkEnd, LinkState, SharedChannel};
use causeway_kernel::rows::id::ConnectionNo;
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;
use causeway_views::json::{self, RemoteClusterView, Viewer, Views};
use causeway_views::query::sharing;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::answer::{ApiResult, Rendered};
use super::path::{Ids, Params};
use crate::app::{App, Caller, SharedApp};
use crate::federation::handshake::{self, HandshakeError};
use crate::http::{ApiError, Json, OptionalJson};
use crate::vault::Secret;

/// Routes of this file. Connection ids are not validated: a malformed one is simply unknown.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/remotecluster", get(list).post(create))
        .route("/remotecluster/accept_invite", post(accept))
        .route(
            "/remotecluster/{remote_id}",
            get(by_id).patch(patch).delete(remove),
        )
        .route("/remotecluster/{remote_id}/generate_invite", post(generate))
        .route(
            "/remotecluster/{remote_id}/sharedchannelremotes",
            get(links),
        )
        .route(
            "/remotecluster/{remote_id}/channels/{channel_id}/invite",
            post(invite),
        )
        .route(
            "/remotecluster/{remote_id}/channels/{channel_id}/uninvite",
            post(uninvite),
        )
}

impl From<HandshakeError> for ApiError {
    fn from(error: HandshakeError) -> ApiError {
        error.refusal().into()
    }
}

fn unknown() -> ApiError {
    ApiError::not_found("api.remote_cluster.get.not_found", "secure connection")
}

/// Requires that the caller may see which connections there are: to manage them, or to share channels over them.
fn require_sight(rows: &(impl Read + ?Sized), caller: &Caller) -> Result<(), ApiError> {
    if authority::sees_connections(rows, caller.user) {
        Ok(())
    } else {
        Err(ApiError::forbidden())
    }
}

/// The connection of the path, which may be a removed one.
fn any(rows: &(impl Read + ?Sized), ids: &Ids) -> Result<(ConnectionNo, Connection), ApiError> {
    sharing::connection_by_id(rows, ids.get("remote_id")).ok_or_else(unknown)
}

/// The connection of the path, which must be live.
pub(super) fn live(rows: &(impl Read + ?Sized), ids: &Ids) -> Result<ConnectionNo, ApiError> {
    let (connection, row) = any(rows, ids)?;
    if row.delete_at == 0 {
        Ok(connection)
    } else {
        Err(unknown())
    }
}

async fn list(State(app): State<SharedApp>, caller: Caller, params: Params) -> ApiResult {
    let rows = app.rows();
    require_sight(&rows, &caller)?;
    let mut found = sharing::connections(&rows, params.flag("include_deleted"));
    if params.flag("exclude_offline") {
        found.retain(|(no, row)| app.federation.is_online(*no, row));
    }
    if params.flag("only_confirmed") {
        found.retain(|(_, row)| row.state == ConnectionState::Confirmed);
    }
    // There are no plugin connections here.
    if params.flag("only_plugins") || !params.get("plugin_id").is_empty() {
        found.clear();
    }
    for (name, wanted) in [("in_channel", true), ("not_in_channel", false)] {
        if let Some(id) = params.id(name)? {
            let there = lookup::channel(&rows, id)
                .map(|channel| sharing::connections_of_channel(&rows, channel))
                .unwrap_or_default();
            found.retain(|(no, _)| there.iter().any(|(other, _)| other == no) == wanted);
        }
    }
    found.sort_by(|(_, a), (_, b)| {
        (&a.display_name, &a.name, a.remote_id).cmp(&(&b.display_name, &b.name, b.remote_id))
    });
    let views = Views::new(&rows, Viewer::of(&rows, caller.user));
    let page = params.page().of(found);
    let list = json::list(&page, |(no, row)| ReportedConnection {
        stored: views.remote_cluster(*no, row),
        reported_site_url: app.federation.reported_site_url(*no, row),
    })?;
    Ok(Rendered::new(list))
}

/// A connection with what this process has heard of it.
#[derive(Serialize)]
struct ReportedConnection<'a> {
    #[serde(flatten)]
    stored: RemoteClusterView<'a>,
    /// The address to which the peer reports that it has moved; not in the reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    reported_site_url: Option<String>,
}

async fn by_id(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    require_sight(&rows, &caller)?;
    let (no, row) = any(&rows, &ids)?;
    let views = Views::new(&rows, Viewer::of(&rows, caller.user));
    let reached = ReportedConnection {
        stored: views.remote_cluster(no, &row),
        reported_site_url: app.federation.reported_site_url(no, &row),
    };
    let text = serde_json::to_string(&reached).map_err(|_| ApiError::internal())?;
    Ok(Rendered::new(text))
}

#[derive(Deserialize)]
struct CreateBody {
    name: Option<String>,
    display_name: Option<String>,
    default_team_id: Option<String>,
    password: Option<Secret>,
    previous_remote_id: Option<String>,
}

async fn create(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(body): Json<CreateBody>,
) -> ApiResult {
    authority::require_connections(&app.rows(), caller.actor())?;
    let create = names(body.name, body.display_name, body.default_team_id)?;
    let previous = previous(&app, &caller, body.previous_remote_id)?;
    let password = body.password.unwrap_or_default();
    let made = handshake::create(&app.federation, caller.actor(), create, &password).await?;
    attach(&app, &caller, made.connection, previous).await?;
    let record = app.show(caller.user, Some(&Object::Connection(made.connection)))?;
    let invite = json!(made.code.expose());
    let password = made
        .password
        .as_ref()
        .map(|it| format!(",\"password\":{}", json!(it.expose())));
    Ok(Rendered::created(format!(
        "{{\"remote_cluster\":{record},\"invite\":{invite}{}}}",
        password.unwrap_or_default()
    )))
}

/// The removed connection whose workspace the new one continues.
fn previous(
    app: &App,
    caller: &Caller,
    id: Option<String>,
) -> Result<Option<ConnectionNo>, ApiError> {
    let Some(id) = id.filter(|id| !id.is_empty()) else {
        return Ok(None);
    };
    // Asked before anything is done, so that nothing is left half done.
    authority::require_admin(&app.rows(), caller.actor())?;
    sharing::removed_connection(&app.rows(), &id)
        .map(Some)
        .ok_or_else(|| ApiError::invalid_body("previous_remote_id"))
}

async fn attach(
    app: &App,
    caller: &Caller,
    connection: ConnectionNo,
    previous: Option<ConnectionNo>,
) -> Result<(), ApiError> {
    if let Some(previous) = previous {
        let command = Command::AttachConnection(AttachConnection {
            connection,
            previous,
        });
        app.act(caller.user, command).await?;
    }
    Ok(())
}

fn names(
    name: Option<String>,
    display_name: Option<String>,
    default_team_id: Option<String>,
) -> Result<CreateConnection, ApiError> {
    let default_team_id = default_team_id.filter(|id| !id.is_empty());
    Ok(CreateConnection {
        name: name.unwrap_or_default().to_ascii_lowercase(),
        display_name: display_name.unwrap_or_default(),
        default_team_id: default_team_id
            .ok_or_else(|| ApiError::invalid_body("default_team_id"))?,
    })
}

#[derive(Deserialize)]
struct AcceptBody {
    invite: Option<Secret>,
    name: Option<String>,
    display_name: Option<String>,
    default_team_id: Option<String>,
    password: Option<Secret>,
    previous_remote_id: Option<String>,
}

async fn accept(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(body): Json<AcceptBody>,
) -> ApiResult {
    let rows = app.rows();
    authority::require_connections(&rows, caller.actor())?;
    let create = names(body.name, body.display_name, body.default_team_id)?;
    if lookup::team(&rows, &create.default_team_id).is_none() {
        return Err(ApiError::invalid_body("default_team_id"));
    }
    drop(rows);
    let previous = previous(&app, &caller, body.previous_remote_id)?;
    let (code, password) = (
        body.invite.unwrap_or_default(),
        body.password.unwrap_or_default(),
    );
    let actor = caller.actor();
    let made = handshake::accept(&app.federation, actor, create, code.expose(), &password).await?;
    attach(&app, &caller, made, previous).await?;
    app.show(caller.user, Some(&Object::Connection(made)))
        .map(Rendered::created)
}

#[derive(Deserialize)]
struct PatchBody {
    display_name: Option<String>,
    default_team_id: Option<String>,
    previous_remote_id: Option<String>,
    site_url: Option<String>,
    channel_invitations: Option<ChannelInvitations>,
    removed_channels: Option<RemovedChannels>,
}

/// What becomes of a channel that the peer, a Causeway, no longer shares.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum RemovedChannels {
    /// It is archived.
    Archive,
    /// It stays open.
    Keep,
}

/// What happens to channels that the peer offers.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum ChannelInvitations {
    /// They are taken at once.
    Accept,
    /// They wait until an administrator accepts them.
    Ask,
}

async fn patch(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<PatchBody>,
) -> ApiResult {
    let rows = app.rows();
    authority::require_connections(&rows, caller.actor())?;
    let connection = live(&rows, &ids)?;
    let previous = previous(&app, &caller, body.previous_remote_id)?;
    let site_url = body
        .site_url
        .map(|url| app.federation.checked_address(&url));
    let site_url = site_url.transpose()?;
    if site_url.is_some() {
        authority::require_admin(&rows, caller.actor())?;
    }
    attach(&app, &caller, connection, previous).await?;
    if let Some(site_url) = site_url {
        let command = Command::RelocateConnection(RelocateConnection {
            connection,
            site_url,
        });
        app.act(caller.user, command).await?;
    }
    let command = Command::PatchConnection(PatchConnection {
        connection,
        display_name: body.display_name,
        default_team_id: body.default_team_id,
        asks_first: body
            .channel_invitations
            .map(|it| it == ChannelInvitations::Ask),
        keeps_removed: body.removed_channels.map(|it| it == RemovedChannels::Keep),
    });
    app.act(caller.user, command).await?;
    app.show(caller.user, Some(&Object::Connection(connection)))
        .map(Rendered::new)
}

async fn remove(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    authority::require_connections(&rows, caller.actor())?;
    let connection = live(&rows, &ids)?;
    handshake::remove(&app.federation, caller.actor(), connection).await?;
    Ok(Rendered::ok())
}

#[derive(Deserialize)]
struct GenerateBody {
    password: Option<Secret>,
}

async fn generate(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<GenerateBody>,
) -> ApiResult {
    let rows = app.rows();
    authority::require_connections(&rows, caller.actor())?;
    let password = body.password.filter(|it| !it.is_empty());
    let password = password.ok_or_else(|| ApiError::invalid_body("password"))?;
    let connection = live(&rows, &ids)?;
    let actor = caller.actor();
    let made = handshake::generate(&app.federation, actor, connection, &password).await?;
    Ok(Rendered::created(json!(made.code.expose()).to_string()))
}

async fn links(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    params: Params,
) -> ApiResult {
    let rows = app.rows();
    require_sight(&rows, &caller)?;
    let (connection, _) = any(&rows, &ids)?;
    let (no_home, no_remote) = (params.flag("exclude_home"), params.flag("exclude_remote"));
    if no_home && no_remote {
        return Err(ApiError::internal());
    }
    let mut found = sharing::links_of_connection(&rows, connection);
    let unconfirmed = params.flag("include_unconfirmed") || params.flag("exclude_confirmed");
    found.retain(|(channel, link)| {
        let home = rows
            .get::<SharedChannel>(channel)
            .is_some_and(|shared| shared.home);
        // A refused invitation is listed until an admin drops or repeats it.
        let is_refused = link.refusal().is_some();
        let confirmed = !link.is_unanswered() && !is_refused;
        (params.flag("include_deleted") || link.state != LinkState::Ended || is_refused)
            && (confirmed || unconfirmed || is_refused)
            && !(confirmed && params.flag("exclude_confirmed"))
            && !(home && no_home)
            && (home || !no_remote)
    });
    let views = Views::new(&rows, Viewer::of(&rows, caller.user));
    let page = params.page().of(found);
    let list = json::list(&page, |(channel, link)| {
        views.shared_channel_remote(*channel, connection, link)
    })?;
    Ok(Rendered::new(list))
}

/// The connection and the channel of an invitation.
fn parties(
    app: &App,
    caller: &Caller,
    ids: &Ids,
) -> Result<(ConnectionNo, causeway_kernel::rows::id::ChannelNo), ApiError> {
    let rows = app.rows();
    let channel = if authority::is_system_admin(&rows, caller.user) {
        lookup::channel(&rows, ids.get("channel_id"))
    } else {
        ids.any_channel(&rows, caller).ok()
    };
    let channel = channel.ok_or_else(|| ApiError::invalid_url_param("channel_id"))?;
    authority::require_sharing(&rows, caller.actor(), channel)?;
    let connection = live(&rows, ids).map_err(|_| {
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "api.context.remote_id_invalid.app_error",
            "There is no such secure connection.",
        )
    })?;
    Ok((connection, channel))
}

/// How a channel is shared. The reference's call has no body.
#[derive(Default, Deserialize)]
#[serde(default)]
struct InviteBody {
    /// Whether ordinary members of the other workspace may only read; used only if this call shares the
    /// channel.
    readonly: bool,
    /// Which posts from before the other workspace gets: see [`history::parse`].
    history: String,
}

async fn invite(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    OptionalJson(body): OptionalJson<InviteBody>,
) -> ApiResult {
    let (connection, channel) = parties(&app, &caller, &ids)?;
    let command = Command::InviteToChannel(InviteToChannel {
        channel,
        connection,
        read_only: body.readonly,
        history: history::parse(&body.history).map_err(bad_history)?,
    });
    app.act(caller.user, command).await?;
    Ok(Rendered::ok())
}

fn bad_history(sentence: String) -> ApiError {
    let id = "api.context.invalid_body_param.app_error";
    ApiError::new(StatusCode::BAD_REQUEST, id, sentence)
}

async fn uninvite(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
) -> Result<Response, ApiError> {
    let (connection, channel) = parties(&app, &caller, &ids)?;
    let links = sharing::links_of_channel(&app.rows(), channel);
    let linked = links
        .iter()
        .any(|(no, link)| *no == connection && link.end != Some(LinkEnd::Here));
    if !linked {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    app.act(
        caller.user,
        Command::UninviteFromChannel(UninviteFromChannel {
            channel,
            connection,
        }),
    )
    .await?;
    Ok(Rendered::ok().into_response())
}
