//! The official web client's requests, as captured, are answered in the captured form.
//!
//! `fixtures/captures/webapp-11.6` has every request that the client made of a server of the reference, with the
//! keys and types of the answers. Here a workspace is asked the same. Every deviation is in [`DEVIATIONS`] with its
//! reason; one that is not there, or is there and no longer occurs, fails the test.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use causeway_tests::client::{Answer, Client};
use causeway_tests::hosted::Hosted;
use hyper::Method;
use serde_json::{Value, json};

/// Requests that a workspace without peers, files or changes cannot be asked in this way, by a part of the path:
/// other journeys make them.
const NOT_ASKED: [&str; 5] = [
    "{remote_id}",
    "{file_id}",
    "{thread_id}",
    "{other_user_id}",
    "/sharedchannels/",
];

/// Requests, what differs in the answer, and why. An asterisk stands for any text.
const DEVIATIONS: &[(&str, &str, &str)] = &[
    (
        "GET /api/v4/config",
        ".*: missing",
        "settings of features that are not here",
    ),
    (
        "GET /api/v4/config",
        ".CausewaySettings: not captured",
        "settings of this service alone",
    ),
    (
        "GET /api/v4/config/client",
        ".*: missing",
        "features that are not here; clients take an empty value",
    ),
    (
        "GET /api/v4/license/client",
        ".*: missing",
        "nothing is licensed",
    ),
    (
        "*",
        "*.shared: boolean instead of null",
        "it is always said whether a channel is shared",
    ),
    (
        "*",
        "*.group_constrained: null instead of boolean",
        "there are no groups",
    ),
    (
        "*",
        "*.scheme_id: null instead of string",
        "there are no schemes",
    ),
    (
        "*",
        "*.remote_id: missing",
        "only people of other workspaces have one; the capture has some",
    ),
    ("*", "*.props: missing", "nobody here has any"),
    (
        "*",
        "*.last_picture_update: missing",
        "nobody here has a picture of their own",
    ),
    (
        "GET /api/v4/users/me",
        ".last_password_update: missing",
        "the account was made without a password",
    ),
    (
        "GET /api/v4/reports/users",
        "[].*: missing",
        "it is not recorded",
    ),
    (
        "POST /api/v4/users/status/ids",
        "[].active_channel: missing",
        "no socket is open",
    ),
    (
        "GET /api/v4/upgrade_to_enterprise/allowed",
        "status 403",
        "there is nothing to upgrade to",
    ),
    (
        "*/posts/search",
        ".matches: object instead of null",
        "typed clients take no null",
    ),
    (
        "*/posts/unread",
        ".has_next: missing",
        "it is said of threads",
    ),
    ("*/threads", "status 404", "threads are not collapsed"),
];

/// Whether a text is of a form in which an asterisk stands for any text.
pub(super) fn is_of(form: &str, text: &str) -> bool {
    match form.split_once('*') {
        None => form == text,
        Some((begin, end)) => {
            text.len() >= begin.len() + end.len() && text.starts_with(begin) && text.ends_with(end)
        }
    }
}

pub(super) fn captured(file: &str) -> Result<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures/webapp-11.6");
    Ok(fs::read_to_string(folder.join(file))?)
}

/// A workspace with what the requests name.
struct Place {
    host: Hosted,
    ids: BTreeMap<&'static str, String>,
}

impl Place {
    async fn new() -> Result<Place> {
        let host = Hosted::start("ann", |_| {}).await?;
        host.user("bob").await?;
        let side = &host.side;
        let me = id_of(&side.admin.get("/users/me").await?)?;
        let channel = side.town_square.clone();
        let body = json!({ "channel_id": channel, "message": "A first message" });
        let post = id_of(&side.admin.post("/posts", body).await?)?;
        let edit = json!({ "message": "A first message, edited" });
        side.admin
            .put(&format!("/posts/{post}/patch"), edit)
            .await?;
        let ids = BTreeMap::from([
            ("{user_id}", me),
            ("{team_id}", side.team_id.clone()),
            ("{channel_id}", channel),
            ("{post_id}", post),
            ("{name}", "crew".to_string()),
        ]);
        Ok(Place { host, ids })
    }

    fn id(&self, name: &str) -> &str {
        self.ids.get(name).map_or("", String::as_str)
    }

    fn filled(&self, path: &str) -> String {
        let mut path = path.trim_start_matches("/api/v4").to_string();
        for (name, id) in &self.ids {
            path = path.replace(name, id);
        }
        path
    }

