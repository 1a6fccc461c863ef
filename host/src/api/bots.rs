//! Accounts of programs. Only system administrators make and change them; everybody sees who is one.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use causeway_kernel::boundary::output::Object;
use causeway_kernel::command::{Command, CreateUser, PatchUser, SetBot, UserPatch};
use causeway_kernel::model::limits::BOT_DESCRIPTION_CHARS_MAX;
use causeway_kernel::rows::id::UserNo;
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;
use causeway_views::json::{self, Viewer, Views};
use causeway_views::query::bots::{self, Bot};
use serde::Deserialize;

use super::answer::{ApiResult, Rendered};
use super::path::{Ids, Params};
use super::users::activate;
use crate::app::{App, Caller, SharedApp};
use crate::http::{ApiError, Json, random_id};

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/bots", get(list).post(create))
        .route("/bots/{user_id}", get(by_id).put(update))
        .route("/bots/{user_id}/disable", post(disable))
        .route("/bots/{user_id}/enable", post(enable))
        .route("/bots/{user_id}/assign/{owner_id}", post(assign))
        .route("/users/{user_id}/convert_to_bot", post(convert))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct BotBody {
    username: Option<String>,
    display_name: Option<String>,
    description: Option<String>,
}

impl BotBody {
    /// Checks what the second step of a change would refuse.
    fn check(&self) -> Result<(), ApiError> {
        let description = self.description.as_deref().unwrap_or_default();
        if description.chars().count() <= BOT_DESCRIPTION_CHARS_MAX {
            return Ok(());
        }
        Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "model.bot.is_valid.description.app_error",
            format!("The description of a bot has at most {BOT_DESCRIPTION_CHARS_MAX} characters."),
        ))
    }
}

/// Requires that the caller makes and changes bots: a system administrator, and a person, who answers for them.
fn require_maker(app: &App, caller: &Caller) -> Result<(), ApiError> {
    let rows = app.rows();
    caller.require_admin(&rows)?;
    match bots::by_no(&rows, caller.user) {
        None => Ok(()),
        Some(_) => Err(ApiError::forbidden()),
    }
}

fn missing() -> ApiError {
    ApiError::not_found("store.sql_bot.get.missing.app_error", "bot")
}

fn find(rows: &(impl Read + ?Sized), ids: &Ids) -> Result<Bot, ApiError> {
    let no = lookup::user(rows, ids.get("user_id")).ok_or_else(missing)?;
    bots::by_no(rows, no).ok_or_else(missing)
}

fn shown(app: &App, caller: &Caller, no: UserNo) -> Result<String, ApiError> {
    let rows = app.rows();
    let bot = bots::by_no(&rows, no).ok_or_else(missing)?;
    let views = Views::new(&rows, Viewer::of(&rows, caller.user));
    Ok(json::text(&views.bot(&bot)))
}

async fn list(State(app): State<SharedApp>, caller: Caller, params: Params) -> ApiResult {
    let rows = app.rows();
    let include_deleted = params.flag("include_deleted");
    let mut found = bots::all(&rows);
    found.retain(|bot| include_deleted || bot.user.delete_at == 0);
    let page = params.page().of(found);
    let views = Views::new(&rows, Viewer::of(&rows, caller.user));
    let shown: Vec<String> = page.iter().map(|bot| json::text(&views.bot(bot))).collect();
    Ok(Rendered::array(&shown))
}

async fn by_id(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let bot = find(&app.rows(), &ids)?;
    shown(&app, &caller, bot.no).map(Rendered::new)
}

/// Creates an account and makes it a bot's. It has no password, so nobody logs in with it: programs use access tokens.
async fn create(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(body): Json<BotBody>,
) -> ApiResult {
    require_maker(&app, &caller)?;
    body.check()?;
    let username = body
        .username
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if username.is_empty() {
        return Err(ApiError::invalid_body("username"));
    }
    let new = CreateUser {
        first_name: body.display_name.unwrap_or_default(),
        // As in the reference: no mail to this address is ever delivered.
        ..CreateUser::named(&username, format!("{}@localhost", random_id()))
    };
    let made = app.act(caller.user, Command::CreateUser(new)).await?;
    let Some(Object::User(user)) = made else {
        return Err(ApiError::internal());
    };
    let description = body.description.unwrap_or_default();
    set(&app, &caller, user, caller.user, description).await?;
    shown(&app, &caller, user).map(Rendered::created)
}

async fn set(
    app: &App,
    caller: &Caller,
    user: UserNo,
    owner: UserNo,
    description: String,
) -> Result<(), ApiError> {
    let command = SetBot {
        user,
        owner,
        description,
    };
    app.act(caller.user, Command::SetBot(command)).await?;
    Ok(())
}

async fn update(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<BotBody>,
) -> ApiResult {
    require_maker(&app, &caller)?;
    body.check()?;
    let bot = find(&app.rows(), &ids)?;
    let patch = UserPatch {
        username: body.username,
        first_name: body.display_name,
        ..UserPatch::default()
    };
    let command = PatchUser {
        user: bot.no,
        patch,
    };
    app.act(caller.user, Command::PatchUser(command)).await?;
    if let Some(description) = body.description {
        set(
            &app,
            &caller,
            bot.no,
            bot.owner.unwrap_or(caller.user),
            description,
        )
        .await?;
    }
    shown(&app, &caller, bot.no).map(Rendered::new)
}

async fn set_active(app: &App, caller: &Caller, ids: &Ids, is_active: bool) -> ApiResult {
    let rows = app.rows();
    caller.require_admin(&rows)?;
    let user = find(&rows, ids)?.no;
    drop(rows);
    activate(app, caller, user, is_active).await?;
    shown(app, caller, user).map(Rendered::new)
}

async fn disable(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    set_active(&app, &caller, &ids, false).await
}

async fn enable(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    set_active(&app, &caller, &ids, true).await
}

/// Makes somebody else answer for a bot.
async fn assign(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    require_maker(&app, &caller)?;
    let rows = app.rows();
    let bot = find(&rows, &ids)?;
    let owner = lookup::user(&rows, ids.get("owner_id"));
    let owner =
        owner.ok_or_else(|| ApiError::not_found("app.user.missing_account.const", "user"))?;
    drop(rows);
    set(&app, &caller, bot.no, owner, bot.description).await?;
    shown(&app, &caller, bot.no).map(Rendered::new)
}

/// Makes an account a bot's. Its password, if it has one, no longer opens it.
async fn convert(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    require_maker(&app, &caller)?;
    let rows = app.rows();
    let user = ids.user(&rows, &caller)?;
    if bots::by_no(&rows, user).is_some() {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "api.user.convert_user_to_bot.is_bot.app_error",
            "This account is a bot's already.",
        ));
    }
    drop(rows);
    set(&app, &caller, user, caller.user, String::new()).await?;
    app.vault.end_sessions(user).await?;
    app.hub.close_user(user, None);
    shown(&app, &caller, user).map(Rendered::new)
}
