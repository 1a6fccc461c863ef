//! Configuration and similar data that clients request first. Client API §6.6, §14.

use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use causeway_kernel::model::limits::MESSAGE_CHARS_MAX;
use causeway_kernel::rows::counters;
use causeway_kernel::rows::id::Id;
use serde_json::{Map, Value, json};

use super::answer::{ApiResult, Rendered};
use super::auth::MaybeCaller;
use super::path::Params;
use crate::app::{App, SharedApp};
use crate::http::{ApiError, BUILD_NUMBER, SERVER_VERSION};

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/system/ping", get(ping))
        .route("/config/client", get(client_config))
        .route("/license/client", get(client_license))
}

async fn ping(State(app): State<SharedApp>, params: Params) -> Result<Rendered, ApiError> {
    let status = app.engine.status();
    let asked = params.flag("get_server_status");
    // Without `get_server_status`, only what prevents the service from serving requests is reported.
    let is_read_only = status.read_only.is_some() || !app.is_prepared.load(Ordering::Relaxed);
    let is_unhealthy = status.tables_are_damaged || asked && is_read_only;
    let state = if is_unhealthy { "UNHEALTHY" } else { "OK" };
    let mut body = Map::new();
    for (key, value) in [
        ("status", state),
        ("AndroidLatestVersion", ""),
        ("AndroidMinVersion", ""),
        ("IosLatestVersion", ""),
        ("IosMinVersion", ""),
        ("ActiveSearchBackend", "tantivy"),
    ] {
        body.insert(key.to_string(), value.into());
    }
    if asked {
        body.insert("database_status".to_string(), state.into());
        body.insert("filestore_status".to_string(), "OK".into());
    }
    let body = Value::Object(body);
    Ok(if is_unhealthy {
        Rendered::unhealthy(&body)
    } else {
        Rendered::json(&body)
    })
}

/// Settings that anybody may know, all as strings.
fn public_config(app: &App) -> Vec<(&'static str, String)> {
    let rows = app.rows();
    let workspace = counters::workspace(&rows);
    let open = workspace.as_ref().is_some_and(|it| it.config.open_server);
    let diagnostic_id = workspace.map(|it| diagnostic_id(it.incarnation.id).to_string());
    let diagnostic_id = diagnostic_id.unwrap_or_default();
    let no_accounts = counters::counters(&rows).user == 0;
    let site_url = app.settings.site_url.clone();
    let mut config = vec![
        ("Version", SERVER_VERSION.to_string()),
        ("BuildNumber", BUILD_NUMBER.to_string()),
        ("BuildHash", "causeway".to_string()),
        ("DiagnosticId", diagnostic_id.clone()),
        ("TelemetryId", diagnostic_id),
        ("SiteName", "Causeway".to_string()),
        ("SiteURL", site_url),
        ("NoAccounts", no_accounts.to_string()),
        ("EnableUserCreation", (open || no_accounts).to_string()),
        ("EnableOpenServer", open.to_string()),
        ("DefaultClientLocale", "en".to_string()),
        ("PasswordMinimumLength", "8".to_string()),
    ];
    let yes = [
        "EnableSignUpWithEmail",
        "EnableSignInWithEmail",
        "EnableSignInWithUsername",
    ];
    let no = [
        "BuildEnterpriseReady",
        "EnableLdap",
        "EnableSaml",
        "EnableSignUpWithGitLab",
        "EnableSignUpWithGoogle",
        "EnableSignUpWithOffice365",
        "EnableSignUpWithOpenId",
        "EnableMultifactorAuthentication",
        "EnableGuestAccounts",
        "PasswordRequireLowercase",
        "PasswordRequireUppercase",
        "PasswordRequireNumber",
        "PasswordRequireSymbol",
        "PluginsEnabled",
        "HasImageProxy",
    ];
    let blank = [
        "BuildDate",
        "WebsocketURL",
        "WebsocketPort",
        "WebsocketSecurePort",
        "AboutLink",
        "HelpLink",
        "TermsOfServiceLink",
        "PrivacyPolicyLink",
        "ReportAProblemLink",
        "AppDownloadLink",
    ];
    config.extend(yes.map(|key| (key, "true".to_string())));
    config.extend(no.map(|key| (key, "false".to_string())));
    config.extend(blank.map(|key| (key, String::new())));
    config
}

/// How clients identify the installation: apps refuse one without this id, and treat two with the same id as
/// one server. It lasts as long as the data directory, and a copy of the directory gets another. It is a
/// digest because peers identify a workspace by its incarnation.
fn diagnostic_id(incarnation: Id) -> Id {
    let mut bytes = [0; 16];
    blake3::Hasher::new_derive_key("causeway DiagnosticId")
        .update(incarnation.as_bytes())
        .finalize_xof()
        .fill(&mut bytes);
    Id::from_uuid_bytes(bytes)
}

