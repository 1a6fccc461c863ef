//! Signing in and out. Client API §3.

use std::net::{IpAddr, SocketAddr};

use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::http::header::{SET_COOKIE, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use causeway_kernel::boundary::output::Object;
use causeway_kernel::model::User;
use causeway_kernel::rows::id::UserNo;
use causeway_views::query::users;
use serde::Deserialize;

use super::answer::Rendered;
use super::auth::{MaybeCaller, TOKEN_COOKIE};
use super::{App, Shared};
use crate::http::{ApiError, Json};
use crate::vault::{NewSession, Secret};

const TOKEN_HEADER: HeaderName = HeaderName::from_static("token");

/// Routes of this file.
pub fn routes() -> Router<Shared> {
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
    State(app): State<Shared>,
    peer: Option<axum::Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    Json(body): Json<LoginBody>,
) -> Result<Response, ApiError> {
    let password = body.password.unwrap_or_default();
    if password.is_empty() {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "api.user.login.blank_pwd.app_error",
            "The password field must not be blank.",
        ));
    }
    let login_id = body
        .login_id
        .filter(|it| !it.is_empty())
        .unwrap_or_default();
    let login_id = login_id.trim().to_ascii_lowercase();
    let id = body.id.unwrap_or_default();
    let account = if login_id.is_empty() {
        id.clone()
    } else {
        login_id.clone()
    };
    let address = app.address(peer.map(|it| it.0.0), &headers);
    if !app.logins.allows(&account, address) {
        return Err(unauthorised(
            "api.user.check_user_login_attempts.too_many.app_error",
            "Too many failed attempts; wait a few minutes and try again.",
        ));
    }
    let rows = app.rows();
    let found = if login_id.is_empty() {
        users::by_id(&rows, &id)
    } else {
        users::by_username(&rows, &login_id).or_else(|| users::by_email(&rows, &login_id))
    };
    if found
        .as_ref()
        .is_some_and(|(_, user)| !user.origin.is_ours())
    {
        return Err(unauthorised(
            "api.user.login.remote_users.login.error",
            "This account belongs to another workspace; log in there.",
        ));
    }
    let right = app
        .vault
        .check_password(found.as_ref().map(|it| it.0), &password)
        .await?;
    let (Some((user_no, user)), true) = (found, right) else {
        app.logins.failed(&account, address);
        return Err(unauthorised(
            "api.user.login.invalid_credentials_email_username",
            "Enter a valid email or username and password.",
        ));
    };
    app.logins.succeeded(&account);
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
    let session = app
        .vault
        .create_session(user_no, device, app.engine.now_ms())
        .await?;
    let body = app.show(user_no, Some(&Object::User(user_no)))?;
    Ok(signed_in(&app, &headers, &session, &user, body))
}

fn unauthorised(id: &'static str, message: &'static str) -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, id, message)
}

/// The answer to a login. Cookies are set only for who asks as a browser does: libraries that keep
/// a cookie jar would be taken for browsers from then on.
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
    State(app): State<Shared>,
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
    /// The address of a client: that of the connection, or the one that the reverse proxy names
    /// in the configured header (the last entry: earlier ones are the client's own words).
    fn address(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let name = self.settings.client_address_header.as_str();
        let named = || {
            let value = headers.get(name)?.to_str().ok()?;
            value.rsplit(',').next()?.trim().parse().ok()
        };
        let proxied = if name.is_empty() { None } else { named() };
        proxied.or_else(|| peer.map(|peer| peer.ip()))
    }

    /// Ends every session of a user, and their lines.
    ///
    /// # Errors
    /// 503 when the vault cannot be written.
    pub async fn end_sessions(&self, user: UserNo) -> Result<(), ApiError> {
        self.vault.end_sessions_of(user, None).await?;
        self.hub.close_user(user);
        Ok(())
    }
}
