//! Names of what a session is about, for sentences.

use causeway_kernel::boundary::input::Actor;
use causeway_kernel::boundary::policy::Direction;
use causeway_kernel::model::{Asked, Channel, Connection, Post, User};
use causeway_kernel::rows::id::{ChannelNo, ConnectionNo, PostNo, UserNo};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;

use causeway_engine::MemoryRows;

/// Characters of a message in a line.
const TEXT_CHARS: usize = 60;
/// Characters of a name, a reason or an error.
const WORDS_CHARS: usize = 200;

/// Words of others on one line: no control characters, cut to a length.
fn line(text: &str, chars_max: usize) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    let mut out: String = text.chars().take(chars_max).map(clean).collect();
    if text.chars().nth(chars_max).is_some() {
        out.push('…');
    }
    out
}

/// A message in quotes, cut to one line.
#[must_use]
pub fn quoted(message: &str) -> String {
    format!("“{}”", line(message, TEXT_CHARS))
}

/// A name, a reason or an error of others on one line.
#[must_use]
pub fn plain(text: &str) -> String {
    line(text, WORDS_CHARS)
}

/// `1 post`, `2 posts`.
#[must_use]
pub fn count(number: usize, name: &str) -> String {
    if number == 1 {
        format!("1 {name}")
    } else {
        format!("{number} {name}s")
    }
}

/// Which way an object travels by the key of a verdict, before the name of the connection.
#[must_use]
pub fn way(asked: u8) -> &'static str {
    match Asked::direction(asked) {
        Direction::Inbound => "from",
        Direction::Outbound => "to",
    }
}

/// Names by the rows of a session; what no row names is called by its number.
#[derive(Clone, Copy, Debug)]
pub struct Names<'r>(pub &'r MemoryRows);

impl Names<'_> {
    /// A user's name.
    #[must_use]
    pub fn user(&self, no: UserNo) -> String {
        match self.0.get::<User>(&no) {
            Some(user) => plain(&user.username),
            None => format!("user {}", no.0),
        }
    }

    /// A channel's URL name.
    #[must_use]
    pub fn channel(&self, no: ChannelNo) -> String {
        match self.0.get::<Channel>(&no) {
            Some(channel) => plain(&channel.name),
            None => format!("channel {}", no.0),
        }
    }

    /// A channel by id.
    #[must_use]
    pub fn channel_of(&self, id: &str) -> String {
        let known = lookup::channel(self.0, id);
        known.map_or_else(|| format!("channel {}", plain(id)), |no| self.channel(no))
    }

    /// A connection's local name.
    #[must_use]
    pub fn connection(&self, no: ConnectionNo) -> String {
        match self.0.get::<Connection>(&no) {
            Some(connection) => plain(&connection.name),
            None => format!("connection {}", no.0),
        }
    }

    /// A post's id.
    #[must_use]
    pub fn post(&self, no: PostNo) -> String {
        match self.0.get::<Post>(&no) {
            Some(post) => post.id.to_string(),
            None => format!("post {}", no.0),
        }
    }

    /// Who acts in a command.
    #[must_use]
    pub fn actor(&self, actor: Actor) -> String {
        match actor {
            Actor::System => "the operator".into(),
            Actor::Anonymous => "somebody without an account".into(),
            Actor::User(no) => self.user(no),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_others_stay_on_one_line() {
        assert_eq!(quoted("a\nb\u{1b}[31m"), "“a b [31m”");
        let long = quoted(&"ü".repeat(TEXT_CHARS + 1));
        assert_eq!(long, format!("“{}…”", "ü".repeat(TEXT_CHARS)));
        assert_eq!([count(0, "post"), count(1, "post")], ["0 posts", "1 post"]);
    }

    #[test]
    fn what_no_row_names_is_called_by_its_number() {
        let rows = MemoryRows::default();
        let names = Names(&rows);
        assert_eq!(names.user(UserNo(3)), "user 3");
        assert_eq!(names.channel_of("x"), "channel x");
        assert_eq!(names.actor(Actor::System), "the operator");
    }
}
