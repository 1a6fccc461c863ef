//! Storage of users and their unique names. Callers have already checked permissions.

use crate::boundary::output::{Effect, Event};
use crate::model::{User, kind};
use crate::objects::{administrators, user_index};
use crate::rows::id::UserNo;
use crate::rows::tx::{Read, Tx};
use crate::sharing::{directory, feed};
use crate::wire::json::{Document, JsonType};
use crate::wire::write::JsonWriter;

/// Stores a new user under its id, its name and its e-mail address, which the caller has checked to be free,
/// and notifies everybody.
pub fn insert(tx: &mut Tx<'_>, user: &User) -> UserNo {
    let no = tx.next_user();
    tx.bind_id(kind::USER, user.id, no.0);
    tx.bind_name(kind::USERNAME, &user.username, no.0);
    tx.bind_name(kind::EMAIL, &user.email, no.0);
    tx.put(&no, user);
    user_index::change(tx, no, None, user);
    administrators::change(tx, no, None, user);
    if user.origin.is_ours() {
        directory::changed(tx);
    }
    tx.effect(Effect::Event(Event::NewUser(no)));
    no
}

/// Gives a user another name, which the caller has checked to be free; [`update`] stores the row.
pub fn rename(tx: &mut Tx<'_>, no: UserNo, user: &mut User, username: String) {
    if username != user.username {
        tx.unbind_name(kind::USERNAME, &user.username);
        tx.bind_name(kind::USERNAME, &username, no.0);
        user.username = username;
    }
}

/// Stores a changed user, adds it to the feed and notifies everybody. Stamps `update_at` with the step's
/// time, or one more than before, so that every version is distinct.
pub fn update(tx: &mut Tx<'_>, no: UserNo, mut user: User) {
    user.update_at = tx.now_ms().max(user.update_at.saturating_add(1));
    feed::user_changed(tx, no, &mut user);
    let old = tx.get::<User>(&no);
    user_index::change(tx, no, old.as_ref(), &user);
    administrators::change(tx, no, old.as_ref(), &user);
    tx.put(&no, &user);
    tx.effect(Effect::Event(Event::UserUpdated(no)));
}

/// Rebuilds properties that are texts from JSON: members that are not texts, and those in `without`, are left out,
/// and `with` is added. Empty if nothing is left.
#[must_use]
pub fn props_of(json: &str, without: &[&str], with: Option<(&str, &str)>) -> String {
    let mut writer = JsonWriter::new();
    let mut any = false;
    writer.begin_object();
    let mut write = |key: &str, text: &str| {
        writer.key(key);
        writer.text(text);
        any = true;
    };
    if let Ok(document) = Document::parse(json.as_bytes()) {
        let children = document.root().children();
        for child in children.filter(|child| child.kind() == JsonType::String) {
            let key = child.key();
            let Ok(text) = child.as_text() else { continue };
            if !without.iter().any(|own| key.eq_ignore_ascii_case(own)) {
                write(&key, &text);
            }
        }
    }
    if let Some((key, text)) = with {
        write(key, text);
    }
    writer.end_object();
    if any {
        String::from_utf8(writer.finish()).unwrap_or_default()
    } else {
        String::new()
    }
}
