//! `Channel`, `ChannelMember`, `ChannelStats`, `ChannelUnread`.

use super::{Renderer, integer};
use crate::model::{Channel, ChannelMember};
use crate::query::channels;
use crate::rows::id::{ChannelNo, UserNo};
use crate::rows::tx::Read;
use crate::wire::write::JsonWriter;

/// Notification settings of a membership that set none.
const NOTIFY_PROPS: &str = r#"{"channel_auto_follow_threads":"off","desktop":"default","email":"default","ignore_channel_mentions":"default","mark_unread":"all","push":"default"}"#;

impl<R: Read + ?Sized> Renderer<'_, R> {
    /// A channel.
    pub fn channel(&self, w: &mut JsonWriter, channel: &Channel) {
        w.begin_object();
        self.channel_fields(w, channel);
        w.end_object();
    }

    /// A channel with the names of its team, as lists for administrators have it.
    pub fn channel_with_team(&self, w: &mut JsonWriter, channel: &Channel) {
        let team = self.rows.get::<crate::model::Team>(&channel.team);
        w.begin_object();
        self.channel_fields(w, channel);
        let (display_name, name, update_at) = team.map_or_else(Default::default, |team| {
            (team.display_name, team.name, team.update_at)
        });
        w.text_field("team_display_name", &display_name);
        w.text_field("team_name", &name);
        w.integer_field("team_update_at", update_at);
        w.end_object();
    }

    fn channel_fields(&self, w: &mut JsonWriter, channel: &Channel) {
        w.text_field("id", channel.id.as_str());
        w.integer_field("create_at", channel.create_at);
        w.integer_field("update_at", channel.update_at);
        w.integer_field("delete_at", channel.delete_at);
        w.text_field("team_id", &self.team_id(channel.team));
        w.text_field("type", channel.kind.letter());
        w.text_field("display_name", &channel.display_name);
        w.text_field("name", &channel.name);
        w.text_field("header", &channel.header);
        w.text_field("purpose", &channel.purpose);
        w.integer_field("last_post_at", channel.last_post_at);
        w.integer_field("total_msg_count", integer(channel.msg_count));
        w.integer_field("extra_update_at", 0);
        let creator = channel.creator.map(|creator| self.user_id(creator));
        w.text_field("creator_id", &creator.unwrap_or_default());
        w.raw_field("scheme_id", "null");
        w.raw_field("props", "null");
        w.raw_field("group_constrained", "null");
        w.boolean_field("autotranslation", false);
        w.boolean_field("shared", channel.shared);
        w.integer_field("total_msg_count_root", integer(channel.root_msg_count));
        w.raw_field("policy_id", "null");
        w.integer_field("last_root_post_at", channel.last_root_post_at);
        w.raw_field("banner_info", "null");
        w.boolean_field("policy_enforced", false);
        w.boolean_field("policy_is_active", false);
        w.text_field("default_category_name", "");
    }

    /// A member of a channel.
    pub fn channel_member(
        &self,
        w: &mut JsonWriter,
        channel: ChannelNo,
        user: UserNo,
        member: &ChannelMember,
    ) {
        let roles = if member.is_admin {
            "channel_user channel_admin"
        } else {
            "channel_user"
        };
        w.begin_object();
        w.text_field("channel_id", &self.channel_id(channel));
        w.text_field("user_id", &self.user_id(user));
        w.text_field("roles", roles);
        w.integer_field("last_viewed_at", member.last_viewed_at);
        w.integer_field("msg_count", integer(member.msg_count));
        w.integer_field("mention_count", 0);
        w.integer_field("mention_count_root", 0);
        w.integer_field("urgent_mention_count", 0);
        w.integer_field("msg_count_root", integer(member.root_msg_count));
        w.raw_field("notify_props", NOTIFY_PROPS);
        w.integer_field("last_update_at", member.update_at);
        w.boolean_field("scheme_guest", false);
        w.boolean_field("scheme_user", true);
        w.boolean_field("scheme_admin", member.is_admin);
        w.text_field("explicit_roles", "");
        w.boolean_field("autotranslation_disabled", false);
        w.end_object();
    }

    /// Figures of a channel; files do not exist here.
    pub fn channel_stats(&self, w: &mut JsonWriter, channel: ChannelNo) {
        w.begin_object();
        w.text_field("channel_id", &self.channel_id(channel));
        w.integer_field(
            "member_count",
            integer(channels::member_count(self.rows, channel)),
        );
        w.integer_field("guest_count", 0);
        w.integer_field(
            "pinnedpost_count",
            integer(channels::pinned_count(self.rows, channel)),
        );
        w.integer_field("files_count", 0);
        w.end_object();
    }

    /// What a member has not seen of a channel.
    pub fn channel_unread(
        &self,
        w: &mut JsonWriter,
        channel_no: ChannelNo,
        channel: &Channel,
        member: &ChannelMember,
    ) {
        let unseen = |all: u64, seen: u64| integer(all.saturating_sub(seen));
        w.begin_object();
        w.text_field("team_id", &self.team_id(channel.team));
        w.text_field("channel_id", &self.channel_id(channel_no));
        w.integer_field("msg_count", unseen(channel.msg_count, member.msg_count));
        w.integer_field("mention_count", 0);
        w.integer_field("mention_count_root", 0);
        w.integer_field("urgent_mention_count", 0);
        w.integer_field(
            "msg_count_root",
            unseen(channel.root_msg_count, member.root_msg_count),
        );
        w.end_object();
    }
}
