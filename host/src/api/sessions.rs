//! Logging in and out. Client API §3.

use axum::Router;
use axum::extract::State;
use axum::http::header::{SET_COOKIE, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use causeway_kernel::boundary::output::Object;
use causeway_kernel::model::User;
use causeway_kernel::rows::id::UserNo;
use causeway_kernel::rows::tx::Read;
use causeway_views::query::{bots, users};
use serde::Deserialize;

use super::answer::Rendered;
use super::auth::{MaybeCaller, TOKEN_COOKIE};
use crate::app::{App, SharedApp};
use crate::client_address::ClientAddress;
use crate::http::{ApiError, StrangersJson};
use crate::login_limit::{Attempt, TooMany};
use crate::vault::{NewSession, Secret, Verified};

/// Maximum bytes of a login name; no user name, e-mail address or id is longer.
const LOGIN_ID_BYTES_MAX: usize = 128;

const TOKEN_HEADER: HeaderName = HeaderName::from_static("token");

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/users/login", post(login))
        .route("/users/logout", post(logout))
}

#[derive(Deserialize)]
struct LoginBody {
    #[serde(default)]
    login_id: Option<String>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    password: Option<Secret>,
}

async fn login(
    State(app): State<SharedApp>,
    client: ClientAddress,
    headers: HeaderMap,
    StrangersJson(body): StrangersJson<LoginBody>,
) -> Result<Response, ApiError> {
    let (name, password) = body.checked()?;
    let found = name.find(&app.rows());
    if found
        .as_ref()
        .is_some_and(|(_, user)| !user.origin.is_ours())
    {
        return Err(unauthorised(
            "api.user.login.remote_users.login.error",
            "This account belongs to another workspace; log in there.",
        ));
    }
    let user_no = found.as_ref().map(|it| it.0);
    if user_no.is_some_and(|user| bots::by_no(&app.rows(), user).is_some()) {
        return Err(unauthorised(
            "api.user.login.bot_login_forbidden.login.app_error",
            "This account is a bot's; programs use its access token instead.",
        ));
    }
    let attempt = app.login_attempt(user_no.ok_or(name.text()), client)?;
    let verified = app.check_password(&attempt, user_no, &password).await?;
    let (Some((user_no, user)), Some(verified)) = (found, verified) else {
        return Err(wrong_password());
    };
    if user.delete_at != 0 {
        return Err(unauthorised(
            "api.user.login.inactive.app_error",
            "This account has been deactivated; ask an administrator.",
        ));
    }
    let device = headers
        .get(USER_AGENT)
        .and_then(|it| it.to_str().ok())
        .unwrap_or_default();
    let now_ms = app.engine.now_ms();
    let session = app.vault.create_session(user_no, device, now_ms).await?;
    // A password change ends the existing sessions, but this one may have been created after it.
    if !app.vault.still_holds(user_no, &verified)? {
        app.vault.end_session(session.token.expose()).await?;
        return Err(wrong_password());
    }
    if let ClientAddress::Address(_) = client {
        let source = client.source();
        app.vault.note_address(user_no, &source, now_ms).await?;
    }
    let body = app.show(user_no, Some(&Object::User(user_no)))?;
    Ok(signed_in(&app, &headers, &session, &user, body))
}

/// What identifies an account at login.
enum LoginName {
    /// A user name or an e-mail address, in lower case.
    LoginId(String),
    /// An id.
    Id(String),
}

impl LoginName {
    fn text(&self) -> &str {
        match self {
            LoginName::LoginId(text) | LoginName::Id(text) => text,
        }
    }

    fn find(&self, rows: &(impl Read + ?Sized)) -> Option<(UserNo, User)> {
        match self {
            LoginName::LoginId(name) => {
                users::by_username(rows, name).or_else(|| users::by_email(rows, name))
            }
            LoginName::Id(id) => users::by_id(rows, id),
        }
    }
}

