//! Where integrations work.

use causeway_kernel::gate::{self, Standing};
use causeway_kernel::model::{HiddenComponents, Post};
use causeway_kernel::rows::id::{ChannelNo, PostNo};
use causeway_kernel::rows::tx::Read;

/// Whether integrations work in a channel, as far as the workspace's setting decides: in channels that are shared with
/// other workspaces, only with the feature flag `EnableSharedChannelsPlugins`.
pub fn are_active(rows: &(impl Read + ?Sized), channel: ChannelNo) -> bool {
    gate::standing(rows, channel) != Standing::Off
}

/// Whether the components of a post are hidden: by the setting, or by the policies.
pub fn are_hidden(rows: &(impl Read + ?Sized), post_no: PostNo, post: &Post) -> bool {
    !are_active(rows, post.channel) || are_denied(rows, post_no, post)
}

/// Whether the policies hide the components of a post.
pub fn are_denied(rows: &(impl Read + ?Sized), post_no: PostNo, post: &Post) -> bool {
    gate::standing(rows, post.channel) == Standing::Asked && rows.has::<HiddenComponents>(&post_no)
}
