//! Path ids and query values of a request.

use std::collections::HashSet;

use axum::extract::{FromRequestParts, Query, RawPathParams};
use axum::http::request::Parts;
use causeway_kernel::authority;
use causeway_kernel::rows::id::{ChannelNo, Id, PostNo, TeamNo, UserNo};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;
use causeway_views::query::{IDS_MAX, Page};

use crate::app::Caller;
use crate::http::ApiError;

/// The segments of a path. Those whose name ends in `_id` are ids, with `me` for the caller where a user is
/// expected. Others are taken verbatim.
pub struct Ids(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Ids {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Ids, ApiError> {
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::invalid_url_param("path"))?;
        let mut found = Vec::new();
        for (name, value) in &params {
            let me = name == "user_id" && value == "me";
            if name.ends_with("_id") && !me && Id::parse(value).is_none() {
                return Err(ApiError::invalid_url_param(name));
            }
            found.push((name.to_string(), value.to_string()));
        }
        Ok(Ids(found))
    }
}

impl Ids {
    /// A segment; empty if the route has none of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(found, _)| found == name)
            .map_or("", |(_, value)| value)
    }

    /// The user of `{user_id}`.
    ///
    /// # Errors
    /// 404 when there is none.
    pub fn user(&self, rows: &(impl Read + ?Sized), caller: &Caller) -> Result<UserNo, ApiError> {
        match self.get("user_id") {
            "me" => Ok(caller.user),
            id => lookup::user(rows, id)
                .ok_or_else(|| ApiError::not_found("app.user.missing_account.const", "user")),
        }
    }

    /// The user of `{user_id}`, who must be the caller, unless the caller administers the system.
    ///
    /// # Errors
    /// 403 for somebody else, known or not.
    pub fn own_user(
        &self,
        rows: &(impl Read + ?Sized),
        caller: &Caller,
    ) -> Result<UserNo, ApiError> {
        let found = self.user(rows, caller);
        if found.is_err() {
            caller.require_admin(rows)?;
        }
        let user = found?;
        caller.require_self(rows, user)?;
        Ok(user)
    }

    /// The user of `{user_id}`, who must be the caller: for actions that not even an administrator takes on
    /// somebody else's behalf.
    ///
    /// # Errors
    /// As [`Ids::user`], and 403 for somebody else.
    pub fn caller_alone(
        &self,
        rows: &(impl Read + ?Sized),
        caller: &Caller,
    ) -> Result<UserNo, ApiError> {
        match self.user(rows, caller)? {
            user if user == caller.user => Ok(user),
            _ => Err(ApiError::forbidden()),
        }
    }

    /// The team of `{team_id}`, if the caller may see it.
    ///
    /// # Errors
    /// 404 when there is none, 403 when it is hidden.
    pub fn team(&self, rows: &(impl Read + ?Sized), caller: &Caller) -> Result<TeamNo, ApiError> {
        let team = lookup::team(rows, self.get("team_id"))
            .ok_or_else(|| ApiError::not_found("app.team.get.find.app_error", "team"))?;
        if authority::may_see_team(rows, team, caller.user) {
            Ok(team)
        } else {
            Err(ApiError::forbidden())
        }
    }

    /// The team of `{team_id}`; the caller must be a member of it or administer the system.
    ///
    /// # Errors
    /// As [`Ids::team`].
    pub fn own_team(
        &self,
        rows: &(impl Read + ?Sized),
        caller: &Caller,
    ) -> Result<TeamNo, ApiError> {
        let team = self.team(rows, caller)?;
        if !authority::is_team_member(rows, team, caller.user) {
            caller.require_admin(rows)?;
        }
        Ok(team)
    }

    /// The channel of `{channel_id}`, readable or not; for mutations, whose permission the kernel checks. A
    /// direct or group channel of others is reported like one that does not exist: its id follows from its
    /// members, so anybody could ask who writes to whom.
    ///
    /// # Errors
    /// 404 when there is none.
    pub fn any_channel(
        &self,
        rows: &(impl Read + ?Sized),
        caller: &Caller,
    ) -> Result<ChannelNo, ApiError> {
        let is_hidden = |no: &ChannelNo| {
            let place = rows.channel(*no).map(|channel| channel.place);
            place.is_some_and(|place| place.team().is_none())
                && !authority::is_channel_member(rows, *no, caller.user)
        };
        lookup::channel(rows, self.get("channel_id"))
            .filter(|no| !is_hidden(no))
            .ok_or_else(|| ApiError::not_found("app.channel.get.existing.app_error", "channel"))
    }

    /// The channel of `{channel_id}`, if the caller may read it.
    ///
    /// # Errors
    /// 404 when there is none, 403 when it is hidden.
    pub fn channel(
        &self,
        rows: &(impl Read + ?Sized),
        caller: &Caller,
    ) -> Result<ChannelNo, ApiError> {
        let channel = self.any_channel(rows, caller)?;
        if authority::may_read_channel(rows, channel, caller.user) {
            Ok(channel)
        } else {
            Err(ApiError::forbidden())
        }
    }

    /// The post of `{post_id}`, readable or not; for mutations, whose permission the kernel checks.
    ///
    /// # Errors
    /// 404 when there is none.
    pub fn any_post(&self, rows: &(impl Read + ?Sized)) -> Result<PostNo, ApiError> {
        lookup::post(rows, self.get("post_id"))
            .ok_or_else(|| ApiError::not_found("app.post.get.app_error", "post"))
    }

    /// The post of `{post_id}`, if the caller may read it.
    ///
    /// # Errors
    /// 404 when there is none, 403 when it is hidden.
    pub fn post(&self, rows: &(impl Read + ?Sized), caller: &Caller) -> Result<PostNo, ApiError> {
        let post = self.any_post(rows)?;
        if authority::may_read_post(rows, post, caller.user) {
            Ok(post)
        } else {
            Err(ApiError::forbidden())
        }
    }
}

