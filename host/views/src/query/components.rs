//! Where integrations work.

use causeway_kernel::rows::counters::connected_workspaces;
use causeway_kernel::rows::id::ChannelNo;
use causeway_kernel::rows::tx::Read;

/// Whether integrations work in a channel, and their buttons and menus are shown there. In channels that are shared
/// with other workspaces, only with the feature flag `EnableSharedChannelsPlugins`.
pub fn are_active(rows: &(impl Read + ?Sized), channel: ChannelNo) -> bool {
    let is_shared = rows.channel(channel).is_none_or(|channel| channel.shared);
    !is_shared || connected_workspaces(rows).plugins
}