impl LoginBody {
    /// Name and password of a well-formed login body.
    fn checked(self) -> Result<(LoginName, Secret), ApiError> {
        let password = self.password.unwrap_or_default();
        if password.is_empty() {
            return Err(ApiError::new(
                StatusCode::BAD_REQUEST,
                "api.user.login.blank_pwd.app_error",
                "The password field must not be blank.",
            ));
        }
        let name = match self.login_id.filter(|it| !it.is_empty()) {
            Some(login_id) => LoginName::LoginId(login_id.trim().to_ascii_lowercase()),
            None => LoginName::Id(self.id.unwrap_or_default()),
        };
        if name.text().len() > LOGIN_ID_BYTES_MAX {
            return Err(ApiError::new(
                StatusCode::BAD_REQUEST,
                "api.context.invalid_body_param.app_error",
                format!("The login_id is longer than {LOGIN_ID_BYTES_MAX} bytes."),
            ));
        }
        Ok((name, password))
    }
}

impl From<TooMany> for ApiError {
    fn from(refused: TooMany) -> ApiError {
        let seconds = refused.retry_after_s;
        ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            "api.user.check_user_login_attempts.too_many.app_error",
            format!("Too many wrong passwords; try again in {seconds} s."),
        )
        .retry(seconds, Some(refused.limit))
    }
}

fn wrong_password() -> ApiError {
    unauthorised(
        "api.user.login.invalid_credentials_email_username",
        "Enter a valid email or username and password.",
    )
}

fn unauthorised(id: &'static str, message: &'static str) -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, id, message)
}

/// The response to a login. Cookies are set only for requests that look like a browser's: a library with a
/// cookie jar would be taken for a browser from then on.
fn signed_in(
    app: &App,
    headers: &HeaderMap,
    new: &NewSession,
    user: &User,
    body: String,
) -> Response {
    let mut response = Rendered::new(body).into_response();
    let out = response.headers_mut();
    if let Ok(mut token) = HeaderValue::from_str(new.token.expose()) {
        token.set_sensitive(true);
        out.insert(TOKEN_HEADER, token);
    }
    let browser = headers
        .get("x-requested-with")
        .is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(b"XMLHttpRequest"));
    if browser {
        let seconds = (new.session.expires_at - app.engine.now_ms()).max(0) / 1000;
        let secure = if app.settings.site_url.starts_with("https://") {
            "; Secure"
        } else {
            ""
        };
        let set = |name: &str, value: &str, more: &str| {
            format!("{name}={value}; Path=/; Max-Age={seconds}; SameSite=Lax{secure}{more}")
        };
        for cookie in [
            set(TOKEN_COOKIE, new.token.expose(), "; HttpOnly"),
            set("MMUSERID", user.id.as_str(), ""),
            set("MMCSRF", &new.session.csrf, ""),
        ] {
            if let Ok(value) = HeaderValue::from_str(&cookie) {
                out.append(SET_COOKIE, value);
            }
        }
    }
    response
}

async fn logout(
    State(app): State<SharedApp>,
    MaybeCaller(caller): MaybeCaller,
) -> Result<Response, ApiError> {
    if let Some(caller) = caller {
        app.vault.end_session(caller.token.expose()).await?;
        app.hub.close_session(caller.session.id);
    }
    let mut response = Rendered::ok().into_response();
    for name in [TOKEN_COOKIE, "MMUSERID", "MMCSRF"] {
        if let Ok(value) = HeaderValue::from_str(&format!("{name}=; Path=/; Max-Age=0")) {
            response.headers_mut().append(SET_COOKIE, value);
        }
    }
    Ok(response)
}

impl App {
    /// A login attempt, for a user's account or for one that does not exist.
    fn login_attempt(
        &self,
        account: Result<UserNo, &str>,
        client: ClientAddress,
    ) -> Result<Attempt, ApiError> {
        let known = match (account, client) {
            (Ok(user), ClientAddress::Address(_)) => {
                let now_ms = self.engine.now_ms();
                self.vault.knows_address(user, &client.source(), now_ms)?
            }
            _ => false,
        };
        Ok(Attempt::login(account, client, known))
    }

    /// Checks a password, within the limits on attempts.
    ///
    /// # Errors
    /// 429 during a pause, 503 if it cannot be checked now.
    pub async fn check_password(
        &self,
        attempt: &Attempt,
        user: Option<UserNo>,
        password: &Secret,
    ) -> Result<Option<Verified>, ApiError> {
        self.logins.begin(attempt, self.engine.now_ms())?;
        let checked = self.vault.check_password(attempt.asker(), user, password);
        let checked = checked.await;
        match &checked {
            Ok(Some(_)) => self.logins.succeeded(attempt),
            Ok(None) => {}
            Err(_) => self.logins.unchecked(attempt),
        }
        Ok(checked?)
    }
}
