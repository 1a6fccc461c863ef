//! Selects the steps of a session to show.

use causeway_kernel::boundary::input::{Actor, Input};
use causeway_kernel::model::{Channel, Connection, Round, RoundItem};
use causeway_kernel::rows::id::{ChannelNo, ConnectionNo, PostNo, UserNo};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;

use super::describe::kind_name;
use super::subjects::Subjects;
use super::walk::Seen;
use causeway_engine::runtime::StepOutput;

/// Conditions, all of which a step has to meet. Objects are given by id or by name, as in the rows
/// after the step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Not before this time, in ms.
    pub from_ms: Option<i64>,
    /// Before this time, in ms.
    pub to_ms: Option<i64>,
    /// Not before this entry.
    pub first_seq: Option<u64>,
    /// With this kind of input; see [`KINDS`](super::describe::KINDS).
    pub kind: Option<String>,
    /// About this connection.
    pub connection: Option<String>,
    /// About this channel.
    pub channel: Option<String>,
    /// By or about this user.
    pub user: Option<String>,
    /// About the post with this id.
    pub post: Option<String>,
    /// Only masked steps that decided differently from the real ones.
    pub only_deviations: bool,
}

impl Filter {
    /// Whether a step meets every condition.
    #[must_use]
    pub fn fits(&self, seen: &Seen<'_>) -> bool {
        let step = seen.step;
        self.from_ms.is_none_or(|from| step.time_ms >= from)
            && self.to_ms.is_none_or(|to| step.time_ms < to)
            && self.first_seq.is_none_or(|first| step.seq >= first)
            && self
                .kind
                .as_ref()
                .is_none_or(|it| it == kind_name(step.kind))
            && (!self.only_deviations || step.deviation.is_some())
            && self.is_about(seen)
    }

    fn is_about(&self, seen: &Seen<'_>) -> bool {
        let names = [&self.connection, &self.channel, &self.user, &self.post];
        if names.iter().all(|it| it.is_none()) {
            return true;
        }
        let about = About::of(seen);
        let meets =
            |name: &Option<String>, is_it: &dyn Fn(&str) -> bool| name.as_deref().is_none_or(is_it);
        meets(&self.connection, &|name| about.connection(name))
            && meets(&self.channel, &|name| about.channel(name))
            && meets(&self.user, &|name| about.user(name))
            && meets(&self.post, &|id| about.post(id))
    }
}

/// What a step is about.
struct About<'s> {
    seen: &'s Seen<'s>,
    subjects: Subjects,
}

impl<'s> About<'s> {
    fn of(seen: &'s Seen<'s>) -> About<'s> {
        let nothing = StepOutput::default();
        let output = seen.output().unwrap_or(&nothing);
        let subjects = match &seen.input {
            Ok(input) => Subjects::of(input, output, seen.rows),
            Err(_) => Subjects::default(),
        };
        About { seen, subjects }
    }

    fn connection(&self, name: &str) -> bool {
        let rows = self.seen.rows;
        let is_it = |no: &ConnectionNo| {
            let row = rows.get::<Connection>(no);
            row.is_some_and(|row| row.name == name || row.remote_id.as_str() == name)
        };
        self.subjects.connections.iter().any(is_it)
    }

    fn channel(&self, name: &str) -> bool {
        let rows = self.seen.rows;
        let mut ids = vec![name.to_string()];
        let is_it = |no: ChannelNo, row: &Channel| {
            (row.name == name || row.id.as_str() == name) && self.subjects.channels.contains(&no)
        };
        for (no, row) in rows.records::<Channel>() {
            if is_it(no, &row) {
                return true;
            }
            if row.name == name {
                ids.push(row.id.to_string());
            }
        }
        // A frame that names the channel counts even if none of its items were taken.
        ids.iter().any(|id| self.is_in_frame(id))
    }

    fn user(&self, name: &str) -> bool {
        let rows = self.seen.rows;
        let found: Option<UserNo> =
            lookup::user(rows, name).or_else(|| lookup::username(rows, name));
        let is_actor = match &self.seen.input {
            Ok(Input::Command {
                actor: Actor::User(no),
                ..
            }) => found == Some(*no),
            _ => false,
        };
        is_actor
            || found.is_some_and(|no| self.subjects.users.contains(&no))
            || self.is_in_frame(name)
    }

    fn post(&self, id: &str) -> bool {
        let found = lookup::post(self.seen.rows, id);
        found.is_some_and(|no| self.subjects.posts.contains(&no) || self.is_in_round(no))
            || self.is_in_frame(id)
            || self.is_written(id)
    }

    /// Whether the input or an effect contains an id. Texts of another length are not ids.
    fn is_in_frame(&self, id: &str) -> bool {
        const ID_BYTES: usize = causeway_kernel::rows::id::ID_BYTES;
        let effects = self.seen.output().into_iter().flat_map(|it| &it.effects);
        let mut places = effects
            .map(Vec::as_slice)
            .chain([self.seen.step.input.as_slice()]);
        id.len() == ID_BYTES && places.any(|bytes| has(bytes, id))
    }

    /// Whether the writes contain an id, such as held items and verdicts.
    fn is_written(&self, id: &str) -> bool {
        let mut writes = self.seen.output().into_iter().flat_map(|it| &it.writes);
        writes.any(|write| {
            has(&write.key, id) || write.value.as_ref().is_some_and(|value| has(value, id))
        })
    }

    /// Whether the answered send contained a post.
    fn is_in_round(&self, no: PostNo) -> bool {
        let Ok(Input::Receipt(receipt)) = &self.seen.input else {
            return false;
        };
        let round = self.seen.before::<Round>(&receipt.connection);
        let items = round.map(|it| it.items).unwrap_or_default();
        items
            .iter()
            .any(|it| matches!(it, RoundItem::Post(held, _) if *held == no))
    }
}

fn has(bytes: &[u8], id: &str) -> bool {
    !id.is_empty() && bytes.windows(id.len()).any(|part| part == id.as_bytes())
}
