//! `Channel`, `ChannelMember`, `ChannelStats`, `ChannelUnread`.

use causeway_kernel::model::{Channel, ChannelFiles, ChannelMember, Place, Team};
use causeway_kernel::rows::id::{ChannelNo, UserNo};
use causeway_kernel::rows::tx::Read;
use serde::Serialize;

use super::{Null, Views};
use crate::query::notifications::{self, NotifyProps};
use crate::query::{channels, unread};

/// A channel as clients see it.
#[derive(Serialize)]
pub struct ChannelView<'a> {
    id: &'a str,
    create_at: i64,
    update_at: i64,
    delete_at: i64,
    team_id: String,
    #[serde(rename = "type")]
    kind: &'a str,
    display_name: &'a str,
    name: &'a str,
    header: &'a str,
    purpose: &'a str,
    last_post_at: i64,
    total_msg_count: u64,
    extra_update_at: i64,
    creator_id: String,
    scheme_id: Null,
    props: Null,
    group_constrained: Null,
    autotranslation: bool,
    shared: bool,
    total_msg_count_root: u64,
    policy_id: Null,
    last_root_post_at: i64,
    banner_info: Null,
    policy_enforced: bool,
    policy_is_active: bool,
    default_category_name: &'a str,
}

/// Something in a channel, or the channel itself, with the names of the channel's team.
#[derive(Serialize)]
pub struct WithTeamView<V> {
    #[serde(flatten)]
    view: V,
    team_display_name: String,
    team_name: String,
    team_update_at: i64,
}

/// A member of a channel as clients see it.
#[derive(Serialize)]
pub struct ChannelMemberView {
    channel_id: String,
    user_id: String,
    roles: &'static str,
    last_viewed_at: i64,
    msg_count: u64,
    mention_count: u64,
    mention_count_root: u64,
    urgent_mention_count: u64,
    msg_count_root: u64,
    notify_props: NotifyProps,
    last_update_at: i64,
    scheme_guest: bool,
    scheme_user: bool,
    scheme_admin: bool,
    explicit_roles: &'static str,
    autotranslation_disabled: bool,
}

/// Statistics of a channel.
#[derive(Serialize)]
pub struct ChannelStatsView {
    channel_id: String,
    member_count: u64,
    guest_count: u64,
    pinnedpost_count: u64,
    /// -1 = not counted.
    files_count: i64,
}

/// What a member has not seen in a channel.
#[derive(Serialize)]
pub struct ChannelUnreadView {
    team_id: String,
    channel_id: String,
    msg_count: u64,
    mention_count: u64,
    mention_count_root: u64,
    urgent_mention_count: u64,
    msg_count_root: u64,
}

impl<R: Read + ?Sized> Views<'_, R> {
    /// A channel.
    pub fn channel<'a>(&self, channel: &'a Channel) -> ChannelView<'a> {
        let creator = channel.creator.map(|creator| self.user_id(creator));
        ChannelView {
            id: channel.id.as_str(),
            create_at: channel.create_at,
            update_at: channel.update_at,
            delete_at: channel.delete_at,
            team_id: self.place_team_id(channel.place),
            kind: channel.place.letter(),
            display_name: &channel.display_name,
            name: &channel.name,
            header: &channel.header,
            purpose: &channel.purpose,
            last_post_at: channel.last_post_at,
            total_msg_count: channel.msg_count,
            extra_update_at: 0,
            creator_id: creator.unwrap_or_default(),
            scheme_id: (),
            props: (),
            group_constrained: (),
            autotranslation: false,
            shared: channel.shared,
            total_msg_count_root: channel.root_msg_count,
            policy_id: (),
            last_root_post_at: channel.last_root_post_at,
            banner_info: (),
            policy_enforced: false,
            policy_is_active: false,
            default_category_name: "",
        }
    }

    /// A channel with the names of its team, for administrators' lists.
    pub fn channel_with_team<'a>(&self, channel: &'a Channel) -> WithTeamView<ChannelView<'a>> {
        self.with_team(channel.place, self.channel(channel))
    }

    /// A member of a channel with the names of the channel's team, blank for a direct or group channel.
    pub fn channel_member_with_team(
        &self,
        channel: ChannelNo,
        user: UserNo,
        member: &ChannelMember,
    ) -> WithTeamView<ChannelMemberView> {
        let view = self.channel_member(channel, user, member);
        let place = self.rows.channel(channel).map(|channel| channel.place);
        self.with_team(place.unwrap_or(Place::Direct), view)
    }

    fn with_team<V>(&self, place: Place, view: V) -> WithTeamView<V> {
        let team = place.team().and_then(|team| self.rows.get::<Team>(&team));
        let (team_display_name, team_name, team_update_at) = team
            .map(|team| (team.display_name, team.name, team.update_at))
            .unwrap_or_default();
        WithTeamView {
            view,
            team_display_name,
            team_name,
            team_update_at,
        }
    }

    /// A member of a channel.
    pub fn channel_member(
        &self,
        channel: ChannelNo,
        user: UserNo,
        member: &ChannelMember,
    ) -> ChannelMemberView {
        let roles = if member.is_admin {
            "channel_user channel_admin"
        } else {
            "channel_user"
        };
        let mentioned = unread::mentioned(self.rows, channel, user, member);
        let channel_id = self.channel_id(channel);
        let notify_props = if self.viewer.is(user) || self.viewer.is_admin() {
            notifications::of_channel(self.rows, user, &channel_id)
        } else {
            notifications::channel_defaults()
        };
        ChannelMemberView {
            channel_id,
            user_id: self.user_id(user),
            roles,
            last_viewed_at: member.last_viewed_at,
            msg_count: member.msg_count,
            mention_count: mentioned.count,
            mention_count_root: mentioned.root_count,
            urgent_mention_count: 0,
            msg_count_root: member.root_msg_count,
            notify_props,
            last_update_at: member.update_at,
            scheme_guest: false,
            scheme_user: true,
            scheme_admin: member.is_admin,
            explicit_roles: "",
            autotranslation_disabled: false,
        }
    }

    /// Statistics of a channel; its files are counted on request.
    pub fn channel_stats(&self, channel: ChannelNo, with_files: bool) -> ChannelStatsView {
        let files = with_files.then(|| self.rows.get::<ChannelFiles>(&channel).unwrap_or_default());
        let files = files.map(|it| i64::try_from(it.files).unwrap_or(i64::MAX));
        ChannelStatsView {
            channel_id: self.channel_id(channel),
            member_count: channels::member_count(self.rows, channel),
            guest_count: 0,
            pinnedpost_count: channels::pinned_count(self.rows, channel),
            files_count: files.unwrap_or(-1),
        }
    }

    /// What a member has not seen in a channel.
    pub fn channel_unread(
        &self,
        channel_no: ChannelNo,
        channel: &Channel,
        user: UserNo,
        member: &ChannelMember,
    ) -> ChannelUnreadView {
        let unread = unread::of_channel(self.rows, (channel_no, channel), user, member);
        ChannelUnreadView {
            team_id: self.place_team_id(channel.place),
            channel_id: self.channel_id(channel_no),
            msg_count: unread.msg_count,
            mention_count: unread.mentioned.count,
            mention_count_root: unread.mentioned.root_count,
            urgent_mention_count: 0,
            msg_count_root: unread.msg_count_root,
        }
    }
}