    /// A value that the client would give a key of a query.
    fn value(&self, key: &str, path: &str, line: &Value) -> String {
        let value = match key {
            "include_total_count" if line["response"].is_array() => "false",
            "format" => "old",
            "page" if path.ends_with("channel_members") => "-1",
            "page" | "since" | "fromUpdateAt" => "0",
            "per_page" | "perPage" | "page_size" | "limit" => "60",
            "limit_after" | "limit_before" => "30",
            "name" if path.ends_with("analytics/old") => "standard",
            "team_id" if path.ends_with("analytics/old") => "",
            "in_team" | "team_id" => self.id("{team_id}"),
            "in_channel" | "channel_id" | "not_in_channel" => self.id("{channel_id}"),
            "before" if path.ends_with("/posts") => self.id("{post_id}"),
            "direction" if path.contains("reports") => "next",
            "direction" => "up",
            "sort_column" => "Username",
            "sort_direction" => "asc",
            "user_input" => "%2F",
            "role" | "roles" => "system_admin",
            "client" => "web",
            "clientVersion" => "11.6.0",
            _ if key.contains("nclude") || key.starts_with("filter_allow") => "true",
            _ if key.starts_with("collapsed") => "true",
            _ => "",
        };
        value.to_string()
    }

    /// The body of a request that only reads; `None` for a request that changes something.
    fn body(&self, path: &str, captured: &Value) -> Option<Value> {
        let (me, channel) = (self.id("{user_id}"), self.id("{channel_id}"));
        Some(match path.trim_start_matches("/api/v4") {
            "/roles/names" => json!(["system_user", "team_user", "channel_user"]),
            "/users/ids" | "/users/status/ids" | "/teams/{team_id}/members/ids" => json!([me]),
            "/channels/{channel_id}/members/ids" => json!([me]),
            "/users/usernames" => json!(["ann"]),
            "/users/search" => json!({ "term": "ann" }),
            "/users/group_channels" | "/channels/stats/member_count" => json!([channel]),
            "/channels/search" if captured.get("page").is_some() => {
                json!({ "term": "town", "page": 0, "per_page": 60 })
            }
            "/channels/search" => json!({ "term": "town" }),
            "/channels/group/search" => json!({ "term": "ann" }),
            "/channels/members/me/view" => json!({ "channel_id": channel }),
            "/emoji/search" => json!({ "term": "rope" }),
            search if search.ends_with("s/search") && captured.get("terms").is_some() => json!({
                "terms": "first", "is_or_search": false, "include_deleted_channels": true,
                "page": 0, "per_page": 20, "time_zone_offset": 3600,
            }),
            _ => return None,
        })
    }

