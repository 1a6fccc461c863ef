//! `Team`, `TeamMember`.

use super::Renderer;
use crate::model::{Team, TeamMember};
use crate::rows::id::{TeamNo, UserNo};
use crate::rows::tx::Read;
use crate::wire::write::JsonWriter;

impl<R: Read + ?Sized> Renderer<'_, R> {
    /// A team. Invitations by link do not exist here, so `invite_id` is always blank.
    pub fn team(&self, w: &mut JsonWriter, team: &Team) {
        w.begin_object();
        w.text_field("id", team.id.as_str());
        w.integer_field("create_at", team.create_at);
        w.integer_field("update_at", team.update_at);
        w.integer_field("delete_at", team.delete_at);
        w.text_field("display_name", &team.display_name);
        w.text_field("name", &team.name);
        w.text_field("description", &team.description);
        w.text_field("email", "");
        w.text_field("type", if team.is_open { "O" } else { "I" });
        w.text_field("company_name", "");
        w.text_field("allowed_domains", "");
        w.text_field("invite_id", "");
        w.boolean_field("allow_open_invite", team.is_open);
        w.raw_field("scheme_id", "null");
        w.raw_field("group_constrained", "null");
        w.raw_field("policy_id", "null");
        w.boolean_field("cloud_limits_archived", false);
        w.end_object();
    }

    /// A member of a team.
    pub fn team_member(&self, w: &mut JsonWriter, team: TeamNo, user: UserNo, member: &TeamMember) {
        w.begin_object();
        w.text_field("team_id", &self.team_id(team));
        w.text_field("user_id", &self.user_id(user));
        w.text_field(
            "roles",
            if member.is_admin {
                "team_user team_admin"
            } else {
                "team_user"
            },
        );
        w.integer_field("delete_at", member.delete_at);
        w.boolean_field("scheme_guest", false);
        w.boolean_field("scheme_user", true);
        w.boolean_field("scheme_admin", member.is_admin);
        w.text_field("explicit_roles", "");
        w.end_object();
    }
}
