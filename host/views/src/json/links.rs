//! Links in the texts of other workspaces. Their people link to posts and channels under their own address, at which
//! readers here have no account. A link to what readers here have as well is shown as a link to this workspace.
//!
//! The stored text keeps what its author wrote, so what is shown follows a change of an address. Semantics §5.10, where
//! the reference rewrites the text itself, and only links within one channel (W40).

use std::borrow::Cow;
use std::cmp::Reverse;

use causeway_kernel::model::{Channel, Post, Team};
use causeway_kernel::rows::counters::workspace;
use causeway_kernel::rows::id::ChannelNo;
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;

use crate::query::sharing::connection_of_workspace;

/// Addresses of the peer in one text that are looked at; the others stay as they are.
const LINKS_MAX: usize = 50;
/// Bytes of a name or ID in a path; longer ones name nothing.
const SEGMENT_BYTES_MAX: usize = 64;

/// A text as readers see it.
pub(super) fn shown<'a>(rows: &(impl Read + ?Sized), post: &Post, text: &'a str) -> Cow<'a, str> {
    let is_candidate = |part| text.contains(part);
    if post.origin.is_ours()
        || !["/pl/", "/plshared/", "/channels/"]
            .into_iter()
            .any(is_candidate)
    {
        return text.into();
    }
    let Some(place) = Place::of(rows, post) else {
        return text.into();
    };
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    for _ in 0..LINKS_MAX {
        let Some((before, address, path)) = place.next_address(rest) else {
            break;
        };
        shown.push_str(before);
        match place.here(rows, address, path) {
            Some((link, after)) => {
                shown.push_str(&link);
                rest = after;
            }
            None => {
                shown.push_str(address);
                rest = path;
            }
        }
    }
    shown.push_str(rest);
    shown.into()
}

/// Where a text stands.
struct Place {
    channel_no: ChannelNo,
    channel: Channel,
    /// Name of the channel's team, if it has one.
    team: Option<String>,
    /// Addresses of both workspaces, without a slash at the end.
    theirs: String,
    ours: String,
}

impl Place {
    fn of(rows: &(impl Read + ?Sized), post: &Post) -> Option<Place> {
        let (_, connection) = connection_of_workspace(rows, post.origin)?;
        let theirs = connection.site_url.trim_end_matches('/').to_string();
        let ours = workspace(rows)?.site_url;
        let channel = rows.get::<Channel>(&post.channel)?;
        let team = channel.place.team();
        let team = team.and_then(|team| rows.get::<Team>(&team));
        (!theirs.is_empty()).then(|| Place {
            channel_no: post.channel,
            channel,
            team: team.map(|team| team.name),
            theirs,
            ours: ours.trim_end_matches('/').to_string(),
        })
    }

    /// The first address of one of the two workspaces in a text, and the texts before and after it.
    fn next_address<'a>(&'a self, text: &'a str) -> Option<(&'a str, &'a str, &'a str)> {
        let found = [self.theirs.as_str(), self.ours.as_str()].map(|address| {
            let at = text.find(address).filter(|_| !address.is_empty())?;
            Some((at, Reverse(address.len()), address))
        });
        // One may begin like the other: the longer one is meant.
        let (at, _, address) = found.into_iter().flatten().min()?;
        let (before, rest) = text.split_at_checked(at)?;
        Some((before, address, rest.strip_prefix(address)?))
    }

    /// The link here that takes the place of a path below an address, and the text after it.
    ///
    /// Mattermost servers write `plshared` for posts of the channel whatever the address, ours included. Other links
    /// to ours are what they say.
    fn here<'a>(
        &self,
        rows: &(impl Read + ?Sized),
        address: &str,
        path: &'a str,
    ) -> Option<(String, &'a str)> {
        let (_team, path) = segment(path.strip_prefix('/')?)?;
        let (kind, path) = segment(path.strip_prefix('/')?)?;
        let (name, after) = segment(path.strip_prefix('/')?)?;
        let ours = &self.ours;
        let is_theirs = address == self.theirs;
        let link = match kind {
            "pl" if !is_theirs => return None,
            "pl" | "plshared" => {
                let post = rows.get::<Post>(&lookup::post(rows, name)?)?;
                if post.delete_at != 0 || !self.is_read_here(rows, post.channel) {
                    return None;
                }
                let team = self.team.as_deref().unwrap_or("_redirect");
                format!("{ours}/{team}/pl/{name}")
            }
            "channels" if is_theirs => {
                let channel = lookup::channel_name(rows, self.channel.place.team()?, name)?;
                let is_shared = rows.get::<Channel>(&channel)?.shared;
                if !is_shared || !self.is_read_here(rows, channel) {
                    return None;
                }
                format!("{ours}/{}/channels/{name}", self.team.as_deref()?)
            }
            _ => return None,
        };
        Some((link, after))
    }

    /// Whether everybody who reads the text may read a channel: this one, and the public ones of its team. Of others
    /// the text must not tell whether they exist.
    fn is_read_here(&self, rows: &(impl Read + ?Sized), channel: ChannelNo) -> bool {
        let is_public_in_team = || {
            let team = rows.get::<Channel>(&channel)?.place.public_in()?;
            Some(self.channel.place.team() == Some(team))
        };
        channel == self.channel_no || is_public_in_team().unwrap_or(false)
    }
}

