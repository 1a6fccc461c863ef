//! Changes of a stored post by steps.

use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::{Object, Reply};
use causeway_kernel::command::{
    AcknowledgePost, AddReaction, Command, DeletePost, EditPost, RemoveReaction,
    WithdrawAcknowledgement,
};
use causeway_kernel::model::{Acknowledgement, Post, Reaction, VerdictRow};
use causeway_kernel::rows::id::PostNo;

use crate::look::describe::describe;
use crate::look::names::{Names, plain, quoted, way};
use crate::look::walk::Seen;

/// A command about the post, and its refusal.
pub(super) fn by_command(seen: &Seen<'_>, no: PostNo) -> Option<String> {
    let Ok(Input::Command { command, .. }) = &seen.input else {
        return None;
    };
    let is_about = match command {
        Command::CreatePost(_) => seen.reply() == Some(Reply::Object(Object::Post(no))),
        Command::EditPost(EditPost { post, .. })
        | Command::DeletePost(DeletePost { post })
        | Command::AcknowledgePost(AcknowledgePost { post })
        | Command::WithdrawAcknowledgement(WithdrawAcknowledgement { post })
        | Command::AddReaction(AddReaction { post, .. })
        | Command::RemoveReaction(RemoveReaction { post, .. }) => *post == no,
        _ => false,
    };
    if !is_about {
        return None;
    }
    let description = describe(seen);
    let is_stored = seen.changes::<Post>().iter().any(|it| it.key == no);
    let end = match (seen.reply(), &description.stopped) {
        (_, Some(stopped)) => format!("; stopped: {stopped}"),
        (Some(Reply::Refused(refusal)), _) => format!("; refused: {}", plain(&refusal.message)),
        _ if matches!(command, Command::CreatePost(_)) && !is_stored => {
            "; a repetition, nothing changes".into()
        }
        _ => String::new(),
    };
    Some(format!("{}{end}", description.what))
}

/// Changes of the post's row, and of its reactions and acknowledgements.
pub(super) fn of_rows(seen: &Seen<'_>, no: PostNo) -> Vec<String> {
    let names = Names(seen.rows);
    let mut out = Vec::new();
    for change in seen.changes::<Post>() {
        if change.key == no
            && let Some(new) = change.new
        {
            match change.old {
                Some(old) => out.extend(differences(&old, &new)),
                None => out.push(format!(
                    "stored as a post of {} in {}: {}{}",
                    names.user(new.user),
                    names.channel(new.channel),
                    quoted(&new.message),
                    if new.delete_at == 0 { "" } else { ", deleted" }
                )),
            }
        }
    }
    for change in seen.changes::<Reaction>() {
        let (post, user, emoji) = &change.key;
        if *post != no {
            continue;
        }
        let is_live = |row: &Option<Reaction>| row.as_ref().is_some_and(|it| it.delete_at == 0);
        let (who, emoji) = (names.user(*user), plain(emoji));
        match (is_live(&change.old), is_live(&change.new)) {
            (false, true) => out.push(format!("{who} reacted with :{emoji}:")),
            (true, false) => out.push(format!("the reaction :{emoji}: of {who} was removed")),
            _ => {}
        }
    }
    for change in seen.changes::<Acknowledgement>() {
        let (post, user) = change.key;
        if post != no {
            continue;
        }
        let who = names.user(user);
        let stands = |row: &Option<Acknowledgement>| row.is_some_and(|it| it.acknowledged_at != 0);
        match (stands(&change.old), stands(&change.new)) {
            (_, true) => out.push(format!("{who} acknowledged it")),
            (true, false) => out.push(format!("the acknowledgement by {who} was withdrawn")),
            (false, false) => {}
        }
    }
    out
}

fn differences(old: &Post, new: &Post) -> Vec<String> {
    let mut out = Vec::new();
    if old.delete_at == 0 && new.delete_at != 0 {
        let by = if new.moderated {
            " by a moderator here"
        } else {
            ""
        };
        out.push(format!("deleted{by}"));
    } else if old.message != new.message {
        out.push(format!(
            "its text changed from {} to {}",
            quoted(&old.message),
            quoted(&new.message)
        ));
    }
    if old.is_pinned != new.is_pinned {
        out.push(if new.is_pinned { "pinned" } else { "unpinned" }.into());
    }
    if old.props != new.props {
        out.push("its properties changed".into());
    }
    if old.priority != new.priority && new.delete_at == 0 {
        out.push("its priority changed".into());
    }
    if old.files != new.files && new.delete_at == 0 {
        out.push("its files changed".into());
    }
    out
}

/// The policies' verdicts on the post in this step that are stored.
pub(super) fn verdicts(seen: &Seen<'_>, post: &str) -> Vec<String> {
    let names = Names(seen.rows);
    let mut out = Vec::new();
    for change in seen.changes::<VerdictRow>() {
        let (connection, asked, id) = change.key;
        if id.as_str() != post {
            continue;
        }
        let way = way(asked);
        let who = names.connection(connection);
        out.push(match change.new {
            Some(row) if !row.allowed => {
                format!("a policy denied it {way} {who}: {}", plain(&row.reason))
            }
            Some(row) => {
                let revision = row.revised.unwrap_or_default();
                let texts = revision.texts.iter().map(|leaf| &leaf.text);
                let texts: Vec<String> = revision
                    .message
                    .iter()
                    .chain(texts)
                    .map(|it| quoted(it))
                    .collect();
                format!("a policy revised it {way} {who}: {}", texts.join(", "))
            }
            None => format!("the earlier verdict on it {way} {who} was withdrawn"),
        });
    }
    out
}