/// The values of a query. Invalid ones mean the default, as in the reference, except in [`Params::time`] and
/// [`Params::id`].
pub struct Params(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Params, ApiError> {
        let found = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        found
            .map(|Query(pairs)| Params(pairs))
            .map_err(|_| ApiError::invalid_url_param("query"))
    }
}

impl Params {
    /// A value; empty when it is missing.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(found, _)| found == name)
            .map_or("", |(_, value)| value)
    }

    /// A flag: `true`, `1` or `t`, in any case.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        ["true", "1", "t"]
            .iter()
            .any(|yes| self.get(name).eq_ignore_ascii_case(yes))
    }

    /// A non-negative number; `None` if missing or invalid.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u32> {
        self.get(name).parse().ok()
    }

    /// `page` and `per_page`.
    #[must_use]
    pub fn page(&self) -> Page {
        Page::new(
            self.number("page").unwrap_or(0),
            self.number("per_page").unwrap_or(0),
        )
    }

    /// A time in ms; `None` when missing.
    ///
    /// # Errors
    /// 400 if it is not a number.
    pub fn time(&self, name: &str) -> Result<Option<i64>, ApiError> {
        match self.get(name) {
            "" => Ok(None),
            text => text
                .parse()
                .map(Some)
                .map_err(|_| ApiError::invalid_url_param(name)),
        }
    }

    /// An id; `None` when missing.
    ///
    /// # Errors
    /// 400 if it is malformed.
    pub fn id(&self, name: &str) -> Result<Option<&str>, ApiError> {
        match self.get(name) {
            "" => Ok(None),
            text if Id::parse(text).is_some() => Ok(Some(text)),
            _ => Err(ApiError::invalid_url_param(name)),
        }
    }
}

/// The ids or names in a request's body without duplicates, in order of first occurrence: repeating one does
/// not enlarge the response.
///
/// # Errors
/// 400 if there are none, or more than [`IDS_MAX`].
pub fn distinct(mut names: Vec<String>, field: &str) -> Result<Vec<String>, ApiError> {
    if names.is_empty() || names.len() > IDS_MAX {
        return Err(ApiError::invalid_body(field));
    }
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    #[test]
    fn what_is_named_twice_counts_once() {
        let names = |names: &[&str]| distinct(names.iter().map(|it| it.to_string()).collect(), "x");
        assert_eq!(names(&["b", "a", "b", "a"]).unwrap(), ["b", "a"]);
        assert!(names(&[]).is_err());
        assert!(names(&vec!["a"; IDS_MAX + 1]).is_err());
    }

    async fn params(query: &str) -> Params {
        let request = Request::get(format!("/?{query}")).body(()).unwrap();
        let (mut parts, ()) = request.into_parts();
        Params::from_request_parts(&mut parts, &())
            .await
            .ok()
            .unwrap()
    }

    #[tokio::test]
    async fn wrong_pages_mean_the_default() {
        for query in ["", "page=-1&per_page=x", "page=&per_page=-5"] {
            assert_eq!(params(query).await.page(), Page::new(0, 0), "{query}");
        }
        assert_eq!(params("page=2&per_page=10").await.page(), Page::new(2, 10));
    }

    #[tokio::test]
    async fn wrong_times_and_ids_are_refused() {
        assert!(params("since=x").await.time("since").is_err());
        assert_eq!(params("since=5").await.time("since").unwrap(), Some(5));
        assert_eq!(params("").await.time("since").unwrap(), None);
        assert!(params("before=zz").await.id("before").is_err());
        assert!(params("flag=TRUE").await.flag("flag"));
    }
}
