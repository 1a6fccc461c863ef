//! `User`.

use std::collections::BTreeMap;

use causeway_kernel::model::{User, UserClass};
use causeway_kernel::rows::id::UserNo;
use causeway_kernel::rows::tx::Read;
use causeway_kernel::wire::message::{DEFAULT_TIMEZONE, GUEST};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Views, non_empty, stored};
use crate::query::notifications::{self, NotifyProps};

/// Properties that we set ourselves for remote users; a peer's values for them are not shown.
const OWN_PROPS: [&str; 3] = ["OriginalRemoteId", "RemoteEmail", "RemoteUsername"];

/// A user as clients see them.
#[derive(Serialize)]
pub struct UserView<'a> {
    id: &'a str,
    create_at: i64,
    update_at: i64,
    delete_at: i64,
    username: &'a str,
    auth_service: &'a str,
    email: &'a str,
    nickname: &'a str,
    first_name: &'a str,
    last_name: &'a str,
    position: &'a str,
    roles: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    props: Option<BTreeMap<String, Prop<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notify_props: Option<NotifyProps>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_picture_update: Option<i64>,
    locale: &'a str,
    timezone: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_bot: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bot_description: Option<String>,
    disable_welcome_email: bool,
}

/// A property: set by a peer or a client, or by us.
#[derive(Serialize)]
#[serde(untagged)]
enum Prop<'a> {
    Stored(&'a RawValue),
    Own(&'a str),
}

impl<R: Read + ?Sized> Views<'_, R> {
    /// A user. The real address of a remote user is shown to administrators only.
    pub fn user<'a>(&self, user_no: UserNo, user: &'a User) -> UserView<'a> {
        let sees_settings =
            user.origin.is_ours() && (self.viewer.is(user_no) || self.viewer.is_admin());
        let timezone = match user.timezone.as_str() {
            "" => DEFAULT_TIMEZONE,
            own => own,
        };
        let class = self.user_class(user_no);
        let is_guest = class == Some(UserClass::Guest);
        let bot_description = match class {
            Some(UserClass::Bot { description, .. }) => Some(description),
            Some(UserClass::Guest) | None => None,
        };
        UserView {
            id: user.id.as_str(),
            create_at: user.create_at,
            update_at: user.update_at,
            delete_at: user.delete_at,
            username: &user.username,
            auth_service: "",
            email: &user.email,
            nickname: &user.nickname,
            first_name: &user.first_name,
            last_name: &user.last_name,
            position: &user.position,
            roles: if is_guest { GUEST } else { &user.roles },
            props: self.user_props(user),
            notify_props: sees_settings.then(|| notifications::of_account(self.rows, user_no)),
            last_picture_update: Some(user.last_picture_update).filter(|at| *at != 0),
            locale: &user.locale,
            timezone: stored(timezone).or_else(|| stored(DEFAULT_TIMEZONE)),
            remote_id: non_empty(self.remote_id(user.origin)),
            is_bot: bot_description.is_some().then_some(true),
            bot_description,
            disable_welcome_email: false,
        }
    }

    /// `None` for a local user without properties.
    fn user_props<'a>(&self, user: &'a User) -> Option<BTreeMap<String, Prop<'a>>> {
        // A value that is not an object has no properties.
        let found: BTreeMap<String, &'a RawValue> =
            serde_json::from_str(&user.props).unwrap_or_default();
        let mut props: BTreeMap<String, Prop<'a>> = found
            .into_iter()
            .map(|(name, value)| (name, Prop::Stored(value)))
            .collect();
        let Some(remote) = &user.remote else {
            return Some(props).filter(|props| !props.is_empty());
        };
        props.retain(|name, _| !OWN_PROPS.iter().any(|own| name.eq_ignore_ascii_case(own)));
        let email = if self.viewer.is_admin() {
            &remote.email
        } else {
            ""
        };
        let own = [&*remote.original_remote_id, email, &*remote.username];
        for (name, value) in OWN_PROPS.into_iter().zip(own) {
            if !value.is_empty() {
                props.insert(name.to_string(), Prop::Own(value));
            }
        }
        Some(props)
    }
}
