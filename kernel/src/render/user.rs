//! `User`.

use super::Renderer;
use crate::model::User;
use crate::rows::id::UserNo;
use crate::rows::tx::Read;
use crate::wire::json::{Document, Kind};
use crate::wire::message::DEFAULT_TIMEZONE;
use crate::wire::write::JsonWriter;

/// Notification settings of an account that set none.
const NOTIFY_PROPS: &str = r#"{"channel":"true","comments":"never","desktop":"mention","desktop_sound":"true","desktop_threads":"all","email":"true","email_threads":"all","first_name":"false","mention_keys":"","push":"mention","push_status":"online","push_threads":"all"}"#;

/// Properties that we make ourselves for remote users; what a peer put there is not shown.
const OWN_PROPS: [&str; 3] = ["OriginalRemoteId", "RemoteEmail", "RemoteUsername"];

impl<R: Read + ?Sized> Renderer<'_, R> {
    /// A user. The real address of a remote user is shown to administrators only.
    pub fn user(&self, w: &mut JsonWriter, user_no: UserNo, user: &User) {
        w.begin_object();
        w.text_field("id", user.id.as_str());
        w.integer_field("create_at", user.create_at);
        w.integer_field("update_at", user.update_at);
        w.integer_field("delete_at", user.delete_at);
        w.text_field("username", &user.username);
        w.text_field("auth_service", "");
        w.text_field("email", &user.email);
        w.text_field("nickname", &user.nickname);
        w.text_field("first_name", &user.first_name);
        w.text_field("last_name", &user.last_name);
        w.text_field("position", &user.position);
        w.text_field("roles", &user.roles);
        self.user_props(w, user);
        if user.origin.is_ours() && (self.viewer.is(user_no) || self.viewer.is_admin()) {
            w.raw_field("notify_props", NOTIFY_PROPS);
        }
        if user.last_picture_update != 0 {
            w.integer_field("last_picture_update", user.last_picture_update);
        }
        w.text_field("locale", &user.locale);
        let own_zone = !user.timezone.is_empty();
        w.raw_field(
            "timezone",
            if own_zone {
                &user.timezone
            } else {
                DEFAULT_TIMEZONE
            },
        );
        w.text_field_if("remote_id", &self.remote_id(user.origin));
        w.boolean_field("disable_welcome_email", false);
        w.end_object();
    }

    fn user_props(&self, w: &mut JsonWriter, user: &User) {
        let stored = if user.props.is_empty() {
            "{}"
        } else {
            &user.props
        };
        let Some(remote) = &user.remote else {
            if stored != "{}" {
                w.raw_field("props", stored);
            }
            return;
        };
        w.key("props");
        w.begin_object();
        if let Ok(document) = Document::parse(stored.as_bytes())
            && document.root().kind() == Kind::Object
        {
            for value in document.root().children() {
                let key = value.key();
                if !OWN_PROPS.iter().any(|own| key.eq_ignore_ascii_case(own)) {
                    w.key(&key);
                    w.raw(value.raw().as_bytes());
                }
            }
        }
        w.text_field_if("OriginalRemoteId", &remote.original_remote_id);
        if self.viewer.is_admin() {
            w.text_field_if("RemoteEmail", &remote.email);
        }
        w.text_field_if("RemoteUsername", &remote.username);
        w.end_object();
    }
}
