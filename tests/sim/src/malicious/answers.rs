//! The peer's answers.

use causeway_kernel::boundary::input::Incarnation;
use causeway_kernel::model::PeerKind;
use causeway_kernel::rows::id::Id;
use serde_json::{Value, json};

use super::Mallory;
use super::grammar::Production as P;
use crate::frames::{self, Item};

/// The answer to a ping: its clock, and its claimed kind and incarnation.
pub type Pong = (i64, Option<PeerKind>, Option<Incarnation>);

impl Mallory {
    /// The answer to a message: status and body; `None` for no answer.
    pub fn answer(&mut self, frame: &[u8]) -> Option<(u16, Vec<u8>)> {
        let list = [
            (P::HonestAnswer, 60),
            (P::ErrorsNeverSent, 8),
            (P::UsersNeverSent, 8),
            (P::NullAnswer, 4),
            (P::FailAnswer, 4),
            (P::UnsharedAnswer, 2),
            (P::BrokenAnswer, 4),
            (P::StatusAnswer, 5),
            (P::NoAnswer, 2),
        ];
        let kind = self.one_of(&list);
        let (bytes, is_upload) = (frame, frames::announces(frame));
        let frame = frames::read(bytes);
        let (mut users, mut posts) = (Vec::new(), Vec::new());
        for (item, _) in frame.into_iter().flat_map(|frame| frame.items) {
            match item {
                Item::User(id) => users.push(id),
                Item::Post(id) => posts.push(id),
                Item::Reaction(..) => {}
            }
        }
        let body = match kind {
            P::ErrorsNeverSent => {
                posts.push(self.fresh().to_string());
                posts.push("\u{202e}".repeat(1_000));
                ok(&users, &posts)
            }
            P::UsersNeverSent => {
                let stranger = self.fresh().to_string();
                ok(&[stranger, String::new()], &[])
            }
            P::NullAnswer => json!({"status": "OK", "err": "", "payload": null}),
            P::FailAnswer => json!({"status": "FAIL", "err": "x".repeat(100_000), "payload": null}),
            P::UnsharedAnswer => {
                json!({"status": "FAIL", "err": "channel is no longer shared", "payload": null})
            }
            P::BrokenAnswer => return Some((200, b"{\"status\":\"OK\",\"payload\":{".to_vec())),
            P::StatusAnswer => {
                let statuses = [201, 204, 302, 400, 401, 413, 500, 503];
                let status = self.dice.pick(&statuses).copied().unwrap_or(500);
                return Some((status, b"<html>".to_vec()));
            }
            P::NoAnswer => return None,
            _ if is_upload => self.session(bytes)?,
            _ => ok(&users, &[]),
        };
        Some((200, body.to_string().into_bytes()))
    }

    /// The answer to a ping.
    pub fn pong(&mut self, now_ms: i64) -> Pong {
        let mut clock_ms = now_ms;
        if self.dice.chance(300) {
            self.uses(P::LyingClock);
            let clocks = [0, -1, i64::MAX, i64::MIN];
            clock_ms = self.dice.pick(&clocks).copied().unwrap_or(0);
        }
        let mut kind = None;
        if self.dice.chance(300) {
            self.uses(P::OtherKind);
            let kinds = [
                PeerKind::Causeway,
                PeerKind::Mattermost11,
                PeerKind::Mattermost2021,
            ];
            kind = self.dice.pick(&kinds).copied();
        }
        let mut incarnation = None;
        if self.dice.chance(300) {
            self.uses(P::OtherIncarnation);
            incarnation = Some(self.incarnation());
        }
        (clock_ms, kind, incarnation)
    }

    /// An incarnation that it claims.
    pub fn incarnation(&mut self) -> Incarnation {
        let id: Id = self.fresh();
        let number = u32::try_from(self.dice.below(1 << 32)).unwrap_or(0);
        Incarnation { id, number }
    }
}

fn ok(users: &[String], posts: &[String]) -> Value {
    json!({
        "status": "OK", "err": "",
        "payload": {"users_syncd": users, "post_errors": posts, "user_errors": null},
    })
}
