//! Users. Client API §6.1.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post, put};
use causeway_kernel::authority;
use causeway_kernel::boundary::input::Actor;
use causeway_kernel::boundary::output::Object;
use causeway_kernel::command::{
    Command, CreateUser, PatchUser, PersonalChange, SetActive, SetPersonal, UserPatch,
};
use causeway_kernel::model::{PersonalKind, User};
use causeway_kernel::rows::counters;
use causeway_kernel::rows::id::{ChannelNo, TeamNo, UserNo};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;
use causeway_views::json::{self, Viewer, Views};
use causeway_views::query::notifications;
use causeway_views::query::user_list::{self, Among, Filter};
use causeway_views::query::users::{self, SearchScope};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::{ApiResult, Rendered};
use super::auth::MaybeCaller;
use super::path::{Ids, Params, distinct};
use crate::app::{App, Caller, SharedApp};
use crate::client_address::ClientAddress;
use crate::http::{ApiError, Json, StrangersJson};
use crate::login_limit::{self, Attempt};
use crate::vault::{Asker, PASSWORD_BYTES_MAX, Secret};

/// Minimum characters of a password.
const PASSWORD_CHARS_MIN: usize = 8;
/// Users returned by a search if the client gives no limit.
const SEARCH_LIMIT: u32 = 100;

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/users", post(create).get(list))
        .route("/users/ids", post(by_ids))
        .route("/users/usernames", post(by_usernames))
        .route("/users/search", post(search))
        .route("/users/autocomplete", get(autocomplete))
        .route("/users/username/{username}", get(by_username))
        .route("/users/email/{email}", get(by_email))
        .route(
            "/users/{user_id}",
            get(by_id).put(update).delete(deactivate),
        )
        .route("/users/{user_id}/active", put(set_active))
        .route("/users/{user_id}/patch", put(patch))
        .route("/users/{user_id}/password", put(change_password))
}

#[derive(Deserialize)]
struct CreateBody {
    username: Option<String>,
    email: Option<String>,
    password: Option<Secret>,
    nickname: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    position: Option<String>,
    locale: Option<String>,
}

async fn create(
    State(app): State<SharedApp>,
    MaybeCaller(caller): MaybeCaller,
    client: ClientAddress,
    StrangersJson(body): StrangersJson<CreateBody>,
) -> ApiResult {
    let required = |value: Option<String>, name: &str| {
        value
            .filter(|it| !it.is_empty())
            .ok_or_else(|| ApiError::invalid_body(name))
    };
    let command = CreateUser {
        username: required(body.username, "username")?
            .trim()
            .to_ascii_lowercase(),
        email: required(body.email, "email")?.trim().to_ascii_lowercase(),
        nickname: body.nickname.unwrap_or_default(),
        first_name: body.first_name.unwrap_or_default(),
        last_name: body.last_name.unwrap_or_default(),
        position: body.position.unwrap_or_default(),
        locale: body.locale.unwrap_or_default(),
        admin: false,
    };
    let password = body.password.unwrap_or_default();
    check_password(&password)?;
    let actor = caller.as_ref().map_or(Actor::Anonymous, Caller::actor);
    let asker = match &caller {
        Some(caller) => Asker::user(caller.user),
        None => login_limit::sign_up(client),
    };
    let user = app.create_user(actor, &asker, command, &password).await?;
    let rows = app.rows();
    let viewer = Viewer::User {
        user,
        admin: authority::administers(&rows, actor),
    };
    let body = Views::new(&rows, viewer).object(&Object::User(user));
    body.map(Rendered::created).ok_or_else(ApiError::internal)
}

/// Checks that a password is neither too short nor too long.
///
/// # Errors
/// 400 otherwise.
pub fn check_password(password: &Secret) -> Result<(), ApiError> {
    let text = password.expose();
    if text.chars().count() >= PASSWORD_CHARS_MIN && text.len() <= PASSWORD_BYTES_MAX {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::BAD_REQUEST,
        "model.user.is_valid.pwd.app_error",
        format!(
            "The password must have at least {PASSWORD_CHARS_MIN} characters and at most \
             {PASSWORD_BYTES_MAX} bytes."
        ),
    ))
}

