//! Messages in a channel about its sharing: an interruption, its end, the end of a sharing. They stay here: peers are
//! not sent them.

use crate::boundary::behaviour::Behaviour;
use crate::model::Post;
use crate::objects::posts;
use crate::rows::id::{ChannelNo, UserNo};
use crate::rows::tx::{Read, Tx};
use crate::wire::write::JsonWriter;

/// Type of the messages. The reference's line after 11.6 has it for messages about a channel's sharing, which
/// are never synchronised (semantics §8.5).
pub const POST_TYPE: &str = "system_shared_chan_state";

/// What a message is about: `shared_channel_state` in its properties.
#[derive(Clone, Copy)]
pub enum State {
    /// A peer is not reached.
    Interrupted,
    /// It is reached again.
    Restored,
    /// The channel is no longer shared with it.
    Unshared,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            State::Interrupted => "interrupted",
            State::Restored => "restored",
            State::Unshared => "unshared",
        }
    }
}

/// Whether a post is such a message of this workspace. No peer holds it, so replies to it and what peers add
/// to it could not reach everybody; they are refused.
pub fn is_notice(rows: &(impl Read + ?Sized), post: &Post) -> bool {
    post.kind == POST_TYPE && post.origin.is_ours() && Behaviour::LocalNotices.is_in_force(rows)
}

/// Writes a message; `workspace` is the display name of the peer that it is about, if it is about one.
pub fn post(
    tx: &mut Tx<'_>,
    channel: ChannelNo,
    author: UserNo,
    about: (State, Option<&str>),
    text: String,
) {
    let props = props(about);
    posts::insert_system(tx, channel, author, POST_TYPE, text, props);
}

fn props((state, workspace): (State, Option<&str>)) -> String {
    let mut props = JsonWriter::new();
    props.begin_object();
    props.text_field("shared_channel_state", state.name());
    if let Some(name) = workspace {
        props.text_field("workspace_name", name);
    }
    props.end_object();
    String::from_utf8(props.finish()).unwrap_or_default()
}
