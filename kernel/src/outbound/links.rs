//! Links to posts, for a Mattermost server. It shows `https://host/team/plshared/id` as a link to its own copy of the
//! post, so a link of this workspace to a post that the peer has is written like that. Another Causeway recognises
//! links by itself. Semantics §5.10.

use crate::boundary::env::Rows;
use crate::model::limits::MESSAGE_CHARS_MAX;
use crate::model::{Link, LinkState, PeerKind, Post};
use crate::outbound::exception;
use crate::outbound::plan::{has_old, is_local};
use crate::outbound::work::Work;
use crate::rows::counters::workspace;
use crate::rows::id::FeedSeq;
use crate::rows::lookup;
use crate::rows::tx::{Read, Tx};

/// Links in one text that are looked at; the others stay as they are.
const LINKS_MAX: usize = 50;
/// Maximum bytes of a team's name in a link.
const TEAM_BYTES_MAX: usize = 64;

/// The text of a post, sent with this feed sequence, as a peer gets it; `None` if it stays as it is.
pub fn for_peer(tx: &Tx<'_>, work: &Work, (post, seq): (&Post, FeedSeq)) -> Option<String> {
    let is_candidate = work.connection().kind == PeerKind::Mattermost11
        && post.origin.is_ours()
        && post.message.contains("/pl/");
    if !is_candidate {
        return None;
    }
    // The receiver changes nothing in channels outside teams.
    tx.channel(work.round.channel)?.place.team()?;
    let site_url = workspace(tx)?.site_url;
    let site_url = site_url.trim_end_matches('/');
    let host = host(site_url)?;
    let mut text = String::with_capacity(post.message.len());
    let mut rest = post.message.as_str();
    for _ in 0..LINKS_MAX {
        let Some((before, path)) = rest.split_once(site_url) else {
            break;
        };
        text.push_str(before);
        match target(path) {
            Some((team, id, after)) if is_at_peer(tx, work, id, seq) => {
                // The receiver recognises neither ports nor paths, and replaces the host.
                text.push_str(&format!("https://{host}/{team}/plshared/{id}"));
                rest = after;
            }
            _ => {
                text.push_str(site_url);
                rest = path;
            }
        }
    }
    text.push_str(rest);
    let fits = text.len() <= MESSAGE_CHARS_MAX || text.chars().count() <= MESSAGE_CHARS_MAX;
    (fits && text != post.message).then_some(text)
}

/// The host of an address as the receiver recognises one.
fn host(site_url: &str) -> Option<&str> {
    let (_, rest) = site_url.split_once("://")?;
    let host = rest.split([':', '/']).next()?;
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    (!host.is_empty() && host.bytes().all(is_part)).then_some(host)
}

/// Team and id of a link to a post, and the text after it.
fn target(path: &str) -> Option<(&str, &str, &str)> {
    let (team, rest) = path.strip_prefix('/')?.split_once("/pl/")?;
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if team.is_empty() || team.len() > TEAM_BYTES_MAX || !team.bytes().all(is_part) {
        return None;
    }
    let length = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
    let (id, after) = rest.split_at_checked(length)?;
    Some((team, id, after))
}

/// Whether the peer has a post when it gets one of this feed sequence: it was sent, or is sent with it or before it.
fn is_at_peer(tx: &Tx<'_>, work: &Work, id: &str, seq: FeedSeq) -> bool {
    let Some(no) = lookup::post(tx, id) else {
        return false;
    };
    let Some(post) = tx.get::<Post>(&no).filter(|post| post.delete_at == 0) else {
        return false;
    };
    if is_local(tx, work.connection().kind, &post) {
        return false;
    }
    let link = tx.get::<Link>(&(post.channel, work.connection_no));
    let Some(link) = link.filter(|link| link.state == LinkState::Active) else {
        return false;
    };
    let is_held_back = exception::of_post(tx, (post.channel, work.connection_no), no)
        .is_some_and(|row| row.epoch == link.epoch && exception::blocks(&row, post.edit_at));
    let until = if post.channel == work.round.channel {
        link.cursor.seq.max(seq)
    } else {
        link.cursor.seq
    };
    let is_sent = if no <= link.posts_before {
        has_old(tx, (work.connection_no, &link), no, &post)
    } else {
        post.origin == work.peer() || post.feed_seq <= until
    };
    is_sent && !is_held_back
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_that_the_receiver_recognises_are_written() {
        for (site_url, expected) in [
            ("https://chat.example.org", Some("chat.example.org")),
            ("http://127.0.0.1:8065", Some("127.0.0.1")),
            ("https://a.example/sub", Some("a.example")),
            ("http://[::1]:8065", None),
            ("https://bücher.example", None),
            ("", None),
        ] {
            assert_eq!(host(site_url), expected, "{site_url}");
        }
    }

    #[test]
    fn links_are_recognised_whole() {
        assert_eq!(
            target("/crew/pl/abc1, and"),
            Some(("crew", "abc1", ", and"))
        );
        assert_eq!(target("/crew/pl/"), Some(("crew", "", "")));
        for path in [
            "",
            "/",
            "crew/pl/a",
            "/a/b/pl/c",
            "/Crew/pl/a",
            "//pl/a",
            "/c é/pl/a",
        ] {
            assert_eq!(target(path), None, "{path}");
        }
    }
}