impl App {
    /// Creates an account with a password: the password first, then the step, so that after a crash between
    /// the two the next start can clean up.
    ///
    /// # Errors
    /// The kernel's refusal, or 503.
    pub async fn create_user(
        &self,
        actor: Actor,
        asker: &Asker,
        command: CreateUser,
        password: &Secret,
    ) -> Result<UserNo, ApiError> {
        self.require_sign_up(actor)?;
        let prepared = self
            .vault
            .prepare_password(asker, &command.username, password)
            .await?;
        let made = self
            .carry_out(actor, None, Command::CreateUser(command))
            .await;
        match made {
            Ok(Some(Object::User(user))) => {
                self.vault.adopt_password(prepared, user).await?;
                Ok(user)
            }
            // Whether the account exists is unknown until the next start of the service.
            Err(error) if error.status.is_server_error() => Err(error),
            other => {
                self.vault.discard_password(prepared).await?;
                Err(other.err().unwrap_or_else(ApiError::internal))
            }
        }
    }

    /// Refuses callers who may not create accounts before a password is hashed for them. The kernel has the
    /// final decision.
    fn require_sign_up(&self, actor: Actor) -> Result<(), ApiError> {
        let rows = self.rows();
        let open = counters::workspace(&rows).is_some_and(|it| it.config.open_server);
        let first = counters::counters(&rows).user == 0;
        if open || first || authority::administers(&rows, actor) {
            return Ok(());
        }
        Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "api.user.create_user.no_open_server",
            "This workspace does not allow open sign-up; ask an administrator for an account.",
        ))
    }
}

async fn by_id(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let user = ids.user(&app.rows(), &caller)?;
    let shown = app.show(caller.user, Some(&Object::User(user)))?;
    Ok(Rendered::new(shown).unless_known(&headers))
}

async fn by_username(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let (user, _) = users::by_username(&app.rows(), ids.get("username"))
        .ok_or_else(|| ApiError::not_found("app.user.get_by_username.app_error", "user"))?;
    app.show(caller.user, Some(&Object::User(user)))
        .map(Rendered::new)
}

async fn by_email(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let (user, _) = users::by_email(&app.rows(), ids.get("email"))
        .ok_or_else(|| ApiError::not_found("app.user.missing_account.const", "user"))?;
    app.show(caller.user, Some(&Object::User(user)))
        .map(Rendered::new)
}

async fn list(State(app): State<SharedApp>, caller: Caller, params: Params) -> ApiResult {
    let rows = app.rows();
    let team = |name| listed_team(&rows, &caller, params.id(name)?);
    let channel = |name| listed_channel(&rows, &caller, params.id(name)?);
    let filter = Filter {
        not_in_channel: channel("not_in_channel")?,
        not_in_team: team("not_in_team")?,
        without_team: params.flag("without_team"),
        active: match (params.flag("active"), params.flag("inactive")) {
            (true, false) => Some(true),
            (false, true) => Some(false),
            _ => None,
        },
    };
    let among = match (channel("in_channel")?, team("in_team")?) {
        (Some(channel), _) => Among::Channel(channel),
        (None, Some(team)) => Among::Team(team),
        (None, None) => Among::All,
    };
    let page = params.page();
    let found = match among {
        _ if !filter.is_open() => user_list::page(&rows, among, filter, page)?,
        Among::Channel(channel) => users::in_channel(&rows, channel, page)?,
        Among::Team(team) => users::in_team(&rows, team, page)?,
        Among::All => users::page(&rows, page)?,
    };
    render_all(&rows, caller.user, &found)
}

/// The team of a list, if one is named; its members see it.
fn listed_team(
    rows: &(impl Read + ?Sized),
    caller: &Caller,
    id: Option<&str>,
) -> Result<Option<TeamNo>, ApiError> {
    let Some(id) = id else {
        return Ok(None);
    };
    let team = lookup::team(rows, id).ok_or_else(ApiError::forbidden)?;
    if !authority::is_team_member(rows, team, caller.user) {
        caller.require_admin(rows)?;
    }
    Ok(Some(team))
}

