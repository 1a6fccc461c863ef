//! The contents of a round's messages: a file for each section, and one list of all sections.
//!
//! A new kind of content needs a variant of [`Section`] (and of [`FeedObject`] and [`RoundItem`] if it is in
//! the feed), a file here and a place in the list; the compiler requires each of them.
//!
//! [`FeedObject`]: crate::model::FeedObject

mod acknowledgements;
mod directory;
mod invite;
mod memberships;
mod parts;
mod posts;
mod reactions;
mod sharing_state;
mod statuses;
pub mod users;

pub use posts::wire_len;

use super::plan::Plan;
use super::receipt;
use super::work::Work;
use crate::boundary::behaviour::Behaviour;
use crate::boundary::env::Rows;
use crate::model::{RoundItem, Section};
use crate::rows::tx::Tx;
use crate::wire::frame;
use crate::wire::message::{SyncSection, encode_sync};
use crate::wire::response::{Answer, SyncResponse};
use crate::wire::write::JsonWriter;

/// The content of a section's messages.
pub trait Content {
    /// The content of one message.
    type Message;

    /// Takes the content of the next message from the round, with the items needed to interpret the answer;
    /// `None` if the round has nothing (more) for this section, or if the plan says that it goes on later.
    fn collect(
        tx: &mut Tx<'_>,
        work: &mut Work,
        plan: &mut RoundPlan,
    ) -> Option<(Vec<RoundItem>, Self::Message)>;

    /// The message in the format of the peer's generation.
    fn payload(tx: &mut Tx<'_>, work: &Work, message: Self::Message) -> Option<Payload>;

    /// The peer accepted the message, but possibly not all of its items.
    fn delivered(tx: &mut Tx<'_>, work: &mut Work, response: &SyncResponse) -> Rest;

    /// The outcome of the message is unknown. Items that may be sent only once leave the round; everything
    /// else is sent again.
    fn lost(_tx: &mut Tx<'_>, _work: &mut Work) {}

    /// The message was not carried out: reverts what `collect` recorded as sent.
    fn undo(_tx: &mut Tx<'_>, _work: &Work) {}

    /// The peer answered. Messages other than sync messages interpret answers in their own way.
    fn answered(tx: &mut Tx<'_>, work: Work, answer: Answer) {
        receipt::sync_answered(tx, work, answer);
    }
}

/// What remains of a section after a message was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Possibly another message of the round.
    More,
    /// Nothing.
    None,
}

/// A message's topic and payload.
pub struct Payload {
    topic: &'static str,
    bytes: Vec<u8>,
}

/// What is known of a round while its next message is looked for.
#[derive(Default)]
pub struct RoundPlan {
    /// The plan of its posts, made when first needed by a section.
    posts: Option<Plan>,
    /// Whether a section that found nothing to send has looked at as much as a step may, and not at all of it.
    goes_on_later: bool,
}

impl RoundPlan {
    fn get(&mut self, tx: &mut Tx<'_>, work: &mut Work) -> &mut Plan {
        self.posts
            .get_or_insert_with(|| super::plan::make(tx, work))
    }
}

/// What a round has to send next.
pub enum Next {
    /// This frame.
    Frame(Vec<u8>),
    /// Not known yet: a later step goes on looking.
    Later,
    /// Nothing (more).
    Nothing,
}

/// Defines the list of sections. Each line is a kind of round: its sections, in the order of their messages.
macro_rules! sections {
    ($($($section:ident => $content:ty),+;)+) => {
        /// The next section in rounds of this kind.
        pub fn after(section: Section) -> Option<Section> {
            let round: &[Section] = match section {
                $($(Section::$section)|+ => &[$(Section::$section),+],)+
            };
            let at = round.iter().position(|it| *it == section)?;
            round.get(at + 1).copied()
        }

        fn next_of(
            tx: &mut Tx<'_>,
            work: &mut Work,
            plan: &mut RoundPlan,
        ) -> Option<Vec<u8>> {
            match work.round.section {
                $($(Section::$section => frame_of::<$content>(tx, work, plan),)+)+
            }
        }

        /// See [`Content::delivered`].
        pub fn delivered(
            tx: &mut Tx<'_>,
            work: &mut Work,
            response: &SyncResponse,
        ) -> Rest {
            match work.round.section {
                $($(Section::$section => <$content>::delivered(tx, work, response),)+)+
            }
        }

        /// See [`Content::lost`].
        pub fn lost(tx: &mut Tx<'_>, work: &mut Work) {
            match work.round.section {
                $($(Section::$section => <$content>::lost(tx, work),)+)+
            }
        }

        /// See [`Content::undo`].
        pub fn undo(tx: &mut Tx<'_>, work: &Work) {
            match work.round.section {
                $($(Section::$section => <$content>::undo(tx, work),)+)+
            }
        }

        /// See [`Content::answered`].
        pub fn answered(tx: &mut Tx<'_>, work: Work, answer: Answer) {
            match work.round.section {
                $($(Section::$section => <$content>::answered(tx, work, answer),)+)+
            }
        }
    };
}

sections! {
    Invite => invite::Invitation;
    SharingState => sharing_state::State;
    Directory => directory::Directory;
    Users => users::Profiles, Memberships => memberships::Memberships, Posts => posts::Posts,
        Acknowledgements => acknowledgements::Acknowledgements, Reactions => reactions::Reactions,
        Statuses => statuses::Statuses;
}

/// The frame of a round's next message.
pub fn next_frame(tx: &mut Tx<'_>, work: &mut Work) -> Next {
    let mut plan = RoundPlan::default();
    loop {
        if let Some(frame) = next_of(tx, work, &mut plan) {
            return Next::Frame(frame);
        }
        if plan.goes_on_later {
            return Next::Later;
        }
        match after(work.round.section) {
            Some(section) => work.round.section = section,
            None => return Next::Nothing,
        }
    }
}

fn frame_of<C: Content>(tx: &mut Tx<'_>, work: &mut Work, plan: &mut RoundPlan) -> Option<Vec<u8>> {
    let (items, message) = C::collect(tx, work, plan)?;
    work.round.items = items;
    let Payload { topic, bytes } = C::payload(tx, work, message)?;
    let id = tx.new_id();
    let remote_id = work.connection().remote_id;
    Some(frame::encode(remote_id, id, topic, tx.now_ms(), &bytes))
}

/// The JSON writer for payloads of this workspace.
fn writer(tx: &Tx<'_>) -> JsonWriter {
    if Behaviour::PortableTexts.is_in_force(tx) {
        JsonWriter::portable()
    } else {
        JsonWriter::new()
    }
}

/// A sync message for the round's channel.
fn sync(tx: &mut Tx<'_>, work: &Work, section: &SyncSection<'_>) -> Option<Payload> {
    let channel = tx.channel(work.round.channel)?;
    let id = tx.new_id();
    Some(Payload {
        topic: frame::TOPIC_SYNC,
        bytes: encode_sync(writer(tx), work.generation(), id, channel.id, section),
    })
}