    /// Makes a captured request as the client does, with cookies; `None` if it cannot be made here.
    async fn ask(&self, line: &Value) -> Result<Option<Answer>> {
        let path = text(line, "path");
        if NOT_ASKED.iter().any(|part| path.contains(part)) {
            return Ok(None);
        }
        let method: Method = text(line, "method").parse()?;
        let body = match method.as_str() {
            "GET" => None,
            "POST" => match self.body(path, &line["body"]) {
                Some(body) => Some(body),
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        let keys = line["query"].as_array().cloned().unwrap_or_default();
        let keys = keys.iter().filter_map(Value::as_str);
        let query: Vec<String> = keys
            .map(|key| format!("{key}={}", self.value(key, path, line)))
            .collect();
        let path = format!("{}?{}", self.filled(path), query.join("&"));
        let session = self.host.side.admin.clone();
        // The cookie alone does for reading; what is sent otherwise must repeat the value that only the
        // site's own scripts can read, for which programs have a header instead.
        let answer = if method == Method::GET {
            let cookie = format!("MMAUTHTOKEN={}", session.token().context("no session")?);
            let browser = Client::new(session.site_url());
            let headers = [("cookie", cookie.as_str())];
            browser
                .call_bytes(method, &path, Vec::new(), &headers)
                .await?
        } else {
            session.call(method, &path, body).await?
        };
        Ok(Some(answer))
    }
}

pub(super) fn id_of(value: &Value) -> Result<String> {
    Ok(value["id"].as_str().context("no id")?.to_string())
}

fn text<'v>(line: &'v Value, key: &str) -> &'v str {
    line[key].as_str().unwrap_or_default()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// How a value differs from a captured form.
fn compare(at: &str, form: &Value, value: &Value, found: &mut BTreeSet<String>) {
    match (form, value) {
        (Value::String(name), value) if name != kind(value) => {
            found.insert(format!("{at}: {} instead of {name}", kind(value)));
        }
        (Value::String(_), _) => {}
        (Value::Array(forms), Value::Array(values)) => {
            // An empty list in the capture says nothing of the elements.
            for (form, value) in forms
                .first()
                .into_iter()
                .flat_map(|form| values.iter().map(move |value| (form, value)))
            {
                compare(&format!("{at}[]"), form, value, found);
            }
        }
        (Value::Object(forms), Value::Object(values)) => {
            if let Some(form) = forms.get("{id}") {
                let ids = values.iter().filter(|(key, _)| key.len() == 26);
                ids.for_each(|(_, value)| compare(&format!("{at}{{}}"), form, value, found));
                return;
            }
            for (key, form) in forms {
                match values.get(key) {
                    Some(value) => compare(&format!("{at}.{key}"), form, value, found),
                    None => {
                        found.insert(format!("{at}.{key}: missing"));
                    }
                }
            }
            for key in values.keys().filter(|key| !forms.contains_key(*key)) {
                // An object without keys in the capture was empty there.
                if !forms.is_empty() {
                    found.insert(format!("{at}.{key}: not captured"));
                }
            }
        }
        (form, value) => {
            found.insert(format!("{at}: {} instead of {}", kind(value), kind(form)));
        }
    }
}

/// The JSON values of an answer: several where each line is one.
fn values(answer: &Answer) -> Result<Vec<Value>> {
    let of_lines = answer.headers.get("content-type");
    if of_lines.is_some_and(|kind| kind == "application/x-ndjson") {
        let lines = std::str::from_utf8(&answer.bytes)?.lines();
        let values: serde_json::Result<Vec<Value>> = lines.map(serde_json::from_str).collect();
        return Ok(values?);
    }
    Ok(vec![answer.body.clone()])
}

/// How an answer differs from a captured one.
pub(super) fn differences(line: &Value, answer: &Answer) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    if u64::from(answer.status) != line["status"].as_u64().unwrap_or_default() {
        found.insert(format!("status {}", answer.status));
        return Ok(found);
    }
    let of_type = answer.headers.get("content-type");
    let of_type = of_type.map_or("", |it| it.to_str().unwrap_or_default());
    if of_type != text(line, "type") {
        found.insert(format!("type {of_type}"));
    }
    // Also where the capture refers to another line, which is compared itself.
    let form = line["response"].get("one JSON object a line");
    let form = form.unwrap_or(&line["response"]);
    if form.is_object() || form.is_array() {
        for value in values(answer)? {
            compare("", form, &value, &mut found);
        }
    }
    Ok(found)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_captured_request_that_reads_is_answered_as_captured() -> Result<()> {
    let place = Place::new().await?;
    let mut found = BTreeSet::new();
    let mut asked = 0;
    for line in captured("requests.jsonl")?.lines() {
        let line: Value = serde_json::from_str(line)?;
        if ![200, 403].contains(&line["status"].as_u64().unwrap_or_default()) {
            continue;
        }
        let Some(answer) = place.ask(&line).await? else {
            continue;
        };
        asked += 1;
        let request = format!("{} {}", text(&line, "method"), text(&line, "path"));
        let differs = differences(&line, &answer).with_context(|| request.clone())?;
        found.extend(differs.into_iter().map(|what| (request.clone(), what)));
    }
    let is_known = |(request, what): &&(String, String), (of, form, _): &(&str, &str, &str)| {
        is_of(of, request) && is_of(form, what)
    };
    let new = found
        .iter()
        .filter(|it| !DEVIATIONS.iter().any(|known| is_known(it, known)));
    let new: Vec<_> = new.collect();
    let gone = DEVIATIONS
        .iter()
        .filter(|known| !found.iter().any(|it| is_known(&it, known)));
    let gone: Vec<_> = gone.collect();
    ensure!(
        new.is_empty() && gone.is_empty(),
        "of {asked} requests, new: {new:#?}\nno longer there: {gone:#?}"
    );
    ensure!(asked > 200, "only {asked} requests were made");
    place.host.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_client_has_already_is_not_sent_again() -> Result<()> {
    let place = Place::new().await?;
    let session = &place.host.side.admin;
    for path in [
        "/users/me",
        "/users/{user_id}/channels/{channel_id}/posts/unread",
        "/users/me/teams/{team_id}/channels",
    ] {
        let path = place.filled(path);
        let first = session.call(Method::GET, &path, None).await?;
        let tag = first.headers.get("etag").context("no ETag")?.to_str()?;
        let known = [("if-none-match", tag)];
        let again = session
            .call_bytes(Method::GET, &path, Vec::new(), &known)
            .await?;
        ensure!(again.status == 304 && again.bytes.is_empty(), "{path}");
        let other = [("if-none-match", "\"other\"")];
        let again = session
            .call_bytes(Method::GET, &path, Vec::new(), &other)
            .await?;
        ensure!(again.status == 200 && again.bytes == first.bytes, "{path}");
    }
    // What has changed is sent.
    let path = place.filled("/users/{user_id}/channels/{channel_id}/posts/unread");
    let first = session.call(Method::GET, &path, None).await?;
    let tag = first.headers.get("etag").context("no ETag")?.to_str()?;
    let body = json!({ "channel_id": place.id("{channel_id}"), "message": "Another" });
    session.post("/posts", body).await?;
    let known = [("if-none-match", tag)];
    let again = session
        .call_bytes(Method::GET, &path, Vec::new(), &known)
        .await?;
    ensure!(again.status == 200 && again.bytes != first.bytes);
    place.host.stop().await;
    Ok(())
}