/// The channel of a list, if one is named; who may read it sees it.
fn listed_channel(
    rows: &(impl Read + ?Sized),
    caller: &Caller,
    id: Option<&str>,
) -> Result<Option<ChannelNo>, ApiError> {
    let Some(id) = id else {
        return Ok(None);
    };
    let channel = lookup::channel(rows, id).ok_or_else(ApiError::forbidden)?;
    if !authority::may_read_channel(rows, channel, caller.user) {
        return Err(ApiError::forbidden());
    }
    Ok(Some(channel))
}

async fn by_ids(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(ids): Json<Vec<String>>,
) -> ApiResult {
    let ids = distinct(ids, "user_ids")?;
    let rows = app.rows();
    let found = users::by_ids(&rows, ids.iter().map(String::as_str));
    render_all(&rows, caller.user, &found)
}

async fn by_usernames(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(names): Json<Vec<String>>,
) -> ApiResult {
    let names = distinct(names, "usernames")?;
    let rows = app.rows();
    let found = users::by_usernames(&rows, names.iter().map(String::as_str));
    render_all(&rows, caller.user, &found)
}

#[derive(Deserialize)]
struct SearchBody {
    term: Option<String>,
    team_id: Option<String>,
    in_channel_id: Option<String>,
    allow_inactive: Option<bool>,
    limit: Option<u32>,
}

async fn search(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(body): Json<SearchBody>,
) -> ApiResult {
    let term = body.term.filter(|it| !it.is_empty());
    let term = term.ok_or_else(|| ApiError::invalid_body("term"))?;
    let rows = app.rows();
    let (team, channel) = (
        body.team_id.unwrap_or_default(),
        body.in_channel_id.unwrap_or_default(),
    );
    let mut scope = scope(&rows, &caller, &team, &channel)?;
    scope.allow_inactive = body.allow_inactive.unwrap_or(false);
    let limit = body.limit.unwrap_or(SEARCH_LIMIT) as usize;
    let found = users::search(&rows, &term, scope, limit);
    render_all(&rows, caller.user, &found)
}

async fn autocomplete(State(app): State<SharedApp>, caller: Caller, params: Params) -> ApiResult {
    let rows = app.rows();
    let scope = scope(
        &rows,
        &caller,
        params.get("in_team"),
        params.get("in_channel"),
    )?;
    let limit = params.number("limit").unwrap_or(SEARCH_LIMIT) as usize;
    let found = users::search(&rows, params.get("name"), scope, limit);
    let views = Views::new(&rows, Viewer::of(&rows, caller.user));
    let list = json::list(&found, |(user_no, user)| views.user(*user_no, user))?;
    Ok(Rendered::new(format!("{{\"users\":{list}}}")))
}

/// The scope of a search, limited to what the caller may see.
fn scope(
    rows: &(impl Read + ?Sized),
    caller: &Caller,
    team_id: &str,
    channel_id: &str,
) -> Result<SearchScope, ApiError> {
    let mut scope = SearchScope::default();
    if !team_id.is_empty() {
        let team = lookup::team(rows, team_id).ok_or_else(ApiError::forbidden)?;
        if !authority::may_see_team(rows, team, caller.user) {
            return Err(ApiError::forbidden());
        }
        scope.team = Some(team);
    }
    if !channel_id.is_empty() {
        let channel = lookup::channel(rows, channel_id).ok_or_else(ApiError::forbidden)?;
        if !authority::may_read_channel(rows, channel, caller.user) {
            return Err(ApiError::forbidden());
        }
        scope.channel = Some(channel);
    }
    Ok(scope)
}

#[derive(Deserialize)]
struct PatchBody {
    id: Option<String>,
    username: Option<String>,
    nickname: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    position: Option<String>,
    locale: Option<String>,
    timezone: Option<Timezone>,
    notify_props: Option<BTreeMap<String, Value>>,
}

/// A time zone as clients give it.
#[derive(Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
struct Timezone {
    use_automatic_timezone: String,
    automatic_timezone: String,
    manual_timezone: String,
}

async fn patch(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<PatchBody>,
) -> ApiResult {
    change_profile(&app, &caller, &ids, body).await
}

/// Takes the changes from a whole account.
async fn update(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<PatchBody>,
) -> ApiResult {
    let user = ids.own_user(&app.rows(), &caller)?;
    let user_id = Views::new(&app.rows(), Viewer::System).user_id(user);
    if body.id.as_ref() != Some(&user_id) {
        return Err(ApiError::invalid_body("id"));
    }
    change_profile(&app, &caller, &ids, body).await
}