/// The name or ID at the beginning of a text, and what follows.
fn segment(text: &str) -> Option<(&str, &str)> {
    let is_of_it = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let length = text.bytes().take_while(|byte| is_of_it(*byte)).count();
    let (segment, after) = text.split_at_checked(length)?;
    (1..=SEGMENT_BYTES_MAX)
        .contains(&length)
        .then_some((segment, after))
}

#[cfg(test)]
mod tests {
    use causeway_kernel::boundary::input::Incarnation;
    use causeway_kernel::model::{ChannelKind, Config, MetaRow, Workspace};
    use causeway_kernel::rows::fixture::{self, id, put};
    use causeway_kernel::rows::id::{ConnectionNo, PostNo, WorkspaceNo};
    use causeway_kernel::rows::testing::MemoryHost;

    use super::*;

    const THEIRS: &str = "https://acme.example:8065/sub";
    const OURS: &str = "https://here.example";

    /// A post 40 of a peer in the public channel 1; posts 41 there, 42 in the public channel 8, 43 in the private
    /// channel 9, and 44 in a channel of another team.
    fn host() -> MemoryHost {
        let mut host = crate::json::tests::host();
        put(&mut host, |tx| {
            tx.put(&ConnectionNo(1), &crate::json::tests::connection_at(THEIRS));
            let workspace = Workspace {
                id: id('w', 1),
                incarnation: Incarnation {
                    id: id('i', 1),
                    number: 1,
                },
                site_url: OURS.into(),
                config: Config {
                    posts_per_sync_max: 50,
                    open_server: false,
                    backfill: false,
                },
            };
            tx.put(&MetaRow::WORKSPACE, &MetaRow::Workspace(workspace));
            fixture::put_team(tx, 7, "other", true);
            fixture::put_channel(tx, 8, 1, "news", ChannelKind::Public);
            fixture::put_channel(tx, 9, 1, "vault", ChannelKind::Private);
            fixture::put_channel(tx, 10, 7, "far", ChannelKind::Public);
            for (no, channel) in [(40, 1), (41, 1), (42, 8), (43, 9), (44, 10)] {
                let mut post = fixture::post(no, 100, None);
                post.origin = WorkspaceNo(1);
                post.channel = ChannelNo(channel);
                fixture::put_post(tx, no, &post);
            }
            for name in [8, 9] {
                let mut channel = tx.get::<Channel>(&ChannelNo(name)).unwrap();
                channel.shared = true;
                tx.put(&ChannelNo(name), &channel);
            }
        });
        host
    }

    fn seen(host: &MemoryHost, text: &str) -> String {
        let post = host.get::<Post>(&PostNo(40)).unwrap();
        shown(host, &post, text).into_owned()
    }

    #[test]
    fn a_link_to_what_readers_have_here_leads_here() {
        let host = host();
        for (kind, no) in [("pl", 41), ("plshared", 41), ("pl", 42)] {
            let post = id('p', no);
            let text = format!("see [this]({THEIRS}/their-team/{kind}/{post}), and that");
            let expected = format!("see [this]({OURS}/crew/pl/{post}), and that");
            assert_eq!(seen(&host, &text), expected);
        }
        let (near, own) = (id('p', 41), format!("{OURS}/any/pl/{}", id('p', 41)));
        let text = format!("{THEIRS}x {own} {OURS}/any/plshared/{near} {OURS}/t/channels/news");
        let expected = format!("{THEIRS}x {own} {OURS}/crew/pl/{near} {OURS}/t/channels/news");
        assert_eq!(seen(&host, &text), expected);
        let text = format!("{THEIRS}/t/channels/news {THEIRS}/t/channels/news?x");
        let expected = format!("{OURS}/crew/channels/news {OURS}/crew/channels/news?x");
        assert_eq!(seen(&host, &text), expected);
    }

    #[test]
    fn everything_else_stays_as_it_was_written() {
        let host = host();
        let [own, private, far, unknown] = [41, 43, 44, 99].map(|no| id('p', no));
        for text in [
            format!("{THEIRS}/t/pl/{private} {THEIRS}/t/pl/{far} {THEIRS}/t/pl/{unknown}"),
            format!("{THEIRS}/t/channels/vault {THEIRS}/t/channels/town-square"),
            format!("https://acme.example/t/pl/{own} {THEIRS}.evil/t/pl/{own} {THEIRS}t/pl/{own}"),
            format!("{THEIRS}/pl/{own} {THEIRS}//pl/{own} {THEIRS}/t/pl/ {THEIRS}/t/pl/{own}x"),
            format!("{THEIRS}/t/pl/{}", "p".repeat(100)),
            format!("é{THEIRS}é/pl/é/channels/é{THEIRS}"),
        ] {
            assert_eq!(seen(&host, &text), text);
        }
        let mut ours = host.get::<Post>(&PostNo(40)).unwrap();
        ours.origin = WorkspaceNo::OURS;
        let text = format!("{THEIRS}/t/pl/{own}");
        assert_eq!(shown(&host, &ours, &text), text);
    }

    #[test]
    fn so_many_addresses_of_a_text_are_looked_at() {
        let host = host();
        let link = format!("{THEIRS}/t/pl/{} ", id('p', 41));
        let text = seen(&host, &link.repeat(LINKS_MAX + 7));
        assert_eq!(text.matches(THEIRS).count(), 7);
    }
}
