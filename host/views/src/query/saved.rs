//! Posts that a user has saved: the names of preferences of one category. Client API §6.4.

use std::cmp::Reverse;

use causeway_kernel::authority;
use causeway_kernel::model::{Channel, Post};
use causeway_kernel::rows::id::{ChannelNo, PostNo, TeamNo, UserNo};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;

use super::posts::{GROUP, PostList};
use super::{Page, existing, preferences};

/// Category of the preferences whose names are the ids of saved posts.
pub const CATEGORY: &str = "flagged_post";

/// Which saved posts are listed. What is named but unknown contains no posts, so that a list does not tell
/// whether it exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Within {
    /// Only those of this channel, if one is named.
    pub channel: Option<Option<ChannelNo>>,
    /// Only those of this team and of direct and group channels, if one is named.
    pub team: Option<Option<TeamNo>>,
}

/// A page of the live posts that a user has saved and may still read, newest first. Maximum posts that are
/// looked at: the preferences that a user may have.
pub fn page(rows: &(impl Read + ?Sized), user: UserNo, within: Within, page: Page) -> PostList {
    let saved: Vec<PostNo> = preferences::of_user(rows, user)
        .iter()
        .filter(|preference| preference.category == CATEGORY)
        .filter_map(|preference| lookup::post(rows, &preference.name))
        .collect();
    // Only the places are kept: together the posts may be much larger than a response.
    let mut places = Vec::new();
    for group in saved.chunks(GROUP) {
        for (post_no, post) in existing::<Post, _>(rows, group) {
            if is_listed(rows, user, within, &post) {
                places.push((Reverse(post.create_at), Reverse(post_no)));
            }
        }
    }
    places.sort_unstable();
    let mut list = PostList::default();
    let numbers: Vec<PostNo> = places.into_iter().map(|(_, post_no)| post_no.0).collect();
    list.add_all(rows, &page.of(numbers));
    list
}

fn is_listed(rows: &(impl Read + ?Sized), user: UserNo, within: Within, post: &Post) -> bool {
    post.delete_at == 0
        && within
            .channel
            .is_none_or(|channel| channel == Some(post.channel))
        && within
            .team
            .is_none_or(|team| is_in_team(rows, post.channel, team))
        && authority::may_read_channel(rows, post.channel, user)
}

/// Whether a channel is listed with those of a team: direct and group channels are, with those of each.
fn is_in_team(rows: &(impl Read + ?Sized), channel: ChannelNo, team: Option<TeamNo>) -> bool {
    rows.get::<Channel>(&channel)
        .is_some_and(|row| row.place.team().is_none() || row.place.team() == team)
}