async fn change_profile(app: &App, caller: &Caller, ids: &Ids, body: PatchBody) -> ApiResult {
    let user = ids.own_user(&app.rows(), caller)?;
    let patch = UserPatch {
        username: body.username.map(|name| name.trim().to_ascii_lowercase()),
        nickname: body.nickname,
        first_name: body.first_name,
        last_name: body.last_name,
        position: body.position,
        locale: body.locale,
        timezone: body.timezone.as_ref().map(json::text),
    };
    app.act(caller.user, Command::PatchUser(PatchUser { user, patch }))
        .await?;
    // How somebody wants to be notified is theirs alone.
    if let Some(props) = body.notify_props.filter(|_| user == caller.user) {
        set_notify_props(app, user, props).await?;
    }
    app.show(caller.user, Some(&Object::User(user)))
        .map(Rendered::new)
}

/// Values that are not texts are ignored, and so are settings that do not exist.
async fn set_notify_props(
    app: &App,
    user: UserNo,
    props: BTreeMap<String, Value>,
) -> Result<(), ApiError> {
    let texts = props.into_iter().filter_map(|(name, value)| match value {
        Value::String(text) => Some((name, text)),
        _ => None,
    });
    let value = notifications::changed_of_account(&app.rows(), user, texts.collect());
    let command = SetPersonal {
        kind: PersonalKind::Account,
        changes: vec![PersonalChange {
            name: notifications::ACCOUNT.into(),
            value: Some(value),
        }],
    };
    app.act(user, Command::SetPersonal(command)).await?;
    Ok(())
}

#[derive(Deserialize)]
struct ActiveBody {
    active: bool,
}

async fn set_active(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<ActiveBody>,
) -> ApiResult {
    let user = ids.own_user(&app.rows(), &caller)?;
    activate(&app, &caller, user, body.active).await
}

async fn deactivate(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let user = ids.own_user(&app.rows(), &caller)?;
    activate(&app, &caller, user, false).await
}

/// Activates or deactivates an account. The step first: after a crash between the two, the sessions open nothing, and the next start removes them.
pub(super) async fn activate(
    app: &App,
    caller: &Caller,
    user: UserNo,
    is_active: bool,
) -> ApiResult {
    let command = Command::SetActive(SetActive { user, is_active });
    app.act(caller.user, command).await?;
    if !is_active {
        app.vault.end_sessions(user).await?;
        app.hub.close_user(user, None);
    }
    Ok(Rendered::ok())
}

#[derive(Deserialize)]
struct PasswordBody {
    current_password: Option<Secret>,
    new_password: Option<Secret>,
}

async fn change_password(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<PasswordBody>,
) -> ApiResult {
    let rows = app.rows();
    let user = ids.own_user(&rows, &caller)?;
    let new = body
        .new_password
        .ok_or_else(|| ApiError::invalid_body("new_password"))?;
    check_password(&new)?;
    let row = rows.get::<User>(&user).ok_or_else(ApiError::forbidden)?;
    if !row.origin.is_ours() {
        return Err(ApiError::forbidden());
    }
    if user == caller.user {
        let current = body.current_password.unwrap_or_default();
        let attempt = Attempt::in_session(user);
        let verified = app.check_password(&attempt, Some(user), &current).await?;
        if verified.is_none() {
            return Err(ApiError::new(
                StatusCode::BAD_REQUEST,
                "api.user.update_password.incorrect.app_error",
                "The current password is incorrect.",
            ));
        }
    }
    let asker = Asker::user(caller.user);
    // Someone else may have the user's sessions, and the password may be changed for that reason.
    let keep = (user == caller.user).then_some(caller.session.id);
    app.vault.set_password(&asker, user, &new, keep).await?;
    app.hub.close_user(user, keep);
    Ok(Rendered::ok())
}

fn render_all<R: Read>(rows: &R, viewer: UserNo, found: &[(UserNo, User)]) -> ApiResult {
    let views = Views::new(rows, Viewer::of(rows, viewer));
    let list = json::list(found, |(user_no, user)| views.user(*user_no, user))?;
    Ok(Rendered::new(list))
}
