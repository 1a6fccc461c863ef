//! Names of the objects of a session, for sentences.

use causeway_kernel::boundary::input::Actor;
use causeway_kernel::boundary::policy::Direction;
use causeway_kernel::model::{Asked, Channel, Connection, Post, Team, User};
use causeway_kernel::objects::direct::Participants;
use causeway_kernel::rows::id::{ChannelNo, ConnectionNo, PostNo, TeamNo, UserNo};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;

use causeway_engine::MemoryRows;

/// Maximum characters of a message on a line.
const TEXT_CHARS: usize = 60;
/// Maximum characters of a name, a reason or an error.
const WORDS_CHARS: usize = 200;

/// Whether a character would control a terminal instead of being shown: control characters, Unicode
/// line separators, and characters that change the text direction.
#[must_use]
pub fn steers(character: char) -> bool {
    let turns = matches!(character, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    character.is_control() || turns || matches!(character, '\u{2028}' | '\u{2029}')
}

/// A text on one line; characters that would control a terminal are escaped.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if steers(character) {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    out
}

/// A foreign text on one line, cut to a length.
fn line(text: &str, chars_max: usize) -> String {
    let end = text.char_indices().nth(chars_max).map(|(at, _)| at);
    let start = end.and_then(|end| text.get(..end));
    let mut out = printable(start.unwrap_or(text));
    if start.is_some() {
        out.push('…');
    }
    out
}

/// A message in quotes, cut to one line.
#[must_use]
pub fn quoted(message: &str) -> String {
    format!("“{}”", line(message, TEXT_CHARS))
}

/// A foreign name, reason or error on one line.
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

/// The preposition for the direction in a verdict's key, before the name of the connection.
#[must_use]
pub fn way(asked: u8) -> &'static str {
    match Asked::direction(asked) {
        Direction::Inbound => "from",
        Direction::Outbound => "to",
    }
}

/// Names from the rows of a session; objects without a row are called by their number.
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

    /// A user by id.
    #[must_use]
    pub fn user_of(&self, id: &str) -> String {
        let known = lookup::user(self.0, id);
        known.map_or_else(|| format!("user {}", plain(id)), |no| self.user(no))
    }

    /// A team's URL name.
    #[must_use]
    pub fn team(&self, no: TeamNo) -> String {
        match self.0.get::<Team>(&no) {
            Some(team) => plain(&team.name),
            None => format!("team {}", no.0),
        }
    }

    /// A channel's URL name.
    #[must_use]
    pub fn channel(&self, no: ChannelNo) -> String {
        match self.0.get::<Channel>(&no) {
            Some(channel) => match Participants::of_channel(self.0, no, channel.place) {
                Some(people) => {
                    let names: Vec<String> = people.users().map(|user| self.user(user)).collect();
                    format!("the messages of {}", names.join(", "))
                }
                None => plain(&channel.name),
            },
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

    /// The actor of a command.
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
        assert_eq!(quoted("a\nb\u{1b}[31m"), "“a\\nb\\u{1b}[31m”");
        let long = quoted(&"ü".repeat(TEXT_CHARS + 1));
        assert_eq!(long, format!("“{}…”", "ü".repeat(TEXT_CHARS)));
        assert_eq!([count(0, "post"), count(1, "post")], ["0 posts", "1 post"]);
    }

    #[test]
    fn what_no_row_names_is_called_by_its_number() {
        let rows = MemoryRows::default();
        let names = Names(&rows);
        assert_eq!(names.user(UserNo(3)), "user 3");
        assert_eq!(names.team(TeamNo(1)), "team 1");
        assert_eq!(names.channel_of("x"), "channel x");
        assert_eq!(names.actor(Actor::System), "the operator");
    }
}