/// Further settings for callers with a session.
fn session_config(app: &App) -> Vec<(&'static str, String)> {
    let shared = counters::connected_workspaces(&app.rows());
    let connections = app.configuration.sharing().effective().connections;
    let yes = [
        "EnableBotAccountCreation",
        "EnableCommands",
        "EnableIncomingWebhooks",
        "PostAcknowledgements",
        "EnableUserAccessTokens",
        "EnableUserTypingMessages",
        "EnableChannelViewedMessages",
        "AllowSyncedDrafts",
        "PostPriority",
        "AllowCustomThemes",
        "EnableConfirmNotificationsToChannel",
        "EnableCustomUserStatuses",
        "EnableThemeSelection",
        "EnableUserStatuses",
        "ExperimentalEnablePostMetadata",
        "ShowEmailAddress",
        "ShowFullName",
    ];
    let no = [
        "EnablePublicLink",
        "EnableOutgoingWebhooks",
        "EnablePostUsernameOverride",
        "EnablePostIconOverride",
        "EnableGifPicker",
        "EnableLinkPreviews",
        "EnableSVGs",
        "EnableLatex",
        "EnableTutorial",
        "EnableOnboardingFlow",
        "SendPushNotifications",
        "FeatureFlagWebSocketEventScope",
        "AllowPersistentNotifications",
        "DiagnosticsEnabled",
        "EnableBurnOnRead",
        "EnableCustomGroups",
        "EnableDesktopLandingPage",
        "EnableEmailInvitations",
        "EnableInlineLatex",
        "EnableMarketplace",
        "EnableOAuthServiceProvider",
        "EnablePermalinkPreviews",
        "EnablePreviewModeBanner",
        "FeatureFlagAutoTranslation",
        "FeatureFlagBurnOnRead",
        "FeatureFlagChannelBookmarks",
        "FeatureFlagContentFlagging",
        "FeatureFlagCustomProfileAttributes",
        "FeatureFlagOnboardingTourTips",
        "RequireEmailVerification",
        "ScheduledPosts",
        "SendEmailNotifications",
    ];
    let switches = [
        ("ExperimentalSharedChannels", shared.channels),
        ("ExperimentalRemoteClusterService", connections),
        ("FeatureFlagEnableSharedChannelsDMs", shared.direct),
        ("FeatureFlagEnableSharedChannelsPlugins", shared.plugins),
        ("FeatureFlagEnableSharedChannelsMemberSync", shared.members),
    ];
    let files = &app.files.settings;
    let mut config = vec![
        ("MaxPostSize", MESSAGE_CHARS_MAX.to_string()),
        ("MaxFileSize", files.max_file_size.to_string()),
        (
            "EnableFileAttachments",
            files.enable_file_attachments.to_string(),
        ),
        ("PostEditTimeLimit", "-1".to_string()),
        ("TeammateNameDisplay", "username".to_string()),
        ("RestrictDirectMessage", "team".to_string()),
        (
            "TimeBetweenUserTypingUpdatesMilliseconds",
            "5000".to_string(),
        ),
        ("EnableEmojiPicker", "true".to_string()),
        ("CollapsedThreads", "disabled".to_string()),
        ("UniqueEmojiReactionLimitPerPost", "50".to_string()),
        ("DefaultTheme", "default".to_string()),
        ("AllowedThemes", String::new()),
        ("AvailableLocales", String::new()),
        ("CustomUrlSchemes", String::new()),
        ("MaxMarkdownNodes", "0".to_string()),
        ("MaxNotificationsPerChannel", "1000".to_string()),
        ("MinimumHashtagLength", "3".to_string()),
        (
            "UsersStatusAndProfileFetchingPollIntervalMilliseconds",
            "3000".to_string(),
        ),
        ("SQLDriverName", String::new()),
        ("SchemaVersion", String::new()),
        ("InstallationDate", app.installed_at_ms.to_string()),
    ];
    config.extend(yes.map(|key| (key, "true".to_string())));
    config.extend(no.map(|key| (key, "false".to_string())));
    config.extend(switches.map(|(key, on)| (key, on.to_string())));
    config
}

async fn client_config(
    State(app): State<SharedApp>,
    MaybeCaller(caller): MaybeCaller,
) -> ApiResult {
    let mut config = public_config(&app);
    if caller.is_some() {
        config.extend(session_config(&app));
    }
    let map: Map<String, Value> = config
        .into_iter()
        .map(|(key, value)| (key.to_string(), value.into()))
        .collect();
    Ok(Rendered::json(&Value::Object(map)))
}

/// Features in the form that clients request; there is no real license.
async fn client_license(params: Params) -> ApiResult {
    if params.get("format") != "old" {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "api.license.client.old_format.app_error",
            "The format parameter must be `old`.",
        ));
    }
    Ok(Rendered::json(&json!({
        "IsLicensed": "false",
        "SharedChannels": "true",
        "RemoteClusterService": "true",
    })))
}
